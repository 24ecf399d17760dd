"""Sobol indices of a noisy simulation: how much of a metric's variation over a space is due to which key.

The design is that of Saltelli: two samples A and B of the space, and for each key A with that one column from B. With f
the metric, the first-order index is E[f(B) (f(AB_i) - f(A))] / Var f (Saltelli et al. 2010) and the total one
E[(f(A) - f(AB_i))^2] / 2 / Var f (Jansen 1999).

Every setting is simulated on the same replications, so what these have in common cancels in the differences. What is
left of the noise would still add to every square. So the replications are cut in two halves, and each product takes
one factor from each half: their noise is independent, and on average adds nothing to a product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.streams import Streams

Array = npt.NDArray[np.float64]
RESAMPLES: Final = 400


@dataclass(frozen=True)
class Index:
    """An index with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Indices:
    """Of one metric: the indices of each key, and what share of what was seen was noise."""

    first: tuple[Index, ...]
    total: tuple[Index, ...]
    noise: float
    """Share of the variance between settings that is noise of the simulation, in the mean of all replications."""
    constant: bool = False
    """Nothing to explain: beyond the noise, the metric is the same everywhere."""


@dataclass(frozen=True)
class Responses:
    """What stands above and below the line of a metric: of A, B and each AB, by sample and replication."""

    over: Array
    """Shape (2 + keys, samples, replications)."""
    under: Array

    def values(self, rows: npt.NDArray[np.intp], replications: npt.NDArray[np.intp]) -> Array:
        """Return the metric at these samples from these replications, shape (2 + keys, samples)."""
        top = self.over[:, rows][:, :, replications].sum(axis=2)
        bottom = self.under[:, rows][:, :, replications].sum(axis=2)
        return np.asarray(np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0))


def indices_of(responses: Responses, seed: int, resamples: int = RESAMPLES) -> Indices:
    """Return the indices, with percentile intervals from resampling settings and replications together."""
    _, samples, replications = responses.over.shape
    rows, numbers = np.arange(samples), np.arange(replications)
    first, total, variance = _estimated(responses, rows, numbers)
    whole = responses.values(rows, numbers)[:2]
    seen = float(whole.var())
    noise = min(1.0, max(0.0, 1 - variance / seen)) if seen > 0 else 0.0
    drawn = _Drawn(seed)
    again = []
    for at in range(resamples):
        found = _estimated(responses, drawn.of(at, 0, samples), drawn.of(at, 1, replications))
        if found[2] > 0:
            again.append(np.stack(found[:2]))
    if variance <= 0 or len(again) < resamples / 2:
        nothing = tuple(Index(0.0, 0.0, 1.0) for _ in first)
        return Indices(nothing, nothing, noise, constant=True)
    low, high = np.percentile(np.array(again), [2.5, 97.5], axis=0)
    made = [
        tuple(Index(float(v), float(a), float(b)) for v, a, b in zip(values, low[which], high[which], strict=True))
        for which, values in enumerate((first, total))
    ]
    return Indices(made[0], made[1], noise)


def _estimated(
    responses: Responses, rows: npt.NDArray[np.intp], replications: npt.NDArray[np.intp]
) -> tuple[Array, Array, float]:
    """Return first-order and total indices and the variance, each product across the two halves."""
    halves = [responses.values(rows, replications[which::2]) for which in (0, 1)]
    found = [saltelli(halves[a], halves[b]) for a, b in ((0, 1), (1, 0))]
    variance = (found[0][2] + found[1][2]) / 2
    if variance <= 0:
        return np.zeros_like(found[0][0]), np.zeros_like(found[0][1]), 0.0
    return (found[0][0] + found[1][0]) / 2 / variance, (found[0][1] + found[1][1]) / 2 / variance, variance


def saltelli(f: Array, g: Array) -> tuple[Array, Array, float]:
    """Return the numerators of first-order and total indices and the variance, of two measurements of one thing.

    Args:
        f: values at A, B and each AB, shape (2 + keys, samples).
        g: the same, measured again; `f` itself where there is no noise.
    """
    centre_f, centre_g = f[:2].mean(), g[:2].mean()
    f, g = f - centre_f, g - centre_g
    first = (f[1] * (g[2:] - g[0])).mean(axis=1)
    total = ((f[0] - f[2:]) * (g[0] - g[2:])).mean(axis=1) / 2
    return first, total, float((f[:2] * g[:2]).mean())


class _Drawn:
    """Draws with replacement, each found by its address."""

    def __init__(self, seed: int) -> None:
        self._streams = Streams(seed, 0)

    def of(self, resample: int, part: int, count: int) -> npt.NDArray[np.intp]:
        blocks = (self._streams.block(_PURPOSE, resample, part, index) for index in range(-(-count // 4)))
        shares = [share for block in blocks for share in block][:count]
        return np.array([int(share * count) for share in shares])


_PURPOSE: Final = 1000
"""No simulation draws under it."""
