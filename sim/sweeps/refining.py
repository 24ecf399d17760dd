"""Points where they decide: cells across which a metric crosses a limit, or may, are split until the budget is spent.

Which cells those are follows from the results alone, so it does not matter who computes them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sim.errors import UsageError
from sim.model.load import parse_value
from sim.model.scenario import Scenario
from sim.results.goals import goal_of
from sim.stats import Estimate
from sim.sweeps.axes import Axis
from sim.sweeps.designs import Axes, is_whole
from sim.sweeps.grid import Points, axis, keyed
from sim.sweeps.ranges import Span, is_range, span_of

DEPTH: Final = 6
"""How often a cell of the first grid can be halved."""
_FINE: Final = 2**DEPTH
_AXES_MAX: Final = 3

Place = tuple[int, ...]
"""A point on the finest lattice."""
Cell = tuple[Place, Place]
"""Its lowest and its highest corner."""


@dataclass(frozen=True)
class Limit:
    """A metric and where it is enough."""

    metric: str
    value: float

    def side(self, estimate: Estimate) -> int:
        """Return -1 or 1 where the whole interval is on one side, 0 where that is not known."""
        return -1 if estimate.high <= self.value else 1 if estimate.low > self.value else 0


def limit_of(text: str) -> Limit:
    """Read ``false_terminations_per_lease_hour<=1e-2``."""
    goal = goal_of(text, "a limit")
    return Limit(goal.metric.name, goal.limit)


class Lattice:
    """The first grid and everything between: what value stands where."""

    def __init__(self, scenario: Scenario, axes: Axes) -> None:
        keyed(axes)
        if not 1 <= len(axes) <= _AXES_MAX:
            raise UsageError(f"refinement needs from 1 to {_AXES_MAX} axes, and there are {len(axes)}")
        self.scenario = scenario
        self._rulers = [_Ruler(scenario, key, values) for key, values in axes.items()]
        self._labels: list[dict[str, int]] = [{} for _ in self._rulers]
        self._described = [values if isinstance(values, str) else "" for values in axes.values()]

    def cells(self) -> list[Cell]:
        """Return the cells of the first grid."""
        steps = [range(0, (len(ruler.values) - 1) * _FINE, _FINE) for ruler in self._rulers]
        return [(low, tuple(at + _FINE for at in low)) for low in itertools.product(*steps)]

    def first(self) -> list[Place]:
        """Return the points of the first grid."""
        return list(dict.fromkeys(_corners(self.cells())))

    def halves(self, cell: Cell) -> list[Cell]:
        """Return the parts of a cell, split along every axis that has values in between; none when no axis has."""
        choices = []
        for ruler, low, high in zip(self._rulers, *cell, strict=True):
            middle = (low + high) // 2
            apart = low < middle < high and len({ruler.at(low), ruler.at(middle), ruler.at(high)}) == 3
            choices.append([(low, middle), (middle, high)] if apart else [(low, high)])
        parts = [(tuple(a for a, _ in part), tuple(b for _, b in part)) for part in itertools.product(*choices)]
        return parts if len(parts) > 1 else []

    def points(self, places: Sequence[Place]) -> tuple[tuple[Axis, ...], Points]:
        """Return axes and points, in the order of `places`."""
        codes = []
        for place in places:
            labels = [ruler.at(at) for ruler, at in zip(self._rulers, place, strict=True)]
            codes.append([seen.setdefault(label, len(seen)) for seen, label in zip(self._labels, labels, strict=True)])
        axes = tuple(
            Axis(ruler.key, tuple(map(parse_value, seen)), tuple(seen), text)
            for ruler, seen, text in zip(self._rulers, self._labels, self._described, strict=True)
        )
        points = Points(self.scenario, axes, codes)
        points.check(twins=True)
        return axes, points


class _Ruler:
    """One axis: its first values, and what stands at each mark between two of them."""

    def __init__(self, scenario: Scenario, key: str, values: Sequence[object] | str) -> None:
        self.key = key
        if isinstance(values, str) and is_range(values) and not re.search(r"/(log)?\d+\s*$", values):
            span = span_of(values)
            ends = [span.at(0), span.at(1)]
            self.values, self._log = tuple(ends), span.log
        else:
            self.values = axis(key, values).labels
            self._log = isinstance(values, str) and "/log" in values
        if len(self.values) < 2:
            raise UsageError(f"{key}: refinement needs at least two values", f"for example {key}=1m..20m")
        self._spans = [_between(key, *pair, log=self._log) for pair in itertools.pairwise(self.values)]
        self._whole = [span.numbers and is_whole(scenario, key) for span in self._spans]

    def at(self, mark: int) -> str:
        """Return the value at a mark as text."""
        index, rest = divmod(mark, _FINE)
        if not rest:
            return self.values[index]
        span = self._spans[index]
        if self._whole[index]:
            return str(round(span.inner(rest / _FINE)))
        return span.at(rest / _FINE)


def _between(key: str, low: str, high: str, *, log: bool) -> Span:
    try:
        return span_of(f"{low}..{high}{'/log' if log else ''}")
    except UsageError:
        message = f"{key}: nothing lies between {low} and {high}"
        raise UsageError(message, "refinement needs rising durations or numbers") from None


Evaluate = Callable[[Sequence[Place], int], Mapping[int, Estimate]]
"""Simulate the points from that number on, and return the metric of each that succeeded, by its number."""


def refined(lattice: Lattice, limit: Limit, budget: int, evaluate: Evaluate) -> tuple[list[Place], str]:
    """Return the points that were worth it, in the order of rounds, and in words how far it went."""
    places: dict[Place, int] = {}
    sides: dict[int, int] = {}
    cells = lattice.cells()
    if len(set(_corners(cells))) > budget:
        raise UsageError(f"the first grid alone has more than the budget of {budget:,} points", "raise --budget")
    open_: list[Cell] = cells
    while True:
        fresh = [place for place in dict.fromkeys(_corners(cells)) if place not in places]
        first = len(places)
        places.update((place, first + at) for at, place in enumerate(fresh))
        if fresh:
            sides |= {at: limit.side(each) for at, each in evaluate(list(places), first).items()}
        open_ = [cell for cell in open_ if _undecided(cell, places, sides)]
        cells, taken = [], []
        room = budget - len(places)
        for cell in open_:
            parts = lattice.halves(cell)
            new = {place for place in _corners([*cells, *parts]) if place not in places}
            if parts and len(new) <= room:
                cells += parts
                taken.append(cell)
        if not cells:
            return list(places), _words(limit, open_, lattice, len(places), budget)
        open_ = [cell for cell in open_ if cell not in taken] + cells


def _corners(cells: Sequence[Cell]) -> list[Place]:
    return [corner for low, high in cells for corner in itertools.product(*zip(low, high, strict=True))]


def _undecided(cell: Cell, places: Mapping[Place, int], sides: Mapping[int, int]) -> bool:
    """Whether the limit is crossed in a cell, or may be; a corner that failed says nothing."""
    found = {sides[places[corner]] for corner in _corners([cell]) if places[corner] in sides}
    return 0 in found or len(found) > 1


def _words(limit: Limit, cells: Sequence[Cell], lattice: Lattice, points: int, budget: int) -> str:
    finest = all(not lattice.halves(cell) for cell in cells)
    why = "no cell is left to split" if finest else f"the budget of {budget:,} points is spent"
    return f"{limit.metric} crosses {limit.value:g}, or may, in {len(cells):,} cells after {points:,} points: {why}"
