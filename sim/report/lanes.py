"""Which rows a timeline has: the authority's slots above, the runs of the window below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sim.report.timeaxis import TimeAxis
from sim.story.reading import Life, Reading, Span, Strike, Tenure
from sim.vocabulary import Kind

ROWS_MAX: Final = 12
SLOT_ROWS_MAX: Final = 8
_GAP: Final = 0.55
_SLOT_HEIGHT: Final = 0.62
_ALARMING: Final = (Kind.LOST, Kind.STOP, Kind.CRASH)


@dataclass
class Lanes:
    """The rows of one picture; y grows downwards."""

    slots: list[list[Tenure]]
    """Each row of the authority's block: leases that follow each other."""
    rows: list[list[Life]]
    """Each row below: the runs of one lane, which follow each other."""
    left_out: int
    leases_left_out: int
    server_host: int | None
    """The host that the authority shares, or None."""

    def slot_y(self, row: int) -> float:
        """The middle of a row of the authority's block."""
        return (row + 0.5) * _SLOT_HEIGHT

    def name(self, row: int) -> str:
        """What stands at the left of a row of runs."""
        lives = self.rows[row]
        runs = lives[0].name if len(lives) == 1 else f"runs {lives[0].lane}.*"
        return f"{runs}\non host {lives[0].host}"

    def life_y(self, row: int) -> float:
        """The middle of a run's row."""
        return self.authority_bottom + _GAP + row + 0.5

    @property
    def authority_bottom(self) -> float:
        return max(1, len(self.slots)) * _SLOT_HEIGHT

    @property
    def bottom(self) -> float:
        return self.authority_bottom + _GAP + max(1, len(self.rows))

    def bands(self, strike: Strike) -> Iterator[tuple[float, float]]:
        """Yield (top, bottom) of each group of adjacent rows that a fault concerns."""
        whom = strike.fault.whom
        if whom == "server" or (whom == "hosts" and strike.target == self.server_host):
            yield 0.0, self.authority_bottom
        rows = [row for row, lives in enumerate(self.rows) if any(_befalls(strike, life) for life in lives)]
        while rows:
            first = last = rows.pop(0)
            while rows and rows[0] == last + 1:
                last = rows.pop(0)
            yield self.life_y(first) - 0.5, self.life_y(last) + 0.5


def _befalls(strike: Strike, life: Life) -> bool:
    whom = strike.fault.whom
    if whom == "hosts":
        return life.host == strike.target
    if whom == "runs":
        return life.run == (strike.target, strike.generation)
    return whom == "network"


def lanes_of(reading: Reading, axis: TimeAxis, shared_host: bool) -> Lanes:
    """Return the rows for a window: the runs that matter most, in order of host, lane and generation."""
    present = [life for life in reading.lives.values() if _present(life, axis)]
    excesses = [excess.span for excess in reading.excesses if axis.shows(*excess.span)]
    lanes: dict[int, list[Life]] = {}
    for life in sorted(present, key=lambda life: life.run):
        lanes.setdefault(life.lane, []).append(life)
    ranks = {lane: min(_rank(life, axis, excesses) for life in lives) for lane, lives in lanes.items()}
    chosen = sorted(sorted(lanes, key=lambda lane: (ranks[lane], lane))[:ROWS_MAX], key=lambda n: (lanes[n][0].host, n))
    rows = [lanes[lane] for lane in chosen]
    slots, without_row = _packed(reading, axis)
    left_out = len(present) - sum(len(row) for row in rows)
    return Lanes(slots, rows, left_out, without_row, 0 if shared_host else None)


def _present(life: Life, axis: TimeAxis) -> bool:
    return any(axis.shows(*span) for span in life.stretches())


def _rank(life: Life, axis: TimeAxis, excesses: list[Span]) -> int:
    visible = [span for span in life.executing if axis.shows(*span)]
    alarming = any(mark.kind in _ALARMING and axis.start_ns <= mark.time_ns <= axis.stop_ns for mark in life.marks)
    if alarming or any(a.meets(*b) for a in visible for b in excesses):
        return 0
    if visible:
        return 1
    return 2 if any(axis.shows(*span) for span in life.provisioning) else 3


def _packed(reading: Reading, axis: TimeAxis) -> tuple[list[list[Tenure]], int]:
    """Leases in as few rows as hold them, each in the first that is free; and how many found no row."""
    rows: list[list[Tenure]] = []
    without = 0
    for tenure in sorted(reading.tenures, key=lambda tenure: (tenure.granted_ns, tenure.lease)):
        if not axis.shows(tenure.granted_ns, end_of(tenure, reading.end_ns)):
            continue
        free = next((row for row in rows if end_of(row[-1], reading.end_ns) <= tenure.granted_ns), None)
        if free is not None:
            free.append(tenure)
        elif len(rows) < SLOT_ROWS_MAX:
            rows.append([tenure])
        else:
            without += 1
    return rows, without


def end_of(tenure: Tenure, end_ns: int) -> int:
    """Return when the authority no longer has a lease."""
    return end_ns if tenure.stopped_ns is None else tenure.stopped_ns
