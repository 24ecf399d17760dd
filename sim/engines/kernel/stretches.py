"""Fast-forward: what of a healthy loop can be foreseen is not simulated.

While nothing else touches a holder, its renewals are a chain of draws: sent, arrived, granted, answered, due again.
Draws have addresses, so the chain can be computed ahead without taking anything from anybody. A *stretch* is such a
piece of a run's loop of renewals, or of its polls at a full limit: a table of exchanges that are known to go well, and
one alarm for what comes after them. Whatever would touch the run, its machine, the network, the server or, for polls,
the free slots *breaks* the stretch first: exchanges that are over are entered in the books, and one under way is put
back on the agenda at the time at which it was sent, so that the ordinary functions bring it up to now.

A time at which an exchange under way and what breaks it coincide to the nanosecond has an order that only the agenda
knows; then the replication stops with `CANNOT_SKIP`, and is simulated again without fast-forward.
"""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.batches import fill, fill_legs
from sim.engines.kernel.books import free_places, free_slots
from sim.engines.kernel.cadence import anchor_of, set_fence
from sim.engines.kernel.clocks import cancel_alarm, is_free, read
from sim.engines.kernel.compiling import compiled, real
from sim.engines.kernel.draws import block
from sim.engines.kernel.expiry import watch_lease
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.network import is_local, legs
from sim.engines.kernel.storage import drop, record
from sim.engines.kernel.tasks import wait_until

# ---------------------------------------------------------------------------------- looking ahead


@compiled
def is_calm(m: Memory, host: int, actor: int) -> bool:
    """Whether clocks, machine, network and server are as they should be, for somebody on this host."""
    if m[at.NOW] < m[at.LATEST]:
        return False  # this is catching up with a broken stretch: what broke it comes next
    if free_places(m) <= m[at.STRETCHES] + 1:
        return False
    clock = host + at.HOST_CLOCK
    if m[at.DOWN] + m[at.ASLEEP] + m[at.NET_OUTAGES] + m[at.NET_SLOW] + m[host + at.HOST_OUTAGES] > 0:
        return False
    if m[host + at.HOST_SLOW] > 0 or not is_free(m, at.AUTHORITY_ACTOR) or not is_free(m, actor):
        return False
    if m[clock + at.CLOCK_RUNNING] == 0 or m[clock + at.CLOCK_PPB] != 0 or m[at.WALL_CLOCK + at.CLOCK_PPB] != 0:
        return False
    return m[at.NOW] >= m[host + at.HOST_RECONNECTED_AT] or is_local(m, host)


@compiled
def disturbed_at(m: Memory, task: int, host: int) -> int:
    """Return when a task will next be disturbed, as far as is known. A late guess costs work, never exactness."""
    until = m[at.END]
    if m[at.FORESIGHT] == 0:
        return until
    other = m[m[task + at.TASK_RUN] + at.RUN_TASKS]
    while other != 0:
        if other != task and m[other + at.TASK_ALARM] != 0:
            due = m[m[other + at.TASK_ALARM] + at.ALARM_SET_FOR]
            if due >= 0:
                until = min(until, due)
        other = m[other + at.TASK_AFTER]
    until = next_strike(m, host + at.HOST_AWAKE, next_strike(m, at.TRUE_TIME, until))
    if m[at.SHARED] != 0:
        until = next_strike(m, m[at.HOSTS] + at.HOST_AWAKE, until)
    return until


@compiled
def next_strike(m: Memory, clock: int, until: int) -> int:
    """Return when a fault next begins by this clock, `until` at the latest."""
    alarm = m[clock + at.CLOCK_FIRST]
    for _ in range(m[at.FORESIGHT]):
        if alarm == 0:
            break
        if m[alarm + at.ALARM_ACTION] == at.ACT_STRIKE and m[alarm + at.ALARM_SET_FOR] >= 0:
            until = min(until, m[alarm + at.ALARM_SET_FOR])
        alarm = m[alarm + at.ALARM_AFTER]
    return until


@compiled
def draw_exchanges(m: Memory, row: int, run: int, number: int, many: int) -> None:
    """Draw how long `many` requests take, up, at the server and down, where their times will stand."""
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    up, service, down = row + at.STRETCH_ARRIVES, row + at.STRETCH_EFFECT, row + at.STRETCH_ANSWERED
    fill(m, m[at.SERVICE], word.FOR_SERVICE, lane, generation, number, many, service, row + at.STRETCH_SPARE)
    fill_legs(m, lane, generation, number, many, up, down, row + at.STRETCH_SPARE)


@compiled
def foresee(m: Memory, row: int, run: int, number: int) -> bool:
    """Turn what was drawn for a request into times, while the world stays calm; whether it succeeds."""
    if (m[at.PLAIN] == 0 or m[at.ERRS] != 0) and is_unlucky(m, run, number):
        return False
    sent = m[row + at.STRETCH_SENT]
    arrives = sent + m[row + at.STRETCH_ARRIVES]
    effect = arrives + m[row + at.STRETCH_EFFECT]
    answered = effect + m[row + at.STRETCH_ANSWERED]
    m[row + at.STRETCH_ARRIVES], m[row + at.STRETCH_EFFECT], m[row + at.STRETCH_ANSWERED] = arrives, effect, answered
    return answered - sent < m[at.READ_TIMEOUT]


@compiled
def is_unlucky(m: Memory, run: int, number: int) -> bool:
    """Whether a request or its answer is lost, or refused by chance."""
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    _, _, luck_up, luck_down = legs(m, lane, generation, number)
    if m[at.PLAIN] == 0 and (luck_up < real(m, at.LOSS_UP) or luck_down < real(m, at.LOSS_DOWN)):
        return True
    if m[at.ERRS] == 0:
        return False
    return block(m, word.FOR_SERVICE, lane, generation, number)[2] < real(m, at.ERROR_PROBABILITY)


@compiled
def begin_stretch(m: Memory, stretch: int, task: int, lease: int, count: int) -> None:
    """From now on a run is in a stretch of `count` exchanges; without a lease they are polls."""
    m[stretch + at.STRETCH_TASK], m[stretch + at.STRETCH_LEASE] = task, lease
    m[stretch + at.STRETCH_COUNT], m[stretch + at.STRETCH_PARKED] = count, 0
    m[m[task + at.TASK_RUN] + at.RUN_STRETCH] = stretch
    m[at.STRETCHES] += 1
    if lease != 0:
        m[lease + at.LEASE_STRETCH] = stretch
    else:
        park(m, stretch)
    wait_for_exchange(m, stretch, count)


@compiled
def wait_for_exchange(m: Memory, stretch: int, n: int) -> None:
    """Let the stretch's task go on when its exchange `n` is due, be it in the past."""
    task, now, sent = m[stretch + at.STRETCH_TASK], m[at.NOW], sent_at(m, stretch, n)
    clock = m[task + at.TASK_CLOCK]
    reading = read(m, clock) - now + sent
    m[at.NOW] = min(now, sent)
    wait_until(m, task, reading, word.RANK_RENEW if m[stretch + at.STRETCH_LEASE] != 0 else word.RANK_POLL, clock)
    m[at.NOW] = now


# ---------------------------------------------------------------------------------- what the table says


@compiled
def exchange_of(stretch: int, n: int) -> int:
    """Return where exchange `n` stands in the table."""
    return stretch + at.STRETCH_TABLE + n


@compiled
def sent_at(m: Memory, stretch: int, n: int) -> int:
    """Return when exchange `n` is sent."""
    return m[exchange_of(stretch, n) + at.STRETCH_SENT]


@compiled
def done_before(m: Memory, stretch: int, now: int, what: int) -> int:
    """Return how many exchanges were answered (or whatever `what` says) before `now`."""
    n = 0
    while n < m[stretch + at.STRETCH_COUNT] and m[exchange_of(stretch, n) + what] < now:
        n += 1
    return n


@compiled
def is_tied(m: Memory, stretch: int, n: int, now: int) -> bool:
    """Whether something of exchange `n` happens exactly now."""
    row = exchange_of(stretch, n)
    return (
        m[row + at.STRETCH_SENT] == now
        or m[row + at.STRETCH_ARRIVES] == now
        or m[row + at.STRETCH_EFFECT] == now
        or m[row + at.STRETCH_ANSWERED] == now
    )


# ---------------------------------------------------------------------------------- the end of a stretch


@compiled
def break_off(m: Memory, stretch: int) -> bool:
    """End a stretch before something happens that touches it; whether that has to wait for what was under way."""
    if stretch == 0:
        return False
    now = m[at.NOW]
    n = done_before(m, stretch, now, at.STRETCH_ANSWERED)
    if n == m[stretch + at.STRETCH_COUNT]:
        settle(m, stretch, n)
        return False
    row = exchange_of(stretch, n)
    was_refused = m[stretch + at.STRETCH_LEASE] == 0 and m[row + at.STRETCH_EFFECT] < now
    if is_tied(m, stretch, n, now) or (was_refused and free_slots(m) > 0):
        m[at.STATUS] = at.CANNOT_SKIP
        return True
    sent = m[row + at.STRETCH_SENT]
    go_on_from(m, stretch, n)
    return sent < now


@compiled
def go_on_from(m: Memory, stretch: int, n: int) -> None:
    """End a stretch: the task waits for exchange `n`, or is about to send it at a time that has passed."""
    task = m[stretch + at.STRETCH_TASK]
    cancel_alarm(m, m[task + at.TASK_ALARM])
    wait_for_exchange(m, stretch, n)
    settle(m, stretch, n)


@compiled
def settle(m: Memory, stretch: int, n: int) -> None:
    """Enter the first `n` exchanges of a stretch in the books, and end it."""
    task, lease = m[stretch + at.STRETCH_TASK], m[stretch + at.STRETCH_LEASE]
    run = m[task + at.TASK_RUN]
    m[run + at.RUN_REQUESTS] += n
    m[run + at.RUN_STRETCH] = 0
    m[at.STRETCHES] -= 1
    if lease != 0:
        settle_renewals(m, stretch, run, lease, n)
    elif m[stretch + at.STRETCH_PARKED] != 0:
        unpark(m, stretch)
    drop(m, at.FREE_STRETCH, stretch)


@compiled
def settle_renewals(m: Memory, stretch: int, run: int, lease: int, n: int) -> None:
    """Let the first `n` renewals of a stretch have been granted and answered."""
    task, now = m[stretch + at.STRETCH_TASK], m[at.NOW]
    ahead = read(m, m[task + at.TASK_CLOCK]) - now
    last = exchange_of(stretch, n - 1)
    m[lease + at.LEASE_STRETCH] = 0
    m[lease + at.LEASE_VERSION] += n
    if n < m[stretch + at.STRETCH_COUNT]:
        m[lease + at.LEASE_EXPIRES] = m[stretch + at.STRETCH_EXPIRES]
        if n > 0:
            m[lease + at.LEASE_EXPIRES] = read(m, at.WALL_CLOCK) - now + m[last + at.STRETCH_EFFECT] + m[at.TTL]
        watch_lease(m, lease)
    if n == 0:
        return
    m[run + at.RUN_SENT] = m[task + at.LOOP_SENT] = m[last + at.STRETCH_SENT] + ahead
    m[run + at.RUN_RECEIVED] = m[last + at.STRETCH_ANSWERED] + ahead
    m[task + at.LOOP_ATTEMPT], m[task + at.LOOP_DUE] = 1, sent_at(m, stretch, n) + ahead
    if m[at.FENCE_ANCHOR] == at.ANCHOR_SEND or m[at.FENCE_ANCHOR] == at.ANCHOR_RECV:
        set_fence(m, task, anchor_of(m, run))
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    record(m, word.KIND_SKIPPED, lane, generation, n, m[lease + at.LEASE_NUMBER], m[last + at.STRETCH_EFFECT])


# ---------------------------------------------------------------------------------- polls at a full limit


@compiled
def park(m: Memory, stretch: int) -> None:
    """Note that somebody polls in vain while no slot is free."""
    first = m[at.PARKED_FIRST]
    m[stretch + at.STRETCH_PARKED], m[stretch + at.STRETCH_BEFORE], m[stretch + at.STRETCH_AFTER] = 1, 0, first
    if first != 0:
        m[first + at.STRETCH_BEFORE] = stretch
    m[at.PARKED_FIRST] = stretch
    m[at.PARKED] += 1


@compiled
def unpark(m: Memory, stretch: int) -> None:
    """Free slots do not matter to this stretch any more."""
    before, after = m[stretch + at.STRETCH_BEFORE], m[stretch + at.STRETCH_AFTER]
    if before == 0:
        m[at.PARKED_FIRST] = after
    else:
        m[before + at.STRETCH_AFTER] = after
    if after != 0:
        m[after + at.STRETCH_BEFORE] = before
    m[stretch + at.STRETCH_PARKED] = 0
    m[at.PARKED] -= 1


@compiled
def a_slot_is_free(m: Memory) -> None:
    """Polls that take effect from now on are not in vain: their senders ask for themselves again."""
    now, stretch = m[at.NOW], m[at.PARKED_FIRST]
    while stretch != 0:
        after = m[stretch + at.STRETCH_AFTER]
        n = done_before(m, stretch, now, at.STRETCH_EFFECT)
        if n < m[stretch + at.STRETCH_COUNT]:
            row = exchange_of(stretch, n)
            if m[row + at.STRETCH_EFFECT] == now:
                m[at.STATUS] = at.CANNOT_SKIP
            if m[row + at.STRETCH_SENT] < now:
                go_on_from(m, stretch, n)
                stretch = after
                continue
            m[stretch + at.STRETCH_COUNT] = n
            cancel_alarm(m, m[m[stretch + at.STRETCH_TASK] + at.TASK_ALARM])
            wait_for_exchange(m, stretch, n)
        unpark(m, stretch)
        stretch = after
