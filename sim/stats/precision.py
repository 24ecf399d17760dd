"""How many replications: when sequential sampling may stop, and how many more it would take."""

from __future__ import annotations

from math import ceil, inf, isfinite, sqrt

from sim.stats.estimates import Estimate, Values, check_confidence, normal_quantile, sample_of, t_quantile

REPLICATIONS_MIN = 10
"""Fewer replications never count as precise: their variance is itself too uncertain (Law & Kelton)."""


def replications_needed(values: Values, relative_half_width: float, confidence: float = 0.95) -> int | None:
    """Replications after which the t interval of the mean should reach a relative precision.

    Args:
        values: a pilot, one number a replication, shape (n,).
        relative_half_width: the wanted gamma, above 0: half-width over the true mean.
        confidence: nominal coverage.

    The smallest i >= max(n, 10) with t_{i-1} s / (sqrt(i) |mean|) <= gamma / (1 + gamma), mean and s from the
    pilot (Law 2015, section 9.4.1). None if the pilot has a zero mean or fewer than two values.
    """
    sample = sample_of("values", values)
    check_confidence(confidence)
    target = _relative_target(relative_half_width)
    if sample.size < 2 or sample.mean() == 0:
        return None
    variation = float(sample.std(ddof=1) / abs(sample.mean()))
    normal_bound = (normal_quantile((1 + confidence) / 2) * variation / target) ** 2
    needed = max(sample.size, REPLICATIONS_MIN, ceil(normal_bound))

    def precise(i: int) -> bool:
        return t_quantile(i - 1, confidence) * variation / sqrt(i) <= target

    while not precise(needed):
        needed += 1
    return needed


def precision_reached(estimate: Estimate, relative_half_width: float, replications_min: int = REPLICATIONS_MIN) -> bool:
    """Whether sequential sampling may stop: n is large enough and the interval relatively narrow enough.

    Stop when n >= `replications_min` and the farther bound is within gamma / (1 + gamma) of |value|, so that
    the error relative to the true value is at most gamma (Law & Kelton). Zero is never precise: set a cap.
    """
    target = _relative_target(relative_half_width)
    return estimate.n >= replications_min and estimate.reach <= target * abs(estimate.value) > 0


def needed_for(estimate: Estimate, relative_half_width: float) -> int | None:
    """Replications with which the interval should be so narrow, if widths go on as one over the root of the number.

    None where nothing can be said: nothing was seen, or there is no interval.
    """
    target = _relative_target(relative_half_width) * abs(estimate.value)
    if not (isfinite(estimate.reach) and target > 0):
        return None
    return max(REPLICATIONS_MIN, ceil(estimate.n * (estimate.reach / target) ** 2))


def _relative_target(gamma: float) -> float:
    if not 0 < gamma < inf:
        raise ValueError(f"relative_half_width = {gamma}: must be above 0 and finite")
    return gamma / (1 + gamma)
