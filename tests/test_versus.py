"""Many settings against one: which comparisons there are, verdicts that hold together, how it is shown."""

from __future__ import annotations

import math
from typing import Any

import pytest

import sim
from sim.errors import UsageError
from sim.results.measures import difference, direction
from sim.stats import holm, paired_difference, paired_ratio_difference

RATE = "false_terminations_per_lease_hour"
OVER = "over_allocation_slot_seconds_per_hour"


@pytest.fixture(scope="module")
def small() -> sim.Scenario:
    return sim.loads(
        'duration = "6h"\nlease.ttl = "2m"\nruns.work = "20m"\n'
        '[[faults]]\nwhat = "sleep"\nwhen = "2/h"\nlength = {kind = "exponential", mean = "3m"}'
    )


@pytest.fixture(scope="module")
def swept(small: sim.Scenario) -> sim.Sweep:
    return sim.sweep(small, {"lease.ttl": ["1m", "120s", "20m"], "limit.slots": [1, 2]}, replications=12)


def test_every_point_is_compared_with_the_scenario_as_it_is(swept: sim.Sweep) -> None:
    assert swept.today == 2  # 120s is 2m
    found = swept.versus()
    assert [(c.point, c.metric) for c in found.compared] == [(p, m) for p in (0, 1, 3, 4, 5) for m in (RATE, OVER)]
    raw = [difference(c.metric, swept.tallies[c.point], swept.tallies[2]) for c in found.compared]
    for c, one, p in zip(found.compared, raw, holm([each.p for each in raw]), strict=True):
        assert c.difference.value == one.value
        assert c.p == pytest.approx(p, nan_ok=True)
        if math.isfinite(one.half_width):
            assert c.difference.half_width > one.half_width  # all of them hold at once
    assert found.verdicts[0, RATE] == "more"
    assert found.verdicts[4, RATE] == "fewer"
    assert found.verdicts[3, RATE] == "no difference shown"  # a lone client has no use for a second slot


def test_how_many_were_compared_is_shown(swept: sim.Sweep) -> None:
    assert "10 comparisons with point 2" in repr(swept)
    assert repr(swept).count("now  ") >= 2
    assert "than now" in swept.table().columns
    assert swept.as_json()["against_today"]["comparisons"] == 10
    assert "hold all at once with 95% (Bonferroni)" in repr(swept.versus())
    assert len(swept.versus().to_pandas()) == 10


def test_another_point_and_other_metrics_may_be_asked_for(swept: sim.Sweep) -> None:
    corner: dict[str, Any] = {"lease.ttl": "20m", "limit.slots": "1"}
    found = swept.versus(metrics=["wasted_work_fraction"], confidence=0.9, **corner)
    assert (found.base, len(found.compared)) == (4, 5)
    assert swept.versus(4).base == 4
    with pytest.raises(UsageError, match="no metric is named"):
        swept.versus(metrics=["wasted_work"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 95}, "confidence = 95: must be between 0 and 1"),
        ({"confidence": "0.9"}, "confidence = '0.9'"),
        ({"metrics": None}, "metric = None"),
        ({"index": 1.5}, "point = 1.5: must be a whole number"),
    ],
)
def test_what_means_nothing_is_refused(swept: sim.Sweep, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        swept.versus(**options)


def test_without_today_it_says_what_to_vary(small: sim.Scenario) -> None:
    found = sim.sweep(small, {"lease.ttl": ["1m", "4m"]}, replications=2)
    assert "to compare with the scenario as it is, vary lease.ttl=2m too" in repr(found)
    assert "than now" not in repr(found)
    with pytest.raises(UsageError, match="not among the points"):
        found.versus()


def test_a_comparison_adjusts_for_its_metrics(small: sim.Scenario) -> None:
    found = sim.compare(small, small.with_({"lease.ttl": "20m"}), replications=10)
    rate = found.metrics[RATE]
    assert rate.p >= rate.difference.p
    assert rate.verdict == "fewer"
    assert "for all 14 metrics at once with 95 % (Holm)" in repr(found)
    assert found.as_json()["metrics"][RATE]["p_adjusted"] == rate.p


def test_exposures_alone_are_no_difference_of_counts() -> None:
    """What one batch in a hundred replications makes is not seen in twenty; that hours differ a little says nothing."""
    hours = [10.0 + at % 3 for at in range(20)]
    kills, less = [float(at % 2) for at in range(20)], [h * (0.99 - at % 2 / 1000) for at, h in enumerate(hours)]
    found = paired_ratio_difference(kills, less, kills, hours, "1/h", counts=True)
    assert found.value > 0
    assert (found.low, found.high, direction(found.value, found.p, 0.95)) == (
        -math.inf,
        math.inf,
        "no difference shown",
    )
    sizes = paired_ratio_difference(kills, less, kills, hours, "1/h")
    assert direction(sizes.value, sizes.p, 0.95) == "more"


@pytest.mark.long
@pytest.mark.verification
def test_a_batch_that_no_replication_shows_gives_no_wrong_verdict() -> None:
    """A longer lease saves a batch of eleven now and then; where it saves none, the few hours that differ decided."""
    world = sim.loads(
        'duration = "6h"\nlimit.slots = 10\nlease.ttl = "2m"\nruns.work = "2h"\n'
        'runs.arrivals = {kind = "closed", clients = 12}\n'
        '[[faults]]\nwhat = "sleep"\nwhen = "0.2/h"\nlength = {kind = "exponential", mean = "3m"}\n'
        '[[faults]]\nwhat = "crash"\nwhom = "runs"\nwhen = "0.05/h"'
    )
    now, longer = (sim.replicate(each, 8000, seed=7).tallies for each in (world, world.with_({"lease.ttl": "3m"})))
    assert difference(RATE, longer, now).high < 0
    studies = [slice(at, at + 20) for at in range(0, 8000, 20)]
    found = [difference(RATE, longer[study], now[study]) for study in studies]
    wrong = sum(direction(each.value, each.p, 0.95) == "more" for each in found)
    assert wrong <= 0.025 * len(studies)


def test_the_same_difference_everywhere_has_a_direction_and_no_interval() -> None:
    for found in (
        paired_difference([3.0] * 12, [1.0] * 12, "s"),
        paired_ratio_difference([3.0] * 12, [1.0] * 12, [1.0] * 12, [1.0] * 12, "s"),
    ):
        assert (found.value, found.low, found.high) == (2.0, -math.inf, math.inf)
        assert found.p == 2.0**-11
        assert direction(found.value, found.p, 0.95) == "more"
    few = paired_difference([3.0] * 4, [1.0] * 4, "s")
    assert direction(few.value, few.p, 0.95) == "no difference shown"
    same = paired_difference([1.0] * 12, [1.0] * 12, "s")
    assert direction(same.value, same.p, 0.95) == "no difference shown"
