"""What a lease-hour costs as holders become more: a power of their number, fitted on logarithms."""

from __future__ import annotations

import math
import statistics
from functools import partial

from benchmarks import worlds
from benchmarks.lease_world import Run, fast_modes
from benchmarks.table import Row
from benchmarks.timing import cpu_seconds
from sim.engines import kernel
from sim.metrics import measure
from sim.units import HOUR

HOLDERS = (10, 30, 100, 300, 1_000, 3_000, 10_000)
HOLDER_HOURS = 20_000
"""Simulated in each run: the more holders, the shorter."""


def exponent(sizes: list[int], costs: list[float]) -> float:
    """Return the slope of log cost over log size by least squares."""
    return statistics.linear_regression([math.log(size) for size in sizes], [math.log(cost) for cost in costs]).slope


def growth_rows(rounds: int, holders: tuple[int, ...] = HOLDERS) -> list[Row]:
    """Measure the cost of a lease-hour for each number of holders, with 2/3 as many slots and with as many."""
    modes: dict[str, Run] = {"plain": lambda world, r: kernel.simulate(world, 1, r)}
    modes |= {name: run for name, run in fast_modes().items() if name == "fast-forward"}
    rows = []
    for label, slots in (("2N/3 slots", _two_thirds), ("N slots", _all)):
        costs: dict[str, list[float]] = {name: [] for name in modes}
        for n in holders:
            scenario = worlds.many(n, slots(n), f"{max(1, HOLDER_HOURS // n)}h")
            hours = measure(kernel.simulate(scenario, 1, 0), scenario).lease_ns / HOUR
            for name, run in modes.items():
                seconds = [cpu_seconds(partial(run, scenario, 0)) for _ in range(rounds)]
                costs[name].append(1e6 * statistics.median(seconds) / hours)
        for name, several in costs.items():
            note = ", ".join(f"{n:,}: {cost:.1f}" for n, cost in zip(holders, several, strict=True))
            reach = "0.15" if name == "plain" else "0.3"
            slope = exponent(list(holders), several)
            rows.append(Row(f"growth, {label}", name, slope, f"exponent (reach {reach})", f"us a lease-hour: {note}"))
    return rows


def _two_thirds(holders: int) -> int:
    return -(-2 * holders // 3)


def _all(holders: int) -> int:
    return holders
