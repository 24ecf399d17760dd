"""Tallies add up, and estimates are ratios of their sums; the arithmetic stands beside each number."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace

import pytest

from sim.metrics import METRICS, Tally, causes_of, conservation, estimates, measure, total
from sim.results.measures import zero_lines
from sim.units import HOUR, SECOND
from tests.tracewords import BATCH, OUTAGE, OVERLAP, trace, world


def measured(text: str, **tables) -> Tally:
    return measure(trace(text), world(**tables))


def test_tallies_add_up_and_survive_json() -> None:
    a, b = measured(OVERLAP), measured(BATCH, faults=[OUTAGE])
    both = a + b
    assert both.over_allocation_ns == a.over_allocation_ns + b.over_allocation_ns
    assert both.longest_ns == max(a.longest_ns, b.longest_ns)
    assert both.terminations_by_cause == {"(protocol)": 2, "outage": 2}
    assert total([a, b]) == both == Tally() + b + a
    assert conservation(both) == ()
    assert Tally.from_json(json.loads(json.dumps(both.as_json()))) == both


def test_an_empty_trace_measures_nothing() -> None:
    tally = measured("")
    assert tally == Tally(observed_ns=1000 * SECOND, capacity_ns=1000 * SECOND)


def test_metrics_name_fields_of_the_tally() -> None:
    known = {field.name for field in fields(Tally)}
    for name, metric in METRICS.items():
        assert name == metric.name
        assert set(metric.over) | set(metric.under) <= known, name
        assert metric.meaning.endswith("."), name
        assert bool(metric.under) == (metric.estimator != "mean"), name


def test_estimates_are_ratios_of_sums() -> None:
    one = Tally(observed_ns=HOUR, lease_ns=HOUR, false_terminations=3, false_termination_incidents=1, runs_terminated=3,
                runs_finished=7)  # fmt: skip
    two = Tally(observed_ns=HOUR, lease_ns=3 * HOUR, false_terminations=1, false_termination_incidents=1,
                runs_terminated=1, runs_finished=29)  # fmt: skip
    found = estimates([one, two])
    # (3 + 1) / (1 + 3), not the mean of 3 and 1/3; and 4 of 40 runs.
    assert found["false_terminations_per_lease_hour"].value == 1.0
    assert found["false_termination_probability"].value == pytest.approx(0.1)
    assert found["false_terminations_per_lease_hour"].unit == "1/lease-h"
    assert set(found) == set(METRICS)


def test_kills_get_a_poisson_interval_only_where_each_stands_alone() -> None:
    alone = Tally(lease_ns=HOUR, false_terminations=3, false_termination_incidents=3)
    batch = replace(alone, false_termination_incidents=1)
    name = "false_terminations_per_lease_hour"
    assert "Garwood" in estimates([alone] * 4)[name].method
    assert "Garwood" not in estimates([alone, batch] * 2)[name].method


def test_zero_shows_an_upper_bound_where_there_is_one() -> None:
    nothing = Tally(observed_ns=HOUR, capacity_ns=HOUR, lease_ns=2 * HOUR, runs_finished=10)
    found = estimates([nothing] * 5)
    for name in METRICS:
        assert found[name].value == 0 or math.isnan(found[name].value) or METRICS[name].better == "high", name
    # -ln(0.025) / 10 lease-hours, or 50 runs.
    assert found["false_terminations_per_lease_hour"].high == pytest.approx(0.36889, rel=1e-4)
    assert found["false_terminations_forgotten_per_lease_hour"].high == pytest.approx(0.36889, rel=1e-4)
    assert found["false_termination_incidents_per_lease_hour"].high == pytest.approx(0.36889, rel=1e-4)
    assert found["over_allocation_incidents_per_hour"].high == pytest.approx(0.73778, rel=1e-4)
    assert found["false_termination_probability"].high == pytest.approx(0.07378, rel=1e-3)
    assert found["over_allocation_slot_seconds_per_hour"].high == math.inf
    assert math.isnan(found["reclaim_latency_seconds"].value)


def test_zero_kills_may_be_a_batch_that_did_not_come() -> None:
    """One incident can stop as many as can hold at once: the slots, and what was in excess, of the runs there were."""
    nothing = Tally(observed_ns=HOUR, capacity_ns=10 * HOUR, lease_ns=8 * HOUR, runs_finished=9, runs_started=40)
    rate, probability = "false_terminations_per_lease_hour", "false_termination_probability"
    found = estimates([nothing] * 4)
    one = -math.log(0.025) / 32
    assert found["false_termination_incidents_per_lease_hour"].high == pytest.approx(one)
    assert found[rate].high == pytest.approx(10 * one)
    assert found[rate].method == "no incident, Garwood x 10 runs that one can stop"
    assert estimates([nothing, replace(nothing, peak_slots=2)] * 2)[rate].high == pytest.approx(12 * one)
    assert estimates([replace(nothing, runs_started=3)] * 4)[rate].high == pytest.approx(3 * one)
    said = next(zero_lines(found))
    assert "if one incident stops all 10 that can hold at once: of incidents, below 0.115" in said
    # 36 runs are 4 trials; 0.025 of all 4 without a kill
    assert found[probability].high == pytest.approx(1 - 0.025 ** (1 / 4))
    assert found[probability].method == "none in 4 replications, Clopper-Pearson"
    killed = replace(nothing, runs_finished=0, runs_terminated=9, false_terminations=9, false_termination_incidents=1)
    every = estimates([killed] * 4)[probability]
    assert (every.low, every.high) == pytest.approx((0.025 ** (1 / 4), 1.0))


def test_a_bound_on_batches_holds_the_truth() -> None:
    """A restart once in six replications takes all ten runs; studies that saw none have to hold that rate too."""
    quiet = Tally(observed_ns=4 * HOUR, capacity_ns=40 * HOUR, lease_ns=40 * HOUR, runs_finished=20, runs_started=20)
    for few in (3, 5, 10):
        found = estimates([quiet] * few)
        assert found["false_terminations_per_lease_hour"].high > 10 / 6 / 40
        assert found["false_termination_probability"].high > 10 / (6 * 20 + 10)


def test_a_single_replication_has_estimates_too() -> None:
    found = estimates([measured(OVERLAP)])
    probability = found["false_termination_probability"]
    assert (probability.value, probability.low, probability.high) == (0.5, 0.0, 1.0)
    assert found["false_terminations_per_lease_hour"].high < math.inf


def test_a_share_that_nothing_could_be_measured_by_is_still_within_0_and_1() -> None:
    found = estimates([Tally(observed_ns=HOUR)] * 3)
    shares = [found[name] for name, metric in METRICS.items() if metric.most == 1]
    assert any(math.isnan(share.value) for share in shares)
    assert all((share.low, share.high) == (0, 1) for share in shares)
    assert math.isinf(found["reclaim_latency_seconds"].low)


def test_causes_add_up_to_the_metric_and_come_by_size() -> None:
    tallies = [measured(BATCH, faults=[OUTAGE]), measured(OVERLAP, faults=[OUTAGE])]
    causes = causes_of(tallies)
    rate = estimates(tallies)["false_terminations_per_lease_hour"].value
    assert list(causes) == ["(protocol)", "outage"]
    assert sum(cause.value for cause in causes.values()) == pytest.approx(rate)
    excess = causes_of(tallies, of="over_allocation")
    assert sum(cause.value for cause in excess.values()) == pytest.approx(
        estimates(tallies)["over_allocation_slot_seconds_per_hour"].value
    )
    with pytest.raises(ValueError, match="must be 'false_terminations'"):
        causes_of(tallies, of="luck")
