"""Who works makes no difference: threads, processes, a Dask cluster that loses a worker, tasks of any size."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.errors import UsageError
from sim.model.load import loads
from sim.model.scenario import Scenario
from sim.results.provenance import canonical
from sim.sweeps import Sweep, runner, sweep
from sim.sweeps.work import Job
from tests.small import TOML

AXES: dict[str, list[Any]] = {"lease.ttl": ["1m", "4m"], "renewal.every": [0.25, 0.75]}
REPS = 6


@pytest.fixture(scope="module")
def small() -> Scenario:
    return loads(TOML)


def contents(result: Sweep) -> dict[str, bytes]:
    assert result.out is not None
    files = {p.relative_to(result.out).as_posix(): p.read_bytes() for p in result.out.rglob("*") if p.is_file()}
    return {**files, "results.csv": result.to_csv().encode()}


@pytest.fixture(scope="module")
def expected(small: Scenario, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents(sweep(small, AXES, REPS, out=tmp_path_factory.mktemp("expected"), chunk=1))


@pytest.mark.parametrize("chunk", [2, 5, 1000, None])
def test_tasks_of_any_size_give_the_same_bytes(
    small: Scenario, expected: dict[str, bytes], tmp_path: Path, chunk: int | None
) -> None:
    with ThreadPoolExecutor(3) as threads:
        assert contents(sweep(small, AXES, REPS, out=tmp_path, executor=threads, chunk=chunk)) == expected


def test_processes_of_somebody_else(small: Scenario, expected: dict[str, bytes], tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        assert contents(sweep(small, AXES, REPS, out=tmp_path, executor=processes)) == expected


class Backwards(Executor):
    """Does the last thing it was given first, each only when somebody waits."""

    def __init__(self) -> None:
        self._given: list[tuple[Future[Any], Any, Any]] = []
        self._waker = threading.Condition()
        threading.Thread(target=self._work, daemon=True).start()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._waker:
            self._given.append((future, fn, args))
            self._waker.notify()
        return future

    def _work(self) -> None:
        while True:
            with self._waker:
                while not self._given:
                    self._waker.wait()
                future, fn, args = self._given.pop()
            if future.set_running_or_notify_cancel():
                future.set_result(fn(*args))


def test_the_order_in_which_tasks_end_makes_no_difference(
    small: Scenario, expected: dict[str, bytes], tmp_path: Path
) -> None:
    assert contents(sweep(small, AXES, REPS, out=tmp_path, executor=Backwards(), chunk=2)) == expected


class Refusing(Executor):
    """Loses every task of more than one replication, and one task for good, as a cluster does that has lost workers."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        (job, *others) = args[1]
        if others or len(job.replications) > 1 or (job.point, job.replications) == (2, (1,)):
            future.set_exception(ConnectionError("the worker is gone"))
        else:
            future.set_result(fn(*args))
        return future


def test_a_task_that_an_executor_loses_is_tried_by_halves(small: Scenario) -> None:
    result = sweep(small, AXES, REPS, executor=Refusing(), chunk=5)
    assert [(f.point, f.replication, f.error) for f in result.failures] == [
        (2, 1, "ConnectionError: the worker is gone")
    ]
    assert result.computed == 4 * REPS
    assert list(result.tallies) == [0, 1, 3]


@pytest.mark.parametrize(("workers", "reps"), [(2, REPS), pytest.param(4, 60, marks=pytest.mark.long)])
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 here")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # distributed leaves sockets of the worker that was killed
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_dask_cluster_that_loses_a_worker_gives_the_same_bytes(
    small: Scenario, tmp_path: Path, workers: int, reps: int
) -> None:
    distributed = pytest.importorskip("distributed")
    alone = contents(sweep(small, AXES, reps, out=tmp_path / "alone"))
    killed: list[int] = []
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            protocol="tcp",
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(workers, timeout=120)
        pids = list(client.run(os.getpid).values())
        assert len(set(pids) | {os.getpid()}) == workers + 1
        assert all(address.startswith("tcp://127.0.0.1:") for address in client.scheduler_info()["workers"])

        def kill(done: int, planned: int) -> None:
            if done >= planned // 4 and not killed:
                os.kill(pids[0], signal.SIGKILL)
                killed.append(done)

        with client.get_executor() as executor:
            result = sweep(small, AXES, reps, out=tmp_path / "dask", executor=executor, progress=kill, chunk=1)
    assert killed
    assert killed[0] < 4 * reps
    assert not result.failures
    assert contents(result) == alone


def test_what_is_no_executor_is_refused(small: Scenario) -> None:
    with pytest.raises(UsageError, match=r"must be a concurrent\.futures\.Executor"):
        sweep(small, AXES, REPS, executor=ThreadPoolExecutor)  # type: ignore[arg-type]  # the class, as some do


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_an_executor_that_was_shut_down_is_told(small: Scenario, tmp_path: Path, kind: Any) -> None:
    executor = kind(1)
    executor.shutdown()
    with pytest.raises(UsageError, match="the executor takes no tasks: cannot schedule new futures after shutdown"):
        sweep(small, AXES, REPS, executor=executor, out=tmp_path)
    assert sweep(small, AXES, REPS, out=tmp_path).computed == 4 * REPS


class FirstOnly(Executor):
    """Does the first task it is given, and none of the others."""

    def __init__(self) -> None:
        self.given: list[Future[Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if not self.given:
            future.set_result(fn(*args))
        self.given.append(future)
        return future


@pytest.mark.parametrize("whose", ["ours", "ours, handed on", "theirs"])
def test_abandoned_tasks_are_taken_back_from_an_executor_that_stays(
    small: Scenario, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """A pool of our own ends instead: one that loses its processes while futures are cancelled prints a traceback."""
    idle = FirstOnly()

    @contextmanager
    def lent(*_: object, **__: object) -> Iterator[Executor]:
        yield idle

    monkeypatch.setattr(runner, "pool_of", lent)
    if whose == "ours, handed on":
        monkeypatch.setattr(runner, "_Lent", FirstOnly)
    jobs = [Job(0, canonical(small), 1, "process", tuple(range(9)))]
    batches = runner.outcomes(jobs, 9, 2, None if whose == "ours" else idle, chunk=1)
    assert len(next(batches)) == 1
    batches.close()
    assert len(idle.given) > 3
    assert {future.cancelled() for future in idle.given[1:]} == {whose == "theirs"}


UNGUARDED = f"""
import sim
print("begun", flush=True)
sim.sweep(sim.loads({TOML!r}), {AXES!r}, 2, engine="process", jobs=2)
"""


def test_a_script_that_every_worker_would_run_again_is_told(tmp_path: Path) -> None:
    """Each of its workers ends before it begins; that is nothing that a replication has done."""
    (tmp_path / "study.py").write_text(UNGUARDED, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(sim.__file__).parents[1])}
    ended = subprocess.run(
        [sys.executable, "study.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 1
    assert "sim.errors.UsageError: the worker processes cannot start" in ended.stderr
    assert 'if __name__ == "__main__":' in ended.stderr.splitlines()[-1]
