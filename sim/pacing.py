"""How much work makes a task, and how many are out at a time: enough that nobody waits and that handing them out costs
little beside the work. What comes out never depends on it.

The one place outside of the command line that looks at a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

TARGET_S: Final = 0.25
"""Seconds a task should take at least."""
COST_S: Final = 0.004
"""Seconds that go into handing out one task on a cluster; it is done one after the other, however many are at work."""
WINDOW: Final = 64
"""Tasks that an executor is given at first, if its size is its owner's affair."""
WINDOW_MAX: Final = 65_536
EVERY_S: Final = 2.0
"""Seconds between two times that results are written down: a kill in between costs that much work again."""
_GROWTH: Final = 2


def seconds_now() -> float:
    """Return seconds since some moment."""
    return perf_counter()


def timed(function: Callable[[Given], Made], given: Given) -> tuple[float, Made]:
    """Return the seconds that a call took, and what it returned."""
    start = seconds_now()
    made = function(given)
    return seconds_now() - start, made


class Pace:
    """Learns from every finished task how large the next ones should be; the first are the smallest there are.

    Args:
        fixed: replications a task; by default as many as take `TARGET_S`, or `COST_S` for each task that is out.
        window: tasks that are out at a time: twice the workers, so that each has its next one at hand.
        grows: whether there may be more workers than that.
    """

    def __init__(self, fixed: int | None = None, window: int = WINDOW, *, grows: bool = False) -> None:
        self.size, self.window = fixed or 1, window
        self._fixed, self._grows = fixed, grows
        self._since, self._worked_s, self._ended = seconds_now(), 0.0, 0

    def heard(self, count: int, seconds: float) -> None:
        """Take into account that a task of `count` replications took `seconds`."""
        self._worked_s, self._ended = self._worked_s + seconds, self._ended + 1
        if self._grows and self._ended >= self.window:
            self._widen()
        if self._fixed is None:
            target = max(TARGET_S, COST_S * self.window)
            wanted = int(count * target / seconds) if seconds > 0 else _GROWTH * count
            self.size = max(1, min(wanted, _GROWTH * max(count, self.size)))

    def _widen(self) -> None:
        """Have twice as many tasks out as were worked on at a time while the last ones of that number ended."""
        now = seconds_now()
        at_work = self._worked_s / max(now - self._since, 1e-9)
        self.window = min(WINDOW_MAX, max(self.window, round(2 * at_work)))
        self._since, self._worked_s, self._ended = now, 0.0, 0

    def next(self, left: int) -> int:
        """Return how many of the `left` replications the next task gets: less towards the end, lest one is late."""
        if self._fixed is not None:
            return self._fixed
        return max(1, min(self.size, -(-left // self.window)))


class Seldom:
    """Says when enough time has gone by since the last time: what costs the same for one result or a hundred waits."""

    def __init__(self) -> None:
        self._last = seconds_now() - EVERY_S

    def due(self) -> bool:
        """Return whether it is time again; the time counts from when this was last so."""
        now = seconds_now()
        if now - self._last < EVERY_S:
            return False
        self._last = now
        return True
