"""From a trace to its tally."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.metrics.levels import IDLE, PROVISIONING, WORKING, Levels
from sim.metrics.tally import Tally
from sim.metrics.walk import Walk
from sim.vocabulary import Kind

if TYPE_CHECKING:
    from sim.model.scenario import Scenario
    from sim.trace import Trace


def measure(trace: Trace, scenario: Scenario) -> Tally:
    """Return the sufficient statistics of one replication; the warm-up is left out.

    Integrals are clipped to [warmup, end), and events count at or after the warm-up. What is under way at the
    end counts up to there; runs that still wait or execute then are not among the runs that ended.
    """
    walk = Walk(trace, scenario)
    handlers, levels, rows = walk.handlers(), walk.levels, trace.rows
    changes_something = np.zeros(max(Kind) + 1, dtype=bool)
    changes_something[list(handlers)] = True
    for time, kind, lane, generation, number, lease, value in rows[changes_something[rows[:, 1]]].tolist():
        if time != levels.now:
            walk.advance(time)
        handlers[kind](lane, generation, number, lease, value)
    walk.advance(trace.end_ns)
    counts = walk.finish()
    sent, granted, denied = renewals(rows, scenario.warmup)
    observed_ns = max(0, trace.end_ns - scenario.warmup)
    return Tally(
        observed_ns=observed_ns,
        capacity_ns=scenario.limit.slots * observed_ns,
        terminations_by_cause=dict(sorted(walk.by_cause.items())),
        renewals_sent=sent,
        renewals_granted=granted,
        renewals_denied=denied,
        over_allocation_by_cause=dict(sorted(levels.by_cause.items())),
        **_integrals(levels),
        **counts,
    )


def renewals(rows: npt.NDArray[np.int64], since_ns: int) -> tuple[int, int, int]:
    """Return how many renewals were sent, granted and denied from `since_ns` on, those that were left out too."""
    kinds = rows[:, 1]
    times = np.where(kinds >= Kind.SKIPPED, rows[:, 6], rows[:, 0])
    counted = times >= since_ns
    happened = np.bincount(kinds[counted], minlength=max(Kind) + 1).tolist()
    skipped = int(rows[counted & (kinds == Kind.SKIPPED), 4].sum())
    sent = happened[Kind.SEND] + happened[Kind.SENT_EARLIER] + skipped
    granted = happened[Kind.RENEWED] + happened[Kind.RENEWED_EARLIER] + skipped
    return sent, granted, happened[Kind.DENIED]


def _integrals(levels: Levels) -> Mapping[str, int]:
    return {
        "lease_ns": levels.lease_ns,
        "over_allocation_ns": levels.over_ns,
        "over_allocation_time_ns": levels.over_time_ns,
        "overlap_ns": levels.overlap_ns,
        "slotless_ns": levels.slotless_ns,
        "debt_ns": levels.debt_ns,
        "incidents": levels.incidents,
        "carried_in": levels.carried_in,
        "incident_ns": levels.incident_ns,
        "longest_ns": levels.longest_ns,
        "peak_slots": levels.peak,
        "holding_over_allocation_ns": levels.holding_over_ns,
        "harmful_over_allocation_ns": levels.harmful_ns,
        "missed_ns": levels.missed_ns,
        "vacancy_ns": levels.vacancy_ns,
        "leaked_ns": levels.leaked_ns,
        "waiting_ns": levels.waiting_ns,
        "executing_ns": levels.executing_ns,
        "holding_ns": sum(levels.holding_ns),
        "holding_provisioning_ns": levels.holding_ns[PROVISIONING],
        "holding_working_ns": levels.holding_ns[WORKING],
        "holding_idle_ns": levels.holding_ns[IDLE],
    }
