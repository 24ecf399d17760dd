"""Means over replications, and of differences between replications on common random numbers."""

from __future__ import annotations

from math import inf, nan

from sim.stats.estimates import Array, Estimate, Values, check_confidence, pair_of, sample_of
from sim.stats.skewed import NAME, WIDER, Sample

ALIKE, ZERO = "no interval: the same in every replication", "zero in every replication"
ONE = "no interval: one replication"


def mean_interval(values: Values, unit: str, confidence: float = 0.95) -> Estimate:
    """Mean of independent replications, t interval corrected for skewness.

    Args:
        values: one number a replication, shape (n,), in `unit`.
        unit: unit of the values.
        confidence: nominal coverage, between 0 and 1.

    One value, or values all alike, give infinite bounds, none gives nan. Zero in every replication is taken as a
    quantity that is never negative and bounds nothing above: [0, inf).
    """
    sample = sample_of("values", values)
    estimate = _interval(sample, unit, confidence)
    if sample.size > 1 and not sample.any():
        return Estimate(0.0, 0.0, inf, unit, sample.size, ZERO, confidence)
    return estimate


def paired_difference(a: Values, b: Values, unit: str, confidence: float = 0.95) -> Estimate:
    """Mean of a - b over replications run on common random numbers: t on the differences, or with their skewness taken
    out, whichever is wider.

    Args:
        a: first design, shape (n,).
        b: second design, shape (n,); a[i] and b[i] share the random numbers of replication i.
        unit: unit of both.
        confidence: nominal coverage.

    If no replication differs, the bounds are infinite: the designs may still differ in rare ones. So they are if all
    differ by the same; then `p` is the sign test's, for how much is not known, but which way is.
    """
    first, second = pair_of("a", a, "b", b)
    return _interval(first - second, unit, confidence, first, second)


def _interval(sample: Array, unit: str, confidence: float, *made_of: Array) -> Estimate:
    check_confidence(confidence)
    if not sample.size:
        return Estimate(nan, -inf, inf, unit, 0, ONE, confidence)
    spread = Sample(sample, max(float(abs(each).max()) for each in made_of or (sample,)), 0, bool(made_of))
    if spread.alike:
        value = spread.settled(spread.mean)
        p = sign_p(value, spread.n)
        return Estimate(value, -inf, inf, unit, spread.n, ALIKE if spread.n > 1 else ONE, confidence, p)
    method = WIDER if made_of else NAME
    return Estimate(spread.mean, *spread.bounds(confidence), unit, spread.n, method, confidence, spread.p_of())


def sign_p(value: float, n: int) -> float:
    """Return how often chance alone would give `n` differences one sign; nan where there is no difference."""
    return min(1.0, 2.0 ** (1 - n)) if value else nan
