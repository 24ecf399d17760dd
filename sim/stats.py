"""Interval estimators: no number leaves a study without its interval, its unit and the number behind it.

All intervals are two-sided. A bound that the data cannot give is infinite (`None` in JSON), never invented: a
quantity that was zero in every replication is *not* reported as [0, 0].

Replications are independent and of one design; values are finite. Wrong shapes and values raise ValueError.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, isfinite, log, nan, sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Values = Sequence[float] | npt.NDArray[np.floating[Any] | np.integer[Any]]

JACKKNIFE_BELOW = 30
"""Ratios over fewer replications than this take their variance from the jackknife, else the delta method."""
REPLICATIONS_MIN = 10
"""Fewer replications never count as precise: their variance is itself too uncertain (Law & Kelton)."""

_ALIKE, _ZERO = "no interval: too little variation seen", "zero in every replication"


@dataclass(frozen=True)
class Estimate:
    """An estimate with a two-sided confidence interval.

    Attributes:
        value: the point estimate; nan when there was nothing to estimate from.
        low, high: the bounds; infinite where the data give none.
        unit: of value and bounds, e.g. "1/lease-h".
        n: number of replications or trials behind it.
        method: how the interval was made, in words.
        confidence: the nominal coverage, e.g. 0.95.
    """

    value: float
    low: float
    high: float
    unit: str
    n: int
    method: str
    confidence: float

    @property
    def half_width(self) -> float:
        """Half the length of the interval, in `unit`; infinite if a bound is."""
        return (self.high - self.low) / 2

    @property
    def reach(self) -> float:
        """Distance from the value to its farther bound, in `unit`."""
        return max(self.value - self.low, self.high - self.value)

    def as_json(self) -> dict[str, float | int | str | None]:
        """The estimate as a JSON object; what is not finite becomes None."""
        numbers = {"estimate": self.value, "low": self.low, "high": self.high}
        finite = {name: float(x) if isfinite(x) else None for name, x in numbers.items()}
        return {**finite, "unit": self.unit, "n": int(self.n)}


# ---- means ------------------------------------------------------------------------------------------------


def mean_interval(values: Values, unit: str, confidence: float = 0.95) -> Estimate:
    """Mean of independent replications, Student t interval.

    Args:
        values: one number a replication, shape (n,), in `unit`.
        unit: unit of the values.
        confidence: nominal coverage, between 0 and 1.

    One value, or values all alike, give infinite bounds, none gives nan. Zero in every replication is taken as a
    quantity that is never negative and bounds nothing above: [0, inf). Source: Law 2015, section 4.5.
    """
    sample = _sample("values", values)
    estimate = _t_interval(sample, unit, confidence)
    if sample.size > 1 and not sample.any():
        return Estimate(0.0, 0.0, inf, unit, sample.size, _ZERO, confidence)
    return estimate


def paired_difference(a: Values, b: Values, unit: str, confidence: float = 0.95) -> Estimate:
    """Mean of a - b over replications run on common random numbers, Student t on the differences.

    Args:
        a: first design, shape (n,).
        b: second design, shape (n,); a[i] and b[i] share the random numbers of replication i.
        unit: unit of both.
        confidence: nominal coverage.

    If no replication differs, the bounds are infinite: the designs may still differ in rare ones.
    Source: Law 2015, section 10.2.1.
    """
    first, second = _pair("a", a, "b", b)
    return _t_interval(first - second, unit, confidence)


def _t_interval(sample: Array, unit: str, confidence: float) -> Estimate:
    _check_confidence(confidence)
    n = sample.size
    value = float(sample.mean()) if n else nan
    if n < 2 or (sample == sample[0]).all():
        return Estimate(value, -inf, inf, unit, n, _ALIKE, confidence)
    half = _half_width(sample, confidence)
    return Estimate(value, value - half, value + half, unit, n, "Student t", confidence)


# ---- ratios of sums: rates per lease-hour, shares of time -------------------------------------------------


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

    The value is sum(numerators) / sum(denominators), with a t interval by the delta method, or by the
    jackknife below `JACKKNIFE_BELOW` replications, where the former is too narrow (Cochran 1977, chapter 6).
    Counts get the wider of this, which covers replications that differ more than Poisson, and Garwood's exact
    interval, which covers small counts. Numerators that are never negative have low >= 0.

    If every numerator is zero, low is 0 and high is Garwood's bound, -ln(alpha/2) / exposure (3.689 /
    exposure at 95 %), times `per_event` for sizes; without either keyword nothing is known and high is
    infinite. No exposure gives nan.
    """
    _check_confidence(confidence)
    tops, bottoms = _ratio_pair("numerators", numerators, "denominators", denominators)
    _check_incidents(tops, exposure_unit_events, per_event)
    exposure, n = float(bottoms.sum()), tops.size
    if exposure == 0:
        return Estimate(nan, -inf, inf, unit, n, "no exposure", confidence)
    if not tops.any():
        high = -log((1 - confidence) / 2) / exposure * (1 if exposure_unit_events else per_event or inf)
        return Estimate(0.0, 0.0, high, unit, n, "no incident, Garwood" if high < inf else _ZERO, confidence)
    spread = _ratio_spread(tops, bottoms, unit, confidence)
    return _widened(spread, float(tops.sum()), exposure) if exposure_unit_events else spread


def rate_interval(count: int, exposure: float, unit: str, confidence: float = 0.95) -> Estimate:
    """Rate of independent incidents, `count` of them in `exposure` > 0: exact Poisson interval.

    Half the chi-square quantiles with 2 count and 2 count + 2 degrees of freedom, over the exposure (Garwood
    1936). A count of 0 gives [0, -ln(alpha/2) / exposure]. The `n` of the estimate is the count.
    """
    from scipy.special import gammaincinv

    _check_confidence(confidence)
    if count < 0 or not 0 < exposure < inf:
        raise ValueError(f"count = {count} and exposure = {exposure}: must be >= 0, and finite above 0")
    low = float(gammaincinv(count, (1 - confidence) / 2)) if count else 0.0
    high = float(gammaincinv(count + 1, (1 + confidence) / 2))
    return Estimate(count / exposure, low / exposure, high / exposure, unit, count, "Garwood", confidence)


def paired_ratio_difference(
    numerators_a: Values,
    denominators_a: Values,
    numerators_b: Values,
    denominators_b: Values,
    unit: str,
    confidence: float = 0.95,
) -> Estimate:
    """Difference of two ratios of sums, a - b, from replications on common random numbers.

    Args:
        numerators_a: first design, shape (n,), as in `ratio_interval`.
        denominators_a: its exposures, shape (n,).
        numerators_b: second design, replication by replication on the same random numbers, shape (n,).
        denominators_b: its exposures, shape (n,).
        unit: unit of both ratios.
        confidence: nominal coverage.

    The t interval uses the delta method, or below `JACKKNIFE_BELOW` replications the jackknife, on pairs, so
    that what the designs share cancels. If neither design saw anything, or no replication differs, the bounds
    are infinite. No exposure in one design gives nan.
    """
    _check_confidence(confidence)
    a = _ratio_pair("numerators_a", numerators_a, "denominators_a", denominators_a)
    b = _ratio_pair("numerators_b", numerators_b, "denominators_b", denominators_b)
    n = a[0].size
    if n != b[0].size:
        raise ValueError(f"design a has {n} replications and design b has {b[0].size}: they must be paired")
    if a[1].sum() == 0 or b[1].sum() == 0:
        return Estimate(nan, -inf, inf, unit, n, "no exposure", confidence)
    value = _ratio(*a) - _ratio(*b)
    if np.array_equal(a, b) or not (a[0].any() or b[0].any()):
        return Estimate(value, -inf, inf, unit, n, _ALIKE, confidence)
    half = _half_width(_influence(*a) - _influence(*b), confidence)
    return Estimate(value, value - half, value + half, unit, n, f"paired {_ratio_method(n)}", confidence)


def _ratio_spread(tops: Array, bottoms: Array, unit: str, confidence: float) -> Estimate:
    value, half = _ratio(tops, bottoms), _half_width(_influence(tops, bottoms), confidence)
    low = max(value - half, 0.0) if (tops >= 0).all() else value - half
    return Estimate(value, low, value + half, unit, tops.size, _ratio_method(tops.size), confidence)


def _widened(spread: Estimate, count: float, exposure: float) -> Estimate:
    """The wider of both intervals; Garwood's alone if there is one replication."""
    exact = rate_interval(round(count), exposure, spread.unit, spread.confidence)
    if spread.n < 2:
        return replace(exact, n=spread.n)
    low, high = min(exact.low, spread.low), max(exact.high, spread.high)
    return replace(spread, low=low, high=high, method=f"wider of Garwood and {spread.method}")


def _ratio(tops: Array, bottoms: Array) -> float:
    return float(tops.sum() / bottoms.sum())


def _ratio_method(n: int) -> str:
    return "jackknife" if n < JACKKNIFE_BELOW else "delta method"


def _influence(tops: Array, bottoms: Array) -> Array:
    """What each replication does to the ratio, shape (n,): the ratio's variance is theirs over n.

    Jackknife pseudo-values for few replications, else linearised residuals. A replication that holds all the
    exposure has no leave-one-out ratio, and its influence is nan.
    """
    n, top, bottom = tops.size, tops.sum(), bottoms.sum()
    if n >= JACKKNIFE_BELOW:
        return np.asarray((tops - top / bottom * bottoms) / (bottom / n))
    rest = bottom - bottoms
    without = np.divide(top - tops, rest, out=np.full(n, nan), where=rest > 0)
    return np.asarray(n * (top / bottom) - (n - 1) * without)


def _half_width(influence: Array, confidence: float) -> float:
    if not np.isfinite(influence).all():
        return inf
    n = influence.size
    return t_quantile(n - 1, confidence) * float(influence.std(ddof=1)) / sqrt(n)


# ---- proportions ------------------------------------------------------------------------------------------


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
    _check_confidence(confidence)
    if not 0 <= k <= n:
        raise ValueError(f"k = {k} and n = {n}: need 0 <= k <= n")
    if method not in ("wilson", "exact"):
        raise ValueError(f"method = {method!r}: must be 'wilson' or 'exact'")
    if n == 0:
        return Estimate(nan, 0.0, 1.0, unit, 0, "no trials", confidence)
    low, high = _wilson(k, n, confidence) if method == "wilson" else _clopper_pearson(k, n, confidence)
    return Estimate(k / n, low, high, unit, n, method, confidence)


def _wilson(k: int, n: int, confidence: float) -> tuple[float, float]:
    z2 = _normal_quantile((1 + confidence) / 2) ** 2
    centre = (k + z2 / 2) / (n + z2)
    half = sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
    return 0.0 if k == 0 else centre - half, 1.0 if k == n else centre + half


def _clopper_pearson(k: int, n: int, confidence: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    low = float(betaincinv(k, n - k + 1, (1 - confidence) / 2)) if k > 0 else 0.0
    return low, float(betaincinv(k + 1, n - k, (1 + confidence) / 2)) if k < n else 1.0


# ---- how many replications --------------------------------------------------------------------------------


def replications_needed(values: Values, relative_half_width: float, confidence: float = 0.95) -> int | None:
    """Replications after which the t interval of the mean should reach a relative precision.

    Args:
        values: a pilot, one number a replication, shape (n,).
        relative_half_width: the wanted gamma, above 0: half-width over the true mean.
        confidence: nominal coverage.

    The smallest i >= max(n, 10) with t_{i-1} s / (sqrt(i) |mean|) <= gamma / (1 + gamma), mean and s from the
    pilot (Law 2015, section 9.4.1). None if the pilot has a zero mean or fewer than two values.
    """
    sample = _sample("values", values)
    _check_confidence(confidence)
    target = _relative_target(relative_half_width)
    if sample.size < 2 or sample.mean() == 0:
        return None
    variation = float(sample.std(ddof=1) / abs(sample.mean()))
    normal_bound = (_normal_quantile((1 + confidence) / 2) * variation / target) ** 2
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


def _relative_target(gamma: float) -> float:
    if not 0 < gamma < inf:
        raise ValueError(f"relative_half_width = {gamma}: must be above 0 and finite")
    return gamma / (1 + gamma)


# ---- quantiles; scipy.special is imported when first needed -----------------------------------------------


def t_quantile(df: int, confidence: float) -> float:
    """Return the two-sided quantile of Student t: the mean lies within so many standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + confidence) / 2))


def _normal_quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


# ---- checks -----------------------------------------------------------------------------------------------


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence}: must be between 0 and 1, both excluded")


def _check_incidents(tops: Array, counts: bool, per_event: float | None) -> None:
    if counts and per_event is not None:
        raise ValueError("exposure_unit_events and per_event exclude each other: counts or sizes")
    if counts and not ((tops >= 0) & (tops == np.floor(tops))).all():
        raise ValueError("numerators: counts of incidents must be whole numbers, not negative")
    if per_event is not None and not 0 < per_event < inf:
        raise ValueError(f"per_event = {per_event}: must be above 0 and finite")


def _sample(name: str, values: Values) -> Array:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1:
        raise ValueError(f"{name} has shape {sample.shape}: must have one axis, the replications")
    if not np.isfinite(sample).all():
        raise ValueError(f"{name} holds nan or infinity: every replication must have a finite number")
    return sample


def _pair(name_a: str, a: Values, name_b: str, b: Values) -> tuple[Array, Array]:
    first, second = _sample(name_a, a), _sample(name_b, b)
    if first.size != second.size:
        raise ValueError(f"{name_a} has {first.size} values and {name_b} has {second.size}: must be paired")
    return first, second


def _ratio_pair(name_top: str, top: Values, name_bottom: str, bottom: Values) -> tuple[Array, Array]:
    tops, bottoms = _pair(name_top, top, name_bottom, bottom)
    if (bottoms < 0).any():
        raise ValueError(f"{name_bottom} has a negative value: exposure is at least 0")
    return tops, bottoms
