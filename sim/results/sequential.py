"""How many replications: sample until the intervals are narrow enough (Law & Kelton), and say what was reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sim.stats import Estimate, precision_reached

START: Final = 10
GROWTH: Final = 1.5
CAP: Final = 1000
ZERO_MAX: Final = 100
"""A metric that is still zero after so many replications has no relative precision to wait for."""

Estimates = Mapping[str, Estimate]


@dataclass(frozen=True)
class Stop:
    """Why sampling stopped, for people."""

    replications: int
    words: str


def stages(cap: int) -> Iterator[int]:
    """Yield after how many replications to look: seldom, since each look is another chance to stop by luck."""
    count = START
    while count < cap:
        yield count
        count = round(count * GROWTH)
    yield cap


def sample(
    look: Callable[[int], Estimates], targets: Sequence[str], precision: float, cap: int = CAP
) -> Stop:
    """Look after ever more replications until each target's half-width is at most `precision` of its value."""
    for count in stages(cap):
        estimates = look(count)
        open_targets = [
            name for name in targets if not (_precise(estimates[name], precision) or _hopeless(estimates[name], count))
        ]
        if not open_targets or count >= cap:
            break
    reached = ", ".join(f"{name} {_reached(estimates[name])}" for name in targets)
    wanted = f"half-widths of {precision:.0%} of {' and '.join(targets)}"
    why = f"{wanted} reached" if not open_targets else f"the cap, before {wanted}"
    zero = [name for name in targets if name not in open_targets and not _precise(estimates[name], precision)]
    given_up = f"; {' and '.join(zero)} stayed zero" if zero else ""
    return Stop(count, f"stopped after {count}: {why}{given_up} (now {reached})")


def _precise(estimate: Estimate, precision: float) -> bool:
    return precision_reached(estimate, precision)


def _hopeless(estimate: Estimate, count: int) -> bool:
    return count >= ZERO_MAX and not estimate.value > 0


def _reached(estimate: Estimate) -> str:
    return f"{estimate.half_width / estimate.value:.0%}" if estimate.value > 0 else "zero"
