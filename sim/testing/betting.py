"""Is a ratio of means above or below a limit? Evidence that may be looked at after every replication.

A gambler bets against a claim on each replication in turn, at odds that would be fair if the claim were true. If it is
true, the stake of 1 is at no time likely to have grown to 1 / alpha: the chance is at most alpha, however often one
looks (Ville's inequality). So one may stop as soon as the claim is ruined. Replications are independent; nothing is
assumed of what happens inside one, so that ten runs killed at once are one observation and not ten.

With y and x what a replication adds above and below the line, and c the limit, the claims and the returns of a bet are

    "the ratio is c or more"   1 + f (c x - y) / most_y
    "the ratio is c or less"   1 + f (y / c - x) / most_x

where the ceilings `most_y` and `most_x` bound what one replication can add, so that no bet can lose more than it
staked. The stake is spread over bets f of many sizes (a mixture): small ones serve where replications differ much, and
stay sound where a replication exceeds the ceiling by up to 1 / f.

Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting, J. R. Stat. Soc. B 86.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_BETS: Final = np.array([0.95, *(0.5**k for k in range(1, 13))])
"""Shares of the ceiling; the smallest stays sound where a replication is 4,096 times the ceiling."""
_LOG_STAKES: Final = np.log(np.array([1 / ((k + 1) * (k + 2)) for k in range(13)]) * 14 / 13)
"""How the stake is spread: more on the large bets, which decide soonest where bad replications are rare."""
_STEPS: Final = 60
_CLOSE: Final = 1e-4
_MINUTE: Final = 1e-9


@dataclass(frozen=True)
class Evidence:
    """What the replications show, each in order: above the line, below the line; and the ceilings of both."""

    over: Array
    under: Array
    most_over: float
    most_under: float

    @property
    def n(self) -> int:
        """How many replications."""
        return int(self.over.size)

    @property
    def ratio(self) -> float:
        """The ratio of sums; nan where there is nothing below the line."""
        total = float(self.under.sum())
        return float(self.over.sum()) / total if total > 0 else math.nan

    def against_more(self, limit: float) -> float:
        """Return the log of what the stake against "the ratio is `limit` or more" has grown to."""
        return _mixed(self.grown_against_more(limit))

    def against_less(self, limit: float) -> float:
        """Return the log of what the stake against "the ratio is `limit` or less" has grown to."""
        return _mixed(self.grown_against_less(limit))

    def grown_against_more(self, limit: float) -> Array:
        """Return the log growth of each bet."""
        return _grown((limit * self.under - self.over) / self.most_over)

    def grown_against_less(self, limit: float) -> Array:
        """Return the log growth of each bet."""
        return _grown((self.over / limit - self.under) / self.most_under)

    def low(self, alpha: float) -> float:
        """Return the lower bound: "the ratio is c or less" is ruined for every c below it."""
        target = -math.log(alpha)
        return _edge(lambda c: self.against_less(c) >= target, self._near, 0.5)

    def high(self, alpha: float) -> float:
        """Return the upper bound: "the ratio is c or more" is ruined for every c above it."""
        target = -math.log(alpha)
        return _edge(lambda c: self.against_more(c) >= target, self._near, 2.0)

    @property
    def _near(self) -> float:
        """A limit that the data do not ruin, to search from: the ratio, or where that is 0 something minute."""
        return self.ratio if self.ratio > 0 else _MINUTE * self.most_over / self.most_under


def replications_for(grown: Array, n: int, alpha: float) -> int | None:
    """Return how many replications like these would ruin the claim; None where no bet gains on them."""
    if float(grown.max()) <= 0:
        return None
    target = -math.log(alpha)
    times = 1.0
    while _mixed(grown, times) < target:
        times *= 1.05
    return math.ceil(n * times)


def _edge(ruined: Callable[[float], bool], near: float, step: float) -> float:
    """Return the limit nearest to `near`, going by factors of `step`, from which on the claim is ruined.

    Below (`step` < 1) it is 0 and above it is infinite where no limit is.
    """
    inside, outside = near, near * step
    for _ in range(_STEPS):
        if ruined(outside):
            break
        inside, outside = outside, outside * step
    else:
        return 0.0 if step < 1 else math.inf
    for _ in range(_STEPS):
        middle = math.sqrt(inside * outside)
        if abs(outside / inside - 1) < _CLOSE:
            break
        inside, outside = (inside, middle) if ruined(middle) else (middle, outside)
    return outside


def _grown(returns: Array) -> Array:
    """Return the log of the product of 1 + f r for every bet f; a bet that lost more than its stake is at nothing."""
    factors = 1 + np.outer(_BETS, returns)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.maximum(factors, 0.0)).sum(axis=1))


def _mixed(grown: Array, times: float = 1.0) -> float:
    """Return the log of the whole stake, had everything happened `times` over."""
    logs = _LOG_STAKES + times * grown
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).sum())) if top > -math.inf else -math.inf
