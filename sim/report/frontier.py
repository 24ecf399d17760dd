"""The frontier: what is survived along one parameter, and where the setting in use stands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from sim.report import durations, frames
from sim.report.style import BLUE, CYCLE, GREEN, INK, MARKERS, ORANGE, RED, axes_on, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_WIDE: Final = 8.0
"""A larger ratio of the ends makes an axis logarithmic."""


@styled
def frontier(
    frame: pd.DataFrame, parameter: str, metric: str, title: str, current: str = "", ax: Axes | None = None
) -> Axes:
    """Draw figures along a parameter.

    A figure that comes as `surely` and `possibly` is drawn as three regions: survived at any phase of the fault, at
    some, at none. Others are lines; a rate has its 95 % band. Searched values are dots.

    Args:
        frame: columns as `sim.frontier` makes them.
        parameter: what is along the bottom.
        metric: what is up the side.
        title: whose frontier it is.
        current: the value in use, marked with a line.
        ax: where to draw; by default axes of a new figure.
    """
    ax = axes_on(ax, height=4.6)
    rows = frame[frame["unit"] != ""]
    keys = list(dict.fromkeys(rows["key"]))
    lines = {key: _line(rows[rows["key"] == key]) for key in keys}
    pair = [key for sense in ("surely", "possibly") for key in keys if key.endswith(sense)]
    top = 1.15 * max((y for line in lines.values() for _, y, _ in line if math.isfinite(y)), default=1.0)
    if len(pair) == 2 and len(keys) == 2:
        _regions(ax, lines[pair[0]], lines[pair[1]], top)
    else:
        for number, (key, line) in enumerate(lines.items()):
            colour, marker = CYCLE[number % len(CYCLE)], MARKERS[number % len(MARKERS)]
            ax.plot([x for x, _, _ in line], [y for _, y, _ in line], color=colour, marker=marker, ms=4, label=key)
    for line in lines.values():
        dots = [(x, found) for x, _, found in line if found is not None and math.isfinite(found)]
        if dots and rows["closed"].notna().any():
            ax.plot(*zip(*dots, strict=True), "o", color=INK, ms=3.5, zorder=5)
    _band(ax, rows)
    xs = [x for line in lines.values() for x, _, _ in line]
    if min(xs) > 0 and max(xs) > _WIDE * min(xs):
        ax.set_xscale("log")
    if current:
        ax.axvline(frames.sort_key(current)[1], color=RED, lw=1.2, ls="--", label=f"in use: {current}")
    ax.set_xlim(min(xs), max(xs))
    ax.set_ylim(0, top or 1)
    if all(frames.is_duration(value) for value in rows["value"]):
        durations.mark(ax.xaxis, *ax.get_xlim())
    elif ax.get_xscale() == "log":
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter("")
    unit = rows["unit"].iloc[0]
    if unit == "s":
        durations.mark(ax.yaxis, *ax.get_ylim())
    ax.set_xlabel(parameter)
    ax.set_ylabel(metric if unit == "s" else f"{metric} [{unit}]")
    ax.set_title(title)
    ax.grid(True)
    ax.legend(loc="upper left", frameon=True, framealpha=0.85, edgecolor="none")
    return ax


def _line(rows: pd.DataFrame) -> list[tuple[float, float, float | None]]:
    """Return x, y and what was searched, in order; what has no bound is infinite."""
    points = []
    for row in rows.to_dict("records"):
        found = _number(row["searched"])
        y = _number(row["closed"])
        y = found if y is None else y
        if y is not None:
            points.append((frames.sort_key(row["value"])[1], y, found))
    return sorted(points, key=lambda point: point[0])


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _regions(ax: Axes, surely: list[Any], possibly: list[Any], top: float) -> None:
    xs = [x for x, _, _ in surely]
    low, high = ([min(y, top) for _, y, _ in line] for line in (surely, possibly))
    ax.fill_between(xs, 0, low, color=GREEN, alpha=0.30, lw=0, label="survived at any phase")
    ax.fill_between(xs, low, high, color=ORANGE, alpha=0.25, lw=0, label="survived at some phases")
    ax.fill_between(xs, high, top, color=RED, alpha=0.18, lw=0, label="never survived")
    ax.plot(xs, low, color=GREEN)
    ax.plot(xs, high, color=ORANGE)


def _band(ax: Axes, rows: pd.DataFrame) -> None:
    bands = rows[rows["low"].notna()]
    if len(bands):
        xs = [frames.sort_key(value)[1] for value in bands["value"]]
        highs = [float(high) for high in bands["high"]]
        ax.fill_between(xs, [float(low) for low in bands["low"]], highs, color=BLUE, alpha=0.2, lw=0)
