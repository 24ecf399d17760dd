"""Points made by splicing are those that reading them as a whole gives; what cannot be spliced is read as a whole."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import sim
from sim.model.load import options_of, override
from sim.results.provenance import canonical, sha256
from sim.sweeps.grid import AxesError, grid
from sim.sweeps.splicing import splicer

AXES: dict[str, list[Any]] = {
    "lease.ttl": ["1m", "5m", "90s", 120],
    "lease.late_renew": ["reject", "resurrect"],
    "renewal.every": [0.25, "30s", "0.75"],
    "limit.slots": [1, 3],
    "faults.sleep.when.rate": ["0.1/h", "3/d"],
    "runs.work": ["20m", {"kind": "exponential", "mean": "1h"}],
    "duration": ["6h", "1d"],
}


@pytest.mark.parametrize("name", ["laptop-own-server", "no-faults"])
def test_a_spliced_point_is_the_same_scenario(name: str) -> None:
    scenario = sim.load(name)
    axes = {key: values for key, values in AXES.items() if name != "no-faults" or not key.startswith("faults")}
    axes["lease.ttl"] = axes["lease.ttl"][:3]
    _, points = grid(scenario, {key: values[:2] for key, values in axes.items()})
    assert splicer(scenario, points._axes) is not None
    for point in itertools.islice(points, 0, None, 7):
        values = {key: axes[key][[str(v) for v in axes[key]].index(point.values[key])] if point.values[key] in
                  [str(v) for v in axes[key]] else axes[key][1] for key in axes}  # fmt: skip
        read = override(scenario, values)
        assert point.scenario == read
        assert (point.text, point.identity) == (canonical(read), sha256(read)[:16])
        assert options_of(point.scenario) == options_of(read)


def test_what_cannot_be_spliced_is_read_as_a_whole() -> None:
    scenario = sim.load("laptop-own-server")
    axes = {"faults.sleep.when.rate": ["0.1/h", "1/h"], "faults.blocked_loop.when.rate": ["0.1/h", "1/h"]}
    made, points = grid(scenario, axes)
    assert splicer(scenario, made) is None
    assert points[3].scenario == override(scenario, {key: values[1] for key, values in axes.items()})
    versions, _ = grid(scenario, {"prefect.version": ["3.4.25", "3.9.1"]})
    assert splicer(scenario, versions) is None


def test_what_fields_and_relations_refuse_is_told_as_ever() -> None:
    scenario = sim.loads('lease = {ttl = "5m"}')
    with pytest.raises(AxesError, match="7"):
        grid(scenario, {"lease.ttl": ["5m", "7"], "limit.slots": [1, 2]})
    with pytest.raises(AxesError, match="there is no counter to decrement"):
        grid(scenario, {"lease.release_fallback": [False, True], "limit.slots": [1, 2]})
