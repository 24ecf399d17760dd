"""Logs that begin with the newest line, as ``journalctl -r`` and many web pages write them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from sim.fitting.notes import Lines, Notes
from sim.units import DAY

_LOOKED_AT: Final = 20_000
"""Lines, from the first on, that show which way a file runs."""
_STEPS: Final = 3
"""One step or two may be a clock that was set back."""


def oldest_first(lines: Lines, time_of: Callable[[str], int | None], notes: Notes) -> Lines:
    """Return the lines of a file from the oldest on: turned round where more steps go back in time than forth.

    Args:
        lines: as they stand in the file; they keep their numbers.
        time_of: nanoseconds, of any day before 1971 where a line has a time of day only; None where it has no time.
        notes: told of it.
    """
    listed = list(lines)
    times = [time for _, text in listed[:_LOOKED_AT] if (time := time_of(text)) is not None]
    steps = [_step(then, now) for then, now in pairwise(times)]
    back, forth = sum(step < 0 for step in steps), sum(step > 0 for step in steps)
    if back > max(forth, _STEPS - 1):
        notes.remark("the newest line stands first: the file was read from its last line to its first")
        listed.reverse()
    return iter(listed)


def _step(then: int, now: int) -> int:
    """Return the time from one line to the next; of times of day, the shorter way round the clock."""
    if max(then, now) >= DAY:
        return now - then
    return (now - then + DAY // 2) % DAY - DAY // 2
