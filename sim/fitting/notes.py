"""What a reader notes while it goes through a file: samples, times, and every line that it could not make sense of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sim.units import DAY, FOREVER, SECOND, format_duration

Lines = Iterator[tuple[int, str]]
"""Numbers from 1, and texts without their ends."""
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
    dates: str | None = None
    """Of dates such as 3/2/2026, what comes first: "day-first" or "month-first"."""


@dataclass
class Notes:
    """One file, as far as it has been read. Times are nanoseconds; of the clock, since 1970."""

    options: Options = field(default_factory=Options)
    bad: list[Bad] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """What happened more than once, and how often."""
    used: int = 0
    """Lines that say something about leases or sleeps."""
    other: int = 0
    """Lines of the format about something else."""
    first_ns: int | None = None
    last_ns: int | None = None
    sleeps: list[tuple[int, int]] = field(default_factory=list)
    """Start and length."""
    unknown: list[tuple[int, int]] = field(default_factory=list)
    """Start and length of times of which the file does not say whether the machine was awake or asleep."""
    latencies: list[int] = field(default_factory=list)
    intervals: list[int] = field(default_factory=list)
    """From one renewal of a lease to its next."""
    statuses: Counter[str] = field(default_factory=Counter)
    """How renewals were answered."""
    _once: dict[str, int] = field(default_factory=dict)

    @property
    def remarks(self) -> list[str]:
        """Sentences for people: what was assumed, joined or left out."""
        return [*self.told, *(f"{text}: {count:,}" for text, count in self.counts.items() if count)]

    @property
    def awake_ns(self) -> int:
        """How long the file shows the machine awake."""
        covered = (self.last_ns or 0) - (self.first_ns or 0)
        return covered - _total([*self.sleeps, *self.unknown])

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

    def unsure(self, start_ns: int, stop_ns: int) -> None:
        """Note a time of which is not known whether the machine was awake."""
        if stop_ns > start_ns:
            self.unknown.append((start_ns, stop_ns - start_ns))

    def again(self, text: str, time_ns: int) -> int | None:
        """Return when this very line, which has a time, was there before; None if it was not. It is counted."""
        first = self._once.get(text)
        if first is None:
            self._once[text] = time_ns
        else:
            self.other += 1
            self.counts["lines that stand there again, word for word, and count once"] += 1
        return first

    def remark(self, text: str) -> None:
        """Note a sentence, once."""
        if text not in self.told:
            self.told.append(text)

    def close(self) -> None:
        """Join the sleeps that overlap, and say how much time is not known."""
        joined = merged(self.sleeps)
        self.counts["sleeps that overlap with another and were joined with it"] += len(self.sleeps) - len(joined)
        self.sleeps[:], self.unknown[:] = joined, merged(self.unknown)
        lost = _total([*self.sleeps, *self.unknown]) - _total(self.sleeps)
        if lost:
            spans = f"{len(self.unknown):,} time{'' if len(self.unknown) == 1 else 's'}"
            self.remark(
                f"neither awake nor asleep for all that is known: {spans}, {format_duration(lost)} in all (up to a "
                "boot, or a sleep whose beginning or end is not in the file); they count as neither"
            )
        self._once.clear()


def duration_ns(number: str, unit_ns: int) -> int:
    """Return so many units in nanoseconds; ValueError where that is longer than any simulation."""
    found = float(number) * unit_ns
    if not found < FOREVER:
        raise ValueError("no such duration: it is longer than 73 years")
    return round(found)


def nanoseconds(moment: datetime) -> int:
    """Return an aware time in nanoseconds since 1970, exactly."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (moment - epoch) // _MICRO * 1000


class Clock:
    """Gives times without an offset one: the zone that was named, else UTC; copes with the hour that comes twice."""

    def __init__(self, notes: Notes) -> None:
        self._notes, self._before, self._doubts = notes, 0, 0

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
            return nanoseconds(moment.replace(tzinfo=UTC))
        first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
            raise ValueError(f"there is no such time in {zone.key}: the clock went forward over it")
        self._before = self._of_two(nanoseconds(first), nanoseconds(second))
        return self._before

    def _of_two(self, first: int, second: int) -> int:
        """Choose between the two times that a clock shows the same, in the order of the file."""
        if first == second:
            self._doubts = 0
            return first
        if first < self._before <= second:
            self._notes.remark("the hour that comes twice when summer time ends was told by the order of the lines")
            self._notes.counts[_TWICE] -= self._doubts
            self._doubts = 0
            return second
        self._notes.counts[_TWICE] += 1
        self._doubts += 1
        return first


_TWICE: Final = "times in the hour that comes twice when summer time ends, taken for its first"


class DayCounter:
    """Turns times of day into a running time: where they go back, a midnight has passed."""

    def __init__(self, notes: Notes) -> None:
        self._notes, self._before, self._days = notes, -1, 1

    def at(self, since_midnight_ns: int) -> int:
        """Return nanoseconds from a midnight before the first line.

        A step back of less than an hour is disorder and no midnight; so is a step forward of more than 23 hours: a line
        from before midnight that comes after it.
        """
        if self._before >= 0 and since_midnight_ns > self._before + 23 * 3600 * SECOND:
            return (self._days - 1) * DAY + since_midnight_ns
        if since_midnight_ns < self._before - 3600 * SECOND:
            self._days += 1
            self._notes.remark("the lines have times of day only: where those go back, the next day begins")
            self._before = since_midnight_ns
        self._before = max(self._before, since_midnight_ns)
        return self._days * DAY + since_midnight_ns

    def back_to(self, time_ns: int) -> None:
        """Go on from a time that was returned before: the file tells it again."""
        self._days, self._before = divmod(time_ns, DAY)


def _total(spans: Sequence[tuple[int, int]]) -> int:
    return sum(length for _, length in merged(spans))


def merged(sleeps: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return sleeps in order, those that overlap or touch as one."""
    found: list[tuple[int, int]] = []
    for start, length in sorted(sleeps):
        if found and start <= sum(found[-1]):
            found[-1] = (found[-1][0], max(sum(found[-1]), start + length) - found[-1][0])
        else:
            found.append((start, length))
    return found
