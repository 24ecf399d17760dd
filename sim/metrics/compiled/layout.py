"""Where everything stands in the memory of a tally that is made as rows come in: one flat array of integers.

First the header: the state, the sums, the parameters. Tables made from the scenario follow, then room for a portion of
rows, the records, and behind them two hash tables that are made anew when the records need more room. A record is named
by its address; its field X stands at ``memory[record + X]``. Word 0 links records: those that are free, and those that
are in one place of a hash table. Address 0 means nothing.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Final

Memory = MutableSequence[int]
"""What every compiled function gets first: in truth a bare pointer to the first word of an array."""

FAR: Final = 2**62
"""A time past the end of any trace."""
STEP_MAX: Final = 2**40
"""Time passes in steps of at most so many ns, so that a step times a level fits a word."""
CARRY: Final = 2**62
"""A sum has two words; the first stays below this, the second counts how often it was reached."""
ROW_WORDS: Final = 7
PORTION: Final = 1024
"""Rows that are taken in at a time."""
SLACK: Final = 256
"""More words than one row can make records of."""

# ------------------------------------------------------------------ header: the state
(
    STATUS, CURSOR, COUNT, TOP, LIMIT, RUN_TABLE, LIFE_TABLE, TABLE_MASK, ROWS,
    FREE_RUN, FREE_LIFE, FREE_CASE, FREE_ENTRY, FREE_OCCURRENCE, FREE_SPELL, FREE_CRASH,
    LIVES, OCCURRENCES, PRUNE_AT, READY, READY_AT, RANKS, BEST_DELAY, BEST_BEGIN, BEST_FAULT, BEST_SPELL, CLOCK,
    LISTED_AT,
    RECLAIMABLE_FIRST, RECLAIMABLE_LAST, COOLING_FIRST, COOLING_LAST,
    # levels
    NOW, WAITING, WANTING, EXECUTING, LEASED, HELD, BACKED, IN_USE, COOLING, AT_WORK,
    HOLDING, HOLDING_PROVISIONING, HOLDING_WORKING, HOLDING_IDLE,
    OVERLAP_FIRST, OVERLAP_LAST, OVERLAP_COUNT, SLOTLESS_FIRST, SLOTLESS_LAST, SLOTLESS_COUNT,
    LENGTH_NS, SIZE_NS, SIZE_HIGH, OVER_BEFORE,
    STATE_END,
) = range(57)  # fmt: skip

# ------------------------------------------------------------------ header: counts, by the fields of the tally
COUNTS: Final = (
    "incidents", "carried_in", "longest_ns", "peak_slots", "false_terminations", "false_termination_incidents",
    "runs_arrived", "runs_granted", "runs_started", "runs_finished", "runs_terminated", "runs_crashed",
    "runs_cancelled", "runs_turned_away", "runs_left_queue",
    "waiting_at_first", "waiting_at_last", "started_at_first", "started_at_last",
    "reclaims", "reclaim_max_ns", "queue_waits", "queue_wait_max_ns",
    "renewals_sent", "renewals_granted", "renewals_denied",
    "terminated_revoked", "terminated_gave_up", "terminated_fenced",
    "terminated_still_valid", "terminated_expired_unclaimed", "terminated_reassigned", "terminated_forgotten",
)  # fmt: skip
(
    INCIDENTS, CARRIED_IN, LONGEST_NS, PEAK, FALSE_TERMINATIONS, BATCHES,
    RUNS_ARRIVED, RUNS_GRANTED, RUNS_STARTED, RUNS_FINISHED, RUNS_TERMINATED, RUNS_CRASHED,
    RUNS_CANCELLED, RUNS_TURNED_AWAY, RUNS_LEFT_QUEUE,
    WAITING_AT_FIRST, WAITING_AT_LAST, STARTED_AT_FIRST, STARTED_AT_LAST,
    RECLAIMS, RECLAIM_MAX_NS, QUEUE_WAITS, QUEUE_WAIT_MAX_NS,
    RENEWALS_SENT, RENEWALS_GRANTED, RENEWALS_DENIED,
    TERMINATED_BY_LOSS, _, _,
    TERMINATED_BY_TRUTH, _, _, _,
    COUNTS_END,
) = range(STATE_END, STATE_END + len(COUNTS) + 1)  # fmt: skip

# ------------------------------------------------------------------ header: sums of two words each
SUMS: Final = (
    "lease_ns", "over_allocation_ns", "over_allocation_time_ns", "overlap_ns", "slotless_ns", "debt_ns", "incident_ns",
    "holding_over_allocation_ns", "harmful_over_allocation_ns", "missed_ns", "vacancy_ns", "leaked_ns", "waiting_ns",
    "executing_ns", "holding_provisioning_ns", "holding_working_ns", "holding_idle_ns", "waited_ns", "queue_wait_ns",
    "reclaim_ns", "finished_work_ns", "terminated_work_ns", "crashed_work_ns", "cancelled_work_ns",
    "unfinished_work_ns",
)  # fmt: skip
(
    LEASE_NS, OVER_NS, OVER_TIME_NS, OVERLAP_NS, SLOTLESS_NS, DEBT_NS, INCIDENT_NS, HOLDING_OVER_NS, HARMFUL_NS,
    MISSED_NS, VACANCY_NS, LEAKED_NS, WAITING_NS, EXECUTING_NS, PROVISIONING_NS, WORKING_NS, IDLE_NS, WAITED_NS,
    QUEUE_WAIT_NS, RECLAIM_NS, FINISHED_WORK_NS, TERMINATED_WORK_NS, CRASHED_WORK_NS, CANCELLED_WORK_NS,
    UNFINISHED_WORK_NS, SUMS_END,
) = range(COUNTS_END, COUNTS_END + 2 * len(SUMS) + 1, 2)  # fmt: skip

# ------------------------------------------------------------------ header: the parameters
(
    SLOTS, WARMUP, END, FENCED_WRITES, LOST_FREE, REUSE_DELAY, HOST_COUNT, SHARED, REPLICATED, NO_RENEWER,
    TTL, INITIAL_TTL, GRACE, REFUSED_WHEN_EXPIRED, REVIVES, FENCE_SLACK, RESTART_SHORTENS, RECONNECT,
    LISTS_FIRST, TIMED_OUT,
    FAULTS, LINES, FLOORS, OVER_BY_CAUSE, STOPS_BY_CAUSE, HEADER_WORDS,
) = range(SUMS_END, SUMS_END + 26)  # fmt: skip

# ------------------------------------------------------------------ tables and records
FAULT_WORDS: Final = 8
(FAULT_WHAT, FAULT_WHOM, FAULT_ROLES, FAULT_INSTANT, FAULT_STEP, FAULT_WRONG_WAY, FAULT_RANK, FAULT_SPELL) = range(
    FAULT_WORDS
)
(DELAYS, CUTS, STOPS) = (1, 2, 4)
"""What a fault can be blamed for, as bits: where the renewer runs is taken into account."""
(SLEEP, SLOW, CLOCK_STEP, CLOCK_DRIFT, RESTART, OTHER) = range(6)
(ON_RUNS, ON_HOSTS, ON_ALL) = range(3)

(
    RUN_LANE, RUN_GENERATION, RUN_ARRIVED, RUN_ALIVE, RUN_WAITING, RUN_BELIEVES, RUN_DONE, RUN_OVER_AT, RUN_STARTED,
    RUN_CRASHED, RUN_HALTED, RUN_OWN_HALT, RUN_EXECUTING, RUN_SINCE, RUN_WORKED, RUN_LEASES, RUN_HAD_LEASE,
    RUN_LOST_LEASE, RUN_LOST, RUN_BELIEVED, RUN_WANTING, RUN_HELD, RUN_LEASED, RUN_BACKED, RUN_HOLDING,
    RUN_OVERLAP, RUN_OVERLAP_BEFORE, RUN_OVERLAP_AFTER, RUN_SLOTLESS, RUN_SLOTLESS_BEFORE, RUN_SLOTLESS_AFTER,
    RUN_LIVES, RUN_STRUCK, RUN_STRUCK_COUNT, RUN_WORDS,
) = range(1, 36)  # fmt: skip

(
    LIFE_LEASE, LIFE_RUN, LIFE_NEXT, LIFE_LIVE, LIFE_FORGOTTEN, LIFE_GRANTED, LIFE_STARTED, LIFE_ENDED, LIFE_ENDED_BY,
    LIFE_LOST, LIFE_REASON, LIFE_TRUTH, LIFE_GIVEN_BACK, LIFE_RENEWED, LIFE_ENDED_SINCE, LIFE_LOST_SINCE,
    LIFE_LISTED, LIFE_LOG, LIFE_ENOUGH, LIFE_CAUSE, LIFE_SPELL, LIFE_CASE, LIFE_CASES, LIFE_WORDS,
) = range(1, 25)  # fmt: skip

(
    CASE_LIFE, CASE_NEXT, CASE_READY, CASE_TAKEN, CASE_ENDED, CASE_ENDED_BY, CASE_LOST, CASE_REASON, CASE_TRUTH,
    CASE_GIVEN_BACK, CASE_STARTED, CASE_LISTED, CASE_SINCE, CASE_UNTIL, CASE_REACHED, CASE_MISSING, CASE_BY_CLOCK,
    CASE_OWED_NS, CASE_OWED_STOPS, CASE_WORDS,
) = range(1, 21)  # fmt: skip

(ENTRY_WHAT, ENTRY_NUMBER, ENTRY_SENT, ENTRY_ENDED, ENTRY_OUTCOME, ENTRY_WORDS) = range(1, 7)
(SENT, UNSENT, DENIED, RESET) = range(4)
"""What an entry of a lease's log is: an exchange, one whose request is not on record, a refusal, a new expiry."""

(OCCURRENCE_FAULT, OCCURRENCE_BEGIN, OCCURRENCE_END, OCCURRENCE_SPELL, OCCURRENCE_WORDS) = range(1, 6)
(SPELL_USERS, SPELL_BEGIN, SPELL_COUNTED, SPELL_WORDS) = range(1, 5)
(CRASH_TIME, CRASH_WORDS) = range(1, 3)

# ------------------------------------------------------------------ codes
(TAKING, TAKEN, TOO_SHORT, ENDING, ENDED, UNKNOWN_RUN) = range(6)
(NOT_HOLDING, IS_PROVISIONING, IS_WORKING, IS_IDLE) = range(4)
(IS_FINISHED, IS_TERMINATED, IS_CRASHED, IS_CANCELLED) = range(4)
(PROVISIONING, RETRY, PAUSE, LOSS, ERROR, REPLICA, SWEEP, CONGESTION, PROTOCOL, DEBT, FIRST_FAULT) = range(11)
"""Causes: those without a fault in the order of `sim.metrics.causes.WITHOUT_FAULT`, then the faults by number."""
