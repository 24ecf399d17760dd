"""Who works through the jobs: this process, threads, a pool of processes, or any `concurrent.futures.Executor`."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from multiprocessing import (
    active_children,
    forkserver,
    get_all_start_methods,
    get_context,
    parent_process,
    resource_tracker,
)
from queue import Empty, SimpleQueue
from typing import Final

from sim.engines import resolved
from sim.errors import UsageError
from sim.pacing import EVERY_S, WINDOW, Pace, timed
from sim.sweeps.work import Job, Outcome, failed, perform

Batch = tuple[Outcome, ...]
Task = tuple[Job, ...]
"""What is handed out at a time: some replications of one point, or of several."""
Given = Future[tuple[float, Batch]]
"""A task that an executor has: its seconds and what came of it."""

JOBS_MAX: Final = 1024
_GUARD: Final = (
    'each reads the script again: keep it in a file, and what it does under  if __name__ == "__main__":  or set jobs=1'
)


class Tasks:
    """Cuts jobs into tasks as they are asked for, so that a million points need not be there at once."""

    def __init__(self, jobs: Iterable[Job], left: int, pace: Pace) -> None:
        self._jobs, self._left, self.pace = iter(jobs), left, pace
        self._rest: Job | None = None
        self._again: deque[Task] = deque()

    def give(self) -> Task | None:
        """Return the next task, or None when there are no more."""
        if self._again:
            return self._again.popleft()
        task: list[Job] = []
        room = self.pace.next(self._left)
        while room and (job := self._rest or next(self._jobs, None)):
            now, later = job.replications[:room], job.replications[room:]
            task.append(replace(job, replications=now))
            self._rest = replace(job, replications=later) if later else None
            room, self._left = room - len(now), self._left - len(now)
        return tuple(task) or None

    def back(self, task: Task) -> None:
        """Take a task back that was given and not begun."""
        self._again.appendleft(task)


def outcomes(
    jobs: Iterable[Job], left: int, workers: int = 1, executor: Executor | None = None, chunk: int | None = None
) -> Generator[Batch, None, None]:
    """Perform `jobs`, together `left` replications, and yield what comes of each task as it ends, in whatever order.

    Where others do the work, nothing is yielded now and then while nothing ends.

    With an `executor` it does the work and stays its owner's to shut down; it may have more than `workers`, and is
    given twice as many tasks at a time as are worked on. Else `workers` threads or processes do, or this one. Where
    workers die, the tasks that they were at are tried again by ever smaller parts, and only the deadly replication
    fails.
    """
    if executor is not None:
        tasks = Tasks(jobs, left, Pace(chunk, 2 * workers if workers > 1 else WINDOW, grows=True))
        lost = yield from _through(executor, tasks, stays=not isinstance(executor, _Lent))
        yield from map(_died, lost)
        while (task := tasks.give()) is not None:
            yield _died(task, "not simulated: the executor broke before its turn came")
        return
    tasks = Tasks(jobs, left, Pace(chunk, 2 * workers))
    first = tasks.give()
    if first is None:
        return
    tasks.back(first)
    if workers == 1:
        while (task := tasks.give()) is not None:
            seconds, batch = timed(performed, task)
            tasks.pace.heard(len(batch), seconds)
            yield batch
    elif is_threaded(first[0].engine):
        with _threads(workers) as threads:
            yield from _through(threads, tasks)
    else:
        yield from _by_processes(tasks, min(workers, left))


def _by_processes(tasks: Tasks, workers: int) -> Generator[Batch, None, None]:
    proven = False
    while (task := tasks.give()) is not None:
        tasks.back(task)
        with pool_of(workers, proven=proven) as pool:
            suspects = deque((yield from _through(pool, tasks)))
        proven = True
        while suspects:
            task = suspects.popleft()
            alone = Tasks(task, _count(task), Pace(_count(task), 1))
            with pool_of(1, proven=proven) as pool:
                guilty = yield from _through(pool, alone)
            for each in guilty:
                if _count(each) == 1:
                    yield _died(each)
                else:
                    suspects.extendleft(reversed(_halves(each)))


def performed(task: Task) -> Batch:
    """Perform every job of a task."""
    return tuple(outcome for job in task for outcome in perform(job))


def _count(task: Task) -> int:
    return sum(len(job.replications) for job in task)


def _halves(task: Task) -> list[Task]:
    cut = Tasks(task, _count(task), Pace(-(-_count(task) // 2)))
    return [half for half in (cut.give(), cut.give()) if half]


def _through(executor: Executor, tasks: Tasks, *, stays: bool = False) -> Generator[Batch, None, list[Task]]:
    """Feed tasks to the executor; return those that were with it when it broke.

    When the work is abandoned, an executor that `stays` is rid of what it has not begun.
    """
    pending: dict[Given, Task] = {}
    ended: SimpleQueue[Given] = SimpleQueue()  # each says so itself: asking all that are pending costs more than a task
    lost: list[Task] = []
    try:
        while not lost:
            while len(pending) < tasks.pace.window and (task := tasks.give()) is not None:
                future = _submitted(executor, task, tasks)
                pending[future] = task
                future.add_done_callback(ended.put)
            if not pending:
                break
            together: list[Outcome] = []  # what ended meanwhile is handled at once
            for future in _heard(ended):
                task = pending.pop(future)
                try:
                    seconds, batch = future.result()
                except BrokenExecutor:
                    lost.append(task)
                except (Exception, CancelledError) as error:  # noqa: BLE001 - a worker lost by a cluster has its own name there
                    yield from _apart(task, tasks, error)
                else:
                    tasks.pace.heard(len(batch), seconds)
                    together += batch
            yield tuple(together)  # also nothing: a chance to write down what came before
    except BrokenExecutor:
        pass
    except BaseException:
        # a pool of our own is about to end, and one that loses its processes trips over cancelled futures
        for future in pending if stays else ():
            future.cancel()
        raise
    return [*lost, *pending.values()]


def _submitted(executor: Executor, task: Task, tasks: Tasks) -> Given:
    """Give the executor a task; one that it does not take goes back."""
    try:
        return executor.submit(timed, performed, task)
    except BaseException as error:
        tasks.back(task)
        if isinstance(error, RuntimeError) and not isinstance(error, BrokenExecutor):
            raise UsageError(
                f"the executor takes no tasks: {error}", "give one that is open, and shut it down after the sweep"
            ) from error
        raise


def _heard(ended: SimpleQueue[Given]) -> Iterator[Given]:
    """Wait a while for a task to end; yield all that have."""
    with suppress(Empty):
        yield ended.get(timeout=EVERY_S)
        while True:
            yield ended.get_nowait()


def _apart(task: Task, tasks: Tasks, error: BaseException) -> Iterator[Batch]:
    """Try the halves of what an executor could not do; one replication alone has failed."""
    if _count(task) == 1:
        yield tuple(failed(job.point, number, error) for job in task for number in job.replications)
    else:
        for half in reversed(_halves(task)):
            tasks.back(half)


def _died(task: Task, why: str = "the process that simulated it died (killed, out of memory?)") -> Batch:
    error = RuntimeError(why)
    return tuple(failed(job.point, number, error) for job in task for number in job.replications)


@contextmanager
def _threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Lend threads; when the work is abandoned they end with the task that they are at."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def is_threaded(engine: str) -> bool:
    """Whether threads run beside each other with this engine: the compiled one holds no interpreter lock."""
    return resolved(engine) == "kernel"


def pool_for(engine: str, workers: int) -> AbstractContextManager[Executor]:
    """Lend threads or processes, whichever an engine makes use of."""
    return _threads(workers) if is_threaded(engine) else pool_of(workers)


class _Lent(ProcessPoolExecutor):
    """Processes of our own, whoever they are handed on to: they end when the work is abandoned."""


@contextmanager
def pool_of(workers: int, *, proven: bool = False) -> Iterator[ProcessPoolExecutor]:
    """Lend processes that start clean; when the work is abandoned they end at once.

    Where none gets as far as to do nothing they cannot start, unless that is `proven`: then they were killed.
    """
    context, before = get_context(_start_method()), set(active_children())
    pool = _Lent(workers, mp_context=context, initializer=_begun)
    try:
        with _undisturbed():
            first = pool.submit(int)  # starts every process
        yield pool
    except BaseException:
        # nothing is cancelled first: a pool that loses its processes trips over cancelled futures
        for child in set(active_children()) - before:
            child.terminate()
        pool.shutdown()
        raise
    else:
        pool.shutdown()
        if not proven and isinstance(first.exception(), BrokenExecutor):
            raise UsageError("the worker processes cannot start", _GUARD)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put an interrupt off until everything has started; what starts meanwhile hears of none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    if masks := hasattr(signal, "pthread_sigmask"):  # not on Windows; processes inherit it, a handler they do not
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler or signal.SIG_DFL)
        if heard:
            signal.raise_signal(signal.SIGINT)


def _start_method() -> str:
    if "forkserver" not in get_all_start_methods():
        return "spawn"
    resource_tracker.ensure_running()  # it would let interrupts through again
    with _undisturbed():
        forkserver.ensure_running()
    return "forkserver"


def _begun() -> None:
    """Begin as a worker: interrupts are the parent's affair, and its end is this process's too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    if parent := parent_process():
        parent.join()  # also if it was killed, and could tell nobody
        os._exit(1)
