"""How often intervals hold the truth: ``python -m tests.verification.coverage [TRIALS]``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from sim.metrics import METRICS, Tally, estimate
from sim.stats import (
    Estimate,
    mean_interval,
    paired_difference,
    paired_ratio_difference,
    proportion_interval,
    rate_interval,
    ratio_interval,
)
from sim.units import HOUR

Rng = Any
TRIALS: Final = 20_000


@dataclass(frozen=True)
class Kind:
    """An interval on data whose truth is known."""

    name: str
    data: str
    truth: float
    draw: Callable[[Rng], Estimate]
    exact: bool = False
    """Covers at least what it says: discrete data, or next to none, make it cover more."""


def _pair(rng: Rng, n: int, shift: float = 0.0) -> tuple[Any, Any]:
    hours = rng.gamma(4.0, 25.0, n)
    return hours * (0.5 + shift) + rng.exponential(10.0, n), hours


def _batched(rng: Rng, n: int) -> Estimate:
    kills = rng.poisson(8.0, n) * 10
    return ratio_interval(kills, np.full(n, 100.0), "1/h")


def _seldom(rng: Rng, n: int, name: str) -> Estimate:
    """A restart in one of six replications takes all ten runs; each replication has twenty runs and 40 lease-hours."""
    hits = rng.poisson(1 / 6, n)
    return estimate(METRICS[name], [_replication(int(hit)) for hit in hits])


def _replication(hits: int) -> Tally:
    return Tally(
        observed_ns=4 * HOUR, capacity_ns=40 * HOUR, lease_ns=40 * HOUR, runs_started=20 + 10 * hits,
        runs_finished=20, runs_terminated=10 * hits, false_terminations=10 * hits, false_termination_incidents=hits,
    )  # fmt: skip


_KILLS: Final = "false_terminations_per_lease_hour"
_KILLED: Final = "false_termination_probability"


def _ratios(rng: Rng, n: int) -> Estimate:
    return ratio_interval(*_pair(rng, n), "s/h")


def _paired(rng: Rng, n: int) -> Estimate:
    tops, hours = _pair(rng, n)
    return paired_ratio_difference(tops + rng.exponential(20.0, n), hours, tops, hours, "s/h")


def _counts(rng: Rng, n: int, mean: float) -> Estimate:
    return ratio_interval(rng.poisson(mean, n), np.full(n, 10.0), "1/h", exposure_unit_events=True)


def _sizes(rng: Rng, n: int, incidents: float = 0.75) -> Estimate:
    """Total sizes of so many incidents, which are exponential, over 100 hours."""
    tops = rng.gamma(np.maximum(counts := rng.poisson(incidents, n), 1e-300), 1.0) * (counts > 0)
    return ratio_interval(tops, np.full(n, 100.0), "s/h")


def _one_sided(rng: Rng, n: int) -> Estimate:
    shared = rng.normal(0, 5, n)
    return paired_difference(shared + rng.exponential(1.0, n), shared, "s")


def _paired_means(rng: Rng, n: int) -> Estimate:
    shared = rng.normal(0, 5, n)
    return paired_difference(shared + rng.normal(1, 1, n), shared + rng.normal(0, 1, n), "s")


def _like(draw: Callable[[Rng, int], Any]) -> Callable[[int], Callable[[Rng], Estimate]]:
    """Two designs that do not differ."""

    def of(n: int) -> Callable[[Rng], Estimate]:
        return lambda rng: paired_ratio_difference(draw(rng, n), np.ones(n), draw(rng, n), np.ones(n), "s")

    return of


def _some(share: float, draw: Callable[[Rng, int], Any]) -> Callable[[Rng, int], Any]:
    """In a share of the replications something, in the others nothing."""
    return lambda rng, n: (rng.random(n) < share) * draw(rng, n)


def _exponential(rng: Rng, n: int) -> Any:
    return rng.exponential(1.0, n)


def _lognormal(rng: Rng, n: int) -> Any:
    return rng.lognormal(0.0, 1.0, n)


def _seldom_more(rng: Rng, n: int) -> Estimate:
    """One design sees an exponential amount in one of five replications, the other in one of twenty."""
    a, b = _some(0.2, _exponential)(rng, n), _some(0.05, _exponential)(rng, n)
    return paired_ratio_difference(a, np.ones(n), b, np.ones(n), "s")


KINDS: Final = (
    Kind("mean", "10 normal", 3.0, lambda rng: mean_interval(rng.normal(3, 1, 10), "s")),
    Kind("mean", "10 exponential", 1.0, lambda rng: mean_interval(rng.exponential(1, 10), "s")),
    Kind("mean", "20 gamma, shape 0.5", 0.5, lambda rng: mean_interval(rng.gamma(0.5, 1, 20), "s")),
    Kind("mean", "30 gamma, shape 4", 4.0, lambda rng: mean_interval(rng.gamma(4, 1, 30), "s")),
    Kind("paired difference", "10 pairs", 1.0, lambda rng: _paired_means(rng, 10)),
    Kind("paired difference", "20 pairs, one side exponential", 1.0, lambda rng: _one_sided(rng, 20)),
    Kind("ratio, jackknife", "10 replications", 0.6, lambda rng: _ratios(rng, 10)),
    Kind("ratio, jackknife", "20 replications", 0.6, lambda rng: _ratios(rng, 20)),
    Kind("ratio, delta method", "30 replications", 0.6, lambda rng: _ratios(rng, 30)),
    Kind("ratio, delta method", "100 replications", 0.6, lambda rng: _ratios(rng, 100)),
    Kind("ratio, jackknife", "20 replications, half of them zero", 0.0075, lambda rng: _sizes(rng, 20)),
    Kind("ratio, delta method", "50 replications, half of them zero", 0.0075, lambda rng: _sizes(rng, 50)),
    Kind("paired ratios, jackknife", "10 pairs", 0.2, lambda rng: _paired(rng, 10)),
    Kind("paired ratios, jackknife", "20 pairs", 0.2, lambda rng: _paired(rng, 20)),
    Kind("paired ratios, delta method", "100 pairs", 0.2, lambda rng: _paired(rng, 100)),
    Kind("paired, no difference", "10 pairs, exponential", 0.0, _like(_exponential)(10)),
    Kind("paired, no difference", "20 pairs, lognormal", 0.0, _like(_lognormal)(20)),
    Kind("paired, no difference", "20 pairs, three in ten see 1", 0.0, _like(_some(0.3, lambda _, n: np.ones(n)))(20)),
    Kind("paired, no difference", "30 pairs, one in five lognormal", 0.0, _like(_some(0.2, _lognormal))(30)),
    Kind("paired, no difference", "100 pairs, one in five lognormal", 0.0, _like(_some(0.2, _lognormal))(100)),
    Kind("paired, no difference", "100 pairs, one in ten exponential", 0.0, _like(_some(0.1, _exponential))(100)),
    Kind("paired, no difference", "20 pairs, one in ten exponential", 0.0, _like(_some(0.1, _exponential))(20), True),
    Kind("kills in batches of 10, jackknife", "20 replications, 8 batches each", 0.8, lambda rng: _batched(rng, 20)),
    Kind("kills in batches of 10, delta method", "50 replications", 0.8, lambda rng: _batched(rng, 50)),
    Kind("kills in batches of 10", "3 replications, 1 in 6 with any", 1 / 24, lambda r: _seldom(r, 3, _KILLS), True),
    Kind("kills in batches of 10", "10 replications, 1 in 6 with any", 1 / 24, lambda r: _seldom(r, 10, _KILLS), True),
    Kind("kills in batches of 10", "30 replications, 1 in 6 with any", 1 / 24, lambda r: _seldom(r, 30, _KILLS), True),
    Kind("share of runs killed", "3 replications, 1 in 6 with any", 1 / 13, lambda r: _seldom(r, 3, _KILLED), True),
    Kind("share of runs killed", "10 replications, 1 in 6 with any", 1 / 13, lambda r: _seldom(r, 10, _KILLED), True),
    Kind("incidents, wider of two", "20 replications, 5 each", 0.5, lambda rng: _counts(rng, 20, 5.0), exact=True),
    Kind("incidents, wider of two", "20 replications, 0.1 each", 0.01, lambda rng: _counts(rng, 20, 0.1), exact=True),
    Kind("rate, Garwood", "20 expected", 2.0, lambda rng: rate_interval(rng.poisson(20), 10, "1/h"), exact=True),
    Kind("rate, Garwood", "0.5 expected", 0.05, lambda rng: rate_interval(rng.poisson(0.5), 10, "1/h"), exact=True),
    Kind("proportion, Wilson", "100 trials, 0.1", 0.1, lambda rng: proportion_interval(rng.binomial(100, 0.1), 100)),
    Kind(
        "proportion, Clopper-Pearson", "100 trials, 0.01", 0.01,
        lambda rng: proportion_interval(rng.binomial(100, 0.01), 100, method="exact"), exact=True,
    ),
)  # fmt: skip

HARDER: Final = (
    Kind("mean", "5 exponential", 1.0, lambda rng: mean_interval(rng.exponential(1, 5), "s")),
    Kind("ratio, jackknife", "5 replications", 0.6, lambda rng: _ratios(rng, 5)),
    Kind("mean", "10 lognormal, sigma 1", 1.6487212707, lambda rng: mean_interval(rng.lognormal(0, 1, 10), "s")),
    Kind("mean", "30 lognormal, sigma 1", 1.6487212707, lambda rng: mean_interval(rng.lognormal(0, 1, 30), "s")),
    Kind(
        "paired ratios, jackknife", "20 pairs, one in five against one in twenty", 0.15, lambda r: _seldom_more(r, 20)
    ),
    Kind("paired ratios, delta method", "100 pairs, the same", 0.15, lambda r: _seldom_more(r, 100)),
    Kind("ratio, jackknife", "20 replications, 9 in 10 zero", 0.001, lambda rng: _sizes(rng, 20, 0.1)),
    Kind("ratio, delta method", "100 replications, 9 in 10 zero", 0.001, lambda rng: _sizes(rng, 100, 0.1)),
)
"""Data for which no method without a model of them does well: shown, and not promised."""


def coverage(kind: Kind, trials: int, seed: int = 1) -> float:
    """How often the nominal 95 % interval holds the truth."""
    rng = np.random.default_rng([seed, (*KINDS, *HARDER).index(kind)])
    held = 0
    for _ in range(trials):
        found = kind.draw(rng)
        held += found.low <= kind.truth <= found.high
    return held / trials


def within(kind: Kind, share: float, slack: float = 0.0) -> bool:
    """Whether it covers between 93 % and 97 %; what is exact by construction may cover more."""
    return share >= 0.93 - slack and (kind.exact or share <= 0.97 + slack)


def lines(trials: int = TRIALS) -> Iterator[str]:
    """The table in Markdown."""
    yield "| interval, nominal 95 % | data | covered | |"
    yield "| --- | --- | ---: | --- |"
    for kind in (*KINDS, *HARDER):
        share = coverage(kind, trials)
        verdict = "falls short" if share < 0.93 else "covers more" if share > 0.97 else "93-97 %"
        yield f"| {kind.name} | {kind.data} | {share:.1%} | {verdict} |"


if __name__ == "__main__":
    for text in lines(int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS):
        print(text)
