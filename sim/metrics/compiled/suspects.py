"""Which fault is to blame for a renewal that came too late: the one that delayed it longest, or cut it off."""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled, real
from sim.metrics.compiled import layout as at
from sim.metrics.compiled import words as word
from sim.metrics.compiled.faults import fault_record
from sim.metrics.compiled.layout import Memory


@compiled
def find_suspect(m: Memory, case: int) -> None:
    """Find the fault that is to blame; -1: none."""
    m[at.BEST_FAULT] = m[at.BEST_DELAY] = -1
    if m[at.NO_RENEWER] != 0:
        return
    run = m[m[case + at.CASE_LIFE] + at.LIFE_RUN]
    host, hosts = m[run + at.RUN_LANE] % m[at.HOST_COUNT], m[at.HOST_COUNT]
    lists = (m[run + at.RUN_STRUCK], m[m[at.LINES] + host], m[m[at.LINES] + hosts])
    delayed = 0
    for occurrence in lists:
        delayed = min(at.FAR, delayed + delayed_by(m, case, occurrence))
    for occurrence in lists:
        suspect_all(m, case, occurrence, delayed >= m[case + at.CASE_MISSING])


@compiled
def delayed_by(m: Memory, case: int, occurrence: int) -> int:
    """Return by how much the occurrences of a list can have delayed the renewal together."""
    delayed = 0
    while occurrence != 0:
        delayed = min(at.FAR, delayed + delay_by(m, case, occurrence))
        occurrence = m[occurrence]
    return delayed


@compiled
def suspect_all(m: Memory, case: int, occurrence: int, enough: bool) -> None:
    """Look for the worst suspect in a list; those that only delay count if all delays together were `enough`."""
    since, reached = m[case + at.CASE_SINCE], m[case + at.CASE_REACHED]
    while occurrence != 0:
        begin, end = m[occurrence + at.OCCURRENCE_BEGIN], m[occurrence + at.OCCURRENCE_END]
        if begin <= min(m[case + at.CASE_UNTIL], reached) and end >= since:
            delay = delay_by(m, case, occurrence)
            if is_cut_by(m, case, occurrence):
                suspect(m, occurrence, max(delay, min(end, reached) - max(begin, since)))
            elif delay > 0 and enough:
                suspect(m, occurrence, delay)
        occurrence = m[occurrence]


@compiled
def suspect(m: Memory, occurrence: int, delay: int) -> None:
    """Remember the one that delayed longest; of equals, the one that began last."""
    begin, fault = m[occurrence + at.OCCURRENCE_BEGIN], m[occurrence + at.OCCURRENCE_FAULT]
    worse = delay > m[at.BEST_DELAY]
    if delay == m[at.BEST_DELAY]:
        worse = begin > m[at.BEST_BEGIN] or (begin == m[at.BEST_BEGIN] and fault > m[at.BEST_FAULT])
    if worse:
        m[at.BEST_DELAY], m[at.BEST_BEGIN], m[at.BEST_FAULT] = delay, begin, fault
        m[at.BEST_SPELL] = m[occurrence + at.OCCURRENCE_SPELL]


@compiled
def delay_by(m: Memory, case: int, occurrence: int) -> int:
    """Return by how much an occurrence can have delayed the renewal."""
    fault = fault_record(m, m[occurrence + at.OCCURRENCE_FAULT])
    since, reached = m[case + at.CASE_SINCE], m[case + at.CASE_REACHED]
    begin, end = m[occurrence + at.OCCURRENCE_BEGIN], m[occurrence + at.OCCURRENCE_END]
    if m[fault + at.FAULT_ROLES] & at.DELAYS == 0 or begin > reached or end < since:
        return 0
    what = m[fault + at.FAULT_WHAT]
    if what == at.CLOCK_STEP:
        counts = m[case + at.CASE_BY_CLOCK] != 0 and since <= begin <= m[case + at.CASE_UNTIL]
        return max(m[fault + at.FAULT_STEP], 0) if counts else 0
    begin, end = max(begin, since), min(end, reached)
    if what == at.CLOCK_DRIFT:
        return max(int((end - begin) * real(m, fault + at.FAULT_WRONG_WAY) / 1_000_000), 0)
    if what == at.SLOW:
        return slowed_by(m, case, begin, end)
    return end - begin


@compiled
def slowed_by(m: Memory, case: int, begin: int, end: int) -> int:
    """Return how long requests were under way in an interval."""
    entry, total = m[m[case + at.CASE_LIFE] + at.LIFE_LOG], 0
    while entry != 0:
        if is_exchange(m, case, entry):
            total += max(0, overlap(m, entry, begin, end))
        entry = m[entry]
    return total


@compiled
def is_exchange(m: Memory, case: int, entry: int) -> bool:
    """Whether an entry of the log is a request that ended in the critical interval."""
    ended = m[entry + at.ENTRY_ENDED]
    within = m[case + at.CASE_SINCE] < ended <= m[case + at.CASE_REACHED]
    return within and m[entry + at.ENTRY_WHAT] <= at.UNSENT


@compiled
def has_failed(m: Memory, case: int, entry: int) -> bool:
    """Whether an entry is a request in the critical interval to which no answer came, or an error."""
    return is_exchange(m, case, entry) and m[entry + at.ENTRY_OUTCOME] > word.OUTCOME_QUEUED


@compiled
def overlap(m: Memory, entry: int, begin: int, end: int) -> int:
    """Return how long a request and an interval coincide; negative where they do not."""
    return min(m[entry + at.ENTRY_ENDED], end) - max(m[entry + at.ENTRY_SENT], begin)


@compiled
def is_cut_by(m: Memory, case: int, occurrence: int) -> bool:
    """Whether an occurrence made a renewal request fail, or cut the lease short."""
    fault = fault_record(m, m[occurrence + at.OCCURRENCE_FAULT])
    begin, end = m[occurrence + at.OCCURRENCE_BEGIN], m[occurrence + at.OCCURRENCE_END]
    roles, what = m[fault + at.FAULT_ROLES], m[fault + at.FAULT_WHAT]
    if roles & (at.STOPS | at.CUTS) == 0:
        return False
    shortens = what == at.RESTART and m[at.RESTART_SHORTENS] != 0
    if what == at.SLEEP:
        end = end + m[at.RECONNECT] if m[at.RECONNECT] >= 0 else max(end, m[case + at.CASE_REACHED])
    entry = m[m[case + at.CASE_LIFE] + at.LIFE_LOG]
    while entry != 0:
        ended = m[entry + at.ENTRY_ENDED]
        if m[entry + at.ENTRY_WHAT] == at.RESET:
            if shortens and m[case + at.CASE_SINCE] <= ended <= m[case + at.CASE_UNTIL]:
                return True
        elif has_failed(m, case, entry):
            common = overlap(m, entry, begin, end)
            if roles & at.STOPS == 0:
                if common >= 0:
                    return True
            elif 2 * common >= ended - m[entry + at.ENTRY_SENT] > 0:
                return True
        entry = m[entry]
    return False


@compiled
def without_fault(m: Memory, case: int) -> int:
    """Return the cause where no fault is to blame."""
    cause, entry = at.PROTOCOL, m[m[case + at.CASE_LIFE] + at.LIFE_LOG]
    while entry != 0:
        if has_failed(m, case, entry):
            outcome = m[entry + at.ENTRY_OUTCOME]
            if outcome == word.OUTCOME_CONNECT_TIMEOUT or outcome == word.OUTCOME_READ_TIMEOUT:
                return m[at.TIMED_OUT]
            if outcome >= word.FIRST_STATUS:
                cause = at.ERROR
        entry = m[entry]
    return cause
