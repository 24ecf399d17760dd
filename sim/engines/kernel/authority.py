"""The authority: it grants leases on the slots of the limit, takes them back, stops and restarts."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.books import (
    await_decay,
    count_one_less,
    count_one_more,
    find_place,
    free_slots,
    in_use,
    leave_line,
    new_place,
    set_active,
)
from sim.engines.kernel.clocks import is_free, let_go, read, rebase
from sim.engines.kernel.compiling import compiled
from sim.engines.kernel.draws import block, duration
from sim.engines.kernel.expiry import abandon_sweep, due_of, expiry_goes_on, expiry_stops, is_over, reap, watch_lease
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.ledger import cools, ending_of, find_lease, new_lease, remove_lease, stop_cooling
from sim.engines.kernel.network import push_message, reply, send_answer
from sim.engines.kernel.storage import drop, high, low, push, record, take


@compiled
def replica_of(m: Memory, lane: int, generation: int, number: int) -> int:
    """Return the server process that the balancer sends a request to; one where all share their leases."""
    if m[at.REPLICAS] == 1:
        return 0
    return int(block(m, word.FOR_SERVICE, lane, generation, number)[3] * m[at.REPLICAS])


@compiled
def replica_of_message(m: Memory, message: int) -> int:
    """Return the server process that handles a message."""
    return replica_of(
        m, m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION], m[message + at.MESSAGE_ROUTE]
    )


@compiled
def grant(m: Memory, lane: int, generation: int, number: int, replica: int) -> int:
    """Grant a slot; return the lease's number."""
    lease = m[at.GRANTED]
    m[at.GRANTED] += 1
    leave_line(m, lane, generation)
    enter(m, lease, lane, generation, number, replica, m[at.INITIAL_TTL])
    if m[at.ARRIVALS] == at.BACKLOG:
        next_in_line(m, lane, generation)
    return lease


@compiled
def enter(m: Memory, lease: int, lane: int, generation: int, number: int, replica: int, ttl: int) -> int:
    """Enter a lease into the books; return its record."""
    entered = new_lease(m, lease, lane, generation, read(m, at.WALL_CLOCK) + ttl, replica)
    count_one_more(m)
    used = in_use(m)
    record(m, word.KIND_GRANT, lane, generation, number, lease, used)
    watch_lease(m, entered)
    return entered


@compiled
def next_in_line(m: Memory, lane: int, generation: int) -> None:
    """A run of a backlog was granted its first slot: the next one comes."""
    here = m[at.LANES] + lane * at.LANE_WORDS
    if generation < m[here + at.LANE_GENERATION] or m[here + at.LANE_GRANTED] != 0:
        return
    m[here + at.LANE_GRANTED] = 1
    new = m[at.BACKLOG_NEXT]
    m[at.BACKLOG_NEXT] += 1
    push(m, m[at.NOW], high(word.RANK_ARRIVE, new, 1), low(1), at.DO_CLIENT, new, 0, 0)


@compiled
def slots_may_be_free(m: Memory) -> None:
    """Grant to watchers in their order, as far as there is room; look again when the counter will have decayed."""
    if m[at.COLLISION] != at.WATCH or not is_free(m, at.AUTHORITY_ACTOR):
        return
    while m[at.WAITING_COUNT] > 0 and free_slots(m) > 0:
        place = m[at.WAITING_FIRST]
        lane, generation, number = (
            m[place + at.PLACE_LANE],
            m[place + at.PLACE_GENERATION],
            m[place + at.PLACE_NUMBER],
        )
        task, serial = m[place + at.PLACE_TASK], m[place + at.PLACE_SERIAL]
        lease = grant(m, lane, generation, -1, replica_of(m, lane, generation, m[place + at.PLACE_ROUTE]))
        place = find_place(m, lane, generation)
        if place == 0:
            place = new_place(m, lane, generation)
        m[place + at.PLACE_PROMISED] = lease
        latency = duration(m, m[at.DOWN_LEG], word.FOR_PUSH, lane, generation, number)
        send_answer(m, task, serial, lane, generation, number, latency, word.OUTCOME_OK, lease, 0, 0)


@compiled
def truth(m: Memory, number: int) -> int:
    """Return what is true of a lease now, whatever its holder thinks."""
    lease = find_lease(m, number)
    if lease != 0:
        return word.TRUTH_EXPIRED_UNCLAIMED if is_over(m, lease) else word.TRUTH_STILL_VALID
    ended = ending_of(m, number)
    if ended == word.TRUTH_EXPIRED_UNCLAIMED:
        taken = max(in_use(m), m[at.LEASE_COUNT]) >= m[at.SLOTS]
        return word.TRUTH_REASSIGNED if taken and not cools(m, number) else ended
    return word.TRUTH_FORGOTTEN


@compiled
def timer_rings(m: Memory, lease: int) -> None:
    """A lease's alarm rings: it was renewed meanwhile, or it is over."""
    m[lease + at.LEASE_ALARM] = 0
    if due_of(m, lease) > read(m, at.WALL_CLOCK):
        watch_lease(m, lease)
    else:
        reap(m, lease, word.HOW_TIMER)
        slots_may_be_free(m)


@compiled
def slot_has_cooled(m: Memory) -> None:
    """A reaped lease's slot may be granted again."""
    if m[at.USES_COUNTER] == 0:
        m[at.COOLING] -= 1
    else:
        count_one_less(m)


@compiled
def reuse_delay_is_over(m: Memory, number: int) -> None:
    """The alarm of a reaped lease's slot rings."""
    stop_cooling(m, number, False)
    slot_has_cooled(m)
    record(m, word.KIND_FREE, -1, -1, -1, -1, in_use(m))
    slots_may_be_free(m)


@compiled
def counter_decays(m: Memory, change: int) -> None:
    """The counter shows one less, if nothing has changed it since this was foreseen."""
    if change != m[at.CHANGES]:
        return
    record(m, word.KIND_DECAY, -1, -1, -1, -1, in_use(m))
    await_decay(m)
    slots_may_be_free(m)


@compiled
def place_is_free(m: Memory) -> None:
    """The server may be able to work on one more request: those that wait go before those that arrive now."""
    if m[at.QUEUE_FIRST] != 0:
        push(m, m[at.NOW], high(word.RANK_FREE, 0, 4), low(4), at.DO_ADMIT, 0, 0, 0)


@compiled
def authority_stops(m: Memory) -> None:
    """One freeze more."""
    m[at.AUTHORITY_ACTOR + at.ACTOR_FREEZES] += 1
    if m[at.AUTHORITY_ACTOR + at.ACTOR_FREEZES] == 1:
        expiry_stops(m)


@compiled
def go_down(m: Memory) -> None:
    """The process dies: requests under way break; what is kept in memory is lost."""
    m[at.DOWN] += 1
    authority_stops(m)
    abandon_sweep(m)
    break_off_all(m, m[at.INBOX_FIRST])
    break_off_all(m, m[at.IN_HAND_FIRST])
    break_off_all(m, m[at.QUEUE_FIRST])
    m[at.INBOX_FIRST] = m[at.INBOX_LAST] = m[at.IN_HAND_FIRST] = m[at.IN_HAND_COUNT] = 0
    m[at.QUEUE_FIRST] = m[at.QUEUE_LAST] = 0
    if m[at.ON_RESTART] == at.RESTART_LOST_FREE or m[at.ON_RESTART] == at.RESTART_LOST_LEAK:
        forget_leases(m, m[at.ON_RESTART] == at.RESTART_LOST_LEAK)


@compiled
def break_off_all(m: Memory, message: int) -> None:
    """Reset the connections of a list of requests."""
    while message != 0:
        after = m[message + at.MESSAGE_NEXT]
        reply(m, message, word.OUTCOME_RESET, -1, 0, 0)
        message = after


@compiled
def forget_leases(m: Memory, leak: bool) -> None:
    """Lose every lease; with `leak` their slots stay counted. The list of what was lost lives in the trace's order."""
    first = 0  # a list of what is to be written down once the books are settled
    lease = m[at.LEASE_LAST]
    while lease != 0:
        before = m[lease + at.LEASE_BEFORE]
        sight = take(m, at.FREE_SIGHT, at.SIGHT_WORDS)
        m[sight + at.SIGHT_NEXT], m[sight + at.SIGHT_LEASE] = first, m[lease + at.LEASE_NUMBER]
        m[sight + at.SIGHT_VERSION], m[sight + at.SIGHT_SINCE] = (
            m[lease + at.LEASE_LANE],
            m[lease + at.LEASE_GENERATION],
        )
        first = sight
        remove_lease(m, lease, word.TRUTH_FORGOTTEN)
        lease = before
    if not leak:
        if m[at.USES_COUNTER] != 0:
            set_active(m, 0)
        m[at.COOLING] = 0
        while m[at.COOLING_FIRST] != 0:
            stop_cooling(m, m[m[at.COOLING_FIRST] + at.SIGHT_LEASE], True)
    while first != 0:
        used = in_use(m)
        lane, generation = m[first + at.SIGHT_VERSION], m[first + at.SIGHT_SINCE]
        record(m, word.KIND_FORGET, lane, generation, -1, m[first + at.SIGHT_LEASE], used)
        after = m[first + at.SIGHT_NEXT]
        drop(m, at.FREE_SIGHT, first)
        first = after


@compiled
def come_up(m: Memory) -> None:
    """The process starts: leases get the term that the rules give them; the first sweep comes at once."""
    m[at.DOWN] -= 1
    if m[at.DOWN] > 0:
        authority_goes_on(m)
        return
    if m[at.ON_RESTART] == at.RESTART_RESET_FULL or m[at.ON_RESTART] == at.RESTART_RESET_TO:
        term = m[at.TTL] if m[at.ON_RESTART] == at.RESTART_RESET_FULL else m[at.RESTART_TTL]
        lease = m[at.LEASE_FIRST]
        while lease != 0:
            m[lease + at.LEASE_EXPIRES] = read(m, at.WALL_CLOCK) + term
            watch_lease(m, lease)
            lane, generation = m[lease + at.LEASE_LANE], m[lease + at.LEASE_GENERATION]
            number, expires = m[lease + at.LEASE_NUMBER], m[lease + at.LEASE_EXPIRES]
            record(m, word.KIND_RESET, lane, generation, -1, number, expires)
            lease = m[lease + at.LEASE_AFTER]
    m[at.QUIET_UNTIL] = m[at.NOW] + m[at.RESTART_QUIET]
    push(m, m[at.QUIET_UNTIL], high(word.RANK_FREE, 0, 1), low(1), at.DO_SERVE, 0, 0, 0)
    m[at.RESTARTED] = 1
    authority_goes_on(m)


@compiled
def authority_goes_on(m: Memory) -> None:
    """One freeze less; with the last one, what was held back happens, first the authority's own."""
    m[at.AUTHORITY_ACTOR + at.ACTOR_FREEZES] -= 1
    if m[at.AUTHORITY_ACTOR + at.ACTOR_FREEZES] > 0:
        return
    expiry_goes_on(m, m[at.RESTARTED])
    m[at.RESTARTED] = 0
    slots_may_be_free(m)
    place_is_free(m)
    message = m[at.INBOX_FIRST]
    m[at.INBOX_FIRST] = m[at.INBOX_LAST] = 0
    while message != 0:
        after = m[message + at.MESSAGE_NEXT]
        push_message(m, message, m[at.NOW], at.DO_ARRIVAL)
        message = after
    let_go(m, at.AUTHORITY_ACTOR)


@compiled
def step_wall_clock(m: Memory, by: int) -> None:
    """The wall clock jumps."""
    free = is_free(m, at.AUTHORITY_ACTOR)
    if free:
        expiry_stops(m)
    rebase(m, at.WALL_CLOCK, read(m, at.WALL_CLOCK) + by, 1)
    if free:
        expiry_goes_on(m, 0)
