"""What goes wrong: when each fault begins and ends, and what it does to the world."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.authority import (
    authority_goes_on,
    authority_stops,
    come_up,
    go_down,
    step_wall_clock,
)
from sim.engines.kernel.clocks import change_drift, read, set_alarm
from sim.engines.kernel.compiling import compiled, real
from sim.engines.kernel.draws import duration, exponential, uniform
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.runs import (
    end_run,
    fall_asleep,
    freeze,
    freeze_host,
    go,
    halt,
    thaw,
    thaw_host,
    thaw_part,
    wake_up,
)
from sim.engines.kernel.storage import high, low, push, record
from sim.engines.kernel.tasks import end_task, new_task, wait_until
from sim.units import DAY, FOREVER


@compiled
def look_up_strike(m: Memory, fault: int, part: int, n: int) -> bool:
    """Find occurrence `n`: its start (for a rate: the gap before it) and its length; whether there is one."""
    way, first, count = m[fault + at.FAULT_WHEN], m[fault + at.FAULT_FIRST], m[fault + at.FAULT_TIMES]
    if way == at.WHEN_RATE:
        rate = real(m, m[fault + at.FAULT_NUMBERS] + at.FAULT_RATE)
        if rate == 0.0:
            return False
        m[at.STRIKE_START] = exponential(m, rate, word.FOR_FAULT_GAP, m[fault + at.FAULT_NAME], part, n)
    elif way == at.WHEN_DAILY:
        if count == 0:
            return False
        place = n + m[fault + at.FAULT_SKIP]
        m[at.STRIKE_START] = place // count * DAY + m[first + place % count] - m[at.STARTS_AT]
    elif n >= count:
        return False
    elif way == at.WHEN_TRACE:
        m[at.STRIKE_START], m[at.STRIKE_LENGTH] = m[first + 2 * n], m[first + 2 * n + 1]
        return True
    else:
        m[at.STRIKE_START] = m[first + n]
    m[at.STRIKE_LENGTH] = 0
    if m[fault + at.FAULT_INSTANT] == 0:
        name = m[fault + at.FAULT_NAME]
        m[at.STRIKE_LENGTH] = duration(m, m[fault + at.FAULT_LENGTH], word.FOR_FAULT_LENGTH, name, part, n)
    return True


@compiled
def happens(m: Memory, fault: int, part: int, n: int) -> bool:
    """Whether occurrence `n` really takes place."""
    chance = real(m, m[fault + at.FAULT_NUMBERS] + at.FAULT_PROBABILITY)
    if chance >= 1.0:
        return True
    return uniform(m, word.FOR_FAULT_CHANCE, m[fault + at.FAULT_NAME], part, n) < chance


# ---------------------------------------------------------------------------------- machines, server, network


@compiled
def begin_faults(m: Memory) -> None:
    """Start every fault that befalls machines, the server or the network."""
    for n in range(m[at.FAULT_COUNT]):
        fault = m[at.FAULTS] + n * at.FAULT_WORDS
        whom = m[fault + at.FAULT_WHOM]
        if whom == at.ON_RUNS or m[fault + at.FAULT_IMPOSSIBLE] != 0:
            continue
        targets = m[at.HOST_COUNT] if whom == at.ON_HOSTS else 1
        for target in range(targets):
            if whom != at.ON_HOSTS or is_meant(m, fault, target):
                await_strike(m, fault, target, 0)


@compiled
def is_meant(m: Memory, fault: int, target: int) -> bool:
    """Whether a fault can befall this host or lane."""
    count, first = m[fault + at.FAULT_ONLY_COUNT], m[fault + at.FAULT_ONLY]
    for i in range(count):
        if m[first + i] == target:
            return True
    return count == 0


@compiled
def gap_clock(m: Memory, fault: int, target: int) -> int:
    """Return the clock of a fault's starts: a machine that sleeps has no other faults meanwhile."""
    whom = m[fault + at.FAULT_WHOM]
    if m[fault + at.FAULT_WHEN] != at.WHEN_RATE or whom == at.ON_NETWORK:
        return at.TRUE_TIME
    if whom == at.ON_HOSTS:
        return m[at.HOSTS] + target * at.HOST_WORDS + at.HOST_AWAKE
    return m[at.HOSTS] + at.HOST_AWAKE if m[at.SHARED] != 0 else at.TRUE_TIME


@compiled
def await_strike(m: Memory, fault: int, target: int, n: int) -> None:
    """Set the alarm for occurrence `n`, if there is one."""
    affliction = m[fault + at.FAULT_AFFLICTIONS] + target * at.AFFLICTION_WORDS
    m[affliction + at.AFFLICTION_FAULT], m[affliction + at.AFFLICTION_TARGET] = fault, target
    m[affliction + at.AFFLICTION_COUNT] = n
    if not look_up_strike(m, fault, target, n):
        return
    clock = gap_clock(m, fault, target)
    if m[fault + at.FAULT_WHEN] == at.WHEN_RATE:
        begins = read(m, clock) + m[at.STRIKE_START]
    else:
        begins = max(m[at.NOW], m[at.STRIKE_START])
    key_high = high(word.RANK_FAULT_BEGIN, m[fault + at.FAULT_INDEX], target)
    set_alarm(m, clock, at.NATURE, begins, key_high, low(target), at.ACT_STRIKE, affliction)


@compiled
def strike_falls(m: Memory, affliction: int) -> None:
    """The time of an occurrence has come."""
    fault, target = m[affliction + at.AFFLICTION_FAULT], m[affliction + at.AFFLICTION_TARGET]
    n = m[affliction + at.AFFLICTION_COUNT]
    look_up_strike(m, fault, target, n)
    if happens(m, fault, target, n):
        length, index = m[at.STRIKE_LENGTH], m[fault + at.FAULT_INDEX]
        record(m, word.KIND_FAULT_BEGIN, target, -1, index, -1, length)
        m[affliction + at.AFFLICTION_UNTIL] = min(FOREVER, m[at.NOW] + length)
        strike(m, fault, target)
        if m[fault + at.FAULT_INSTANT] == 0:
            key_high = high(word.RANK_FAULT_END, index, target)
            push(m, m[at.NOW] + length, key_high, low(target), at.DO_FAULT_END, fault, target, n)
            return
    await_strike(m, fault, target, n + 1)


@compiled
def strike_ends(m: Memory, fault: int, target: int, n: int) -> None:
    """An occurrence is over."""
    record(m, word.KIND_FAULT_END, target, -1, m[fault + at.FAULT_INDEX], -1, 0)
    relieve(m, fault, target)
    await_strike(m, fault, target, n + 1)


@compiled
def strike(m: Memory, fault: int, target: int) -> None:
    """A fault of a machine, the server or the network begins."""
    what = m[fault + at.FAULT_WHAT]
    if m[fault + at.FAULT_WHOM] == at.ON_SERVER:
        if what == at.RESTART:
            go_down(m)
        elif what == at.CLOCK_STEP:
            step_wall_clock(m, m[fault + at.FAULT_STEP])
        elif what == at.CLOCK_DRIFT:
            change_drift(m, at.WALL_CLOCK, m[fault + at.FAULT_PPB])
        else:
            m[at.ASLEEP] += 1 if what == at.SLEEP else 0
            authority_stops(m)
        return
    if what == at.OUTAGE or what == at.SLOW:
        switch_trouble(m, fault, target, 1)
        return
    host = m[at.HOSTS] + target * at.HOST_WORDS
    if what == at.SLEEP:
        fall_asleep(m, host)
    elif what == at.PAUSE:
        freeze_host(m, host)
    elif what == at.CRASH:
        crash_host(m, host, m[fault + at.FAULT_INDEX])
    else:
        change_drift(m, host + at.HOST_CLOCK, m[fault + at.FAULT_PPB])


@compiled
def crash_host(m: Memory, host: int, index: int) -> None:
    """Every process of a machine is gone."""
    run = m[host + at.HOST_RUNS_FIRST]
    while run != 0:
        after = m[run + at.RUN_AFTER]
        if m[run + at.RUN_STARTED] != 0:
            end_run(m, run, word.KIND_CRASH, index)
        run = after


@compiled
def relieve(m: Memory, fault: int, target: int) -> None:
    """A fault of a machine, the server or the network ends."""
    what = m[fault + at.FAULT_WHAT]
    if m[fault + at.FAULT_WHOM] == at.ON_SERVER:
        if what == at.RESTART:
            come_up(m)
        elif what == at.CLOCK_DRIFT:
            change_drift(m, at.WALL_CLOCK, -m[fault + at.FAULT_PPB])
        else:
            m[at.ASLEEP] -= 1 if what == at.SLEEP else 0
            authority_goes_on(m)
        return
    if what == at.OUTAGE or what == at.SLOW:
        switch_trouble(m, fault, target, 0)
        return
    host = m[at.HOSTS] + target * at.HOST_WORDS
    if what == at.SLEEP:
        wake_up(m, host)
    elif what == at.PAUSE:
        thaw_host(m, host)
    else:
        change_drift(m, host + at.HOST_CLOCK, -m[fault + at.FAULT_PPB])


@compiled
def switch_trouble(m: Memory, fault: int, target: int, on: int) -> None:
    """An outage or a slow spell begins or ends, on the network or on one host's link."""
    m[m[fault + at.FAULT_AFFLICTIONS] + target * at.AFFLICTION_WORDS + at.AFFLICTION_ACTIVE] = on
    change = 1 if on != 0 else -1
    outage = m[fault + at.FAULT_WHAT] == at.OUTAGE
    if m[fault + at.FAULT_WHOM] == at.ON_NETWORK:
        m[at.NET_OUTAGES if outage else at.NET_SLOW] += change
    else:
        host = m[at.HOSTS] + target * at.HOST_WORDS
        m[host + (at.HOST_OUTAGES if outage else at.HOST_SLOW)] += change


# ---------------------------------------------------------------------------------- runs


@compiled
def befall(m: Memory, run: int) -> None:
    """Start every fault that can befall a run that starts."""
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    for n in range(m[at.FAULT_COUNT]):
        fault = m[at.FAULTS] + n * at.FAULT_WORDS
        if m[fault + at.FAULT_WHOM] != at.ON_RUNS or m[fault + at.FAULT_IMPOSSIBLE] != 0:
            continue
        if is_meant(m, fault, lane):
            clock, key = run + at.RUN_CLOCK, (lane << 28) + generation
            task = new_task(m, at.FAULTER, run, at.NATURE, clock, m[fault + at.FAULT_INDEX], key)
            m[task + at.FAULT_OF_TASK], m[task + at.FAULT_ZERO] = fault, read(m, clock)
            await_strike_on_run(m, task)


@compiled
def part_of(m: Memory, run: int) -> int:
    """Return what tells a run's draws of a fault apart."""
    return (m[run + at.RUN_GENERATION] << 40) + m[run + at.RUN_LANE]


@compiled
def await_strike_on_run(m: Memory, task: int) -> None:
    """Wait for a run's next occurrence, in time of its execution; without one the task ends."""
    run, fault, clock = m[task + at.TASK_RUN], m[task + at.FAULT_OF_TASK], m[task + at.TASK_CLOCK]
    if not look_up_strike(m, fault, part_of(m, run), m[task + at.COUNTED]):
        end_task(m, task)
        return
    zero = read(m, clock) if m[fault + at.FAULT_WHEN] == at.WHEN_RATE else m[task + at.FAULT_ZERO]
    m[task + at.TASK_AT] = at.AT_GAP
    wait_until(m, task, zero + m[at.STRIKE_START], word.RANK_FAULT_BEGIN, clock)


@compiled
def faulter_goes_on(m: Memory, task: int) -> None:
    """A fault begins on a run, or ends."""
    run, fault = m[task + at.TASK_RUN], m[task + at.FAULT_OF_TASK]
    lane, generation, index = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION], m[fault + at.FAULT_INDEX]
    what = m[fault + at.FAULT_WHAT]
    if m[task + at.TASK_AT] == at.AT_STRIKE:
        record(m, word.KIND_FAULT_END, lane, generation, index, -1, 0)
        relieve_run(m, run, what)
    else:
        part, n = part_of(m, run), m[task + at.COUNTED]
        look_up_strike(m, fault, part, n)
        if happens(m, fault, part, n):
            length = m[at.STRIKE_LENGTH]
            record(m, word.KIND_FAULT_BEGIN, lane, generation, index, -1, length)
            if what == at.CRASH:
                end_run(m, run, word.KIND_CRASH, index)
                return
            strike_run(m, run, what)
            clock = at.TRUE_TIME if what == at.PAUSE else m[task + at.TASK_CLOCK]
            m[task + at.TASK_AT] = at.AT_STRIKE
            wait_until(m, task, read(m, clock) + length, word.RANK_FAULT_END, clock)
            return
    m[task + at.COUNTED] += 1
    await_strike_on_run(m, task)


@compiled
def strike_run(m: Memory, run: int, what: int) -> None:
    """A run's process is stopped or blocked."""
    if what == at.PAUSE:
        freeze(m, run)
        halt(m, run, word.HALT_PROCESS)
        return
    m[run + at.RUN_LOOP + at.ACTOR_FREEZES] += 1
    if what == at.GIL_BLOCK:
        m[run + at.RUN_THREAD + at.ACTOR_FREEZES] += 1


@compiled
def relieve_run(m: Memory, run: int, what: int) -> None:
    """A run's process goes on."""
    if what == at.PAUSE:
        go(m, run, word.HALT_PROCESS)
        thaw(m, run)
        return
    thaw_part(m, run + at.RUN_LOOP)
    if what == at.GIL_BLOCK:
        thaw_part(m, run + at.RUN_THREAD)
