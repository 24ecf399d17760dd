"""From what was asked to points, and from points to a result: at once, or round by round where points are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sim import metrics
from sim.errors import UsageError
from sim.metrics import METRICS, Tally
from sim.model.scenario import Scenario
from sim.results.asked import whole
from sim.results.provenance import Provenance
from sim.stats import Estimate
from sim.sweeps.axes import Axis
from sim.sweeps.designs import Axes, lay_out
from sim.sweeps.grid import POINTS_MAX, Points
from sim.sweeps.refining import Lattice, Limit, Place, limit_of, refined
from sim.sweeps.study import Failure, Study
from sim.sweeps.swept import Sweep

BUDGET: Final = 200
"""Points at most, where there is something to refine."""

Tallies = Mapping[int, tuple[Tally, ...]]


@dataclass(frozen=True)
class Plan:
    """The points to begin with, and what is to be refined."""

    text: str
    axes: tuple[Axis, ...]
    points: Points
    lattice: Lattice | None = None
    limit: Limit | None = None
    budget: int = BUDGET


def planned(scenario: Scenario, axes: Axes, design: str, seed: int, refine: str | None, budget: int | None) -> Plan:
    """Return the plan of a sweep; bad input is refused before anything is simulated."""
    if refine is None:
        if budget is not None:
            raise UsageError(f"budget = {budget}: there is nothing to refine", "say what: refine METRIC<=LIMIT")
        return Plan(design, *lay_out(scenario, axes, design, seed))
    if design != "grid":
        raise UsageError(f"design '{design}' is not refined", "leave --design out: refinement begins with a grid")
    budget = BUDGET if budget is None else budget
    whole(budget=budget)
    if not 1 <= budget <= POINTS_MAX:
        raise UsageError(f"budget = {budget}: must be from 1 to {POINTS_MAX:,}")
    limit, lattice = limit_of(refine), Lattice(scenario, axes)
    made = lattice.points(lattice.first())
    return Plan(f"refine {limit.metric}<={limit.value:g}", *made, lattice, limit, budget)


def worked_through(
    plan: Plan, study: Study, numbers: Sequence[int], scenario: Scenario, provenance: Provenance
) -> Sweep:
    """Simulate a plan, and return what came of it."""
    rounds = _Rounds(study, numbers)
    remarks: tuple[str, ...] = ()
    axes = plan.axes
    if plan.lattice is None or plan.limit is None:
        rounds.add(plan.points, 0)
    else:
        lattice, limit = plan.lattice, plan.limit

        def evaluate(places: Sequence[Place], first: int) -> Mapping[int, Estimate]:
            nonlocal axes
            axes, points = lattice.points(places)
            rounds.add(points, first)
            found = rounds.since(first)
            return {at: metrics.estimate(METRICS[limit.metric], tallies) for at, tallies in found.items()}

        remarks = (refined(lattice, limit, plan.budget, evaluate)[1],)
    if study.store and remarks:
        study.store.remark(remarks)
    folder = study.store.folder if study.store else None
    failures = tuple(sorted(rounds.failures, key=lambda failure: (failure.point, failure.replication)))
    counts = rounds.computed, rounds.reused
    return Sweep(scenario, axes, rounds.points, rounds.sealed(), failures, provenance, *counts, folder, remarks)


class _Rounds:
    """Simulates ever more points, and remembers what was there before."""

    def __init__(self, study: Study, numbers: Sequence[int]) -> None:
        self._study, self._numbers = study, numbers
        self.points = study.points
        self.computed = self.reused = 0
        self.failures: list[Failure] = []
        self._tallies: dict[int, tuple[Tally, ...]] = {}

    def add(self, points: Points, first: int) -> None:
        """Simulate the points from `first` on."""
        self.points = points
        store = self._study.store
        if store:
            store.plan(points)
        collected = replace(self._study, points=points, first=first).collect(self._numbers)
        self.computed += collected.computed
        self.reused += collected.reused
        self.failures += collected.failures
        if not store:
            whole = [point for point in points[first:] if collected.whole(point, self._numbers)]
            self._tallies |= {point.index: collected.of(point, self._numbers) for point in whole}

    def since(self, first: int) -> Tallies:
        """Return the tallies of the points from `first` on that have them all."""
        store = self._study.store
        known = store.tallies(self.points, len(self._numbers)) if store else self._tallies
        return {index: known[index] for index in range(first, len(self.points)) if index in known}

    def sealed(self) -> Tallies:
        """Return the tallies of all points, in order and, where there is a folder, from there."""
        store = self._study.store
        if store is None:
            return self._tallies
        store.seal(self.points)
        return store.tallies(self.points, len(self._numbers))
