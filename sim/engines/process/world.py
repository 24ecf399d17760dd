"""One replication: everything that exists in it, and the one place where events are written down."""

from __future__ import annotations

import simpy

from sim.engines.process import faults, population
from sim.engines.process.actors import Actor
from sim.engines.process.authority import Authority
from sim.engines.process.clocks import Clock
from sim.engines.process.draws import Draws, Sampler
from sim.engines.process.hosts import Host
from sim.engines.process.network import Network
from sim.engines.process.run import Run
from sim.engines.process.schedule import Schedule
from sim.errors import time_stands_still
from sim.model.crowd import rows_at_one_instant_max
from sim.model.scenario import Backlog, Scenario
from sim.streams import Streams
from sim.trace import Row, Trace
from sim.vocabulary import Kind, Rank


class World:
    """The actors of a scenario, their schedule, their draws and their trace."""

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        self.scenario = scenario
        self.schedule = Schedule()
        self.draws = Draws(streams)
        self.rows: list[Row] = []
        self._instant = self._rows_before = -1
        self._rows_at_one_instant_max = rows_at_one_instant_max(scenario)
        self.nature = Actor(self.schedule)
        self.true_time = Clock(self.schedule)
        self.poll = Sampler(scenario.limit.poll)
        self.work = Sampler(scenario.runs.work)
        self.provisioning = Sampler(scenario.runs.provisioning)
        self.stop_delay = Sampler(scenario.renewal.stop_delay)
        mark = scenario.runs.crash_marked_after
        self.crash_mark = None if isinstance(mark, str) else Sampler(mark)
        self.network = Network(self)
        self.hosts = [Host(self, index) for index in range(scenario.hosts.count)]
        self.authority = Authority(self)
        self.backlog = 0
        self._ever_granted: set[tuple[int, int]] = set()

    @property
    def now(self) -> int:
        """True time in nanoseconds."""
        return self.schedule.now

    def moment(self, when: int, rank: Rank, entity: int, number: int) -> simpy.Event:
        """Return an event at true time `when`, for a process to wait for."""
        event = self.schedule.env.event()
        self.schedule.at(when, rank, entity, number, event.succeed)
        return event

    def record(
        self, kind: Kind, lane: int = -1, generation: int = -1, number: int = -1, lease: int = -1, value: int = 0
    ) -> None:
        """Write an event into the trace."""
        now = self.schedule.now
        if now != self._instant:
            self._instant, self._rows_before = now, len(self.rows)
        elif len(self.rows) - self._rows_before > self._rows_at_one_instant_max:
            raise time_stands_still(now)
        self.rows.append((now, kind, lane, generation, number, lease, value))

    def granted(self, run: Run) -> None:
        """A run was granted a slot; where there is always somebody waiting, the next one comes."""
        name = (run.lane, run.generation)
        if isinstance(self.scenario.runs.arrivals, Backlog) and name not in self._ever_granted:
            self._ever_granted.add(name)
            population.next_in_line(self)

    def befall(self, run: Run) -> None:
        """A run starts: faults may hit it from now on."""
        faults.befall(self, run)

    def simulate(self, checks: bool = False) -> Trace:
        """Let the scenario's time pass; with `checks`, assert the invariants after every event."""
        faults.begin(self)
        population.begin(self)
        after_each = None
        if checks:
            from sim.engines.process.checks import Inspector

            after_each = Inspector(self).inspect
        self.schedule.run(self.scenario.duration, after_each)
        return Trace(self.rows, self.scenario.duration)
