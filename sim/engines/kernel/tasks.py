"""Tasks: lines of thought that wait for one thing at a time; and the request layers that each of them can be in.

A task waits either for its alarm (`TASK_ALARM`) or for the answer to its open request, whichever comes first. While
it is inside a request, `TASK_CALLING` says where; its own program goes on (`TASK_AT`) when the call has returned.
"""

from __future__ import annotations

import math

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.clocks import cancel_alarm, hold_back, is_free, read, set_alarm
from sim.engines.kernel.compiling import compiled, real
from sim.engines.kernel.draws import uniform
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.network import drop_answer, drop_sights, new_answer, request_key, send
from sim.engines.kernel.storage import drop, high, low, record, take
from sim.samplers import nanoseconds, truncated_exponential_factor, uniform_factor


@compiled
def new_task(m: Memory, program: int, run: int, actor: int, clock: int, entity: int, number: int) -> int:
    """Return a new task that ends with its run."""
    task = take(m, at.FREE_TASK, at.TASK_WORDS)
    for word_of_task in range(1, at.TASK_WORDS):
        m[task + word_of_task] = 0
    m[task + at.TASK_PROGRAM], m[task + at.TASK_RUN] = program, run
    m[task + at.TASK_ACTOR], m[task + at.TASK_CLOCK] = actor, clock
    m[task + at.TASK_ENTITY], m[task + at.TASK_NUMBER] = entity, number
    m[task + at.TASK_OPEN] = m[task + at.TASK_BROKEN] = -1
    first = m[run + at.RUN_TASKS]
    m[task + at.TASK_AFTER] = first
    if first != 0:
        m[first + at.TASK_BEFORE] = task
    m[run + at.RUN_TASKS] = task
    return task


@compiled
def end_task(m: Memory, task: int) -> None:
    """End a task, whatever it is waiting for."""
    cancel_alarm(m, m[task + at.TASK_ALARM])
    cancel_alarm(m, m[task + at.LOOP_FENCE])
    drop_sights(m, m[task + at.ANSWERED_SIGHTS])
    drop_sights(m, m[task + at.ASK_SEEN])
    before, after = m[task + at.TASK_BEFORE], m[task + at.TASK_AFTER]
    if before == 0:
        m[m[task + at.TASK_RUN] + at.RUN_TASKS] = after
    else:
        m[before + at.TASK_AFTER] = after
    if after != 0:
        m[after + at.TASK_BEFORE] = before
    drop(m, at.FREE_TASK, task)


@compiled
def wait_until(m: Memory, task: int, reading: int, rank: int, clock: int) -> None:
    """Wait until a clock shows `reading`."""
    number = m[task + at.TASK_NUMBER]
    key_high = high(rank, m[task + at.TASK_ENTITY], number)
    m[task + at.TASK_ALARM] = set_alarm(
        m, clock, m[task + at.TASK_ACTOR], reading, key_high, low(number), at.ACT_RESUME, task
    )  # fmt: skip


@compiled
def wait(m: Memory, task: int, ns: int, rank: int) -> None:
    """Wait `ns` on the task's own clock."""
    clock = m[task + at.TASK_CLOCK]
    wait_until(m, task, read(m, clock) + ns, rank, clock)


@compiled
def await_answer(m: Memory, task: int, number: int, timeout: int, rank: int) -> None:
    """Wait for the answer to a request, at most `timeout`."""
    m[task + at.TASK_OPEN] = number
    run, clock = m[task + at.TASK_RUN], m[task + at.TASK_CLOCK]
    key = request_key(m[run + at.RUN_GENERATION], number)
    m[task + at.TASK_ALARM] = set_alarm(
        m, clock, m[task + at.TASK_ACTOR], read(m, clock) + timeout, high(rank, m[run + at.RUN_LANE], key), low(key),
        at.ACT_TIMEOUT, task,
    )  # fmt: skip


@compiled
def deliver(m: Memory, what: int, task: int, serial: int, answer: int) -> bool:
    """Bring an answer, or word that a connection broke; whether the task goes on now, with `ANSWERED` set."""
    if m[task] != serial:
        drop_answer(m, answer)
        return False
    number = m[answer + at.ANSWER_NUMBER]
    actor = m[task + at.TASK_ACTOR]
    if not is_free(m, actor):
        run = m[task + at.TASK_RUN]
        key = request_key(m[run + at.RUN_GENERATION], number)
        hold_back(m, actor, high(word.RANK_ANSWER, m[run + at.RUN_LANE], key), low(key), what, task, serial, answer)
        return False
    waits_for = m[task + at.TASK_OPEN] if what == at.DO_ANSWER else m[task + at.TASK_BROKEN]
    if waits_for != number:
        drop_answer(m, answer)
        return False
    cancel_alarm(m, m[task + at.TASK_ALARM])
    m[task + at.TASK_ALARM] = 0
    drop_sights(m, m[task + at.ANSWERED_SIGHTS])
    m[task + at.ANSWERED], m[task + at.ANSWERED_LEASE] = m[answer + at.ANSWER_OUTCOME], m[answer + at.ANSWER_LEASE]
    m[task + at.ANSWERED_RETRY_AFTER] = m[answer + at.ANSWER_RETRY_AFTER]
    m[task + at.ANSWERED_SIGHTS] = m[answer + at.ANSWER_SIGHTS]
    drop(m, at.FREE_ANSWER, answer)
    return True


@compiled
def answered_by_nobody(m: Memory, task: int, outcome: int) -> None:
    """The answer is what the client sees when nothing comes back."""
    drop_sights(m, m[task + at.ANSWERED_SIGHTS])
    m[task + at.ANSWERED], m[task + at.ANSWERED_LEASE] = outcome, -1
    m[task + at.ANSWERED_RETRY_AFTER] = m[task + at.ANSWERED_SIGHTS] = 0


@compiled
def break_off(m: Memory, task: int) -> None:
    """The connection is gone: its answer never arrives; the client sees a reset, or in the end a time-out."""
    number = m[task + at.TASK_OPEN]
    m[task + at.TASK_OPEN], m[task + at.TASK_BROKEN] = -1, number
    if m[at.ON_SUSPEND] == at.SUSPEND_RESET:
        run = m[task + at.TASK_RUN]
        key = request_key(m[run + at.RUN_GENERATION], number)
        key_high = high(word.RANK_ANSWER, m[run + at.RUN_LANE], key)
        answer = new_answer(m, number, word.OUTCOME_RESET, -1, 0, 0)
        hold_back(m, m[task + at.TASK_ACTOR], key_high, low(key), at.DO_BREAK, task, m[task], answer)


# ---------------------------------------------------------------------------------- the request layers


@compiled
def start_call(m: Memory, task: int, request: int, lease: int, orphan: int) -> None:
    """Send a request with the HTTP layer's retries."""
    m[task + at.CALL_REQUEST], m[task + at.CALL_LEASE], m[task + at.CALL_ORPHAN] = request, lease, orphan
    m[task + at.CALL_TRIES] = m[task + at.CALL_TRIED] = m[task + at.CALL_LAST] = 0
    if request != at.RENEW:
        m[task + at.CALL_ROUTE] = -1
    exchange(m, task)


@compiled
def exchange(m: Memory, task: int) -> None:
    """Send once, and wait for the answer or the time-out."""
    run = m[task + at.TASK_RUN]
    number = m[run + at.RUN_REQUESTS]
    m[run + at.RUN_REQUESTS] = number + 1
    m[task + at.CALL_NUMBER] = number
    if m[task + at.CALL_ROUTE] < 0:
        m[task + at.CALL_ROUTE] = number
    if m[task + at.CALL_REQUEST] == at.RENEW or m[task + at.CALL_REQUEST] == at.VALIDATE:
        lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
        record(m, word.KIND_SEND, lane, generation, number, m[run + at.RUN_LEASE], 0)
    unanswered = send(m, task)
    m[task + at.TASK_UNANSWERED] = unanswered
    m[task + at.TASK_CALLING] = at.AWAITS_ANSWER
    timeout = m[at.CONNECT_TIMEOUT] if unanswered == word.OUTCOME_CONNECT_TIMEOUT else m[at.READ_TIMEOUT]
    await_answer(m, task, number, timeout, word.RANK_TIMEOUT)


@compiled
def go_on_calling(m: Memory, task: int) -> bool:
    """Take the next step of a request; whether the call has returned, with `ANSWERED` as its answer."""
    where = m[task + at.TASK_CALLING]
    if where == at.AWAITS_ANSWER:
        return take_answer(m, task)
    if where == at.AWAITS_CONNECT:
        exchange(m, task)
        return False
    if m[task + at.CALL_LAST] != 0:
        m[task + at.TASK_CALLING] = at.NOT_CALLING
        return True
    m[task + at.CALL_TRIES] += 1
    m[task + at.CALL_TRIED] = 0
    exchange(m, task)
    return False


@compiled
def take_answer(m: Memory, task: int) -> bool:
    """An exchange is over: connect again, back off and try again, or return."""
    run, outcome = m[task + at.TASK_RUN], m[task + at.ANSWERED]
    if m[task + at.CALL_REQUEST] == at.RENEW or m[task + at.CALL_REQUEST] == at.VALIDATE:
        lane, generation, number = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION], m[task + at.CALL_NUMBER]
        record(m, word.KIND_ANSWER, lane, generation, number, m[run + at.RUN_LEASE], outcome)
    refused = outcome == word.OUTCOME_REFUSED or outcome == word.OUTCOME_CONNECT_TIMEOUT
    if refused and m[task + at.CALL_TRIED] < m[at.CONNECT_RETRIES]:
        m[task + at.CALL_TRIED] += 1
        if m[task + at.CALL_TRIED] < 2:
            exchange(m, task)
        else:
            m[task + at.TASK_CALLING] = at.AWAITS_CONNECT
            wait(m, task, connect_backoff(m, m[task + at.CALL_TRIED] - 2), word.RANK_RETRY)
        return False
    last = m[task + at.CALL_TRIES] >= m[at.MAX_RETRIES]
    sleeps = m[at.SLEEP_AFTER_LAST] != 0 and outcome >= 400
    if not is_retried(m, outcome) or (last and not sleeps):
        m[task + at.TASK_CALLING] = at.NOT_CALLING
        return True
    m[task + at.CALL_LAST] = 1 if last else 0
    m[task + at.TASK_CALLING] = at.AWAITS_RETRY
    wait(m, task, http_backoff(m, task), word.RANK_RETRY)
    return False


@compiled
def connect_backoff(m: Memory, doublings: int) -> int:
    """Return the wait before another try to connect."""
    doublings = min(doublings, 20)
    if m[at.CONNECT_BACKOFF] > m[at.HTTP_BACKOFF_CAP] >> doublings:
        return m[at.HTTP_BACKOFF_CAP]
    return m[at.CONNECT_BACKOFF] << doublings


@compiled
def is_retried(m: Memory, outcome: int) -> bool:
    """Whether the HTTP layer tries again after this answer."""
    if outcome >= 400:
        return m[m[at.RETRY_CODES] + outcome - 400] != 0
    if outcome == word.OUTCOME_REFUSED:
        return m[at.RETRY_REFUSED] != 0
    if outcome == word.OUTCOME_RESET:
        return m[at.RETRY_RESET] != 0
    timed_out = outcome == word.OUTCOME_CONNECT_TIMEOUT or outcome == word.OUTCOME_READ_TIMEOUT
    return m[at.RETRY_TIMEOUT] != 0 and timed_out


@compiled
def http_backoff(m: Memory, task: int) -> int:
    """Return the wait before the next request; a Retry-After, where honoured, is a lower bound."""
    run, u = m[task + at.TASK_RUN], 0.5
    if m[at.HTTP_JITTERED] != 0:
        lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
        u = uniform(m, word.FOR_HTTP_BACKOFF, lane, generation, m[run + at.RUN_REQUESTS])
    told = m[task + at.ANSWERED_RETRY_AFTER]
    if told > 0 and m[at.HONOUR_RETRY_AFTER] != 0 and m[task + at.ANSWERED] >= 400:
        return nanoseconds(told * (1.0 + real(m, at.HTTP_JITTER) * u))
    grown_wait = grown(m[at.HTTP_BACKOFF], real(m, at.HTTP_FACTOR), m[at.HTTP_BACKOFF_CAP], m[task + at.CALL_TRIES])
    return nanoseconds(grown_wait * jitter(m[at.HTTP_SHAPE], real(m, at.HTTP_JITTER), u))


@compiled
def grown(first: int, factor: float, cap: int, tries: int) -> float:
    """Return a back-off of `first` ns that has grown `tries` times, at most `cap`."""
    return min(float(cap), first * math.pow(factor, float(min(tries, 64))))


@compiled
def jitter(shape: int, factor: float, u: float) -> float:
    """Return the factor that a back-off is multiplied by."""
    if factor == 0.0:
        return 1.0
    if shape == at.SHAPE_UNIFORM:
        return uniform_factor(u, factor)
    return truncated_exponential_factor(u, factor)
