"""The engines on the lease world, and the plain kernel beside its translation into C."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import simpy

from benchmarks import worlds
from benchmarks.table import Row, missing
from benchmarks.timing import cpu_seconds, interleaved, ratio
from benchmarks.twin import build
from sim import engines, metrics
from sim.engines import kernel
from sim.engines.kernel import driving
from sim.engines.kernel.loop import go_through
from sim.metrics import measure
from sim.model.scenario import Scenario
from sim.units import HOUR

REPLICATIONS = 20
"""Of the kernel in each round: one takes milliseconds."""
RAW_EVENTS = 200_000

Run = Callable[[Scenario, int], object]


def fast_modes() -> dict[str, Run]:
    """Return the kernel's modes that make no trace, as far as this version has them."""
    modes: dict[str, Run] = {}
    stream: Any = getattr(driving, "stream", None)
    tally_of: Any = getattr(metrics, "tally_of", None)
    if stream is not None:
        modes["fast-forward"] = lambda scenario, r: _skipping(stream, scenario, r)
    if tally_of is not None:
        modes["kernel, metrics without a trace"] = lambda scenario, r: tally_of(scenario, 1, r, engine="kernel")
    return modes


def _skipping(stream: Any, scenario: Scenario, replication: int) -> None:
    assert stream(scenario, 1, replication, lambda *_: None, fast_forward=True), "this replication cannot be skipped in"


def engine_rows(rounds: int, days: int) -> list[Row]:
    """Measure every engine on the two worlds."""
    rows = []
    for name, make in (("reported case", worlds.reported), ("four clients", worlds.busy), ("quiet", worlds.quiet)):
        scenario = make(f"{days}d")
        rows += _one_world(f"engines, {name}", scenario, rounds)
    spent = interleaved(rounds, {"1": lambda _: raw_simpy(1), "100": lambda _: raw_simpy(100)})
    for processes, seconds in spent.items():
        rate = RAW_EVENTS / statistics.median(seconds)
        rows.append(Row("SimPy alone", f"time-outs, {processes} process(es)", rate, "events / CPU-s"))
    return rows


def _one_world(part: str, scenario: Scenario, rounds: int) -> list[Row]:
    modes: dict[str, Run] = {
        "plain kernel, whole trace": lambda world, r: kernel.simulate(world, 1, r),
        **fast_modes(),
    }
    for run in modes.values():
        run(scenario, 0)
    work: dict[str, Callable[[int], object]] = {
        "process": lambda r: engines.run(scenario, 1, r, engine="process"),
        **{name: partial(_several, run, scenario) for name, run in modes.items()},
    }
    spent = interleaved(rounds, work)
    traces = [kernel.simulate(scenario, 1, r) for r in range(REPLICATIONS)]
    hours = statistics.mean(measure(trace, scenario).lease_ns / HOUR for trace in traces)
    events = statistics.mean(map(len, traces))
    slow = [seconds / hour for seconds, hour in zip(spent["process"], _hours(scenario, rounds), strict=True)]
    rows = [Row(part, "process engine", 1 / statistics.median(slow), "lease-h / CPU-s")]
    for name in modes:
        each = [seconds / REPLICATIONS / hours for seconds in spent[name]]
        median, least, most = ratio(slow, each)
        note = f"{median:,.0f} x the process engine ({least:,.0f} to {most:,.0f})"
        if name.startswith("plain"):
            note += f"; {1e9 * statistics.median(each) * hours / events:.0f} ns an event of the trace"
        rows.append(Row(part, name, 1 / statistics.median(each), "lease-h / CPU-s", note))
    absent = [name for name in ("fast-forward", "kernel, metrics without a trace") if name not in modes]
    return rows + [missing(part, name, "not in this version") for name in absent]


def _several(run: Run, scenario: Scenario, _round: int) -> None:
    for replication in range(REPLICATIONS):
        run(scenario, replication)


def _hours(scenario: Scenario, rounds: int) -> list[float]:
    return [measure(kernel.simulate(scenario, 1, r), scenario).lease_ns / HOUR for r in range(rounds)]


def raw_simpy(processes: int) -> None:
    """Let SimPy do nothing but time-outs, spread over so many processes."""
    env = simpy.Environment()

    def ticking() -> Generator[simpy.Event, None, None]:
        for _ in range(RAW_EVENTS // processes):
            yield env.timeout(1)

    for _ in range(processes):
        env.process(ticking())
    env.run()


# ---------------------------------------------------------------------------------- the twin in C


def twin_rows(rounds: int, days: int) -> list[Row]:
    """Measure the kernel's loop, compiled by numba and by gcc, on the same memory."""
    if build.compiler() is None:
        return [missing("twin in C", "plain kernel / gcc -O3", "gcc is not installed")]
    scenario, rows = worlds.busy(f"{days}d"), []
    with tempfile.TemporaryDirectory() as folder:
        for extra in ((), ("-march=native",)):
            in_c = build.twin(Path(folder), extra)
            events = check(in_c, scenario)
            spent: dict[str, list[float]] = {"numba": [], "C": []}
            for _ in range(rounds):
                for name, loop in (("numba", go_through), ("C", in_c)):
                    spent[name].append(sum(loop_seconds(loop, scenario, r) for r in range(REPLICATIONS)))
            median, least, most = ratio(spent["numba"], spent["C"])
            note = f"{least:.2f} to {most:.2f}; reach 1.25; {events:,} events equal, row by row"
            rows.append(Row("twin in C", f"loop: numba / gcc -O3 {' '.join(extra)}".strip(), median, "x", note))
    return rows


def check(in_c: build.Loop, scenario: Scenario) -> int:
    """Raise `AssertionError` unless C gives the kernel's traces; return how many events were compared."""
    compared = 0
    shipped = ("no-faults", "restart-memory", "slow-api", "leader-election", "blocked-loop")
    for world in (scenario, worlds.reported("2d"), *map(worlds.load, shipped)):
        for seed in (1, 2, 3):
            own, other = kernel.simulate(world, seed, 0), through(in_c, world, seed, 0)[0]
            assert own == other, f"C differs from the kernel: {world.title}, seed {seed}"
            compared += len(own)
    return compared


def through(loop: build.Loop, scenario: Scenario, seed: int, replication: int) -> tuple[Any, float]:
    """Simulate with another loop in the kernel's place; return the trace and the CPU seconds inside the loop."""
    spent, kept = [0.0], driving.go_through

    def timed(address: int) -> None:
        spent[0] += cpu_seconds(lambda: loop(address))

    driving.go_through = timed
    try:
        return driving.simulate(scenario, seed, replication), spent[0]
    finally:
        driving.go_through = kept


def loop_seconds(loop: build.Loop, scenario: Scenario, replication: int) -> float:
    """Return the CPU seconds that a replication spends inside the loop."""
    return through(loop, scenario, 1, replication)[1]
