"""How many replications: sample until the intervals are narrow enough (Law & Kelton), and say what was reached.

An interval may look narrow by luck, above all when few replications have seen anything. So nothing counts as precise
before `START` replications, before it is made of `MADE_OF_MIN` of them, and before two looks in a row found it so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sim.results.reached import MADE_OF_MIN, Reached, State
from sim.stats import Estimate, precision_reached

START: Final = 20
GROWTH: Final = 1.3
CAP: Final = 1000
ZERO_MAX: Final = 100
"""A metric that is still zero, the same throughout or background after so many replications has nothing to wait for."""


@dataclass(frozen=True)
class Looked:
    """A metric after some replications, and of how many of them it is made (`sim.metrics.contributing`)."""

    estimate: Estimate
    made_of: float


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
    reached: tuple[Reached, ...] = ()
    states: dict[str, State] = {}
    count = 0
    for planned in stages():
        if (more := min(planned, room(count))) == count:
            break  # to look at the same again would confirm nothing
        count = more
        looked = look(count)
        reached = tuple(
            Reached(name, share, looked[name].estimate, "open", looked[name].made_of) for name, share in wanted.items()
        )
        narrow = {r.metric for r in reached if _narrow(looked[r.metric], r.wanted)}
        states = {r.metric: _state(looked[r.metric], r.metric in narrow & before) for r in reached}
        if "open" not in states.values() or count < planned:
            break
        before = narrow
    settled = tuple(replace(each, state=states[each.metric]) for each in reached)
    return Stop(count, settled, _why(list(states.values())))


def _why(states: Sequence[State]) -> str:
    """Why there are no more replications."""
    if "open" in states:
        return "the budget is spent"
    precise = states.count("precise")
    if precise == len(states):
        return "as precise as wanted"
    return f"nothing left to wait for: {precise} of {len(states)} metrics can be as precise as wanted"


def _narrow(looked: Looked, precision: float) -> bool:
    return looked.made_of >= MADE_OF_MIN and precision_reached(looked.estimate, precision, START)


def _state(looked: Looked, narrow_twice: bool) -> State:
    if narrow_twice:
        return "precise"
    estimate = looked.estimate
    if estimate.n < ZERO_MAX:
        return "open"
    if not estimate.value > 0:
        return "zero"
    if not math.isfinite(estimate.reach):
        return "alike"
    return "background" if not looked.made_of else "open"
