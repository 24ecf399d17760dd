"""Means over replications, and of differences between replications on common random numbers."""

from __future__ import annotations

from math import inf, nan

from sim.stats.estimates import Array, Estimate, Values, check_confidence, pair_of, sample_of
from sim.stats.skewed import NAME, WIDER, Differences, Sample

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
    estimate = _interval(Sample(sample, _largest(sample)), NAME, unit, confidence)
    if sample.size > 1 and not sample.any():
        return Estimate(0.0, 0.0, inf, unit, sample.size, ZERO, confidence)
    return estimate


def paired_difference(a: Values, b: Values, unit: str, confidence: float = 0.95) -> Estimate:
    """Mean of a - b over replications run on common random numbers, by their differences.

    Args:
        a: first design, shape (n,).
        b: second design, shape (n,); a[i] and b[i] share the random numbers of replication i.
        unit: unit of both.
        confidence: nominal coverage.

    The interval is the wider of t and t corrected for skewness: differences may be skewed, as where only one design
    sees anything, or symmetric, and then the skewness of a few is noise. If no replication differs by more than
    rounding, the bounds are infinite: the designs may still differ in rare ones. So they are if all differ by the same;
    then `p` is the sign test's, for how much is not known, but which way is.
    """
    first, second = pair_of("a", a, "b", b)
    sample = Differences(first - second, max(_largest(first), _largest(second)))
    return _interval(sample, f"paired, {WIDER}", unit, confidence)


def _interval(sample: Sample, method: str, unit: str, confidence: float) -> Estimate:
    check_confidence(confidence)
    n = sample.n
    if not n:
        return Estimate(nan, -inf, inf, unit, 0, ONE, confidence)
    if sample.alike:
        value = sample.rounded(sample.mean)
        return Estimate(value, -inf, inf, unit, n, ALIKE if n > 1 else ONE, confidence, sign_p(value, n))
    return Estimate(sample.mean, *sample.bounds(confidence), unit, n, method, confidence, sample.p_of())


def _largest(values: Array) -> float:
    return float(abs(values).max(initial=0.0))


def sign_p(value: float, n: int) -> float:
    """Return how often chance alone would give `n` differences one sign; nan where there is no difference."""
    return min(1.0, 2.0 ** (1 - n)) if value else nan
