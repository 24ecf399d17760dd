"""What a reader notes while it goes through a file: samples, times, and every line that it could not make sense of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sim.units import SECOND

Lines = Iterator[tuple[int, str]]
"""Numbers from 1, and texts without their ends."""
_DAY: Final = 86_400 * SECOND
_MICRO: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Bad:
    """A line that should have been understood and was not."""

    line: int
    text: str
    why: str


@dataclass(frozen=True)
class Options:
    """What a file does not say of itself."""

    zone: ZoneInfo | None = None
    """Of times without an offset."""
    dark_wakes: str = "asleep"
    """Whether a maintenance wake of macOS is part of the sleep around it, or ends it."""
    column: str | None = None
    unit: str | None = None


@dataclass
class Notes:
    """One file, as far as it has been read. Times are nanoseconds; of the clock, since 1970."""

    options: Options = field(default_factory=Options)
    bad: list[Bad] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Sentences for people: what was assumed, joined or left out."""
    used: int = 0
    """Lines that say something about leases or sleeps."""
    other: int = 0
    """Lines of the format about something else."""
    first_ns: int | None = None
    last_ns: int | None = None
    sleeps: list[tuple[int, int]] = field(default_factory=list)
    """Start and length."""
    latencies: list[int] = field(default_factory=list)
    intervals: list[int] = field(default_factory=list)
    """From one renewal of a lease to its next."""
    statuses: Counter[str] = field(default_factory=Counter)
    """How renewals were answered."""

    def wrong(self, line: int, text: str, why: str) -> None:
        """Note a line that cannot be used."""
        self.bad.append(Bad(line, text.strip()[:160], why))

    def seen(self, time_ns: int) -> None:
        """Note that the file covers this time."""
        self.first_ns = time_ns if self.first_ns is None else min(self.first_ns, time_ns)
        self.last_ns = time_ns if self.last_ns is None else max(self.last_ns, time_ns)

    def slept(self, start_ns: int, stop_ns: int, line: int, text: str) -> None:
        """Note a sleep that ends at this line."""
        if stop_ns < start_ns:
            self.wrong(line, text, "it ends a sleep that begins later: the clock was set back")
        else:
            self.sleeps.append((start_ns, stop_ns - start_ns))

    def started(self, asleep_since_ns: int | None) -> None:
        """Note that the machine started anew: a sleep that it did not wake from has no end, and no length."""
        if asleep_since_ns is not None:
            self.remark("a sleep that ended with the machine's next start is left out: its length is not known")

    def took(self, time_ns: float) -> bool:
        """Note a latency; False for what is none: no answer is waited for longer than a day."""
        if not 0 <= time_ns <= _DAY:
            return False
        self.latencies.append(round(time_ns))
        return True

    def remark(self, text: str) -> None:
        """Note a sentence, once."""
        if text not in self.remarks:
            self.remarks.append(text)


def nanoseconds(moment: datetime) -> int:
    """Return an aware time in nanoseconds since 1970, exactly."""
    epoch = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
    return (moment - epoch) // _MICRO * 1000


class Clock:
    """Gives times without an offset one: the zone that was named, else UTC; copes with the hour that comes twice."""

    def __init__(self, notes: Notes) -> None:
        self._notes, self._before = notes, None if notes.options.zone is None else 0

    def at(self, moment: datetime) -> int:
        """Return the nanoseconds since 1970 of a time as it stands in the file, in the order of the file."""
        if moment.tzinfo is not None:
            return nanoseconds(moment)
        zone = self._notes.options.zone
        if zone is None:
            self._notes.remark(
                "the times have no zone: taken for UTC; lengths are right unless a clock change lies within "
                "(give --zone, such as --zone Europe/Berlin)"
            )
            return nanoseconds(moment.replace(tzinfo=ZoneInfo("UTC")))
        found = nanoseconds(moment.replace(tzinfo=zone))
        later = nanoseconds(moment.replace(tzinfo=zone, fold=1))
        if self._before is not None and found < self._before <= later:
            found = later
            self._notes.remark("the hour that comes twice when summer time ends was told by the order of the lines")
        self._before = found
        return found


class DayCounter:
    """Turns times of day into a running time: where they go back, a midnight has passed."""

    def __init__(self, notes: Notes) -> None:
        self._notes, self._before, self._days = notes, -1, 0

    def at(self, since_midnight_ns: int) -> int:
        """Return nanoseconds from the first midnight.

        A step back of less than an hour is disorder and no midnight; so is one forward of nearly a day after one.
        """
        if self._days and since_midnight_ns > self._before + 23 * 3600 * SECOND:
            return (self._days - 1) * _DAY + since_midnight_ns
        if since_midnight_ns < self._before - 3600 * SECOND:
            self._days += 1
            self._notes.remark("the lines have times of day only: where those go back, the next day begins")
            self._before = since_midnight_ns
        self._before = max(self._before, since_midnight_ns)
        return self._days * _DAY + since_midnight_ns


def merged(sleeps: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return sleeps in order, those that overlap or touch as one."""
    found: list[tuple[int, int]] = []
    for start, length in sorted(sleeps):
        if found and start <= sum(found[-1]):
            found[-1] = (found[-1][0], max(sum(found[-1]), start + length) - found[-1][0])
        else:
            found.append((start, length))
    return found
