"""Where runs come from."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from sim.engines.process.draws import Sampler
from sim.engines.process.run import Run, living
from sim.engines.process.tasks import Waiting
from sim.model.scenario import Backlog, Closed, Poisson, Times
from sim.vocabulary import Kind, Purpose, Rank

if TYPE_CHECKING:
    from sim.engines.process.world import World


def begin(world: World) -> None:
    """Start the arrivals of the scenario."""
    arrivals = world.scenario.runs.arrivals
    if isinstance(arrivals, Poisson):
        world.schedule.process(arriving(world, arrivals))
    elif isinstance(arrivals, Times):
        for lane, time in enumerate(sorted(arrivals.times)):
            world.schedule.process(client(world, lane, time))
    elif isinstance(arrivals, Closed):
        think = Sampler(arrivals.think)
        for lane in range(arrivals.clients):
            world.schedule.process(client(world, lane, 0, think))
    elif isinstance(arrivals, Backlog):
        for _ in range(arrivals.waiting):
            next_in_line(world)


def arriving(world: World, arrivals: Poisson) -> Waiting:
    """Let runs arrive independently of each other."""
    if arrivals.rate == 0:
        return
    for lane in count():
        gap = world.draws.exponential(arrivals.rate, Purpose.ARRIVAL, 0, 0, lane)
        yield world.moment(world.now + gap, Rank.ARRIVE, lane, 0)
        world.schedule.process(client(world, lane, world.now))


def next_in_line(world: World) -> None:
    """Add one run to a backlog."""
    world.schedule.process(client(world, world.backlog, world.now))
    world.backlog += 1


def client(world: World, lane: int, first: int, think: Sampler | None = None) -> Waiting:
    """Bring one run after another on a lane: those that are started again, and with `think` a client's next."""
    again = world.scenario.runs.rerun
    rerun_after = Sampler(world.scenario.runs.rerun_after)
    work: int | None = None
    wait = max(0, first - world.now)
    for generation in count():
        if think is not None and work is None:
            wait = world.draws.duration(think, Purpose.THINK, lane, generation, 0)
        yield world.moment(world.now + wait, Rank.ARRIVE, lane, generation + 1)
        if work is None:
            work = world.draws.duration(world.work, Purpose.WORK, lane, generation, 0)
        run = Run(world, lane, generation, work)
        run.record(Kind.ARRIVE, value=work)
        kind = yield from living(world, run)
        if (kind is Kind.CRASH and "crashed" in again) or (kind is Kind.STOP and "terminated" in again):
            wait = world.draws.duration(rerun_after, Purpose.RERUN, lane, generation, 0)
        elif think is not None:
            work = None
        else:
            return
