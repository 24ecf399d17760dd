"""Records, the two hash tables that find them, lists, and sums that outgrow a word."""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled
from sim.metrics.compiled import layout as at
from sim.metrics.compiled.layout import Memory


@compiled
def take(m: Memory, free: int, words: int) -> int:
    """Return a new record full of zeros; `free` is the list of free ones of its kind."""
    record = m[free]
    if record == 0:
        record = m[at.TOP]
        m[at.TOP] += words
    else:
        m[free] = m[record]
    for word in range(words):
        m[record + word] = 0
    return record


@compiled
def drop(m: Memory, free: int, record: int) -> None:
    """Free a record."""
    m[record] = m[free]
    m[free] = record


@compiled
def add(m: Memory, total: int, amount: int) -> None:
    """Add less than `CARRY` to a sum of two words."""
    low = m[total] + amount - at.CARRY
    if low >= 0:
        m[total] = low
        m[total + 1] += 1
    else:
        m[total] = low + at.CARRY


# ---------------------------------------------------------------------------------- hash tables


@compiled
def place_of_run(lane: int, generation: int, mask: int) -> int:
    """Return where in its table a run is chained."""
    return (lane * 5 + generation * 7 + ((lane * 5 + generation * 7) >> 7)) & mask


@compiled
def place_of_life(lease: int, mask: int) -> int:
    """Return where in its table a lease is chained."""
    return lease & mask


@compiled
def enter(m: Memory, place: int, record: int) -> None:
    """Chain a record in its place."""
    m[record] = m[place]
    m[place] = record


@compiled
def strike_out(m: Memory, place: int, record: int) -> None:
    """Unchain a record."""
    while m[place] != record:
        place = m[place]
    m[place] = m[record]


@compiled
def find_run(m: Memory, lane: int, generation: int) -> int:
    """Return a run that is not over, 0 if there is none."""
    run = m[m[at.RUN_TABLE] + place_of_run(lane, generation, m[at.TABLE_MASK])]
    while run != 0 and (m[run + at.RUN_LANE] != lane or m[run + at.RUN_GENERATION] != generation):
        run = m[run]
    return run


@compiled
def first_life(m: Memory, lease: int) -> int:
    """Return a record of that lease, 0 if there is none; forgotten ones too, while their causes are sought."""
    life = m[m[at.LIFE_TABLE] + place_of_life(lease, m[at.TABLE_MASK])]
    while life != 0 and m[life + at.LIFE_LEASE] != lease:
        life = m[life]
    return life


@compiled
def next_life(m: Memory, life: int) -> int:
    """Return another record of the same lease, 0 if there is none."""
    lease = m[life + at.LIFE_LEASE]
    life = m[life]
    while life != 0 and m[life + at.LIFE_LEASE] != lease:
        life = m[life]
    return life


# ---------------------------------------------------------------------------------- runs in the order of their coming


@compiled
def append(m: Memory, first: int, link: int, run: int) -> None:
    """Put a run last in a list, unless it is there: (first, last, count) at `first`, (in, before, after) at `link`."""
    if m[run + link] != 0:
        return
    last = m[first + 1]
    m[run + link], m[run + link + 1], m[run + link + 2] = 1, last, 0
    if last == 0:
        m[first] = run
    else:
        m[last + link + 2] = run
    m[first + 1] = run
    m[first + 2] += 1


@compiled
def remove(m: Memory, first: int, link: int, run: int) -> None:
    """Take a run out of a list, if it is there."""
    if m[run + link] == 0:
        return
    before, after = m[run + link + 1], m[run + link + 2]
    if before == 0:
        m[first] = after
    else:
        m[before + link + 2] = after
    if after == 0:
        m[first + 1] = before
    else:
        m[after + link + 1] = before
    m[run + link] = 0
    m[first + 2] -= 1


# ---------------------------------------------------------------------------------- crashes waiting for their slots


@compiled
def remember_crash(m: Memory, first: int, time: int) -> None:
    """Put the time of a crash last in a line: (first, last) at `first`."""
    crash = take(m, at.FREE_CRASH, at.CRASH_WORDS)
    m[crash + at.CRASH_TIME] = time
    if m[first] == 0:
        m[first] = crash
    else:
        m[m[first + 1]] = crash
    m[first + 1] = crash


@compiled
def first_crash(m: Memory, first: int) -> int:
    """Take the first time out of a line that has one."""
    crash = m[first]
    m[first] = m[crash]
    drop(m, at.FREE_CRASH, crash)
    return m[crash + at.CRASH_TIME]
