"""From weighted cycles to a rate with its interval and what tells whether to believe it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from sim.errors import ScenarioError, UsageError
from sim.model.scenario import Scenario
from sim.rarity.biasing import Biased, Strategy, strategies
from sim.rarity.cycles import Cycle, cycle_of, lone_holder, reasons_against
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import FALSE_TERMINATIONS, known
from sim.results.origins import Source, named
from sim.results.provenance import SEED, Provenance
from sim.results.tables import Table, interval, number
from sim.stats import Estimate, t_quantile
from sim.units import HOUR

BUDGET: Final = 100_000
"""Cycles at most."""
START: Final = 5000
GROWTH: Final = 1.5
EFFECTIVE_MIN: Final = 50
"""Stop only with so many equally weighty kills: fewer have an uncertain variance."""
_PLAIN_SHARE: Final = 0.2
OTHER: Final = "requests alone"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False, repr=False)
class RareEstimate:
    """A rate of rare events, as `sim.rare` returns it. Evaluate it bare for a table."""

    scenario: Scenario
    estimate: Estimate
    cycle_hours: Estimate
    """Mean length of a cycle, from the cycles that nothing was done to."""
    cycles: int
    hits: int
    """Cycles that ended in a false termination."""
    effective: float
    """Kish's effective number of hits: (sum w)^2 / sum w^2."""
    largest_share: float
    """What the weightiest hit contributes."""
    mean_weight: Estimate
    """1 if the weights are right."""
    causes: dict[str, tuple[int, float]]
    """By the faults that began in the cycle: hits, and their share of the rate."""
    sources: dict[str, tuple[int, int]]
    """By strategy: cycles, hits."""
    crude_lease_hours: float
    """Lease-hours that counting would need for the same half-width: (z / relative half-width)^2 / rate."""
    stopped: str
    provenance: Provenance

    @property
    def lease_hours(self) -> float:
        """Lease time simulated."""
        return self.cycle_hours.value * self.cycles

    def as_json(self) -> dict[str, Any]:
        """Return estimate, diagnostics and provenance as a JSON object."""
        return {
            "metrics": {FALSE_TERMINATIONS: self.estimate.as_json()},
            "method": "rare",
            "cycles": self.cycles,
            "hits": self.hits,
            "effective_hits": self.effective,
            "largest_weight_share": self.largest_share,
            "mean_weight": self.mean_weight.as_json(),
            "causes": {name: {"hits": k, "share": share} for name, (k, share) in self.causes.items()},
            "strategies": {name: {"cycles": n, "hits": k} for name, (n, k) in self.sources.items()},
            "crude_lease_hours": self.crude_lease_hours if math.isfinite(self.crude_lease_hours) else None,
            "stopped": self.stopped,
            "provenance": self.provenance.as_json(),
        }

    def table(self) -> Table:
        """Return what `repr` shows."""
        e, p = self.estimate, self.provenance
        heading = [in_words(p.title, self.scenario), faults_in_words(self.scenario)]
        heading.append(f"method rare: {self.cycles:,} renewal cycles, seed {p.seed}, engine process ({self.stopped})")
        rows = [(FALSE_TERMINATIONS, number(e.value), interval(e), e.unit)]
        notes = [
            f"hits: {self.hits:,}, worth {self.effective:,.0f} equal ones; the weightiest is {self.largest_share:.1%} "
            "of the rate",
            f"mean weight {self.mean_weight.value:.3f} ({interval(self.mean_weight)}): 1 if the weights are right",
        ]
        notes += [
            f"cause {name}: {share:.1%} of the rate, {hits:,} hits" for name, (hits, share) in self.causes.items()
        ]
        notes += [f"made likely: {name}: {n:,} cycles, {k:,} hits" for name, (n, k) in self.sources.items()]
        if math.isfinite(self.crude_lease_hours):
            notes.append(
                f"counting would need about {number(self.crude_lease_hours)} lease-hours for this width; "
                f"this took {number(self.lease_hours)}"
            )
        return Table(
            heading, ("metric", "estimate", f"{e.confidence:.0%} interval", "unit"), rows, notes, frozenset({1})
        )

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()


@dataclass
class Samples:
    """Cycles with their strategies and weights, in order."""

    scenario: Scenario
    seed: int
    among: Sequence[Strategy]

    def __post_init__(self) -> None:
        others = len(self.among) - 1
        plain = max(1, math.ceil(others * _PLAIN_SHARE / (1 - _PLAIN_SHARE)))
        self.round = (0,) * plain + tuple(range(1, others + 1))
        """The strategies of a round of samples."""
        self.chosen: list[int] = []
        self.weights: list[float] = []
        self.cycles: list[Cycle] = []

    def upto(self, count: int) -> None:
        """Simulate until there are `count`, a whole number of rounds."""
        size = len(self.round)
        while len(self.cycles) < count or len(self.cycles) % size:
            number = len(self.cycles)
            chosen = self.round[number % size]
            draws = Biased(self.seed, number, chosen, self.among)
            self.cycles.append(cycle_of(self.scenario, draws))
            mixture = sum(draws.likelihoods[j] for j in self.round) / size
            self.chosen.append(chosen)
            self.weights.append(1 / mixture)


def rare(
    scenario: Source,
    metric: str = FALSE_TERMINATIONS,
    precision: float = 0.1,
    confidence: float = 0.95,
    budget: int = BUDGET,
    seed: int = SEED,
    progress: Progress | None = None,
) -> RareEstimate:
    """Estimate how often a long-lived run is falsely terminated, however rare that is.

    Args:
        scenario: a scenario, or the name or path of one.
        metric: "false_terminations_per_lease_hour", the only one so far.
        precision: go on until the half-width is at most this share of the rate, in the sense of `sim.replicate`.
        confidence: nominal coverage of the interval; it held against closed forms down to 1e-9 for sleeps, while pauses
            at 1e-9 are not settled: take a second seed and a larger budget where a decision hangs on it.
        budget: renewal cycles at most.
        seed: same seed, same numbers.
        progress: called with the cycles done and planned.

    Each sample is one renewal cycle of a lone holder on the reference engine. Raises `ScenarioError` with every
    reason, by field, where cycles do not tell the rate.
    """
    chosen, origin = named(scenario)
    checked(metric, precision, confidence, budget, seed)
    problems = reasons_against(chosen)
    if problems:
        raise ScenarioError(problems)
    lone = lone_holder(chosen)
    samples = Samples(lone, seed, strategies(lone))
    count = min(START, budget)
    while True:
        samples.upto(count)
        done = len(samples.cycles)
        if progress:
            progress(done, budget)
        rate, diagnosis = _estimate(samples, confidence)
        half = rate.half_width / rate.value if rate.value > 0 else math.inf
        precise = half <= precision / (1 + precision) and diagnosis["effective"] >= EFFECTIVE_MIN
        if precise or done >= budget:
            break
        count = min(budget, round(count * GROWTH))
    reached = f"{half:.1%}" if math.isfinite(half) else "no hit"
    stopped = f"{'wanted' if precise else 'the budget; wanted'} a half-width of {precision:.0%}: {reached}"
    z = t_quantile(10**6, confidence)
    crude = (z / half) ** 2 / rate.value if 0 < half < math.inf else math.inf
    provenance = Provenance.of(chosen, origin, seed, tuple(range(1)), "process")
    return RareEstimate(chosen, rate, crude_lease_hours=crude, stopped=stopped, provenance=provenance, **diagnosis)


def _estimate(samples: Samples, confidence: float) -> tuple[Estimate, dict[str, Any]]:
    chosen, weights = np.array(samples.chosen), np.array(samples.weights)
    killed = np.array([cycle.killed for cycle in samples.cycles])
    hours = np.array([cycle.length_ns for cycle in samples.cycles]) / HOUR
    z, n = weights * killed, len(weights)
    total, unit = float(z.sum()), known(FALSE_TERMINATIONS).unit
    effective = total**2 / float((z**2).sum()) if total else 0.0
    plain = hours[chosen == 0]
    mean_hours = float(plain.mean())
    half_hours = t_quantile(max(1, len(plain) - 1), confidence) * float(plain.std(ddof=1)) / math.sqrt(len(plain))
    length = Estimate(mean_hours, mean_hours - half_hours, mean_hours + half_hours, "h", len(plain), "t", confidence)
    value = total / n / mean_hours
    if total:
        share_z = math.sqrt(_variance(z, chosen)) / (total / n)
        share_g = float(plain.std(ddof=1)) / math.sqrt(len(plain)) / mean_hours
        half = t_quantile(max(1, round(effective) - 1), confidence) * value * math.hypot(share_z, share_g)
        rate = Estimate(value, max(0.0, value - half), value + half, unit, n, "weighted cycles, t", confidence)
    else:
        rate = Estimate(0.0, 0.0, math.inf, unit, n, "no hit", confidence)
    spread = t_quantile(n - 1, confidence) * math.sqrt(_variance(weights, chosen))
    mean = float(weights.mean())
    return rate, {
        "cycle_hours": length,
        "cycles": n,
        "hits": int(killed.sum()),
        "effective": effective,
        "largest_share": float(z.max()) / total if total else 0.0,
        "mean_weight": Estimate(mean, mean - spread, mean + spread, "1", n, "t", confidence),
        "causes": _causes(samples, z, total),
        "sources": {
            strategy.name: (int((chosen == j).sum()), int(killed[chosen == j].sum()))
            for j, strategy in enumerate(samples.among)
        },
    }


def _variance(values: Any, chosen: Any) -> float:
    """Variance of the mean over a fixed number of samples from each strategy."""
    parts = [values[chosen == j] for j in np.unique(chosen)]
    return float(sum(len(part) * part.var(ddof=1) for part in parts if len(part) > 1)) / len(values) ** 2


def _causes(samples: Samples, z: Any, total: float) -> dict[str, tuple[int, float]]:
    hits: Counter[str] = Counter()
    shares: Counter[str] = Counter()
    faults = samples.scenario.faults
    for cycle, weight in zip(samples.cycles, z.tolist(), strict=True):
        if cycle.killed:
            name = " + ".join(sorted({faults[index].name for index in cycle.suspects})) or OTHER
            hits[name] += 1
            shares[name] += weight / total
    return {name: (hits[name], share) for name, share in shares.most_common(8)}


def checked(metric: str, precision: float, confidence: float, budget: int, seed: int) -> None:
    """Refuse what means nothing, before anything is simulated."""
    if known(metric).name != FALSE_TERMINATIONS:
        raise UsageError(f"method 'rare' does not estimate '{metric}'", f"it estimates {FALSE_TERMINATIONS}")
    if not 0 < precision <= 1:
        raise UsageError(f"precision = {precision}: must be above 0 and at most 1", "0.1 asks for +-10 %")
    if not 0 < confidence < 1:
        raise UsageError(f"confidence = {confidence}: must be between 0 and 1", "0.95 is usual")
    if budget < 100:
        raise UsageError(f"budget = {budget}: must be at least 100 cycles")
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed = {seed}: must be a whole number from 0 to 2**63 - 1")
