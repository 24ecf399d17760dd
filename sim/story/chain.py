"""Which run a bad moment is about, and the stretch of time that explains it."""

from __future__ import annotations

from dataclasses import dataclass

from sim.model.scenario import Scenario
from sim.story.reading import Excess, Life, Mark, Reading, Release, Tenure, Try
from sim.vocabulary import Kind

_WINDOW_TERMS = 20
"""A window by itself reaches at most so many lease durations to either side of its moment."""

_SOON_TERMS = 4
"""A slot granted again within so many terms belongs to the picture."""


@dataclass(frozen=True)
class Chain:
    """The run in question and what belongs to its loss."""

    life: Life
    tenure: Tenure | None
    """Its lease as the authority had it; None where it executed without one."""
    excess: Excess | None
    lost: Mark | None
    debt: Release | None
    """The release that counted a slot free for the second time, where that let in one run too many."""
    start_ns: int
    """The last time the lease was set to run: the grant, or the last renewal that counted."""
    stop_ns: int
    """The run no longer executes, or the last consequence is over."""

    @property
    def over_ns(self) -> int:
        """When the loss itself was over: later faults have no part in it."""
        if self.lost is not None:
            return self.lost.time_ns
        ended = self.life.ended
        return min(self.stop_ns, ended.time_ns) if ended is not None else self.stop_ns


def worst_focus(reading: Reading, since_ns: int = 0) -> int | None:
    """Return the beginning of the longest over-allocation, else the first stop by lease logic, else None."""
    excesses = [excess for excess in reading.excesses if excess.span.stop_ns > since_ns]
    if excesses:
        return max(excesses, key=lambda excess: excess.span.length_ns).span.start_ns
    stops = [
        mark.time_ns
        for life in reading.lives.values()
        for mark in life.marks
        if mark.kind is Kind.STOP and mark.time_ns >= since_ns
    ]
    return min(stops, default=None)


def chain_at(reading: Reading, focus_ns: int) -> Chain | None:
    """Return the chain around a time: of the over-allocation under way then, else of the nearest loss."""
    for excess in reading.excesses:
        if excess.span.start_ns <= focus_ns <= excess.span.stop_ns:
            return _of_excess(reading, excess)
    losses = [
        (abs(mark.time_ns - focus_ns), life.run)
        for life in reading.lives.values()
        for mark in life.marks
        if mark.kind in (Kind.STOP, Kind.LOST)
    ]
    if not losses:
        return None
    return _chain(reading, reading.lives[min(losses)[1]], focus_ns)


def _of_excess(reading: Reading, excess: Excess) -> Chain:
    """About the run that executes without a lease in the books, or whose release made the books wrong."""
    time_ns = excess.span.start_ns
    executing = sorted(reading.executing_at(time_ns), key=lambda life: (life.started_ns or 0, life.run))
    for life in executing:
        if not reading.holds_at(life.run, time_ns):
            return _chain(reading, life, time_ns, excess)
    twice = [each for each in reading.releases if each.time_ns <= time_ns and each.counted_twice]
    if twice and twice[-1].run in reading.lives:
        return _chain(reading, reading.lives[twice[-1].run], twice[-1].time_ns, excess, twice[-1])
    return _chain(reading, executing[-1], time_ns, excess)


def _chain(
    reading: Reading, life: Life, focus_ns: int, excess: Excess | None = None, debt: Release | None = None
) -> Chain:
    losses = [mark for mark in life.marks if mark.kind is Kind.LOST]
    later = [mark for mark in losses if mark.time_ns >= focus_ns and debt is None]
    lost = later[0] if later else losses[-1] if losses else None
    decided_ns = lost.time_ns if lost else focus_ns
    tenures = [tenure for tenure in reading.tenures_of(life.run) if tenure.granted_ns <= decided_ns]
    tenure = tenures[-1] if tenures else None
    start_ns = tenure.last_set_ns if tenure else life.started_ns or focus_ns
    stops = [focus_ns]
    if lost:
        stops.append(lost.time_ns)
    if tenure and tenure.stopped_ns is not None and debt is None:
        soon_ns = tenure.stopped_ns + _SOON_TERMS * (tenure.expiry_ns - tenure.last_set_ns)
        next_grants = [other.granted_ns for other in successors(reading, tenure)[:1] if other.granted_ns <= soon_ns]
        stops += [tenure.stopped_ns, *next_grants]
    if excess:
        stops.append(excess.span.stop_ns)
    if life.executing and (life.ended is None or life.ended.kind in (Kind.STOP, Kind.FINISH, Kind.CRASH)):
        stops.append(life.executing[-1].stop_ns)
    return Chain(life, tenure, excess, lost, debt, min(start_ns, focus_ns), max(stops))


def successors(reading: Reading, tenure: Tenure) -> list[Tenure]:
    """Return the leases that other runs were granted once this one had left the books, in order."""
    stopped_ns = tenure.stopped_ns
    if stopped_ns is None:
        return []
    return [other for other in reading.tenures if other.granted_ns >= stopped_ns and other.run != tenure.run]


def window_around(reading: Reading, scenario: Scenario, focus_ns: int) -> tuple[int, int]:
    """Return a stretch that shows the chain around a time with room on both sides."""
    chain = chain_at(reading, focus_ns)
    every_ns, reach_ns = scenario.renew_every_ns, _WINDOW_TERMS * scenario.lease.ttl
    if chain is None:
        return max(0, focus_ns - 2 * every_ns), min(reading.end_ns, focus_ns + 2 * every_ns)
    start_ns, stop_ns = max(chain.start_ns, focus_ns - reach_ns), min(chain.stop_ns, focus_ns + reach_ns)
    room_ns = max((stop_ns - start_ns) // 8, every_ns // 2)
    return max(0, start_ns - room_ns), min(reading.end_ns, stop_ns + room_ns)


def failing_tries(chain: Chain) -> list[Try]:
    """Return the renewal requests after the one that counted last, up to the loss."""
    return [
        tried
        for tried in chain.life.tries
        if tried.sent_ns <= chain.over_ns
        and (tried.arrived_ns or tried.answered_ns or tried.sent_ns) > chain.start_ns
        and not (tried.renewed and tried.arrived_ns == chain.start_ns)
    ]
