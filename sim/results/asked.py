"""Numbers that are asked for: what is no number, or none that means anything, is refused with its name and the rule."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real

from sim.errors import UsageError


def is_number(value: object) -> bool:
    """Whether it is a number, numpy's too; a truth value is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Whether it is a whole number, numpy's too; a truth value is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def whole(**numbers: object) -> None:
    """Refuse what is no whole number."""
    for name, number in numbers.items():
        if not is_whole(number):
            raise UsageError(f"{name} = {number!r}: must be a whole number")


def text(**words: object) -> None:
    """Refuse what is no text."""
    for name, word in words.items():
        if not isinstance(word, str):
            raise UsageError(f"{name} = {word!r}: must be text")


def fit_to_seed(seed: int) -> None:
    """Refuse a whole number that no generator is seeded with."""
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed = {seed}: must be a whole number from 0 to 2**63 - 1")


def sure(confidence: object) -> None:
    """Refuse a nominal coverage that is none."""
    if not (isinstance(confidence, Real) and 0 < float(confidence) < 1):
        raise UsageError(f"confidence = {confidence!r}: must be between 0 and 1", "0.95 is usual")


def names_of(metrics: object) -> Sequence[str]:
    """Return the names that were given, one or several."""
    if isinstance(metrics, str):
        return (metrics,)
    if not isinstance(metrics, Sequence):
        raise UsageError(f"metric = {metrics!r}: must be the name of a metric, or several names")
    return metrics
