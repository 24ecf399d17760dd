"""Who works through the jobs: this process, a pool of processes, or any `concurrent.futures.Executor`."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import active_children, forkserver, get_all_start_methods, get_context, resource_tracker
from typing import Final

from sim.sweeps.work import Job, Outcome, failed, perform

Batch = tuple[Outcome, ...]

JOBS_MAX: Final = 1024
_CHUNK_MAX: Final = 16
_WINDOW: Final = 64
"""Jobs given at a time to an executor whose size is its owner's affair."""


def cut(point: int, scenario: str, seed: int, engine: str, replications: Sequence[int], chunk: int) -> Iterator[Job]:
    """Cut the replications of one point into jobs of `chunk`."""
    for start in range(0, len(replications), chunk):
        yield Job(point, scenario, seed, engine, tuple(replications[start : start + chunk]))


def chunk_size(replications: int, workers: int) -> int:
    """Return how many replications make a job: little is lost when one is interrupted, and nobody waits for long."""
    return max(1, min(_CHUNK_MAX, replications // (4 * max(1, workers))))


def outcomes(jobs: Iterable[Job], workers: int = 1, executor: Executor | None = None) -> Generator[Batch, None, None]:
    """Perform `jobs` and yield the outcomes of each as it ends, in whatever order.

    With an `executor` it does the work and stays its owner's to shut down; else `workers` processes do, or this one.
    Where workers die, the jobs that they were at are tried again one by one, and only the deadly one fails.
    """
    queue = deque(jobs)
    if executor is not None:
        lost = yield from _through(executor, queue, _WINDOW)
        yield from (_died(job) for job in (*lost, *queue))
    elif workers == 1:
        while queue:
            yield perform(queue.popleft())
    else:
        while queue:
            with pool_of(min(workers, len(queue))) as pool:
                suspects = yield from _through(pool, queue, 2 * workers)
            for job in suspects:
                with pool_of(1) as pool:
                    guilty = yield from _through(pool, deque([job]), 1)
                yield from map(_died, guilty)


def _through(executor: Executor, queue: deque[Job], window: int) -> Generator[Batch, None, list[Job]]:
    """Feed `queue` to the executor; return the jobs that were with it when it broke."""
    pending: dict[Future[Batch], Job] = {}
    lost: list[Job] = []
    try:
        while (queue or pending) and not lost:
            while queue and len(pending) < window:
                pending[executor.submit(perform, queue[0])] = queue[0]
                queue.popleft()
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                job = pending.pop(future)
                try:
                    batch = future.result()
                except BrokenExecutor:
                    lost.append(job)
                else:
                    yield batch
    except BrokenExecutor:
        pass
    return [*lost, *pending.values()]


def _died(job: Job) -> Batch:
    error = RuntimeError("the process that simulated it died (killed, out of memory?)")
    return tuple(failed(job.point, replication, error) for replication in job.replications)


@contextmanager
def pool_of(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Lend processes that start clean; when the work is abandoned they end at once."""
    context, before = get_context(_start_method()), set(active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts_to_the_parent)
    try:
        with _undisturbed():
            pool.submit(int)  # starts every process
        yield pool
    except BaseException:
        # nothing is cancelled first: a pool that loses its processes trips over cancelled futures
        for child in set(active_children()) - before:
            child.terminate()
        pool.shutdown()
        raise
    else:
        pool.shutdown()


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


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
