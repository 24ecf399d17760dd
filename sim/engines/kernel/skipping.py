"""Which renewals and polls are left out, and what breaks the stretches that they form."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.batches import fill
from sim.engines.kernel.books import find_place, free_slots
from sim.engines.kernel.cadence import anchor_of, due_after, set_fence
from sim.engines.kernel.clocks import read
from sim.engines.kernel.compiling import compiled
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.ledger import find_lease
from sim.engines.kernel.storage import drop, take
from sim.engines.kernel.stretches import (
    begin_stretch,
    break_off,
    disturbed_at,
    done_before,
    draw_exchanges,
    exchange_of,
    foresee,
    is_calm,
    is_tied,
    sent_at,
    settle,
)


@compiled
def skip_renewals(m: Memory, task: int, due: int) -> bool:
    """Leave out what can be foreseen of the renewals from the one that is `due` on; whether there is any."""
    run = m[task + at.TASK_RUN]
    lease = find_lease(m, m[run + at.RUN_LEASE])
    if lease == 0 or not is_calm(m, m[run + at.RUN_HOST], m[task + at.TASK_ACTOR]):
        return False
    place = find_place(m, m[run + at.RUN_LANE], m[run + at.RUN_GENERATION])
    if place != 0 and m[place + at.PLACE_PROMISED] >= 0:
        return False
    stretch = take(m, at.FREE_STRETCH, at.STRETCH_WORDS)
    count = foresee_renewals(m, stretch, task, lease, due)
    return is_worth_it(m, stretch, task, lease, count)


@compiled
def is_worth_it(m: Memory, stretch: int, task: int, lease: int, count: int) -> bool:
    """Begin a stretch if it leaves anything out and lets time pass."""
    if count == 0 or sent_at(m, stretch, count) <= m[at.NOW]:
        drop(m, at.FREE_STRETCH, stretch)
        return False
    if lease != 0:
        effect = m[exchange_of(stretch, count - 1) + at.STRETCH_EFFECT]
        m[stretch + at.STRETCH_EXPIRES] = m[lease + at.LEASE_EXPIRES]
        m[lease + at.LEASE_EXPIRES] = read(m, at.WALL_CLOCK) - m[at.NOW] + effect + m[at.TTL]
    begin_stretch(m, stretch, task, lease, count)
    return True


@compiled
def foresee_renewals(m: Memory, stretch: int, task: int, lease: int, due: int) -> int:
    """Write the renewals that will go well while the world stays calm into a stretch's table; return how many."""
    run = m[task + at.TASK_RUN]
    number, host = m[run + at.RUN_REQUESTS], m[run + at.RUN_HOST]
    ahead, wall = read(m, m[task + at.TASK_CLOCK]) - m[at.NOW], read(m, at.WALL_CLOCK) - m[at.NOW]
    sent, anchor, expires = due - ahead, anchor_of(m, run) - ahead, m[lease + at.LEASE_EXPIRES]
    until, warm = disturbed_at(m, task, host), sent >= m[at.WARMUP]
    count = drawn = 0
    beat = m[task + at.LOOP_DUE] - ahead  # a late renewal keeps to the grid that it is late on
    while True:
        row = exchange_of(stretch, count)
        m[row + at.STRETCH_SENT] = sent
        if count == at.STRETCH_ROWS_MAX or sent >= until:
            return count
        if count == drawn:
            many = how_many(count, 1 + (until - sent) // m[at.EVERY])
            draw_exchanges(m, row, run, number + count, many)
            drawn += many
        if not foresee(m, row, run, number + count):
            return count
        effect, answered = wall + m[row + at.STRETCH_EFFECT], m[row + at.STRETCH_ANSWERED]
        in_time = effect < min(at.FAR, expires + m[at.GRACE]) and effect + m[at.TTL] >= expires
        if not in_time or answered >= until or is_fenced(m, sent, answered, anchor):
            return count
        expires, anchor = effect + m[at.TTL], sent if m[at.FENCE_ANCHOR] == at.ANCHOR_SEND else answered
        beat = due_after(m, run, beat, sent, answered, number + count + 1)
        if warm != (answered >= m[at.WARMUP]) or wall + beat >= min(at.FAR, expires + m[at.GRACE]):
            return count  # across the warm-up, or a lease that will run out before the next renewal
        sent, count = beat, count + 1


@compiled
def how_many(drawn: int, expected: int) -> int:
    """Return for how many requests more to draw at once: an even number, as blocks come in pairs, that has room."""
    return min(at.STRETCH_CHUNK, at.STRETCH_ROWS_MAX - drawn, (expected + 1) // 2 * 2)


@compiled
def is_fenced(m: Memory, sent: int, answered: int, anchor: int) -> bool:
    """Whether the local deadline would pass before a renewal is answered."""
    if m[at.FENCE_ANCHOR] == at.ANCHOR_NONE:
        return False
    return answered >= m[at.FENCE_AFTER] + (sent if m[at.FENCE_ANCHOR] == at.ANCHOR_LOOP_START else anchor)


@compiled
def settle_own(m: Memory, task: int) -> None:
    """A task goes on: the stretch at whose end it waited, if any, has come to pass."""
    stretch = m[m[task + at.TASK_RUN] + at.RUN_STRETCH]
    if stretch != 0:
        settle(m, stretch, m[stretch + at.STRETCH_COUNT])


@compiled
def skips_on(m: Memory, task: int) -> bool:
    """A renewal is due now, perhaps at the end of a stretch; whether it is left out."""
    if m[at.SKIPS_RENEWALS] == 0:
        return False
    settle_own(m, task)
    return skip_renewals(m, task, read(m, m[task + at.TASK_CLOCK]))


@compiled
def is_counted_anew(m: Memory, task: int) -> bool:
    """A local deadline has passed that was counted from before a stretch; whether renewals have moved it since."""
    run = m[task + at.TASK_RUN]
    stretch, now = m[run + at.RUN_STRETCH], m[at.NOW]
    if stretch == 0 or m[stretch + at.STRETCH_TASK] != task:
        return False
    n = done_before(m, stretch, now, at.STRETCH_ANSWERED)
    if n < m[stretch + at.STRETCH_COUNT] and is_tied(m, stretch, n, now):
        m[at.STATUS] = at.CANNOT_SKIP
        return True
    last = exchange_of(stretch, n - 1)
    anchor = m[last + (at.STRETCH_SENT if m[at.FENCE_ANCHOR] == at.ANCHOR_SEND else at.STRETCH_ANSWERED)]
    if n > 0 and anchor + m[at.FENCE_AFTER] > now:
        set_fence(m, task, anchor + read(m, m[task + at.TASK_CLOCK]) - now)
        return True
    settle(m, stretch, n)
    return False


# ---------------------------------------------------------------------------------- polls


@compiled
def skip_polls(m: Memory, task: int, due: int) -> bool:
    """Leave out what can be foreseen of the polls from the one that is `due` on; whether there is any."""
    run = m[task + at.TASK_RUN]
    if free_slots(m) > 0 or not is_calm(m, m[run + at.RUN_HOST], m[task + at.TASK_ACTOR]):
        return False
    stretch = take(m, at.FREE_STRETCH, at.STRETCH_WORDS)
    count = foresee_polls(m, stretch, task, due)
    return is_worth_it(m, stretch, task, 0, count)


@compiled
def foresee_polls(m: Memory, stretch: int, task: int, due: int) -> int:
    """Write the polls that will be refused while no slot is free into a stretch's table; return how many."""
    run, sent = m[task + at.TASK_RUN], due - read(m, m[task + at.TASK_CLOCK]) + m[at.NOW]
    lane, generation, number = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION], m[run + at.RUN_REQUESTS]
    until, count = disturbed_at(m, task, m[run + at.RUN_HOST]), 0
    while True:
        row = exchange_of(stretch, count)
        m[row + at.STRETCH_SENT] = sent
        if count == at.STRETCH_ROWS_MAX or sent >= until:
            return count
        if count % at.STRETCH_CHUNK == 0:
            draw_exchanges(m, row, run, number + count, at.STRETCH_CHUNK)
            wait, spare, index = row + at.STRETCH_WAIT, row + at.STRETCH_SPARE, number + count + 1
            fill(m, m[at.POLL], word.FOR_POLL, lane, generation, index, at.STRETCH_CHUNK, wait, spare)
        if not foresee(m, row, run, number + count):
            return count
        answered = m[row + at.STRETCH_ANSWERED]
        if answered >= until:
            return count
        count += 1
        sent = answered + m[row + at.STRETCH_WAIT]


@compiled
def polls_on(m: Memory, task: int) -> bool:
    """A poll is due now, perhaps at the end of a stretch; whether it is left out."""
    if m[at.SKIPS_POLLS] == 0:
        return False
    settle_own(m, task)
    return skip_polls(m, task, read(m, m[task + at.TASK_CLOCK]))


# ---------------------------------------------------------------------------------- what breaks stretches


@compiled
def has_to_wait(m: Memory, what: int, a: int, b: int) -> bool:
    """Break the stretches that an entry of the agenda touches; whether it has to wait for what they had under way."""
    if what == at.DO_ALARM or what == at.DO_RING:
        return m[a] == b and alarm_has_to_wait(m, m[a + at.ALARM_ACTION], m[a + at.ALARM_ARG])
    if what == at.DO_ANSWER or what == at.DO_BREAK:
        return m[a] == b and task_has_to_wait(m, a)
    if what == at.DO_FAULT_END:
        return fault_has_to_wait(m, a, b)
    if (what == at.DO_ARRIVAL or what == at.DO_SERVED) and m[a] == b and m[a + at.MESSAGE_REQUEST] != at.ACQUIRE:
        lease = find_lease(m, m[a + at.MESSAGE_LEASE])
        return lease != 0 and break_off(m, m[lease + at.LEASE_STRETCH])
    return False


@compiled
def alarm_has_to_wait(m: Memory, action: int, arg: int) -> bool:
    """Break the stretches that an alarm touches."""
    if action == at.ACT_RESUME or action == at.ACT_TIMEOUT:
        return task_has_to_wait(m, arg)
    if action == at.ACT_STRIKE:
        return fault_has_to_wait(m, m[arg + at.AFFLICTION_FAULT], m[arg + at.AFFLICTION_TARGET])
    if action == at.ACT_TURN:
        lease = find_lease(m, m[m[at.LISTED_FIRST] + at.SIGHT_LEASE])  # listed as expired, and renewed since
        return lease != 0 and break_off(m, m[lease + at.LEASE_STRETCH])
    return action == at.ACT_STOP and break_off(m, m[arg + at.RUN_STRETCH])


@compiled
def task_has_to_wait(m: Memory, task: int) -> bool:
    """Break the stretch of a task's run, unless it is the task's own."""
    stretch = m[m[task + at.TASK_RUN] + at.RUN_STRETCH]
    return stretch != 0 and m[stretch + at.STRETCH_TASK] != task and break_off(m, stretch)


@compiled
def fault_has_to_wait(m: Memory, fault: int, target: int) -> bool:
    """Break the stretches of whoever a fault can touch: one machine, or everybody."""
    one = m[fault + at.FAULT_WHOM] == at.ON_HOSTS and (target > 0 or m[at.SHARED] == 0)
    waits = False
    for n in range(target if one else 0, target + 1 if one else m[at.HOST_COUNT]):
        run = m[m[at.HOSTS] + n * at.HOST_WORDS + at.HOST_RUNS_FIRST]
        while run != 0:
            waits = break_off(m, m[run + at.RUN_STRETCH]) or waits
            run = m[run + at.RUN_AFTER]
    return waits


@compiled
def settle_all(m: Memory) -> None:
    """The end: all that was foreseen has come to pass."""
    for n in range(m[at.HOST_COUNT]):
        run = m[m[at.HOSTS] + n * at.HOST_WORDS + at.HOST_RUNS_FIRST]
        while run != 0:
            stretch = m[run + at.RUN_STRETCH]
            if stretch != 0:
                settle(m, stretch, m[stretch + at.STRETCH_COUNT])
            run = m[run + at.RUN_AFTER]
