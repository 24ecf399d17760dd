"""Runs come, hold leases, execute and go, as in `sim.metrics.walk`: what of it counts, what it adds to the levels."""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled
from sim.metrics.compiled import layout as at
from sim.metrics.compiled import words as word
from sim.metrics.compiled.cases import blame_stop, ready_all
from sim.metrics.compiled.layout import Memory
from sim.metrics.compiled.levels import count, observed
from sim.metrics.compiled.lives import consider, free_run_if_over, known, known_or_new, new_life, settle_cause
from sim.metrics.compiled.storage import (
    add,
    append,
    enter,
    find_run,
    first_crash,
    place_of_run,
    remember_crash,
    remove,
    strike_out,
    take,
)

# ---------------------------------------------------------------------------------- a run comes and goes


@compiled
def new_run(m: Memory, lane: int, generation: int) -> int:
    """Begin the record of a run."""
    run = take(m, at.FREE_RUN, at.RUN_WORDS)
    m[run + at.RUN_LANE], m[run + at.RUN_GENERATION] = lane, generation
    m[run + at.RUN_STARTED] = m[run + at.RUN_CRASHED] = -1
    return run


@compiled
def arrives(m: Memory, lane: int, generation: int) -> None:
    """A run comes and wants a slot."""
    run = new_run(m, lane, generation)
    enter(m, m[at.RUN_TABLE] + place_of_run(lane, generation, m[at.TABLE_MASK]), run)
    m[run + at.RUN_ARRIVED] = m[at.NOW]
    m[run + at.RUN_ALIVE] = m[run + at.RUN_WAITING] = 1
    m[at.WAITING] += 1
    count(m, at.RUNS_ARRIVED)
    settle(m, run)


@compiled
def starts(m: Memory, run: int) -> None:
    """Provisioning is over."""
    m[run + at.RUN_STARTED], m[run + at.RUN_HAD_LEASE] = m[at.NOW], 0
    life = m[run + at.RUN_LIVES]
    while life != 0:
        if m[life + at.LIFE_LIVE] != 0 or life == m[run + at.RUN_LOST_LEASE]:
            m[life + at.LIFE_STARTED] = m[at.NOW]
        life = m[life + at.LIFE_NEXT]
    m[at.AT_WORK] += 1
    count(m, at.RUNS_STARTED)
    settle(m, run)


@compiled
def stops(m: Memory, run: int, loss: int) -> None:
    """Lease logic stops a run."""
    ends(m, run, at.IS_TERMINATED)
    life = m[run + at.RUN_LOST]
    if m[at.NOW] < m[at.WARMUP] or life == 0:
        return
    m[at.FALSE_TERMINATIONS] += 1
    m[at.TERMINATED_BY_LOSS + loss - word.LOSS_REVOKED] += 1
    m[at.TERMINATED_BY_TRUTH + m[life + at.LIFE_TRUTH] - word.TRUTH_STILL_VALID] += 1
    blame_stop(m, life)


@compiled
def ends(m: Memory, run: int, how: int) -> None:
    """A run ends: it waits, executes and believes no more."""
    m[run + at.RUN_ALIVE] = m[run + at.RUN_BELIEVES] = 0
    if m[run + at.RUN_WAITING] != 0:
        leave_queue(m, run)
        count(m, at.RUNS_LEFT_QUEUE)
    settle(m, run)
    if m[run + at.RUN_STARTED] >= 0:
        m[at.AT_WORK] -= 1
        count(m, at.RUNS_FINISHED + how)
        add(m, at.FINISHED_WORK_NS + 2 * how, m[run + at.RUN_WORKED])


@compiled
def is_done(m: Memory, run: int) -> None:
    """A run is over for good: what it suffered from is known, and leases that do not live are forgotten."""
    m[run + at.RUN_DONE], m[run + at.RUN_OVER_AT] = 1, m[at.NOW]
    if m[run + at.RUN_ALIVE] != 0:
        ends(m, run, at.IS_CANCELLED)
    settle(m, run)
    place = place_of_run(m[run + at.RUN_LANE], m[run + at.RUN_GENERATION], m[at.TABLE_MASK])
    strike_out(m, m[at.RUN_TABLE] + place, run)
    m[run + at.RUN_LOST_LEASE] = m[run + at.RUN_LOST] = m[run + at.RUN_BELIEVED] = 0
    life = m[run + at.RUN_LIVES]
    while life != 0:
        after = m[life + at.LIFE_NEXT]
        ready_all(m, life)
        consider(m, run, life)
        life = after
    free_run_if_over(m, run)


@compiled
def leave_queue(m: Memory, run: int) -> None:
    """A run waits no longer for its first grant."""
    m[run + at.RUN_WAITING] = 0
    m[at.WAITING] -= 1
    add(m, at.WAITED_NS, observed(m, m[run + at.RUN_ARRIVED]))


@compiled
def is_still_there(m: Memory, run: int) -> None:
    """The trace ends, and a run has not."""
    if m[run + at.RUN_WAITING] != 0:
        add(m, at.WAITED_NS, observed(m, m[run + at.RUN_ARRIVED]))
    elif m[run + at.RUN_ALIVE] != 0 and m[run + at.RUN_STARTED] >= 0:
        under_way = observed(m, m[run + at.RUN_SINCE]) if m[run + at.RUN_EXECUTING] != 0 else 0
        add(m, at.UNFINISHED_WORK_NS, m[run + at.RUN_WORKED] + under_way)


# ---------------------------------------------------------------------------------- a run and its lease


@compiled
def holds(m: Memory, run: int, lease: int) -> None:
    """A run learns that it holds a lease."""
    m[run + at.RUN_BELIEVES] = m[run + at.RUN_ALIVE]
    before = m[run + at.RUN_BELIEVED]
    m[run + at.RUN_BELIEVED] = known_or_new(m, run, lease)
    consider(m, run, before)
    settle(m, run)


@compiled
def loses(m: Memory, run: int, loss: int, lease: int, truth: int) -> None:
    """A run takes its lease for lost."""
    m[run + at.RUN_BELIEVES] = 0
    life, before = known_or_new(m, run, lease), m[run + at.RUN_LOST]
    if m[life + at.LIFE_LOST] < 0:
        m[life + at.LIFE_LOST], m[life + at.LIFE_REASON], m[life + at.LIFE_TRUTH] = m[at.NOW], loss, truth
        m[life + at.LIFE_LOST_SINCE] = last_renewed(m, life)
    m[run + at.RUN_LOST] = life
    consider(m, run, before)
    settle(m, run)


@compiled
def halts(m: Memory, run: int, why: int) -> None:
    """A run stops executing for a while."""
    m[run + at.RUN_HALTED] = why
    if why == word.HALT_RETRY or why == word.HALT_PAUSED:
        m[run + at.RUN_OWN_HALT] = why
    settle(m, run)


@compiled
def goes_on(m: Memory, run: int, why: int) -> None:
    """A run executes again."""
    halted = m[run + at.RUN_HALTED]
    if why == word.HALT_RETRY or why == word.HALT_PAUSED or halted == word.HALT_RETRY or halted == word.HALT_PAUSED:
        m[run + at.RUN_HAD_LEASE] = 0
    m[run + at.RUN_HALTED] = 0
    settle(m, run)


@compiled
def last_renewed(m: Memory, life: int) -> int:
    """Return when a lease was last renewed, or when it was granted."""
    return max(m[life + at.LIFE_RENEWED], m[life + at.LIFE_GRANTED])


# ---------------------------------------------------------------------------------- the authority's books


@compiled
def is_granted(m: Memory, lane: int, generation: int, lease: int, in_use: int) -> None:
    """A slot is granted; a late renewal that brings its lease back shows as a grant of the same lease."""
    life = known(m, lease)
    if life != 0:
        run = m[life + at.LIFE_RUN]
        m[life + at.LIFE_ENDED] = m[life + at.LIFE_ENDED_BY] = -1
        m[life + at.LIFE_CASE], m[life + at.LIFE_ENOUGH] = 0, at.FAR
        settle_cause(m, life, -1, 0)
    else:
        run = find_run(m, lane, generation)
        if run == 0:  # it was over when its request came to the authority
            run = new_run(m, lane, generation)
            m[run + at.RUN_DONE] = 1
        life = new_life(m, run, lease)
    if m[life + at.LIFE_LIVE] == 0:
        m[life + at.LIFE_LIVE] = 1
        m[run + at.RUN_LEASES] += 1
    m[at.IN_USE] = in_use
    if m[run + at.RUN_WAITING] != 0:
        leave_queue(m, run)
        count(m, at.RUNS_GRANTED)
        sum_up(m, at.QUEUE_WAITS, at.QUEUE_WAIT_NS, m[at.NOW] - m[run + at.RUN_ARRIVED])
    if m[at.RECLAIMABLE_FIRST] != 0:
        sum_up(m, at.RECLAIMS, at.RECLAIM_NS, m[at.NOW] - first_crash(m, at.RECLAIMABLE_FIRST))
    settle(m, run)


@compiled
def sum_up(m: Memory, counter: int, total: int, ns: int) -> None:
    """Add a time to a sum, with its number and the largest."""
    if m[at.NOW] >= m[at.WARMUP]:
        m[counter] += 1
        m[counter + 1] = max(m[counter + 1], ns)
        add(m, total, ns)


@compiled
def is_taken(m: Memory, life: int, by: int) -> int:
    """A lease ends at the authority; return when its run crashed, -1 if it did not."""
    run = m[life + at.LIFE_RUN]
    crashed, before = m[run + at.RUN_CRASHED], m[run + at.RUN_LOST_LEASE]
    if m[life + at.LIFE_LIVE] != 0:
        m[life + at.LIFE_LIVE] = 0
        m[run + at.RUN_LEASES] -= 1
    m[life + at.LIFE_ENDED], m[life + at.LIFE_ENDED_BY] = m[at.NOW], by
    m[life + at.LIFE_GIVEN_BACK] = m[run + at.RUN_OWN_HALT]
    m[life + at.LIFE_ENDED_SINCE], m[life + at.LIFE_LISTED] = last_renewed(m, life), m[at.LISTED_AT]
    m[run + at.RUN_LOST_LEASE] = life if m[run + at.RUN_DONE] == 0 else 0
    settle(m, run)
    if before != life:
        consider(m, run, before)
    consider(m, run, life)
    free_run_if_over(m, run)
    return crashed


@compiled
def is_reaped(m: Memory, life: int, in_use: int) -> None:
    """The authority takes an expired lease away."""
    crashed = is_taken(m, life, word.KIND_REAP)
    if m[at.REUSE_DELAY] != 0:
        m[at.COOLING] += 1
        remember_crash(m, at.COOLING_FIRST, crashed)
    elif in_use < m[at.IN_USE]:
        is_freed(m, crashed)
    m[at.IN_USE] = in_use


@compiled
def is_freed(m: Memory, crashed: int) -> None:
    """A slot is free again; remember when its holder crashed, if it did."""
    if crashed >= 0:
        remember_crash(m, at.RECLAIMABLE_FIRST, crashed)


@compiled
def has_cooled(m: Memory, in_use: int) -> None:
    """The reuse delay of a slot is over."""
    m[at.IN_USE] = in_use
    m[at.COOLING] -= 1
    if m[at.COOLING_FIRST] != 0:
        is_freed(m, first_crash(m, at.COOLING_FIRST))


@compiled
def books_are_lost(m: Memory) -> None:
    """A restart that loses the books frees every slot, those of no lease and of the reuse delay too."""
    while m[at.COOLING_FIRST] != 0:
        is_freed(m, first_crash(m, at.COOLING_FIRST))
    m[at.COOLING] = m[at.IN_USE] = 0


# ---------------------------------------------------------------------------------- from one run to the levels


@compiled
def settle(m: Memory, run: int) -> None:
    """Bring the levels up to date with what has changed about a run."""
    leases, alive, believes = m[run + at.RUN_LEASES], m[run + at.RUN_ALIVE] != 0, m[run + at.RUN_BELIEVES]
    executing = alive and m[run + at.RUN_STARTED] >= 0 and m[run + at.RUN_HALTED] == 0
    if executing != (m[run + at.RUN_EXECUTING] != 0):
        execute(m, run, executing)
    if executing and leases > 0:
        m[run + at.RUN_HAD_LEASE] = 1
    wanting = m[run + at.RUN_WAITING] != 0 or (alive and leases == 0 and m[run + at.RUN_HALTED] == word.HALT_NO_LEASE)
    change(m, at.HELD, run + at.RUN_HELD, 1 if alive and leases > 0 else 0)
    change(m, at.LEASED, run + at.RUN_LEASED, 1 if m[run + at.RUN_DONE] == 0 and leases + believes > 0 else 0)
    change(m, at.WANTING, run + at.RUN_WANTING, 1 if wanting else 0)
    change(m, at.BACKED, run + at.RUN_BACKED, max(leases, believes))
    holding = at.NOT_HOLDING
    if believes != 0:
        holding = at.IS_PROVISIONING if m[run + at.RUN_STARTED] < 0 else at.IS_WORKING if executing else at.IS_IDLE
    if holding != m[run + at.RUN_HOLDING]:
        m[at.HOLDING + m[run + at.RUN_HOLDING]] -= 1
        m[at.HOLDING + holding] += 1
        m[run + at.RUN_HOLDING] = holding
    if executing and leases == 0:
        if m[run + at.RUN_HAD_LEASE] != 0:
            append(m, at.OVERLAP_FIRST, at.RUN_OVERLAP, run)
        else:
            append(m, at.SLOTLESS_FIRST, at.RUN_SLOTLESS, run)
    else:
        remove(m, at.OVERLAP_FIRST, at.RUN_OVERLAP, run)
        remove(m, at.SLOTLESS_FIRST, at.RUN_SLOTLESS, run)


@compiled
def change(m: Memory, level: int, part: int, value: int) -> None:
    """Let a run's part in a level be `value`."""
    m[level] += value - m[part]
    m[part] = value


@compiled
def execute(m: Memory, run: int, executing: bool) -> None:
    """A run begins or ceases to execute."""
    if executing:
        m[run + at.RUN_EXECUTING], m[run + at.RUN_SINCE] = 1, m[at.NOW]
        m[at.EXECUTING] += 1
    else:
        m[run + at.RUN_EXECUTING] = 0
        m[at.EXECUTING] -= 1
        m[run + at.RUN_WORKED] += observed(m, m[run + at.RUN_SINCE])
