"""Interval estimators: no number leaves a study without its interval, its unit and the number behind it.

- `mean_interval`, `paired_difference`: means over replications.
- `ratio_interval`, `paired_ratio_difference`: ratios of sums over replications, such as rates per lease-hour.
- `rate_interval`, `proportion_interval`: counts of independent incidents, shares of independent trials.
- `replications_needed`, `precision_reached`: how many replications.
- `holm`, `simultaneous`: many comparisons at once.

All intervals are two-sided. A bound that the data cannot give is infinite (`None` in JSON), never invented: a
quantity that was zero in every replication is *not* reported as [0, 0], and one that was the same in every
replication has no interval.

Replications are independent and of one design; values are finite. Wrong shapes and values raise ValueError.
"""

from __future__ import annotations

from sim.stats.counts import proportion_interval, rate_interval
from sim.stats.estimates import Estimate, t_quantile
from sim.stats.families import holm, simultaneous
from sim.stats.means import mean_interval, paired_difference
from sim.stats.precision import REPLICATIONS_MIN, needed_for, precision_reached, replications_needed
from sim.stats.ratios import JACKKNIFE_BELOW, paired_ratio_difference, ratio_interval

__all__ = [
    "JACKKNIFE_BELOW",
    "REPLICATIONS_MIN",
    "Estimate",
    "holm",
    "mean_interval",
    "needed_for",
    "paired_difference",
    "paired_ratio_difference",
    "precision_reached",
    "proportion_interval",
    "rate_interval",
    "ratio_interval",
    "replications_needed",
    "simultaneous",
    "t_quantile",
]
