"""How the authority finds expired leases: one alarm each, sweeps, or a look when another asks."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.books import count_one_less, in_use, note_occupancy
from sim.engines.kernel.clocks import cancel_alarm, read, set_alarm
from sim.engines.kernel.compiling import compiled
from sim.engines.kernel.draws import duration, uniform
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.ledger import find_lease, remove_lease, start_cooling
from sim.engines.kernel.storage import drop, high, low, record, take
from sim.samplers import CONSTANT, nanoseconds


@compiled
def is_over(m: Memory, lease: int) -> bool:
    """Whether a lease's term and grace have passed."""
    return read(m, at.WALL_CLOCK) >= m[lease + at.LEASE_EXPIRES] + m[at.GRACE]


@compiled
def due_of(m: Memory, lease: int) -> int:
    """Return the reading of the wall clock at which a lease is over."""
    over = min(at.FAR, m[lease + at.LEASE_EXPIRES] + m[at.GRACE])
    if m[at.EXPIRY_CHECK] == at.CHECK_BUCKET:
        return -(-over // m[at.SWEEP_INTERVAL]) * m[at.SWEEP_INTERVAL]
    return over


@compiled
def first_expired(m: Memory) -> int:
    """Return the lease that has been over for longest, 0 for none."""
    now = read(m, at.WALL_CLOCK)
    first, first_due = 0, 0
    lease = m[at.LEASE_FIRST]
    while lease != 0:
        due = due_of(m, lease)
        if due <= now and (
            first == 0
            or due < first_due
            or (due == first_due and m[lease + at.LEASE_NUMBER] < m[first + at.LEASE_NUMBER])
        ):
            first, first_due = lease, due
        lease = m[lease + at.LEASE_AFTER]
    return first


@compiled
def count_expired(m: Memory) -> int:
    """Return how many leases are over."""
    now = read(m, at.WALL_CLOCK)
    count = 0
    lease = m[at.LEASE_FIRST]
    while lease != 0:
        if due_of(m, lease) <= now:
            count += 1
        lease = m[lease + at.LEASE_AFTER]
    return count


@compiled
def reap(m: Memory, lease: int, how: int) -> None:
    """Take an expired lease away; its slot is free at once, or after the reuse delay."""
    number, lane, generation = m[lease + at.LEASE_NUMBER], m[lease + at.LEASE_LANE], m[lease + at.LEASE_GENERATION]
    granted = m[lease + at.LEASE_GRANTED]
    remove_lease(m, lease, word.TRUTH_EXPIRED_UNCLAIMED)
    if m[at.REUSE_DELAY] > 0:
        if m[at.USES_COUNTER] == 0:
            m[at.COOLING] += 1
        deadline = read(m, at.WALL_CLOCK) + m[at.REUSE_DELAY]
        key_high = high(word.RANK_FREE, number, 3)
        alarm = set_alarm(m, at.WALL_CLOCK, at.AUTHORITY_ACTOR, deadline, key_high, low(3), at.ACT_FREE, number)
        start_cooling(m, number, alarm)
    else:
        count_one_less(m)
    note_occupancy(m, granted)
    record(m, word.KIND_REAP, lane, generation, how, number, in_use(m))


# ---------------------------------------------------------------------------------- alarms


@compiled
def watch_lease(m: Memory, lease: int) -> None:
    """Make sure that a lease's expiry is noticed."""
    check = m[at.EXPIRY_CHECK]
    if check == at.CHECK_ON_ACQUIRE:
        return
    due = due_of(m, lease)
    if check == at.CHECK_SWEEP:
        idle = m[at.SWEEP_OVERDUE] == 0 and m[at.LISTED_FIRST] == 0
        if idle and (m[at.SWEEP_ALARM] == 0 or due < m[m[at.SWEEP_ALARM] + at.ALARM_DEADLINE]):
            set_sweep(m, pass_at_or_after(m, due), 0)
        return
    cancel_alarm(m, m[lease + at.LEASE_ALARM])
    key_high = high(word.RANK_REAP, m[lease + at.LEASE_NUMBER], 0)
    m[lease + at.LEASE_ALARM] = set_alarm(
        m, at.WALL_CLOCK, at.AUTHORITY_ACTOR, due, key_high, low(0), at.ACT_TIMER, lease
    )  # fmt: skip


# ---------------------------------------------------------------------------------- sweeps


@compiled
def start_sweeper(m: Memory) -> None:
    """Choose the phase of the passes."""
    phase = m[at.SWEEP_PHASE]
    if phase == at.NEVER:
        phase = nanoseconds(uniform(m, word.FOR_SWEEP_PHASE, 0, 0, 0) * m[at.SWEEP_INTERVAL])
    m[at.SWEEP_LAST] = read(m, at.WALL_CLOCK) + phase - m[at.SWEEP_INTERVAL]


@compiled
def set_sweep(m: Memory, reading: int, overdue: int) -> None:
    """Set the alarm for the next pass."""
    cancel_alarm(m, m[at.SWEEP_ALARM])
    m[at.SWEEP_OVERDUE] = overdue
    m[at.SWEEP_ALARM] = set_alarm(
        m, at.WALL_CLOCK, at.AUTHORITY_ACTOR, reading, high(word.RANK_SWEEP, 0, 0), low(0), at.ACT_SWEEP, 0
    )  # fmt: skip


@compiled
def pass_at_or_after(m: Memory, reading: int) -> int:
    """Return the first pass that can see what is due at `reading`."""
    last, interval = m[at.SWEEP_LAST], m[at.SWEEP_INTERVAL]
    reading = max(reading, read(m, at.WALL_CLOCK) + 1, last + 1)
    return last + -(-(reading - last) // interval) * interval


@compiled
def plan_sweep(m: Memory) -> None:
    """Set the alarm for the first pass that can find something."""
    lease = m[at.LEASE_FIRST]
    if lease == 0:
        cancel_alarm(m, m[at.SWEEP_ALARM])
        m[at.SWEEP_ALARM] = 0
        return
    soonest = due_of(m, lease)
    while lease != 0:
        soonest = min(soonest, due_of(m, lease))
        lease = m[lease + at.LEASE_AFTER]
    set_sweep(m, pass_at_or_after(m, soonest), 0)


@compiled
def expiry_stops(m: Memory) -> None:
    """The authority stops, or its clock is about to step: remember what it shows."""
    if m[at.EXPIRY_CHECK] == at.CHECK_SWEEP:
        m[at.SWEEP_FROZE_AT] = read(m, at.WALL_CLOCK)


@compiled
def expiry_goes_on(m: Memory, restarted: int) -> None:
    """The authority goes on: a pass that was missed is overdue, after a restart one comes at once."""
    if m[at.EXPIRY_CHECK] != at.CHECK_SWEEP:
        return
    now = read(m, at.WALL_CLOCK)
    if restarted != 0:
        set_sweep(m, now, 1)
        return
    if m[at.SWEEP_OVERDUE] != 0 or m[at.LISTED_FIRST] != 0:
        return
    interval = m[at.SWEEP_INTERVAL]
    if m[at.SWEEP_FROZE_AT] >= m[at.SWEEP_LAST]:
        m[at.SWEEP_LAST] += (m[at.SWEEP_FROZE_AT] - m[at.SWEEP_LAST]) // interval * interval
    if m[at.SWEEP_LAST] + interval <= now:
        u = 0.0
        if m[at.SWEEP_WAKEUP] > 0:
            u = uniform(m, word.FOR_SWEEP_WAKEUP, 0, 0, m[at.SWEEP_OVERDUE_COUNT])
        m[at.SWEEP_OVERDUE_COUNT] += 1
        set_sweep(m, now + nanoseconds(u * m[at.SWEEP_WAKEUP]), 1)
    else:
        plan_sweep(m)


@compiled
def sweep(m: Memory) -> bool:
    """Make one pass, or begin it; return whether it gave anything back."""
    m[at.SWEEP_ALARM], m[at.SWEEP_OVERDUE], m[at.SWEEP_LAST] = 0, 0, read(m, at.WALL_CLOCK)
    expired = count_expired(m)
    if expired > 0:
        batch = min(expired, m[at.SWEEP_BATCH])
        if not revokes_at_once(m):
            list_expired(m, batch)
            first = m[m[at.LISTED_FIRST] + at.SIGHT_LEASE]
            record(m, word.KIND_SWEEP, -1, -1, batch, first, expired - batch)
            await_turn(m)
            return False
        record(m, word.KIND_SWEEP, -1, -1, batch, -1, expired - batch)
        for _ in range(batch):
            reap(m, first_expired(m), word.HOW_SWEEP)
    plan_sweep(m)
    return expired > 0


# ---------------------------------------------------------------------------------- sweeps that take their time


@compiled
def revokes_at_once(m: Memory) -> bool:
    """Whether a pass revokes what it finds at the instant at which it looks."""
    return m[m[at.SWEEP_REVOKE] + at.LAW_KIND] == CONSTANT and m[m[at.SWEEP_REVOKE] + at.LAW_CONSTANT] == 0


@compiled
def list_expired(m: Memory, batch: int) -> None:
    """Write down the leases that have been over for longest, in order: the pass revokes them one by one."""
    now = read(m, at.WALL_CLOCK)
    last, listed_due, listed_number = 0, -at.FAR, -1
    for _ in range(batch):
        next_due, next_number = at.FAR, -1
        lease = m[at.LEASE_FIRST]
        while lease != 0:
            due, number = due_of(m, lease), m[lease + at.LEASE_NUMBER]
            listed = due < listed_due or (due == listed_due and number <= listed_number)
            sooner = next_number < 0 or due < next_due or (due == next_due and number < next_number)
            if due <= now and not listed and sooner:
                next_due, next_number = due, number
            lease = m[lease + at.LEASE_AFTER]
        sight = take(m, at.FREE_SIGHT, at.SIGHT_WORDS)
        m[sight + at.SIGHT_NEXT], m[sight + at.SIGHT_LEASE] = 0, next_number
        if last == 0:
            m[at.LISTED_FIRST] = sight
        else:
            m[last + at.SIGHT_NEXT] = sight
        last, listed_due, listed_number = sight, next_due, next_number


@compiled
def await_turn(m: Memory) -> None:
    """Set the alarm for the next lease on the list."""
    ns = duration(m, m[at.SWEEP_REVOKE], word.FOR_SWEEP_REVOKE, 0, 0, m[at.TURNS])
    m[at.TURNS] += 1
    key_high = high(word.RANK_SWEEP, 0, 1)
    m[at.TURN_ALARM] = set_alarm(
        m, at.TRUE_TIME, at.AUTHORITY_ACTOR, m[at.NOW] + ns, key_high, low(1), at.ACT_TURN, 0
    )  # fmt: skip


@compiled
def take_turn(m: Memory) -> None:
    """Revoke the next lease on the list, if it is still there, and where the pass looks once more still expired."""
    m[at.TURN_ALARM] = 0
    sight = m[at.LISTED_FIRST]
    lease = find_lease(m, m[sight + at.SIGHT_LEASE])
    m[at.LISTED_FIRST] = m[sight + at.SIGHT_NEXT]
    drop(m, at.FREE_SIGHT, sight)
    if lease != 0 and (m[at.SWEEP_RECHECK] == 0 or due_of(m, lease) <= read(m, at.WALL_CLOCK)):
        reap(m, lease, word.HOW_SWEEP)
    if m[at.LISTED_FIRST] != 0:
        await_turn(m)
    elif m[at.SWEEP_LAST] + m[at.SWEEP_INTERVAL] <= read(m, at.WALL_CLOCK):
        set_sweep(m, read(m, at.WALL_CLOCK), 1)
    else:
        plan_sweep(m)


@compiled
def abandon_sweep(m: Memory) -> None:
    """The process dies, and with it the pass that is under way."""
    cancel_alarm(m, m[at.TURN_ALARM])
    m[at.TURN_ALARM] = 0
    while m[at.LISTED_FIRST] != 0:
        sight = m[at.LISTED_FIRST]
        m[at.LISTED_FIRST] = m[sight + at.SIGHT_NEXT]
        drop(m, at.FREE_SIGHT, sight)
