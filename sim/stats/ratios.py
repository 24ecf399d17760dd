"""Ratios of sums over replications: rates per lease-hour, shares of time, and their differences."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log, nan

import numpy as np

from sim.stats.counts import rate_interval
from sim.stats.estimates import Array, Estimate, Values, check_confidence, pair_of
from sim.stats.means import ALIKE, ONE, ZERO, sign_p
from sim.stats.skewed import NAME, WIDER, Differences, Sample

COUNTS_ALIKE = "no interval: the same counts in every replication"
JACKKNIFE_BELOW = 30
"""Ratios over fewer replications than this are judged by the jackknife's pseudo-values, else by the delta method's."""


def ratio_interval(
    numerators: Values,
    denominators: Values,
    unit: str,
    confidence: float = 0.95,
    *,
    exposure_unit_events: bool = False,
    per_event: float | None = None,
) -> Estimate:
    """Ratio of sums over replications, such as false terminations per lease-hour.

    Args:
        numerators: one number a replication, shape (n,).
        denominators: exposure of each replication, shape (n,), not negative.
        unit: unit of the ratio.
        confidence: nominal coverage.
        exposure_unit_events: the numerators count independent incidents, not kills that come in batches.
        per_event: the numerators are sizes of independent incidents, and one adds at most this (e.g. seconds
            of over-allocation); used only if all are zero.

    The value is sum(numerators) / sum(denominators). Its interval is that of the mean of what each replication
    contributes, a t interval corrected for skewness: contributions by the delta method, or by the jackknife below
    `JACKKNIFE_BELOW` replications, where the former vary too little (Cochran 1977, chapter 6). Counts get the wider
    of this, which covers replications that differ more than Poisson, and Garwood's exact interval, which covers
    small counts. Numerators that are never negative have low >= 0.

    If all replications contribute the same, counts have Garwood's interval and everything else has none. If every
    numerator is zero, low is 0 and high is Garwood's bound, -ln(alpha/2) / exposure (3.689 / exposure at 95 %),
    times `per_event` for sizes; without either keyword nothing is known and high is infinite. No exposure gives nan.
    """
    check_confidence(confidence)
    tops, bottoms = _ratio_pair("numerators", numerators, "denominators", denominators)
    _check_incidents(tops, exposure_unit_events, per_event)
    exposure, n = float(bottoms.sum()), tops.size
    if exposure == 0:
        return Estimate(nan, -inf, inf, unit, n, "no exposure", confidence)
    if not tops.any():
        high = -log((1 - confidence) / 2) / exposure * (1 if exposure_unit_events else per_event or inf)
        return Estimate(0.0, 0.0, high, unit, n, "no incident, Garwood" if high < inf else ZERO, confidence)
    spread = _spread(tops, bottoms, unit, confidence)
    return _widened(spread, float(tops.sum()), exposure) if exposure_unit_events else spread


def paired_ratio_difference(
    numerators_a: Values,
    denominators_a: Values,
    numerators_b: Values,
    denominators_b: Values,
    unit: str,
    confidence: float = 0.95,
    *,
    counts: bool = False,
) -> Estimate:
    """Difference of two ratios of sums, a - b, from replications on common random numbers.

    Args:
        numerators_a: first design, shape (n,), as in `ratio_interval`.
        denominators_a: its exposures, shape (n,).
        numerators_b: second design, replication by replication on the same random numbers, shape (n,).
        denominators_b: its exposures, shape (n,).
        unit: unit of both ratios.
        confidence: nominal coverage.
        counts: the numerators count events.

    The interval is that of the mean of what each pair contributes, so that what the designs share cancels;
    contributions are those of `ratio_interval`, their interval that of `paired_difference`. If neither design saw
    anything, no replication differs by more than rounding, or all differ by the same, the bounds are infinite (and `p`
    is that of `paired_difference`). So they are, with no `p`, if events are counted and every replication has as many
    in one design as in the other: exposures differ a little in each, but what makes the difference was in none of
    them. No exposure in one design gives nan.
    """
    check_confidence(confidence)
    a = _ratio_pair("numerators_a", numerators_a, "denominators_a", denominators_a)
    b = _ratio_pair("numerators_b", numerators_b, "denominators_b", denominators_b)
    n = a[0].size
    if n != b[0].size:
        raise ValueError(f"design a has {n} replications and design b has {b[0].size}: they must be paired")
    if a[1].sum() == 0 or b[1].sum() == 0:
        return Estimate(nan, -inf, inf, unit, n, "no exposure", confidence)
    if counts and np.array_equal(a[0], b[0]):
        return Estimate(_ratio(*a) - _ratio(*b), -inf, inf, unit, n, COUNTS_ALIKE if n > 1 else ONE, confidence)
    value, parts = _ratio(*a) - _ratio(*b), (_contributions(*a), _contributions(*b))
    fitted = _noisy(a[1]) + _noisy(b[1])
    sample = Differences(parts[0] - parts[1], max(float(abs(part).max()) for part in parts), fitted)
    if np.array_equal(a, b) or sample.alike:
        value = sample.rounded(value)
        return Estimate(value, -inf, inf, unit, n, ALIKE if n > 1 else ONE, confidence, sign_p(value, n))
    method = f"paired {_contributed(n)}, {WIDER}"
    return _around(value, sample, unit, method, confidence)


def _spread(tops: Array, bottoms: Array, unit: str, confidence: float) -> Estimate:
    """The interval by what replications contribute."""
    value, parts = _ratio(tops, bottoms), _contributions(tops, bottoms)
    sample = Sample(parts, float(abs(parts).max()), _noisy(bottoms))
    method = _method(sample.n) if not sample.alike else ALIKE if sample.n > 1 else ONE
    found = replace(_around(value, sample, unit, method, confidence), p=nan)
    return replace(found, low=max(found.low, 0.0)) if (tops >= 0).all() else found


def _around(value: float, sample: Sample, unit: str, method: str, confidence: float) -> Estimate:
    """Move the interval of the mean contribution, which has the jackknife's correction of bias, to the ratio itself."""
    low, high = (bound + value - sample.mean for bound in sample.bounds(confidence))
    if np.isnan(low):  # a replication that holds all the exposure
        low, high = -inf, inf
    return Estimate(value, low, high, unit, sample.n, method, confidence, sample.p_of(sample.mean - value))


def _widened(spread: Estimate, count: float, exposure: float) -> Estimate:
    """The wider of both intervals; Garwood's alone where replications do not vary."""
    exact = rate_interval(round(count), exposure, spread.unit, spread.confidence)
    if spread.n < 2 or spread.method == ALIKE:
        return replace(exact, n=spread.n)
    low, high = min(exact.low, spread.low), max(exact.high, spread.high)
    return replace(spread, low=low, high=high, method=f"wider of Garwood and {spread.method}")


def _ratio(tops: Array, bottoms: Array) -> float:
    return float(tops.sum() / bottoms.sum())


def _method(n: int) -> str:
    return f"{_contributed(n)}, {NAME}"


def _contributed(n: int) -> str:
    return "jackknife" if n < JACKKNIFE_BELOW else "delta method"


def _contributions(tops: Array, bottoms: Array) -> Array:
    """What each replication contributes, shape (n,): the ratio is about their mean and varies as that does.

    Jackknife pseudo-values for few replications, else the ratio and its linearised residuals. A replication that holds
    all the exposure has no leave-one-out ratio, and it contributes nan.
    """
    n, top, bottom = tops.size, tops.sum(), bottoms.sum()
    if n >= JACKKNIFE_BELOW:
        return np.asarray(top / bottom + (tops - top / bottom * bottoms) / (bottom / n))
    rest = bottom - bottoms
    without = np.divide(top - tops, rest, out=np.full(n, nan), where=rest > 0)
    return np.asarray(n * (top / bottom) - (n - 1) * without)


def _noisy(bottoms: Array) -> bool:
    """Whether a denominator is itself an estimate; where it is the same in all replications, a ratio is a mean."""
    return bool((bottoms != bottoms[0]).any())


def _check_incidents(tops: Array, counts: bool, per_event: float | None) -> None:
    if counts and per_event is not None:
        raise ValueError("exposure_unit_events and per_event exclude each other: counts or sizes")
    if counts and not ((tops >= 0) & (tops == np.floor(tops))).all():
        raise ValueError("numerators: counts of incidents must be whole numbers, not negative")
    if per_event is not None and not 0 < per_event < inf:
        raise ValueError(f"per_event = {per_event}: must be above 0 and finite")


def _ratio_pair(name_top: str, top: Values, name_bottom: str, bottom: Values) -> tuple[Array, Array]:
    tops, bottoms = pair_of(name_top, top, name_bottom, bottom)
    if (bottoms < 0).any():
        raise ValueError(f"{name_bottom} has a negative value: exposure is at least 0")
    return tops, bottoms
