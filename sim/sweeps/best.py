"""Which setting is best: settings are simulated, eliminated and, where there is a folder, gone on with."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sim.errors import UsageError
from sim.metrics import Tally
from sim.results.asked import is_number, whole
from sim.results.measures import known, value_of
from sim.results.origins import Origin, Source, named
from sim.results.provenance import ENGINE_FOR_MANY, SEED, Provenance
from sim.results.tables import Table, number
from sim.sweeps.eliminating import FIRST, Selection, select
from sim.sweeps.grid import Point, grid
from sim.sweeps.opening import manifest_of
from sim.sweeps.runner import pool_for
from sim.sweeps.simulate import Axes, SimulationError, checked
from sim.sweeps.store import Store, folder_of
from sim.sweeps.study import Collected, Failure, Progress, Study

BUDGET: Final = 5000
_AHEAD_MAX: Final = 200


@dataclass(frozen=True, eq=False, repr=False)
class Best:
    """The best setting, as `sim.best` returns it. Evaluate it bare for a table."""

    points: Sequence[Point]
    selection: Selection
    metric: str
    indifference: float
    confidence: float
    provenance: Provenance
    computed: int = 0
    reused: int = 0
    """Replications that were on file."""

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
            "computed": self.computed,
            "reused": self.reused,
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
        self.used = self.done = self.computed = self.reused = 0
        self.left: Sequence[int] = range(len(study.points))

    def __call__(self, at: int, replication: int) -> float:
        self.used += 1
        return self._values.pop((at, replication))

    def ready(self, left: Sequence[int], upto: int) -> None:
        """Have the replications before `upto` of the settings that are left."""
        self.left = tuple(left)
        if upto <= self._upto:
            return
        room = (self._budget - self.used) // len(left) + self._upto
        ahead = max(upto, min(self._upto + max(1, self._upto // 2), room, self._upto + _AHEAD_MAX))
        numbers = range(self._upto, ahead)
        points = [self._study.points[at] for at in left]
        collected = replace(self._study, points=points, progress=self._counted()).collect(numbers)
        if collected.failures:
            raise self._failed(collected.failures[0])
        self.computed, self.reused = self.computed + collected.computed, self.reused + collected.reused
        for at, point, tallies in zip(left, points, self._tallies(collected, points, numbers), strict=True):
            for number_, tally in zip(numbers, tallies, strict=True):
                self._values[at, number_] = self._sign * self._value(tally, point, number_)
        self._upto = ahead

    def _tallies(self, collected: Collected, points: Sequence[Point], numbers: range) -> list[tuple[Tally, ...]]:
        """Return what was collected of each point; with a folder it is there."""
        if self._study.store is None:
            return [collected.of(point, numbers) for point in points]
        filed = self._study.store.tallies(points, numbers.stop)
        return [filed.since(at, numbers.start) for at in range(len(points))]

    def _counted(self) -> Progress:
        """Return what counts the replications of a round on from those before."""
        before = self.done

        def report(done: int, _planned: int) -> None:
            self.done = before + done
            if self._study.progress:
                self._study.progress(self.done, self._budget)

        return report

    @property
    def words(self) -> str:
        """How far it got before it was interrupted."""
        points = self._study.points
        words = f"interrupted after {self.done:,} of at most {self._budget:,} replications"
        if len(self.left) == len(points):
            return words
        kept = "; ".join(_label(points[at]) for at in self.left[:5])
        return f"{words}, {len(self.left)} of {len(points)} settings left ({kept})"

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
    out: str | os.PathLike[str] | None = None,
    resume: bool = True,
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
        progress: called with the replications done and the budget.
        jobs: processes; the result does not depend on it.
        out: a folder for what is computed, as it is computed; a sweep's, which `sim.open` opens.
        resume: reuse what is in that folder; else start it again.

    Workers are kept busy by simulating up to half as many rounds again ahead; what is not used is thrown away. An
    interrupt says how far it was, and the same call goes on from what is in the folder.
    """
    chosen, origin = named(scenario)
    _sensible(metric, indifference)
    checked(engine, seed=seed, replications=FIRST, jobs=jobs, confidence=confidence)
    whole(budget=budget)
    made, points = grid(chosen, axes)
    if budget < FIRST * len(points):
        raise UsageError(f"budget = {budget}: {len(points)} settings need {FIRST * len(points)} replications at least")
    with ExitStack() as stack:
        store = None
        if out is not None:
            everywhere = Provenance.of(chosen, origin, seed, tuple(range(FIRST)), engine)
            manifest = manifest_of(everywhere, Path(origin.name).name, made, "grid")
            store = stack.enter_context(Store(folder_of(out), manifest, fresh=not resume))
            store.plan(points)
        executor = stack.enter_context(pool_for(engine, jobs)) if jobs > 1 else None
        values = _Values(Study(points, seed, engine, jobs, executor, store, progress), metric, origin, budget)
        try:
            picked = select(values, len(points), indifference, confidence, budget, wanted=values.ready)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(values.words) from None
        if store:
            store.seal(points)
    provenance = Provenance.of(chosen, origin, seed, tuple(range(max(picked.counts))), engine)
    counts = values.computed, values.reused
    return Best(points, picked, metric, indifference, confidence, provenance, *counts)


def _sensible(metric: str, indifference: float) -> None:
    """Refuse a metric that has no better direction, and a zone that is none."""
    if known(metric).better is None:
        raise UsageError(f"no value of '{metric}' is best: neither less nor more is better", "judge by another")
    if not (is_number(indifference) and 0 < indifference < math.inf):
        raise UsageError(f"indifference = {indifference!r}: must be above 0", f"in {known(metric).unit}")


def _sign(metric: str) -> int:
    return -1 if known(metric).better == "high" else 1


def _label(point: Point) -> str:
    return ", ".join(f"{key} = {value}" for key, value in point.values.items()) or "as it is"
