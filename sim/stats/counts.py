"""Counts of independent incidents, and shares of independent trials."""

from __future__ import annotations

from math import inf, nan, sqrt
from typing import Literal

from sim.stats.estimates import Estimate, check_confidence, normal_quantile


def rate_interval(count: int, exposure: float, unit: str, confidence: float = 0.95) -> Estimate:
    """Rate of independent incidents, `count` of them in `exposure` > 0: exact Poisson interval.

    Half the chi-square quantiles with 2 count and 2 count + 2 degrees of freedom, over the exposure (Garwood
    1936). A count of 0 gives [0, -ln(alpha/2) / exposure]. The `n` of the estimate is the count.
    """
    from scipy.special import gammaincinv

    check_confidence(confidence)
    if count < 0 or not 0 < exposure < inf:
        raise ValueError(f"count = {count} and exposure = {exposure}: must be >= 0, and finite above 0")
    low = float(gammaincinv(count, (1 - confidence) / 2)) if count else 0.0
    high = float(gammaincinv(count + 1, (1 + confidence) / 2))
    return Estimate(count / exposure, low / exposure, high / exposure, unit, count, "Garwood", confidence)


def proportion_interval(
    k: int,
    n: int,
    unit: str = "fraction",
    confidence: float = 0.95,
    method: Literal["wilson", "exact"] = "wilson",
) -> Estimate:
    """Proportion k / n of independent trials.

    Args:
        k: successes, 0 <= k <= n.
        n: trials; 0 gives nan in [0, 1].
        unit: unit, default "fraction".
        confidence: nominal coverage.
        method: "wilson" (Wilson 1927) or "exact" (Clopper & Pearson 1934, never covers too little).
    """
    check_confidence(confidence)
    if not 0 <= k <= n:
        raise ValueError(f"k = {k} and n = {n}: need 0 <= k <= n")
    if method not in ("wilson", "exact"):
        raise ValueError(f"method = {method!r}: must be 'wilson' or 'exact'")
    if n == 0:
        return Estimate(nan, 0.0, 1.0, unit, 0, "no trials", confidence)
    low, high = _wilson(k, n, confidence) if method == "wilson" else _clopper_pearson(k, n, confidence)
    return Estimate(k / n, low, high, unit, n, method, confidence)


def _wilson(k: int, n: int, confidence: float) -> tuple[float, float]:
    z2 = normal_quantile((1 + confidence) / 2) ** 2
    centre = (k + z2 / 2) / (n + z2)
    half = sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
    return 0.0 if k == 0 else centre - half, 1.0 if k == n else centre + half


def _clopper_pearson(k: int, n: int, confidence: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    low = float(betaincinv(k, n - k + 1, (1 - confidence) / 2)) if k > 0 else 0.0
    return low, float(betaincinv(k + 1, n - k, (1 + confidence) / 2)) if k < n else 1.0
