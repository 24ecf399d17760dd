"""A run: one holder's life from wanting a slot to having given it back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sim.engines.process import lifecycle, renewer
from sim.engines.process.acquiring import TurnedAway, acquire, validate
from sim.engines.process.actors import Actor
from sim.engines.process.client import call
from sim.engines.process.clocks import Alarm, Clock
from sim.engines.process.messages import Release
from sim.engines.process.tasks import Ended, Stopped, Task, Waiting
from sim.vocabulary import Halt, Kind, Loss, Purpose, Rank

if TYPE_CHECKING:
    from sim.engines.process.draws import Sampler
    from sim.engines.process.world import World


class Run:
    """What is true of one run: its machine, its process, its lease as it sees it, its progress."""

    def __init__(self, world: World, lane: int, generation: int, work_ns: int) -> None:
        self.world, self.lane, self.generation, self.work_ns = world, lane, generation, work_ns
        self.host = world.hosts[lane % len(world.hosts)]
        self.lease = -1
        self.anchor_sent = self.anchor_received = 0
        self.believes = self.started = self.over = False
        self.requests = 0
        self.halts: Counter[Halt] = +Counter({Halt.HOST: self.host.actor.freezes})
        self.stopwatch = Clock(world.schedule, running=False)
        self.process = Actor(world.schedule, self.host.actor)
        self.loop = Actor(world.schedule, self.process)
        self.thread = Actor(world.schedule, self.process)
        self.main = Task(world, self, self.host.actor, self.host.monotonic, (lane, self.key(0)))
        self.tasks: list[Task] = [self.main]
        self._stop: Alarm | None = None
        self.host.runs[lane, generation] = self

    def key(self, number: int) -> int:
        """Return a number that puts this run's requests in order among those of its lane."""
        return (self.generation << 28) + number

    def task(self, actor: Actor, clock: Clock, order: tuple[int, int]) -> Task:
        """Return a new task that ends with this run."""
        self.tasks.append(Task(self.world, self, actor, clock, order))
        return self.tasks[-1]

    def record(self, kind: Kind, number: int = -1, lease: int = -1, value: int = 0) -> None:
        """Write an event of this run into the trace."""
        self.world.record(kind, self.lane, self.generation, number, lease, value)

    def next_request(self) -> int:
        """Return the number of the next request; it addresses the request's draws."""
        self.requests += 1
        return self.requests - 1

    @property
    def executing(self) -> bool:
        """Whether its work makes progress now."""
        return self.started and not self.over and not self.halts

    def hold(self, lease: int, sent: int) -> None:
        """Learn that it holds `lease`, asked for at the local time `sent`."""
        self.lease, self.believes = lease, True
        self.anchor_sent, self.anchor_received = sent, self.host.monotonic.read()
        self.record(Kind.HOLD, lease=lease)

    def start(self) -> None:
        """Provisioning is over: the work begins."""
        self.started = True
        self.world.authority.places.connect()
        self.main.actor, self.main.clock = self.loop, self.stopwatch
        self.record(Kind.START, lease=self.lease)
        if not self.halts:
            self.stopwatch.start()
        self.world.befall(self)

    def halt(self, why: Halt) -> None:
        """Stop executing for a while; reasons add up."""
        was_executing = self.executing
        self.halts[why] += 1
        if was_executing:
            self.stopwatch.stop()
            self.record(Kind.HALT, number=why)

    def go(self, why: Halt) -> None:
        """Undo one `halt`."""
        self.halts[why] -= 1
        self.halts = +self.halts
        if self.executing:
            self.stopwatch.start()
            self.record(Kind.GO, number=why)

    def lose(self, loss: Loss) -> None:
        """Take the lease for lost."""
        self.believes = False
        self.record(Kind.LOST, number=loss, lease=self.lease, value=self.world.authority.truth(self.lease))

    def terminate(self, loss: Loss) -> None:
        """Decide to stop: it takes effect after the stop delay, and not before a blocking call ends."""
        if self._stop is not None:
            return
        delay = self.world.draws.duration(self.world.stop_delay, Purpose.STOP_DELAY, self.lane, self.generation, 0)
        clock = self.host.monotonic
        ended = Ended(Kind.STOP, loss)
        key = (Rank.STOP, self.lane, self.key(0))
        self._stop = Alarm(clock, self.loop, clock.read() + delay, key, lambda: self.main.stop(ended))

    def end(self) -> None:
        """Nothing of this run executes any more."""
        if self._stop is not None:
            self._stop.cancel()
        self.over, self.believes = True, False
        if self.started:
            self.world.authority.places.disconnect()
        self.stopwatch.stop()
        for task in self.tasks:
            task.stop(Stopped())
        self.process.leave()
        self.world.authority.line.leave(self)
        del self.host.runs[self.lane, self.generation]


def living(world: World, run: Run) -> Waiting:
    """Live a run's whole life; return the kind of event that it ended with."""
    ended = yield from working(world, run)
    run.record(ended.kind, number=ended.number)
    run.end()
    if run.lease >= 0 and ended.kind is not Kind.CRASH:
        yield from giving_back(
            world, run, orphan=ended.kind is Kind.CANCEL and world.scenario.runs.cancel.lease == "orphan"
        )
    elif ended.kind is Kind.CRASH and world.crash_mark is not None:
        await_mark(world, run, world.crash_mark)
    run.record(Kind.DONE)
    return ended.kind


def working(world: World, run: Run) -> Waiting:
    """Acquire, start, renew beside the work; return how it ended."""
    try:
        yield from run.main.wait(0, Rank.POLL)  # a suspended machine asks for nothing before it wakes
        yield from acquire(world, run, run.main)
        wait = world.draws.duration(world.provisioning, Purpose.PROVISIONING, run.lane, run.generation, 0)
        yield from run.main.wait(wait, Rank.PROVISIONED)
        if world.scenario.runs.at_start == "validate":
            yield from validate(run, run.main)
        run.start()
        renewer.begin(world, run)
        lifecycle.begin(world, run)
        yield from lifecycle.work(world, run)
    except TurnedAway:
        return Ended(Kind.TURNED_AWAY)
    except Ended as ended:
        return ended
    return Ended(Kind.FINISH)


def giving_back(world: World, run: Run, orphan: bool = False) -> Waiting:
    """Tell the authority that the slot is free; after all tries failed it stays taken until it expires."""
    task = Task(world, run, run.host.actor, run.host.monotonic, (run.lane, run.key(4)))
    name = (run.lane, run.generation)
    run.host.leaving[name] = task
    yield from call(task, Release(run, run.lease, orphan))
    del run.host.leaving[name]


def await_mark(world: World, run: Run, late: Sampler) -> None:
    """Let somebody find out, some time later, that the run has crashed; the authority hears of it without a request."""
    wait = world.draws.duration(late, Purpose.CRASH_MARK, run.lane, run.generation, 0)
    key, authority = (Rank.LIFECYCLE, run.lane, run.key(6)), world.authority

    def mark() -> None:
        authority.actor.act(key, lambda: authority.mark_crashed(run))

    world.schedule.at(world.now + wait, *key, mark)
