"""Which run a bad moment is about, and the stretch of time that explains it."""

from __future__ import annotations

from dataclasses import dataclass

from sim.model.scenario import Scenario
from sim.story.reading import Excess, Life, Mark, Reading, Tenure, Try
from sim.vocabulary import Kind


@dataclass(frozen=True)
class Chain:
    """The run in question and what belongs to its loss."""

    life: Life
    tenure: Tenure | None
    """Its lease as the authority had it; None where it executed without one."""
    excess: Excess | None
    lost: Mark | None
    start_ns: int
    """The last time the lease was set to run: the grant, or the last renewal that counted."""
    stop_ns: int
    """The run no longer executes, or the last consequence is over."""


def worst_focus(reading: Reading, since_ns: int = 0) -> int | None:
    """Return the beginning of the longest over-allocation, else the first stop by lease logic, else None."""
    excesses = [excess for excess in reading.excesses() if excess.span.stop_ns > since_ns]
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
    for excess in reading.excesses():
        if excess.span.start_ns <= focus_ns <= excess.span.stop_ns:
            return _chain(reading, _one_too_many(reading, excess), focus_ns, excess)
    losses = [
        (abs(mark.time_ns - focus_ns), life.run)
        for life in reading.lives.values()
        for mark in life.marks
        if mark.kind in (Kind.STOP, Kind.LOST)
    ]
    if not losses:
        return None
    return _chain(reading, reading.lives[min(losses)[1]], focus_ns, None)


def _one_too_many(reading: Reading, excess: Excess) -> Life:
    """The run that executes without a lease in the books; else the one that came last."""
    time_ns = excess.span.start_ns
    executing = reading.executing_at(time_ns)
    without = [life for life in executing if not reading.holds_at(life.run, time_ns)]
    if without:
        return min(without, key=lambda life: (life.started_ns or 0, life.run))
    return max(executing, key=lambda life: (life.started_ns or 0, life.run))


def _chain(reading: Reading, life: Life, focus_ns: int, excess: Excess | None) -> Chain:
    losses = [mark for mark in life.marks if mark.kind is Kind.LOST]
    lost = next((mark for mark in losses if mark.time_ns >= focus_ns), losses[-1] if losses else None)
    decided_ns = lost.time_ns if lost else focus_ns
    tenures = [tenure for tenure in reading.tenures_of(life.run) if tenure.granted_ns <= decided_ns]
    tenure = tenures[-1] if tenures else None
    start_ns = tenure.last_set_ns if tenure else life.started_ns or focus_ns
    stops = [focus_ns]
    if lost:
        stops.append(lost.time_ns)
    if excess:
        stops.append(excess.span.stop_ns)
    if life.executing and (life.ended is None or life.ended.kind in (Kind.STOP, Kind.FINISH, Kind.CRASH)):
        stops.append(life.executing[-1].stop_ns)
    return Chain(life, tenure, excess, lost, min(start_ns, focus_ns), max(stops))


def window_around(reading: Reading, scenario: Scenario, focus_ns: int) -> tuple[int, int]:
    """Return a stretch that shows the chain around a time with room on both sides."""
    chain = chain_at(reading, focus_ns)
    every_ns = scenario.renew_every_ns
    if chain is None:
        return max(0, focus_ns - 2 * every_ns), min(reading.end_ns, focus_ns + 2 * every_ns)
    start_ns, stop_ns = chain.start_ns, min(chain.stop_ns, focus_ns + 20 * scenario.lease.ttl)
    room_ns = max((stop_ns - start_ns) // 8, every_ns // 2)
    return max(0, start_ns - room_ns), min(reading.end_ns, stop_ns + room_ns)


def failing_tries(chain: Chain) -> list[Try]:
    """Return the renewal requests after the one that counted last, up to the loss."""
    until_ns = chain.lost.time_ns if chain.lost else chain.stop_ns
    return [
        attempt
        for attempt in chain.life.tries
        if attempt.sent_ns <= until_ns
        and (attempt.arrived_ns or attempt.answered_ns or attempt.sent_ns) > chain.start_ns
        and not (attempt.renewed and attempt.arrived_ns == chain.start_ns)
    ]
