"""Sequential elimination on common random numbers: replications are spent where they decide.

The procedure KN of Kim and Nelson (2001): every setting gets `FIRST` replications; then all that are left get one more
at a time, and a setting goes when another is ahead by more than chance, in its pair's own variance, could explain. If
values are normal, the setting kept is the best with the stated probability whenever the best is ahead of the next by
the indifference zone; among settings closer than that, a good one is kept.

The procedure takes the variance of a pair from its first replications. Where few of them see anything that says
nothing, so a pair is compared only from when `SEEN` of its replications differ, and by the variance until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

FIRST: Final = 20
"""Replications of every setting before any is eliminated."""
SEEN: Final = 10
"""Replications in which two settings have to differ before one may eliminate the other."""

Sampler = Callable[[int, int], float]
"""The value (smaller is better) of a setting in a replication; replications share their random numbers."""


@dataclass(frozen=True)
class Selection:
    """What elimination came to."""

    left: tuple[int, ...]
    """The settings not eliminated: one if it is decided."""
    means: tuple[float, ...]
    counts: tuple[int, ...]
    """Replications of each setting."""

    @property
    def decided(self) -> bool:
        """Whether one setting is left."""
        return len(self.left) == 1

    @property
    def best(self) -> int:
        """The one left, or of several that with the smallest mean."""
        return min(self.left, key=lambda at: self.means[at])


def select(
    sample: Sampler,
    settings: int,
    indifference: float,
    confidence: float,
    budget: int,
    first: int = FIRST,
    wanted: Callable[[Sequence[int], int], None] | None = None,
) -> Selection:
    """Eliminate settings until one is left or `budget` replications (of all together) are spent.

    `wanted` is told before each round which settings are left, and up to which replication they will be sampled.
    """
    if wanted:
        wanted(range(settings), first)
    values = [[sample(at, n) for n in range(first)] for at in range(settings)]
    if settings == 1:
        return Selection((0,), (float(np.mean(values[0])),), (first,))
    eta = 0.5 * ((2 * (1 - confidence) / (settings - 1)) ** (-2 / (first - 1)) - 1)
    h2 = 2 * eta * (first - 1)
    spread: dict[tuple[int, int], float] = {}
    left, count = list(range(settings)), first
    while True:
        means = {at: float(np.mean(values[at])) for at in left}
        spread |= _spreads([pair for pair in combinations(left, 2) if pair not in spread], values)
        left = [i for i in left if all(_stays(means[i] - means[j], spread[i, j], count, h2, indifference)
                                       for j in left if (i, j) in spread)]  # fmt: skip
        if len(left) <= 1 or sum(map(len, values)) + len(left) > budget:
            break
        if wanted:
            wanted(left, count + 1)
        for at in left:
            values[at].append(sample(at, count))
        count += 1
    return Selection(tuple(left), tuple(float(np.mean(v)) for v in values), tuple(map(len, values)))


def _spreads(pairs: Sequence[tuple[int, int]], values: Sequence[Sequence[float]]) -> dict[tuple[int, int], float]:
    """Return the variance of those pairs of which enough is seen, by either order of the two."""
    found = {}
    for i, j in pairs:
        apart = np.subtract(values[i], values[j])
        if np.count_nonzero(apart) >= SEEN:
            found[i, j] = found[j, i] = float(apart.var(ddof=1))
    return found


def _stays(behind: float, variance: float, count: int, h2: float, indifference: float) -> bool:
    """Whether a setting that much behind another may still be better."""
    return behind <= max(0.0, (h2 * variance / indifference / count - indifference) / 2)
