"""Runs and their machines: what executes when, what stops it, and the end of a run."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.authority import authority_goes_on, authority_stops, place_is_free, truth
from sim.engines.kernel.books import leave_line
from sim.engines.kernel.clocks import cancel_alarm, forget_held, let_go, read, rebase, set_alarm
from sim.engines.kernel.compiling import compiled
from sim.engines.kernel.draws import duration
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.network import is_local, request_key
from sim.engines.kernel.storage import drop, high, low, push, record, take
from sim.engines.kernel.tasks import break_off, end_task, new_task, start_call


@compiled
def new_run(m: Memory, lane: int, generation: int, work: int) -> int:
    """Bring a run to its host."""
    run = take(m, at.FREE_RUN, at.RUN_WORDS)
    for word_of_run in range(1, at.RUN_WORDS):
        m[run + word_of_run] = 0
    host = m[at.HOSTS] + lane % m[at.HOST_COUNT] * at.HOST_WORDS
    m[run + at.RUN_LANE], m[run + at.RUN_GENERATION], m[run + at.RUN_HOST] = lane, generation, host
    m[run + at.RUN_WORK], m[run + at.RUN_LEASE] = work, -1
    freezes = m[host + at.HOST_ACTOR + at.ACTOR_FREEZES]
    m[run + at.RUN_HALTS + word.HALT_HOST] = m[run + at.RUN_HALT_SUM] = freezes
    for actor in (at.RUN_PROCESS, at.RUN_LOOP, at.RUN_THREAD):
        m[run + actor + at.ACTOR_FREEZES] = 1 if freezes > 0 else 0
    m[run + at.RUN_CLOCK + at.CLOCK_TRUE] = m[at.NOW]
    join_host(m, run, host)
    m[run + at.RUN_MAIN] = new_task(
        m, at.MAIN, run, host + at.HOST_ACTOR, host + at.HOST_CLOCK, lane, request_key(generation, 0)
    )  # fmt: skip
    return run


@compiled
def record_run(m: Memory, run: int, kind: int, number: int, lease: int, value: int) -> None:
    """Write an event of a run into the trace."""
    record(m, kind, m[run + at.RUN_LANE], m[run + at.RUN_GENERATION], number, lease, value)


@compiled
def executes(m: Memory, run: int) -> bool:
    """Whether a run's work makes progress now."""
    return m[run + at.RUN_STARTED] != 0 and m[run + at.RUN_HALT_SUM] == 0


@compiled
def turn_stopwatch(m: Memory, run: int, running: int) -> None:
    """Stop or start a run's stopwatch."""
    clock = run + at.RUN_CLOCK
    rebase(m, clock, read(m, clock), running)


@compiled
def halt(m: Memory, run: int, why: int) -> None:
    """Stop executing for a while; reasons add up."""
    was_executing = executes(m, run)
    m[run + at.RUN_HALTS + why] += 1
    m[run + at.RUN_HALT_SUM] += 1
    if was_executing:
        turn_stopwatch(m, run, 0)
        record_run(m, run, word.KIND_HALT, why, -1, 0)


@compiled
def go(m: Memory, run: int, why: int) -> None:
    """Undo one `halt`."""
    if m[run + at.RUN_HALTS + why] > 0:
        m[run + at.RUN_HALTS + why] -= 1
        m[run + at.RUN_HALT_SUM] -= 1
    if executes(m, run):
        turn_stopwatch(m, run, 1)
        record_run(m, run, word.KIND_GO, why, -1, 0)


@compiled
def hold(m: Memory, run: int, lease: int, sent: int) -> None:
    """Learn that a run holds `lease`, asked for at the local time `sent`."""
    m[run + at.RUN_LEASE], m[run + at.RUN_SENT] = lease, sent
    m[run + at.RUN_RECEIVED] = read(m, m[run + at.RUN_HOST] + at.HOST_CLOCK)
    record_run(m, run, word.KIND_HOLD, -1, lease, 0)


@compiled
def lose(m: Memory, run: int, loss: int) -> None:
    """Take the lease for lost."""
    lease = m[run + at.RUN_LEASE]
    what = truth(m, lease)
    record_run(m, run, word.KIND_LOST, loss, lease, what)


@compiled
def terminate(m: Memory, run: int, loss: int) -> None:
    """Decide to stop: it takes effect after the stop delay, and not before a blocking call ends."""
    if m[run + at.RUN_TERMINATING] != 0:
        return
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    delay = duration(m, m[at.STOP_DELAY], word.FOR_STOP_DELAY, lane, generation, 0)
    clock, key = m[run + at.RUN_HOST] + at.HOST_CLOCK, request_key(generation, 0)
    m[run + at.RUN_TERMINATING] = loss
    m[run + at.RUN_STOP_ALARM] = set_alarm(
        m, clock, run + at.RUN_LOOP, read(m, clock) + delay, high(word.RANK_STOP, lane, key), low(key), at.ACT_STOP, run
    )  # fmt: skip


# ---------------------------------------------------------------------------------- the end


@compiled
def end_run(m: Memory, run: int, kind: int, number: int) -> None:
    """A run ends as `kind` says: nothing of it executes any more; it gives its slot back if it can."""
    record_run(m, run, kind, number, -1, 0)
    m[run + at.RUN_ENDED_AS] = kind
    cancel_alarm(m, m[run + at.RUN_STOP_ALARM])
    m[run + at.RUN_STOP_ALARM] = 0
    m[run + at.RUN_OVER] = 1
    if m[run + at.RUN_STARTED] != 0:
        m[at.CONNECTIONS] -= m[at.CONNECTIONS_PER_RUN]
        place_is_free(m)
    while m[run + at.RUN_TASKS] != 0:
        end_task(m, m[run + at.RUN_TASKS])
    forget_held(m, run + at.RUN_PROCESS)
    forget_held(m, run + at.RUN_LOOP)
    forget_held(m, run + at.RUN_THREAD)
    lane, generation, host = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION], m[run + at.RUN_HOST]
    leave_line(m, lane, generation)
    leave_host(m, run, host)
    if m[run + at.RUN_LEASE] >= 0 and kind != word.KIND_CRASH:
        giver = new_task(
            m, at.GIVER, run, host + at.HOST_ACTOR, host + at.HOST_CLOCK, lane, request_key(generation, 4)
        )  # fmt: skip
        m[run + at.RUN_AFTER], m[run + at.RUN_BEFORE] = m[host + at.HOST_LEAVING], 0
        if m[host + at.HOST_LEAVING] != 0:
            m[m[host + at.HOST_LEAVING] + at.RUN_BEFORE] = run
        m[host + at.HOST_LEAVING] = run
        m[run + at.RUN_LEAVING] = 1
        orphan = 1 if kind == word.KIND_CANCEL and m[at.CANCEL_ORPHANS] != 0 else 0
        start_call(m, giver, at.RELEASE, m[run + at.RUN_LEASE], orphan)
    else:
        if kind == word.KIND_CRASH and m[at.MARKS_CRASHES] != 0:
            late = duration(m, m[at.CRASH_MARK], word.FOR_CRASH_MARK, lane, generation, 0)
            key = request_key(generation, 6)
            key_high, lease = high(word.RANK_LIFECYCLE, lane, key), m[run + at.RUN_LEASE]
            push(m, m[at.NOW] + late, key_high, low(key), at.DO_MARK, lane, generation, lease)
        be_done(m, run)


@compiled
def be_done(m: Memory, run: int) -> None:
    """A run is over for good; its lane may bring another."""
    if m[run + at.RUN_LEAVING] != 0:
        before, after = m[run + at.RUN_BEFORE], m[run + at.RUN_AFTER]
        if before == 0:
            m[m[run + at.RUN_HOST] + at.HOST_LEAVING] = after
        else:
            m[before + at.RUN_AFTER] = after
        if after != 0:
            m[after + at.RUN_BEFORE] = before
    record_run(m, run, word.KIND_DONE, -1, -1, 0)
    lane, generation, kind = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION], m[run + at.RUN_ENDED_AS]
    while m[run + at.RUN_TASKS] != 0:
        end_task(m, m[run + at.RUN_TASKS])
    drop(m, at.FREE_RUN, run)
    here = m[at.LANES] + lane * at.LANE_WORDS
    again = (kind == word.KIND_CRASH and m[at.RERUN_CRASHED] != 0) or (
        kind == word.KIND_STOP and m[at.RERUN_TERMINATED] != 0
    )
    if again:
        wait = duration(m, m[at.RERUN_AFTER], word.FOR_RERUN, lane, generation, 0)
    elif m[at.ARRIVALS] == at.CLOSED:
        m[here + at.LANE_WORK] = -1
        wait = duration(m, m[at.THINK], word.FOR_THINK, lane, generation + 1, 0)
    else:
        return
    m[here + at.LANE_GENERATION] = generation + 1
    m[here + at.LANE_GRANTED] = 0
    number = generation + 2
    push(m, m[at.NOW] + wait, high(word.RANK_ARRIVE, lane, number), low(number), at.DO_CLIENT, lane, 0, 0)


# ---------------------------------------------------------------------------------- machines


@compiled
def join_host(m: Memory, run: int, host: int) -> None:
    """Put a run among those that live on a host, which are in the order of their lanes."""
    before, lane = m[host + at.HOST_RUNS_LAST], m[run + at.RUN_LANE]
    while before != 0 and m[before + at.RUN_LANE] > lane:
        before = m[before + at.RUN_BEFORE]
    after = m[host + at.HOST_RUNS_FIRST] if before == 0 else m[before + at.RUN_AFTER]
    m[run + at.RUN_BEFORE], m[run + at.RUN_AFTER] = before, after
    if before == 0:
        m[host + at.HOST_RUNS_FIRST] = run
    else:
        m[before + at.RUN_AFTER] = run
    if after == 0:
        m[host + at.HOST_RUNS_LAST] = run
    else:
        m[after + at.RUN_BEFORE] = run


@compiled
def leave_host(m: Memory, run: int, host: int) -> None:
    """Take a run away from those that live on a host."""
    before, after = m[run + at.RUN_BEFORE], m[run + at.RUN_AFTER]
    if before == 0:
        m[host + at.HOST_RUNS_FIRST] = after
    else:
        m[before + at.RUN_AFTER] = after
    if after == 0:
        m[host + at.HOST_RUNS_LAST] = before
    else:
        m[after + at.RUN_BEFORE] = before


@compiled
def freeze(m: Memory, run: int) -> None:
    """Stop a run's process, and all that runs on it."""
    m[run + at.RUN_PROCESS + at.ACTOR_FREEZES] += 1
    if m[run + at.RUN_PROCESS + at.ACTOR_FREEZES] == 1:
        m[run + at.RUN_LOOP + at.ACTOR_FREEZES] += 1
        m[run + at.RUN_THREAD + at.ACTOR_FREEZES] += 1


@compiled
def thaw_part(m: Memory, actor: int) -> None:
    """Undo one freeze of a loop or a thread."""
    m[actor + at.ACTOR_FREEZES] -= 1
    if m[actor + at.ACTOR_FREEZES] == 0:
        let_go(m, actor)


@compiled
def thaw(m: Memory, run: int) -> None:
    """Undo one `freeze`."""
    m[run + at.RUN_PROCESS + at.ACTOR_FREEZES] -= 1
    if m[run + at.RUN_PROCESS + at.ACTOR_FREEZES] == 0:
        let_go(m, run + at.RUN_PROCESS)
        thaw_part(m, run + at.RUN_LOOP)
        thaw_part(m, run + at.RUN_THREAD)


@compiled
def freeze_host(m: Memory, host: int) -> None:
    """Stop everything on a machine; clocks run on."""
    m[host + at.HOST_ACTOR + at.ACTOR_FREEZES] += 1
    if m[host + at.HOST_ACTOR + at.ACTOR_FREEZES] == 1:
        if is_local(m, host):
            authority_stops(m)
        run = m[host + at.HOST_RUNS_FIRST]
        while run != 0:
            freeze(m, run)
            run = m[run + at.RUN_AFTER]
    run = m[host + at.HOST_RUNS_FIRST]
    while run != 0:
        halt(m, run, word.HALT_HOST)
        run = m[run + at.RUN_AFTER]


@compiled
def thaw_host(m: Memory, host: int) -> None:
    """Undo one `freeze_host`."""
    run = m[host + at.HOST_RUNS_FIRST]
    while run != 0:
        go(m, run, word.HALT_HOST)
        run = m[run + at.RUN_AFTER]
    m[host + at.HOST_ACTOR + at.ACTOR_FREEZES] -= 1
    if m[host + at.HOST_ACTOR + at.ACTOR_FREEZES] > 0:
        return
    let_go(m, host + at.HOST_ACTOR)
    if is_local(m, host):
        authority_goes_on(m)
    run = m[host + at.HOST_RUNS_FIRST]
    while run != 0:
        thaw(m, run)
        run = m[run + at.RUN_AFTER]


@compiled
def fall_asleep(m: Memory, host: int) -> None:
    """Suspend: nothing runs; the monotonic clock stands unless it counts suspends; remote connections break."""
    m[host + at.HOST_SLEEPS] += 1
    first = m[host + at.HOST_SLEEPS] == 1
    local = is_local(m, host)
    if local:
        m[at.ASLEEP] += 1
    if first:
        clock = host + at.HOST_AWAKE
        rebase(m, clock, read(m, clock), 0)
        if m[at.COUNTS_SUSPEND] == 0:
            clock = host + at.HOST_CLOCK
            rebase(m, clock, read(m, clock), 0)
    freeze_host(m, host)
    if not first or local or m[at.ON_SUSPEND] == at.SUSPEND_KEEP:
        return
    break_off_requests(m, m[host + at.HOST_RUNS_FIRST])
    break_off_requests(m, m[host + at.HOST_LEAVING])


@compiled
def break_off_requests(m: Memory, run: int) -> None:
    """Break off whatever a list of runs has in flight."""
    while run != 0:
        task = m[run + at.RUN_TASKS]
        while task != 0:
            if m[task + at.TASK_OPEN] >= 0:
                break_off(m, task)
            task = m[task + at.TASK_AFTER]
        run = m[run + at.RUN_AFTER]


@compiled
def wake_up(m: Memory, host: int) -> None:
    """End one suspend; the network may take a while to come back."""
    m[host + at.HOST_SLEEPS] -= 1
    if is_local(m, host):
        m[at.ASLEEP] -= 1
    if m[host + at.HOST_SLEEPS] == 0:
        clock = host + at.HOST_AWAKE
        rebase(m, clock, read(m, clock), 1)
        clock = host + at.HOST_CLOCK
        if m[clock + at.CLOCK_RUNNING] == 0:
            rebase(m, clock, read(m, clock), 1)
        number = m[host + at.HOST_WAKES]
        delay = duration(m, m[at.RECONNECT], word.FOR_RECONNECT, m[host + at.HOST_INDEX], 0, number)
        m[host + at.HOST_WAKES] = number + 1
        m[host + at.HOST_RECONNECTED_AT] = m[at.NOW] + delay
    thaw_host(m, host)
