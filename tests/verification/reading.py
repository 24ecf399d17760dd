"""What the comparisons read off a trace, in seconds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.trace import Event, Trace
from sim.units import SECOND
from sim.vocabulary import Kind

Array = npt.NDArray[np.float64]


def times(trace: Trace, *kinds: Kind) -> Array:
    """When events of these kinds happened, in seconds."""
    rows = trace.rows
    return np.asarray(rows[np.isin(rows[:, 1], kinds), 0] / SECOND)


def count(trace: Trace, *kinds: Kind) -> int:
    """How many events of these kinds happened."""
    return int(np.isin(trace.rows[:, 1], kinds).sum())


@dataclass(frozen=True)
class Cycles:
    """From each renewal to the next, for a single holder that gets another lease at once when it loses one."""

    lengths: Array
    faults: npt.NDArray[np.int64]
    """Faults that began within."""
    lost: npt.NDArray[np.bool_]
    """Whether it ended with the loss of the lease."""

    @classmethod
    def of(cls, trace: Trace) -> Cycles:
        ends, begins = times(trace, Kind.RENEWED), times(trace, Kind.FAULT_BEGIN)
        faults = np.histogram(begins, ends)[0] if len(ends) > 1 else np.zeros(0, dtype=np.int64)
        lost = np.isin(ends[1:], times(trace, Kind.DENIED))
        return cls(np.diff(ends), faults, lost)


def lapses(trace: Trace, end: Kind) -> Array:
    """From each expiry of the lease to the next event of kind `end`, for a single holder."""
    expiries, ends = times(trace, Kind.REAP), times(trace, end)
    following = np.searchsorted(ends, expiries)
    done = following < len(ends)
    return np.asarray(ends[following[done]] - expiries[done])


def runs(trace: Trace) -> dict[tuple[int, int], list[Event]]:
    """The events of each run, in order."""
    found: dict[tuple[int, int], list[Event]] = defaultdict(list)
    for event in trace:
        if event.kind not in (Kind.FAULT_BEGIN, Kind.FAULT_END) and event.lane >= 0:
            found[event.lane, event.generation].append(event)
    return found


def leases(trace: Trace) -> dict[int, list[Event]]:
    """The events that name each lease, in order."""
    found: dict[int, list[Event]] = defaultdict(list)
    for event in trace:
        if event.lease >= 0:
            found[event.lease].append(event)
    return found


def first(events: list[Event], *kinds: Kind) -> float | None:
    """When the first event of these kinds happened, in seconds."""
    return next((event.time_ns / SECOND for event in events if event.kind in kinds), None)


def share_of_time(trace: Trace, level: int, since: float) -> float:
    """The share of time after `since` in which exactly `level` slots are in use."""
    rows = trace.rows[np.isin(trace.rows[:, 1], (Kind.GRANT, Kind.RELEASE, Kind.REAP))]
    moments = np.concatenate([[0.0], rows[:, 0] / SECOND, [trace.end_ns / SECOND]]).clip(since)
    levels = np.concatenate([[0], rows[:, 6]])
    return float(np.diff(moments)[levels == level].sum() / (trace.end_ns / SECOND - since))
