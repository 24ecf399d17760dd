"""From weighted cycles to a rate with its interval and what tells whether to believe it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sim.errors import ScenarioError, UsageError
from sim.model.scenario import Scenario
from sim.rarity.biasing import Bias
from sim.rarity.cycles import lone_holder, reasons_against
from sim.rarity.rounds import EFFECTIVE_MIN, Round, rounds
from sim.results.asked import fit_to_seed, is_number, sure, whole
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import FALSE_TERMINATIONS, known
from sim.results.origins import Source, named
from sim.results.provenance import SEED, Provenance
from sim.results.tables import Table, interval, number
from sim.stats import Estimate, t_quantile
from sim.units import HOUR

BUDGET: Final = 100_000
"""Cycles at most."""
OFTEN: Final = 0.005
"""Of the cycles: what ends more of them is not rare."""
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
    """That the estimate comes from."""
    before: int
    """Cycles of the rounds before, which decided how many these are and how they were drawn, and nothing else."""
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
        return self.cycle_hours.value * (self.cycles + self.before)

    def as_json(self) -> dict[str, Any]:
        """Return estimate, diagnostics and provenance as a JSON object."""
        return {
            "metrics": {FALSE_TERMINATIONS: self.estimate.as_json()},
            "method": "rare",
            "cycles": self.cycles,
            "cycles_before": self.before,
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
        heading.append(
            f"method rare: {self.cycles:,} renewal cycles after {self.before:,} that chose what to make likely, "
            f"seed {p.seed}, engine process ({self.stopped})"
        )
        rows = [(FALSE_TERMINATIONS, number(e.value), interval(e), e.unit)]
        notes = [
            f"hits: {self.hits:,}, worth {self.effective:,.0f} equal ones; the weightiest is {self.largest_share:.1%} "
            "of the rate",
            f"mean weight {self.mean_weight.value:.3f} ({interval(self.mean_weight)}): 1 if the weights are right",
        ]
        notes += [
            f"cause {name}: {share:.1%} of the rate, {hits:,} hits" for name, (hits, share) in self.causes.items()
        ]
        notes += _made_likely(self.sources, self.cycles / 50)
        if (ended := e.value * self.cycle_hours.value) > OFTEN:
            notes.append(
                f"{ended:.1%} of the cycles end in a false termination, which is not rare: runs are often new, and how "
                "they begin is left out here; count instead: leave the method out"
            )
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
        confidence: nominal coverage of the interval; a cause that no strategy makes likely is not in it.
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
    wanted = precision / (1 + precision)
    round_, bias, before = rounds(
        lone_holder(chosen), seed, wanted, confidence, budget, lambda done: progress(done, budget) if progress else None
    )
    rate, cycle_hours = _rate(round_, confidence)
    half = round_.half_width(confidence)
    precise = half <= wanted and round_.effective >= EFFECTIVE_MIN
    reached = f"{half:.1%}" if math.isfinite(half) else "no hit"
    z = t_quantile(10**6, confidence)
    return RareEstimate(
        chosen,
        rate,
        cycle_hours,
        cycles=len(round_),
        before=before,
        hits=int(round_.killed.sum()),
        effective=round_.effective,
        largest_share=float(round_.values.max() / round_.values.sum()) if rate.value else 0.0,
        mean_weight=_mean_weight(round_, confidence),
        causes=_causes(chosen, round_),
        sources=_sources(bias, round_),
        crude_lease_hours=(z / half) ** 2 / rate.value if 0 < half < math.inf else math.inf,
        stopped=f"{'wanted' if precise else 'the budget; wanted'} a half-width of {precision:.0%}: {reached}",
        provenance=Provenance.of(chosen, origin, seed, (0,), "process"),
    )


def _rate(round_: Round, confidence: float) -> tuple[Estimate, Estimate]:
    """Return the rate, and the mean length of a cycle."""
    lengths, n = round_.plain_lengths / HOUR, len(round_)
    mean = float(lengths.mean())
    half = t_quantile(max(1, len(lengths) - 1), confidence) * float(lengths.std(ddof=1)) / math.sqrt(len(lengths))
    length = Estimate(mean, mean - half, mean + half, "h", len(lengths), "t", confidence)
    value, unit = float(round_.values.mean()) / mean, known(FALSE_TERMINATIONS).unit
    if not value:
        return Estimate(0.0, 0.0, math.inf, unit, n, "no hit", confidence), length
    half = value * round_.half_width(confidence)
    return Estimate(value, max(0.0, value - half), value + half, unit, n, "weighted cycles, t", confidence), length


def _mean_weight(round_: Round, confidence: float) -> Estimate:
    mean, n = float(round_.weights.mean()), len(round_)
    half = t_quantile(n - 1, confidence) * math.sqrt(round_.variance(round_.weights))
    return Estimate(mean, mean - half, mean + half, "1", n, "t", confidence)


def _sources(bias: Bias, round_: Round) -> dict[str, tuple[int, int]]:
    chosen, killed = round_.chosen, round_.killed
    return {
        strategy.name: (int((chosen == j).sum()), int(killed[chosen == j].sum()))
        for j, strategy in enumerate(bias.among)
    }


def _causes(scenario: Scenario, round_: Round) -> dict[str, tuple[int, float]]:
    hits: Counter[str] = Counter()
    shares: Counter[str] = Counter()
    total = math.fsum(round_.values.tolist())
    for cycle, weight in zip(round_.cycles, round_.weights.tolist(), strict=True):
        if cycle.killed:
            name = " + ".join(sorted({scenario.faults[index].name for index in cycle.suspects})) or OTHER
            hits[name] += 1
            shares[name] += weight / total
    return {name: (hits[name], share) for name, share in shares.most_common(8)}


def _made_likely(sources: dict[str, tuple[int, int]], least: float) -> list[str]:
    """Return a line for each strategy that many cycles were drawn by, and one for the others."""
    much = {name: counts for name, counts in sources.items() if counts[0] >= least}
    others = [counts for name, counts in sources.items() if name not in much]
    lines = [f"made likely: {name}: {n:,} cycles, {k:,} hits" for name, (n, k) in much.items()]
    if others:
        n, k = (sum(column) for column in zip(*others, strict=True))
        lines.append(f"made likely: {len(others)} other ways: {n:,} cycles, {k:,} hits")
    return lines


def checked(metric: str, precision: float, confidence: float, budget: int, seed: int, method: str = "rare") -> None:
    """Refuse what means nothing, before anything is simulated."""
    if known(metric).name != FALSE_TERMINATIONS:
        raise UsageError(f"method '{method}' does not estimate '{metric}'", f"it estimates {FALSE_TERMINATIONS}")
    if not (is_number(precision) and 0 < precision <= 1):
        raise UsageError(f"precision = {precision!r}: must be above 0 and at most 1", "0.1 asks for +-10 %")
    sure(confidence)
    whole(budget=budget, seed=seed)
    if budget < 100:
        raise UsageError(f"budget = {budget}: must be at least 100 cycles")
    fit_to_seed(seed)
