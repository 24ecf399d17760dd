"""Every remedy simulated on the same random numbers as the case: paired differences, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sim import engines, metrics
from sim.metrics import Tally
from sim.model.scenario import Scenario
from sim.remedies.advice import Remedy, advice
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import OVER_ALLOCATION, difference
from sim.results.origins import Source, named
from sim.results.provenance import ENGINE_FOR_MANY, SEED, Provenance
from sim.results.tables import Table, number
from sim.stats import Estimate, paired_difference
from sim.sweeps.grid import Point
from sim.sweeps.simulate import REPLICATIONS, SimulationError, checked
from sim.sweeps.study import Progress, Study

KILLED: Final = "false_termination_probability"
_FAMILY: Final = 0.95
"""The confidence that all intervals of a table hold at once."""


@dataclass(frozen=True)
class Tried:
    """A remedy, and what it changed."""

    remedy: Remedy
    tallies: tuple[Tally, ...] = ()
    killed: Estimate | None = None
    """Change in the share of runs that are killed."""
    over: Estimate | None = None
    """Change in over-allocation."""
    by_cause: dict[str, Estimate] | None = None
    """Change in the number of kills of a replication, by the case's causes."""
    untouched: tuple[str, ...] = ()
    """Causes of which not one kill differs, in any replication."""

    alike: bool = False
    """Whether nothing at all that is counted differs, in any replication."""

    @property
    def verdict(self) -> str:
        """A word or three; "in part" is against one cause, while no difference is shown in all kills."""
        if self.killed is None or self.over is None:
            return "does not apply"
        if self.alike:
            return "does nothing"
        kills, over = _sign(self.killed), _sign(self.over)
        if kills == over == 0:
            return "helps in part" if self._causes(-1) else "no difference shown"
        if kills * over < 0:
            return "trades"
        return "helps" if kills + over < 0 else "harms"

    def sentence(self) -> str:
        """Say plainly what it does."""
        if self.killed is None or self.over is None:
            return f"{self.remedy.name}: does not apply: {self.remedy.why_not}."
        if self.alike:
            return f"{self.remedy.name}: does nothing; not one run ends otherwise, whatever the cause."
        kills = {-1: "fewer runs are killed", 0: "no difference in kills is shown", 1: "more runs are killed"}
        over = {-1: "less over-allocation", 0: "no difference in over-allocation is shown", 1: "more over-allocation"}
        told = f"{self.remedy.name}: {self.verdict}"
        if self.verdict in ("helps", "trades", "harms"):
            told += f": {kills[_sign(self.killed)]}, {over[_sign(self.over)]}"
        helped = self._causes(-1)
        told += f"; it helps against {_listed(helped)}" if helped else ""
        worse = self._causes(1)
        told += f"; more fall to {_listed(worse)}" if worse else ""
        told += f"; not one kill by {_listed(self.untouched, 'or')} differs" if self.untouched else ""
        return f"{told}."

    def _causes(self, sign: int) -> list[str]:
        return [cause for cause, change in (self.by_cause or {}).items() if _sign(change) == sign]

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        found: dict[str, Any] = {"remedy": self.remedy.name, "verdict": self.verdict, "sentence": self.sentence()}
        if self.killed is None or self.over is None:
            return found | {"why_not": self.remedy.why_not}
        causes = {cause: change.as_json() for cause, change in (self.by_cause or {}).items()}
        changes = {KILLED: self.killed.as_json(), OVER_ALLOCATION: self.over.as_json(), "kills_by_cause": causes}
        return found | {"difference": changes, "untouched": list(self.untouched)}


@dataclass(frozen=True, eq=False, repr=False)
class Remedies:
    """A case and every remedy tried on it."""

    scenario: Scenario
    tallies: tuple[Tally, ...]
    tried: tuple[Tried, ...]
    provenance: Provenance
    intervals: int
    """How many intervals hold at once with 95 %."""

    @property
    def confidence(self) -> float:
        return 1 - (1 - _FAMILY) / self.intervals

    def table(self) -> Table:
        """Return what `repr` shows."""
        p, total = self.provenance, metrics.estimates(self.tallies)
        killed, over = total[KILLED], total[OVER_ALLOCATION]
        heading = [
            in_words(p.title, self.scenario),
            faults_in_words(self.scenario),
            f"as it is: {_with(killed)} of runs killed, {_with(over)} {over.unit} over-allocated (95 % each)",
            f"{len(self.tallies):,} replications of each, on the same random numbers, seed {p.seed}, engine {p.engine}",
        ]
        rows = [
            (each.remedy.name, *_change(each.killed), *_change(each.over), each.verdict)
            for each in self.tried
            if each.killed is not None
        ]
        columns = ("remedy", "killed", "interval", "over-alloc.", "interval", "verdict")
        notes = [
            "killed: change in the share of runs killed by lease logic; over-alloc.: change in slot-s/h",
            f"all {self.intervals} intervals (with those by cause) hold at once with {_FAMILY:.0%}: Bonferroni, "
            f"{self.confidence:.4%} each",
            '"no difference shown" is no proof that there is none; more --reps narrow the intervals',
            *(each.sentence() for each in self.tried),
        ]
        return Table(heading, columns, rows, notes, right=frozenset({1, 3}))

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        total = metrics.estimates(self.tallies)
        case = {name: total[name].as_json() for name in (KILLED, OVER_ALLOCATION)}
        told = [each.as_json() for each in self.tried]
        adjusted = {"method": "Bonferroni", "intervals": self.intervals, "confidence": self.confidence}
        return {"case": case, "remedies": told, "multiplicity": adjusted, "provenance": self.provenance.as_json()}

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()


def remedies(
    scenario: Source,
    replications: int = REPLICATIONS,
    seed: int = SEED,
    engine: str = ENGINE_FOR_MANY,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Remedies:
    """Simulate a scenario with each remedy in turn, on the same random numbers.

    Args:
        scenario: a scenario, or the name or path of one.
        replications: how many of each.
        seed: same seed, same numbers.
        engine: "auto", the compiled engine where it can run; all engines give the same events.
        jobs: processes; the result does not depend on it.
        progress: called with the replications done and planned.
    """
    chosen, origin = named(scenario)
    checked(engine, seed=seed, replications=replications, jobs=jobs)
    listed = advice(chosen)
    worlds = [remedy.world for remedy in listed if remedy.world is not None and not remedy.unlimited]
    points = [Point(index, {}, world) for index, world in enumerate((chosen, *worlds))]
    numbers = tuple(range(replications))
    collected = Study(points, seed, engine, jobs, progress=progress).collect(numbers)
    if collected.failures:
        failure = collected.failures[0]
        raise SimulationError(f"replication {failure.replication} failed: {failure.error}")
    case, *others = (collected.of(point, numbers) for point in points)
    left = iter(others)
    tallies = {
        remedy.name: _unlimited(remedy.world, chosen, seed, numbers, engine) if remedy.unlimited else next(left)
        for remedy in listed
        if remedy.world is not None
    }
    causes = sorted({cause for tally in case for cause in tally.terminations_by_cause})
    intervals = len(tallies) * (2 + len(causes))
    confidence = 1 - (1 - _FAMILY) / intervals
    tried = [_tried(remedy, tallies.get(remedy.name), case, causes, confidence) for remedy in listed]
    return Remedies(chosen, case, tuple(tried), Provenance.of(chosen, origin, seed, numbers, engine), intervals)


def _unlimited(world: Scenario, case: Scenario, seed: int, numbers: Sequence[int], engine: str) -> tuple[Tally, ...]:
    """Simulate without the limit, and count runs above the slots that there were."""
    slots = case.limit.slots
    counted = world.model_copy(update={"limit": world.limit.model_copy(update={"slots": slots})})
    return tuple(metrics.measure(engines.run(world, seed, each, engine=engine), counted) for each in numbers)


def _tried(
    remedy: Remedy, tallies: tuple[Tally, ...] | None, case: tuple[Tally, ...], causes: list[str], confidence: float
) -> Tried:
    if tallies is None:
        return Tried(remedy)
    killed, over = (difference(name, tallies, case, confidence) for name in (KILLED, OVER_ALLOCATION))
    by_cause, untouched = {}, []
    for cause in causes:
        after, before = (
            [float(tally.terminations_by_cause.get(cause, 0)) for tally in side] for side in (tallies, case)
        )
        by_cause[cause] = paired_difference(after, before, "kills", confidence)
        if after == before:
            untouched.append(cause)
    return Tried(remedy, tallies, killed, over, by_cause, tuple(untouched), tallies == case)


def _sign(change: Estimate) -> int:
    return -1 if change.high < 0 else 1 if change.low > 0 else 0


def _change(change: Estimate | None) -> tuple[str, str]:
    if change is None:
        return "", ""
    if change.value == 0 and not (abs(change.low) < float("inf")):
        return "0", "all alike"
    return f"{change.value:+.3g}", f"[{number(change.low)}, {number(change.high)}]"


def _with(estimate: Estimate) -> str:
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def _listed(words: Sequence[str], joint: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"
