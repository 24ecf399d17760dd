"""The loop: take the first entry off the agenda, do what it says, until time is up or an array is too small.

Every entry is done as a whole. So the loop can return to Python between two of them, to be called again with longer
arrays; and before each one it makes sure that the arrays are long enough for whatever it may do.
"""

from __future__ import annotations

from typing import Any

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.authority import counter_decays, reuse_delay_is_over, slots_may_be_free, timer_rings
from sim.engines.kernel.books import free_slots, mind_the_places
from sim.engines.kernel.clocks import hold_back, is_free, unlist
from sim.engines.kernel.compiling import compiled, entry, pointer, real
from sim.engines.kernel.draws import duration, exponential, uniform
from sim.engines.kernel.expiry import start_sweeper, sweep, take_turn
from sim.engines.kernel.faults import befall, begin_faults, faulter_goes_on, strike_ends, strike_falls
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.network import request_key, spell_length
from sim.engines.kernel.programs import begin_lifecycle, begin_work, main_goes_on, pauser_goes_on
from sim.engines.kernel.renewing import begin_renewing, fence_rings, renewer_goes_on
from sim.engines.kernel.runs import be_done, end_run, new_run, record_run, turn_stopwatch
from sim.engines.kernel.serving import admit, crash_is_marked, receive, served
from sim.engines.kernel.skipping import has_to_wait, settle_all
from sim.engines.kernel.storage import drop, high, low, push, remove_first
from sim.engines.kernel.stretches import a_slot_is_free
from sim.engines.kernel.tasks import answered_by_nobody, deliver, end_task, go_on_calling, new_task, wait


@entry
def go_through(address: Any) -> None:
    """Let time pass in the memory at an address."""
    m = pointer(address)
    if m[at.STATUS] == at.BEGINNING:
        begin(m)
        m[at.STATUS] = at.RUNNING
    while m[at.STATUS] == at.RUNNING:
        short = what_is_short(m)
        if short != 0:
            m[at.STATUS] = short
            return
        if m[at.AGENDA_COUNT] == 0:
            settle_all(m)
            m[at.STATUS] = at.FINISHED
            return
        first = m[at.AGENDA]
        m[at.NOW] = m[first + at.AT]
        what, a, b, c = m[first + at.WHAT], m[first + at.ARG_A], m[first + at.ARG_B], m[first + at.ARG_C]
        key_high, key_low = m[first + at.KEY_HIGH], m[first + at.KEY_LOW]
        remove_first(m)
        m[at.LATEST] = max(m[at.LATEST], m[at.NOW])
        if m[at.STRETCHES] != 0 and has_to_wait(m, what, a, b):
            push(m, m[at.NOW], key_high, key_low, what, a, b, c)
            continue
        do(m, what, a, b, c)
        if m[at.PARKED] != 0 and free_slots(m) > 0:
            a_slot_is_free(m)


@compiled
def what_is_short(m: Memory) -> int:
    """Return the status that asks for the array which the next entry could overflow, 0 when all are long enough."""
    live, faults, waiting = m[at.LIVE], m[at.RUN_FAULTS], m[at.WAITING_COUNT]
    if m[at.TOP] + 40 * live + 64 * faults + 4096 > m[at.RECORDS_LIMIT]:
        return at.GROW_RECORDS
    if m[at.AGENDA_COUNT] + 2 * live + 2 * faults + 64 > m[at.AGENDA_LIMIT]:
        return at.GROW_AGENDA
    if m[at.ROW_COUNT] + 3 * live + 64 > m[at.ROWS_LIMIT]:
        return at.GROW_ROWS
    if m[at.GRANTED] + waiting + 8 > m[at.LEASES_LIMIT]:
        return at.GROW_LEASES
    if m[at.BACKLOG_NEXT] + waiting + 8 > m[at.LANES_LIMIT]:
        return at.GROW_LANES
    return 0


@compiled
def do(m: Memory, what: int, a: int, b: int, c: int) -> None:
    """Do what an entry of the agenda says."""
    if what == at.DO_ALARM:
        if m[a] == b and m[a + at.ALARM_SET_FOR] == m[at.NOW]:
            unlist(m, a)
            act(m, a)
    elif what == at.DO_ARRIVAL:
        receive(m, a)
    elif what == at.DO_ANSWER or what == at.DO_BREAK:
        if deliver(m, what, a, b, c):
            resume(m, a, False)
    elif what == at.DO_RING:
        if m[a] == b:
            act(m, a)
    elif what == at.DO_CLIENT:
        arrive(m, a)
    elif what == at.DO_NEXT_ARRIVAL:
        next_arrival(m, a)
    elif what == at.DO_SERVED:
        served(m, a, b)
    elif what == at.DO_DECAY:
        counter_decays(m, a)
    elif what == at.DO_ADMIT:
        admit(m)
    elif what == at.DO_MARK:
        crash_is_marked(m, a, b, c)
    elif what == at.DO_FAULT_END:
        strike_ends(m, a, b, c)
    else:
        slots_may_be_free(m)


@compiled
def act(m: Memory, alarm: int) -> None:
    """An alarm is due: it rings now, or as soon as its actor can act."""
    actor = m[alarm + at.ALARM_ACTOR]
    if not is_free(m, actor):
        hold_back(m, actor, m[alarm + at.ALARM_HIGH], m[alarm + at.ALARM_LOW], at.DO_RING, alarm, m[alarm], 0)
        return
    action, arg = m[alarm + at.ALARM_ACTION], m[alarm + at.ALARM_ARG]
    drop(m, at.FREE_ALARM, alarm)
    if action == at.ACT_RESUME:
        m[arg + at.TASK_ALARM] = 0
        resume(m, arg, True)
    elif action == at.ACT_TIMEOUT:
        m[arg + at.TASK_ALARM] = 0
        answered_by_nobody(m, arg, m[arg + at.TASK_UNANSWERED])
        resume(m, arg, True)
    elif action == at.ACT_TIMER:
        timer_rings(m, arg)
    elif action == at.ACT_SWEEP:
        if sweep(m):
            slots_may_be_free(m)
    elif action == at.ACT_TURN:
        take_turn(m)
        slots_may_be_free(m)
    elif action == at.ACT_FREE:
        reuse_delay_is_over(m, arg)
    elif action == at.ACT_STRIKE:
        strike_falls(m, arg)
    elif action == at.ACT_FENCE:
        fence_rings(m, arg)
    else:
        m[arg + at.RUN_STOP_ALARM] = 0
        end_run(m, arg, word.KIND_STOP, m[arg + at.RUN_TERMINATING])


@compiled
def resume(m: Memory, task: int, by_alarm: bool) -> None:
    """A task's wait is over: it goes on, first inside its request, then in its program."""
    m[task + at.TASK_OPEN] = m[task + at.TASK_BROKEN] = -1
    if m[task + at.TASK_CALLING] != at.NOT_CALLING and not go_on_calling(m, task):
        return
    program = m[task + at.TASK_PROGRAM]
    if program == at.RENEWER:
        renewer_goes_on(m, task, by_alarm)
    elif program == at.MAIN:
        if main_goes_on(m, task, by_alarm):
            start(m, task)
    elif program == at.FAULTER:
        faulter_goes_on(m, task)
    elif program == at.PAUSER:
        pauser_goes_on(m, task)
    elif program == at.CANCELLER:
        end_run(m, m[task + at.TASK_RUN], word.KIND_CANCEL, -1)
    elif program == at.RELEASER:
        end_task(m, task)
    else:
        be_done(m, m[task + at.TASK_RUN])


@compiled
def start(m: Memory, task: int) -> None:
    """Provisioning is over: the work begins, and with it what goes on beside the work."""
    run = m[task + at.TASK_RUN]
    m[run + at.RUN_STARTED] = 1
    m[at.CONNECTIONS] += m[at.CONNECTIONS_PER_RUN]
    mind_the_places(m)
    m[task + at.TASK_ACTOR], m[task + at.TASK_CLOCK] = run + at.RUN_LOOP, run + at.RUN_CLOCK
    record_run(m, run, word.KIND_START, -1, m[run + at.RUN_LEASE], 0)
    if m[run + at.RUN_HALT_SUM] == 0:
        turn_stopwatch(m, run, 1)
    begin_work(m, task)
    befall(m, run)
    if m[at.RUNS_IN] != at.IN_NONE:
        host = m[run + at.RUN_HOST]
        actor = run + at.RUN_LOOP
        if m[at.RUNS_IN] == at.IN_THREAD:
            actor = run + at.RUN_THREAD
        elif m[at.RUNS_IN] == at.IN_PROCESS:
            actor = host + at.HOST_ACTOR
        lane, key = m[run + at.RUN_LANE], request_key(m[run + at.RUN_GENERATION], 1)
        begin_renewing(m, new_task(m, at.RENEWER, run, actor, host + at.HOST_CLOCK, lane, key))
    begin_lifecycle(m, run)


# ---------------------------------------------------------------------------------- where runs come from


@compiled
def begin(m: Memory) -> None:
    """Set up the machines, the server, the faults and the first arrivals."""
    for index in range(m[at.HOST_COUNT]):
        host = m[at.HOSTS] + index * at.HOST_WORDS
        m[host + at.HOST_INDEX] = index
        m[host + at.HOST_CLOCK + at.CLOCK_RUNNING] = 1
        m[host + at.HOST_CLOCK + at.CLOCK_PPB] = m[host + at.HOST_CLOCK + at.CLOCK_DRIFTS] = m[at.HOST_PPB]
        m[host + at.HOST_AWAKE + at.CLOCK_RUNNING] = 1
        m[host + at.HOST_GOOD] = 1
        if m[at.BURSTS] != 0:
            if uniform(m, word.FOR_BURST_STATE, index, 0, 0) >= real(m, at.BURST_SHARE):
                m[host + at.HOST_GOOD] = 0
            m[host + at.HOST_SPELL_UNTIL] = spell_length(m, host)
    if m[at.EXPIRY_CHECK] == at.CHECK_SWEEP:
        start_sweeper(m)
    begin_faults(m)
    if m[at.ARRIVALS] == at.POISSON:
        await_arrival(m, 0)
    for lane in range(m[at.CLIENTS]):
        at_time = 0
        if m[at.ARRIVALS] == at.TIMES:
            at_time = m[m[at.TIMES_FIRST] + lane]
        elif m[at.ARRIVALS] == at.CLOSED:
            at_time = duration(m, m[at.THINK], word.FOR_THINK, lane, 0, 0)
        await_client(m, lane, at_time)


@compiled
def await_client(m: Memory, lane: int, arrives: int) -> None:
    """Let the first run of a lane arrive."""
    push(m, arrives, high(word.RANK_ARRIVE, lane, 1), low(1), at.DO_CLIENT, lane, 0, 0)


@compiled
def await_arrival(m: Memory, lane: int) -> None:
    """Wait for the next independent arrival."""
    rate = real(m, at.ARRIVAL_RATE)
    if rate > 0.0:
        gap = exponential(m, rate, word.FOR_ARRIVAL, 0, 0, lane)
        push(m, m[at.NOW] + gap, high(word.RANK_ARRIVE, lane, 0), low(0), at.DO_NEXT_ARRIVAL, lane, 0, 0)


@compiled
def next_arrival(m: Memory, lane: int) -> None:
    """A run arrives independently of the others."""
    m[at.BACKLOG_NEXT] = lane + 1
    await_arrival(m, lane + 1)
    await_client(m, lane, m[at.NOW])


@compiled
def arrive(m: Memory, lane: int) -> None:
    """A lane brings its next run."""
    here = m[at.LANES] + lane * at.LANE_WORDS
    generation = m[here + at.LANE_GENERATION]
    if m[here + at.LANE_WORK] < 0:
        m[here + at.LANE_WORK] = duration(m, m[at.WORK], word.FOR_WORK, lane, generation, 0)
    work = m[here + at.LANE_WORK]
    run = new_run(m, lane, generation, work)
    record_run(m, run, word.KIND_ARRIVE, -1, -1, work)
    wait(m, m[run + at.RUN_MAIN], 0, word.RANK_POLL)  # a suspended machine asks for nothing before it wakes
