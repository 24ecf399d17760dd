"""Rare events: weights that are right, agreement with closed forms, refusals by field."""

from __future__ import annotations

import math
from typing import Any

import pytest

import sim
from sim import oracles
from sim.errors import ScenarioError, UsageError
from sim.model.scenario import Scenario
from sim.rarity import rare
from sim.rarity.biasing import Both, Coin, Power, Tail
from sim.streams import Streams
from tests.verification.checks import world

HOUR = 3600.0
L, C = 300.0, 100.0


def paused(what: str, mean: float, per_hour: float) -> Scenario:
    whom = {"pause": "runs", "sleep": "hosts"}[what]
    fault = {
        "what": what, "whom": whom, "when": f"{per_hour}/h", "length": {"kind": "exponential", "mean": f"{mean}s"},
    }  # fmt: skip
    return world(1000, lease={"ttl": f"{L}s"}, renewal={"every": f"{C}s"}, faults=[fault])


def lossy(ttl: float, loss: float) -> Scenario:
    wait = {"backoff": "29s", "backoff_factor": 1.0, "backoff_cap": "29s"}
    return world(
        1000,
        lease={"ttl": f"{ttl}s"},
        renewal={"every": "30s", "attempts": "unlimited", **wait},
        http={"connect_timeout": "1s", "read_timeout": "1s"},
        network={"loss_up": loss},
    )


def running(mean: float, per_hour: float) -> float:
    return oracles.running_cycle_exponential(mean, L, C, per_hour / HOUR).displacements * HOUR


def frozen(mean: float, per_hour: float) -> float:
    return oracles.frozen_cycle(oracles.Exponential(mean), L, C, per_hour / HOUR).displacements * HOUR


CASES = {
    "pause 1e-3": (paused("pause", 30, 3), running(30, 3)),
    "pause 1e-6": (paused("pause", 17, 1), running(17, 1)),
    "pause 1e-9": (paused("pause", 11.5, 1), running(11.5, 1)),
    "sleep 1e-3": (paused("sleep", 30, 1.5), frozen(30, 1.5)),
    "sleep 1e-6": (paused("sleep", 15, 0.5), frozen(15, 0.5)),
    "sleep 1e-9": (paused("sleep", 10, 0.3), frozen(10, 0.3)),
    "loss 1e-3": (lossy(100, 0.02), oracles.loss_expiry_rate(100, 30, 0.02) * HOUR),
    "loss 1e-6": (lossy(130, 0.01), oracles.loss_expiry_rate(130, 30, 0.01) * HOUR),
    "loss 1e-9": (lossy(190, 0.015), oracles.loss_expiry_rate(190, 30, 0.015) * HOUR),
}


@pytest.mark.parametrize("tilt", [Coin(0, 0.1, 0.6), Coin(0, 0.01, 1.0), Power(4.0), Tail((0.3, 0.7), (0.2, 0.01)),
                                  Both(Coin(2, 0.1, 0.5), Coin(3, 0.2, 0.5))])  # fmt: skip
def test_weights_undo_the_tilt(tilt: Any) -> None:
    """The mean of f / density under a tilt is that of f under its law, for an f that the tilt favours."""
    n, total, square = 20_000, 0.0, 0.0
    for index in range(n):
        block = tilt.push(Streams(5, 0).block(1, 2, 3, index))
        assert all(0 < u < 1 for u in block)
        hit = _favoured(tilt, block)
        value = hit / tilt.density(block)
        total, square = total + value, square + value * value
    mean = total / n
    error = math.sqrt(max(square / n - mean * mean, 0.0) / n)
    assert abs(mean - _exactly(tilt)) <= 4 * error + 1e-12


def _favoured(tilt: Any, block: tuple[float, ...]) -> bool:
    match tilt:
        case Coin(_, p, _):
            return block[0] < p / 2
        case Power():
            return block[0] > 1 - 1e-4
        case Tail((first, _), (long, longer)):
            return block[0] > 1 - (long if block[1] < first else longer)
    return block[2] < 0.05 and block[3] < 0.2


def _exactly(tilt: Any) -> float:
    match tilt:
        case Coin(_, p, _):
            return float(p / 2)
        case Power():
            return 1e-4
        case Tail():
            return float(tilt.total)
    return 0.05 * 0.2


def agrees(name: str, precision: float, z: float) -> None:
    """The interval, widened from 1.96 to `z` standard errors, holds the closed form."""
    scenario, exact = CASES[name]
    power = float(name.split()[1])
    assert 0.1 * power < exact < 10 * power
    found = rare(scenario, precision=precision)
    assert found.estimate.half_width <= precision * found.estimate.value
    assert abs(found.estimate.value - exact) <= z / 1.96 * found.estimate.half_width, (found.estimate, exact)
    assert abs(found.mean_weight.value - 1) <= z / 1.96 * found.mean_weight.half_width


@pytest.mark.parametrize("name", ["pause 1e-6", "sleep 1e-9", "loss 1e-6"])
def test_a_rare_rate_is_the_closed_form(name: str) -> None:
    agrees(name, 0.25, 4.0)


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_each_rate_is_the_closed_form(name: str) -> None:
    agrees(name, 0.1, 3.3)


def test_the_same_seed_gives_the_same_numbers() -> None:
    scenario, _ = CASES["loss 1e-3"]
    a, b, c = (rare(scenario, budget=200, seed=seed) for seed in (1, 1, 2))
    assert a.as_json() == b.as_json()
    assert a.estimate.value != c.estimate.value


def test_it_refuses_where_cycles_do_not_tell_and_names_every_field() -> None:
    scenario = world(
        1000,
        lease={"ttl": "60s"},
        renewal={"every": "20s", "on_lost": "rejoin", "cadence": "fixed_rate"},
        faults=[{"what": "sleep", "when": {"times": ["1m"]}, "length": "10s"}],
    )
    with pytest.raises(ScenarioError) as caught:
        rare(scenario)
    assert {problem.path for problem in caught.value.problems} == {
        "renewal.on_lost",
        "renewal.cadence",
        "faults[0].when",
    }


def test_what_means_nothing_is_refused() -> None:
    scenario, _ = CASES["loss 1e-3"]
    with pytest.raises(UsageError, match="does not estimate 'queue_wait_seconds'"):
        sim.rare(scenario, metric="queue_wait_seconds")
    with pytest.raises(UsageError, match="precision = 2"):
        sim.rare(scenario, precision=2)


def test_without_a_hit_nothing_is_claimed() -> None:
    found = rare(world(1000, lease={"ttl": "300s"}, renewal={"every": "100s"}), budget=100)
    assert (found.estimate.value, found.estimate.low, found.estimate.high) == (0.0, 0.0, math.inf)
    assert "no upper bound" in repr(found)
