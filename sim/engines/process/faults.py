"""What goes wrong: when each fault begins and ends, and what it does to the world."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count
from typing import TYPE_CHECKING

from sim.engines.process.clocks import Alarm, Clock
from sim.engines.process.draws import Sampler
from sim.engines.process.network import Link, Outage
from sim.engines.process.tasks import Ended, Stopped, Task, Waiting
from sim.streams import stable_id
from sim.units import DAY, FOREVER
from sim.vocabulary import Halt, Kind, Purpose, Rank

if TYPE_CHECKING:
    from sim.engines.process.run import Run
    from sim.engines.process.world import World
    from sim.model.faults import Fault

INSTANT = ("crash", "clock_step")
"""Faults without a length."""


class Affliction:
    """One fault of the scenario on one target: hosts, the server and the network for good, a run while it lives."""

    def __init__(self, world: World, index: int, target: int, run: Run | None = None) -> None:
        self.world, self.index, self.target, self.run = world, index, target, run
        self.fault: Fault = world.scenario.faults[index]
        self._name = stable_id(self.fault.name)
        self._part = target if run is None else (run.generation << 40) + target
        self._length = Sampler(self.fault.length)
        self.until = 0
        """When the occurrence under way ends."""

    def strikes(self) -> Iterator[tuple[int | None, int, int]]:
        """Yield (start, gap, length): a set start on the fault's clock, or None and the gap since the last end."""
        when = self.fault.when
        if when.trace is not None:
            yield from ((start, 0, length) for start, length in when.trace)
        elif when.rate is None:
            yield from ((start, 0, self._drawn_length(n)) for n, start in enumerate(self._set_times()))
        elif when.rate > 0:
            draws = self.world.draws
            for n in count():
                gap = draws.exponential(when.rate, Purpose.FAULT_GAP, self._name, self._part, n)
                yield None, gap, self._drawn_length(n)

    def happens(self, n: int) -> bool:
        """Whether occurrence `n` really takes place."""
        chance = self.fault.probability
        return chance >= 1 or self.world.draws.uniform(Purpose.FAULT_CHANCE, self._name, self._part, n) < chance

    def record(self, kind: Kind, length: int = 0) -> None:
        """Write the fault into the trace."""
        generation = -1 if self.run is None else self.run.generation
        self.world.record(kind, self.target, generation, self.index, -1, length)

    def _drawn_length(self, n: int) -> int:
        if self.fault.what in INSTANT:
            return 0
        return self.world.draws.duration(self._length, Purpose.FAULT_LENGTH, self._name, self._part, n)

    def _set_times(self) -> Iterator[int]:
        when = self.fault.when
        if when.times is not None:
            return iter(sorted(when.times))
        if not when.daily:
            return iter(())
        daily, starts_at = when.daily, self.world.scenario.starts_at
        days = ([day * DAY + time - starts_at for time in sorted(daily)] for day in count())
        return (start for start in chain.from_iterable(days) if start >= 0)


def begin(world: World) -> None:
    """Start every fault that befalls machines, the server or the network."""
    for index, fault in enumerate(world.scenario.faults):
        if fault.whom == "runs" or fault.probability == 0:
            continue
        targets = range(len(world.hosts)) if fault.whom == "hosts" else range(1)
        for target in targets:
            if not fault.only or target in fault.only or fault.whom != "hosts":
                world.schedule.process(afflicting(world, Affliction(world, index, target)))


def befall(world: World, run: Run) -> None:
    """Start every fault that can befall this run."""
    for index, fault in enumerate(world.scenario.faults):
        if fault.whom != "runs" or fault.probability == 0 or (fault.only and run.lane not in fault.only):
            continue
        task = run.task(world.nature, run.stopwatch, (index, (run.lane << 28) + run.generation))
        world.schedule.process(afflicting_run(Affliction(world, index, run.lane, run), task))


def afflicting(world: World, affliction: Affliction) -> Waiting:
    """Let a fault come and go: set starts and lengths in true time, gaps while what it befalls is awake."""
    order = (affliction.index, affliction.target)
    clock = gap_clock(world, affliction)
    for n, (start, gap, length) in enumerate(affliction.strikes()):
        begins = clock.read() + gap if start is None else max(start, world.now)
        begin = world.schedule.env.event()
        Alarm(clock, world.nature, begins, (Rank.FAULT_BEGIN, *order), begin.succeed)
        yield begin
        if affliction.happens(n):
            affliction.record(Kind.FAULT_BEGIN, length)
            affliction.until = min(FOREVER, world.now + length)
            strike(world, affliction)
            if affliction.fault.what not in INSTANT:
                yield world.moment(world.now + length, Rank.FAULT_END, *order)
                affliction.record(Kind.FAULT_END)
                relieve(world, affliction)


def gap_clock(world: World, affliction: Affliction) -> Clock:
    """Return the clock of a fault's starts: a machine that sleeps has no other faults meanwhile."""
    fault = affliction.fault
    if fault.when.rate is None or fault.whom == "network":
        return world.true_time
    if fault.whom == "hosts":
        return world.hosts[affliction.target].awake
    return world.hosts[0].awake if world.scenario.server.host == "shared" else world.true_time


def afflicting_run(affliction: Affliction, task: Task) -> Waiting:
    """Let a fault come and go while a run lives; gaps, and what blocks it, last in time of its execution."""
    stops_clock = affliction.fault.what == "pause"
    clock = task.world.true_time if stops_clock else task.clock
    zero = task.clock.read()
    try:
        for n, (start, gap, length) in enumerate(affliction.strikes()):
            begins = task.clock.read() + gap if start is None else zero + start
            yield from task.wait_until(begins, Rank.FAULT_BEGIN)
            if affliction.happens(n):
                affliction.record(Kind.FAULT_BEGIN, length)
                strike(task.world, affliction)
                if affliction.fault.what not in INSTANT:
                    yield from task.wait(length, Rank.FAULT_END, clock=clock)
                    affliction.record(Kind.FAULT_END)
                    relieve(task.world, affliction)
    except Stopped:
        return


def strike(world: World, affliction: Affliction) -> None:
    """The fault begins."""
    fault, index, run = affliction.fault, affliction.index, affliction.run
    if run is not None:
        strike_run(run, fault, index)
    elif fault.whom == "hosts":
        strike_host(world, affliction)
    elif fault.whom == "server":
        strike_server(world, fault)
    else:
        cut_or_slow(world.network.link, affliction)


def cut_or_slow(link: Link, affliction: Affliction) -> None:
    """An outage or a slow spell begins on a link."""
    if affliction.fault.what == "outage":
        link.outages[affliction.index] = Outage(affliction.fault, affliction.until)
    else:
        link.slow[affliction.index] = affliction.fault


def mend(link: Link, affliction: Affliction) -> None:
    """An outage or a slow spell ends on a link."""
    del (link.outages if affliction.fault.what == "outage" else link.slow)[affliction.index]


def strike_run(run: Run, fault: Fault, index: int) -> None:
    """A run's process is stopped, blocked or gone."""
    if fault.what == "pause":
        run.process.freeze()
        run.halt(Halt.PROCESS)
    elif fault.what == "crash":
        run.main.stop(Ended(Kind.CRASH, index))
    else:
        run.loop.freeze()
        if fault.what == "gil_block":
            run.thread.freeze()


def strike_host(world: World, affliction: Affliction) -> None:
    """A machine sleeps, stands still, dies, loses its link or its sense of time."""
    fault, host = affliction.fault, world.hosts[affliction.target]
    if fault.what == "sleep":
        host.sleep()
    elif fault.what == "pause":
        host.freeze()
    elif fault.what == "crash":
        for run in host.living():
            if run.started:
                run.main.stop(Ended(Kind.CRASH, affliction.index))
    elif fault.what == "clock_drift":
        host.monotonic.add_drift(round(fault.ppm * 1000))
    else:
        cut_or_slow(host.link, affliction)


def strike_server(world: World, fault: Fault) -> None:
    """The authority goes down, stands still, sleeps, or its clock goes wrong."""
    authority = world.authority
    if fault.what == "restart":
        authority.go_down()
    elif fault.what == "clock_step":
        authority.step_clock(fault.step)
    elif fault.what == "clock_drift":
        authority.clock.add_drift(round(fault.ppm * 1000))
    else:
        authority.asleep += fault.what == "sleep"
        authority.actor.freeze()


def relieve(world: World, affliction: Affliction) -> None:
    """The fault ends."""
    fault, run = affliction.fault, affliction.run
    if run is not None:
        relieve_run(run, fault)
    elif fault.whom == "hosts":
        relieve_host(world, affliction)
    elif fault.whom == "server":
        relieve_server(world, fault)
    else:
        mend(world.network.link, affliction)


def relieve_run(run: Run, fault: Fault) -> None:
    """A run's process goes on."""
    if fault.what == "pause":
        run.go(Halt.PROCESS)
        run.process.thaw()
        return
    run.loop.thaw()
    if fault.what == "gil_block":
        run.thread.thaw()


def relieve_host(world: World, affliction: Affliction) -> None:
    """A machine is well again."""
    fault, host = affliction.fault, world.hosts[affliction.target]
    if fault.what == "sleep":
        host.wake()
    elif fault.what == "pause":
        host.thaw()
    elif fault.what == "clock_drift":
        host.monotonic.add_drift(-round(fault.ppm * 1000))
    else:
        mend(host.link, affliction)


def relieve_server(world: World, fault: Fault) -> None:
    """The authority is well again."""
    authority = world.authority
    if fault.what == "restart":
        authority.come_up()
    elif fault.what == "clock_drift":
        authority.clock.add_drift(-round(fault.ppm * 1000))
    else:
        authority.asleep -= fault.what == "sleep"
        authority.actor.thaw()
