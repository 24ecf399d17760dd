"""How much work makes a task: enough that handing it out costs nothing beside it. What comes out never depends on it.

The one place outside of the command line that looks at a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

TARGET_S: Final = 0.25
"""Seconds a task should take: a few milliseconds go into handing one out, on a cluster more than on one machine."""
EVERY_S: Final = 1.0
"""Seconds between two times that results are written down: a kill in between costs that much work again."""
_GROWTH: Final = 2


def timed(function: Callable[[Given], Made], given: Given) -> tuple[float, Made]:
    """Return the seconds that a call took, and what it returned."""
    start = perf_counter()
    made = function(given)
    return perf_counter() - start, made


class Pace:
    """Learns from every finished task how large the next ones should be; the first are the smallest there are."""

    def __init__(self, fixed: int | None = None, target_s: float = TARGET_S) -> None:
        self.size, self._fixed, self._target_s = fixed or 1, fixed, target_s

    def heard(self, count: int, seconds: float) -> None:
        """Take into account that a task of `count` replications took `seconds`."""
        if self._fixed is None:
            wanted = int(count * self._target_s / seconds) if seconds > 0 else _GROWTH * count
            self.size = max(1, min(wanted, _GROWTH * max(count, self.size)))

    def next(self, left: int, workers: int) -> int:
        """Return how many of the `left` replications the next task gets: less towards the end, lest one is late."""
        if self._fixed is not None:
            return self._fixed
        return max(1, min(self.size, -(-left // (2 * workers))))


class Seldom:
    """Says when enough time has gone by since the last time: what costs the same for one result or a hundred waits."""

    def __init__(self) -> None:
        self._last = perf_counter() - EVERY_S

    def due(self) -> bool:
        """Return whether it is time again; the time counts from when this was last so."""
        now = perf_counter()
        if now - self._last < EVERY_S:
            return False
        self._last = now
        return True
