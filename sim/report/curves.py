"""Curves: one metric along one parameter, a line for each value of another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.errors import UsageError
from sim.report import frames
from sim.report.style import CYCLE, GREY, INK, MARKERS, axes_on, figure_of, styled
from sim.report.ticks import MANY, Tick, spread, thinned

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes

_WIDE_X = 8.0
"""A larger ratio of the ends makes the x axis logarithmic."""
_WIDE_Y = 30.0
_MARKED_MAX = 100
"""More dots have neither marks nor a line for each interval: the band has them."""


class _Dot(NamedTuple):
    x: float
    estimate: float
    low: float
    high: float


@styled
def curves(
    frame: pd.DataFrame,
    x: str,
    by: str | None = None,
    metric: str = frames.FALSE_TERMINATIONS,
    ax: Axes | None = None,
    current: Mapping[str, object] | None = None,
) -> Axes:
    """Draw one metric along a parameter, a line with its 95 % band for each value of another.

    Where nothing was seen, an open triangle stands at the upper bound and points down. Of more than eight lines
    eight are drawn, evenly from the first to the last, and the legend says so. Many dots are not marked.

    Args:
        frame: one row a point and metric (see `sim.report.charts`).
        x: the parameter along the bottom; logarithmic if its ends differ by more than a factor of 8.
        by: the parameter that makes the lines; None for one line.
        metric: which metric.
        ax: where to draw; by default axes of a new figure.
        current: the setting in use, marked with a star.

    Raises:
        UsageError: a column or the metric is missing, several points share a place, or no two are on a line.
    """
    needed = (x,) if by is None else (x, by)
    rows = frames.rows_of(frame, metric, needed)
    frames.one_row_each(rows, needed)
    ax = axes_on(ax, height=4.6)
    values, _ = frames.ranked(rows[x])
    places = _places(values)
    lines, of_line = frames.ranked(rows[by]) if by is not None else ([None], None)
    shown = _shown(lines, of_line, by, current)
    log_y = _is_wide(rows["estimate"].tolist(), _WIDE_Y)
    draw = _line if len(values) * len(shown) <= _MARKED_MAX else _dense_line
    for number, line in enumerate(shown):
        chosen = rows if of_line is None else rows[of_line == line]
        name = "" if by is None else frames.text_of(lines[line])
        draw(ax, _dots(chosen, x, places), number, name, log_y)
    _mark(ax, rows, x, places, current, log_y)
    _x_axis(ax, x, values, places)
    _y_axis(ax, rows, metric, log_y)
    part = f", {len(shown)} of {len(lines):,} values" if len(shown) < len(lines) else ""
    _legend(ax, by and f"{by}{part}", log_y and bool((rows["estimate"] == 0).any()))
    return ax


def _shown(
    lines: Sequence[Any], of_line: np.ndarray[Any, Any] | None, by: str | None, current: Mapping[str, object] | None
) -> list[int]:
    """Which lines are drawn: as many as there are colours, the current setting's among them."""
    if of_line is not None and len(lines) > len(CYCLE) and len(of_line) == len(lines):
        raise UsageError(
            f"curves need several points with the same {by}, and all {len(lines):,} are different",
            "draw the trade-off, or simulate every pair",
        )
    shown = spread(range(len(lines)), len(CYCLE))
    keys = [frames.sort_key(line) for line in lines]
    key = frames.sort_key(current[by]) if by is not None and current and by in current else None
    if key in keys:
        own = keys.index(key)
        shown[min(range(len(shown)), key=lambda at: abs(shown[at] - own))] = own
    return shown


def _is_wide(numbers: Sequence[float], factor: float) -> bool:
    positive = [number for number in numbers if number > 0]
    return bool(positive) and max(positive) > factor * min(positive)


def _places(values: Sequence[Any]) -> dict[frames.Sortable, float]:
    """Where each value stands along the axis: at its number, or in turn where there is none."""
    keys = [frames.sort_key(value) for value in values]
    numeric = all(kind == 0 for kind, _, _ in keys)
    return {key: key[1] if numeric else float(index) for index, key in enumerate(keys)}


def _dots(rows: pd.DataFrame, x: str, places: dict[frames.Sortable, float]) -> list[_Dot]:
    columns = rows[[x, *frames.ESTIMATE]].itertuples(index=False)
    return sorted(_Dot(places[frames.sort_key(v)], float(e), float(a), float(b)) for v, e, a, b in columns)


def _line(ax: Axes, dots: list[_Dot], number: int, name: str, log_y: bool) -> None:
    colour, marker = CYCLE[number % len(CYCLE)], MARKERS[number % len(MARKERS)]
    seen = [dot for dot in dots if not math.isnan(dot.estimate) and (dot.estimate > 0 or not log_y)]
    ax.plot([d.x for d in seen], [d.estimate for d in seen], color=colour, marker=marker, markersize=5, label=name)
    bounded = [dot for dot in seen if math.isfinite(dot.low) and math.isfinite(dot.high)]
    lows = [max(dot.low, dot.estimate / 100) if log_y else dot.low for dot in bounded]
    xs, highs = [dot.x for dot in bounded], [dot.high for dot in bounded]
    ax.fill_between(xs, lows, highs, color=colour, alpha=0.16, linewidth=0, gid="95 % band")
    ax.vlines(xs, lows, highs, color=colour, linewidth=1.0, gid="95 % interval")
    unseen = [dot for dot in dots if dot.estimate == 0 and math.isfinite(dot.high) and log_y]
    style: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": colour, "linestyle": "", "markersize": 6}
    ax.plot([d.x for d in unseen], [d.high for d in unseen], marker="v", **style, gid="upper bound")
    for dot in unseen:
        nearest = min(seen, key=lambda other: abs(other.x - dot.x), default=dot)
        ax.plot([nearest.x, dot.x], [nearest.estimate, dot.high], color=colour, linestyle=":", linewidth=1.0)


def _dense_line(ax: Axes, dots: list[_Dot], number: int, name: str, log_y: bool) -> None:
    """A line and its band alone. Where nothing was seen and that has no place, both have a gap, and the bound a dot."""
    colour = CYCLE[number % len(CYCLE)]
    known = [dot for dot in dots if not math.isnan(dot.estimate)]
    xs = [dot.x for dot in known]
    heights = [dot.estimate if dot.estimate > 0 or not log_y else math.nan for dot in known]
    # The marks are as thin as the line: a dot alone between gaps would not be there without one.
    ax.plot(xs, heights, color=colour, linewidth=1.0, marker="o", markersize=1.5, markeredgewidth=0, label=name)
    bounded = [math.isfinite(dot.low) and math.isfinite(dot.high) and (dot.estimate > 0 or not log_y) for dot in known]
    lows = [max(dot.low, dot.estimate / 100) if log_y else dot.low for dot in known]
    highs = [dot.high for dot in known]
    ax.fill_between(xs, lows, highs, where=bounded, color=colour, alpha=0.12, linewidth=0, gid="95 % band")
    unseen = [dot for dot in known if dot.estimate == 0 and math.isfinite(dot.high) and log_y]
    style: dict[str, Any] = {"color": colour, "linestyle": "", "marker": "v", "markersize": 2.5, "markeredgewidth": 0.5}
    ax.plot([d.x for d in unseen], [d.high for d in unseen], **style, markerfacecolor="white", gid="upper bound")


def _mark(
    ax: Axes,
    rows: pd.DataFrame,
    x: str,
    places: dict[frames.Sortable, float],
    current: Mapping[str, object] | None,
    log_y: bool,
) -> None:
    for row in rows.to_dict("records"):
        if frames.matches(row, current):
            height = row["high"] if row["estimate"] == 0 and log_y else row["estimate"]
            place = places[frames.sort_key(row[x])]
            style: dict[str, Any] = {
                "markersize": 15,
                "markerfacecolor": "none",
                "markeredgecolor": INK,
                "markeredgewidth": 1.6,
            }
            ax.plot([place], [height], marker="*", linestyle="", zorder=5, label="current setting", **style)
            return


def _x_axis(ax: Axes, x: str, values: Sequence[Any], places: dict[frames.Sortable, float]) -> None:
    from matplotlib.ticker import NullFormatter

    label, numbers = frames.axis_label(x, values), list(places.values())
    if min(numbers) > 0 and _is_wide(numbers, _WIDE_X):
        ax.set_xscale("log")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.xaxis.minorticks_off()
        label = label.replace("[", "[log scale, ") if "[" in label else f"{label}  [log scale]"
    few = [Tick(number, frames.text_of(value)) for number, value in zip(numbers, values, strict=True)]
    if len(few) > MANY:
        few = thinned(values, 0.85 * figure_of(ax).get_size_inches()[0], ax.get_xscale() == "log")
    ax.set_xticks([tick.at for tick in few], [tick.text for tick in few])
    ax.set_xlabel(label)


def _y_axis(ax: Axes, rows: pd.DataFrame, metric: str, log_y: bool) -> None:
    unit = frames.unit_of(rows)
    ax.set_ylabel(f"{unit}, log scale" if log_y else unit)
    if log_y:
        ax.set_yscale("log")
    elif min(float(v) for v in rows["estimate"]) >= 0:
        ax.set_ylim(bottom=0)
    ax.grid(axis="y")
    ax.set_title(f"{frames.with_unit(metric, unit)} with 95 % intervals")


def _legend(ax: Axes, by: str | None, unseen: bool) -> None:
    from matplotlib.lines import Line2D

    handles, labels = ax.get_legend_handles_labels()
    named = [(handle, label) for handle, label in zip(handles, labels, strict=True) if label]
    if unseen:
        style: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": GREY, "linestyle": ""}
        named.append((Line2D([], [], marker="v", **style), "none seen: upper bound"))
    if named:
        ax.legend([handle for handle, _ in named], [label for _, label in named], title=by, title_fontsize=8.0)
