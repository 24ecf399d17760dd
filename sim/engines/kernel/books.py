"""What the authority counts as in use, and the line of those who wait for it."""

from __future__ import annotations

import math

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.compiling import compiled, real, set_real
from sim.engines.kernel.draws import uniform
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.storage import drop, high, low, push, take
from sim.samplers import nanoseconds, truncated_exponential_factor
from sim.units import SECOND

_EXACT_MAX = 2**53


@compiled
def in_seconds(ns: int) -> float:
    """Return ``ns / 10**9`` as Python rounds it: right in the last bit also above 2**53."""
    if ns <= _EXACT_MAX:
        return ns / SECOND
    fives = 1_953_125  # 10**9 = 2**9 * 5**9
    whole, rest = ns // fives, ns % fives
    scaled = (whole << 23) + (rest << 23) // fives
    if (rest << 23) % fives != 0:
        scaled |= 1
    return float(scaled) * 2.0**-32


@compiled
def decayed(m: Memory, now: int) -> int:
    """Return how many slots have decayed since the counter's last change."""
    return int(real(m, at.DECAY_PER_SECOND) * in_seconds(now - m[at.UPDATED]))


@compiled
def in_use(m: Memory) -> int:
    """Return the slots in use now."""
    if m[at.USES_COUNTER] == 0:
        return m[at.LEASE_COUNT] + m[at.COOLING]
    return max(0, m[at.ACTIVE] - decayed(m, m[at.NOW]))


@compiled
def set_active(m: Memory, active: int) -> None:
    """Write the counter's row; what was to decay of the row before will not."""
    m[at.ACTIVE], m[at.UPDATED] = active, m[at.NOW]
    m[at.CHANGES] += 1
    await_decay(m)


@compiled
def count_one_more(m: Memory) -> None:
    """A lease was entered."""
    if m[at.USES_COUNTER] != 0:
        set_active(m, in_use(m) + 1)


@compiled
def count_one_less(m: Memory) -> None:
    """A slot is given back."""
    if m[at.USES_COUNTER] != 0:
        set_active(m, max(0, in_use(m) - 1))


@compiled
def await_decay(m: Memory) -> None:
    """Set the moment at which the counter next shows one less, if ever."""
    left = in_use(m)
    per_second = real(m, at.DECAY_PER_SECOND)
    if per_second == 0.0 or left == 0:
        return
    steps = m[at.ACTIVE] - left + 1
    gap = steps * (SECOND / per_second)
    if gap >= at.FAR:
        return
    due = max(m[at.NOW] + 1, m[at.UPDATED] + int(math.floor(gap)))
    while due < m[at.END] and decayed(m, due) < steps:
        due += 1
    push(m, due, high(word.RANK_FREE, 0, 2), low(2), at.DO_DECAY, m[at.CHANGES], 0, 0)


@compiled
def free_slots(m: Memory) -> int:
    """Return how many slots could be granted now."""
    if m[at.NOW] < m[at.QUIET_UNTIL]:
        return 0
    return max(0, m[at.SLOTS] - in_use(m))


@compiled
def denials(m: Memory) -> int:
    """Return how many refusals have not decayed yet: as fast as slots do, or one in the average occupancy."""
    if m[at.COUNTS_DENIALS] == 0:
        return 0
    per_second = real(m, at.DECAY_PER_SECOND)
    if per_second == 0.0:
        per_second = 1.0 / max(1e-9, min(real(m, at.AVERAGE_OCCUPANCY), real(m, at.RETRY_AFTER_CAP)))
    gone = per_second * in_seconds(m[at.NOW] - m[at.DENIED_AT])
    return 0 if gone >= m[at.DENIALS] else m[at.DENIALS] - int(gone)


@compiled
def free_places(m: Memory) -> int:
    """Return how many requests more the server could work on; open connections take places too."""
    return m[at.REQUESTS_MAX] - m[at.CONNECTIONS] - m[at.IN_HAND_COUNT]


@compiled
def mind_the_places(m: Memory) -> None:
    """Give fast-forward up where a request that it leaves out could take the last place: one in each stretch."""
    if m[at.STRETCHES] > 0 and free_places(m) <= m[at.STRETCHES]:
        m[at.STATUS] = at.CANNOT_SKIP


@compiled
def retry_after(m: Memory, lane: int, generation: int, number: int) -> int:
    """Return the wait that goes with a refusal, 0 for none."""
    if m[at.TELLS_RETRY_AFTER] == 0:
        return 0
    cap = real(m, at.RETRY_AFTER_CAP)
    denied = denials(m)
    m[at.DENIALS], m[at.DENIED_AT] = denied + 1, m[at.NOW]
    blocking = 1.0 + denied
    if real(m, at.DECAY_PER_SECOND) > 0.0:
        wait = 1.0 / real(m, at.DECAY_PER_SECOND) * blocking
    else:
        wait = min(min(real(m, at.AVERAGE_OCCUPANCY), cap) * (blocking / max(1, m[at.SLOTS])), cap)
    if real(m, at.RETRY_AFTER_JITTER) > 0.0:
        u = uniform(m, word.FOR_RETRY_AFTER, lane, generation, number)
        wait *= truncated_exponential_factor(u, real(m, at.RETRY_AFTER_JITTER))
    return max(1, nanoseconds(wait * SECOND))


@compiled
def note_occupancy(m: Memory, granted: int) -> None:
    """Average how long slots are held."""
    held = max(in_seconds(m[at.NOW] - granted), real(m, at.OCCUPANCY_FLOOR))
    average = real(m, at.AVERAGE_OCCUPANCY)
    set_real(m, at.AVERAGE_OCCUPANCY, average + (held - average) / (2.0 * max(1, m[at.SLOTS])))


# ---------------------------------------------------------------------------------- who waits


@compiled
def find_place(m: Memory, lane: int, generation: int) -> int:
    """Return what the authority remembers of a run's waiting, 0 for nothing."""
    place = m[m[at.LANES] + lane * at.LANE_WORDS + at.LANE_PLACES]
    while place != 0 and m[place + at.PLACE_GENERATION] != generation:
        place = m[place + at.PLACE_CHAIN]
    return place


@compiled
def new_place(m: Memory, lane: int, generation: int) -> int:
    """Begin to remember a run."""
    place = take(m, at.FREE_PLACE, at.PLACE_WORDS)
    chain = m[at.LANES] + lane * at.LANE_WORDS + at.LANE_PLACES
    m[place + at.PLACE_CHAIN], m[place + at.PLACE_LANE], m[place + at.PLACE_GENERATION] = (
        m[chain],
        lane,
        generation,
    )
    m[chain] = place
    m[place + at.PLACE_WAITS], m[place + at.PLACE_PROMISED] = 0, -1
    return place


@compiled
def forget_place(m: Memory, place: int) -> None:
    """Forget a run that neither waits nor is promised a lease."""
    if m[place + at.PLACE_WAITS] != 0 or m[place + at.PLACE_PROMISED] >= 0:
        return
    chain = m[at.LANES] + m[place + at.PLACE_LANE] * at.LANE_WORDS + at.LANE_PLACES
    if m[chain] == place:
        m[chain] = m[place + at.PLACE_CHAIN]
    else:
        before = m[chain]
        while m[before + at.PLACE_CHAIN] != place:
            before = m[before + at.PLACE_CHAIN]
        m[before + at.PLACE_CHAIN] = m[place + at.PLACE_CHAIN]
    drop(m, at.FREE_PLACE, place)


@compiled
def join_line(m: Memory, message: int) -> None:
    """Wait, or go on waiting in the same place, from now on reachable through `message`."""
    lane, generation = m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION]
    place = find_place(m, lane, generation)
    if place == 0:
        place = new_place(m, lane, generation)
    if m[place + at.PLACE_WAITS] == 0:
        last = m[at.WAITING_LAST]
        m[place + at.PLACE_WAITS], m[place + at.PLACE_BEFORE], m[place + at.PLACE_AFTER] = 1, last, 0
        if last == 0:
            m[at.WAITING_FIRST] = place
        else:
            m[last + at.PLACE_AFTER] = place
        m[at.WAITING_LAST] = place
        m[at.WAITING_COUNT] += 1
    m[place + at.PLACE_TASK], m[place + at.PLACE_SERIAL] = m[message + at.MESSAGE_TASK], m[message + at.MESSAGE_SERIAL]
    m[place + at.PLACE_NUMBER], m[place + at.PLACE_ROUTE] = (
        m[message + at.MESSAGE_NUMBER],
        m[message + at.MESSAGE_ROUTE],
    )


@compiled
def leave_line(m: Memory, lane: int, generation: int) -> None:
    """Wait no longer."""
    place = find_place(m, lane, generation)
    if place == 0 or m[place + at.PLACE_WAITS] == 0:
        return
    before, after = m[place + at.PLACE_BEFORE], m[place + at.PLACE_AFTER]
    if before == 0:
        m[at.WAITING_FIRST] = after
    else:
        m[before + at.PLACE_AFTER] = after
    if after == 0:
        m[at.WAITING_LAST] = before
    else:
        m[after + at.PLACE_BEFORE] = before
    m[at.WAITING_COUNT] -= 1
    m[place + at.PLACE_WAITS] = 0
    forget_place(m, place)


@compiled
def is_its_turn(m: Memory, lane: int, generation: int, free: int) -> bool:
    """Whether fewer than `free` runs come before this one in the line."""
    place = find_place(m, lane, generation)
    if place == 0 or m[place + at.PLACE_WAITS] == 0:
        return m[at.WAITING_COUNT] < free
    other = m[at.WAITING_FIRST]
    while free > 0:
        if other == place:
            return True
        other = m[other + at.PLACE_AFTER]
        free -= 1
    return False
