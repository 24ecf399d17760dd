"""Why a lease was lost, as in `sim.metrics.causes`, which says it in words."""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled
from sim.metrics.compiled import layout as at
from sim.metrics.compiled import words as word
from sim.metrics.compiled.faults import fault_record
from sim.metrics.compiled.layout import Memory
from sim.metrics.compiled.suspects import find_suspect, without_fault
from sim.units import FOREVER


@compiled
def find_cause(m: Memory, case: int) -> tuple[int, int]:
    """Return the cause of a loss, and the spell of the fault where it is one."""
    if m[case + at.CASE_TAKEN] != 0 and m[case + at.CASE_ENDED_BY] == word.KIND_FORGET:
        return find_restart(m, m[case + at.CASE_ENDED])
    if m[case + at.CASE_TAKEN] != 0 and m[case + at.CASE_ENDED_BY] == word.KIND_RELEASE:
        where = m[case + at.CASE_GIVEN_BACK]
        return at.RETRY if where == word.HALT_RETRY else at.PAUSE if where == word.HALT_PAUSED else at.PROTOCOL, 0
    if m[at.REPLICATED] != 0 and is_unknown_there(m, case):
        return at.REPLICA, 0
    if m[case + at.CASE_TAKEN] != 0 and is_listed_before(m, case):
        return at.SWEEP, 0
    too_early = m[case + at.CASE_TAKEN] != 0 and is_too_early(m, case)
    set_critical(m, case, too_early)
    find_suspect(m, case)
    if m[at.BEST_FAULT] >= 0:
        return at.FIRST_FAULT + m[at.BEST_FAULT], m[at.BEST_SPELL]
    return at.PROVISIONING if too_early else without_fault(m, case), 0


@compiled
def is_too_early(m: Memory, case: int) -> bool:
    """Whether the lease was over before the work began."""
    return not 0 <= m[case + at.CASE_STARTED] <= m[case + at.CASE_ENDED]


@compiled
def find_restart(m: Memory, time: int) -> tuple[int, int]:
    """Return the last restart that was under way at `time`; of equals the one whose fault struck first."""
    occurrence, best = m[m[at.LINES] + m[at.HOST_COUNT]], 0
    while occurrence != 0:
        begin, fault = m[occurrence + at.OCCURRENCE_BEGIN], fault_record(m, m[occurrence + at.OCCURRENCE_FAULT])
        if m[fault + at.FAULT_WHAT] == at.RESTART and begin <= time <= m[occurrence + at.OCCURRENCE_END]:
            best_begin = m[best + at.OCCURRENCE_BEGIN] if best != 0 else -1
            if begin > best_begin or (
                begin == best_begin
                and m[fault + at.FAULT_RANK] < m[fault_record(m, m[best + at.OCCURRENCE_FAULT]) + at.FAULT_RANK]
            ):
                best = occurrence
        occurrence = m[occurrence]
    if best == 0:
        return at.PROTOCOL, 0
    return at.FIRST_FAULT + m[best + at.OCCURRENCE_FAULT], m[best + at.OCCURRENCE_SPELL]


@compiled
def is_unknown_there(m: Memory, case: int) -> bool:
    """Whether a renewal was refused that the replica with the lease would have granted."""
    if m[case + at.CASE_TAKEN] == 0:
        return m[case + at.CASE_REASON] == word.LOSS_REVOKED and m[case + at.CASE_TRUTH] == word.TRUTH_STILL_VALID
    return first_denied(m, m[case + at.CASE_LIFE], m[case + at.CASE_SINCE] + 1) < m[case + at.CASE_ENDED]


@compiled
def is_listed_before(m: Memory, case: int) -> bool:
    """Whether the lease was renewed after the sweep that took it had listed it."""
    since = m[case + at.CASE_SINCE]
    return since > m[m[case + at.CASE_LIFE] + at.LIFE_GRANTED] and 0 <= m[case + at.CASE_LISTED] <= since


@compiled
def refused_from(m: Memory, case: int) -> int:
    """Return from when on renewals were refused."""
    taken, since = m[case + at.CASE_TAKEN] != 0, m[case + at.CASE_SINCE]
    lost = m[case + (at.CASE_ENDED if taken else at.CASE_LOST)]
    if taken and m[at.REFUSED_WHEN_EXPIRED] == 0:
        return lost
    first = since == m[m[case + at.CASE_LIFE] + at.LIFE_GRANTED] or since < m[case + at.CASE_STARTED]
    return min(lost, since + m[at.INITIAL_TTL if first else at.TTL] + m[at.GRACE])


@compiled
def set_critical(m: Memory, case: int, too_early: bool) -> None:
    """Set the interval in which a renewal was missed, when the next one came, and how much earlier it should have."""
    life = m[case + at.CASE_LIFE]
    run = m[life + at.LIFE_RUN]
    over = m[run + at.RUN_OVER_AT] if m[run + at.RUN_DONE] != 0 else m[at.END]
    m[case + at.CASE_BY_CLOCK] = 1
    if too_early:
        m[case + at.CASE_SINCE], until = m[life + at.LIFE_GRANTED], m[case + at.CASE_ENDED]
        reached = m[case + at.CASE_STARTED] if m[case + at.CASE_STARTED] >= 0 else over
        missing = reached - until
    elif m[case + at.CASE_TAKEN] == 0 and m[case + at.CASE_REASON] != word.LOSS_REVOKED:
        until = reached = m[case + at.CASE_LOST]
        missing = FOREVER if m[case + at.CASE_REASON] == word.LOSS_GAVE_UP else m[at.FENCE_SLACK]
        m[case + at.CASE_BY_CLOCK] = 0
    else:
        until = refused_from(m, case)
        reached = first_denied(m, life, until)
        if reached > over:
            reached = m[case + at.CASE_LOST]
            if reached < until:
                reached = first_sent(m, life, until)
        missing = reached - until
        if reached > over:
            reached, missing = over, 0
    m[case + at.CASE_UNTIL], m[case + at.CASE_REACHED], m[case + at.CASE_MISSING] = until, reached, missing


@compiled
def first_denied(m: Memory, life: int, since: int) -> int:
    """Return when a renewal was first refused from `since` on; `FAR` if none was."""
    return first_entry(m, life, at.DENIED, at.ENTRY_ENDED, since)


@compiled
def first_sent(m: Memory, life: int, since: int) -> int:
    """Return when a renewal was first sent from `since` on; `FAR` if none was."""
    return first_entry(m, life, at.SENT, at.ENTRY_SENT, since)


@compiled
def first_entry(m: Memory, life: int, what: int, when: int, since: int) -> int:
    """Return the first time `when`, from `since` on, among the entries of one kind; `FAR` if there is none."""
    entry, first = m[life + at.LIFE_LOG], at.FAR
    while entry != 0:
        if m[entry + at.ENTRY_WHAT] == what and m[entry + when] >= since:
            first = min(first, m[entry + when])
        entry = m[entry]
    return first
