"""Service levels judged one after another on the same replications, until each is decided or the budget is spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from sim.errors import UsageError
from sim.metrics import Tally, causes_of
from sim.model.scenario import Scenario
from sim.results.goals import Goal
from sim.results.measures import cause_lines, known, value_of, worst_index
from sim.results.origins import Source, named
from sim.results.provenance import ENGINE_FOR_MANY, Provenance
from sim.stats import Estimate
from sim.sweeps.grid import Point
from sim.sweeps.simulate import SimulationError, checked
from sim.sweeps.study import Study
from sim.testing.betting import Evidence, replications_for
from sim.testing.ceilings import ceiling_over, ceiling_under, parts
from sim.testing.goals import goals
from sim.testing.session import session

Outcome = Literal["holds", "violated", "undecided"]

PILOT: Final = 20
"""Replications set apart to find the ceilings; they are no evidence."""
_FIRST_LOOK: Final = 20
_GROWTH: Final = 1.3


@dataclass(frozen=True)
class Verdict:
    """What became of one service level."""

    goal: Goal
    outcome: Outcome
    estimate: Estimate
    """Value and bounds; each bound by itself is wrong with probability `alpha` at most, whenever one stopped."""
    alpha: float
    """The chance of a wrong verdict, at most."""
    ceiling: float
    """What one replication was assumed to add above the line at most: events or seconds."""
    exceeded: int
    """Replications that added more."""
    worst: int
    """The worst replication."""
    worst_value: float
    needed: int | None = None
    """For what is undecided: about so many replications in all, if the others are like these."""


@dataclass(frozen=True)
class Judgement:
    """All service levels of a scenario, as `judge` returns them."""

    scenario: Scenario
    provenance: Provenance
    confidence: float
    budget: int
    verdicts: tuple[Verdict, ...]
    tallies: tuple[Tally, ...]
    """Of every replication that was simulated; the first `PILOT` only set the ceilings."""

    @property
    def holds(self) -> bool:
        """Whether every service level was shown to hold."""
        return all(verdict.outcome == "holds" for verdict in self.verdicts)

    def replay(self, verdict: Verdict) -> str:
        """Return the command that shows the worst replication."""
        return self.provenance.replay(verdict.worst)

    def causes(self) -> list[str]:
        """Say what the trouble was due to."""
        return list(cause_lines(causes_of(self.tallies), causes_of(self.tallies, of="over_allocation")))


def judge(
    scenario: Source,
    *slos: str,
    confidence: float = 0.99,
    budget: int | None = None,
    seed: int | None = None,
    engine: str = ENGINE_FOR_MANY,
    jobs: int = 1,
    ceilings: Mapping[str, float] | None = None,
) -> Judgement:
    """Simulate until each service level is shown to hold or to be violated, or the budget is spent.

    Args:
        scenario: a scenario, or the name or path of one.
        slos: such as ``"false_terminations_per_lease_hour <= 1e-3"``, about the mean over all replications there could
            be; units as in the table of metrics.
        confidence: one minus the chance that any of the verdicts is wrong (Bonferroni), whenever it was reached.
        budget: replications at most; by default the session's, 2,000.
        seed: same seed, same verdicts; by default the session's, 1.
        engine: "auto", the compiled one where it can run; all engines give the same results.
        jobs: processes; the verdict does not depend on it.
        ceilings: for a metric, what one replication adds above the line at most (kills, seconds), instead of the rule.
    """
    wanted = goals(slos)
    chosen, origin = named(scenario)
    seed = session().seed if seed is None else seed
    budget = session().budget if budget is None else budget
    _check(confidence, budget, ceilings or {})
    checked(engine, seed=seed, replications=budget, jobs=jobs)
    study = Study((Point(0, {}, chosen),), seed, engine, jobs)

    def more(start: int, stop: int) -> list[Tally]:
        return _simulated(study, start, stop, origin.name)

    verdicts, tallies = decide(chosen, wanted, more, confidence, budget, ceilings)
    provenance = Provenance.of(chosen, origin, seed, tuple(range(len(tallies))), engine)
    return Judgement(chosen, provenance, confidence, budget, verdicts, tallies)


def decide(
    scenario: Scenario,
    wanted: Sequence[Goal],
    more: Callable[[int, int], Sequence[Tally]],
    confidence: float,
    budget: int,
    ceilings: Mapping[str, float] | None = None,
) -> tuple[tuple[Verdict, ...], tuple[Tally, ...]]:
    """Ask `more` for replications `[start, stop)` until every goal is decided or the budget is spent."""
    tallies = list(more(0, PILOT))
    bench = _Bench(scenario, wanted, (1 - confidence) / len(wanted), tallies, ceilings or {})
    count = PILOT + _FIRST_LOOK
    while True:
        count = min(count, budget)
        tallies += more(len(tallies), count)
        if bench.look(tallies) or count == budget:
            return bench.verdicts(tallies), tuple(tallies)
        count = math.ceil(count * _GROWTH)


class _Bench:
    """Judges every goal at each look; what is decided stays decided."""

    def __init__(
        self,
        scenario: Scenario,
        wanted: Sequence[Goal],
        alpha: float,
        pilot: Sequence[Tally],
        ceilings: Mapping[str, float],
    ) -> None:
        self._alpha, self._wanted = alpha, wanted
        self._decided: dict[int, Verdict] = {}
        self._most: list[tuple[float, float]] = []
        self._rows: list[list[tuple[float, float]]] = [[] for _ in wanted]
        for goal in wanted:
            over, under = zip(*(parts(goal.metric, tally) for tally in pilot), strict=True)
            most = ceilings.get(goal.metric.name, ceiling_over(goal.metric, scenario, over))
            self._most.append((most, ceiling_under(goal.metric, scenario, under)))

    def look(self, tallies: Sequence[Tally]) -> bool:
        """Judge what is open still; return whether everything is decided."""
        for index in range(len(self._wanted)):
            if index not in self._decided:
                outcome = self._outcome(index, tallies)
                if outcome != "undecided":
                    self._decided[index] = self._verdict(index, outcome, tallies)
        return len(self._decided) == len(self._wanted)

    def verdicts(self, tallies: Sequence[Tally]) -> tuple[Verdict, ...]:
        """Return all verdicts; what is open is undecided."""
        return tuple(
            self._decided.get(index) or self._verdict(index, "undecided", tallies) for index in range(len(self._wanted))
        )

    def _evidence(self, index: int, tallies: Sequence[Tally]) -> Evidence:
        metric, rows = self._wanted[index].metric, self._rows[index]
        rows += [parts(metric, tally) for tally in tallies[PILOT + len(rows) :]]
        over, under = np.array(rows, dtype=np.float64).T
        return Evidence(over, under, *self._most[index])

    def _outcome(self, index: int, tallies: Sequence[Tally]) -> Outcome:
        goal, evidence, target = self._wanted[index], self._evidence(index, tallies), -math.log(self._alpha)
        is_less = evidence.against_more(goal.limit) >= target
        if not is_less and evidence.against_less(goal.limit) < target:
            return "undecided"
        return "holds" if is_less == goal.at_most else "violated"

    def _verdict(self, index: int, outcome: Outcome, tallies: Sequence[Tally]) -> Verdict:
        goal, evidence = self._wanted[index], self._evidence(index, tallies)
        worst = worst_index(tallies, goal.metric.name)
        return Verdict(
            goal,
            outcome,
            _estimate(evidence, goal, self._alpha),
            self._alpha,
            evidence.most_over,
            int((evidence.over > evidence.most_over).sum()),
            worst,
            value_of(tallies[worst], goal.metric.name),
            _needed(evidence, goal, self._alpha) if outcome == "undecided" else None,
        )


def _estimate(evidence: Evidence, goal: Goal, alpha: float) -> Estimate:
    low, high = evidence.low(alpha), min(evidence.high(alpha), goal.metric.most)
    method = "betting, anytime-valid; each bound by itself"
    return Estimate(evidence.ratio, low, high, goal.metric.unit, evidence.n, method, 1 - alpha)


def _needed(evidence: Evidence, goal: Goal, alpha: float) -> int | None:
    """Return about how many replications would decide it, the pilot included."""
    less = evidence.ratio < goal.limit or math.isnan(evidence.ratio)
    grown = evidence.grown_against_more(goal.limit) if less else evidence.grown_against_less(goal.limit)
    found = replications_for(grown, evidence.n, alpha)
    return None if found is None else found + PILOT


def _simulated(study: Study, start: int, stop: int, name: str) -> list[Tally]:
    collected = study.collect(range(start, stop))
    if collected.failures:
        first = collected.failures[0]
        error = SimulationError(f"{name}: replication {first.replication} failed: {first.error}")
        error.add_note(first.detail)
        raise error
    return list(collected.of(study.points[0], range(start, stop)))


def _check(confidence: float, budget: int, ceilings: Mapping[str, float]) -> None:
    for name, value, kinds in (("confidence", confidence, (int, float)), ("budget", budget, (int,))):
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise UsageError(f"{name} = {value!r}: must be a number", "for example 0.99" if float in kinds else "2_000")
    if not 0.5 <= confidence < 1:
        raise UsageError(f"confidence = {confidence}: must be at least 0.5 and below 1", "for example 0.99")
    if budget <= PILOT + _FIRST_LOOK:
        raise UsageError(
            f"budget = {budget}: must be above {PILOT + _FIRST_LOOK} replications",
            f"the first {PILOT} only set the ceilings, and a rate takes some more to see",
        )
    for name, most in ceilings.items():
        known(name)
        if not 0 < most < math.inf:
            raise UsageError(f"ceilings: {name} = {most}: must be above 0 and finite")


def as_told(judgement: Judgement) -> list[dict[str, Any]]:
    """Return each verdict as plain data, for the summary of a test session."""
    name = judgement.provenance.title
    return [
        {
            "scenario": name,
            "slo": str(v.goal),
            "outcome": v.outcome,
            **v.estimate.as_json(),
            "confidence": judgement.confidence,
            "worst": v.worst,
            "replay": judgement.replay(v),
        }
        for v in judgement.verdicts
    ]
