"""Which points: a grid, a list, or samples that fill the space between two ends evenly (Latin hypercube, Sobol)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sim.errors import Problem, ScenarioError, UsageError, nearest
from sim.model.load import override, parse_value
from sim.model.scenario import Scenario
from sim.sweeps.axes import Axis
from sim.sweeps.grid import POINTS_MAX, AxesError, Points, axis, doubtful, grid, keyed
from sim.sweeps.ranges import is_range, span_of

if TYPE_CHECKING:
    import numpy as np

DESIGNS: Final = ("grid", "list", "lhs", "sobol")
_DESIGN = re.compile(r"(?P<name>[a-z]+)(?::(?P<count>[0-9]+))?")
Axes = Mapping[str, Sequence[object] | str]


def lay_out(scenario: Scenario, axes: Axes, design: str, seed: int) -> tuple[tuple[Axis, ...], Points]:
    """Return axes and points of a design; AxesError says all that is wrong."""
    name, count = _read(design)
    keyed(axes)
    if name == "grid":
        return grid(scenario, axes)
    return _listed(scenario, axes) if name == "list" else _sampled(scenario, axes, name, count, seed)


def _read(design: str) -> tuple[str, int]:
    match = _DESIGN.fullmatch(design.strip().lower())
    name = match["name"] if match else design
    if match is None or name not in DESIGNS:
        near = nearest(name, DESIGNS)
        hint = f"did you mean '{near}'?" if near else "choose from: grid, list, lhs:64, sobol:64"
        raise UsageError(f"unknown design '{design}'", hint)
    sampled = name in ("lhs", "sobol")
    if sampled and match["count"] is None:
        raise UsageError(f"the design '{design}' does not say how many points", f"for example {name}:64")
    if not sampled and match["count"] is not None:
        raise UsageError(f"design '{design}': the values say how many points a {name} has", f"write {name}")
    count = int(match["count"] or 1)
    if not 1 <= count <= POINTS_MAX:
        raise UsageError(f"design '{design}': the number of points is from 1 to {POINTS_MAX:,}")
    return name, count


def _listed(scenario: Scenario, axes: Axes) -> tuple[tuple[Axis, ...], Points]:
    """The first values of all axes together, then the second ones, and so on."""
    made = tuple(axis(key, values) for key, values in axes.items())
    problems = list(doubtful(made, twice=True))
    lengths = {one.key: len(one.values) for one in made}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        problems.append(Problem("sweep", f"needs as many values of each key for a list: {told}"))
    if problems:
        raise AxesError(problems)
    points = Points(scenario, made, [(at,) * len(made) for at in range(len(made[0].values))])
    points.check(twins=False)
    return made, points


def _sampled(scenario: Scenario, axes: Axes, name: str, count: int, seed: int) -> tuple[tuple[Axis, ...], Points]:
    if not axes:
        raise AxesError(list(doubtful(())))
    shares = unit_cube(name, len(axes), count, seed)
    made, codes = [], []
    for (key, values), column in zip(axes.items(), shares.T, strict=True):
        labels, text = _drawn(scenario, key, values, [float(share) for share in column])
        found = {label: code for code, label in enumerate(dict.fromkeys(labels))}
        made.append(Axis(key, tuple(map(parse_value, found)), tuple(found), text))
        codes.append([found[label] for label in labels])
    problems = list(doubtful(made))
    if problems:
        raise AxesError(problems)
    points = Points(scenario, made, list(zip(*codes, strict=True)))
    points.check(twins=True)
    return tuple(made), points


def unit_cube(name: str, dimensions: int, count: int, seed: int) -> np.ndarray[Any, Any]:
    """Return `count` points of the unit cube, one a row; a longer Sobol design begins with the shorter one."""
    from scipy.stats import qmc

    if name == "sobol":
        made: np.ndarray[Any, Any] = qmc.Sobol(dimensions, seed=seed).random_base2((count - 1).bit_length())[:count]
        return made
    cube: np.ndarray[Any, Any] = qmc.LatinHypercube(dimensions, seed=seed).random(count)
    return cube


def _drawn(
    scenario: Scenario, key: str, values: Sequence[object] | str, shares: Sequence[float]
) -> tuple[list[str], str]:
    """Return the label at each share of an axis, and what describes the axis."""
    if isinstance(values, str) and is_range(values):
        span = span_of(values)
        whole = span.numbers and is_whole(scenario, key)
        return [span.at(share, whole=whole) for share in shares], values
    choices = axis(key, values)
    if not choices.labels:
        raise AxesError(list(doubtful([choices])))
    last = len(choices.labels) - 1
    return [choices.labels[min(int(share * (last + 1)), last)] for share in shares], ",".join(choices.labels)


def is_whole(scenario: Scenario, key: str) -> bool:
    """Whether a key takes whole numbers only."""
    return not _takes(scenario, key, 0.5) and not _takes(scenario, key, 1.5) and _takes(scenario, key, 2)


def _takes(scenario: Scenario, key: str, value: object) -> bool:
    try:
        override(scenario, {key: value})
    except ScenarioError:
        return False
    return True
