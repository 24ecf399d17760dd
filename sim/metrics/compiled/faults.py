"""What befell whom, for as long as it may be to blame for the loss of a lease.

An occurrence is kept in the list of its run, its machine or everybody, newest first. Occurrences of one fault that
begin at one instant share a *spell*: runs that they stop are stopped by a common cause, and count as one incident.
"""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled
from sim.metrics.compiled import layout as at
from sim.metrics.compiled.layout import Memory
from sim.metrics.compiled.storage import drop, find_run, take

_PRUNE_AT_LEAST = 64


@compiled
def fault_record(m: Memory, number: int) -> int:
    """Return where a fault of the scenario is described."""
    return m[at.FAULTS] + number * at.FAULT_WORDS


@compiled
def list_of(m: Memory, number: int, lane: int, generation: int) -> int:
    """Return where the list of a fault's target begins, 0 where the target is over."""
    whom = m[fault_record(m, number) + at.FAULT_WHOM]
    if whom == at.ON_RUNS:
        run = find_run(m, lane, generation)
        return 0 if run == 0 else run + at.RUN_STRUCK
    if whom == at.ON_HOSTS and not (lane == 0 and m[at.SHARED] != 0):
        return m[at.LINES] + lane
    return m[at.LINES] + m[at.HOST_COUNT]


@compiled
def fault_begins(m: Memory, number: int, lane: int, generation: int) -> None:
    """Remember an occurrence that could be to blame for something."""
    fault = fault_record(m, number)
    if m[fault + at.FAULT_RANK] == 0:
        m[at.RANKS] += 1
        m[fault + at.FAULT_RANK] = m[at.RANKS]
    first = list_of(m, number, lane, generation)
    if first == 0 or (m[fault + at.FAULT_ROLES] == 0 and m[fault + at.FAULT_WHAT] != at.RESTART):
        return
    forget_old_ones(m, fault, first)
    occurrence = take(m, at.FREE_OCCURRENCE, at.OCCURRENCE_WORDS)
    m[occurrence + at.OCCURRENCE_FAULT] = number
    m[occurrence + at.OCCURRENCE_BEGIN], m[occurrence + at.OCCURRENCE_END] = m[at.CLOCK], at.FAR
    m[occurrence + at.OCCURRENCE_SPELL] = spell_of(m, fault)
    m[occurrence] = m[first]
    m[first] = occurrence
    m[at.OCCURRENCES] += 1


@compiled
def spell_of(m: Memory, fault: int) -> int:
    """Return the spell of what begins now, with one user more."""
    spell = m[fault + at.FAULT_SPELL]
    if spell == 0 or m[spell + at.SPELL_BEGIN] != m[at.CLOCK]:
        spell = take(m, at.FREE_SPELL, at.SPELL_WORDS)
        m[spell + at.SPELL_BEGIN] = m[at.CLOCK]
        m[fault + at.FAULT_SPELL] = spell
    m[spell + at.SPELL_USERS] += 1
    return spell


@compiled
def leave_spell(m: Memory, spell: int, number: int) -> None:
    """Count one user of a spell of fault `number` less."""
    m[spell + at.SPELL_USERS] -= 1
    if m[spell + at.SPELL_USERS] == 0:
        fault = fault_record(m, number)
        if m[fault + at.FAULT_SPELL] == spell:
            m[fault + at.FAULT_SPELL] = 0
        drop(m, at.FREE_SPELL, spell)


@compiled
def fault_ends(m: Memory, number: int, lane: int, generation: int) -> None:
    """An occurrence is over: the last one of its fault in the list."""
    first = list_of(m, number, lane, generation)
    occurrence = 0 if first == 0 else m[first]
    while occurrence != 0 and m[occurrence + at.OCCURRENCE_FAULT] != number:
        occurrence = m[occurrence]
    if occurrence != 0:
        m[occurrence + at.OCCURRENCE_END] = m[at.CLOCK]


# ---------------------------------------------------------------------------------- forgetting


@compiled
def forget_old_ones(m: Memory, fault: int, first: int) -> None:
    """Make room: a run's list is looked through each time, the others when there are twice as many as were needed."""
    if m[fault + at.FAULT_WHOM] == at.ON_RUNS:
        prune(m, first, floor_of_run(m, first - at.RUN_STRUCK))
    elif m[at.OCCURRENCES] >= m[at.PRUNE_AT]:
        prune_lists(m)
        m[at.PRUNE_AT] = max(_PRUNE_AT_LEAST, 2 * m[at.OCCURRENCES], m[at.LIVES])


@compiled
def prune_lists(m: Memory) -> None:
    """Forget what befell machines or everybody before the time from which on it may still matter there."""
    hosts = m[at.HOST_COUNT]
    floors, everywhere = m[at.FLOORS], at.FAR
    for host in range(hosts):
        m[floors + host] = at.FAR
    for place in range(m[at.TABLE_MASK] + 1):
        life = m[m[at.LIFE_TABLE] + place]
        while life != 0:
            host, floor = m[m[life + at.LIFE_RUN] + at.RUN_LANE] % hosts, floor_of(m, life)
            m[floors + host] = min(m[floors + host], floor)
            everywhere = min(everywhere, floor)
            life = m[life]
    for host in range(hosts):
        prune(m, m[at.LINES] + host, m[floors + host])
    prune(m, m[at.LINES] + hosts, everywhere)


@compiled
def prune(m: Memory, first: int, floor: int) -> None:
    """Forget the occurrences of a list that ended before `floor`; what has no end, by its beginning."""
    floor, place = min(floor, m[at.CLOCK]), first
    while m[place] != 0:
        occurrence = m[place]
        number = m[occurrence + at.OCCURRENCE_FAULT]
        instant = m[fault_record(m, number) + at.FAULT_INSTANT] != 0
        if m[occurrence + (at.OCCURRENCE_BEGIN if instant else at.OCCURRENCE_END)] < floor:
            m[place] = m[occurrence]
            leave_spell(m, m[occurrence + at.OCCURRENCE_SPELL], number)
            drop(m, at.FREE_OCCURRENCE, occurrence)
            m[at.OCCURRENCES] -= 1
        else:
            place = occurrence


@compiled
def floor_of_run(m: Memory, run: int) -> int:
    """Return the time before which nothing can be to blame for a loss of this run."""
    floor, life = m[at.CLOCK], m[run + at.RUN_LIVES]
    while life != 0:
        floor = min(floor, floor_of(m, life))
        life = m[life + at.LIFE_NEXT]
    return floor


@compiled
def floor_of(m: Memory, life: int) -> int:
    """Return the time before which nothing can be to blame for the loss of this lease: where its last renewal was."""
    floor, case = at.FAR, m[life + at.LIFE_CASES]
    settled = m[life + at.LIFE_CAUSE] >= 0 and m[at.REVIVES] == 0 and m[life + at.LIFE_LIVE] == 0
    if m[m[life + at.LIFE_RUN] + at.RUN_DONE] == 0 and not settled:
        floor = m[life + at.LIFE_RENEWED] if m[life + at.LIFE_RENEWED] >= 0 else m[life + at.LIFE_GRANTED]
        if m[life + at.LIFE_ENDED] >= 0:
            floor = min(floor, m[life + at.LIFE_ENDED_SINCE])
        if m[life + at.LIFE_LOST] >= 0:
            floor = min(floor, m[life + at.LIFE_LOST_SINCE])
    while case != 0:
        floor = min(floor, m[case + at.CASE_SINCE])
        case = m[case + at.CASE_NEXT]
    return floor
