"""From runs of splitting to a rate with its interval: the second opinion on `rare`."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from sim.errors import ScenarioError, UsageError
from sim.model.scenario import Scenario
from sim.rarity.cycles import lone_holder, reasons_against
from sim.rarity.estimating import OTHER, Progress, checked
from sim.rarity.splitting import Copier, Level, Run, levels_for, run_levels
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import FALSE_TERMINATIONS, known
from sim.results.origins import Source, named
from sim.results.provenance import SEED, Provenance
from sim.results.tables import Table, interval, number
from sim.stats import Estimate, needed_for, precision_reached, ratio_interval
from sim.units import HOUR, format_duration

BUDGET: Final = 200_000
"""Cycles at most."""
PRECISION: Final = 0.3
EFFORT: Final = 250
"""Cycles from each level, in each run."""
EFFORT_MIN: Final = 10
PILOT: Final = 5
"""Runs that say how many are needed, and are thrown away: to stop when an interval looks narrow favours low ones."""
RUNS_MIN: Final = 10
AMPLE: Final = 1.3
"""So many times more runs than the last round asks for: it may have been lucky."""
GROWTH: Final = 1.5
"""How much larger a round of runs is than one that was not enough, at least."""


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
    checked(metric, precision, confidence, budget, seed, "splitting")
    if effort < EFFORT_MIN:
        raise UsageError(f"effort = {effort}: must be at least {EFFORT_MIN} cycles", f"{EFFORT} is the default")
    problems = reasons_against(chosen)
    if problems:
        raise ScenarioError(problems)
    copier = Copier(lone_holder(chosen), seed)
    levels = levels_for(copier, effort)
    runs = _rounds(copier, levels, effort, precision, confidence, budget, progress)
    rate = _rate(runs, confidence)
    precise = precision_reached(rate, precision, RUNS_MIN)
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


def _rounds(
    copier: Copier,
    levels: list[Level],
    effort: int,
    precision: float,
    confidence: float,
    budget: int,
    progress: Progress | None,
) -> list[Run]:
    """Return the runs of the last round: one round decides how many the next has, and none anything about itself."""
    each = sum(level.cycles for level in levels) + effort

    def played(count: int) -> list[Run]:
        found = []
        for _ in range(count):
            found.append(run_levels(copier, levels, effort))
            if progress:
                progress(copier.played, budget)
        return found

    def room() -> int:
        return max(0, budget - copier.played) // each

    size = _needed(played(min(PILOT, room() // 3)), precision, confidence)
    while True:
        runs = played(max(1, min(size, room())))
        least = math.ceil(GROWTH * len(runs))
        if precision_reached(_rate(runs, confidence), precision, RUNS_MIN) or room() < least:
            return runs
        size = max(least, _needed(runs, precision, confidence))


def _needed(runs: list[Run], precision: float, confidence: float) -> int:
    """Return how many runs should reach the precision, by what those before saw; they are not among them."""
    wanted = needed_for(_rate(runs, confidence), precision) if len(runs) > 1 else None
    return max(RUNS_MIN, math.ceil(AMPLE * wanted) if wanted else 0)


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
