"""The points of a sweep: every combination of the values of its axes, each a scenario of its own."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final, overload

from sim.errors import Problem, ScenarioError, UsageError, render
from sim.model.load import derived, override, parse_value
from sim.model.scenario import Scenario
from sim.model.wording import spelled
from sim.results.provenance import WORDS, canonical, sha256
from sim.sweeps.axes import Axis
from sim.sweeps.ranges import values_of
from sim.sweeps.splicing import splicer

POINTS_MAX: Final = 1_000_000
_UNORDERED: Final = (Set, Mapping, bytes)
"""What can be gone through and is no list of values: the order of a set is another one in every process."""


class AxesError(UsageError):
    """Axes that make no grid: `problems` holds everything found wrong with them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(render(self.problems))

    def __str__(self) -> str:
        return render(self.problems)


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
    several: object = values
    if not isinstance(several, Iterable) or isinstance(several, _UNORDERED):
        raise UsageError(
            f"{key} = {values!r}: an axis takes several values, in an order", f'for example {{"{key}": ["1m", "2m"]}}'
        )
    given = values_of(values) if isinstance(values, str) else tuple(values)
    parsed = tuple(parse_value(value) if isinstance(value, str) else value for value in given)
    return Axis(key, parsed, tuple(value if isinstance(value, str) else spelled(value) for value in given))


def grid(scenario: Scenario, axes: Mapping[str, Sequence[object] | str]) -> tuple[tuple[Axis, ...], Points]:
    """Return the axes and every point, the last axis running fastest; AxesError says all that is wrong."""
    made = tuple(axis(key, values) for key, values in axes.items())
    problems = list(doubtful(made))
    if problems:
        raise AxesError(problems)
    total = math.prod(len(one.values) for one in made)
    if total > POINTS_MAX:
        raise UsageError(f"the sweep has {total:,} points, at most {POINTS_MAX:,}", "vary fewer keys, or fewer values")
    codes = list(itertools.product(*(range(len(one.values)) for one in made)))
    points = Points(scenario, made, codes)
    points.check(twins=False)
    return made, points


def keyed(axes: object) -> None:
    """Refuse what is no table of keys."""
    if not isinstance(axes, Mapping) or not all(isinstance(key, str) for key in axes):
        raise UsageError(f"axes = {axes!r}: must be keys and values", 'for example {"lease.ttl": ["1m", "2m"]}')


def doubtful(axes: Sequence[Axis], *, twice: bool = False) -> Iterator[Problem]:
    """Yield what is wrong with axes by themselves; in a list a value may be there `twice`."""
    if not axes:
        yield Problem("sweep", "varies nothing", hint='name a key and its values: {"lease.ttl": ["1m", "2m"]}')
    for one in axes:
        if not one.values:
            yield Problem(one.key, "has no values to take", hint=f"for example {one.key}=1m,2m,5m")
        often = Counter(() if twice else one.labels)
        for label in sorted(label for label, count in often.items() if count > 1):
            yield Problem(one.key, f"the value {label} is there twice")
    for one, other in itertools.permutations(axes, 2):
        if other.key.startswith(f"{one.key}."):
            yield Problem(one.key, f"is varied, and so is {other.key} inside it", hint="vary one of the two")


class Points(Sequence[Point]):
    """The points of a design. Their scenarios are made when asked for: a million of them would fill a memory."""

    def __init__(self, scenario: Scenario, axes: Sequence[Axis], codes: Sequence[Sequence[int]]) -> None:
        self._scenario, self._axes, self._codes = scenario, tuple(axes), codes
        self.identities: list[str] = []
        """Of each point; there once `check` has been through, or they were on file."""
        self._splicer = splicer(scenario, self._axes) if len(codes) > 1 else None
        self._made = lru_cache(maxsize=4096)(self._make)

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, index: int) -> Point: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Point, ...]: ...
    def __getitem__(self, index: int | slice) -> Point | tuple[Point, ...]:
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._made(index % len(self))

    def _make(self, index: int) -> Point:
        spliced = self._splicer.at(self._codes[index]) if self._splicer else None
        changed = (
            derived(spliced.scenario, self._scenario, [one.key for one in self._axes])
            if spliced
            else override(self._scenario, dict(self._chosen(index)))
        )
        point = Point(index, self.labels(index), changed)
        if spliced:
            point.__dict__["text"] = spliced.text
            point.__dict__["identity"] = spliced.sha256[:16]
        if self.identities:
            point.__dict__["identity"] = self.identities[index]
        return point

    def _identity(self, index: int) -> str:
        spliced = self._splicer.at(self._codes[index]) if self._splicer else None
        return spliced.sha256[:16] if spliced else self._make(index).identity

    def _chosen(self, index: int) -> Iterator[tuple[str, Any]]:
        for axis_, code in zip(self._axes, self._codes[index], strict=True):
            yield axis_.key, axis_.values[code]

    def labels(self, index: int) -> dict[str, str]:
        """Return the values of a point as text, by key."""
        return {a.key: a.labels[code] for a, code in zip(self._axes, self._codes[index], strict=True)}

    def check(self, *, twins: bool) -> None:
        """Go through all points; AxesError says what is wrong with any, and, without `twins`, which are the same."""
        found: dict[str, tuple[Problem, list[str]]] = {}
        seen: dict[str, int] = {}
        known: list[str] = []
        for index in range(len(self)):
            try:
                identity = self._identity(index)
            except ScenarioError as error:
                label = ", ".join(f"{key}={value}" for key, value in self.labels(index).items())
                for problem in error.problems:
                    found.setdefault(str(problem), (problem, []))[1].append(label)
                continue
            twin = seen.setdefault(identity, index)
            if twin != index and not twins and not found:
                raise _twins(self.labels(twin), self.labels(index))
            known.append(identity)
        if found:
            raise AxesError([_placed(problem, labels, len(self)) for problem, labels in found.values()])
        self.identities = known


def _placed(problem: Problem, labels: Sequence[str], total: int) -> Problem:
    """Say at which points it happens, unless that is everywhere or the value itself says so."""
    if problem.value is not None or len(labels) == total:
        return problem
    more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
    return replace(problem, message=f"{problem.message} (at {labels[0]}{more})")


def labels_of(points: Sequence[Point], index: int) -> Mapping[str, str]:
    """Return the values of a point as text, without making its scenario where that can be avoided."""
    return points.labels(index) if isinstance(points, Points) else points[index].values


def identities(points: Sequence[Point]) -> Sequence[str]:
    """Return the identity of each point, without making its scenario where it is known already."""
    return points.identities if isinstance(points, Points) else [point.identity for point in points]


def _twins(one: Mapping[str, str], other: Mapping[str, str]) -> AxesError:
    """Two ways to write one value, such as 60s and 1m, would count it twice."""
    key = next((key for key in other if other[key] != one[key]), "")
    same = f"{one[key]} and {other[key]} are the same value" if key else "two points are the same"
    if key in WORDS:
        same = f"is a word about a scenario and changes nothing in it: {one[key]} and {other[key]} are the same"
    hint = "leasesim compare-systems compares systems" if key == "system" else "leave one of them out"
    return AxesError([Problem(key, same, hint=hint)])
