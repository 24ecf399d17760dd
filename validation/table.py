"""From what was seen to a row of the table of recorded trials, and the table as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from validation.live import Event
from validation.plan import SWEEP_S, TTL_S, Plan

SETUP = (
    "trial,cell,version,fault,storage,mode,ttl_s,sweep_interval_s,fault_start_s,fault_length_s,added_latency_s,"
    "first_sweep_s,waiter_start_s"
).split(",")
OUTCOME = (
    "outcome,over_allocated,overlap_s,overlap_running_s,revoked_s,waiter_acquired_s,first_attempt_s,first_status,"
    "attempts,body_stopped_s,statuses,final_active_slots"
).split(",")
COLUMNS = (*SETUP, *OUTCOME)
Row = dict[str, Any]


@dataclass
class Seen:
    """What was seen of one trial; times are the wall clock's, in seconds."""

    plan: Plan
    limit_id: str
    began: float
    ended: float
    decided: float
    """When the observation of the holder ended."""
    holder: Sequence[Event]
    waiter: Sequence[Event]
    server: Sequence[Event]
    final_active_slots: int | None = None
    stops: list[tuple[float, float]] = field(default_factory=list)
    """Intervals in which the holder's process did not run."""


def row(seen: Seen) -> Row:
    """Return the row of a trial."""
    lease = next(one["lease"] for one in seen.server if one["event"] == "granted" and seen.limit_id in one["limits"])
    zero = max(
        one["t"]
        for one in seen.server
        if one["event"] in ("granted", "renewed") and one.get("lease") == lease and one["t"] < seen.began
    )
    stopped = next((one for one in seen.holder if one["event"] == "stopped"), None)
    granted = _first(seen.waiter, "granted", zero)
    attempts = _attempts(seen, stopped["t"] if stopped else seen.decided)
    overlap = _overlap(granted, stopped["t"] if stopped else seen.decided)
    plan = seen.plan
    return {
        "trial": plan.trial,
        "cell": plan.cell,
        "version": plan.version,
        "fault": plan.fault,
        "storage": plan.storage,
        "mode": plan.mode,
        "ttl_s": f"{TTL_S:g}",
        "sweep_interval_s": SWEEP_S,
        "fault_start_s": _since(zero, seen.began),
        "fault_length_s": f"{seen.ended - seen.began:.4f}",
        "added_latency_s": f"{plan.latency_s:g}",
        "first_sweep_s": _since(zero, _first(seen.server, "sweep", zero)),
        "waiter_start_s": _since(zero, _first(seen.waiter, "asked", zero)),
        "outcome": _outcome(stopped),
        "over_allocated": overlap is not None,
        "overlap_s": _length([overlap] if overlap else []),
        "overlap_running_s": _length(_without(overlap, seen.stops) if overlap else []),
        "revoked_s": _since(zero, _revoked(seen.server, lease)),
        "waiter_acquired_s": _since(zero, granted),
        "first_attempt_s": _since(zero, attempts[0][0] if attempts else None),
        "first_status": attempts[0][1] if attempts else "",
        "attempts": len(attempts),
        "body_stopped_s": _since(zero, stopped["t"] if stopped else None),
        "statuses": " ".join(f"{t - seen.began:+.2f}:{status}" for t, status in attempts),
        "final_active_slots": "" if seen.final_active_slots is None else seen.final_active_slots,
    }


def failed_row(plan: Plan) -> Row:
    """Return the row of a trial that could not be set up."""
    known = {
        "trial": plan.trial,
        "cell": plan.cell,
        "version": plan.version,
        "fault": plan.fault,
        "storage": plan.storage,
        "mode": plan.mode,
        "outcome": "setup_failed",
    }
    return {column: known.get(column, "") for column in COLUMNS}


def _outcome(stopped: Event | None) -> str:
    if stopped is None:
        return "undecided"
    return "survived" if stopped["how"] == "finished" else "terminated"


def _first(events: Iterable[Event], event: str, since: float) -> float | None:
    return next((float(one["t"]) for one in events if one["event"] == event and one["t"] > since), None)


def _revoked(server: Iterable[Event], lease: str) -> float | None:
    """When a sweep revoked the lease; a holder that gives its slot back has its lease revoked too, but not swept."""
    swept = False
    for one in server:
        swept |= one["event"] == "sweep" and lease in one["expired"]
        if swept and one["event"] == "revoked" and one["lease"] == lease:
            return float(one["t"])
    return None


def _attempts(seen: Seen, until: float) -> list[tuple[float, str]]:
    return [
        (one["t"], one["status"] if one["event"] == "answer" else one["error"])
        for one in seen.holder
        if one["event"] in ("answer", "failed") and seen.began <= one["t"] <= until
    ]


def _overlap(granted: float | None, stopped: float) -> tuple[float, float] | None:
    return (granted, stopped) if granted is not None and granted < stopped else None


def _without(span: tuple[float, float], holes: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return what remains of a span outside the holes, which do not overlap."""
    left, parts = span[0], []
    for start, end in sorted(holes):
        if start > left:
            parts.append((left, min(start, span[1])))
        left = max(left, min(end, span[1]))
    return [*parts, (left, span[1])] if left < span[1] else parts


def _length(spans: Iterable[tuple[float, float]]) -> str:
    return f"{sum(max(0.0, end - start) for start, end in spans):.4f}"


def _since(zero: float, t: float | None) -> str:
    return "" if t is None else f"{t - zero:.4f}"


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write the table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    """Read a table that has at least the columns of ours."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} has no column {', '.join(missing)}; it has {', '.join(reader.fieldnames or ())}")
        return list(reader)
