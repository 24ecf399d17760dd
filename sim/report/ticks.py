"""Ticks of an axis with many values: round ones, as many as there is room for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

from sim.report import durations, frames
from sim.units import SECOND, format_duration

MANY: Final = 12
"""So many values of an axis may all be written."""
_CHARACTER: Final = 0.08
"""Inches."""
_FAR: Final = 8.0


_T = TypeVar("_T")


class Tick(NamedTuple):
    """Where a tick stands among the numbers of an axis, or in turn where its values are words."""

    at: float
    text: str


def thinned(values: Sequence[Any], inches: float, log: bool, stacked: bool = False) -> list[Tick]:
    """Return ticks for ordered values along so many inches: round durations or numbers; of others every so many.

    Args:
        values: of the axis, in order.
        inches: how long it is.
        log: whether it is logarithmic.
        stacked: whether its labels stand one above the other, so that their lengths do not matter.
    """
    keys = [frames.sort_key(value) for value in values]
    low, high = keys[0][1], keys[-1][1]
    most = _most(["100m"], inches, stacked)
    if all(frames.is_duration(value) for value in values):
        found = durations.round_ones(low, high, most, log)
        if len(found) > 1:  # else they are closer to each other than round ones
            return [Tick(one / SECOND, format_duration(one)) for one in found]
    elif all(_is_plain(value) for value in values):
        return [Tick(one, f"{one:.12g}") for one in _round_numbers(low, high, most, log)]
    texts = [frames.text_of(value) for value in values]
    words = any(kind for kind, _, _ in keys)
    every = math.ceil(len(texts) / _most(texts, inches, stacked))
    return [Tick(at if words else keys[at][1], texts[at]) for at in range(0, len(texts), every)]


def along(values: Sequence[Any], inches: float, stacked: bool = False) -> list[Tick]:
    """Return ticks for ordered values that stand 0, 1, 2 ... along so many inches: all of few, round ones of many."""
    texts = [frames.text_of(value) for value in values]
    if len(texts) <= _most(texts, inches, stacked):
        return [Tick(at, text) for at, text in enumerate(texts)]
    few = thinned(values, inches, is_geometric(values), stacked)
    places = [(among(values, text), text) for _, text in few]
    return [Tick(at, text) for at, text in places if at is not None]


def among(values: Sequence[Any], value: object) -> float | None:
    """Return where a value stands among ordered ones that are counted 0, 1, 2 ...: between two, or on one."""
    import numpy as np

    keys = [frames.sort_key(each) for each in values]
    key = frames.sort_key(value)
    if key in keys:
        return float(keys.index(key))
    numbers = [number for kind, number, _ in keys if kind == 0]
    if key[0] or len(numbers) < len(keys) or not numbers[0] < key[1] < numbers[-1]:
        return None
    return float(np.interp(key[1], numbers, range(len(numbers))))


def is_geometric(values: Sequence[Any]) -> bool:
    """Whether ordered values go far and in equal ratios rather than equal steps: by the one in the middle."""
    numbers = [frames.sort_key(value)[1] for value in values]
    low, middle, high = numbers[0], numbers[len(numbers) // 2], numbers[-1]
    far = 0 < _FAR * low < high
    return far and abs(middle - math.sqrt(low * high)) < abs(middle - (low + high) / 2)


def spread(items: Sequence[_T], most: int) -> list[_T]:
    """Return at most so many of the items, evenly from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(at * (len(items) - 1) / (most - 1))] for at in range(most)]


def _most(texts: Sequence[str], inches: float, stacked: bool) -> int:
    """How many labels fit."""
    characters = 1 if stacked else max(map(len, texts))
    return min(MANY, max(2, int(inches / (_CHARACTER * (characters + 2)))))


def _is_plain(value: object) -> bool:
    try:
        return math.isfinite(float(str(value)))
    except ValueError:
        return False


def _round_numbers(low: float, high: float, most: int, log: bool) -> list[float]:
    if log:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
        seen = [one for one in found if low <= one <= high]
        if len(seen) > most:
            seen = [one for one in seen if f"{one:e}".startswith("1")]
        return seen[:: math.ceil(len(seen) / most)]
    from matplotlib.ticker import MaxNLocator

    whole = low.is_integer() and high.is_integer() and high - low > most
    ticks = MaxNLocator(most, steps=(1, 2, 5, 10), integer=whole).tick_values(low, high)
    slack = 1e-9 * (high - low)
    return [float(one) for one in ticks if low - slack <= one <= high + slack]
