"""Which setting is best: sequential elimination on common random numbers, replications spent where they decide.

The procedure KN of Kim and Nelson (2001): every setting gets `FIRST` replications; then all that are left get one more
at a time, and a setting goes when another is ahead by more than chance, in its pair's own variance, could explain. If
values are normal, the setting kept is the best with the stated probability whenever the best is ahead of the next by
the indifference zone; among settings closer than that, a good one is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.metrics import Tally
from sim.results.measures import known, value_of
from sim.results.origins import Origin, Source, named
from sim.results.provenance import ENGINE_FOR_MANY, SEED, Provenance
from sim.results.tables import Table, number
from sim.sweeps.grid import Point, grid
from sim.sweeps.runner import pool_for
from sim.sweeps.simulate import Axes, SimulationError, checked
from sim.sweeps.study import Failure, Progress, Study

FIRST: Final = 20
"""Replications of every setting before any is eliminated."""
BUDGET: Final = 5000
_AHEAD_MAX: Final = 200

Array = npt.NDArray[np.float64]
Sampler = Callable[[int, int], float]
"""The value (smaller is better) of a setting in a replication; replications share their random numbers."""


@dataclass(frozen=True)
class Selection:
    """What elimination came to."""

    left: tuple[int, ...]
    """The settings not eliminated: one if it is decided."""
    means: tuple[float, ...]
    counts: tuple[int, ...]
    """Replications of each setting."""

    @property
    def decided(self) -> bool:
        """Whether one setting is left."""
        return len(self.left) == 1

    @property
    def best(self) -> int:
        """The one left, or of several that with the smallest mean."""
        return min(self.left, key=lambda at: self.means[at])


def select(
    sample: Sampler,
    settings: int,
    indifference: float,
    confidence: float,
    budget: int,
    first: int = FIRST,
    wanted: Callable[[Sequence[int], int], None] | None = None,
) -> Selection:
    """Eliminate settings until one is left or `budget` replications (of all together) are spent.

    `wanted` is told before each round which settings are left, and up to which replication they will be sampled.
    """
    if wanted:
        wanted(range(settings), first)
    values = [[sample(at, n) for n in range(first)] for at in range(settings)]
    if settings == 1:
        return Selection((0,), (float(np.mean(values[0])),), (first,))
    eta = 0.5 * ((2 * (1 - confidence) / (settings - 1)) ** (-2 / (first - 1)) - 1)
    h2 = 2 * eta * (first - 1)
    start = np.array(values)
    spread = np.array([[float((start[i] - start[j]).var(ddof=1)) for j in range(settings)] for i in range(settings)])
    left, count = list(range(settings)), first
    while True:
        means = {at: float(np.mean(values[at])) for at in left}
        left = [i for i in left if all(_stays(means[i] - means[j], spread[i, j], count, h2, indifference)
                                       for j in left if j != i)]  # fmt: skip
        if len(left) <= 1 or sum(map(len, values)) + len(left) > budget:
            break
        if wanted:
            wanted(left, count + 1)
        for at in left:
            values[at].append(sample(at, count))
        count += 1
    return Selection(tuple(left), tuple(float(np.mean(v)) for v in values), tuple(map(len, values)))


def _stays(behind: float, variance: float, count: int, h2: float, indifference: float) -> bool:
    """Whether a setting that much behind another may still be better."""
    return behind <= max(0.0, indifference / (2 * count) * (h2 * variance / indifference**2 - count))


@dataclass(frozen=True, eq=False, repr=False)
class Best:
    """The best setting, as `sim.best` returns it. Evaluate it bare for a table."""

    points: Sequence[Point]
    selection: Selection
    metric: str
    indifference: float
    confidence: float
    provenance: Provenance

    @property
    def values(self) -> dict[str, str]:
        """The setting that is best, by dotted key."""
        return dict(self.points[self.selection.best].values)

    def as_json(self) -> dict[str, Any]:
        """Return the choice, all settings and provenance as a JSON object."""
        s, sign = self.selection, _sign(self.metric)
        rows = zip(self.points, s.means, s.counts, strict=True)
        return {
            "best": self.values,
            "decided": s.decided,
            "metric": self.metric,
            "indifference": self.indifference,
            "confidence": self.confidence,
            "settings": [
                {"values": dict(p.values), "mean": sign * mean, "n": n, "eliminated": at not in s.left}
                for at, (p, mean, n) in enumerate(rows)
            ],
            "provenance": self.provenance.as_json(),
        }

    def table(self) -> Table:
        """Return what `repr` shows."""
        s, unit, sign = self.selection, known(self.metric).unit, _sign(self.metric)
        rows = [
            (_label(p), number(sign * s.means[at]), f"{s.counts[at]:,}", "left" if at in s.left else "eliminated")
            for at, p in enumerate(self.points)
        ]
        head = f"best by {self.metric}, mean over replications on common random numbers, seed {self.provenance.seed}"
        zone = f"differences below {number(self.indifference)} {unit} do not matter"
        if s.decided:
            chance = f"with probability {self.confidence:.0%} or more if values are normal"
            note = f"best: {_label(self.points[s.best])}, {chance}"
        else:
            leads = f"{_label(self.points[s.best])} has the best mean"
            note = f"not decided within the budget: {len(s.left)} are left, {leads}"
        notes = [note, f"replay one: {self.provenance.replay(0, self.points[s.best].values)}"]
        return Table([head, zone], ("setting", f"mean, {unit}", "replications", ""), rows, notes, frozenset({1, 2}))

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()


class _Values:
    """The metric of each setting, replication by replication, simulated some rounds ahead so that workers have work."""

    def __init__(self, study: Study, metric: str, origin: Origin, budget: int) -> None:
        self._study, self._metric, self._origin = study, metric, origin
        self._sign, self._budget = _sign(metric), budget
        self._values: dict[tuple[int, int], float] = {}
        self._upto = 0
        self.used = 0
        self.left: Sequence[int] = range(len(study.points))

    def __call__(self, at: int, replication: int) -> float:
        self.used += 1
        return self._values.pop((at, replication))

    def ready(self, left: Sequence[int], upto: int) -> None:
        """Have the replications before `upto` of the settings that are left."""
        self.left = tuple(left)
        if self._study.progress:
            self._study.progress(min(self.used, self._budget), self._budget)
        if upto <= self._upto:
            return
        room = (self._budget - self.used) // len(left) + self._upto
        ahead = max(upto, min(self._upto + max(1, self._upto // 2), room, self._upto + _AHEAD_MAX))
        numbers = range(self._upto, ahead)
        points = [self._study.points[at] for at in left]
        collected = replace(self._study, points=points, progress=None).collect(numbers)
        if collected.failures:
            raise self._failed(collected.failures[0])
        for at, point in zip(left, points, strict=True):
            for number_, tally in zip(numbers, collected.of(point, numbers), strict=True):
                self._values[at, number_] = self._sign * self._value(tally, point, number_)
        self._upto = ahead

    def _value(self, tally: Tally, point: Point, replication: int) -> float:
        value = value_of(tally, self._metric)
        if math.isnan(value):
            where = f"in replication {replication} of {_label(point)}"
            raise UsageError(f"'{self._metric}' has no value {where}", "simulate longer")
        return value

    def _failed(self, failure: Failure) -> SimulationError:
        where = f"{', '.join(f'{k} = {v}' for k, v in failure.values.items())}, replication {failure.replication}"
        origin = Provenance.of(self._study.points[0].scenario, self._origin, self._study.seed, (), self._study.engine)
        line = origin.replay(failure.replication, failure.values)
        error = SimulationError(f"{where} failed: {failure.error}\n  replay: {line}")
        error.add_note(failure.detail)
        return error


def best(
    scenario: Source,
    axes: Axes,
    metric: str,
    indifference: float,
    confidence: float = 0.95,
    budget: int = BUDGET,
    seed: int = SEED,
    engine: str = ENGINE_FOR_MANY,
    progress: Progress | None = None,
    jobs: int = 1,
) -> Best:
    """Find the best of all combinations of values by one metric, eliminating the others as soon as that is safe.

    Args:
        scenario: a scenario, or the name or path of one.
        axes: dotted keys and their values, as for `sim.sweep`.
        metric: what to judge by, replication by replication.
        indifference: the smallest difference that matters, in the metric's unit.
        confidence: probability of choosing the best where it leads by `indifference`.
        budget: replications at most, of all settings together.
        seed: same seed, same numbers.
        engine: "auto", the compiled one where it can run; all engines give the same results.
        progress: called with the replications used and the budget.
        jobs: processes; the result does not depend on it.

    Workers are kept busy by simulating up to half as many rounds again ahead; what is not used is thrown away. An
    interrupt says how far it was.
    """
    chosen, origin = named(scenario)
    known(metric)
    checked(engine, seed=seed, replications=FIRST, jobs=jobs, confidence=confidence)
    _, points = grid(chosen, axes)
    if not 0 < indifference < math.inf:
        raise UsageError(f"indifference = {indifference}: must be above 0", f"in {known(metric).unit}")
    if budget < FIRST * len(points):
        raise UsageError(f"budget = {budget}: {len(points)} settings need {FIRST * len(points)} replications at least")
    with ExitStack() as stack:
        executor = stack.enter_context(pool_for(engine, jobs)) if jobs > 1 else None
        values = _Values(Study(points, seed, engine, jobs, executor, progress=progress), metric, origin, budget)
        try:
            picked = select(values, len(points), indifference, confidence, budget, wanted=values.ready)
        except KeyboardInterrupt:
            words = f"interrupted after {values.used:,} of at most {budget:,} replications"
            if len(values.left) < len(points):
                kept = "; ".join(_label(points[at]) for at in values.left[:5])
                words += f": {len(values.left)} of {len(points)} settings were left ({kept})"
            raise KeyboardInterrupt(f"{words}; the same command begins anew") from None
    numbers = tuple(range(max(picked.counts)))
    return Best(points, picked, metric, indifference, confidence, Provenance.of(chosen, origin, seed, numbers, engine))


def _sign(metric: str) -> int:
    return -1 if known(metric).better == "high" else 1


def _label(point: Point) -> str:
    return ", ".join(f"{key} = {value}" for key, value in point.values.items()) or "as it is"
