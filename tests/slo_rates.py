"""How often verdicts on service levels are wrong, measured at the limit itself, where it is hardest.

Made-up replications follow laws whose mean is known exactly, so that the limit can be set to the truth, and a little to
either side of it. They go through the same code as simulated ones: ceilings, looks, bets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

import sim
from sim.metrics import Tally
from sim.testing.goals import goal
from sim.testing.judging import decide
from sim.units import HOUR

HOURS = 100
"""Lease-hours of a made-up replication, on average."""
SCENARIO = sim.load("restart-memory")
Generator = np.random.Generator

Law = Callable[[Generator, int, float], np.ndarray]
CEILING = 16
"""That of `SCENARIO` where its first replications saw little: two slots, two days, four times a day."""

LAWS: dict[str, Law] = {
    # name: kills of n replications, with the mean that is asked for
    "one at a time (Poisson)": lambda rng, n, mean: rng.poisson(mean, n),
    "batches of 4": lambda rng, n, mean: 4 * rng.poisson(mean / 4, n),
    "rare batches of 16, as large as the ceiling": lambda rng, n, mean: CEILING * (rng.random(n) < mean / CEILING),
    "overdispersed (negative binomial)": lambda rng, n, mean: rng.poisson(rng.gamma(0.2, mean / 0.2, n)),
    "two or none": lambda rng, n, mean: np.where(rng.random(n) < mean / 2, 2, 0),
}
DISASTERS: dict[str, Law] = {
    "rare batches of 80, five times the ceiling": lambda rng, n, mean: 80 * (rng.random(n) < mean / 80),
}


def outcomes(law: str, mean: float, off: float, trials: int, budget: int, most: float | None = None) -> Counter[str]:
    """How often each verdict was reached where the true rate is `off` times the limit."""
    found: Counter[str] = Counter()
    limit = mean / HOURS / off
    names = sorted({**LAWS, **DISASTERS})
    draw = {**LAWS, **DISASTERS}[law]
    ceilings = {"false_terminations_per_lease_hour": most} if most else None
    wanted = (goal(f"false_terminations_per_lease_hour <= {limit!r}"),)
    for trial in range(trials):
        rng = np.random.default_rng([20261125, trial, names.index(law)])
        kills = draw(rng, budget, mean)
        hours = HOURS * rng.uniform(0.8, 1.2, budget)

        def more(start: int, stop: int, kills: np.ndarray = kills, hours: np.ndarray = hours) -> list[Tally]:
            return [Tally(false_terminations=int(kills[i]), lease_ns=int(hours[i] * HOUR)) for i in range(start, stop)]

        (verdict,), _ = decide(SCENARIO, wanted, more, 0.99, budget, ceilings)
        found[verdict.outcome] += 1
    return found
