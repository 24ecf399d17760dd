"""One-sided bounds of metrics: how large (or small) a metric may really be, with a stated chance of being wrong.

The bound is the widest of several. One is that of the metric's own interval (delta method or jackknife with Student's
t, and Garwood's where incidents are counted). Rates of rare and unequal things are skewed to the right, and a
symmetrical interval's upper bound is then too low more often than it says; so two more correct for that: the
transformation of Hall (1992, "On the removal of skewness by transformation", J. R. Statist. Soc. B 54, 221-228), and
for upper bounds the delta method on the logarithm.

Where a size (of over-allocation, say) was zero in nearly every replication there is next to nothing to take a spread
from. Then the bound is also at least that of Clopper and Pearson for the share of replications that show any, times
what those show on average. That average is taken to be no less than it is at the worst candidate of the search: an
assumption where no replication shows any, and a caution where few do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.metrics import Metric, Tally, estimate
from sim.results.measures import known, value_of
from sim.stats import proportion_interval, t_quantile
from sim.tuning.goals import Constraint

Array = npt.NDArray[np.float64]
Caps = Mapping[str, float]
"""Of each metric what a replication shows that shows any, on average, where that is most."""
SOME: Final = 5
"""Replications that have to show any before their average counts among the candidates'."""
_FEW: Final = 10
"""Replications that show something, below which their spread is not trusted."""


def bound(constraint: Constraint, tallies: Sequence[Tally], alpha: float, caps: Caps) -> float:
    """Return the bound of a metric on the side of its limit, wrong with a probability of about `alpha`."""
    metric = known(constraint.metric)
    found = estimate(metric, tallies, 1 - 2 * alpha)
    if math.isnan(found.value):
        return math.nan
    if not constraint.upper:
        return min(found.low, _skewed(metric, tallies, alpha, upper=False))
    if found.value == 0 and math.isfinite(found.high):
        return found.high
    rare = _rare(metric, tallies, alpha, caps.get(metric.name, 0.0))
    return rare if found.value == 0 else max(found.high, rare, _skewed(metric, tallies, alpha, upper=True))


def shown(name: str, tallies: Sequence[Tally], least: int = 1) -> float:
    """Return what a replication shows of a metric that shows any, on average; 0 where fewer than `least` do."""
    values = [value for tally in tallies if (value := value_of(tally, name)) > 0]
    return sum(values) / len(values) if len(values) >= least else 0.0


def _rare(metric: Metric, tallies: Sequence[Tally], alpha: float, cap: float) -> float:
    """The bound for a metric that few replications show."""
    some = sum(value_of(tally, metric.name) > 0 for tally in tallies)
    if some >= _FEW or 2 * some > len(tallies):
        return 0.0
    size = max(shown(metric.name, tallies), cap) or metric.most
    return size * proportion_interval(some, len(tallies), confidence=1 - 2 * alpha, method="exact").high


def sides(metric: Metric, tallies: Sequence[Tally]) -> tuple[Array, Array]:
    """Return what stands above and below the line in each replication."""
    over = [sum(getattr(tally, field) for field in metric.over) / metric.over_ns for tally in tallies]
    under = [sum(getattr(tally, field) for field in metric.under) / metric.under_ns for tally in tallies]
    return np.array(over, float), np.array(under, float) if metric.under else np.ones(len(over))


def _skewed(metric: Metric, tallies: Sequence[Tally], alpha: float, *, upper: bool) -> float:
    """Bounds of a ratio of sums that know of skewness, by its linearised residuals."""
    tops, bottoms = sides(metric, tallies)
    n, exposure = len(tops), float(bottoms.sum())
    if n < 2 or exposure == 0:
        return math.inf if upper else -math.inf
    ratio = float(tops.sum()) / exposure
    residuals = (tops - ratio * bottoms) / (exposure / n)
    spread = float(residuals.std(ddof=1))
    if spread == 0 or ratio <= 0:
        return ratio
    quantile = float(t_quantile(n - 1, 1 - 2 * alpha))
    slant, error = float((residuals**3).mean()) / spread**3 / math.sqrt(n), spread / math.sqrt(n)
    hall = ratio - error * _inverse(-quantile if upper else quantile, slant)
    return max(hall, ratio * math.exp(quantile * error / ratio)) if upper else hall


def _inverse(x: float, slant: float) -> float:
    """Undo Hall's transformation, which is cubic and rising: g(t) = t + a t^2 / 3 + a^2 t^3 / 27 + a / 6."""
    if abs(slant) < 1e-9:
        return x
    return 3 / slant * (math.cbrt(1 + slant * (x - slant / 6)) - 1)
