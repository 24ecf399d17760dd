"""Many comparisons at once: of a hundred that show nothing, five would look like something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sim.stats.estimates import check_confidence

BELOW_ONE: Final = 1 - 2.0**-53
"""The largest number below 1."""


def holm(ps: Sequence[float]) -> list[float]:
    """Return p-values adjusted for all being looked at (Holm 1979), in the order given; nan stays nan and counts not.

    Calling different whatever is below alpha errs anywhere in the family with probability alpha at most, however the
    comparisons depend on one another. It finds whatever Bonferroni finds, and more.
    """
    order = sorted((at for at, p in enumerate(ps) if p == p), key=lambda at: ps[at])
    adjusted, least = list(ps), 0.0
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * ps[at]))
        adjusted[at] = least
    return adjusted


def simultaneous(confidence: float, comparisons: int) -> float:
    """Return the confidence of each of so many intervals with which all hold at once with `confidence` (Bonferroni)."""
    check_confidence(confidence)
    return min(1 - (1 - confidence) / max(1, comparisons), BELOW_ONE)
