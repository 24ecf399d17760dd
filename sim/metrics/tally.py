"""What one replication adds up to: whole numbers, from which every metric and its interval is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

LARGEST: Final = frozenset({"longest_ns", "peak_slots", "queue_wait_max_ns", "reclaim_max_ns"})
"""Fields of which a sum of tallies keeps the largest; all others add up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Sufficient statistics of one replication after its warm-up; `+` joins independent replications.

    Times are integrals in nanoseconds (of runs, of slots), exact over the trace. A count is of events at or
    after the warm-up. What is under way when the trace ends counts up to the end.
    """

    # ---- exposure
    observed_ns: int = 0
    """Simulated time after the warm-up."""
    capacity_ns: int = 0
    """Slots times that."""
    lease_ns: int = 0
    """Runs, not yet done, that hold a lease at the authority or believe that they do."""

    # ---- over-allocation: X = max(0, executing runs - slots)
    over_allocation_ns: int = 0
    """Integral of X."""
    over_allocation_time_ns: int = 0
    """Time with X > 0."""
    overlap_ns: int = 0
    """Part of X: an old holder works on after the authority took its lease away."""
    slotless_ns: int = 0
    """Part of X: runs that started, or came back from a retry or a pause, without a lease."""
    debt_ns: int = 0
    """Part of X: every run has its lease, yet there are too many: the books are wrong."""
    over_allocation_by_cause: Mapping[str, int] = field(default_factory=dict)
    """Parts of X, by what cost the runs in excess their leases. See `sim.metrics.causes`."""
    incidents: int = 0
    """Times at which X left 0."""
    carried_in: int = 0
    """1 if X > 0 at the end of the warm-up."""
    incident_ns: int = 0
    """Integral of X, summed incident by incident."""
    longest_ns: int = 0
    """Longest incident."""
    peak_slots: int = 0
    """Largest X."""
    holding_over_allocation_ns: int = 0
    """Integral of max(0, runs that believe they hold a lease - slots)."""
    harmful_over_allocation_ns: int = 0
    """As X, without the parts whose writes an enforced fencing token refuses."""

    # ---- false terminations
    false_terminations: int = 0
    """Runs stopped by lease logic."""
    false_termination_incidents: int = 0
    """The same, with all runs stopped by one occurrence of a fault counted once."""
    terminations_by_cause: Mapping[str, int] = field(default_factory=dict)
    terminated_revoked: int = 0
    """By reason: the authority said that the lease is gone."""
    terminated_gave_up: int = 0
    terminated_fenced: int = 0
    terminated_still_valid: int = 0
    """By what was true at the authority at the decision."""
    terminated_expired_unclaimed: int = 0
    terminated_reassigned: int = 0
    terminated_forgotten: int = 0

    # ---- runs
    runs_arrived: int = 0
    runs_granted: int = 0
    """First grants."""
    runs_started: int = 0
    runs_finished: int = 0
    runs_terminated: int = 0
    runs_crashed: int = 0
    runs_cancelled: int = 0
    """The last four: of the runs that had started."""
    runs_turned_away: int = 0
    runs_left_queue: int = 0
    """Runs that ended before their first grant."""
    waiting_at_first: int = 0
    waiting_at_last: int = 0
    started_at_first: int = 0
    """Runs that had started and not ended when the warm-up was over."""
    started_at_last: int = 0

    # ---- times
    missed_ns: int = 0
    """Runs that execute without a lease at the authority."""
    reclaims: int = 0
    reclaim_ns: int = 0
    """From a crash to the grant that takes the slot, summed."""
    reclaim_max_ns: int = 0
    vacancy_ns: int = 0
    """min(waiting runs, slots in use by the books that no living run has a lease for)."""
    leaked_ns: int = 0
    """Slots in use by the books, for which there is neither a lease nor a believer nor a reuse delay."""
    waiting_ns: int = 0
    """Runs between arrival and first grant."""
    waited_ns: int = 0
    """The same, summed run by run: granted, gone or still waiting."""
    queue_waits: int = 0
    queue_wait_ns: int = 0
    """Whole waits of the runs granted after the warm-up."""
    queue_wait_max_ns: int = 0
    executing_ns: int = 0
    """Executing runs."""
    finished_work_ns: int = 0
    """Execution of runs that finished; like the next four summed run by run."""
    terminated_work_ns: int = 0
    crashed_work_ns: int = 0
    cancelled_work_ns: int = 0
    unfinished_work_ns: int = 0
    """Execution of runs that had not ended."""
    holding_ns: int = 0
    """Runs that believe they hold a lease."""
    holding_provisioning_ns: int = 0
    """Of these: not started yet."""
    holding_working_ns: int = 0
    """Of these: executing."""
    holding_idle_ns: int = 0
    """Of these: halted (asleep, stopped, paused, between retries)."""

    # ---- renewals
    renewals_sent: int = 0
    renewals_granted: int = 0
    renewals_denied: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{each.name: _joined(each.name, self, other) for each in fields(Tally)})

    def as_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tally:
        """Return the tally that `as_json` wrote."""
        return cls(**data)


def total(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of all `tallies`."""
    return sum(tallies, start=Tally())


def _joined(name: str, a: Tally, b: Tally) -> Any:
    one, other = getattr(a, name), getattr(b, name)
    if isinstance(one, Mapping):
        return dict(sorted((Counter(one) + Counter(other)).items()))
    return max(one, other) if name in LARGEST else one + other
