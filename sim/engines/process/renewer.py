"""Renewing a lease in a loop until it is lost; then what the protocol says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim import samplers
from sim.engines.process.acquiring import acquire
from sim.engines.process.client import call, grown, jitter
from sim.engines.process.clocks import Alarm
from sim.engines.process.messages import Answer, Renew
from sim.engines.process.tasks import Stopped, Task, Waiting
from sim.vocabulary import Halt, Loss, Outcome, Purpose, Rank

if TYPE_CHECKING:
    from sim.engines.process.run import Run
    from sim.engines.process.world import World


class Fenced(Exception):
    """The holder's own deadline passed."""


def begin(world: World, run: Run) -> None:
    """Start the renewal loop where the protocol lets it run."""
    where = world.scenario.renewal.runs_in
    if where != "none":
        actor = {"event_loop": run.loop, "thread": run.thread, "process": run.host.actor}[where]
        task = run.task(actor, run.host.monotonic, (run.lane, run.key(1)))
        world.schedule.process(keeping(world, run, task))


def keeping(world: World, run: Run, task: Task) -> Waiting:
    """Keep a lease for the run: renew it; once it is lost stop the run, carry on without, or get another."""
    renewal = world.scenario.renewal
    try:
        while True:
            loss = yield from renewing(world, run, task)
            run.lose(loss)
            then = renewal.on_giveup if loss is Loss.GAVE_UP else renewal.on_lost
            if then == "terminate":
                run.terminate(loss)
            if then in ("terminate", "continue"):
                return
            if then == "suspend":
                run.halt(Halt.NO_LEASE)
            yield from acquire(world, run, task, may_be_cancelled=False)
            if then == "suspend":
                run.go(Halt.NO_LEASE)
    except Stopped:
        return


def renewing(world: World, run: Run, task: Task) -> Waiting:
    """Renew the lease until it is lost; return why it was lost."""
    renewal = world.scenario.renewal
    fence = Fence(world, run, task)
    cadence = Cadence(world, run, task)
    try:
        if renewal.first == "after_interval":
            yield from task.wait_until(cadence.next(task.clock.read()), Rank.RENEW)
        while True:
            sent = task.clock.read()
            fence.round_begins()
            loss = yield from one_renewal(world, run, task)
            if loss is not None:
                return loss
            fence.renewed()
            yield from task.wait_until(cadence.next(sent), Rank.RENEW)
    except Fenced:
        return Loss.FENCED
    finally:
        fence.cancel()


def one_renewal(world: World, run: Run, task: Task) -> Waiting:
    """Try to renew once, with the loop's own attempts around the HTTP layer's; return a loss or None."""
    renewal = world.scenario.renewal
    attempt = 0
    task.route = -1
    while True:
        run.anchor_sent = task.clock.read()
        answer: Answer = yield from call(task, Renew(run, run.lease))
        gone = answer.outcome == Outcome.GONE
        attempt += 1
        if answer.ok:
            return None
        if attempt >= renewal.attempts or (gone and not renewal.retry_gone):
            return Loss.REVOKED if gone else Loss.GAVE_UP
        yield from task.wait(backoff_ns(world, run, attempt - 1), Rank.RETRY)


def backoff_ns(world: World, run: Run, tries: int) -> int:
    """Return the loop's wait after its failed attempt number `tries`."""
    renewal = world.scenario.renewal
    wait = grown(renewal.backoff, renewal.backoff_factor, renewal.backoff_cap, tries)
    if renewal.backoff_jitter == 0:
        return samplers.nanoseconds(wait)
    u = world.draws.uniform(Purpose.LOOP_BACKOFF, run.lane, run.generation, run.requests)
    return samplers.nanoseconds(wait * jitter(renewal.jitter_shape, renewal.backoff_jitter, u))


class Cadence:
    """When the next renewal is due, on the clock that the loop waits on."""

    def __init__(self, world: World, run: Run, task: Task) -> None:
        self.world, self.run, self.task = world, run, task
        self.every = world.scenario.renew_every_ns
        self.due = task.clock.read()

    def next(self, sent: int) -> int:
        """Return the reading at which to renew again after a renewal sent at `sent` has just succeeded."""
        now = self.task.clock.read()
        how = self.world.scenario.renewal.cadence
        if how == "fixed_rate":
            self.due += self._interval()
            missed = max(0, now - self.due)
            self.due += -(-missed // self.every) * self.every  # on the grid, and not before now
            return self.due
        return max(now, (sent if how == "after_send" else now) + self._interval())

    def _interval(self) -> int:
        low, high = self.world.scenario.renewal.jitter
        if low == high == 1.0:
            return self.every
        u = self.world.draws.uniform(Purpose.RENEW_JITTER, self.run.lane, self.run.generation, self.run.requests)
        return max(1, samplers.nanoseconds(self.every * (low + (high - low) * u)))


class Fence:
    """The local deadline after which the holder takes its lease for lost, whatever the authority thinks."""

    def __init__(self, world: World, run: Run, task: Task) -> None:
        self.run, self.task = run, task
        self.anchor = world.scenario.renewal.fence_anchor
        self.after = world.scenario.fence_after_ns
        self._alarm: Alarm | None = None
        if self.anchor == "send":
            self._set(run.anchor_sent)
        elif self.anchor == "recv":
            self._set(run.anchor_received)

    def round_begins(self) -> None:
        """A renewal begins: the deadline of `loop_start` is counted from here."""
        if self.anchor == "loop_start":
            self._set(self.task.clock.read())

    def renewed(self) -> None:
        """A renewal has succeeded: count anew."""
        self.run.anchor_received = self.task.clock.read()
        if self.anchor == "send":
            self._set(self.run.anchor_sent)
        elif self.anchor == "recv":
            self._set(self.run.anchor_received)
        else:
            self.cancel()

    def cancel(self) -> None:
        """Forget the deadline."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _set(self, anchor: int) -> None:
        self.cancel()
        key = (Rank.FENCE, self.run.lane, self.run.key(0))
        deadline = anchor + self.after
        self._alarm = Alarm(self.task.clock, self.task.actor, deadline, key, lambda: self.task.interrupt(Fenced()))
