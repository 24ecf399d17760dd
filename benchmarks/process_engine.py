"""How fast the reference engine is, beside SimPy's raw event rate in the same run.

Run it with ``python -m benchmarks.process_engine``.

CPU time of this process, medians of interleaved rounds. The world: 4 holders on 4 slots, ttl 5 min, renewed at 0.75,
with the faults of the reported case (its nights, in which nothing happens, left out).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator

import simpy

from sim import engines
from sim.metrics import measure
from sim.model.load import load, override
from sim.model.scenario import Scenario
from sim.units import HOUR

ROUNDS = 7
RAW_EVENTS = 200_000


def world() -> Scenario:
    """Return the benchmark's scenario."""
    changes = {
        "limit.slots": 4,
        "runs.arrivals": {"kind": "closed", "clients": 4, "think": "0s"},
        "duration": "3d",
        "faults.night.probability": 0.0,
    }
    return override(load("laptop-own-server"), changes)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time that `work` takes."""
    before = time.process_time()
    work()
    return time.process_time() - before


def raw_simpy(processes: int) -> None:
    """Let SimPy do nothing but time-outs, spread over so many processes."""
    env = simpy.Environment()

    def ticking() -> Generator[simpy.Event, None, None]:
        for _ in range(RAW_EVENTS // processes):
            yield env.timeout(1)

    for _ in range(processes):
        env.process(ticking())
    env.run()


def main() -> None:
    """Print the table."""
    scenario = world()
    trace = engines.run(scenario, seed=1, replication=0)
    lease_hours = measure(trace, scenario).lease_ns / HOUR
    engine, raw_one, raw_many = [], [], []
    for _ in range(ROUNDS):
        engine.append(cpu_seconds(lambda: engines.run(scenario, seed=1, replication=0)))
        raw_one.append(cpu_seconds(lambda: raw_simpy(1)))
        raw_many.append(cpu_seconds(lambda: raw_simpy(100)))
    seconds = statistics.median(engine)
    print(f"process engine        {lease_hours / seconds:>12,.0f} lease-hours per CPU-second (reach: 250)")
    print(f"                      {len(trace) / seconds:>12,.0f} trace events per CPU-second")
    print(f"  {lease_hours:.0f} lease-hours, {len(trace):,} trace events, {seconds:.3f} s, median of {ROUNDS}")
    print(f"SimPy, 1 process      {RAW_EVENTS / statistics.median(raw_one):>12,.0f} time-outs per CPU-second")
    print(f"SimPy, 100 processes  {RAW_EVENTS / statistics.median(raw_many):>12,.0f} time-outs per CPU-second")


if __name__ == "__main__":
    main()
