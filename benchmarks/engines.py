"""How fast are the engines? Run ``python benchmarks/engines.py``: one table, CPU time, medians of interleaved rounds.

The world is the shipped laptop that runs its own server, with four clients, four slots and no night. SimPy's own rate
of events is measured in the same rounds: it says how much of the reference's time is SimPy's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import simpy

from sim import engines
from sim.engines import kernel
from sim.model.load import load
from sim.model.scenario import Scenario
from sim.trace import Trace
from sim.vocabulary import Kind

HOUR_NS = 3_600_000_000_000
_START = "from sim.engines import kernel; from sim.model.load import load; import time; t = time.process_time(); "
_FIRST_CALL = (
    _START + 'kernel.simulate(load("no-faults").with_({"duration": "1h"}), 1, 0); print(time.process_time() - t)'
)


def world(duration: str) -> Scenario:
    """Return the world that is measured."""
    base = load("laptop-own-server")
    four = base.with_({"runs.arrivals.clients": 4, "limit.slots": 4, "duration": duration})
    return four.model_copy(update={"faults": tuple(fault for fault in four.faults if fault.name != "night")})


def lease_hours(trace: Trace) -> float:
    """Return the hours in which runs held a lease, as they saw it."""
    held: dict[tuple[int, int], int] = {}
    total = 0
    for event in trace:
        name = (event.lane, event.generation)
        if event.kind is Kind.HOLD:
            held.setdefault(name, event.time_ns)
        elif event.kind in (Kind.LOST, Kind.FINISH, Kind.STOP, Kind.CRASH, Kind.CANCEL) and name in held:
            total += event.time_ns - held.pop(name)
    return (total + sum(trace.end_ns - start for start in held.values())) / HOUR_NS


def cpu_seconds(action: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    start = time.process_time()
    action()
    return time.process_time() - start


def simpy_events(count: int) -> None:
    """Let one SimPy process wait `count` times."""
    env = simpy.Environment()

    def ticking():  # type: ignore[no-untyped-def]  # a generator for SimPy
        for _ in range(count):
            yield env.timeout(1)

    env.process(ticking())
    env.run()


def first_call(cache: str) -> float:
    """Return the CPU time of the first replication in a new process."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_CALL], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--days", type=int, default=5, help="of each replication; a round has 1 and 100 of them")
    options = parser.parse_args()
    scenario, fast = world(f"{options.days}d"), range(100)
    kernel.simulate(scenario, 1, 0)
    spent: dict[str, list[float]] = {"process": [], "kernel": [], "simpy": []}
    for replication in range(options.rounds):
        spent["process"].append(cpu_seconds(partial(engines.run, scenario, 1, replication, engine="process")))
        spent["kernel"].append(cpu_seconds(lambda: [kernel.simulate(scenario, 1, r) for r in fast]) / len(fast))
        spent["simpy"].append(cpu_seconds(partial(simpy_events, 200_000)))
    traces = {
        "process": [kernel.simulate(scenario, 1, r) for r in range(options.rounds)],
        "kernel": [kernel.simulate(scenario, 1, r) for r in fast],
    }
    rates = {}
    print(f"{'engine':<10}{'lease-h / CPU-s':>18}{'trace events / CPU-s':>24}{'ns / trace event':>20}")
    for engine, several in traces.items():
        median = statistics.median(spent[engine])
        events = statistics.mean(len(trace) for trace in several)
        rates[engine] = statistics.mean(map(lease_hours, several)) / median
        print(f"{engine:<10}{rates[engine]:>18,.0f}{events / median:>24,.0f}{1e9 * median / events:>20,.0f}")
    print(f"kernel / process: {rates['kernel'] / rates['process']:.0f} x")
    print(f"SimPy alone: {200_000 / statistics.median(spent['simpy']):,.0f} timeouts / CPU-s")
    with tempfile.TemporaryDirectory() as cache:
        print(f"first call: {first_call(cache):.1f} CPU-s compiling, {first_call(cache):.2f} CPU-s from the cache")
    print(f"{Path(sys.executable).name} {sys.version.split()[0]}, {options.rounds} rounds, medians")


if __name__ == "__main__":
    main()
