"""Leases from their grant until nobody can ask any more why they were lost, and the log of each one's renewals.

A log keeps what may still decide a cause: requests under way, and what was sent, refused or answered since the last
renewal that counted. So a healthy lease has one or two entries, whatever it lives.
"""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled
from sim.metrics.compiled import layout as at
from sim.metrics.compiled import words as word
from sim.metrics.compiled.faults import floor_of, leave_spell, prune
from sim.metrics.compiled.layout import Memory
from sim.metrics.compiled.storage import drop, enter, first_life, next_life, place_of_life, strike_out, take


@compiled
def known(m: Memory, lease: int) -> int:
    """Return a lease that is not forgotten, 0 if there is none."""
    life = first_life(m, lease)
    while life != 0 and m[life + at.LIFE_FORGOTTEN] != 0:
        life = next_life(m, life)
    return life


@compiled
def known_or_new(m: Memory, run: int, lease: int) -> int:
    """Return the record of a lease that a run speaks of."""
    life = known(m, lease)
    return new_life(m, run, lease) if life == 0 else life


@compiled
def new_life(m: Memory, run: int, lease: int) -> int:
    """Begin the record of a lease."""
    life = take(m, at.FREE_LIFE, at.LIFE_WORDS)
    m[life + at.LIFE_LEASE], m[life + at.LIFE_RUN], m[life + at.LIFE_GRANTED] = lease, run, m[at.CLOCK]
    m[life + at.LIFE_STARTED] = m[run + at.RUN_STARTED]
    m[life + at.LIFE_ENDED] = m[life + at.LIFE_LOST] = m[life + at.LIFE_RENEWED] = m[life + at.LIFE_CAUSE] = -1
    m[life + at.LIFE_ENOUGH] = at.FAR
    m[life + at.LIFE_NEXT] = m[run + at.RUN_LIVES]
    m[run + at.RUN_LIVES] = life
    enter(m, m[at.LIFE_TABLE] + place_of_life(lease, m[at.TABLE_MASK]), life)
    m[at.LIVES] += 1
    return life


@compiled
def consider(m: Memory, run: int, life: int) -> None:
    """Forget a lease unless it lives, or its run can still suffer from having lost it."""
    if life == 0 or m[life + at.LIFE_LIVE] != 0:
        return
    matters = life == m[run + at.RUN_LOST_LEASE] or life == m[run + at.RUN_LOST] or life == m[run + at.RUN_BELIEVED]
    if m[run + at.RUN_DONE] != 0 or not matters:
        m[life + at.LIFE_FORGOTTEN] = 1
        if m[life + at.LIFE_CASES] == 0:
            free_life(m, life)


@compiled
def free_life(m: Memory, life: int) -> None:
    """End the record of a lease."""
    run, entry = m[life + at.LIFE_RUN], m[life + at.LIFE_LOG]
    while entry != 0:
        after = m[entry]
        drop(m, at.FREE_ENTRY, entry)
        entry = after
    settle_cause(m, life, -1, 0)
    strike_out(m, m[at.LIFE_TABLE] + place_of_life(m[life + at.LIFE_LEASE], m[at.TABLE_MASK]), life)
    place = run + at.RUN_LIVES
    while m[place] != life:
        place = m[place] + at.LIFE_NEXT
    m[place] = m[life + at.LIFE_NEXT]
    drop(m, at.FREE_LIFE, life)
    m[at.LIVES] -= 1


@compiled
def free_run_if_over(m: Memory, run: int) -> None:
    """End the record of a run that is over and has left nothing behind."""
    if m[run + at.RUN_DONE] != 0 and m[run + at.RUN_LIVES] == 0:
        prune(m, run + at.RUN_STRUCK, at.FAR)
        drop(m, at.FREE_RUN, run)


@compiled
def settle_cause(m: Memory, life: int, cause: int, spell: int) -> None:
    """Remember the cause of a lease's loss; -1: it is to be found anew."""
    if spell != 0:
        m[spell + at.SPELL_USERS] += 1
    if m[life + at.LIFE_SPELL] != 0:
        leave_spell(m, m[life + at.LIFE_SPELL], m[life + at.LIFE_CAUSE] - at.FIRST_FAULT)
    m[life + at.LIFE_CAUSE], m[life + at.LIFE_SPELL] = cause, spell


# ---------------------------------------------------------------------------------- the log


@compiled
def is_of_interest(m: Memory, life: int) -> bool:
    """Whether what happens to a lease's renewals can still decide a cause."""
    if m[m[life + at.LIFE_RUN] + at.RUN_DONE] != 0 and m[life + at.LIFE_CASES] == 0:
        return False
    return m[at.CLOCK] <= m[life + at.LIFE_ENOUGH]


@compiled
def write_down(m: Memory, life: int, what: int, number: int, sent: int, ended: int, outcome: int) -> None:
    """Enter something in the log of a lease."""
    entry = take(m, at.FREE_ENTRY, at.ENTRY_WORDS)
    m[entry + at.ENTRY_WHAT], m[entry + at.ENTRY_NUMBER], m[entry + at.ENTRY_OUTCOME] = what, number, outcome
    m[entry + at.ENTRY_SENT], m[entry + at.ENTRY_ENDED] = sent, ended
    m[entry] = m[life + at.LIFE_LOG]
    m[life + at.LIFE_LOG] = entry


@compiled
def answered(m: Memory, life: int, number: int, outcome: int) -> None:
    """A request ends at its holder."""
    entry = m[life + at.LIFE_LOG]
    while entry != 0:
        if (
            m[entry + at.ENTRY_NUMBER] == number
            and m[entry + at.ENTRY_WHAT] == at.SENT
            and m[entry + at.ENTRY_ENDED] < 0
        ):
            m[entry + at.ENTRY_ENDED], m[entry + at.ENTRY_OUTCOME] = m[at.CLOCK], outcome
            return
        entry = m[entry]
    write_down(m, life, at.UNSENT, number, m[at.CLOCK], m[at.CLOCK], outcome)


@compiled
def denied(m: Memory, life: int) -> None:
    """The authority refuses a renewal; from the first that comes after the end of the lease on, no more is asked."""
    write_down(m, life, at.DENIED, -1, -1, m[at.CLOCK], 0)
    ended, lost = m[life + at.LIFE_ENDED], m[life + at.LIFE_LOST]
    taken_first = 0 <= ended <= m[at.CLOCK] and (lost < 0 or ended <= lost)
    if taken_first and m[at.REVIVES] == 0 and m[life + at.LIFE_ENDED_BY] == word.KIND_REAP:
        m[life + at.LIFE_ENOUGH] = min(m[life + at.LIFE_ENOUGH], m[at.CLOCK])


@compiled
def renewed(m: Memory, life: int, time: int) -> None:
    """The authority extended a lease at `time`, which may be before the row that says so."""
    m[life + at.LIFE_RENEWED] = max(m[life + at.LIFE_RENEWED], time)
    if time <= m[life + at.LIFE_ENDED]:
        m[life + at.LIFE_ENDED_SINCE] = max(m[life + at.LIFE_ENDED_SINCE], time)
    if time <= m[life + at.LIFE_LOST]:
        m[life + at.LIFE_LOST_SINCE] = max(m[life + at.LIFE_LOST_SINCE], time)
    case = m[life + at.LIFE_CASES]
    while case != 0:
        if time <= m[case + (at.CASE_ENDED if m[case + at.CASE_TAKEN] != 0 else at.CASE_LOST)]:
            m[case + at.CASE_SINCE] = max(m[case + at.CASE_SINCE], time)
        case = m[case + at.CASE_NEXT]
    prune_log(m, life)


@compiled
def prune_log(m: Memory, life: int) -> None:
    """Forget what was over before the last renewal that counts."""
    floor, place = floor_of(m, life), life + at.LIFE_LOG
    while m[place] != 0:
        entry = m[place]
        sent, ended = m[entry + at.ENTRY_SENT], m[entry + at.ENTRY_ENDED]
        if 0 <= ended <= floor and max(sent, ended if m[entry + at.ENTRY_WHAT] > at.UNSENT else -1) < floor:
            m[place] = m[entry]
            drop(m, at.FREE_ENTRY, entry)
        else:
            place = entry
