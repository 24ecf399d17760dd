"""What does a rare rate cost, by three methods? Run ``python -m benchmarks.rare [CASE ...]``: a row for each case.

Counting is measured where it can be (10^-3 per lease-hour): speed of the compiled engine in lease-hours per second of
processor time, and how far the variance of its counts is from Poisson's. For the rarer cases its cost is extrapolated
from both: lease-hours = dispersion x (z / relative half-width)^2 / rate. Without a case at 10^-3, as if Poisson.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import sim
from sim.metrics import tally_of
from sim.model.scenario import Scenario
from sim.stats import Estimate
from sim.units import HOUR
from tests.test_rare import CASES

LONG = "1000d"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return seconds of processor time, and what came of it."""
    start = time.process_time()
    made = work()
    return time.process_time() - start, made


def counting(scenario: Scenario, replications: int) -> tuple[float, float]:
    """Return lease-hours per second of processor time, and the variance of the counts over their mean."""
    long = scenario.with_({"duration": LONG})
    tally_of(long, 1, 0, "kernel")  # compiles, or reads what was compiled
    seconds, tallies = timed(lambda: [tally_of(long, 2, number, "kernel") for number in range(replications)])
    hours = sum(tally.lease_ns for tally in tallies) / HOUR
    counts = np.array([tally.false_terminations for tally in tallies])
    mean = float(counts.mean())
    return hours / seconds, float(counts.var(ddof=1)) / mean if mean > 1 else 1.0


def told(estimate: Estimate, exact: float) -> str:
    """The estimate over the closed form, with its interval."""
    low, high = estimate.low / exact, estimate.high / exact
    return f"{estimate.value / exact:.3f} ({low:.3f} - {high:.3f})"


def row(name: str) -> str:
    """One case."""
    scenario, exact = CASES[name]
    common = CASES.get(f"{name.split()[0]} 1e-3", CASES[name])[0]
    speed, _ = counting(scenario, 4)
    _, dispersion = counting(common, 60)
    seconds, found = timed(lambda: sim.rare(scenario, precision=0.1))
    reached = found.estimate.half_width / found.estimate.value
    crude = dispersion * (1.96 / reached) ** 2 / exact / speed
    cells = [
        name, f"{exact:.3g}", told(found.estimate, exact), f"{reached:.1%}", f"{found.before:,} + {found.cycles:,}",
        f"{seconds:.2f} s", f"{speed:,.0f}", f"{dispersion:.2f}", f"{crude:.3g} s", f"{crude / seconds:.3g}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def split_row(name: str) -> str:
    """One case by splitting."""
    scenario, exact = CASES[name]
    seconds, found = timed(lambda: sim.split(scenario))
    reached = found.estimate.reach / found.estimate.value if found.estimate.value else float("nan")
    cells = [
        name,
        f"{exact:.3g}",
        told(found.estimate, exact),
        f"{reached:.0%}",
        f"{found.cycles:,}",
        f"{seconds:.0f} s",
    ]
    return f"| {' | '.join(cells)} |"


def main(names: list[str]) -> None:
    """Print a row for each case; those named ``split:...`` by splitting."""
    for name in names or [*CASES, *(f"split:{name}" for name in CASES)]:
        text = split_row(name.removeprefix("split:")) if name.startswith("split:") else row(name)
        print(text, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
