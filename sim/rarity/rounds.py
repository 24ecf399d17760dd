"""Rounds of weighted cycles: one decides how the next is drawn, and no round decides anything about itself.

A round has a fixed number of cycles from each strategy. Stopping as soon as an interval looks narrow favours estimates
that are too low, for what makes them low, a heavy weight that has not come, makes the interval narrow too. So the
first round is a pilot: it says which strategies pay and how many cycles they need, and then it is thrown away
(two stages: Stein 1945; mixture weights of least variance: He & Owen 2014).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from sim.model.scenario import Scenario
from sim.rarity.biasing import Bias, Biased
from sim.rarity.cycles import Cycle, Follower, cycle_of
from sim.stats import t_quantile

PILOT: Final = 50
"""Cycles from each strategy in the pilot, unless that takes more than a quarter of the budget."""
CYCLES_MIN: Final = 1000
"""In the round that the estimate comes from: a mean of so many is close to normal."""
EFFECTIVE_MIN: Final = 50
"""Equally weighty kills, at least: fewer have an uncertain variance."""
PLAIN_SHARE: Final = 0.1
"""Of each round after the pilot, drawn from the scenario's own law: no weight exceeds 10."""
SPREAD_SHARE: Final = 0.2
"""Of each round after the pilot, spread over all strategies: what the pilot did not meet may come yet."""
AMPLE: Final = 1.3
"""So many times more cycles than the last round asks for: it may have been lucky."""
GROWTH: Final = (1.5, 10.0)
"""How much larger a round is than the one before, at least and at most. So the more that may go wrong together, and the
more strategies there are, the more cycles: what is seldom met and weighs much has to be met."""
_TURNS: Final = 500

Report = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Round:
    """Cycles with their strategies and weights, in order."""

    cycles: Sequence[Cycle]
    chosen: Any
    """Strategy of each."""
    likelihoods: Any
    """Of each, a row: under every strategy, against the scenario's own law."""
    weights: Any
    """One over the likelihood under the mixture of strategies."""
    least_variance: float = 0.0
    """Of the probability, by what the rounds before saw as well: strategies that few of these cycles come from were
    looked at harder there, and a heavy weight that has not come here may have come there.
    """

    def __len__(self) -> int:
        return len(self.cycles)

    @property
    def killed(self) -> Any:
        """Which ended in a false termination."""
        return np.array([cycle.killed for cycle in self.cycles])

    @property
    def values(self) -> Any:
        """Weights of those that ended in a false termination, 0 of the others: their mean is the probability, given
        that the cycle is not void.
        """
        void = np.array([cycle.length_ns == 0 for cycle in self.cycles])
        return self.weights * self.killed / (1 - float((self.weights * void).mean()))

    @property
    def effective(self) -> float:
        """Kish's effective number of hits: (sum w)^2 / sum w^2."""
        z = self.values
        return float(z.sum() ** 2 / (z**2).sum()) if z.any() else 0.0

    @property
    def plain_lengths(self) -> Any:
        """Lengths in nanoseconds of the cycles that nothing was done to."""
        pairs = zip(self.cycles, self.chosen.tolist(), strict=True)
        return np.array([cycle.length_ns for cycle, j in pairs if j == 0 and cycle.length_ns > 0])

    def variance(self, values: Any) -> float:
        """Return the variance of the mean of `values`, one a cycle, over fixed numbers from each strategy."""
        parts = [values[self.chosen == j] for j in np.unique(self.chosen)]
        return float(sum(len(part) * part.var(ddof=1) for part in parts if len(part) > 1)) / len(values) ** 2

    def error(self) -> float:
        """Return the relative standard error of the rate: that of the probability, and that of the mean length."""
        z, lengths = self.values, self.plain_lengths
        if not z.any():
            return math.inf
        return math.hypot(
            math.sqrt(max(self.variance(z), self.least_variance)) / float(z.mean()),
            float(lengths.std(ddof=1)) / math.sqrt(len(lengths)) / float(lengths.mean()),
        )

    def half_width(self, confidence: float) -> float:
        """Return half the width of the interval of the rate, over the rate."""
        return t_quantile(max(1, round(self.effective) - 1), confidence) * self.error()


def play(scenario: Scenario, seed: int, first: int, counts: Sequence[int], bias: Bias, report: Report) -> Round:
    """Simulate `counts[j]` cycles from each strategy j, replications `first` and following."""
    cycles: list[Cycle] = []
    likelihoods = []
    chosen = [j for j, count in enumerate(counts) for _ in range(count)]
    for j in chosen:
        follower = Follower()
        draws = Biased(seed, first + len(cycles), j, bias, follower)
        cycles.append(cycle_of(scenario, draws, follower))
        likelihoods.append(draws.likelihoods)
        if len(cycles) % 100 == 0:
            report(first + len(cycles))
    table = np.array(likelihoods)
    mixture = (table * (np.array(counts) / len(chosen))).sum(axis=1)
    return Round(cycles, np.array(chosen), table, 1 / mixture)


def variance_of(counts: Any, seen: Sequence[Round]) -> float:
    """Return the variance of the probability that `counts` cycles of each strategy give, by all the rounds so far."""
    drawn = sum(np.bincount(each.chosen, minlength=len(counts)) for each in seen)
    likelihoods = np.concatenate([each.likelihoods[each.killed] for each in seen])
    shares = counts / counts.sum()
    values = 1 / (likelihoods * shares).sum(axis=1)
    probabilities = (likelihoods / (likelihoods * drawn).sum(axis=1)[:, None]).T  # of each cycle, under each strategy
    means, squares = (probabilities * values).sum(axis=1), (probabilities * values**2).sum(axis=1)
    return float((shares * np.maximum(squares - means**2, 0)).sum() / counts.sum())


def counts_of(shares: Sequence[float], size: int) -> list[int]:
    """Share out `size` cycles, two at least to each strategy; the most favoured one takes up the slack."""
    counts = [max(2, int(share * size)) for share in shares]
    counts[max(range(len(shares)), key=shares.__getitem__)] += max(0, size - sum(counts))
    return counts


def better_shares(last: Round) -> list[float]:
    """Return the shares of strategies that would have had the least variance, with some left to all of them.

    For shares a the second moment of a value is the sum over hits of w / (a . L), convex in a. Each turn multiplies a
    share by the square root of what more of it would gain (as in optimal design: Yu 2010).
    """
    strategies = last.likelihoods.shape[1]
    least = np.full(strategies, SPREAD_SHARE / strategies)
    least[0] += PLAIN_SHARE
    merit = np.full(strategies, 1 / strategies)
    hits, weights = last.likelihoods[last.killed], last.weights[last.killed]
    for _ in range(_TURNS if len(weights) else 0):
        mixture = (hits * (least + (1 - least.sum()) * merit)).sum(axis=1)
        gain = (hits * (weights / mixture**2)[:, None]).sum(axis=0)
        merit = merit * np.sqrt(gain)
        merit /= merit.sum()
    # in thousandths, so that the last bit of a sum decides nothing
    return [round(share, 3) for share in (least + (1 - least.sum()) * merit).tolist()]


def cycles_needed(last: Round, shares: Sequence[float], half_width: float, confidence: float) -> int:
    """Return how many cycles in these shares should reach a relative half-width, by what the last round saw."""
    hits, weights, lengths = last.likelihoods[last.killed], last.weights[last.killed], last.plain_lengths
    if not len(weights):
        return math.ceil(GROWTH[1] * len(last))
    second = float((weights / (hits * np.array(shares)).sum(axis=1)).sum()) / len(last)
    moment = second / float(last.values.mean()) ** 2
    spread = (float(lengths.std(ddof=1)) / float(lengths.mean())) ** 2
    errors = t_quantile(EFFECTIVE_MIN, confidence) / half_width
    wanted = max((moment - 1 + spread / shares[0]) * errors**2, EFFECTIVE_MIN * moment)
    return math.ceil(wanted * AMPLE / 100) * 100


def rounds(
    scenario: Scenario, seed: int, half_width: float, confidence: float, budget: int, report: Report
) -> tuple[Round, Bias, int]:
    """Play a pilot, then rounds until one is narrow enough on its own or the budget allows no larger one.

    Returns the last round, what was made likely, and the number of cycles before it.
    """
    bias = Bias.of(scenario)
    among = len(bias.among)
    even = [1 / among] * among
    last = play(scenario, seed, 0, counts_of(even, min(PILOT * among, budget // 4)), bias, report)
    seen = [last]
    before, least = 0, max(CYCLES_MIN, math.ceil(GROWTH[0] * len(last)))
    while True:
        left = budget - before - len(last)
        if left <= 0 or (before and left < least):
            return last, bias, before
        shares = better_shares(last)
        wanted = max(least, cycles_needed(last, shares, half_width, confidence))
        size = min(wanted, math.ceil(max(CYCLES_MIN, GROWTH[1] * len(last))), left)
        before += len(last)
        counts = counts_of(shares, size)
        seen.append(play(scenario, seed, before, counts, bias, report))
        last = replace(seen[-1], least_variance=variance_of(np.array(counts), seen))
        if last.half_width(confidence) <= half_width and last.effective >= EFFECTIVE_MIN:
            return last, bias, before
        least = math.ceil(GROWTH[0] * len(last))
