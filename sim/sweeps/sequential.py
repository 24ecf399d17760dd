"""How many replications: sample until the intervals are narrow enough (Law & Kelton), and say what was reached.

An interval may look narrow by luck, above all when few replications have seen anything. So nothing counts as precise
before `START` replications, before `SEEN_MIN` of them saw something, and before two looks in a row found it so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sim.results.reached import Reached, State
from sim.stats import Estimate, precision_reached

START: Final = 20
GROWTH: Final = 1.3
CAP: Final = 1000
SEEN_MIN: Final = 10
"""Replications with something in them before a metric can be precise; their relative spread is unknown before."""
ZERO_MAX: Final = 100
"""A metric that is still zero, or the same throughout, after so many replications has nothing to wait for."""


@dataclass(frozen=True)
class Looked:
    """A metric after some replications, and in how many of them it was not zero."""

    estimate: Estimate
    seen: int


@dataclass(frozen=True)
class Stop:
    """How many replications there are, what every metric reached, and why it ended."""

    replications: int
    reached: tuple[Reached, ...]
    words: str


Look = Callable[[int], Mapping[str, Looked]]
Room = Callable[[int], int]
"""From the replications there are, how many there may be."""


def stages() -> Iterator[int]:
    """Yield after how many replications to look: seldom, since each look is another chance to stop by luck."""
    count = START
    while True:
        yield count
        count = round(count * GROWTH)


def sample(look: Look, wanted: Mapping[str, float], room: Room) -> Stop:
    """Look after ever more replications until every metric is as narrow as wanted, or `room` is used up."""
    before: set[str] = set()
    count = 0
    for planned in stages():
        count = min(planned, room(count))
        looked = look(count)
        reached = tuple(Reached(name, share, looked[name].estimate, "open") for name, share in wanted.items())
        narrow = {r.metric for r in reached if _narrow(looked[r.metric], r.wanted)}
        states = {r.metric: _state(r, r.metric in narrow & before) for r in reached}
        if "open" not in states.values() or count < planned:
            break
        before = narrow
    settled = tuple(replace(each, state=states[each.metric]) for each in reached)
    return Stop(count, settled, _why(list(states.values())))


def _why(states: Sequence[State]) -> str:
    if "open" in states:
        return "the budget is spent"
    idle = sum(state != "precise" for state in states)
    if idle:
        return f"nothing left to wait for: {idle} of {len(states)} metrics did not vary"
    return "as precise as wanted"


def _narrow(looked: Looked, precision: float) -> bool:
    return looked.seen >= SEEN_MIN and precision_reached(looked.estimate, precision, START)


def _state(reached: Reached, narrow_twice: bool) -> State:
    if narrow_twice:
        return "precise"
    estimate = reached.estimate
    if estimate.n >= ZERO_MAX and not estimate.value > 0:
        return "zero"
    return "alike" if estimate.n >= ZERO_MAX and not math.isfinite(estimate.reach) else "open"
