"""Service levels as assertions: what is read, what is decided, how often that is wrong, and what is said."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

import sim
from sim.errors import UsageError
from sim.metrics import METRICS
from sim.stats import proportion_interval
from sim.testing import assert_slo, judge
from sim.testing.asserting import message
from sim.testing.betting import Evidence, replications_for
from sim.testing.ceilings import ceiling_over, ceiling_under
from sim.testing.goals import goal
from sim.testing.judging import PILOT
from tests.slo_rates import DISASTERS, LAWS, outcomes

RATE = "false_terminations_per_lease_hour"
SMALL = sim.load("restart-memory").with_({"duration": "6h"})
QUIET = sim.load("no-faults").with_({"duration": "6h"})
SHORT = SMALL.with_({"duration": "2h"})


# ---- what is read


def test_a_goal_is_read() -> None:
    found = goal(f" {RATE}<= 1e-3 1/lease-h")
    assert (found.metric.name, found.at_most, found.limit) == (RATE, True, 0.001)
    assert goal("goodput_work_fraction >= 90%").limit == 0.9
    assert not goal("goodput_work_fraction >= 90 %").at_most


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("false_termination_per_lease_hour <= 1", "did you mean 'false_terminations_per_lease_hour'"),
        (f"{RATE} = 1", "as an SLO"),
        (f"{RATE} <= 0", "the limit must be above 0"),
        (f"{RATE} <= -1", "the limit must be above 0"),
        (f"{RATE} <= 5%", "is no fraction"),
        (f"{RATE} <= 5 per day", "the unit of false_terminations_per_lease_hour is 1/lease-h"),
        (f"{RATE} <= nan", "cannot read 'nan'"),
        ("__import__('os')", "as an SLO"),
    ],
)
def test_a_goal_that_cannot_be_read_says_how_to_write_it(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        goal(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"confidence": 1.0}, "confidence = 1.0"),
        ({"confidence": 0.2}, "must be at least 0.5"),
        ({"budget": 40}, "budget = 40"),
        ({"budget": -1}, "budget = -1"),
        ({"seed": -1}, "seed = -1"),
        ({"engine": "kernal"}, "did you mean 'kernel'"),
        ({"ceilings": {RATE: 0}}, "must be above 0 and finite"),
        ({"ceilings": {"kills": 3}}, "no metric is named 'kills'"),
    ],
)
def test_bad_options_are_refused_before_anything_is_simulated(options, says) -> None:
    with pytest.raises(UsageError) as caught:
        judge(SMALL, f"{RATE} <= 1", **options)
    assert says in str(caught.value)
    with pytest.raises(UsageError, match="no SLO"):
        judge(SMALL)


# ---- evidence: against closed forms


def test_evidence_of_nothing_seen_is_what_the_bets_come_to() -> None:
    """With no kill in n replications of x hours the stake on f is (1 + f c x / most) ** n."""
    n, hours, limit, most = 300, 10.0, 0.01, 8.0
    evidence = Evidence(np.zeros(n), np.full(n, hours), most, hours)
    bets = [0.95, *(0.5**k for k in range(1, 13))]
    stakes = [1 / ((k + 1) * (k + 2)) * 14 / 13 for k in range(13)]
    assert sum(stakes) == pytest.approx(1)
    by_hand = sum(w * (1 + f * limit * hours / most) ** n for w, f in zip(stakes, bets, strict=True))
    assert evidence.against_more(limit) == pytest.approx(math.log(by_hand))
    assert evidence.low(0.01) == 0
    assert evidence.against_more(evidence.high(0.01)) == pytest.approx(math.log(100), rel=1e-2)


def test_a_fair_game_is_fair_in_expectation() -> None:
    """Over all that two replications can be, at the limit, the stake is worth 1 on average, whatever the bet."""
    chance, most = 0.1, 2.0
    for at_limit in ("against_more", "against_less"):
        worth = 0.0
        for first in (0, 1):
            for second in (0, 1):
                weight = (chance if first else 1 - chance) * (chance if second else 1 - chance)
                evidence = Evidence(2.0 * np.array([first, second]), np.ones(2), most, 1.0)
                worth += weight * math.exp(getattr(evidence, at_limit)(2 * chance))
        assert worth == pytest.approx(1, abs=1e-12)


def test_bounds_hold_the_ratio_and_tighten() -> None:
    rng = np.random.default_rng(3)
    kills, hours = rng.poisson(1.0, 4000).astype(float), rng.uniform(8, 12, 4000)
    widths = []
    for n in (50, 400, 4000):
        evidence = Evidence(kills[:n], hours[:n], 8.0, 20.0)
        low, high = evidence.low(0.01), evidence.high(0.01)
        assert low < evidence.ratio < high
        widths.append(high / low)
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] < 1.25


def test_what_is_needed_is_what_it_takes() -> None:
    """A prediction from 100 replications, checked by running the evidence on to there."""
    hours, limit = 10.0, 0.01
    few = Evidence(np.zeros(100), np.full(100, hours), 8.0, hours)
    needed = replications_for(few.grown_against_more(limit), 100, 0.01)
    assert needed is not None
    for n, enough in ((round(0.9 * needed), False), (needed + 1, True)):
        assert (Evidence(np.zeros(n), np.full(n, hours), 8.0, hours).against_more(limit) >= math.log(100)) is enough
    at_the_limit = Evidence(np.array([0.0, 2.0] * 50), np.full(100, 1.0), 8.0, 1.0)
    assert replications_for(at_the_limit.grown_against_more(1.0), 100, 0.01) is None


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_ceilings(name: str) -> None:
    metric = METRICS[name]
    assert 0 < ceiling_over(metric, SMALL, [0.0]) < math.inf
    assert 0 < ceiling_under(metric, SMALL, [1.0]) < math.inf


# ---- verdicts


def test_three_outcomes() -> None:
    good = judge(QUIET, f"{RATE} <= 0.05", budget=400)
    assert [v.outcome for v in good.verdicts] == ["holds"]
    assert good.verdicts[0].estimate.high <= 0.05
    bad = judge(SMALL, f"{RATE} <= 1e-3", budget=400)
    assert [v.outcome for v in bad.verdicts] == ["violated"]
    assert bad.verdicts[0].estimate.low >= 1e-3
    truth = sim.replicate(SMALL, 500, seed=77).metrics[RATE].value
    near = judge(SMALL, f"{RATE} <= {truth}", budget=100)
    assert [v.outcome for v in near.verdicts] == ["undecided"]
    assert len(near.tallies) == 100


def test_at_least_is_the_other_side() -> None:
    assert judge(QUIET, "goodput_work_fraction >= 20%", budget=500).holds
    (verdict,) = judge(QUIET, "goodput_work_fraction >= 1.5", budget=500).verdicts
    assert verdict.outcome == "violated"


def test_several_goals_share_the_confidence_and_the_replications() -> None:
    both = judge(SMALL, f"{RATE} <= 1e-3", "over_allocation_time_fraction <= 0.9", budget=400)
    assert [v.outcome for v in both.verdicts] == ["violated", "holds"]
    assert [v.alpha for v in both.verdicts] == pytest.approx([0.005, 0.005])
    assert not both.holds
    assert judge(SMALL, f"{RATE} <= 1e-3", budget=400).verdicts[0].alpha == pytest.approx(0.01)


def test_a_verdict_replays_and_does_not_depend_on_engine_or_jobs() -> None:
    asked = f"{RATE} <= 0.02"
    first = judge(SHORT, asked, budget=45, engine="process")
    again = judge(SHORT, asked, budget=45, engine="kernel", jobs=2)
    assert first.verdicts == again.verdicts
    assert first.tallies == again.tallies
    assert judge(SHORT, asked, budget=45, seed=2).tallies != first.tallies


def test_a_failure_says_what_to_do_next() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_slo("restart-memory", f"{RATE} <= 1e-3", "over_allocation_time_fraction <= 0.9", budget=300)
    text = str(caught.value)
    assert text.startswith(f"{RATE} <= 0.001 is violated\n  restart-memory: 3 clients, 2 slots, ttl 5m")
    assert "1/lease-h (" in text
    assert "either bound at 0.995" in text
    assert f"replications       20, and {PILOT} before them" in text
    assert "leasesim explain restart-memory --seed 1 --rep " in text
    assert "false terminations by cause: server_restart" in text
    worst = int(text.partition("worst replication  #")[2].split()[0])
    values = [t.false_terminations / t.lease_ns for t in sim.replicate("restart-memory", 40).tallies]
    assert worst == int(np.argmax(values))


def test_an_undecided_slo_fails_and_says_what_it_would_need() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_slo(QUIET, f"{RATE} <= 1e-3", budget=60)
    text = str(caught.value)
    assert text.startswith(f"{RATE} <= 0.001 is undecided")
    budget = int(text.partition("about budget=")[2].split()[0].replace("_", ""))
    assert "it would hold" in text
    assert judge(QUIET, f"{RATE} <= 1e-3", budget=budget).holds
    assert not judge(QUIET, f"{RATE} <= 1e-3", budget=budget // 2).holds


def test_what_passes_is_given_back() -> None:
    found = assert_slo(QUIET, f"{RATE} <= 0.1")
    assert "holds" in message(found)
    assert found.holds


# ---- how often it is wrong: at the limit itself, 1 % allowed either way


@pytest.mark.parametrize("law", LAWS)
def test_verdicts_at_the_limit_are_seldom_wrong(law: str) -> None:
    """The true rate is the limit: neither verdict is right, and either may be given in 1 % of trials at most.

    By luck it would fail with a probability below 1e-4: more than 5 of 60 at 1 % each way.
    """
    found = outcomes(law, mean=0.5, off=1.0, trials=60, budget=300)
    assert found["holds"] <= 5
    assert found["violated"] <= 5
    assert found.total() == 60


def test_a_ceiling_of_ones_own_keeps_disasters_from_passing() -> None:
    """Replications five times as bad as the rule foresees make verdicts too early; told so, they are sound again."""
    (law,) = DISASTERS
    assert outcomes(law, mean=0.5, off=1.0, trials=60, budget=300)["holds"] > 5
    assert outcomes(law, mean=0.5, off=1.0, trials=60, budget=300, most=80)["holds"] <= 5


def test_verdicts_away_from_the_limit_are_reached() -> None:
    """So that "seldom wrong" is not "never decides"."""
    (poisson, *_) = LAWS
    assert outcomes(poisson, mean=0.5, off=0.25, trials=20, budget=2000)["holds"] >= 19
    assert outcomes(poisson, mean=2.0, off=4.0, trials=20, budget=1000)["violated"] >= 19


@pytest.mark.long
@pytest.mark.parametrize(
    ("law", "told"), [(law, None) for law in (*LAWS, *DISASTERS)] + [(law, 80) for law in DISASTERS]
)
def test_error_rates(law: str, told: int | None) -> None:
    """The figures of docs/how-to/test-your-lease-settings.md, at the limit itself; run with -s to see them."""
    trials = 2000
    found = outcomes(law, mean=0.5, off=1.0, trials=trials, budget=1000, most=told)
    for wrong in ("holds", "violated"):
        rate = proportion_interval(found[wrong], trials, method="exact")
        print(f"\n{law}, told of {told}: {wrong} {found[wrong]}/{trials}, {rate.low:.5f}-{rate.high:.5f}")
        assert rate.low <= 0.01 or (law in DISASTERS and not told)


@pytest.mark.long
def test_error_rates_of_simulated_replications() -> None:
    """The whole way, with seeds of their own: the limit is what 40,000 replications came to."""
    truth = sim.replicate(SMALL, 40_000, seed=999).metrics[RATE].value
    trials, found = 200, Counter[str]()
    for seed in range(1, trials + 1):
        found[judge(SMALL, f"{RATE} <= {truth!r}", budget=300, seed=seed).verdicts[0].outcome] += 1
    for wrong in ("holds", "violated"):
        rate = proportion_interval(found[wrong], trials, method="exact")
        print(f"\nsimulated, at the limit: {wrong} {found[wrong]}/{trials}, {rate.low:.5f} to {rate.high:.5f}")
        assert rate.low <= 0.01
