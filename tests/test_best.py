"""The best setting: chosen as often as promised, replications spent where they decide, bad input named."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.errors import UsageError
from sim.sweeps.eliminating import FIRST, select

GAP = 1.0


def chosen_right(trials: int, confidence: float, spread: float) -> tuple[int, float]:
    """With the best exactly the indifference zone ahead of all others, the hardest case."""
    means, right, spent = (0.0, GAP, GAP, GAP, GAP), 0, 0
    for trial in range(trials):
        rng = np.random.default_rng([7, trial])
        shared, own = rng.normal(0, 3 * spread, 5000), rng.normal(0, spread, (len(means), 5000))
        picked = select(lambda at, n: float(means[at] + shared[n] + own[at, n]), len(means), GAP, confidence, 10**6)  # noqa: B023 - used within the loop
        assert picked.decided
        right, spent = right + (picked.best == 0), spent + sum(picked.counts)
    return right, spent / trials


def test_the_best_is_chosen_as_often_as_promised() -> None:
    right, _ = chosen_right(60, 0.9, 1.5)
    assert right >= 46  # P(fewer | 60, 0.9) < 1e-3


@pytest.mark.long
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_measured_probability_of_correct_selection(confidence: float) -> None:
    right, _ = chosen_right(1000, confidence, 2.0)
    assert right / 1000 >= confidence - 0.02


def test_rare_things_are_not_decided_by_the_first_that_happens() -> None:
    """Where most replications see nothing, their variance is zero, and one event looked like the end of its setting."""
    right = decided = 0
    for trial in range(100):
        rng = np.random.default_rng([11, trial])
        seen = rng.poisson([[0.02], [0.05]], (2, 5000))
        picked = select(lambda at, n: float(seen[at, n]), 2, 0.03, 0.95, 10_000)  # noqa: B023 - used within the loop
        decided, right = decided + picked.decided, right + (picked.decided and picked.best == 0)
        assert not picked.decided or picked.counts[0] > FIRST
    assert decided > 90
    assert right >= 0.91 * decided


@pytest.mark.long
@pytest.mark.parametrize(
    ("rates", "zone", "batch"),
    [
        ((0.02, *[0.05] * 5), 0.03, 1),
        ((0.005, 0.02), 0.015, 1),
        ((0.05, 0.1), 0.05, 1),
        ((0.2, *[0.5] * 4), 0.3, 10),
        ((1.0, 1.5), 0.5, 1),
    ],
)
def test_the_measured_probability_of_correct_selection_of_rare_things(
    rates: tuple[float, ...], zone: float, batch: int
) -> None:
    """Kills that most replications do not see, in batches; the first is the best, by exactly the zone."""
    right = 0
    for trial in range(400):
        rng = np.random.default_rng([15, trial])
        picked = select(lambda at, _: batch * float(rng.poisson(rates[at] / batch)), len(rates), zone, 0.95, 50_000)  # noqa: B023 - used within the loop
        assert picked.decided
        right += picked.best == 0
    assert right / 400 >= 0.95 - 0.02


def test_a_large_batch_is_not_taken_for_what_varies_little() -> None:
    """Forty at once, after twenty replications that differed by one: of two alike, the one hit is not eliminated."""

    def hit(at: int, n: int) -> float:
        return float((n + at) % 2 + 40 * (at == 0 and n == FIRST))

    assert select(hit, 2, 0.3, 0.9, 4 * FIRST).left == (0, 1)


Sizes = Callable[[Any, Any], Any]
SIZES: dict[str, Sizes] = {
    "geometric": lambda rng, counts: rng.negative_binomial(np.maximum(counts, 1), 0.1) * (counts > 0) + counts,
    "exponential": lambda rng, counts: 10 * rng.gamma(np.maximum(counts, 1)) * (counts > 0),
}


@pytest.mark.long
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("confidence", [0.9, 0.95])
@pytest.mark.parametrize(("rates", "zone"), [((0.2, *[0.5] * 4), 0.3), ((1.0, *[1.5] * 4), 0.5)])
def test_the_measured_probability_of_correct_selection_of_unequal_batches(
    sizes: str, confidence: float, rates: tuple[float, ...], zone: float
) -> None:
    """Batches of ten on average; one restart takes two runs, another thirty. The first is the best, by the zone."""
    right = 0
    for trial in range(400):
        rng = np.random.default_rng([16, trial])
        seen = SIZES[sizes](rng, rng.poisson(np.divide(rates, 10), (10_000, len(rates))))
        picked = select(lambda at, n: float(seen[n, at]), len(rates), zone, confidence, 50_000)  # noqa: B023 - used within the loop
        assert picked.decided
        right += picked.best == 0
    assert right / 400 >= confidence - 0.015  # one standard error at 0.9


def test_clear_losers_get_no_more_replications() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, (3, 5000))
    picked = select(lambda at, n: float((0.0, 0.2, 50.0)[at] + noise[at, n]), 3, 0.2, 0.95, 10**6)
    assert picked.counts[2] == FIRST < picked.counts[0]


def test_it_says_when_the_budget_was_not_enough() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 1, (2, 100))
    picked = select(lambda at, n: float(noise[at, n]), 2, 0.01, 0.95, 60)
    assert not picked.decided
    assert sum(picked.counts) <= 60


@pytest.mark.parametrize("zone", [1e-320, 1e-200, 1e200])
def test_a_zone_of_any_size_is_reckoned_with(zone: float) -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 1, (2, 100))
    picked = select(lambda at, n: float(noise[at, n]), 2, zone, 0.95, 60)
    assert picked.decided == (zone > 1)


def test_a_scenario() -> None:
    world = sim.loads('duration = "2h"\nlease = {ttl = "2m"}\nfaults = [{what = "sleep", when = "6/h", length = "1m"}]')
    found = sim.best(world, {"renewal.every": ["0.2", "0.9"]}, "false_terminations_per_lease_hour", 0.5)
    assert found.values == {"renewal.every": "0.2"}
    assert "best: renewal.every = 0.2" in repr(found)
    assert "replay one: leasesim explain" in repr(found)
    assert found.as_json()["decided"]


SLEEPY = """
duration = "2h"
lease = {ttl = "2m"}
faults = [{what = "sleep", when = "6/h", length = "1m"}]
"""


@pytest.mark.parametrize("after", [1, 30, 61])
def test_an_interrupted_search_goes_on_to_the_same_bytes(tmp_path: Path, after: int) -> None:
    def stop(done: int, _: int) -> None:
        if done >= after:
            raise KeyboardInterrupt

    def search(out: Path | None, **more: Any) -> sim.Best:
        axes = {"renewal.every": "0.2,0.6,0.9"}
        return sim.best(sim.loads(SLEEPY), axes, "false_terminations_per_lease_hour", 0.05, out=out, **more)

    def kept(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}

    whole = search(tmp_path / "whole")
    assert repr(whole) == repr(search(None))
    with pytest.raises(KeyboardInterrupt, match=r"interrupted after \d+ of at most 5,000 replications") as caught:
        search(tmp_path / "stopped", progress=stop)
    done = int(str(caught.value).split()[2])
    assert after <= done < whole.computed
    again = search(tmp_path / "stopped")
    assert (again.reused, again.computed) == (done, whole.computed - done)
    assert repr(again) == repr(whole)
    assert kept(tmp_path / "stopped") == kept(tmp_path / "whole")
    assert search(tmp_path / "whole").computed == 0
    opened = sim.open(tmp_path / "whole")
    assert [len(tallies) for tallies in opened.tallies.values()] == [FIRST] * 3


def test_what_means_nothing_is_refused() -> None:
    axes = {"lease.ttl": ["1m", "2m"]}
    with pytest.raises(UsageError, match="indifference = 0"):
        sim.best(sim.loads(""), axes, "queue_wait_seconds", 0)
    with pytest.raises(UsageError, match="2 settings need 40"):
        sim.best(sim.loads(""), axes, "queue_wait_seconds", 1, budget=10)
    with pytest.raises(UsageError, match="neither less nor more"):
        sim.best(sim.loads(""), axes, "utilisation", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"indifference": "0.1"}, "indifference = '0.1': must be above 0"),
        ({"budget": math.nan}, "budget = nan: must be a whole number"),
        ({"budget": "5 potatoes"}, "budget = '5 potatoes': must be a whole number"),
        ({"confidence": "0.9"}, "confidence = '0.9': must be between 0 and 1"),
        ({"metric": 3}, "no metric is named 3"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused(options: dict[str, Any], message: str) -> None:
    given = {"metric": "queue_wait_seconds", "indifference": 1.0, **options}
    with pytest.raises(UsageError, match=message):
        sim.best(sim.loads(""), {"lease.ttl": ["1m", "2m"]}, **given)
