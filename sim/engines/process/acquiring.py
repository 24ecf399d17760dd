"""Getting a slot: ask, and when the limit is full wait as the limit says and ask again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.engines.process.client import call
from sim.engines.process.messages import Acquire, Answer, Validate
from sim.engines.process.tasks import Task, Waiting
from sim.vocabulary import Kind, Outcome, Purpose, Rank

if TYPE_CHECKING:
    from sim.engines.process.run import Run
    from sim.engines.process.world import World


class TurnedAway(Exception):
    """The limit was full, or the run could not start, and it is cancelled for it."""


class Observations:
    """What a contender has seen of others' leases: it takes one over whose record stood still for a whole ttl."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int]] = {}

    def expired(self, versions: dict[int, int], now: int, ttl: int) -> tuple[int, int] | None:
        """Note the versions just read, on the contender's own clock; return a lease it judges over."""
        seen = {}
        for lease, version in versions.items():
            since = self._seen[lease][1] if self._seen.get(lease, (None, 0))[0] == version else now
            seen[lease] = (version, since)
        self._seen = seen
        over = [(lease, version) for lease, (version, since) in seen.items() if now - since >= ttl]
        return min(over, default=None)


def acquire(world: World, run: Run, task: Task, may_be_cancelled: bool = True) -> Waiting:
    """Return when `run` holds a lease; raises `TurnedAway` where the limit cancels instead of queueing."""
    limit, observations = world.scenario.limit, Observations()
    take_over = None
    while True:
        sent = task.clock.read()
        run.record(Kind.ASK, number=run.requests)
        answer: Answer = yield from call(task, Acquire(run, take_over))
        if answer.ok:
            run.hold(answer.lease, sent)
            return
        if answer.outcome == Outcome.FULL and limit.collision == "cancel_new" and may_be_cancelled:
            raise TurnedAway
        take_over = None
        if answer.outcome == Outcome.FULL:  # a question that went astray shows nothing, and nothing seen is forgotten
            take_over = observations.expired(answer.versions, task.clock.read(), world.scenario.lease.ttl)
        if take_over is None:
            woken = yield from until_next_poll(world, run, task, answer)
            if woken is not None and woken.ok:
                run.hold(woken.lease, task.clock.read())
                return


def until_next_poll(world: World, run: Run, task: Task, answer: Answer) -> Waiting:
    """Wait to ask again; a watcher that is woken returns the answer that woke it."""
    wait = answer.retry_after
    if not wait or answer.outcome != Outcome.FULL:
        wait = world.draws.duration(world.poll, Purpose.POLL, run.lane, run.generation, run.requests)
    if answer.outcome != Outcome.QUEUED:
        yield from task.wait(wait, Rank.POLL)
        return None
    return (yield from task.answer(task.last_request, wait, None, Rank.POLL))


def validate(run: Run, task: Task) -> Waiting:
    """Return when `run` may start: the authority has renewed its lease or granted another; else raise `TurnedAway`."""
    sent = task.clock.read()
    answer: Answer = yield from call(task, Validate(run, run.lease))
    if answer.ok and answer.lease == run.lease:
        run.anchor_sent, run.anchor_received = sent, task.clock.read()
    elif answer.ok:
        run.hold(answer.lease, sent)
    else:
        if answer.outcome == Outcome.GONE:
            run.lease = -1  # there is nothing to give back: the authority has cancelled the run itself
        raise TurnedAway
