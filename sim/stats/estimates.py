"""What an estimate is, and what all estimators check and look up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Values = Sequence[float] | npt.NDArray[np.floating[Any] | np.integer[Any]]


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
        p: of a difference, how often chance alone would show one so large if there was none; nan where not known.
    """

    value: float
    low: float
    high: float
    unit: str
    n: int
    method: str
    confidence: float
    p: float = nan

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


# ---- quantiles; scipy.special is imported when first needed -----------------------------------------------


def t_quantile(df: int, confidence: float) -> float:
    """Return the two-sided quantile of Student t: the mean lies within so many standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + confidence) / 2))


def t_tails(df: int, x: float) -> float:
    """Return how likely Student t is to be farther from zero than `x`."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(x)))


def normal_quantile(p: float) -> float:
    """Return the quantile of the standard normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(p))


# ---- checks -----------------------------------------------------------------------------------------------


def check_confidence(confidence: float) -> None:
    """Refuse a nominal coverage that is none."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence}: must be between 0 and 1, both excluded")


def sample_of(name: str, values: Values) -> Array:
    """Return finite values of one axis."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1:
        raise ValueError(f"{name} has shape {sample.shape}: must have one axis, the replications")
    if not np.isfinite(sample).all():
        raise ValueError(f"{name} holds nan or infinity: every replication must have a finite number")
    return sample


def pair_of(name_a: str, a: Values, name_b: str, b: Values) -> tuple[Array, Array]:
    """Return two samples of one length."""
    first, second = sample_of(name_a, a), sample_of(name_b, b)
    if first.size != second.size:
        raise ValueError(f"{name_a} has {first.size} values and {name_b} has {second.size}: must be paired")
    return first, second
