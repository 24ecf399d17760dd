"""Who asks why a lease was lost, and when that is decided.

Who asks opens a *case* with what is known of the lease at that moment. It is decided when the renewal that came too
late is known, or the run is over, or the trace; until then it collects what it will be blamed for.
"""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled
from sim.metrics.compiled import layout as at
from sim.metrics.compiled import words as word
from sim.metrics.compiled.causes import find_cause, first_denied, is_too_early, refused_from
from sim.metrics.compiled.layout import Memory
from sim.metrics.compiled.lives import free_life, free_run_if_over, settle_cause
from sim.metrics.compiled.storage import add, drop, take


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
    m[case + at.CASE_STARTED], m[case + at.CASE_LISTED] = m[life + at.LIFE_STARTED], m[life + at.LIFE_LISTED]
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
