"""Take rows in, one by one, until there are no more or the records need more room; at the end bring all to a close."""

from __future__ import annotations

from typing import Any

from sim.engines.kernel.compiling import compiled, entry, pointer
from sim.metrics.compiled import layout as at
from sim.metrics.compiled import words as word
from sim.metrics.compiled.cases import ready_all, resolve, resolve_ready
from sim.metrics.compiled.faults import fault_begins, fault_ends, fault_record
from sim.metrics.compiled.layout import Memory
from sim.metrics.compiled.levels import advance, close_incident, count
from sim.metrics.compiled.lives import answered, denied, is_of_interest, known, renewed, write_down
from sim.metrics.compiled.runs import (
    arrives,
    books_are_lost,
    ends,
    goes_on,
    halts,
    has_cooled,
    holds,
    is_done,
    is_freed,
    is_granted,
    is_reaped,
    is_still_there,
    is_taken,
    loses,
    starts,
    stops,
)
from sim.metrics.compiled.storage import find_run, first_life, next_life


@entry
def take_rows_in(address: Any) -> None:
    """Take in the rows that stand in the memory at an address, or close the tally."""
    m = pointer(address)
    if m[at.STATUS] == at.ENDING:
        close(m)
        m[at.STATUS] = at.ENDED
        return
    while m[at.CURSOR] < m[at.COUNT]:
        lapsed = m[at.OVERLAP_COUNT] + m[at.SLOTLESS_COUNT]  # each may open a case
        if m[at.TOP] + at.SLACK + lapsed * at.CASE_WORDS > m[at.LIMIT]:
            m[at.STATUS] = at.TOO_SHORT
            return
        row = m[at.ROWS] + m[at.CURSOR] * at.ROW_WORDS
        m[at.CURSOR] += 1
        m[at.CLOCK] = m[row]
        if m[at.READY] != 0 and m[row] > m[at.READY_AT]:
            resolve_ready(m)
        if not take_in(m, m[row + 1], m[row + 2], m[row + 3], m[row + 4], m[row + 5], m[row + 6]):
            m[at.STATUS] = at.UNKNOWN_RUN
            return
    m[at.STATUS] = at.TAKEN


@compiled
def take_in(m: Memory, kind: int, lane: int, generation: int, number: int, lease: int, value: int) -> bool:
    """Take in one row; whether what it speaks of is known."""
    if word.KIND_SEND <= kind <= word.KIND_ANSWER or kind >= word.KIND_SKIPPED or kind == word.KIND_RESET:
        take_in_renewal(m, kind, number, lease, value)
        return True
    if kind == word.KIND_FAULT_BEGIN or kind == word.KIND_FAULT_END:
        take_in_fault(m, kind, lane, generation, number)
        return True
    if kind == word.KIND_SWEEP and lease >= 0 and m[at.LISTS_FIRST] != 0:
        m[at.LISTED_AT] = m[at.CLOCK]
    if not is_counted(kind):
        return True
    if m[at.NOW] != m[at.CLOCK]:
        advance(m, m[at.CLOCK])
    if kind == word.KIND_ARRIVE:
        arrives(m, lane, generation)
        return True
    if kind == word.KIND_GRANT:
        is_granted(m, lane, generation, lease, value)
        return True
    if kind == word.KIND_FREE:
        has_cooled(m, value)
        return True
    if kind == word.KIND_DECAY:
        m[at.IN_USE] = value
        return True
    if kind == word.KIND_REAP or kind == word.KIND_RELEASE or kind == word.KIND_FORGET:
        return take_in_end_of_lease(m, kind, lease, value)
    run = find_run(m, lane, generation)
    if run == 0:
        return False
    take_in_run(m, run, kind, number, lease, value)
    return True


@compiled
def is_counted(kind: int) -> bool:
    """Whether rows of this kind change anything that is left to look at."""
    polls = kind == word.KIND_ASK or kind == word.KIND_REFUSE or kind == word.KIND_QUEUE
    return not (polls or kind == word.KIND_RETRY or kind == word.KIND_SWEEP)


@compiled
def take_in_run(m: Memory, run: int, kind: int, number: int, lease: int, value: int) -> None:
    """Something happens to a run."""
    if kind == word.KIND_HOLD:
        holds(m, run, lease)
    elif kind == word.KIND_START:
        starts(m, run)
    elif kind == word.KIND_LOST:
        loses(m, run, number, lease, value)
    elif kind == word.KIND_STOP:
        stops(m, run, number)
    elif kind == word.KIND_FINISH:
        ends(m, run, at.IS_FINISHED)
    elif kind == word.KIND_CRASH:
        m[run + at.RUN_CRASHED] = m[at.NOW]
        ends(m, run, at.IS_CRASHED)
    elif kind == word.KIND_CANCEL:
        ends(m, run, at.IS_CANCELLED)
    elif kind == word.KIND_TURNED_AWAY:
        count(m, at.RUNS_TURNED_AWAY)
        ends(m, run, at.IS_CANCELLED)
    elif kind == word.KIND_HALT:
        halts(m, run, number)
    elif kind == word.KIND_GO:
        goes_on(m, run, number)
    elif kind == word.KIND_DONE:
        is_done(m, run)


@compiled
def take_in_end_of_lease(m: Memory, kind: int, lease: int, in_use: int) -> bool:
    """The authority takes a lease away or gets it back."""
    life = 0
    if lease >= 0:
        life = known(m, lease)
        if life == 0:
            return False
    if kind == word.KIND_REAP:
        is_reaped(m, life, in_use)
        return True
    if life != 0:
        crashed = is_taken(m, life, kind)
        if kind == word.KIND_RELEASE or m[at.LOST_FREE] != 0:
            is_freed(m, crashed)
    m[at.IN_USE] = in_use
    return True


@compiled
def take_in_fault(m: Memory, kind: int, lane: int, generation: int, number: int) -> None:
    """A fault begins or ends."""
    if kind == word.KIND_FAULT_END:
        fault_ends(m, number, lane, generation)
        return
    fault_begins(m, number, lane, generation)
    if m[at.LOST_FREE] != 0 and m[fault_record(m, number) + at.FAULT_WHAT] == at.RESTART:
        if m[at.NOW] != m[at.CLOCK]:
            advance(m, m[at.CLOCK])
        books_are_lost(m)


@compiled
def take_in_renewal(m: Memory, kind: int, number: int, lease: int, value: int) -> None:
    """A renewal is sent, granted, refused or answered; or a stretch of them has been left out."""
    time = value if kind >= word.KIND_SKIPPED else m[at.CLOCK]
    if time >= m[at.WARMUP]:
        if kind == word.KIND_SEND or kind == word.KIND_SENT_EARLIER:
            m[at.RENEWALS_SENT] += 1
        elif kind == word.KIND_RENEWED or kind == word.KIND_RENEWED_EARLIER:
            m[at.RENEWALS_GRANTED] += 1
        elif kind == word.KIND_DENIED:
            m[at.RENEWALS_DENIED] += 1
        elif kind == word.KIND_SKIPPED:
            m[at.RENEWALS_SENT] += number
            m[at.RENEWALS_GRANTED] += number
    life = first_life(m, lease)
    while life != 0:
        after = next_life(m, life)
        if is_of_interest(m, life):
            if kind == word.KIND_SEND or kind == word.KIND_SENT_EARLIER:
                write_down(m, life, at.SENT, number, time, -1, 0)
            elif kind == word.KIND_ANSWER:
                answered(m, life, number, value)
            elif kind == word.KIND_DENIED:
                denied(m, life)
                ready_all(m, life)
            elif kind != word.KIND_RESET:
                renewed(m, life, time)
            elif m[at.RESTART_SHORTENS] != 0:
                write_down(m, life, at.RESET, -1, -1, time, 0)
        life = after


@compiled
def close(m: Memory) -> None:
    """The trace ends: what is under way counts up to here, and every open case is decided."""
    m[at.CLOCK] = m[at.END]
    advance(m, m[at.END])
    m[at.READY] = 0
    for place in range(m[at.TABLE_MASK] + 1):
        life = m[m[at.LIFE_TABLE] + place]
        while life != 0:
            after = m[life]
            case = m[life + at.LIFE_CASES]
            while case != 0:
                following = m[case + at.CASE_NEXT]
                resolve(m, case)
                case = following
            life = after
        run = m[m[at.RUN_TABLE] + place]
        while run != 0:
            is_still_there(m, run)
            run = m[run]
    m[at.WAITING_AT_LAST], m[at.STARTED_AT_LAST] = m[at.WAITING], m[at.AT_WORK]
    close_incident(m)
