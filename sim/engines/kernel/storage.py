"""Memory, the agenda and the trace: what every transition is written with."""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled
from sim.engines.kernel.layout import (
    AGENDA,
    AGENDA_COUNT,
    AGENDA_WORDS,
    ARG_A,
    ARG_B,
    ARG_C,
    AT,
    CANNOT_SKIP,
    END,
    ENTITY_MASK,
    ENTITY_SHIFT,
    INSTANT,
    INSTANT_MAX,
    KEY_HIGH,
    KEY_LOW,
    LATEST,
    LIVE,
    NOW,
    ROW_COUNT,
    ROW_WORDS,
    ROWS,
    ROWS_BEFORE,
    SERIALS,
    SKIPS_POLLS,
    STANDS_STILL,
    STATUS,
    TICKET,
    TICKETS,
    TOP,
    WHAT,
    Memory,
)
from sim.engines.kernel.words import (
    KIND_ASK,
    KIND_REFUSE,
    KIND_RENEWED,
    KIND_RENEWED_EARLIER,
    KIND_SEND,
    KIND_SENT_EARLIER,
    KIND_SKIPPED,
)


@compiled
def take(m: Memory, free: int, words: int) -> int:
    """Return a new record; `free` is the list of free ones of its kind."""
    record = m[free]
    if record == 0:
        record = m[TOP]
        m[TOP] += words
    else:
        m[free] = m[record + 1]
    m[SERIALS] += 1
    m[LIVE] += 1
    m[record] = m[SERIALS]
    return record


@compiled
def drop(m: Memory, free: int, record: int) -> None:
    """Free a record."""
    m[record] = 0
    m[record + 1] = m[free]
    m[free] = record
    m[LIVE] -= 1


@compiled
def high(rank: int, entity: int, number: int) -> int:
    """Return the first half of a key; a number too large for the second half runs over into the entity."""
    return (rank << ENTITY_SHIFT) | entity | (number >> ENTITY_SHIFT)


@compiled
def low(number: int) -> int:
    """Return the second half of a key."""
    return number & ENTITY_MASK


@compiled
def goes_before(m: Memory, i: int, at: int, key_high: int, key_low: int, ticket: int) -> bool:
    """Whether the entry of the agenda at address `i` goes before another."""
    if m[i + AT] != at:
        return m[i + AT] < at
    if m[i + KEY_HIGH] != key_high:
        return m[i + KEY_HIGH] < key_high
    if m[i + KEY_LOW] != key_low:
        return m[i + KEY_LOW] < key_low
    return m[i + TICKET] < ticket


@compiled
def move(m: Memory, source: int, target: int) -> None:
    """Copy an entry of the agenda: all of it is read before any of it is written, which allows wide instructions."""
    at, key_high, key_low, ticket = m[source + AT], m[source + KEY_HIGH], m[source + KEY_LOW], m[source + TICKET]
    what, a, b, c = m[source + WHAT], m[source + ARG_A], m[source + ARG_B], m[source + ARG_C]
    m[target + AT], m[target + KEY_HIGH], m[target + KEY_LOW], m[target + TICKET] = at, key_high, key_low, ticket
    m[target + WHAT], m[target + ARG_A], m[target + ARG_B], m[target + ARG_C] = what, a, b, c


@compiled
def push(m: Memory, at: int, key_high: int, key_low: int, what: int, a: int, b: int, c: int) -> None:
    """Put something on the agenda; at one instant keys decide, then who came first."""
    if at >= m[END]:
        return
    m[TICKETS] += 1
    ticket, agenda, place = m[TICKETS], m[AGENDA], m[AGENDA_COUNT]
    m[AGENDA_COUNT] = place + 1
    while place > 0:
        parent = (place - 1) >> 1
        if goes_before(m, agenda + parent * AGENDA_WORDS, at, key_high, key_low, ticket):
            break
        move(m, agenda + parent * AGENDA_WORDS, agenda + place * AGENDA_WORDS)
        place = parent
    i = agenda + place * AGENDA_WORDS
    m[i + AT], m[i + KEY_HIGH], m[i + KEY_LOW], m[i + TICKET] = at, key_high, key_low, ticket
    m[i + WHAT], m[i + ARG_A], m[i + ARG_B], m[i + ARG_C] = what, a, b, c


@compiled
def remove_first(m: Memory) -> None:
    """Take the first entry off the agenda."""
    agenda, count = m[AGENDA], m[AGENDA_COUNT] - 1
    m[AGENDA_COUNT] = count
    last = agenda + count * AGENDA_WORDS
    at, key_high, key_low, ticket = m[last + AT], m[last + KEY_HIGH], m[last + KEY_LOW], m[last + TICKET]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= count:
            break
        i = agenda + child * AGENDA_WORDS
        right = i + AGENDA_WORDS
        if child + 1 < count and goes_before(m, right, m[i + AT], m[i + KEY_HIGH], m[i + KEY_LOW], m[i + TICKET]):
            child += 1
            i = right
        if not goes_before(m, i, at, key_high, key_low, ticket):
            break
        move(m, i, agenda + place * AGENDA_WORDS)
        place = child
    move(m, last, agenda + place * AGENDA_WORDS)


@compiled
def earlier(m: Memory, kind: int) -> int:
    """Return what stands in the trace for an event that fast-forward catches up with after its time."""
    if kind == KIND_SEND:
        return KIND_SENT_EARLIER
    if kind != KIND_RENEWED:
        m[STATUS] = CANNOT_SKIP
    return KIND_RENEWED_EARLIER


@compiled
def record(m: Memory, kind: int, lane: int, generation: int, number: int, lease: int, value: int) -> None:
    """Write an event into the trace, unless time stands still."""
    count, now = m[ROW_COUNT], m[NOW]
    if now != m[INSTANT]:
        m[INSTANT], m[ROWS_BEFORE] = now, count
    elif count - m[ROWS_BEFORE] > m[INSTANT_MAX]:
        m[STATUS] = STANDS_STILL
        return
    if m[SKIPS_POLLS] != 0 and (kind in (KIND_ASK, KIND_REFUSE)):
        m[ROWS_BEFORE] -= 1
        return
    if kind == KIND_SKIPPED:
        m[ROWS_BEFORE] += 1  # it stands for events of other instants
    if now < m[LATEST]:
        kind, value, now = earlier(m, kind), now, m[LATEST]
    row = m[ROWS] + count * ROW_WORDS
    m[row], m[row + 1], m[row + 2], m[row + 3] = now, kind, lane, generation
    m[row + 4], m[row + 5], m[row + 6] = number, lease, value
    m[ROW_COUNT] = count + 1
