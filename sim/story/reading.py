"""A trace read into lives, tenures, tries and faults: intervals instead of events, all ends exact."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from sim.model.faults import Fault
from sim.vocabulary import Halt, How, Kind


class Span(NamedTuple):
    """A half-open stretch of time."""

    start_ns: int
    stop_ns: int

    @property
    def length_ns(self) -> int:
        return self.stop_ns - self.start_ns

    def covers(self, time_ns: int) -> bool:
        return self.start_ns <= time_ns < self.stop_ns

    def shares(self, other: Span) -> bool:
        """Whether the two have time in common, more than a point."""
        return self.start_ns < other.stop_ns and other.start_ns < self.stop_ns

    def meets(self, start_ns: int, stop_ns: int) -> bool:
        """Whether it has a point in common with [start, stop]; a moment counts as a point."""
        return self.start_ns <= stop_ns and (self.stop_ns > start_ns or self.start_ns >= start_ns)


class Mark(NamedTuple):
    """Something that happened to a run at one instant; the columns are those of its event."""

    time_ns: int
    kind: Kind
    number: int
    value: int


@dataclass
class Try:
    """One renewal request, seen from both ends."""

    number: int
    lease: int
    sent_ns: int
    arrived_ns: int | None = None
    """When the authority acted on it; None where it never did."""
    renewed: bool = False
    answered_ns: int | None = None
    outcome: int | None = None


@dataclass
class Tenure:
    """One lease as the authority sees it, from its grant to its end."""

    lease: int
    run: Run
    granted_ns: int
    stopped_ns: int | None = None
    ended_by: Kind | None = None
    how: How | None = None
    expiries: list[tuple[int, int]] = field(default_factory=list)
    """(set at, expiry) in true time, the grant's own first."""

    @property
    def expiry_ns(self) -> int:
        return self.expiries[-1][1]

    @property
    def last_set_ns(self) -> int:
        """When its term was set last: by the grant, a renewal or a restart."""
        return self.expiries[-1][0]

    def held_at(self, time_ns: int) -> bool:
        return self.granted_ns <= time_ns and (self.stopped_ns is None or time_ns < self.stopped_ns)


Run = tuple[int, int]
"""(lane, generation)."""


@dataclass
class Life:
    """One run as it lives: what it does, what it believes, what befalls it."""

    lane: int
    generation: int
    host: int
    work_ns: int = 0
    arrived_ns: int | None = None
    started_ns: int | None = None
    ended: Mark | None = None
    """What ended its execution: STOP, FINISH, CRASH, CANCEL, TURNED_AWAY or DONE."""
    waiting: list[Span] = field(default_factory=list)
    provisioning: list[Span] = field(default_factory=list)
    believing: list[Span] = field(default_factory=list)
    executing: list[Span] = field(default_factory=list)
    halted: list[tuple[Span, Halt]] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def run(self) -> Run:
        return self.lane, self.generation

    @property
    def name(self) -> str:
        return f"run {self.lane}.{self.generation}"

    def executes_at(self, time_ns: int) -> bool:
        return any(span.covers(time_ns) for span in self.executing)

    def executed_ns(self, until_ns: int) -> int:
        """Return for how long it has executed up to a time."""
        return sum(max(0, min(span.stop_ns, until_ns) - span.start_ns) for span in self.executing)

    def first(self, kind: Kind, since_ns: int = 0) -> Mark | None:
        return next((mark for mark in self.marks if mark.kind is kind and mark.time_ns >= since_ns), None)

    def stretches(self) -> Iterator[Span]:
        """Every span in which the run exists, in no order."""
        yield from self.waiting
        yield from self.provisioning
        yield from self.believing
        yield from self.executing
        yield from (span for span, _ in self.halted)


@dataclass
class Strike:
    """One occurrence of a fault."""

    number: int
    fault: Fault
    target: int
    """The host, or the lane of the run; 0 for server and network."""
    generation: int
    span: Span

    def concerns(self, life: Life, server_host: int | None) -> bool:
        """Whether it stands between this run and the authority."""
        if self.fault.whom == "hosts":
            return self.target in (life.host, server_host)
        return self.fault.whom in ("server", "network") or (self.target, self.generation) == life.run


class Excess(NamedTuple):
    """An incident of over-allocation: more runs execute than there are slots, without a break."""

    span: Span
    steps: tuple[tuple[Span, int], ...]
    """Stretches with the number of runs above the limit."""

    @property
    def integral_ns(self) -> int:
        return sum(span.length_ns * above for span, above in self.steps)


class Release(NamedTuple):
    """A release that reached the authority, and what it did to the books."""

    time_ns: int
    run: Run
    lease: int
    """-1: there was no such lease any more."""
    before: int
    """Slots in use before it, and after."""
    after: int

    @property
    def counted_twice(self) -> bool:
        """Whether it gave a slot back that was given back already."""
        return self.lease < 0 and self.after < self.before


class Steps:
    """A piecewise constant number over time."""

    def __init__(self, first: int = 0) -> None:
        self.times: list[int] = [0]
        self.values: list[int] = [first]

    def set(self, time_ns: int, value: int) -> None:
        if self.times[-1] == time_ns:
            self.values[-1] = value
        elif self.values[-1] != value:
            self.times.append(time_ns)
            self.values.append(value)

    def at(self, time_ns: int) -> int:
        return self.values[max(0, bisect_right(self.times, time_ns) - 1)]

    def pieces(self, stop_ns: int) -> Iterator[tuple[Span, int]]:
        """Yield each stretch with its value, the last one up to `stop_ns`."""
        for index, value in enumerate(self.values):
            stop = self.times[index + 1] if index + 1 < len(self.times) else stop_ns
            if stop > self.times[index]:
                yield Span(self.times[index], stop), value


def count_spans(spans: Iterable[Span]) -> Steps:
    """Return how many of the spans cover each instant."""
    changes: dict[int, int] = {}
    for span in spans:
        changes[span.start_ns] = changes.get(span.start_ns, 0) + 1
        changes[span.stop_ns] = changes.get(span.stop_ns, 0) - 1
    steps, count = Steps(), 0
    for time_ns in sorted(changes):
        count += changes[time_ns]
        steps.set(time_ns, count)
    return steps


@dataclass
class Reading:
    """Everything that one replication shows."""

    slots: int
    end_ns: int
    lives: dict[Run, Life]
    tenures: list[Tenure]
    strikes: list[Strike]
    sweeps: list[tuple[int, int, int]]
    """(time, reaped, left for the next)."""
    in_use: Steps
    releases: list[Release]

    @cached_property
    def executing(self) -> Steps:
        """How many runs execute."""
        return count_spans(span for life in self.lives.values() for span in life.executing)

    @cached_property
    def excesses(self) -> list[Excess]:
        """The incidents of over-allocation in order of time."""
        found: list[list[tuple[Span, int]]] = []
        last_stop = -1
        for span, count in self.executing.pieces(self.end_ns):
            if count <= self.slots:
                continue
            if span.start_ns != last_stop:
                found.append([])
            found[-1].append((span, count - self.slots))
            last_stop = span.stop_ns
        return [Excess(Span(steps[0][0].start_ns, steps[-1][0].stop_ns), tuple(steps)) for steps in found]

    def tenures_of(self, run: Run) -> list[Tenure]:
        return [tenure for tenure in self.tenures if tenure.run == run]

    def holds_at(self, run: Run, time_ns: int) -> bool:
        """Whether the authority has a lease of this run in its books at a time."""
        return any(tenure.held_at(time_ns) for tenure in self.tenures_of(run))

    def executing_at(self, time_ns: int) -> list[Life]:
        return [life for life in self.lives.values() if life.executes_at(time_ns)]
