"""Designs: lists, samples that fill a space, and points added where a rate crosses a limit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.errors import UsageError
from sim.model.load import loads
from sim.model.scenario import Scenario
from sim.stats import Estimate
from sim.sweeps import sweep
from sim.sweeps.designs import lay_out, unit_cube
from sim.sweeps.refining import Lattice, Place, limit_of, refined
from sim.units import MINUTE, parse_duration
from tests.small import TOML as AN_HOUR

TOML = AN_HOUR.replace("1h", "30m")


@pytest.fixture(scope="module")
def small() -> Scenario:
    return loads(TOML)


def test_a_list_takes_the_first_values_together(small: Scenario) -> None:
    _, points = lay_out(small, {"lease.ttl": "1m,2m,2m", "renewal.every": [0.2, 0.2, 0.3]}, "list", 1)
    assert [tuple(point.values.values()) for point in points] == [("1m", "0.2"), ("2m", "0.2"), ("2m", "0.3")]


@pytest.mark.parametrize("design", ["lhs:16", "sobol:16"])
def test_samples_fill_every_axis_evenly(small: Scenario, design: str) -> None:
    axes = {"lease.ttl": "1m..17m", "limit.slots": "1..4", "renewal.every": "0.1..0.9/log", "lease.books": ["leases"]}
    _, points = lay_out(small, axes, design, 1)
    minutes = sorted(parse_duration(point.values["lease.ttl"]) / MINUTE for point in points)
    assert [int(minute - 1) for minute in minutes] == list(range(16)), "one in every sixteenth"
    slots = [point.values["limit.slots"] for point in points]
    assert {each: slots.count(each) for each in "1234"} == dict.fromkeys("1234", 4)
    halves = [float(point.values["renewal.every"]) < 0.3 for point in points]
    assert sum(halves) == 8, "the middle in equal ratios"
    again = lay_out(small, axes, design, 1)[1]
    assert [point.values for point in again] == [point.values for point in points]
    other = lay_out(small, axes, design, 2)[1]
    assert [point.values for point in other] != [point.values for point in points]


def test_a_longer_sobol_design_begins_with_the_shorter_one() -> None:
    assert (unit_cube("sobol", 3, 40, 1)[:11] == unit_cube("sobol", 3, 11, 1)).all()


@pytest.mark.parametrize(
    ("axes", "design", "message"),
    [
        ({"lease.ttl": "1m..2m"}, "sobl:8", "did you mean 'sobol'?"),
        ({"lease.ttl": "1m..2m"}, "sobol", "does not say how many points"),
        ({"lease.ttl": "1m..2m"}, "lhs:0", "from 1 to 1,000,000"),
        ({"lease.ttl": "1m,2m"}, "grid:8", "write grid"),
        ({"lease.ttl": "1m,2m", "limit.slots": "1,2,3"}, "list", "lease.ttl has 2, limit.slots has 3"),
        ({"lease.ttl": "2m..1m"}, "lhs:4", "lower end first"),
        ({"lease.ttl": "0s..1m/log"}, "lhs:4", "both ends above zero"),
        ({"lease.ttl": "1m..9m/4"}, "lhs:4", 'write "1m..20m", or "1m..20m/log"'),
        ({"lease.tll": "1m..9m"}, "lhs:4", "did you mean 'lease.ttl'?"),
        ({"renewal.every": "0.0..0.5"}, "sobol:4", None),
        ({}, "lhs:4", "varies nothing"),
        ({"lease.ttl": ""}, "lhs:4", "has no values"),
    ],
)
def test_a_design_that_means_nothing_is_refused(
    small: Scenario, axes: Mapping[str, str], design: str, message: str | None
) -> None:
    if message is None:
        assert len(lay_out(small, axes, design, 1)[1]) == 4
        return
    with pytest.raises(UsageError, match=re.escape(message)):
        lay_out(small, axes, design, 1)


def known_within(value: float, reach: float) -> Estimate:
    return Estimate(value, value - reach, value + reach, unit="1", n=1, method="given", confidence=0.95)


def circle(lattice: Lattice) -> Any:
    """A metric that is the distance from (8, 8) in minutes, known to within 0.1."""

    def evaluate(places: Sequence[Place], first: int) -> dict[int, Estimate]:
        points = lattice.points(places)[1]
        found = {}
        for index in range(first, len(points)):
            x, y = (parse_duration(value) / MINUTE - 8 for value in points.labels(index).values())
            far = (x * x + y * y) ** 0.5
            found[index] = known_within(far, 0.1)
        return found

    return evaluate


def test_points_gather_where_the_limit_is_crossed(small: Scenario) -> None:
    lattice = Lattice(small, {"lease.ttl": "1m..17m/5", "lease.sweep_interval": "1m..17m/5"})
    places, words = refined(lattice, limit_of("false_terminations_per_lease_hour<=5"), 400, circle(lattice))
    assert len(places) <= 400
    assert "the budget of 400 points is spent" in words
    points = lattice.points(places)[1]
    distances = []
    for index in range(25, len(points)):
        x, y = (parse_duration(value) / MINUTE - 8 for value in points.labels(index).values())
        distances.append(abs((x * x + y * y) ** 0.5 - 5))
    assert max(distances[:40]) > 2
    assert max(distances[-100:]) < 1.6, "then nearer: within a cell that was halved twice"


def test_refinement_ends_where_nothing_crosses_the_limit(small: Scenario) -> None:
    lattice = Lattice(small, {"lease.ttl": "1m..17m/5", "lease.sweep_interval": "1m..17m/5"})
    places, words = refined(lattice, limit_of("false_terminations_per_lease_hour<=99"), 150, circle(lattice))
    assert (len(places), "in 0 cells" in words) == (25, True)


def test_whole_numbers_are_split_no_further_than_they_go(small: Scenario) -> None:
    lattice = Lattice(small, {"limit.slots": "1,4"})
    places, words = refined(
        lattice,
        limit_of("false_terminations_per_lease_hour<=1"),
        50,
        lambda places, first: {at: known_within(1, 1) for at in range(first, len(places))},
    )
    values = {point.values["limit.slots"] for point in lattice.points(places)[1]}
    assert values == {"1", "2", "3", "4"}
    assert "no cell is left to split" in words


@pytest.mark.parametrize(
    ("axes", "refine", "budget", "message"),
    [
        ({"lease.ttl": "1m..9m"}, "false_terminations", 9, "as a limit"),
        ({"lease.ttl": "1m..9m"}, "false_termination_per_lease_hour<=1", 9, "false_terminations_per_lease_hour"),
        ({"lease.ttl": "1m"}, "false_terminations_per_lease_hour<=1", 9, "at least two values"),
        ({"lease.ttl": "9m,1m"}, "false_terminations_per_lease_hour<=1", 9, "nothing lies between 9m and 1m"),
        ({"lease.books": "leases,counter"}, "false_terminations_per_lease_hour<=1", 9, "nothing lies between"),
        ({"lease.ttl": "1m..9m/5"}, "false_terminations_per_lease_hour<=1", 3, "more than the budget of 3"),
        ({}, "false_terminations_per_lease_hour<=1", 3, "from 1 to 3 axes"),
    ],
)
def test_what_cannot_be_refined_is_refused(
    small: Scenario, axes: Mapping[str, str], refine: str, budget: int, message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        sweep(small, axes, 1, refine=refine, budget=budget)


def test_a_refined_sweep_goes_on_and_is_the_same_whoever_works(small: Scenario, tmp_path: Path) -> None:
    what: dict[str, Any] = {"refine": "false_terminations_per_lease_hour<=1.0", "budget": 12}
    axes = {"lease.ttl": "1m..9m", "renewal.every": "0.2,0.8"}
    plain = sweep(small, axes, 2, **what)
    assert 4 < len(plain) <= 12

    def stop(done: int, _: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(3) as threads:
        with pytest.raises(KeyboardInterrupt):
            sweep(small, axes, 2, out=tmp_path, executor=threads, progress=stop, chunk=1, **what)
        result = sweep(small, axes, 2, out=tmp_path, executor=threads, chunk=3, **what)
    assert result.reused > 0
    assert result.computed + result.reused == 2 * len(plain)
    assert result.to_csv() == plain.to_csv() == sim.open(tmp_path).to_csv()
    assert repr(result) == repr(plain) == repr(sim.open(tmp_path))
    assert "crosses 1, or may, in " in repr(plain)
