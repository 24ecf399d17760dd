"""What one replication of a trial shows to somebody who watches it as the trials were watched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sim.replaying.trials import Trial
from sim.replaying.worlds import HOLDER
from sim.trace import Event, Trace
from sim.units import SECOND
from sim.vocabulary import Kind, Outcome

SETTLES_NS: Final = 2 * SECOND
"""A trial is over so long after the first renewal that was granted once the fault had ended."""
_UNSEEN: Final = frozenset({Outcome.REFUSED, Outcome.CONNECT_TIMEOUT})
"""Attempts that a proxy before the server never sees."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How one replication came out; times in ns after the last renewal before the fault, None where nothing came."""

    terminated: bool
    over_allocated: bool
    overlap_ns: int
    """The next run held the slot and the holder had not stopped."""
    overlap_running_ns: int
    """The same, as far as the holder's process ran."""
    stopped_ns: int
    """The body was stopped, or the watching ended."""
    revoked_ns: int | None
    acquired_ns: int | None
    first_attempt_ns: int | None
    third_run: bool
    """When the holder stopped, the counter of slots fell below the runs that hold one: another is let in."""


def watch(trace: Trace, trial: Trial) -> Seen:
    """Return what the trace shows until the holder was stopped, or until it had renewed after the fault."""
    events = list(trace)
    holder = [event for event in events if event.lane == HOLDER and event.generation == 0]
    answers = [event for event in holder if event.kind == Kind.ANSWER]
    origin = next(event.time_ns for event in answers if event.value == Outcome.OK)
    fault_start, fault_end = origin + trial.fault_start_ns, origin + trial.fault_end_ns
    stop = next((event.time_ns for event in holder if event.kind == Kind.STOP), None)
    renewed = (e.time_ns + SETTLES_NS for e in answers if e.value == Outcome.OK and e.time_ns > max(origin, fault_end))
    end = min(time for time in (stop, next(renewed, None), trace.end_ns) if time is not None)
    acquired = _first(events, Kind.HOLD, end, others=True)
    overlap = max(0, end - acquired) if acquired is not None else 0
    return Seen(
        terminated=stop == end,
        over_allocated=overlap > 0,
        overlap_ns=overlap,
        overlap_running_ns=overlap and overlap - _halted(holder, end - overlap, end),
        stopped_ns=end - origin,
        revoked_ns=_since(origin, _first(events, Kind.REAP, trace.end_ns)),
        acquired_ns=_since(origin, _first(events, Kind.HOLD, trace.end_ns, others=True)),
        first_attempt_ns=_since(origin, _first_attempt(holder, fault_start)),
        third_run=stop == end and _lets_another_in(events, end),
    )


def _first(events: Iterable[Event], kind: Kind, until: int, others: bool = False) -> int | None:
    """Return when the first event of a kind came, of the holder or of the others."""
    mine = (event for event in events if event.kind == kind and (event.lane != HOLDER) == others)
    return next((event.time_ns for event in mine if event.time_ns <= until), None)


def _first_attempt(holder: Iterable[Event], since: int) -> int | None:
    """Return when the first request to renew left that anybody saw."""
    events = [event for event in holder if event.time_ns >= since]
    unseen = {event.number for event in events if event.kind == Kind.ANSWER and event.value in _UNSEEN}
    sent = (event for event in events if event.kind == Kind.SEND and event.number not in unseen)
    return next((event.time_ns for event in sent), None)


def _halted(holder: Iterable[Event], begin: int, end: int) -> int:
    """Return how long the holder stood still between two times."""
    total, since = 0, None
    for event in holder:
        if event.kind == Kind.HALT:
            since = event.time_ns
        elif event.kind == Kind.GO and since is not None:
            total += max(0, min(event.time_ns, end) - max(since, begin))
            since = None
    return total + (max(0, end - max(since, begin)) if since is not None else 0)


def _lets_another_in(events: Iterable[Event], stopped: int) -> bool:
    """Return whether the holder's release took away the slot of a run that holds one."""
    holding: set[int] = set()
    for event in events:
        if event.kind == Kind.HOLD and event.lane != HOLDER:
            holding.add(event.lane)
        elif event.kind in (Kind.STOP, Kind.FINISH, Kind.CRASH, Kind.CANCEL):
            holding.discard(event.lane)
        elif event.kind == Kind.RELEASE and event.lane == HOLDER and event.time_ns >= stopped:
            return event.value < len(holding)
    return False


def _since(origin: int, time: int | None) -> int | None:
    return None if time is None else time - origin
