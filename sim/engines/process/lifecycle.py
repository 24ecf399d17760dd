"""The work itself, and what a person or the run's own retries do to it meanwhile."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from sim.engines.process.client import call
from sim.engines.process.draws import Sampler
from sim.engines.process.messages import Release
from sim.engines.process.tasks import Ended, Stopped, Task, Waiting
from sim.vocabulary import Halt, Kind, Purpose, Rank

if TYPE_CHECKING:
    from sim.engines.process.run import Run
    from sim.engines.process.world import World


def work(world: World, run: Run) -> Waiting:
    """Execute the work; where an attempt fails at its end, wait inside the lease and do it again."""
    retry = world.scenario.runs.retry
    delay = Sampler(retry.delay)
    for retries in count():
        yield from run.main.wait(run.work_ns, Rank.WORK)
        fails = retries < retry.attempts and retry.probability > world.draws.uniform(
            Purpose.RETRY_FAILS, run.lane, run.generation, retries
        )
        if not fails:
            return
        run.record(Kind.RETRY, number=retries + 1)
        wait = world.draws.duration(delay, Purpose.RETRY_DELAY, run.lane, run.generation, retries)
        yield from stepping_aside(world, run, run.main, Halt.RETRY, wait, retry.lease, retry.blocks)


def begin(world: World, run: Run) -> None:
    """Start the processes that pause and cancel the run."""
    if world.scenario.runs.pause.rate > 0:
        task = run.task(world.nature, run.stopwatch, (run.lane, run.key(2)))
        world.schedule.process(pausing(world, run, task))
    if world.scenario.runs.cancel.rate > 0:
        task = run.task(world.nature, run.stopwatch, (run.lane, run.key(3)))
        world.schedule.process(cancelling(world, run, task))


def pausing(world: World, run: Run, task: Task) -> Waiting:
    """Pause the run now and then, between pauses in Poisson time of its execution."""
    pause = world.scenario.runs.pause
    length = Sampler(pause.length)
    try:
        for n in count():
            gap = world.draws.exponential(pause.rate, Purpose.PAUSE_GAP, run.lane, run.generation, n)
            yield from task.wait(gap, Rank.LIFECYCLE)
            wait = world.draws.duration(length, Purpose.PAUSE_LENGTH, run.lane, run.generation, n)
            yield from stepping_aside(world, run, task, Halt.PAUSED, wait, pause.lease)
    except Stopped:
        return


def cancelling(world: World, run: Run, task: Task) -> Waiting:
    """Cancel the run once."""
    rate = world.scenario.runs.cancel.rate
    try:
        gap = world.draws.exponential(rate, Purpose.CANCEL_GAP, run.lane, run.generation, 0)
        yield from task.wait(gap, Rank.LIFECYCLE)
    except Stopped:
        return
    run.main.stop(Ended(Kind.CANCEL))


def stepping_aside(
    world: World, run: Run, task: Task, why: Halt, wait: int, lease: str, blocks: bool = False
) -> Waiting:
    """Halt for `wait`, on the host's clock; with lease = "release" slot and lease are given back meanwhile.

    A wait that `blocks` is one call that nothing can interrupt: it holds the loop, like a blocked one.
    """
    run.halt(why)
    if blocks:
        run.loop.freeze()
    if lease == "release":
        world.schedule.process(releasing(run))
    yield from task.wait(wait, Rank.LIFECYCLE, clock=run.host.monotonic, actor=run.process if blocks else None)
    if blocks:
        run.loop.thaw()
    run.go(why)


def releasing(run: Run) -> Waiting:
    """Give slot and lease back while the run lives on, and its renewer knows nothing of it."""
    task = run.task(run.host.actor, run.host.monotonic, (run.lane, run.key(5)))
    try:
        yield from call(task, Release(run, run.lease))
    except Stopped:
        return
