"""From runs of splitting to a rate with its interval: the second opinion on `rare`."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from sim.errors import ScenarioError
from sim.model.scenario import Scenario
from sim.rarity.cycles import lone_holder, reasons_against
from sim.rarity.estimating import OTHER, Progress, checked
from sim.rarity.splitting import Copier, Run, levels_for, run_levels
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import FALSE_TERMINATIONS, known
from sim.results.origins import Source, named
from sim.results.provenance import SEED, Provenance
from sim.results.tables import Table, interval, number
from sim.stats import Estimate, precision_reached, ratio_interval
from sim.units import HOUR, format_duration

BUDGET: Final = 200_000
"""Cycles at most."""
PRECISION: Final = 0.3
EFFORT: Final = 500
"""Cycles from each level, in each run."""
RUNS_MIN: Final = 5


@dataclass(frozen=True, eq=False, repr=False)
class SplitEstimate:
    """A rate of rare events by splitting, as `sim.split` returns it. Evaluate it bare for a table."""

    scenario: Scenario
    estimate: Estimate
    levels: tuple[tuple[int, float], ...]
    """Lease ages in nanoseconds, and the share of the cycles from the level before that reached each."""
    runs: int
    cycles: int
    causes: dict[str, float]
    """By the faults that began in the cycle: share of the rate."""
    stopped: str
    provenance: Provenance

    def as_json(self) -> dict[str, Any]:
        """Return estimate, levels and provenance as a JSON object."""
        return {
            "metrics": {FALSE_TERMINATIONS: self.estimate.as_json()},
            "method": "splitting",
            "runs": self.runs,
            "cycles": self.cycles,
            "levels": [{"age": format_duration(age), "share": share} for age, share in self.levels],
            "causes": self.causes,
            "stopped": self.stopped,
            "provenance": self.provenance.as_json(),
        }

    def table(self) -> Table:
        """Return what `repr` shows."""
        e, p = self.estimate, self.provenance
        heading = [in_words(p.title, self.scenario), faults_in_words(self.scenario)]
        heading.append(
            f"method splitting: {self.runs} runs, {self.cycles:,} renewal cycles, seed {p.seed}, engine process "
            f"({self.stopped})"
        )
        ages = ", ".join(f"{age / 1e9:.0f}s {share:.2g}" for age, share in self.levels)
        notes = [f"levels of lease age, and the share that reached each: {ages}"]
        notes += [f"cause {name}: {share:.1%} of the rate" for name, share in self.causes.items()]
        columns = ("metric", "estimate", f"{100 * e.confidence:g} % interval", "unit")
        rows = [(FALSE_TERMINATIONS, number(e.value), interval(e), e.unit)]
        return Table(heading, columns, rows, notes, frozenset({1}))

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()


def split(
    scenario: Source,
    metric: str = FALSE_TERMINATIONS,
    precision: float = PRECISION,
    confidence: float = 0.95,
    budget: int = BUDGET,
    seed: int = SEED,
    progress: Progress | None = None,
    effort: int = EFFORT,
) -> SplitEstimate:
    """Estimate how often a long-lived run is falsely terminated by splitting renewal cycles on the age of the lease.

    Args:
        scenario: a scenario, or the name or path of one.
        metric: "false_terminations_per_lease_hour", the only one so far.
        precision: go on until the half-width is at most this share of the rate, in the sense of `sim.replicate`.
        confidence: nominal coverage of the interval, over independent runs of all levels.
        budget: renewal cycles at most.
        seed: same seed, same numbers.
        progress: called with the cycles done and planned.
        effort: cycles from each level in a run; more of them, up to 20 times, where few reach the next level.

    It is slower than `sim.rare` and shares no weights with it, so that each can be believed where both agree. Raises
    `ScenarioError` with every reason, by field, where cycles do not tell the rate.
    """
    chosen, origin = named(scenario)
    checked(metric, precision, confidence, budget, seed)
    problems = reasons_against(chosen)
    if problems:
        raise ScenarioError(problems)
    copier = Copier(lone_holder(chosen), seed)
    levels = levels_for(copier, effort)
    each = sum(level.cycles for level in levels) + effort
    runs: list[Run] = []
    while True:
        runs.append(run_levels(copier, levels, effort))
        if progress:
            progress(copier.played, budget)
        rate = _rate(runs, confidence)
        precise = len(runs) >= RUNS_MIN and precision_reached(rate, precision, RUNS_MIN)
        if precise or copier.played + each > budget:
            break
    half = rate.reach / rate.value if rate.value > 0 and math.isfinite(rate.reach) else math.nan
    reached = f"{half:.0%}" if half == half else "no interval"
    stopped = f"{'wanted' if precise else 'the budget; wanted'} within {precision:.0%}: {reached}"
    shares = [
        math.fsum(run.shares[at] if at < len(run.shares) else 0 for run in runs) / len(runs)
        for at in range(len(levels))
    ]
    provenance = Provenance.of(chosen, origin, seed, (0,), "process")
    told = tuple((level.age_ns, share) for level, share in zip(levels, shares, strict=True))
    return SplitEstimate(chosen, rate, told, len(runs), copier.played, _causes(chosen, runs), stopped, provenance)


def _rate(runs: list[Run], confidence: float) -> Estimate:
    """Mean over runs of the probability of a stop, over the mean length of a cycle."""
    hours = [math.fsum(run.hours_ns) / len(run.hours_ns) / HOUR for run in runs]
    return ratio_interval([run.probability for run in runs], hours, known(FALSE_TERMINATIONS).unit, confidence)


def _causes(scenario: Scenario, runs: list[Run]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for run in runs:
        for suspects, probability in run.causes.items():
            name = " + ".join(sorted({scenario.faults[index].name for index in suspects})) or OTHER
            found[name] += probability
    total = math.fsum(found.values())
    largest = sorted(found.items(), key=lambda item: -item[1])[:8]
    return {name: probability / total for name, probability in largest}
