"""The search: an even first look over the space, then Optuna's sampler where it promises most, in rounds of fixed size.

Rounds are simulated side by side and heard in order, so it does not matter how many processes there are. Nothing is
kept of the sampler: started again with the same seed it asks for the same candidates, which are then on file.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from sim.errors import UsageError
from sim.model.scenario import Scenario
from sim.sweeps.designs import unit_cube
from sim.sweeps.grid import Point
from sim.tuning.bench import Bench, Labels, Refusals, Tallies, built
from sim.tuning.judging import UNKNOWN, Candidate, Judge
from sim.tuning.space import Knob, spread

if TYPE_CHECKING:
    import optuna

ROUND: Final = 16
"""Candidates simulated before the sampler is asked again."""
FIRST_SHARE: Final = 0.4
"""Share of the budget that looks at the space evenly."""
_ASKED_MAX: Final = 30
"""Settings asked for, for each candidate of the budget: refused ones and repetitions cost a question each."""
_WORST: Final = 1e12

Params = dict[str, Any]


class Seen(Enum):
    """A setting that is no candidate: it cannot be, or it is about to become one."""

    REFUSED = "refused"
    WAITING = "waiting"


@dataclass
class Search:
    """What is searched, with what came of it."""

    scenario: Scenario
    knobs: Sequence[Knob]
    judge: Judge
    bench: Bench
    budget: int
    seed: int
    candidates: list[Candidate] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)
    _known: dict[str, Candidate | Seen] = field(default_factory=dict)
    """By the identity of the scenario."""
    _met_today: bool = False
    """Whether today's setting is in the space."""

    def run(self) -> None:
        """Look at candidates until the budget is spent, or there are no more."""
        if math.prod(knob.count for knob in self.knobs) <= self.budget:
            self._everything()
        else:
            self._sampled()
        if len(self.candidates) == 1 and self.refusals.count and not self._met_today:
            rules = "; ".join(self.refusals.lines())
            raise UsageError(
                f"every setting that was tried is refused: {self.refusals.count:,}, {rules}",
                "a wider or another range; keys that one rule joins are turned together: renewal.every+renewal.backoff",
            )

    def today(self, point: Point, tallies: Tallies) -> None:
        """Take in the setting as it is."""
        self.candidates.append(self.judge.candidate(0, point, tallies))
        self._known[point.identity] = self.candidates[0]

    # ------------------------------------------------------------------ every combination

    def _everything(self) -> None:
        labels = [knob.labels or [knob.label(at / knob.count) for at in range(int(knob.count))] for knob in self.knobs]
        new = [
            point
            for values in itertools.product(*labels)
            if isinstance(point := self._point(spread(self.knobs, values)), Point)
        ]
        for start in range(0, len(new), ROUND):
            self._simulated(new[start : start + ROUND])

    # ------------------------------------------------------------------ sampled

    def _sampled(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study = optuna.create_study(
                sampler=optuna.samplers.TPESampler(seed=self.seed % 2**32, multivariate=True, n_startup_trials=ROUND),
                directions=["minimize"] * len(self.judge.goals.minimise),
            )
            for params in self._even():
                study.enqueue_trial(params)
            asked = 0
            while len(self.candidates) <= self.budget and asked < _ASKED_MAX * self.budget:
                asked += self._round(study)

    def _even(self) -> Iterator[Params]:
        count = max(ROUND, math.ceil(FIRST_SHARE * self.budget))
        for shares in unit_cube("sobol", len(self.knobs), count, self.seed):
            yield {knob.key: _param(knob, float(share)) for knob, share in zip(self.knobs, shares, strict=True)}

    def _round(self, study: optuna.Study) -> int:
        """Ask for a round of new candidates, simulate them and tell; return how many were asked for."""
        import optuna

        space = {knob.key: _distribution(knob) for knob in self.knobs}
        waiting: list[tuple[optuna.Trial, Point]] = []
        asked, room = 0, min(ROUND, self.budget + 1 - len(self.candidates))
        while len(waiting) < room and asked < 4 * ROUND:
            asked += 1
            trial = study.ask(space)
            values = [knob.label(_place(trial.params[knob.key], knob)) for knob in self.knobs]
            point = self._point(spread(self.knobs, values))
            if isinstance(point, Point):
                waiting.append((trial, point))
            elif point is Seen.WAITING:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)  # says nothing
            else:
                self._tell(study, trial, point if isinstance(point, Candidate) else None)
        for (trial, _), found in zip(waiting, self._simulated([point for _, point in waiting]), strict=True):
            self._tell(study, trial, found)
        return asked

    def _tell(self, study: optuna.Study, trial: optuna.Trial, found: Candidate | None) -> None:
        """Tell the sampler what came of it; what cannot be is as far beyond every limit as anything."""
        goals = self.judge.goals
        values = [found.value(metric) if found else _WORST for metric in goals.minimise]
        excess = self.judge.excess(found) if found else [UNKNOWN] * len(goals.constraints)
        there = found is not None and all(map(math.isfinite, values))
        trial.set_constraint("there", 0.0 if there else UNKNOWN)
        for constraint, value in zip(goals.constraints, excess, strict=True):
            trial.set_constraint(constraint.text, value)
        study.tell(trial, [value if math.isfinite(value) else _WORST for value in values])

    # ------------------------------------------------------------------ both

    def _point(self, labels: Labels) -> Point | Candidate | Seen:
        """Return a new point, or the candidate where it was simulated before."""
        point = built(self.scenario, labels, len(self.bench.points))
        if not isinstance(point, Point):
            self.refusals.note(labels, point)
            return Seen.REFUSED
        if point.identity in self._known:
            self._met_today |= self._known[point.identity] is self.candidates[0]
            return self._known[point.identity]
        self._known[point.identity] = Seen.WAITING
        return point

    def _simulated(self, points: Sequence[Point]) -> list[Candidate | None]:
        first = len(self.bench.points)
        placed = [Point(first + at, point.values, point.scenario) for at, point in enumerate(points)]
        made: list[Candidate | None] = []
        for point, tallies in zip(placed, self.bench.run(placed), strict=True):
            if isinstance(tallies, str):
                self.refusals.note(point.values, [f"simulation failed: {tallies}"])
                self._known[point.identity] = Seen.REFUSED
                made.append(None)
                continue
            candidate = self.judge.candidate(len(self.candidates), point, tallies)
            self.candidates.append(candidate)
            self._known[point.identity] = candidate
            made.append(candidate)
        return made


def _distribution(knob: Knob) -> optuna.distributions.BaseDistribution:
    import optuna

    if knob.span is not None:
        return optuna.distributions.FloatDistribution(0.0, 1.0)
    if knob.ordered:
        return optuna.distributions.IntDistribution(0, len(knob.labels) - 1)
    return optuna.distributions.CategoricalDistribution(knob.labels)


def _param(knob: Knob, share: float) -> Any:
    if knob.span is not None:
        return share
    at = min(int(share * len(knob.labels)), len(knob.labels) - 1)
    return at if knob.ordered else knob.labels[at]


def _place(param: Any, knob: Knob) -> float:
    if knob.span is not None or knob.ordered:
        return float(param)
    return knob.labels.index(param)
