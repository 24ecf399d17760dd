"""The first call in a new process, and two threads beside one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from benchmarks import worlds
from benchmarks.table import Row
from sim.engines import kernel

_FIRST_CALL = (
    "from sim.engines import kernel; from sim.model.load import load; import time; t = time.process_time(); "
    'kernel.simulate(load("no-faults").with_({"duration": "1h"}), 1, 0); print(time.process_time() - t)'
)


def first_call(cache: str) -> float:
    """Return the CPU time of the first replication in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_CALL],
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def first_call_rows() -> list[Row]:
    """Measure compilation, and loading what was compiled."""
    with tempfile.TemporaryDirectory() as cache:
        fresh = first_call(cache)
        kept = [first_call(cache) for _ in range(3)]
    return [
        Row("first call", "compiling", fresh, "CPU-s", "reach 20"),
        Row("first call", "from the cache", statistics.median(kept), "CPU-s", "reach 1.5"),
    ]


def thread_rows(rounds: int, replications: int = 60) -> list[Row]:
    """Measure, by the clock on the wall, what a second thread brings; needs two idle cores, so the load is told."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    scenario, gains, load = worlds.busy("20d"), [], os.getloadavg()[0]
    for _ in range(rounds):
        alone = _wall(1, scenario, 2 * replications)
        gains.append(alone / _wall(2, scenario, replications))
    note = f"{min(gains):.2f} to {max(gains):.2f}; reach 1.8; {cores} core(s), load before {load:.1f}"
    return [Row("threads", "two beside one, wall", statistics.median(gains), "x", note)]


def _wall(threads: int, scenario: worlds.Scenario, replications: int) -> float:
    several = [
        threading.Thread(target=lambda: [kernel.simulate(scenario, 1, r) for r in range(replications)])
        for _ in range(threads)
    ]
    start = time.perf_counter()
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()
    return time.perf_counter() - start
