"""Why a run lost its lease, as in `sim.metrics.causes`, which says it in words; here without the whole trace at hand.

Who asks for a cause opens a *case* with what is known of the lease at that moment. It is decided when the renewal that
came too late is known, or the run is over, or the trace; until then it collects what it will be blamed for.
"""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled, real
from sim.metrics.compiled import layout as at
from sim.metrics.compiled import words as word
from sim.metrics.compiled.faults import fault_record
from sim.metrics.compiled.layout import Memory
from sim.metrics.compiled.lives import free_life, free_run_if_over, settle_cause
from sim.metrics.compiled.storage import add, drop, take
from sim.units import FOREVER

# ---------------------------------------------------------------------------------- who asks


@compiled
def charge(m: Memory, run: int, dt: int) -> None:
    """Put `dt` of over-allocation down to what cost a run its lease."""
    life = m[run + at.RUN_LOST_LEASE]
    if life == 0:
        add(m, m[at.OVER_BY_CAUSE] + 2 * at.PROTOCOL, dt)
        return
    case = ask(m, life)
    if case == 0:
        add(m, m[at.OVER_BY_CAUSE] + 2 * m[life + at.LIFE_CAUSE], dt)
    else:
        m[case + at.CASE_OWED_NS] += dt


@compiled
def blame_stop(m: Memory, life: int) -> None:
    """Put a false termination down to what cost the run its lease."""
    case = ask(m, life)
    if case == 0:
        put_down_stops(m, m[life + at.LIFE_CAUSE], m[life + at.LIFE_SPELL], 1)
    else:
        m[case + at.CASE_OWED_STOPS] += 1


@compiled
def put_down_stops(m: Memory, cause: int, spell: int, stops: int) -> None:
    """Count terminations by their cause, and incidents: those of one spell are one."""
    m[m[at.STOPS_BY_CAUSE] + cause] += stops
    if spell == 0:
        m[at.BATCHES] += stops
    elif stops > 0 and m[spell + at.SPELL_COUNTED] == 0:
        m[spell + at.SPELL_COUNTED] = 1
        m[at.BATCHES] += 1


@compiled
def ask(m: Memory, life: int) -> int:
    """Return the open case of a lease, 0 if its cause is known."""
    if m[life + at.LIFE_CAUSE] >= 0:
        return 0
    if m[life + at.LIFE_CASE] != 0:
        return m[life + at.LIFE_CASE]
    case = take(m, at.FREE_CASE, at.CASE_WORDS)
    ended, lost = m[life + at.LIFE_ENDED], m[life + at.LIFE_LOST]
    taken = ended >= 0 and (lost < 0 or ended <= lost)
    m[case + at.CASE_LIFE], m[case + at.CASE_TAKEN] = life, 1 if taken else 0
    m[case + at.CASE_ENDED], m[case + at.CASE_ENDED_BY] = ended, m[life + at.LIFE_ENDED_BY]
    m[case + at.CASE_LOST], m[case + at.CASE_REASON] = lost, m[life + at.LIFE_REASON]
    m[case + at.CASE_TRUTH], m[case + at.CASE_GIVEN_BACK] = m[life + at.LIFE_TRUTH], m[life + at.LIFE_GIVEN_BACK]
    m[case + at.CASE_STARTED] = m[life + at.LIFE_STARTED]
    m[case + at.CASE_SINCE] = m[life + (at.LIFE_ENDED_SINCE if taken else at.LIFE_LOST_SINCE)]
    m[case + at.CASE_NEXT] = m[life + at.LIFE_CASES]
    m[life + at.LIFE_CASES] = m[life + at.LIFE_CASE] = case
    ready_if_known(m, case)
    return case


# ---------------------------------------------------------------------------------- when it is decided


@compiled
def ready_if_known(m: Memory, case: int) -> None:
    """Have a case decided at the end of this instant if nothing later can change it."""
    if m[case + at.CASE_READY] == 0 and is_known(m, case):
        m[case + at.CASE_READY] = 1
        m[case] = m[at.READY]
        m[at.READY], m[at.READY_AT] = case, m[at.CLOCK]


@compiled
def is_known(m: Memory, case: int) -> bool:
    """Whether the critical interval is over."""
    life = m[case + at.CASE_LIFE]
    if m[m[life + at.LIFE_RUN] + at.RUN_DONE] != 0:
        return True
    if m[case + at.CASE_TAKEN] != 0:
        if m[case + at.CASE_ENDED_BY] != word.KIND_REAP:
            return True
        if is_too_early(m, case):
            return m[case + at.CASE_STARTED] >= 0
    elif m[case + at.CASE_REASON] != word.LOSS_REVOKED:
        return True
    return first_denied(m, life, refused_from(m, case)) < at.FAR


@compiled
def ready_all(m: Memory, life: int) -> None:
    """Something has happened to a lease: see which of its cases can be decided now."""
    case = m[life + at.LIFE_CASES]
    while case != 0:
        ready_if_known(m, case)
        case = m[case + at.CASE_NEXT]


@compiled
def resolve_ready(m: Memory) -> None:
    """Decide the cases that wait for it."""
    case = m[at.READY]
    m[at.READY] = 0
    while case != 0:
        after = m[case]
        resolve(m, case)
        case = after


@compiled
def resolve(m: Memory, case: int) -> None:
    """Decide a case, and put down to its cause what it has collected."""
    cause, spell = find_cause(m, case)
    add(m, m[at.OVER_BY_CAUSE] + 2 * cause, m[case + at.CASE_OWED_NS])
    put_down_stops(m, cause, spell, m[case + at.CASE_OWED_STOPS])
    life = m[case + at.CASE_LIFE]
    if m[life + at.LIFE_CASE] == case:
        m[life + at.LIFE_CASE] = 0
        settle_cause(m, life, cause, spell)
    place = life + at.LIFE_CASES
    while m[place] != case:
        place = m[place] + at.CASE_NEXT
    m[place] = m[case + at.CASE_NEXT]
    drop(m, at.FREE_CASE, case)
    if m[life + at.LIFE_FORGOTTEN] != 0 and m[life + at.LIFE_CASES] == 0:
        run = m[life + at.LIFE_RUN]
        free_life(m, life)
        free_run_if_over(m, run)


# ---------------------------------------------------------------------------------- what it is


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
def refused_from(m: Memory, case: int) -> int:
    """Return from when on renewals were refused."""
    taken, since = m[case + at.CASE_TAKEN] != 0, m[case + at.CASE_SINCE]
    lost = m[case + (at.CASE_ENDED if taken else at.CASE_LOST)]
    if taken and m[at.REFUSED_WHEN_EXPIRED] == 0:
        return lost
    granted = m[m[case + at.CASE_LIFE] + at.LIFE_GRANTED]
    return min(lost, since + m[at.INITIAL_TTL if since == granted else at.TTL] + m[at.GRACE])


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
    entry, first = m[life + at.LIFE_LOG], at.FAR
    while entry != 0:
        if m[entry + at.ENTRY_WHAT] == at.DENIED and m[entry + at.ENTRY_ENDED] >= since:
            first = min(first, m[entry + at.ENTRY_ENDED])
        entry = m[entry]
    return first


@compiled
def first_sent(m: Memory, life: int, since: int) -> int:
    """Return when a renewal was first sent from `since` on; `FAR` if none was."""
    entry, first = m[life + at.LIFE_LOG], at.FAR
    while entry != 0:
        if m[entry + at.ENTRY_WHAT] == at.SENT and m[entry + at.ENTRY_SENT] >= since:
            first = min(first, m[entry + at.ENTRY_SENT])
        entry = m[entry]
    return first


# ---------------------------------------------------------------------------------- who is to blame


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
                return at.LOSS
            if outcome >= word.FIRST_STATUS:
                cause = at.ERROR
        entry = m[entry]
    return cause
