"""The points of a sweep: every combination of the values of its axes, each a scenario of its own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from sim.errors import Problem, ScenarioError, UsageError, render
from sim.model.load import override, parse_value
from sim.model.scenario import Scenario
from sim.model.wording import spelled
from sim.results.provenance import canonical, sha256
from sim.sweeps.ranges import values_of

POINTS_MAX: Final = 100_000


class AxesError(UsageError):
    """Axes that make no grid: `problems` holds everything found wrong with them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(render(self.problems))

    def __str__(self) -> str:
        return render(self.problems)


@dataclass(frozen=True)
class Axis:
    """A key of the scenario, the values it takes and how they are written."""

    key: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Point:
    """One combination: its place in the grid, its values by key as text, its scenario."""

    index: int
    values: Mapping[str, str]
    scenario: Scenario

    @cached_property
    def text(self) -> str:
        """The scenario as one line of JSON."""
        return canonical(self.scenario)

    @cached_property
    def identity(self) -> str:
        """What its results are filed under: equal scenarios have equal identities."""
        return sha256(self.scenario)[:16]

    @property
    def label(self) -> str:
        """The values in words, ``lease.ttl=1m, renewal.every=0.5``."""
        return ", ".join(f"{key}={value}" for key, value in self.values.items())


def axis(key: str, values: Sequence[object] | str) -> Axis:
    """Return an axis; text values mean what they would on the command line."""
    given = values_of(values) if isinstance(values, str) else tuple(values)
    parsed = tuple(parse_value(value) if isinstance(value, str) else value for value in given)
    return Axis(key, parsed, tuple(value if isinstance(value, str) else spelled(value) for value in given))


def grid(scenario: Scenario, axes: Mapping[str, Sequence[object] | str]) -> tuple[tuple[Axis, ...], tuple[Point, ...]]:
    """Return the axes and every point, the last axis running fastest; AxesError says all that is wrong."""
    made = tuple(axis(key, values) for key, values in axes.items())
    problems = list(_doubtful(made))
    if problems:
        raise AxesError(problems)
    total = math.prod(len(one.values) for one in made)
    if total > POINTS_MAX:
        raise UsageError(f"the sweep has {total:,} points, at most {POINTS_MAX:,}", "vary fewer keys, or fewer values")
    return made, _points(scenario, made)


def _doubtful(axes: Sequence[Axis]) -> Iterator[Problem]:
    if not axes:
        yield Problem("sweep", "varies nothing", hint='name a key and its values: {"lease.ttl": ["1m", "2m"]}')
    for one in axes:
        if not one.values:
            yield Problem(one.key, "has no values to take", hint=f"for example {one.key}=1m,2m,5m")
        for label in sorted({label for label in one.labels if one.labels.count(label) > 1}):
            yield Problem(one.key, f"the value {label} is there twice")
    for one, other in itertools.permutations(axes, 2):
        if other.key.startswith(f"{one.key}."):
            yield Problem(one.key, f"is varied, and so is {other.key} inside it", hint="vary one of the two")


def _points(scenario: Scenario, axes: Sequence[Axis]) -> tuple[Point, ...]:
    points: list[Point] = []
    found: dict[str, tuple[Problem, list[str]]] = {}
    choices = [list(zip(one.values, one.labels, strict=True)) for one in axes]
    for index, chosen in enumerate(itertools.product(*choices)):
        values = {one.key: label for one, (_, label) in zip(axes, chosen, strict=True)}
        try:
            changed = override(scenario, {one.key: value for one, (value, _) in zip(axes, chosen, strict=True)})
        except ScenarioError as error:
            label = ", ".join(f"{key}={value}" for key, value in values.items())
            for problem in error.problems:
                found.setdefault(str(problem), (problem, []))[1].append(label)
        else:
            points.append(Point(index, values, changed))
    if found:
        total = math.prod(len(choice) for choice in choices)
        raise AxesError([_placed(problem, labels, total) for problem, labels in found.values()])
    _no_twins(points)
    return tuple(points)


def _placed(problem: Problem, labels: Sequence[str], total: int) -> Problem:
    """Say at which points it happens, unless that is everywhere or the value itself says so."""
    if problem.value is not None or len(labels) == total:
        return problem
    more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
    return replace(problem, message=f"{problem.message} (at {labels[0]}{more})")


def _no_twins(points: Sequence[Point]) -> None:
    """Two ways to write one value, such as 60s and 1m, would count it twice."""
    seen: dict[str, Point] = {}
    for point in points:
        twin = seen.setdefault(point.identity, point)
        if twin is not point:
            key = next((key for key in point.values if point.values[key] != twin.values[key]), "")
            same = f"{twin.values[key]} and {point.values[key]} are the same value"
            raise AxesError([Problem(key, same, hint="leave one of them out")])
