"""The compiled tally is the reference's, field by field, however the rows are cut; and it keeps little.

A failure prints the fields that differ, the scenario and the seed.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sim.engines import kernel
from sim.errors import TimeStandsStill
from sim.metrics import Tally, measure
from sim.model.load import dumps, load, loads
from sim.model.scenario import Scenario
from sim.trace import Trace
from tests.strategies import scenarios

pytestmark = pytest.mark.skipif(not kernel.available()[0], reason=kernel.available()[1] or "it is available")

HERE = Path(__file__).parent
GOLDENS = sorted((HERE / "goldens").glob("*.txt"))
SHIPPED = sorted((HERE.parent / "scenarios").glob("*.toml"))
PORTIONS = (1, 7, 10**9)
ROWS_MAX = 20_000
SEEDS = st.integers(0, 2**64 - 1)


def assert_equal(ours: Tally, reference: Tally, told: str) -> None:
    if ours != reference:
        differ = [
            f"{field.name}: compiled {getattr(ours, field.name)}, reference {getattr(reference, field.name)}"
            for field in fields(Tally)
            if getattr(ours, field.name) != getattr(reference, field.name)
        ]
        pytest.fail("\n".join([*differ, told]))


def agree(trace: Trace, scenario: Scenario, told: str) -> Tally:
    from sim.metrics.streaming import measure_in_portions

    reference = measure(trace, scenario)
    for portion in PORTIONS:
        assert_equal(measure_in_portions(trace, scenario, portion), reference, f"portions of {portion}\n{told}")
    return reference


def agree_if_small(scenario: Scenario, seed: int) -> None:
    from sim.metrics import tally_of

    try:
        trace = kernel.simulate(scenario, seed, 0)
    except TimeStandsStill:
        reject()
    if len(trace) > ROWS_MAX:
        reject()
    told = f"seed = {seed}\n{dumps(scenario)}"
    reference = agree(trace, scenario, told)
    assert_equal(tally_of(scenario, seed, 0, "kernel"), reference, f"as a stream\n{told}")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), SEEDS)
def test_generated_scenarios(scenario: Scenario, seed: int) -> None:
    agree_if_small(scenario, seed)


@pytest.mark.long
@settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), SEEDS)
def test_many_generated_scenarios(scenario: Scenario, seed: int) -> None:
    agree_if_small(scenario, seed)


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_goldens(path: Path) -> None:
    scenario = loads(path.read_text(encoding="utf-8").split("\n\n--- scenario\n")[1].split("\n\n--- trace\n")[0])
    agree(kernel.simulate(scenario, 1, 0), scenario, path.stem)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios(path: Path) -> None:
    scenario = load(path)
    for replication in range(3):
        agree(kernel.simulate(scenario, 11, replication), scenario, f"replication {replication}")
