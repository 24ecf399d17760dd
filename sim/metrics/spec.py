"""Every metric: its name, unit, what is divided by what, its meaning and its name among failure detectors.

Chen, Toueg and Aguilera (2002) judge a failure detector by its detection time T_D, its mistake rate lambda_M (with
the recurrence time T_MR) and the mistake duration T_M. Here the authority suspects a holder by taking its lease.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final, Literal

from sim.units import HOUR, SECOND

Estimator = Literal["ratio", "incidents", "kills", "per_run", "mean"]


@dataclass(frozen=True, slots=True)
class Metric:
    """How one number is made of tallies."""

    name: str
    unit: str
    meaning: str
    over: tuple[str, ...]
    """Fields of the tally that are added up above the line."""
    under: tuple[str, ...] = ()
    """And below it; nothing: the mean over replications."""
    over_ns: int = 1
    """What one unit above the line is in the tally: `SECOND` turns nanoseconds into seconds."""
    under_ns: int = 1
    better: Literal["low", "high"] | None = "low"
    detector: str = ""
    """The failure-detector term."""
    background: tuple[str, int] = ("observed_ns", -1)
    """A field of the tally, and up to how many nanoseconds in a replication it shows only requests under way."""
    estimator: Estimator = "ratio"
    """`ratio` of sums; of `incidents` that are independent; of `kills`, which may come in batches; `per_run`, a
    probability with replications as clusters; `mean` over replications."""
    most: float = inf
    """What it cannot exceed: 1 for a share of a whole; over-allocation makes work per slot more than that."""


def _per_hour(name: str, field: str, meaning: str, background: int = 0) -> Metric:
    return Metric(
        name, "slot-s/h", meaning, (field,), ("observed_ns",), SECOND, HOUR, background=(field, background)
    )  # fmt: skip


def _kills(name: str, field: str, meaning: str) -> Metric:
    return Metric(
        name, "1/lease-h", meaning, (field,), ("lease_ns",), 1, HOUR,
        detector="mistake rate (1 / mistake recurrence time T_MR)", estimator="kills",
    )  # fmt: skip


_ENDED: Final = ("runs_finished", "runs_terminated", "runs_crashed", "runs_cancelled")

_ALL: Final = (
    _per_hour(
        "over_allocation_slot_seconds_per_hour",
        "over_allocation_ns",
        "Integral of max(0, executing runs - slots), per hour of simulated time.",
    ),
    Metric(
        "over_allocation_time_fraction", "fraction", "Share of time with more runs executing than slots.",
        ("over_allocation_time_ns",), ("observed_ns",), most=1.0,
    ),
    Metric(
        "over_allocation_incidents_per_hour", "1/h",
        "How often the executing runs come to exceed the slots, per hour of simulated time.",
        ("incidents",), ("observed_ns",), 1, HOUR, estimator="incidents",
    ),
    Metric(
        "over_allocation_longest_seconds", "s", "Longest incident of a replication, mean over replications.",
        ("longest_ns",), over_ns=SECOND, estimator="mean", detector="mistake duration T_M (longest)",
    ),
    Metric(
        "over_allocation_peak_slots", "slots", "Largest excess of a replication, mean over replications.",
        ("peak_slots",), estimator="mean",
    ),
    _per_hour(
        "over_allocation_overlap_slot_seconds_per_hour", "overlap_ns",
        "Part of the over-allocation: old holders at work after the authority took their lease.",
    ),
    _per_hour(
        "over_allocation_slotless_start_slot_seconds_per_hour", "slotless_ns",
        "Part of the over-allocation: runs that started or came back without a lease.",
    ),
    _per_hour(
        "over_allocation_debt_slot_seconds_per_hour", "debt_ns",
        "Part of the over-allocation: all runs have leases, the books grant more than there is.",
    ),
    _per_hour(
        "holding_over_allocation_slot_seconds_per_hour", "holding_over_allocation_ns",
        "Integral of max(0, runs that believe they hold a lease - slots): executing or not.",
    ),
    _per_hour(
        "harmful_over_allocation_slot_seconds_per_hour", "harmful_over_allocation_ns",
        "Over-allocation without the parts whose writes an enforced fencing token refuses.",
    ),
    _kills(
        "false_terminations_per_lease_hour", "false_terminations",
        "Healthy runs stopped by lease logic, per hour in which a run holds a lease or believes it does.",
    ),
    Metric(
        "false_termination_probability", "fraction",
        "Runs stopped by lease logic among the runs that had started and ended (finished, stopped, crashed, "
        "cancelled); those at work at the end are not counted.",
        ("runs_terminated",), _ENDED, estimator="per_run", detector="1 - P(no mistake in a run)", most=1.0,
    ),
    _kills(
        "false_terminations_still_valid_per_lease_hour", "terminated_still_valid",
        "Those whose lease was valid at the authority at the decision.",
    ),
    _kills(
        "false_terminations_expired_unclaimed_per_lease_hour", "terminated_expired_unclaimed",
        "Those whose lease had expired while a slot was still free for them: needless.",
    ),
    _kills(
        "false_terminations_reassigned_per_lease_hour", "terminated_reassigned",
        "Those whose slot somebody else had by then.",
    ),
    _kills(
        "false_terminations_forgotten_per_lease_hour", "terminated_forgotten",
        "Those whose lease a restart lost, or the run had given back (retry, pause).",
    ),
    Metric(
        "false_termination_incidents_per_lease_hour", "1/lease-h",
        "As false terminations, with all runs that one occurrence of a fault stopped counted once.",
        ("false_termination_incidents",), ("lease_ns",), 1, HOUR, estimator="incidents",
        detector="mistake rate, by common cause",
    ),
    Metric(
        "missed_termination_seconds_per_lease_hour", "s/lease-h",
        "Time that runs execute without a lease at the authority, whether or not it is over-allocation.",
        ("missed_ns",), ("lease_ns",), SECOND, HOUR, detector="mistake duration T_M (lapse of a live holder)",
    ),
    Metric(
        "reclaim_latency_seconds", "s",
        "From a crash to the grant that takes the slot; slots are matched to grants first in, first out.",
        ("reclaim_ns",), ("reclaims",), SECOND, detector="detection time T_D, plus reaping and granting",
    ),
    Metric(
        "queue_wait_seconds", "s", "From arrival to first grant, of the runs that were granted.",
        ("queue_wait_ns",), ("queue_waits",), SECOND, background=("queue_wait_max_ns", SECOND),
    ),
    _per_hour(
        "vacancy_slot_seconds_per_hour", "vacancy_ns",
        "Runs wait while the books keep slots that no living run has a lease for: the smaller of the two.",
        10 * SECOND,
    ),
    Metric(
        "leaked_slots", "slots",
        "Slots in use by the books with neither lease nor believer behind them (time average).",
        ("leaked_ns",), ("observed_ns",), background=("leaked_ns", 10 * SECOND),
    ),
    Metric(
        "wasted_work_fraction", "fraction", "Share of executed time that went to runs which were stopped or crashed.",
        ("terminated_work_ns", "crashed_work_ns"), ("executing_ns",), most=1.0,
    ),
    Metric(
        "goodput_runs_per_slot_hour", "runs/slot-h", "Finished runs per slot and hour.",
        ("runs_finished",), ("capacity_ns",), 1, HOUR, better="high",
    ),
    Metric(
        "goodput_work_fraction", "fraction", "Executed time of runs that finished, per slot and time.",
        ("finished_work_ns",), ("capacity_ns",), better="high",
    ),
    Metric(
        "utilisation", "fraction", "Executing runs per slot (above 1: over-allocated on average).",
        ("executing_ns",), ("capacity_ns",), better=None,
    ),
    Metric(
        "waiting_runs", "runs", "Runs between arrival and first grant (time average).",
        ("waiting_ns",), ("observed_ns",), background=("waiting_ns", 10 * SECOND),
    ),
    Metric(
        "idle_holders", "runs", "Runs that hold a lease and are halted: asleep, stopped, paused, between retries.",
        ("holding_idle_ns",), ("observed_ns",),
    ),
    Metric(
        "renewal_requests_per_second", "1/s", "Renewals that reach the authority and are answered by it.",
        ("renewals_granted", "renewals_denied"), ("observed_ns",), 1, SECOND, detector="network overhead",
    ),
    Metric(
        "renewal_requests_sent_per_second", "1/s", "Renewals that holders send, retries and lost ones included.",
        ("renewals_sent",), ("observed_ns",), 1, SECOND,
    ),
)  # fmt: skip

METRICS: Final[dict[str, Metric]] = {metric.name: metric for metric in _ALL}
"""All metrics by name, in the order of a report."""
