"""The way between holders and authority: latency, loss, outages, what a suspend breaks."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.compiling import compiled, real
from sim.engines.kernel.draws import block, duration, of_law, uniform
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.storage import drop, high, low, push, take
from sim.samplers import EXPONENTIAL, nanoseconds, variate
from sim.units import FOREVER

_UNIT = 2.0**-52


@compiled
def request_key(generation: int, number: int) -> int:
    """Return the number that puts a run's requests and tasks in order among those of its lane."""
    return (generation << 28) + number


@compiled
def is_local(m: Memory, host: int) -> bool:
    """Whether a host talks to the authority without a network."""
    return m[at.SHARED] != 0 and m[host + at.HOST_INDEX] == 0


@compiled
def affliction_of(m: Memory, fault: int, host: int) -> int:
    """Return a fault of the network or of a host's link as it befalls this host, 0 where it cannot."""
    if m[fault + at.FAULT_WHOM] == at.ON_NETWORK:
        return m[fault + at.FAULT_AFFLICTIONS]
    if m[fault + at.FAULT_WHOM] != at.ON_HOSTS or is_local(m, host):
        return 0
    return m[fault + at.FAULT_AFFLICTIONS] + m[host + at.HOST_INDEX] * at.AFFLICTION_WORDS


@compiled
def afflicts(m: Memory, fault: int, host: int) -> bool:
    """Whether a fault of the network or of a host's link is on now, as this host sees it."""
    affliction = affliction_of(m, fault, host)
    return affliction != 0 and m[affliction + at.AFFLICTION_ACTIVE] != 0


@compiled
def outage(m: Memory, host: int) -> int:
    """Return the fault that decides how a request fails now, 0 where there is none."""
    if m[at.NET_OUTAGES] + m[host + at.HOST_OUTAGES] > 0:
        for n in range(m[at.FAULT_COUNT]):
            fault = m[at.FAULTS] + n * at.FAULT_WORDS
            if m[fault + at.FAULT_WHAT] == at.OUTAGE and afflicts(m, fault, host):
                return fault
    return 0


@compiled
def trouble(m: Memory, host: int) -> int:
    """Return the outcome that an outage forces on a request now, 0 where there is none; `HELD` in a stall."""
    fault = outage(m, host)
    if fault != 0:
        return m[fault + at.FAULT_OUTCOME]
    if m[at.NOW] < m[host + at.HOST_RECONNECTED_AT] and not is_local(m, host):
        return m[at.RECONNECT_OUTCOME]
    return 0


@compiled
def slowed(m: Memory, ns: int, host: int) -> int:
    """Return a latency as what is slow now makes it."""
    if m[at.NET_SLOW] + m[host + at.HOST_SLOW] == 0:
        return ns
    factor = 1.0
    found = False
    for n in range(m[at.FAULT_COUNT]):
        fault = m[at.FAULTS] + n * at.FAULT_WORDS
        if m[fault + at.FAULT_WHAT] == at.SLOW and afflicts(m, fault, host):
            factor *= real(m, m[fault + at.FAULT_NUMBERS] + at.FAULT_FACTOR)
            found = True
    return nanoseconds(ns * factor) if found else ns


@compiled
def added(m: Memory, host: int) -> int:
    """Return what is added to a request's way up now."""
    total = 0
    if m[at.NET_SLOW] + m[host + at.HOST_SLOW] == 0:
        return total
    for n in range(m[at.FAULT_COUNT]):
        fault = m[at.FAULTS] + n * at.FAULT_WORDS
        if m[fault + at.FAULT_WHAT] == at.SLOW and afflicts(m, fault, host):
            total = min(FOREVER, total + m[fault + at.FAULT_ADD])
    return total


@compiled
def spell_length(m: Memory, host: int) -> int:
    """Draw the length of a link's next spell."""
    mean = m[at.MEAN_GOOD] if m[host + at.HOST_GOOD] != 0 else m[at.MEAN_BAD]
    u = uniform(m, word.FOR_BURST_LENGTH, m[host + at.HOST_INDEX], 0, m[host + at.HOST_SPELLS])
    m[host + at.HOST_SPELLS] += 1
    return max(1, nanoseconds(variate(EXPONENTIAL, float(mean), 0.0, u)))


@compiled
def lost(m: Memory, u: float, loss: float, host: int) -> bool:
    """Whether a message is lost: by the independent loss, or by the spell that the host's link is in."""
    if m[at.PLAIN] != 0:
        return False
    if m[at.BURSTS] != 0:
        while m[host + at.HOST_SPELL_UNTIL] <= m[at.NOW]:
            m[host + at.HOST_GOOD] = 1 - m[host + at.HOST_GOOD]
            m[host + at.HOST_SPELL_UNTIL] += spell_length(m, host)
        burst = real(m, at.LOSS_GOOD) if m[host + at.HOST_GOOD] != 0 else real(m, at.LOSS_BAD)
        loss = 1.0 - (1.0 - loss) * (1.0 - burst)
    return u < loss


@compiled
def legs(m: Memory, lane: int, generation: int, number: int) -> tuple[int, int, float, float]:
    """Return how long a request takes each way, as drawn, and the uniforms that decide whether each way loses it."""
    up, down = m[m[at.UP] + at.LAW_CONSTANT], m[m[at.DOWN_LEG] + at.LAW_CONSTANT]
    luck_up, luck_down = 0.5, 0.5
    if m[at.CONSTANT_LEGS] == 0:
        u_up, u_down, luck_up, luck_down = block(m, word.FOR_MESSAGE, lane, generation, number)
        part_up, part_down = 0.5, 0.5
        if m[at.MIXED_LEGS] != 0:
            part_up, part_down, _, _ = block(m, word.FOR_MESSAGE_PART, lane, generation, number)
        up, down = of_law(m, m[at.UP], u_up, part_up), of_law(m, m[at.DOWN_LEG], u_down, part_down)
    return up, down, luck_up, luck_down


@compiled
def send(m: Memory, task: int) -> int:
    """Send a task's request; return which time-out it runs into if nothing ever comes back."""
    run, number = m[task + at.TASK_RUN], m[task + at.CALL_NUMBER]
    lane, generation, host = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION], m[run + at.RUN_HOST]
    up, down, luck_up, luck_down = legs(m, lane, generation, number)
    what = trouble(m, host)
    if what == word.OUTCOME_CONNECT_TIMEOUT:
        return what
    if what > 0:
        after = slowed(m, up, host) + slowed(m, down, host)
        send_answer(m, task, m[task], lane, generation, number, after, what, -1, 0, 0)
    elif not lost(m, luck_up, real(m, at.LOSS_UP), host):
        leaves = m[at.NOW]
        if what == word.HELD:
            leaves = m[affliction_of(m, outage(m, host), host) + at.AFFLICTION_UNTIL]
        arrives = leaves + slowed(m, up, host) + added(m, host)
        message = new_message(m, task, lane, generation, host, number, down, luck_down)
        push_message(m, message, arrives, at.DO_ARRIVAL)
    return word.OUTCOME_READ_TIMEOUT


@compiled
def new_message(
    m: Memory, task: int, lane: int, generation: int, host: int, number: int, down: int, luck: float
) -> int:
    """Return a request on its way, with what its answer will need."""
    message = take(m, at.FREE_MESSAGE, at.MESSAGE_WORDS)
    m[message + at.MESSAGE_TASK], m[message + at.MESSAGE_SERIAL] = task, m[task]
    m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION] = lane, generation
    m[message + at.MESSAGE_HOST], m[message + at.MESSAGE_NUMBER] = host, number
    m[message + at.MESSAGE_REQUEST], m[message + at.MESSAGE_LEASE] = m[task + at.CALL_REQUEST], m[task + at.CALL_LEASE]
    m[message + at.MESSAGE_ORPHAN] = m[task + at.CALL_ORPHAN]
    m[message + at.MESSAGE_ROUTE] = m[task + at.CALL_ROUTE] if m[at.STICKY] != 0 else number
    m[message + at.MESSAGE_TAKE], m[message + at.MESSAGE_VERSION] = m[task + at.CALL_TAKE], m[task + at.CALL_VERSION]
    m[message + at.MESSAGE_DOWN], m[message + at.MESSAGE_LUCK] = down, int(luck * 2.0**52)
    m[message + at.MESSAGE_NEXT] = m[message + at.MESSAGE_BEFORE] = m[message + at.MESSAGE_IN_HAND] = 0
    return message


@compiled
def push_message(m: Memory, message: int, due: int, what: int) -> None:
    """Let a request take its next step at `due`."""
    key = request_key(m[message + at.MESSAGE_GENERATION], m[message + at.MESSAGE_NUMBER])
    lane = m[message + at.MESSAGE_LANE]
    push(m, due, high(word.RANK_ARRIVAL, lane, key), low(key), what, message, m[message], 0)


@compiled
def service_time(m: Memory, message: int) -> int:
    """Return how long the server works on a request before it takes effect."""
    lane, generation = m[message + at.MESSAGE_LANE], m[message + at.MESSAGE_GENERATION]
    drawn = duration(m, m[at.SERVICE], word.FOR_SERVICE, lane, generation, m[message + at.MESSAGE_NUMBER])
    return slowed(m, drawn, m[message + at.MESSAGE_HOST]) if drawn > 0 else 0


@compiled
def reply(m: Memory, message: int, outcome: int, lease: int, retry_after: int, sights: int) -> None:
    """Send an answer down and be done with the request; a lost answer has still changed the books."""
    host = m[message + at.MESSAGE_HOST]
    what = trouble(m, host)
    luck = (m[message + at.MESSAGE_LUCK] + 0.5) * _UNIT
    if what == word.OUTCOME_CONNECT_TIMEOUT or lost(m, luck, real(m, at.LOSS_DOWN), host):
        drop_sights(m, sights)
    else:
        if what > 0:
            drop_sights(m, sights)
            outcome, lease, retry_after, sights = word.OUTCOME_RESET, -1, 0, 0
        send_answer(
            m, m[message + at.MESSAGE_TASK], m[message + at.MESSAGE_SERIAL], m[message + at.MESSAGE_LANE],
            m[message + at.MESSAGE_GENERATION], m[message + at.MESSAGE_NUMBER],
            slowed(m, m[message + at.MESSAGE_DOWN], host), outcome, lease, retry_after, sights,
        )  # fmt: skip
    drop(m, at.FREE_MESSAGE, message)


@compiled
def drop_sights(m: Memory, sights: int) -> None:
    """Forget a list of observed versions."""
    while sights != 0:
        after = m[sights + at.SIGHT_NEXT]
        drop(m, at.FREE_SIGHT, sights)
        sights = after


@compiled
def new_answer(m: Memory, number: int, outcome: int, lease: int, retry_after: int, sights: int) -> int:
    """Return an answer on its way."""
    answer = take(m, at.FREE_ANSWER, at.ANSWER_WORDS)
    m[answer + at.ANSWER_NUMBER], m[answer + at.ANSWER_OUTCOME], m[answer + at.ANSWER_LEASE] = number, outcome, lease
    m[answer + at.ANSWER_RETRY_AFTER], m[answer + at.ANSWER_SIGHTS] = retry_after, sights
    return answer


@compiled
def send_answer(
    m: Memory, task: int, serial: int, lane: int, generation: int, number: int, after: int,
    outcome: int, lease: int, retry_after: int, sights: int,
) -> None:  # fmt: skip
    """Let an answer reach a task `after` some time."""
    answer = new_answer(m, number, outcome, lease, retry_after, sights)
    key = request_key(generation, number)
    push(
        m, m[at.NOW] + after, high(word.RANK_ANSWER, lane, key), low(key), at.DO_ANSWER, task, serial, answer
    )  # fmt: skip


@compiled
def drop_answer(m: Memory, answer: int) -> None:
    """Forget an answer."""
    drop_sights(m, m[answer + at.ANSWER_SIGHTS])
    drop(m, at.FREE_ANSWER, answer)
