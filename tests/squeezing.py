"""What fast-forward makes of a trace, made from a plain one: routine renewals left out, and counted instead."""

from __future__ import annotations

from dataclasses import dataclass

from sim.model.scenario import Scenario
from sim.trace import Row, Trace
from sim.vocabulary import Kind, Outcome

_RENEWAL = (Kind.SEND, Kind.RENEWED, Kind.ANSWER)
_POLL = (Kind.ASK, Kind.REFUSE)


@dataclass
class Stretch:
    """The renewals of one lease that are left out so far, and the one under way."""

    skipped: int = 0
    granted_ns: int = 0
    """When the last of them was granted."""
    sent: Row | None = None
    renewed: Row | None = None


class Squeezer:
    """Writes rows, late where they can wait: a stretch ends when anything but a renewal happens."""

    def __init__(self, scenario: Scenario) -> None:
        self.rows: list[Row] = []
        self._faults, self._warmup = scenario.faults, scenario.warmup
        self._stretches: dict[int, Stretch] = {}
        self._who: dict[int, tuple[int, int]] = {}
        self._slow = 0

    def take(self, row: Row) -> None:
        """Write a row, or leave it out for now."""
        kind = row[1]
        if kind in _POLL:
            return
        if kind not in _RENEWAL:
            self.flush(row[0])
            if kind in (Kind.FAULT_BEGIN, Kind.FAULT_END) and self._faults[row[4]].what == "slow":
                self._slow += 1 if kind == Kind.FAULT_BEGIN else -1
            self.rows.append(row)
        elif not (self._slow == 0 and self._is_routine(row)):
            self._flush_one(row[5], row[0])
            self.rows.append(row)

    def _is_routine(self, row: Row) -> bool:
        time, kind, lane, generation, number, lease, value = row
        stretch = self._stretches.setdefault(lease, Stretch())
        self._who[lease] = lane, generation
        if kind == Kind.SEND:
            if stretch.sent is not None:
                self._flush_one(lease, time)
            self._stretches.setdefault(lease, Stretch()).sent = row
            return True
        if stretch.sent is None or stretch.sent[4] != number or (kind == Kind.RENEWED) == (stretch.renewed is not None):
            return False
        if kind == Kind.RENEWED:
            stretch.renewed = row
            return True
        if value != Outcome.OK or self._is_late(stretch.sent[0]) != self._is_late(time):
            return False
        if stretch.skipped and self._is_late(stretch.granted_ns) != self._is_late(time):
            self._write(Kind.SKIPPED, time, stretch.skipped, lease, stretch.granted_ns)
            stretch.skipped = 0
        assert stretch.renewed is not None
        stretch.skipped, stretch.granted_ns = stretch.skipped + 1, stretch.renewed[0]
        stretch.sent = stretch.renewed = None
        return True

    def _is_late(self, time: int) -> bool:
        return time >= self._warmup

    def flush(self, time: int) -> None:
        """End every stretch."""
        for lease in list(self._stretches):
            self._flush_one(lease, time)

    def _flush_one(self, lease: int, time: int) -> None:
        stretch = self._stretches.pop(lease, Stretch())
        if stretch.skipped:
            self._write(Kind.SKIPPED, time, stretch.skipped, lease, stretch.granted_ns)
        if stretch.sent is not None:
            self._write(Kind.SENT_EARLIER, time, stretch.sent[4], lease, stretch.sent[0])
        if stretch.renewed is not None:
            self._write(Kind.RENEWED_EARLIER, time, stretch.renewed[4], lease, stretch.renewed[0])

    def _write(self, kind: Kind, time: int, number: int, lease: int, value: int) -> None:
        self.rows.append((time, kind, *self._who[lease], number, lease, value))


def squeezed(trace: Trace, scenario: Scenario) -> Trace:
    """Return the trace without its routine renewals and polls."""
    squeezer = Squeezer(scenario)
    for row in trace.rows.tolist():
        squeezer.take(tuple(row))
    squeezer.flush(trace.end_ns)
    return Trace(squeezer.rows, trace.end_ns)
