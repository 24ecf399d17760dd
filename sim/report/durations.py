"""Axes of durations: ticks at round ones, written as people write them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from sim.units import DAY, HOUR, MILLISECOND, MINUTE, SECOND, format_duration

if TYPE_CHECKING:
    from matplotlib.axis import Axis

_ROUND: Final = (
    *(n * MILLISECOND for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(n * SECOND for n in (1, 2, 5, 10, 20, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 20, 30)),
    *(n * HOUR for n in (1, 2, 5, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 28, 91, 364)),
)
_TICKS_MAX: Final = 7


def mark(axis: Axis, low: float, high: float) -> None:
    """Set the ticks of an axis that goes from `low` to `high` seconds."""
    places = round_ones(low, high, _TICKS_MAX, axis.get_scale() == "log")
    axis.set_ticks([place / SECOND for place in places], [format_duration(place) for place in places])
    axis.set_ticks([], minor=True)


def round_ones(low: float, high: float, most: int, log: bool) -> list[int]:
    """Return at most so many round durations between two, in nanoseconds."""
    return _of_a_log(low, high, most) if log else _of_a_line(low, high, most)


def _of_a_log(low: float, high: float, most: int) -> list[int]:
    seen = [one for one in _ROUND if low <= one / SECOND <= high]
    return seen[:: math.ceil(len(seen) / most)] if seen else []


def _of_a_line(low: float, high: float, most: int) -> list[int]:
    step = next((one for one in _ROUND if (high - low) * SECOND <= most * one), _ROUND[-1])
    first, last = math.ceil(low * SECOND / step), math.floor(high * SECOND / step)
    return [n * step for n in range(first, last + 1)]
