"""What the authority does with a request: wait, work on it, refuse it, let it take effect."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.authority import (
    enter,
    grant,
    place_is_free,
    replica_of_message,
    slot_has_cooled,
    slots_may_be_free,
)
from sim.engines.kernel.books import (
    count_one_less,
    find_place,
    forget_place,
    free_places,
    free_slots,
    in_use,
    is_its_turn,
    join_line,
    mind_the_places,
    note_occupancy,
    retry_after,
)
from sim.engines.kernel.clocks import hold_back, is_free, read
from sim.engines.kernel.compiling import compiled, real
from sim.engines.kernel.draws import block
from sim.engines.kernel.expiry import first_expired, is_over, reap, watch_lease
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.ledger import cools, ending_of, find_lease, remove_lease, stop_cooling
from sim.engines.kernel.network import is_local, push_message, reply, request_key, service_time
from sim.engines.kernel.storage import drop, high, low, push, record, take


@compiled
def receive(m: Memory, message: int) -> None:
    """A request arrives: a sleeping machine loses it, a server that is down refuses, a stopped one lets it wait."""
    if m[at.ASLEEP] > 0 and not is_local(m, m[message + at.MESSAGE_HOST]):
        drop(m, at.FREE_MESSAGE, message)
    elif m[at.DOWN] > 0:
        reply(m, message, word.OUTCOME_REFUSED, -1, 0, 0)
    elif not is_free(m, at.AUTHORITY_ACTOR):
        let_wait(m, message, at.INBOX_FIRST, at.INBOX_LAST)
    elif m[at.QUEUE_FIRST] != 0 or free_places(m) <= 0:
        let_wait(m, message, at.QUEUE_FIRST, at.QUEUE_LAST)
    else:
        begin_to_serve(m, message)


@compiled
def begin_to_serve(m: Memory, message: int) -> None:
    """Work on a request, in no time or in its service time."""
    service = service_time(m, message)
    if service == 0:
        complete(m, message)
    else:
        take_in_hand(m, message)
        push_message(m, message, m[at.NOW] + service, at.DO_SERVED)


@compiled
def admit(m: Memory) -> None:
    """Work on the first request that waits for a place, if there is one, then on the next, before anything else.

    Each is an entry of its own on the agenda: the loop looks between two whether the arrays are still long enough.
    """
    if m[at.QUEUE_FIRST] == 0 or free_places(m) <= 0 or not is_free(m, at.AUTHORITY_ACTOR):
        return
    message = m[at.QUEUE_FIRST]
    m[at.QUEUE_FIRST] = m[message + at.MESSAGE_NEXT]
    if m[at.QUEUE_FIRST] == 0:
        m[at.QUEUE_LAST] = 0
    begin_to_serve(m, message)
    if m[at.QUEUE_FIRST] != 0:
        push(m, m[at.NOW], at.BEFORE_ALL, 0, at.DO_ADMIT, 0, 0, 0)


@compiled
def let_wait(m: Memory, message: int, first: int, last: int) -> None:
    """Put a request at the end of a list: until the authority acts again, or until there is a place."""
    m[message + at.MESSAGE_NEXT] = 0
    if m[last] == 0:
        m[first] = message
    else:
        m[m[last] + at.MESSAGE_NEXT] = message
    m[last] = message


@compiled
def take_in_hand(m: Memory, message: int) -> None:
    """Work on a request."""
    first = m[at.IN_HAND_FIRST]
    m[message + at.MESSAGE_BEFORE], m[message + at.MESSAGE_NEXT], m[message + at.MESSAGE_IN_HAND] = 0, first, 1
    if first != 0:
        m[first + at.MESSAGE_BEFORE] = message
    m[at.IN_HAND_FIRST] = message
    m[at.IN_HAND_COUNT] += 1
    mind_the_places(m)


@compiled
def served(m: Memory, message: int, serial: int) -> None:
    """The service time of a request is over: it takes effect, unless the process died meanwhile."""
    if m[message] != serial:
        return
    if is_free(m, at.AUTHORITY_ACTOR):
        complete(m, message)
        return
    key = request_key(m[message + at.MESSAGE_GENERATION], m[message + at.MESSAGE_NUMBER])
    key_high = high(word.RANK_ARRIVAL, m[message + at.MESSAGE_LANE], key)
    hold_back(m, at.AUTHORITY_ACTOR, key_high, low(key), at.DO_SERVED, message, serial, 0)


@compiled
def complete(m: Memory, message: int) -> None:
    """A request takes effect."""
    if m[message + at.MESSAGE_IN_HAND] != 0:
        before, after = m[message + at.MESSAGE_BEFORE], m[message + at.MESSAGE_NEXT]
        if before == 0:
            m[at.IN_HAND_FIRST] = after
        else:
            m[before + at.MESSAGE_NEXT] = after
        if after != 0:
            m[after + at.MESSAGE_BEFORE] = before
        m[at.IN_HAND_COUNT] -= 1
        place_is_free(m)
    if m[at.ERRS] != 0 and service_draw(m, message, 2) < real(m, at.ERROR_PROBABILITY):
        reply(m, message, m[at.ERROR_STATUS], -1, m[at.ERROR_RETRY_AFTER], 0)
    elif m[message + at.MESSAGE_REQUEST] == at.RENEW:
        renew(m, message)
    elif m[message + at.MESSAGE_REQUEST] == at.VALIDATE:
        validate(m, message)
    elif m[message + at.MESSAGE_REQUEST] == at.RELEASE:
        release(m, message)
    else:
        acquire(m, message)


@compiled
def service_draw(m: Memory, message: int, which: int) -> float:
    """Return one of the uniforms that belong to a request's processing."""
    uniforms = block(
        m,
        word.FOR_SERVICE,
        m[message + at.MESSAGE_LANE],
        m[message + at.MESSAGE_GENERATION],
        m[message + at.MESSAGE_NUMBER],
    )
    return uniforms[2] if which == 2 else uniforms[3]


@compiled
def acquire(m: Memory, message: int) -> None:
    """A run wants a slot."""
    lane, generation = m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION]
    place = find_place(m, lane, generation)
    if place != 0 and m[place + at.PLACE_PROMISED] >= 0:
        reply(m, message, word.OUTCOME_OK, m[place + at.PLACE_PROMISED], 0, 0)
        return
    if m[message + at.MESSAGE_TAKE] >= 0:
        over = find_lease(m, m[message + at.MESSAGE_TAKE])
        if free_slots(m) == 0 and over != 0 and m[over + at.LEASE_VERSION] == m[message + at.MESSAGE_VERSION]:
            reap(m, over, word.HOW_TAKEN)
    elif m[at.EXPIRY_CHECK] == at.CHECK_ON_ACQUIRE and m[at.CONTENDER] == 0 and free_slots(m) == 0:
        over = first_expired(m)
        while over != 0:
            reap(m, over, word.HOW_ACQUIRE)
            over = first_expired(m)
    free = free_slots(m)
    if is_its_turn(m, lane, generation, free):
        replica = replica_of_message(m, message)
        lease = grant(m, lane, generation, m[message + at.MESSAGE_NUMBER], replica)
        reply(m, message, word.OUTCOME_OK, lease, 0, 0)
    else:
        refuse(m, message, lane, generation)


@compiled
def refuse(m: Memory, message: int, lane: int, generation: int) -> None:
    """The limit is full."""
    number = m[message + at.MESSAGE_NUMBER]
    if m[at.COLLISION] == at.WATCH:
        record(m, word.KIND_QUEUE, lane, generation, number, -1, 0)
        join_line(m, message)
        slots_may_be_free(m)
        reply(m, message, word.OUTCOME_QUEUED, -1, 0, 0)
        return
    if m[at.COLLISION] == at.ENQUEUE and m[at.FIFO] != 0:
        join_line(m, message)
    wait = retry_after(m, lane, generation, number)
    record(m, word.KIND_REFUSE, lane, generation, number, -1, wait)
    reply(m, message, word.OUTCOME_FULL, -1, wait, versions(m) if m[at.CONTENDER] != 0 else 0)


@compiled
def versions(m: Memory) -> int:
    """Return the leases and their versions as a list, for a contender to look at."""
    first = 0
    lease = m[at.LEASE_FIRST]
    while lease != 0:
        sight = take(m, at.FREE_SIGHT, at.SIGHT_WORDS)
        m[sight + at.SIGHT_NEXT], m[sight + at.SIGHT_SINCE] = first, 0
        m[sight + at.SIGHT_LEASE], m[sight + at.SIGHT_VERSION] = m[lease + at.LEASE_NUMBER], m[lease + at.LEASE_VERSION]
        first = sight
        lease = m[lease + at.LEASE_AFTER]
    return first


@compiled
def renew(m: Memory, message: int) -> None:
    """A holder wants its lease extended."""
    if extend(m, message, m[at.TTL]):
        reply(m, message, word.OUTCOME_OK, m[message + at.MESSAGE_LEASE], 0, 0)
    else:
        deny(m, message)
        reply(m, message, word.OUTCOME_GONE, -1, 0, 0)


@compiled
def deny(m: Memory, message: int) -> None:
    """Write down that a lease cannot be extended any more."""
    lane, generation = m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION]
    record(m, word.KIND_DENIED, lane, generation, m[message + at.MESSAGE_NUMBER], m[message + at.MESSAGE_LEASE], 0)


@compiled
def validate(m: Memory, message: int) -> None:
    """A run starts: its lease gets the first term anew, or it gets another, or it is cancelled and counted down."""
    if extend(m, message, m[at.INITIAL_TTL]):
        reply(m, message, word.OUTCOME_OK, m[message + at.MESSAGE_LEASE], 0, 0)
        return
    lane, generation = m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION]
    number = m[message + at.MESSAGE_NUMBER]
    if free_slots(m) > 0:
        lease = grant(m, lane, generation, number, replica_of_message(m, message))
        reply(m, message, word.OUTCOME_OK, lease, 0, 0)
        return
    deny(m, message)
    if m[at.RELEASE_FALLBACK] != 0:
        count_one_less(m)
        record(m, word.KIND_RELEASE, lane, generation, number, -1, in_use(m))
        slots_may_be_free(m)
    reply(m, message, word.OUTCOME_GONE, -1, 0, 0)


@compiled
def extend(m: Memory, message: int, ttl: int) -> bool:
    """Give a lease a new expiry, if it can be extended still."""
    lane, generation = m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION]
    number, named = m[message + at.MESSAGE_NUMBER], m[message + at.MESSAGE_LEASE]
    place = find_place(m, lane, generation)
    if place != 0 and m[place + at.PLACE_PROMISED] == named:
        m[place + at.PLACE_PROMISED] = -1  # it knows: from now on asking means asking for another
        forget_place(m, place)
    lease = find_lease(m, named)
    if lease == 0:
        lease = revived(m, message)
    elif (m[at.REPLICAS] != 1 and m[lease + at.LEASE_REPLICA] != replica_of_message(m, message)) or (
        m[at.LATE_RENEW] == at.LATE_REJECT and is_over(m, lease)
    ):
        lease = 0
    if lease == 0:
        return False
    expires = read(m, at.WALL_CLOCK) + ttl
    sooner = expires < m[lease + at.LEASE_EXPIRES]
    m[lease + at.LEASE_EXPIRES] = expires
    m[lease + at.LEASE_VERSION] += 1
    if sooner:
        watch_lease(m, lease)
    record(m, word.KIND_RENEWED, lane, generation, number, named, expires)
    return True


@compiled
def revived(m: Memory, message: int) -> int:
    """Return a lease that a late renewal brings back: one that expired or was lost, never one given back."""
    rule, named = m[at.LATE_RENEW], m[message + at.MESSAGE_LEASE]
    untaken = rule == at.LATE_IF_UNTAKEN and (free_slots(m) > 0 or cools(m, named))
    if rule != at.LATE_RESURRECT and not untaken:
        return 0
    ended = ending_of(m, named)
    if ended != word.TRUTH_EXPIRED_UNCLAIMED and ended != word.TRUTH_FORGOTTEN:
        return 0
    lane, generation = m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION]
    number, replica = m[message + at.MESSAGE_NUMBER], replica_of_message(m, message)
    if cools(m, named):
        stop_cooling(m, named, True)
        slot_has_cooled(m)
    return enter(m, named, lane, generation, number, replica, m[at.TTL])


@compiled
def release(m: Memory, message: int) -> None:
    """A holder gives its slot back."""
    lane, generation = m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION]
    lease, orphan = find_lease(m, m[message + at.MESSAGE_LEASE]), m[message + at.MESSAGE_ORPHAN] != 0
    if lease != 0 and m[at.REPLICAS] != 1 and m[lease + at.LEASE_REPLICA] != replica_of_message(m, message):
        lease = 0
    if orphan:
        number = -1
        count_one_less(m)
    else:
        number = take_back(m, lease)
    used = in_use(m)
    record(m, word.KIND_RELEASE, lane, generation, m[message + at.MESSAGE_NUMBER], number, used)
    slots_may_be_free(m)
    reply(m, message, word.OUTCOME_OK, -1, 0, 0)


@compiled
def take_back(m: Memory, lease: int) -> int:
    """End a lease that is given back; without one count down where the rules say so. Return its number or -1."""
    if lease == 0:
        if m[at.RELEASE_FALLBACK] != 0:
            count_one_less(m)
        return -1
    number, granted = m[lease + at.LEASE_NUMBER], m[lease + at.LEASE_GRANTED]
    remove_lease(m, lease, word.TRUTH_STILL_VALID)
    count_one_less(m)
    note_occupancy(m, granted)
    return number


@compiled
def crash_is_marked(m: Memory, lane: int, generation: int, named: int) -> None:
    """It is found out that a run has crashed: its slot is given back as soon as the authority can act."""
    if not is_free(m, at.AUTHORITY_ACTOR):
        key = request_key(generation, 6)
        key_high = high(word.RANK_LIFECYCLE, lane, key)
        hold_back(m, at.AUTHORITY_ACTOR, key_high, low(key), at.DO_MARK, lane, generation, named)
        return
    number = take_back(m, find_lease(m, named))
    used = in_use(m)
    record(m, word.KIND_RELEASE, lane, generation, -1, number, used)
    slots_may_be_free(m)
