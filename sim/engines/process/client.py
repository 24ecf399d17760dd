"""The holder's request layers: one exchange, connection tries around it, retries around those."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim import samplers
from sim.engines.process.messages import Answer, Renew, Request, Validate
from sim.engines.process.tasks import Task, Waiting
from sim.vocabulary import Kind, Outcome, Purpose, Rank

if TYPE_CHECKING:
    from sim.model.scenario import Http


def call(task: Task, request: Request) -> Waiting:
    """Send `request` with the HTTP layer's retries; return the last `Answer`."""
    http = task.world.scenario.http
    tries = 0
    if not isinstance(request, Renew):
        task.route = -1
    while True:
        answer = yield from connecting(task, request)
        last = tries >= http.max_retries
        if not is_retried(http, answer) or (last and not (http.sleep_after_last and answer.outcome >= 400)):
            return answer
        yield from task.wait(http_backoff(task, http, tries, answer), Rank.RETRY)
        if last:
            return answer
        tries += 1


def connecting(task: Task, request: Request) -> Waiting:
    """Exchange, with more tries to connect where the connection failed: at once, then after growing waits."""
    http = task.world.scenario.http
    for tried in range(http.connect_retries + 1):
        if tried >= 2:
            yield from task.wait(min(http.connect_backoff << min(tried - 2, 20), http.backoff_cap), Rank.RETRY)
        answer = yield from exchange(task, request)
        if answer.outcome not in (Outcome.REFUSED, Outcome.CONNECT_TIMEOUT):
            break
    return answer


def exchange(task: Task, request: Request) -> Waiting:
    """Send once and wait for the answer or the time-out."""
    world, run, http = task.world, task.run, task.world.scenario.http
    number = run.next_request()
    if task.route < 0:
        task.route = number
    renewal = isinstance(request, Renew | Validate)
    if renewal:
        run.record(Kind.SEND, number=number, lease=run.lease)
    unanswered = world.network.send(task, request, number)
    timeout = http.connect_timeout if unanswered.outcome == Outcome.CONNECT_TIMEOUT else http.read_timeout
    answer: Answer = yield from task.answer(number, timeout, unanswered)
    if renewal:
        run.record(Kind.ANSWER, number=number, lease=run.lease, value=answer.outcome)
    return answer


def is_retried(http: Http, answer: Answer) -> bool:
    """Return whether the HTTP layer tries again after this answer."""
    outcome = answer.outcome
    if outcome >= 400:
        return outcome in http.retry_codes
    if outcome == Outcome.REFUSED:
        return http.retry_refused
    if outcome == Outcome.RESET:
        return http.retry_reset
    return http.retry_timeout and outcome in (Outcome.CONNECT_TIMEOUT, Outcome.READ_TIMEOUT)


def http_backoff(task: Task, http: Http, tries: int, answer: Answer) -> int:
    """Return the wait before the next request; a Retry-After, where honoured, is a lower bound."""
    run = task.run
    drawn = http.jitter > 0
    u = task.world.draws.uniform(Purpose.HTTP_BACKOFF, run.lane, run.generation, run.requests) if drawn else 0.5
    if answer.retry_after and http.honour_retry_after and answer.outcome >= 400:
        return samplers.nanoseconds(answer.retry_after * (1.0 + http.jitter * u))
    wait = grown(http.backoff, http.backoff_factor, http.backoff_cap, tries)
    return samplers.nanoseconds(wait * jitter(http.jitter_shape, http.jitter, u))


def grown(first: int, factor: float, cap: int, tries: int) -> float:
    """Return a back-off of `first` ns that has grown `tries` times, at most `cap`."""
    return min(float(cap), first * math.pow(factor, float(min(tries, 64))))


def jitter(shape: str, factor: float, u: float) -> float:
    """Return the factor that a back-off is multiplied by."""
    if factor == 0.0:
        return 1.0
    if shape == "uniform":
        return samplers.uniform_factor(u, factor)
    return samplers.truncated_exponential_factor(u, factor)
