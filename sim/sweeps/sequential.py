"""How many replications: sample until the intervals are narrow enough (Law & Kelton), and say what was reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sim.stats import Estimate, precision_reached

START: Final = 10
GROWTH: Final = 1.5
CAP: Final = 1000
ZERO_MAX: Final = 100
"""A metric that is still zero after so many replications has no relative precision to wait for."""

Estimates = Mapping[str, Estimate]


@dataclass(frozen=True)
class Stop:
    """How many replications there are, and in words what that gave."""

    replications: int
    words: str


def stages(cap: int) -> Iterator[int]:
    """Yield after how many replications to look: seldom, since each look is another chance to stop by luck."""
    count = START
    while count < cap:
        yield count
        count = round(count * GROWTH)
    yield cap


def sample(look: Callable[[int], Estimates], targets: Sequence[str], precision: float, cap: int = CAP) -> Stop:
    """Look after ever more replications until each target's half-width is at most `precision` of its value."""
    for count in stages(cap):
        estimates = look(count)
        states = {name: _state(estimates[name], count, precision) for name in targets}
        if "open" not in states.values():
            break
    reached = ", ".join(f"{name} {_reached(estimates[name])}" for name in targets)
    why = "the cap; wanted" if "open" in states.values() else "wanted"
    return Stop(count, f"{why} half-widths of {precision:.0%}: {reached}")


def _state(estimate: Estimate, count: int, precision: float) -> Literal["precise", "zero", "open"]:
    if precision_reached(estimate, precision):
        return "precise"
    return "zero" if count >= ZERO_MAX and not estimate.value > 0 else "open"


def _reached(estimate: Estimate) -> str:
    if not estimate.value > 0:
        return "zero throughout"
    share = estimate.reach / estimate.value
    return f"{share:.0%}" if math.isfinite(share) else "unknown"
