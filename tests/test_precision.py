"""Precision as the input: several metrics at once, a budget, no stopping by luck, and what was reached."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import scipy.stats

import sim
from sim.errors import UsageError
from sim.metrics import METRICS, Tally, contributing
from sim.results.reached import MADE_OF_MIN, Reached
from sim.stats import Estimate, mean_interval
from sim.sweeps.sequential import CAP, Looked, Stop, sample, stages
from sim.sweeps.wanting import Budget, budget_of, looked_at
from sim.units import HOUR, SECOND

RATE = "false_terminations_per_lease_hour"
OVER = "over_allocation_slot_seconds_per_hour"
Rng = Any


def capped(_: int) -> int:
    return CAP


@pytest.fixture(scope="module")
def small() -> sim.Scenario:
    return sim.loads(
        'duration = "6h"\nlease.ttl = "2m"\nruns.work = "20m"\n'
        '[[faults]]\nwhat = "sleep"\nwhen = "2/h"\nlength = {kind = "exponential", mean = "3m"}'
    )


def test_every_metric_named_gets_its_own_precision(small: sim.Scenario) -> None:
    found = sim.replicate(small, precision={RATE: 0.3, "wasted_work_fraction": 0.5}, confidence=0.9)
    assert {each.metric: each.state for each in found.reached} == {RATE: "precise", "wasted_work_fraction": "precise"}
    for each in found.reached:
        estimate = found.metrics[each.metric]
        assert estimate.confidence == 0.9
        assert estimate.reach <= each.wanted / (1 + each.wanted) * estimate.value
    assert "90 % interval" in repr(found)
    assert [each["metric"] for each in found.as_json()["precision"]] == [RATE, "wasted_work_fraction"]
    # the plain way to as many replications gives the same numbers
    assert sim.replicate(small, len(found), confidence=0.9).metrics == found.metrics


def test_a_budget_ends_it_and_what_it_would_take_is_said(small: sim.Scenario) -> None:
    found = sim.replicate(small, precision={RATE: 0.02, OVER: 1.0}, budget=30)
    rate, over = found.reached
    assert len(found) == 30
    assert found.stopped == "the budget is spent"
    assert rate.state == "open"
    needed = rate.needed
    assert needed is not None
    assert f"about {needed:,} replications would do" in repr(found)
    assert needed > 30
    assert found.as_json()["precision"][0]["needed"] == needed
    assert (over.state, over.estimate.value) == ("open", 0.0)
    assert f"{OVER}: wanted within 100%, zero in all 30 replications" in repr(found)


def test_what_nothing_could_be_measured_by_is_said(small: sim.Scenario) -> None:
    """Nobody crashes."""
    found = sim.replicate(small, precision={"reclaim_latency_seconds": 0.1}, budget=200)
    assert found.reached[0].state == "zero"
    assert "saw anything to measure it by" in repr(found)


def test_a_budget_of_lease_hours_is_kept(small: sim.Scenario) -> None:
    found = sim.replicate(small, precision={RATE: 0.001}, budget="1000h")
    hours = sum(tally.lease_ns for tally in found.tallies) / 3.6e12
    assert 0.8 * 1000 < hours <= 1000 * 1.1


def test_what_it_would_take_is_about_right() -> None:
    """Of exponential values, whose relative half-width falls as one over the root of the number."""
    rng = np.random.default_rng(1)
    values = rng.exponential(1.0, 20_000)
    pilot = Reached("m", 0.1, mean_interval(values[:200], "s"), "open", 100)
    assert pilot.needed is not None
    after = mean_interval(values[: pilot.needed], "s")
    assert after.reach / after.value == pytest.approx(0.1 / 1.1, rel=0.25)


def test_zero_and_sameness_are_not_waited_for() -> None:
    def look(count: int) -> dict[str, Looked]:
        zero = Estimate(0.0, 0.0, 3.7 / count, "1/h", count, "", 0.95)
        return {"zero": Looked(zero, 0), "same": Looked(mean_interval([2.0] * count, "s"), count)}

    stop = sample(look, {"zero": 0.1, "same": 0.1}, capped)
    assert stop.replications < 150
    assert [each.state for each in stop.reached] == ["zero", "alike"]
    assert "zero in all" in stop.reached[0].words
    assert "the same in all" in stop.reached[1].words
    assert stop.words == "nothing left to wait for: 0 of 2 metrics can be as precise as wanted"


def test_background_is_no_measurement() -> None:
    """Where a slot leaks, runs wait for hours, in one replication of a hundred; in all others as long as a request."""
    wait = METRICS["queue_wait_seconds"]
    calm = [
        Tally(queue_waits=100, queue_wait_ns=SECOND * ms // 10, queue_wait_max_ns=SECOND // 2) for ms in (2, 3) * 75
    ]
    long = Tally(queue_waits=100, queue_wait_ns=9000 * SECOND, queue_wait_max_ns=9000 * SECOND)

    def stopped_by(tallies: list[Tally]) -> Stop:
        return sample(
            lambda n: looked_at(tallies[:n], {wait.name: 0.2}, 0.95), {wait.name: 0.2}, lambda _: len(tallies)
        )

    nothing = stopped_by(calm)
    assert [each.state for each in nothing.reached] == ["background"]
    assert "none saw more than requests take" in nothing.reached[0].words
    some = stopped_by([*calm[:40], long, *calm[40:]])
    assert [each.state for each in some.reached] == ["open"]
    assert [each.state for each in stopped_by([long] * 20 + calm[:20] * 6).reached] == ["open"]
    assert [each.state for each in stopped_by([long, replace(long, queue_wait_ns=8000 * SECOND)] * 75).reached] == [
        "precise"
    ]


def test_of_how_many_replications_a_metric_is_made() -> None:
    kills = METRICS[RATE]
    assert contributing(kills, [Tally(false_terminations=k) for k in (2, 2, 2, 0)]) == 3
    assert contributing(kills, [Tally(false_terminations=k) for k in (100, 1, 1, 1)]) == pytest.approx(1.06, abs=0.01)
    assert contributing(kills, [Tally()] * 4) == 0


def test_intervals_of_what_few_replications_make_are_named() -> None:
    """Of leaked slots: one replication of 30 that leaks, or none that leaks more than requests take."""
    calm = [Tally(observed_ns=HOUR, leaked_ns=SECOND * tenths // 10) for tenths in range(1, 31)]
    empty = sim.replicate(sim.loads('duration = "1m"'), 31)
    none = replace(empty, tallies=tuple(calm))
    assert none.made_of_few == {"leaked_slots": 0}
    assert "leaked_slots (none beyond what requests take)" in repr(none)
    one = replace(empty, tallies=(*calm, Tally(observed_ns=HOUR, leaked_ns=HOUR)))
    assert one.as_json()["made_of_few"] == {"leaked_slots": 1}
    assert "made of few of 31 replications, so their intervals may be too narrow: leaked_slots (about 1)" in repr(one)
    many = [replace(each, leaked_ns=each.leaked_ns * 100) for each in calm]
    assert "made_of_few" not in replace(empty, tallies=tuple(many)).as_json()


def test_few_that_outweigh_the_rest_are_not_enough() -> None:
    def look(count: int) -> dict[str, Looked]:
        return {"m": Looked(Estimate(1.0, 0.99, 1.01, "s", count, "", 0.95), 3.2)}

    stop = sample(look, {"m": 0.1}, lambda _: 200)
    assert stop.reached[0].state == "open"
    assert "made of about 3 of them, and 10 are the least" in stop.reached[0].words


def test_one_lucky_look_is_not_enough() -> None:
    counts = list(islice(stages(), 5))

    def look(count: int) -> dict[str, Looked]:
        width = 0.5 if count in (counts[1], *counts[:1]) else 0.001
        return {"m": Looked(Estimate(1.0, 1 - width, 1 + width, "s", count, "", 0.95), count)}

    assert sample(look, {"m": 0.1}, capped).replications == counts[3]

    def seldom(count: int) -> dict[str, Looked]:
        return {"m": Looked(Estimate(1.0, 0.99, 1.01, "s", count, "", 0.95), count // 10)}

    stop = sample(seldom, {"m": 0.1}, capped)
    assert stop.replications // 10 >= MADE_OF_MIN


@pytest.mark.parametrize("budget", [20, 26])
def test_the_same_replications_looked_at_again_confirm_nothing(budget: int) -> None:
    """Where the budget is spent just when a look is due, there is no other look."""
    looks = []

    def look(count: int) -> dict[str, Looked]:
        looks.append(count)
        width = 0.001 if count == budget else 0.5
        return {"m": Looked(Estimate(1.0, 1 - width, 1 + width, "s", count, "", 0.95), count)}

    stop = sample(look, {"m": 0.1}, lambda _: budget)
    assert (stop.replications, stop.words) == (budget, "the budget is spent")
    assert looks == [count for count in (20, 26) if count <= budget]
    assert "no second look could confirm it" in stop.reached[0].words


def stopped(draw: Callable[[Rng, int], Any], rng: Rng, gamma: float, cap: int) -> tuple[Estimate, bool]:
    values = draw(rng, cap)

    def look(count: int) -> dict[str, Looked]:
        return {
            "m": Looked(mean_interval(values[:count], "s"), values[:count].sum() ** 2 / (values[:count] ** 2).sum())
        }

    stop = sample(look, {"m": gamma}, lambda _: cap)
    return stop.reached[0].estimate, stop.reached[0].state == "precise"


LAWS: dict[str, tuple[Callable[[Rng, int], Any], float]] = {
    "normal": (lambda rng, n: rng.normal(3, 1, n), 3.0),
    "exponential": (lambda rng, n: rng.exponential(1.0, n), 1.0),
    "gamma, shape 0.5": (lambda rng, n: rng.gamma(0.5, 1.0, n), 0.5),
    "batches of 10, seldom": (lambda rng, n: rng.poisson(0.3, n) * 10.0, 3.0),
}


def held(law: str, gamma: float, trials: int) -> tuple[float, float]:
    """How often the interval at the stop held the truth, and how often the estimate was as near as wanted."""
    draw, truth = LAWS[law]
    rng = np.random.default_rng([3, list(LAWS).index(law)])
    results = [stopped(draw, rng, gamma, 20_000) for _ in range(trials)]
    assert all(precise for _, precise in results)
    inside = sum(e.low <= truth <= e.high for e, _ in results)
    return inside / trials, sum(abs(e.value / truth - 1) <= gamma for e, _ in results) / trials


@pytest.mark.parametrize("law", LAWS)
def test_stopping_costs_no_coverage_roughly(law: str) -> None:
    coverage, near = held(law, 0.5, 150)
    assert coverage >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / 150)
    assert near >= 0.95


@pytest.mark.long
@pytest.mark.verification
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("gamma", [0.5, 0.2])
def test_stopping_costs_no_coverage(law: str, gamma: float) -> None:
    coverage, near = held(law, gamma, 2000)
    assert coverage + 0.005 >= 0.93
    assert near >= 0.95


@pytest.mark.long
@pytest.mark.verification
@pytest.mark.parametrize(
    ("name", "seldom"),
    [("queue_wait_seconds", True), ("vacancy_slot_seconds_per_hour", False), ("leaked_slots", False), (RATE, False)],
)
def test_what_is_called_precise_holds_the_truth_in_the_model(
    restarts: sim.Replications, name: str, seldom: bool
) -> None:
    """In fewer than one of 100 replications a slot leaks for good; that makes nearly all of the wait for a slot."""
    wanted, cap = {name: 0.5}, 400
    truth, studies = restarts.metrics[name].value, len(restarts) // cap
    precise = held = 0
    for study in range(studies):
        tallies = restarts.tallies[study * cap : (study + 1) * cap]
        stop = sample(lambda n: looked_at(tallies[:n], wanted, 0.95), wanted, lambda _: cap)  # noqa: B023 - used within the loop
        estimate = stop.reached[0].estimate
        precise += stop.reached[0].state == "precise"
        held += stop.reached[0].state == "precise" and estimate.low <= truth <= estimate.high
    assert (precise == 0) if seldom else (precise > studies / 2)
    assert held >= precise - scipy.stats.binom.isf(1e-3, precise, 0.07)


@pytest.mark.long
@pytest.mark.verification
@pytest.mark.parametrize("count", [20, 30])
def test_intervals_that_are_not_named_hold_the_truth_in_the_model(restarts: sim.Replications, count: int) -> None:
    """Wait, vacancy and leaks of 200 studies: those that are said to be made of few hold far less often."""
    names = ["queue_wait_seconds", "vacancy_slot_seconds_per_hour", "leaked_slots", "wasted_work_fraction"]
    held = {True: [0, 0], False: [0, 0]}
    for study in range(200):
        some = replace(restarts, tallies=restarts.tallies[study * count : (study + 1) * count])
        for name in names:
            few = held[name in some.made_of_few]
            few[0] += 1
            few[1] += some.metrics[name].low <= restarts.metrics[name].value <= some.metrics[name].high
    assert held[False][1] >= 0.93 * held[False][0] - 3 * math.sqrt(0.93 * 0.07 * held[False][0])
    assert held[True][1] < 0.9 * held[True][0]


@pytest.fixture(scope="module")
def restarts() -> sim.Replications:
    return sim.replicate(sim.load("restart-memory").with_({"duration": "12h"}), 16_000, seed=21)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": {RATE: 2.0}}, f"precision of {RATE} = 2.0"),
        ({"precision": {}}, "names no metric"),
        ({"precision": {"false_terminations": 0.1}}, "no metric is named"),
        ({"precision": 0.1, "budget": "much"}, "budget = much"),
        ({"precision": 0.1, "budget": 0}, "budget = 0"),
        ({"precision": 0.1, "budget": 10, "replications": 10}, "give one of them|replications = 10 and budget = 10"),
        ({"budget": 10}, "nothing to stop for"),
        ({"confidence": 95}, "confidence = 95"),
    ],
)
def test_what_means_nothing_is_refused(small: sim.Scenario, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sim.replicate(small, **options)


def test_a_budget_in_lease_hours_is_kept_from_the_first_replication(small: sim.Scenario) -> None:
    found = sim.replicate(small, precision={RATE: 0.02}, budget="20h")
    hours = [tally.lease_ns / 3.6e12 for tally in found.tallies]
    assert sum(hours) <= 20 * 1.2 < sum(hours) + 2 * max(hours)
    assert found.stopped == "the budget is spent"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": 0.1, "metric": ()}, "metric is empty"),
        ({"precision": "0.1"}, "precision = '0.1'"),
        ({"seed": 1.5}, "seed = 1.5: must be a whole number"),
        ({"jobs": "auto"}, "jobs = 'auto'"),
        ({"confidence": "0.95"}, "confidence = '0.95': must be between 0 and 1"),
        ({"precision": True}, "precision = True"),
        ({"precision": {1: 0.1}}, "no metric is named 1"),
        ({"precision": 0.1, "metric": None}, "metric = None: must be the name of a metric"),
        ({"precision": 0.1, "budget": "1e400h"}, "budget = 1e400h: must be replications"),
        ({"precision": 0.1, "budget": True}, "budget = True"),
        ({"replications": True}, "replications = True: must be a whole number"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused(small: sim.Scenario, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sim.replicate(small, **options)


def test_numbers_of_numpy_are_numbers(small: sim.Scenario) -> None:
    options: dict[str, Any] = {"precision": np.float32(0.5), "budget": np.int64(20)}
    found = sim.replicate(small, **options)
    assert (len(found), found.reached[0].wanted) == (20, 0.5)


def test_budgets_as_they_are_typed() -> None:
    assert budget_of("5000", None) == Budget(5000)
    assert budget_of("1e6h", None).lease_hours == 1e6
    assert budget_of(None, 7) == Budget(7)
    assert Budget(100).room(()) == 100
