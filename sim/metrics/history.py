"""What a trace says about one lease or one fault, looked up when it is asked for: most leases never are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from sim.vocabulary import Kind, Outcome

if TYPE_CHECKING:
    from sim.model.scenario import Scenario
    from sim.trace import Trace

Target = tuple[int, int] | int | None
"""Whom a fault befalls: a run (lane, generation), a host, or (None) everyone."""

_SENT: Final = (Kind.SEND, Kind.SENT_EARLIER)
_RENEWED: Final = (Kind.RENEWED, Kind.RENEWED_EARLIER, Kind.SKIPPED)
_EARLIER: Final = (Kind.SENT_EARLIER, Kind.RENEWED_EARLIER, Kind.SKIPPED)
_TELLING: Final = (*_SENT, *_RENEWED, Kind.DENIED, Kind.ANSWER, Kind.RESET)
_FAULTY: Final = (Kind.FAULT_BEGIN, Kind.FAULT_END)
_ANSWERED: Final = frozenset({Outcome.OK, Outcome.GONE, Outcome.FULL, Outcome.QUEUED})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One renewal request and how it ended at the holder."""

    sent_ns: int
    ended_ns: int
    outcome: int

    @property
    def failed(self) -> bool:
        """Whether no answer of the authority came back, or an error."""
        return self.outcome not in _ANSWERED

    @property
    def timed_out(self) -> bool:
        """Whether the holder gave up waiting."""
        return self.outcome in (Outcome.CONNECT_TIMEOUT, Outcome.READ_TIMEOUT)

    def overlap(self, begin_ns: int, end_ns: int) -> int:
        """Return how long the exchange and an interval coincide; negative where they do not."""
        return min(self.ended_ns, end_ns) - max(self.sent_ns, begin_ns)


@dataclass(slots=True)
class LeaseHistory:
    """The renewals of one lease, in order of time."""

    sent: list[int] = field(default_factory=list)
    renewed: list[int] = field(default_factory=list)
    denied: list[int] = field(default_factory=list)
    reset: list[int] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a fault befell a target."""

    fault: int
    begin_ns: int
    end_ns: int


class History:
    """Leases and faults of one trace."""

    def __init__(self, trace: Trace, scenario: Scenario) -> None:
        self._trace = trace
        self._faults = scenario.faults
        self._server_on_host_0 = scenario.server.host == "shared"

    def lease(self, lease: int) -> LeaseHistory:
        """Return the renewals of `lease`."""
        numbers, rows = self._by_lease
        first, last = np.searchsorted(numbers, (lease, lease + 1))
        found, open_since = LeaseHistory(), dict[int, int]()
        simple = {Kind.DENIED: found.denied, Kind.RESET: found.reset, **dict.fromkeys(_RENEWED, found.renewed)}
        for row_time, kind, _, _, number, _, value in rows[first:last].tolist():
            time = value if kind in _EARLIER else row_time
            if kind in _SENT:
                open_since[number] = time
                found.sent.append(time)
            elif kind == Kind.ANSWER:
                found.exchanges.append(Exchange(open_since.pop(number, time), time, value))
            else:
                simple[kind].append(time)
        return found

    @cached_property
    def _by_lease(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        rows = self._trace.rows
        rows = rows[np.isin(rows[:, 1], _TELLING)]
        rows = rows[np.argsort(rows[:, 5], kind="stable")]
        return rows[:, 5], rows

    def over(self, lane: int, generation: int) -> int:
        """Return when a run was over for good, or the end of the trace."""
        return self._over.get((lane, generation), self._trace.end_ns)

    @cached_property
    def _over(self) -> dict[tuple[int, int], int]:
        rows = self._trace.rows
        return {(lane, number): time for time, _, lane, number, *_ in rows[rows[:, 1] == Kind.DONE].tolist()}

    def faults(self, lane: int, generation: int, host: int, since: int, until: int) -> Iterator[Occurrence]:
        """Yield what befell a run on `host`, its host or everyone in [since, until], ends included."""
        for target in ((lane, generation), host, None):
            for line in self._lines.get(target, {}).values():
                yield from line.within(since, until)

    @cached_property
    def _lines(self) -> dict[Target, dict[int, _Line]]:
        rows = self._trace.rows
        lines: dict[Target, dict[int, _Line]] = {}
        for time, kind, lane, generation, number, _, _ in rows[np.isin(rows[:, 1], _FAULTY)].tolist():
            of_target = lines.setdefault(self._target(number, lane, generation), {})
            line = of_target.setdefault(number, _Line(number, self._trace.end_ns))
            if kind == Kind.FAULT_BEGIN:
                line.begin(time)
            else:
                line.end(time)
        return lines

    def _target(self, number: int, lane: int, generation: int) -> Target:
        whom = self._faults[number].whom
        if whom == "runs":
            return lane, generation
        if whom == "hosts" and not (lane == 0 and self._server_on_host_0):
            return lane
        return None


class _Line:
    """The occurrences of one fault on one target: one begins after the other has ended."""

    def __init__(self, fault: int, end_ns: int) -> None:
        self._fault, self._end_ns = fault, end_ns
        self._begins: list[int] = []
        self._ends: list[int] = []

    def begin(self, time: int) -> None:
        self._begins.append(time)
        self._ends.append(self._end_ns)

    def end(self, time: int) -> None:
        self._ends[-1] = time

    def within(self, since: int, until: int) -> Iterator[Occurrence]:
        for index in range(bisect_right(self._begins, until) - 1, -1, -1):
            if self._ends[index] < since:
                return
            yield Occurrence(self._fault, self._begins[index], self._ends[index])
