"""A holder's machine: what it runs, its clock, its link, its suspends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.engines.process.actors import Actor
from sim.engines.process.clocks import Clock
from sim.engines.process.draws import Sampler
from sim.engines.process.network import Link
from sim.samplers import EXPONENTIAL, nanoseconds, variate
from sim.vocabulary import Halt, Purpose

if TYPE_CHECKING:
    from sim.engines.process.run import Run
    from sim.engines.process.tasks import Task
    from sim.engines.process.world import World


class Host:
    """One machine of the holders."""

    def __init__(self, world: World, index: int) -> None:
        self.world, self.index = world, index
        self.actor = Actor(world.schedule)
        self.monotonic = Clock(world.schedule, drift_ppb=round(world.scenario.hosts.drift_ppm * 1000))
        self.awake = Clock(world.schedule)
        """True time, less all that the machine has slept: gaps between its faults count it."""
        self.link = Link()
        self.reconnected_at = 0
        self.runs: dict[tuple[int, int], Run] = {}
        self.leaving: dict[tuple[int, int], Task] = {}
        """Releases under way for runs that have ended."""
        self._reconnect = Sampler(world.scenario.network.reconnect)
        self._sleeps = self._wakes = 0
        self._burst = Spells(world, index)

    def burst_loss(self) -> float:
        """Return the loss probability of the spell that this host's link is in."""
        return self._burst.loss_now()

    def sleep(self) -> None:
        """Suspend: nothing runs; the monotonic clock stands unless it counts suspends; remote connections break."""
        self._sleeps += 1
        if self.world.network.is_local(self):
            self.world.authority.asleep += 1
        first = self._sleeps == 1
        if first:
            self.awake.stop()
            if not self.world.scenario.hosts.monotonic_counts_suspend:
                self.monotonic.stop()
        self.freeze()
        if first:
            self.world.network.suspend(self)

    def wake(self) -> None:
        """End one suspend; the network may take a while to come back."""
        self._sleeps -= 1
        if self.world.network.is_local(self):
            self.world.authority.asleep -= 1
        if self._sleeps == 0:
            self.awake.start()
            if not self.monotonic.running:
                self.monotonic.start()
            wait = self.world.draws.duration(self._reconnect, Purpose.RECONNECT, self.index, 0, self._wakes)
            self._wakes += 1
            self.reconnected_at = self.world.now + wait
        self.thaw()

    def freeze(self) -> None:
        """Stop everything on this machine; clocks run on."""
        self.actor.freeze()
        for run in self.living():
            run.halt(Halt.HOST)

    def thaw(self) -> None:
        """Undo one `freeze`."""
        for run in self.living():
            run.go(Halt.HOST)
        self.actor.thaw()

    @property
    def asleep(self) -> bool:
        """Whether it is suspended."""
        return self._sleeps > 0

    def living(self) -> list[Run]:
        """Return the runs on this host in the order of their names."""
        return [self.runs[name] for name in sorted(self.runs)]

    def open_tasks(self) -> list[Task]:
        """Return the tasks that wait for an answer, in order."""
        tasks = {name: [task] for name, task in self.leaving.items()}
        tasks |= {name: run.tasks for name, run in self.runs.items()}
        return [task for name in sorted(tasks) for task in tasks[name] if task.open_request >= 0]


class Spells:
    """The Gilbert-Elliott channel of one link: good and bad spells, drawn as far as time has come."""

    def __init__(self, world: World, host: int) -> None:
        self.world, self.host = world, host
        self.model = world.scenario.network.bursts
        self.good = True
        self.count = 0
        self.until = 0
        if self.model is not None:
            share = self.model.mean_good / (self.model.mean_good + self.model.mean_bad)
            self.good = world.draws.uniform(Purpose.BURST_STATE, host, 0, 0) < share
            self.until = self._length()

    def loss_now(self) -> float:
        """Return the loss probability now; time only goes forward."""
        assert self.model is not None
        while self.until <= self.world.now:
            self.good = not self.good
            self.until += self._length()
        return self.model.loss_good if self.good else self.model.loss_bad

    def _length(self) -> int:
        assert self.model is not None
        mean = self.model.mean_good if self.good else self.model.mean_bad
        u = self.world.draws.uniform(Purpose.BURST_LENGTH, self.host, 0, self.count)
        self.count += 1
        return max(1, nanoseconds(variate(EXPONENTIAL, float(mean), 0.0, u)))
