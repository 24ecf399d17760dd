"""The authority's list of live leases, in the order in which they were entered."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.books import find_place, forget_place
from sim.engines.kernel.clocks import cancel_alarm
from sim.engines.kernel.compiling import compiled
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.storage import drop, take

_COOLS = 16


@compiled
def find_lease(m: Memory, number: int) -> int:
    """Return the record of a live lease, 0 if it does not live."""
    return max(0, m[m[at.LEASES] + number])


@compiled
def ending_of(m: Memory, number: int) -> int:
    """Return the `Truth` that a lease ended with, -1 while it lives."""
    found = m[m[at.LEASES] + number]
    if found <= -_COOLS:
        return word.TRUTH_EXPIRED_UNCLAIMED
    return -1 - found if found < 0 else -1


@compiled
def start_cooling(m: Memory, number: int, alarm: int) -> None:
    """Remember the alarm that ends the reuse delay of a reaped lease."""
    sight = take(m, at.FREE_SIGHT, at.SIGHT_WORDS)
    m[sight + at.SIGHT_NEXT], m[sight + at.SIGHT_LEASE] = m[at.COOLING_FIRST], number
    m[at.COOLING_FIRST] = sight
    m[m[at.LEASES] + number] = -_COOLS - alarm


@compiled
def cools(m: Memory, number: int) -> bool:
    """Whether the slot of a reaped lease is still in its reuse delay."""
    return m[m[at.LEASES] + number] <= -_COOLS


@compiled
def stop_cooling(m: Memory, number: int, cancels: bool) -> None:
    """Forget the reuse delay of a reaped lease; its alarm has rung, or never will."""
    here = m[at.LEASES] + number
    if cancels:
        cancel_alarm(m, -m[here] - _COOLS)
    m[here] = -1 - word.TRUTH_EXPIRED_UNCLAIMED
    sight, before = m[at.COOLING_FIRST], 0
    while m[sight + at.SIGHT_LEASE] != number:
        before, sight = sight, m[sight + at.SIGHT_NEXT]
    if before == 0:
        m[at.COOLING_FIRST] = m[sight + at.SIGHT_NEXT]
    else:
        m[before + at.SIGHT_NEXT] = m[sight + at.SIGHT_NEXT]
    drop(m, at.FREE_SIGHT, sight)


@compiled
def new_lease(m: Memory, number: int, lane: int, generation: int, expires: int, replica: int) -> int:
    """Enter a lease."""
    lease = take(m, at.FREE_LEASE, at.LEASE_WORDS)
    m[lease + at.LEASE_NUMBER], m[lease + at.LEASE_LANE], m[lease + at.LEASE_GENERATION] = number, lane, generation
    m[lease + at.LEASE_EXPIRES], m[lease + at.LEASE_GRANTED] = expires, m[at.NOW]
    m[lease + at.LEASE_REPLICA], m[lease + at.LEASE_VERSION], m[lease + at.LEASE_ALARM] = replica, 0, 0
    m[lease + at.LEASE_STRETCH] = 0
    last = m[at.LEASE_LAST]
    m[lease + at.LEASE_BEFORE], m[lease + at.LEASE_AFTER] = last, 0
    if last == 0:
        m[at.LEASE_FIRST] = lease
    else:
        m[last + at.LEASE_AFTER] = lease
    m[at.LEASE_LAST] = lease
    m[at.LEASE_COUNT] += 1
    m[m[at.LEASES] + number] = lease
    return lease


@compiled
def remove_lease(m: Memory, lease: int, ended: int) -> None:
    """Strike a lease out; its run is promised nothing any more."""
    cancel_alarm(m, m[lease + at.LEASE_ALARM])
    before, after = m[lease + at.LEASE_BEFORE], m[lease + at.LEASE_AFTER]
    if before == 0:
        m[at.LEASE_FIRST] = after
    else:
        m[before + at.LEASE_AFTER] = after
    if after == 0:
        m[at.LEASE_LAST] = before
    else:
        m[after + at.LEASE_BEFORE] = before
    m[at.LEASE_COUNT] -= 1
    m[m[at.LEASES] + m[lease + at.LEASE_NUMBER]] = -1 - ended
    place = find_place(m, m[lease + at.LEASE_LANE], m[lease + at.LEASE_GENERATION])
    if place != 0 and m[place + at.PLACE_PROMISED] == m[lease + at.LEASE_NUMBER]:
        m[place + at.PLACE_PROMISED] = -1
        forget_place(m, place)
    drop(m, at.FREE_LEASE, lease)
