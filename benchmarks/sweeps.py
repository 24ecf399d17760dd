"""What do sweeps cost beside the simulating? Run ``python -m benchmarks.sweeps``: one table.

Processor time where it can be told apart, since others may be at work; the load is in the heading.
The work is a busy loop of a set length, so that what is measured is the machinery and not the model.
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import sim
from sim.metrics import Tally
from sim.model.load import load
from sim.sweeps import parts, runner, work
from sim.sweeps.designs import lay_out
from sim.sweeps.grid import Point
from sim.sweeps.manifest import fingerprint, read
from sim.sweeps.roster import POINTS, content_of
from sim.sweeps.simulate import sweep
from sim.sweeps.work import Job, Outcome

TASK_S = 0.05
TALLY = Tally(**{
    name: 10**12 + 7 * at
    for at, name in enumerate(
        ("observed_ns", "capacity_ns", "lease_ns", "runs_arrived", "runs_granted", "runs_started", "runs_finished",
         "waiting_ns", "waited_ns", "queue_waits", "queue_wait_ns", "queue_wait_max_ns", "executing_ns",
         "finished_work_ns", "holding_ns", "holding_working_ns", "renewals_sent", "renewals_granted")
    )
})  # fmt: skip


def burn(job: Job) -> Iterator[Outcome]:
    """Use the processor for `TASK_S` a replication."""
    for number in job.replications:
        end = time.process_time() + TASK_S
        while time.process_time() < end:
            pass
        yield Outcome(job.point, number, TALLY)


def burning(task: runner.Task) -> tuple[Outcome, ...]:
    """Stand in for `runner.performed`."""
    return tuple(outcome for job in task for outcome in burn(job))


class Burning(Executor):
    """Hands every task to another executor, with `burning` for what it was to do."""

    def __init__(self, inner: Executor) -> None:
        self.inner = inner

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self.inner.submit(fn, burning, *args[1:], **kwargs)


def used(who: int) -> float:
    """Return seconds of processor time."""
    found = resource.getrusage(who)
    return found.ru_utime + found.ru_stime


@contextmanager
def folder() -> Iterator[Path]:
    """Lend a folder."""
    path = Path(tempfile.mkdtemp(prefix="leasesim-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def machinery(tasks: int, pool: Executor) -> tuple[float, float]:
    """Return the parent's processor seconds for a stored sweep of so many tasks, and wall seconds."""
    with folder() as out:
        start, mine = time.perf_counter(), used(resource.RUSAGE_SELF)
        axes = {"lease.ttl": f"1m..20m/{tasks // 20}"}
        sweep(load("crash-and-reclaim"), axes, 20, out=out, executor=Burning(pool), chunk=1)
        return used(resource.RUSAGE_SELF) - mine, time.perf_counter() - start


@contextmanager
def started(workers: int) -> Iterator[Executor]:
    """Lend processes that have imported what they need."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        warm = (Job(0, "{}", 1, "process", (0,)),)
        list(pool.map(burning, [warm] * (4 * workers)))
        yield pool


def opening(points: int) -> tuple[float, float, int]:
    """Return seconds of processor time and of waiting to open a result of so many points, and its bytes."""
    scenario = load("crash-and-reclaim")
    with folder() as out:
        sweep(scenario, {"lease.ttl": "1m"}, 1, out=out)
        inflated(out, points)
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        start, wall = time.process_time(), time.perf_counter()
        opened = sim.open(out)
        assert len(opened) == len(opened.tallies) == points
        opened.tallies[points // 2]
        return time.process_time() - start, time.perf_counter() - wall, size


def inflated(out: Path, points: int) -> None:
    """Make the folder of a sweep of one point that of a sweep of very many."""
    import pyarrow as pa

    identities = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(points)]
    labels = [f"{60_000 + number}ms" for number in range(points)]
    parts.replaced(out / POINTS, content_of(identities, ["lease.ttl"], [labels]))
    for path in parts.listed(out / "parts"):
        path.unlink()
    owner = fingerprint(read(out))
    names = [name for name in Tally.__dataclass_fields__ if getattr(TALLY, name)]
    size = 32 * parts.GROUP_ROWS
    for block, start in enumerate(range(0, points, size)):
        some = identities[start : start + size]
        columns = {name: [getattr(TALLY, name) + 7919 * row % 10**10 for row in range(len(some))] for name in names}
        table = pa.table({"point": some, "rep": [0] * len(some), **columns})
        parts.filed(out / "parts", f"sealed-{block:05d}", parts.table_bytes(table), owner)


def laying_out(points: int) -> float:
    """Return processor seconds a point for making and checking its scenario."""
    scenario, axes = load("crash-and-reclaim"), {"lease.ttl": "1m..20m"}
    lay_out(scenario, axes, "sobol:2", 1)  # the first design imports what all use
    start = time.process_time()
    lay_out(scenario, axes, f"sobol:{points}", 1)
    return (time.process_time() - start) / points


def filing(count: int) -> float:
    """Return processor seconds for writing one part of 16 replications."""
    rows = [((f"{number:016x}", 0), TALLY) for number in range(16)]
    with folder() as out:
        start = time.process_time()
        for number in range(count):
            parts.filed(out, "part", parts.encoded([((f"{number:016x}", 1), TALLY), *rows]), "owner")
        return (time.process_time() - start) / count


def growth(replications: int) -> float:
    """Return MB by which the peak of memory grows while a stored sweep runs, after its first tenth."""
    peaks: list[int] = []

    def look(done: int, planned: int) -> None:
        if done in (planned // 10, planned):
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    runner_performed, runner.performed = runner.performed, instantly
    try:
        with folder() as out:
            sweep(
                load("crash-and-reclaim"), {"lease.ttl": "1m,2m"}, replications // 2, out=out, chunk=50, progress=look
            )
    finally:
        runner.performed = runner_performed
    return (peaks[-1] - peaks[0]) / 1024


def instantly(task: runner.Task) -> tuple[Outcome, ...]:
    """Stand in for `runner.performed`, at once."""
    return tuple(Outcome(job.point, number, TALLY) for job in task for number in job.replications)


SLEEPERS, NAP_S = 200, 0.25


def napping(task: runner.Task) -> tuple[Outcome, ...]:
    """Stand in for `runner.performed` on a core that is not there: `NAP_S` a replication, and no processor time."""
    time.sleep(NAP_S * sum(len(job.replications) for job in task))
    return instantly(task)


class Napping(Executor):
    """Hands every task to Dask, with `napping` for what it was to do."""

    def __init__(self, inner: Executor) -> None:
        self.inner, self.given = inner, 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.given += 1
        return self.inner.submit(fn, napping, *args[1:], **kwargs)


def spread(replications: int) -> tuple[float, int]:
    """Return wall seconds of a stored sweep on `SLEEPERS` Dask threads, and the tasks that it was cut into."""
    import distributed

    threads = {"n_workers": 2, "threads_per_worker": SLEEPERS // 2}
    with (
        folder() as out,
        distributed.LocalCluster(host="127.0.0.1", dashboard_address=None, **threads) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor(pure=False) as executor,
    ):
        napper = Napping(executor)
        start = time.perf_counter()
        sweep(load("crash-and-reclaim"), {"lease.ttl": "1m..20m/20"}, replications // 20, out=out, executor=napper)
        return time.perf_counter() - start, napper.given


def dask_task() -> float | None:
    """Return processor seconds of scheduler and client for a task, or None without Dask."""
    try:
        import distributed
    except ImportError:
        return None
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        list(executor.map(int, range(50)))
        count = 1000
        scenario = Point(0, {}, load("crash-and-reclaim")).text
        task = (Job(0, scenario, 1, "process", tuple(range(16))),)
        start = time.process_time()
        for future in [executor.submit(instantly, (work.Job(n, *_rest(task[0])),)) for n in range(count)]:
            future.result()
        return (time.process_time() - start) / count


def _rest(job: Job) -> tuple[str, int, str, tuple[int, ...]]:
    return job.scenario, job.seed, job.engine, job.replications


def main() -> None:
    """Print the table."""
    load_before = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{os.cpu_count()} processors, load {load_before} before (2 idle processors would show 0)")
    print(
        f"memory while 50,000 replications are filed: {growth(50_000):+.1f} MB after the first tenth"
    )  # first: it looks at the peak
    few, many = 40, 240
    walls = []
    for workers in (1, 2):
        with started(workers) as pool:
            (cost_few, _), (cost, wall) = machinery(few, pool), machinery(many, pool)
        each = (cost - cost_few) / (many - few)
        walls.append(wall)
        print(f"{workers} workers, {TASK_S * 1e3:.0f} ms tasks: {each * 1e3:.2f} ms of the parent a task more, "
              f"{each / TASK_S:.1%}; {wall:.1f} s by the wall for {many} tasks")  # fmt: skip
    print(f"two workers are {walls[0] / walls[1]:.2f} x as fast as one, by the wall")
    print(f"one part of 17 rows written and flushed: {filing(200) * 1e3:.2f} ms of processor time")
    print(f"a point laid out and checked: {laying_out(4096) * 1e3:.2f} ms of processor time")
    cpu, wall, size = opening(1_000_000)
    print(
        f"a result of 1,000,000 points ({size / 1e6:.0f} MB) opens in "
        f"{cpu:.2f} s of processor time, {wall:.2f} s by the wall"
    )
    cost = dask_task()
    if cost is not None:
        print(f"a Dask task of 16 tallies, scheduler and client: {cost * 1e3:.2f} ms of processor time")
        wall, tasks = spread(16_000)
        ideal = 16_000 * NAP_S / SLEEPERS
        print(f"{SLEEPERS} Dask threads that sleep for {NAP_S} s a replication, 16,000 of them in {tasks:,} tasks: "
              f"{wall:.1f} s by the wall, {ideal / wall:.0%} of the threads busy")  # fmt: skip
    print(f"load after: {', '.join(f'{value:.1f}' for value in os.getloadavg())}")


if __name__ == "__main__":
    main()
