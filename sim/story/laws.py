"""Quantiles of distributions, and how much of one lies above a length."""

from __future__ import annotations

import math

from sim import samplers
from sim.model.distributions import Distribution, Empirical, Mixture
from sim.model.faults import Fault


def quantile(distribution: Distribution, u: float) -> int:
    """Return the `u`-quantile of a distribution in nanoseconds."""
    if isinstance(distribution, Empirical):
        ordered = sorted(distribution.values)
        return ordered[min(len(ordered) - 1, max(0, math.ceil(u * len(ordered)) - 1))]
    if isinstance(distribution, Mixture):
        low, high = 0, max(quantile(part.of, u) for part in distribution.parts)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if share_longer(distribution, middle) <= 1 - u else (middle + 1, high)
        return low
    return samplers.nanoseconds(samplers.variate(*distribution.law(), u))


def share_longer(distribution: Distribution, than_ns: int) -> float:
    """Return the probability of a draw longer than `than_ns`, to about one part in 10^9."""
    if isinstance(distribution, Mixture):
        total = sum(part.weight for part in distribution.parts)
        return sum(part.weight / total * share_longer(part.of, than_ns) for part in distribution.parts)
    if isinstance(distribution, Empirical):
        return sum(value > than_ns for value in distribution.values) / len(distribution.values)
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(distribution, middle) <= than_ns else (low, middle)
    return 0.0 if high == 1.0 else 1.0 - high if low > 0 else 1.0


def lengths_of(fault: Fault) -> Distribution:
    """Return how long a fault lasts: each of a recorded trace has its own length."""
    recorded = tuple(lasts for _, lasts in fault.when.trace or ())
    return Empirical.model_construct(values=recorded) if recorded else fault.length
