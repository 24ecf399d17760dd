"""Sequential elimination on common random numbers: replications are spent where they decide.

The procedure KN of Kim and Nelson (2001): every setting gets `FIRST` replications; then all that are left get one more
at a time, and a setting goes when another is ahead by more than chance, in its pair's own variance, could explain. If
values are normal, the setting kept is the best with the stated probability whenever the best is ahead of the next by
the indifference zone; among settings closer than that, a good one is kept.

The procedure takes the variance of a pair from its first replications. Where few of them see anything that says
nothing, so a pair is compared only from when `SEEN` of its replications differ. And only of normal values does the
variance not depend on the mean: of what comes in batches, the setting that has seen few so far is ahead and varies
little, by the same luck. So the variance is the largest that any look has shown so far, which forgets no large batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np
import numpy.typing as npt

FIRST: Final = 20
"""Replications of every setting before any is eliminated."""
SEEN: Final = 10
"""Replications in which two settings have to differ before one may eliminate the other."""

Flags = npt.NDArray[np.bool_]
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
    pairs = _Pairs(settings)
    for n in range(first):
        pairs.add({at: values[at][n] for at in range(settings)})
    left = list(range(settings))
    while True:
        beaten = pairs.beaten(h2, indifference)
        left = [at for at in left if not beaten[at]]
        if len(left) <= 1 or sum(map(len, values)) + len(left) > budget:
            break
        if wanted:
            wanted(left, pairs.count + 1)
        for at in left:
            values[at].append(sample(at, pairs.count))
        pairs.add({at: values[at][-1] for at in left})
    return Selection(tuple(left), tuple(float(np.mean(v)) for v in values), tuple(map(len, values)))


class _Pairs:
    """Every setting against every other: how far behind it is, how often they differed, how much that varied."""

    def __init__(self, settings: int) -> None:
        self.count = 0
        shape = settings, settings
        self._behind, self._squares, self._widest = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._differ = np.zeros(shape, dtype=np.int64)

    def add(self, values: Mapping[int, float]) -> None:
        """Take in one replication of the settings that are left (Welford's sums, which do not cancel)."""
        row = np.full(len(self._behind), nan)
        row[list(values)] = list(values.values())
        apart = row[:, None] - row[None, :]
        self.count += 1
        off = apart - self._behind
        self._behind += off / self.count
        self._squares += off * (apart - self._behind)
        self._differ += apart != 0

    def beaten(self, h2: float, indifference: float) -> Flags:
        """Return of each setting whether one that is left is ahead of it by more than chance explains."""
        known = self._differ >= SEEN
        variance = self._squares / (self.count - 1)
        self._widest = np.where(known, np.fmax(self._widest, variance), self._widest)
        with np.errstate(over="ignore"):
            slack = np.maximum(0.0, (h2 * self._widest / indifference / self.count - indifference) / 2)
        return np.asarray((known & (self._behind > slack)).any(axis=1))
