"""Clocks that can stop, step and drift; alarms that wait on them; actors that are free to act, or not."""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled
from sim.engines.kernel.layout import (
    ACTOR_FREEZES,
    ACTOR_HELD_FIRST,
    ACTOR_HELD_LAST,
    ALARM_ACTION,
    ALARM_ACTOR,
    ALARM_AFTER,
    ALARM_ARG,
    ALARM_BEFORE,
    ALARM_CLOCK,
    ALARM_DEADLINE,
    ALARM_HIGH,
    ALARM_LISTED,
    ALARM_LOW,
    ALARM_SET_FOR,
    ALARM_WORDS,
    BILLION,
    CLOCK_DRIFTS,
    CLOCK_FIRST,
    CLOCK_LAST,
    CLOCK_LOCAL,
    CLOCK_OUT_OF_RANGE,
    CLOCK_PPB,
    CLOCK_RUNNING,
    CLOCK_TRUE,
    DO_ALARM,
    FAR,
    FREE_ALARM,
    FREE_HELD,
    HELD_A,
    HELD_B,
    HELD_C,
    HELD_HIGH,
    HELD_LOW,
    HELD_NEXT,
    HELD_WHAT,
    HELD_WORDS,
    NEVER,
    NOW,
    STATUS,
    Memory,
)
from sim.engines.kernel.storage import drop, push, take

_READING_MAX = 2**61
_PPB_MAX = 2 * BILLION
_PPB_MIN = -900_000_000


@compiled
def read(m: Memory, clock: int) -> int:
    """Return what a clock shows now."""
    if m[clock + CLOCK_RUNNING] == 0:
        return m[clock + CLOCK_LOCAL]
    passed = m[NOW] - m[clock + CLOCK_TRUE]
    ppb = m[clock + CLOCK_PPB]
    if ppb == 0:
        return m[clock + CLOCK_LOCAL] + passed
    seconds = passed // BILLION
    rest = passed - seconds * BILLION
    return m[clock + CLOCK_LOCAL] + passed + seconds * ppb + rest * ppb // BILLION


@compiled
def when(m: Memory, clock: int, reading: int) -> int:
    """Return the first true time, now at the earliest, at which a clock shows `reading`; NEVER if it stands."""
    if read(m, clock) >= reading:
        return m[NOW]
    if m[clock + CLOCK_RUNNING] == 0:
        return NEVER
    wanted = reading - m[clock + CLOCK_LOCAL]
    ppb = m[clock + CLOCK_PPB]
    if ppb == 0:
        return min(FAR, m[clock + CLOCK_TRUE] + wanted)
    speed = BILLION + ppb
    whole = wanted // speed
    if whole > _READING_MAX // BILLION:
        return FAR
    rest = wanted - whole * speed
    return m[clock + CLOCK_TRUE] + whole * BILLION + (rest * BILLION + speed - 1) // speed


@compiled
def rebase(m: Memory, clock: int, reading: int, running: int) -> None:
    """Let a clock go on from `reading`, and set its alarms again."""
    if abs(reading) > _READING_MAX:
        m[STATUS] = CLOCK_OUT_OF_RANGE
    m[clock + CLOCK_TRUE], m[clock + CLOCK_LOCAL], m[clock + CLOCK_RUNNING] = m[NOW], reading, running
    alarm = m[clock + CLOCK_FIRST]
    while alarm != 0:
        arm(m, alarm)
        alarm = m[alarm + ALARM_AFTER]


@compiled
def change_drift(m: Memory, clock: int, by_ppb: int) -> None:
    """Run faster or slower from now on; drifts add up, and no clock runs backwards."""
    reading = read(m, clock)
    m[clock + CLOCK_DRIFTS] += by_ppb
    ppb = max(_PPB_MIN, m[clock + CLOCK_DRIFTS])
    if ppb > _PPB_MAX:
        m[STATUS] = CLOCK_OUT_OF_RANGE
        return
    m[clock + CLOCK_PPB] = ppb
    rebase(m, clock, reading, m[clock + CLOCK_RUNNING])


@compiled
def arm(m: Memory, alarm: int) -> None:
    """Set or reset the moment at which an alarm's clock will be due."""
    due = when(m, m[alarm + ALARM_CLOCK], m[alarm + ALARM_DEADLINE])
    if due != m[alarm + ALARM_SET_FOR]:
        m[alarm + ALARM_SET_FOR] = due
        if due != NEVER:
            push(m, due, m[alarm + ALARM_HIGH], m[alarm + ALARM_LOW], DO_ALARM, alarm, m[alarm], 0)


@compiled
def set_alarm(
    m: Memory, clock: int, actor: int, deadline: int, key_high: int, key_low: int, action: int, arg: int
) -> int:
    """Return a new alarm: it rings once, when its clock reaches `deadline` and its actor is able to act."""
    alarm = take(m, FREE_ALARM, ALARM_WORDS)
    m[alarm + ALARM_SET_FOR] = NEVER
    m[alarm + ALARM_CLOCK], m[alarm + ALARM_ACTOR], m[alarm + ALARM_DEADLINE] = clock, actor, deadline
    m[alarm + ALARM_HIGH], m[alarm + ALARM_LOW] = key_high, key_low
    m[alarm + ALARM_ACTION], m[alarm + ALARM_ARG] = action, arg
    last = m[clock + CLOCK_LAST]
    m[alarm + ALARM_BEFORE], m[alarm + ALARM_AFTER], m[alarm + ALARM_LISTED] = last, 0, 1
    if last == 0:
        m[clock + CLOCK_FIRST] = alarm
    else:
        m[last + ALARM_AFTER] = alarm
    m[clock + CLOCK_LAST] = alarm
    arm(m, alarm)
    return alarm


@compiled
def unlist(m: Memory, alarm: int) -> None:
    """Take an alarm out of its clock's care."""
    if m[alarm + ALARM_LISTED] == 0:
        return
    m[alarm + ALARM_LISTED] = 0
    clock, before, after = m[alarm + ALARM_CLOCK], m[alarm + ALARM_BEFORE], m[alarm + ALARM_AFTER]
    if before == 0:
        m[clock + CLOCK_FIRST] = after
    else:
        m[before + ALARM_AFTER] = after
    if after == 0:
        m[clock + CLOCK_LAST] = before
    else:
        m[after + ALARM_BEFORE] = before


@compiled
def cancel_alarm(m: Memory, alarm: int) -> None:
    """Never ring; 0 is no alarm."""
    if alarm != 0:
        unlist(m, alarm)
        drop(m, FREE_ALARM, alarm)


@compiled
def is_free(m: Memory, actor: int) -> bool:
    """Whether an actor can act now."""
    return m[actor + ACTOR_FREEZES] == 0


@compiled
def hold_back(m: Memory, actor: int, key_high: int, key_low: int, what: int, a: int, b: int, c: int) -> None:
    """Keep what a frozen actor would do until it can."""
    held = take(m, FREE_HELD, HELD_WORDS)
    m[held + HELD_NEXT], m[held + HELD_HIGH], m[held + HELD_LOW] = 0, key_high, key_low
    m[held + HELD_WHAT], m[held + HELD_A], m[held + HELD_B], m[held + HELD_C] = what, a, b, c
    if m[actor + ACTOR_HELD_LAST] == 0:
        m[actor + ACTOR_HELD_FIRST] = held
    else:
        m[m[actor + ACTOR_HELD_LAST] + HELD_NEXT] = held
    m[actor + ACTOR_HELD_LAST] = held


@compiled
def let_go(m: Memory, actor: int) -> None:
    """Put what was held back on the agenda, at this instant, in the order of the keys."""
    held = m[actor + ACTOR_HELD_FIRST]
    m[actor + ACTOR_HELD_FIRST] = m[actor + ACTOR_HELD_LAST] = 0
    while held != 0:
        after = m[held + HELD_NEXT]
        push(
            m, m[NOW], m[held + HELD_HIGH], m[held + HELD_LOW], m[held + HELD_WHAT],
            m[held + HELD_A], m[held + HELD_B], m[held + HELD_C],
        )  # fmt: skip
        drop(m, FREE_HELD, held)
        held = after


@compiled
def forget_held(m: Memory, actor: int) -> None:
    """Drop what was held back."""
    held = m[actor + ACTOR_HELD_FIRST]
    m[actor + ACTOR_HELD_FIRST] = m[actor + ACTOR_HELD_LAST] = 0
    while held != 0:
        after = m[held + HELD_NEXT]
        drop(m, FREE_HELD, held)
        held = after
