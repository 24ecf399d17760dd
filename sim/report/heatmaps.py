"""Heat maps: one metric over two parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim.report import frames
from sim.report.style import BLUE, INK, WIDTH, axes_on, figure_of, new_figure, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

_SHADES = ("#FFFAEB", "#FCE0A0", "#EEB03C", "#D77A1A", "#A63F0B", "#6B2107")
"""Almost white through amber to red-brown: one direction for every kind of sight, and in print."""
_BROAD = 11.5
"""Inches of a picture of many systems."""
_ROOMY = 0.75
"""Inches a column needs for two lines of text."""


@styled
def heatmap(
    frame: pd.DataFrame,
    x: str,
    y: str,
    metric: str,
    ax: Axes | None = None,
    current: Mapping[str, object] | None = None,
) -> Axes:
    """Draw one metric over two parameters: the darker, the worse; its number and interval in every cell.

    Where nothing was seen in any replication, the cell says how high the rate may still be.

    Args:
        frame: one row a point and metric (see `sim.report.charts`).
        x: the parameter along the bottom.
        y: the parameter up the side.
        metric: which metric.
        ax: where to draw; by default axes of a new figure.
        current: the setting in use, to be framed.

    Raises:
        UsageError: a column or the metric is missing, or several points share a cell.
    """
    cells = _Cells(frame, x, y, metric)
    if ax is not None:
        return _draw(ax, cells, current)
    width = max(4.6, min(WIDTH, 2.6 + 0.95 * len(cells.columns)))
    ax = _draw(axes_on(None, width, 1.8 + 0.5 * len(cells.lines)), cells, current)
    _explain_mark(figure_of(ax))
    return ax


@styled
def heatmap_pair(frame: pd.DataFrame, x: str, y: str, current: Mapping[str, object] | None = None) -> Figure:
    """Draw over-allocation and false terminations side by side over the same two parameters.

    Args:
        frame: one row a point and metric (see `sim.report.charts`).
        x: the parameter along the bottom.
        y: the parameter up the side.
        current: the setting in use, to be framed.

    Raises:
        UsageError: a column or a metric is missing, or several points share a cell.
    """
    pair = [_Cells(frame, x, y, metric) for metric in (frames.OVER_ALLOCATION, frames.FALSE_TERMINATIONS)]
    figure = new_figure(WIDTH, 1.8 + 0.5 * max(len(cells.lines) for cells in pair))
    for ax, cells in zip(figure.subplots(1, 2, sharey=True), pair, strict=True):
        _draw(ax, cells, current)
    figure.axes[1].set_ylabel("")
    _explain_mark(figure)
    return figure


@styled
def systems_map(frame: pd.DataFrame) -> Figure:
    """Draw false terminations and over-allocation of systems (down) under fault mixes (across).

    Args:
        frame: one row a system, mix and metric, with the columns `system` and `faults` (see `sim.report.charts`).

    Raises:
        UsageError: a column or a metric is missing, or several points share a cell.
    """
    metrics = (frames.FALSE_TERMINATIONS, frames.OVER_ALLOCATION)
    pair = [_Cells(frame, "faults", "system", metric, downwards=True) for metric in metrics]
    figure = new_figure(_BROAD, 1.5 + 0.36 * len(pair[0].lines))
    for ax, cells in zip(figure.subplots(1, 2, sharey=True), pair, strict=True):
        _draw(ax, cells, None)
        ax.set_title(cells.title)
        ax.set_xlabel("")
        ax.set_ylabel("")
        ax.tick_params(axis="x", labelrotation=20)
    below = "small: the 95 % interval.  ≤: not seen, and no more than this.  0 seen: not seen; the table has the bound."
    figure.text(0.5, 0.004, below, ha="center", va="bottom", size=8)
    foot = 0.25 / figure.get_size_inches()[1]
    figure.set_layout_engine("constrained", rect=(0, foot, 1, 1 - foot))
    return figure


class _Cells:
    """The estimates of one metric, by column and line."""

    def __init__(self, frame: pd.DataFrame, x: str, y: str, metric: str, downwards: bool = False) -> None:
        rows = frames.rows_of(frame, metric, (x, y))
        frames.one_row_each(rows, (x, y))
        self.x, self.y = x, y
        self.title = frames.with_unit(metric, frames.unit_of(rows))
        self.columns, self.lines = frames.ordered(rows[x]), frames.ordered(rows[y])
        if downwards:
            self.lines.reverse()
        self.at: dict[tuple[int, int], tuple[float, float, float]] = {}
        for column, line, *numbers in rows[[x, y, *frames.ESTIMATE]].itertuples(index=False):
            place = _place(self.columns, column), _place(self.lines, line)
            self.at[place] = (float(numbers[0]), float(numbers[1]), float(numbers[2]))

    def grid(self) -> list[list[float]]:
        """The estimates as lines of columns; nan where there is no point."""
        nothing = (math.nan,) * 3
        return [
            [self.at.get((column, line), nothing)[0] for column in range(len(self.columns))]
            for line in range(len(self.lines))
        ]

    def place_of(self, current: Mapping[str, object] | None) -> tuple[int, int] | None:
        """Return where the current setting is, or None."""
        if not current or self.x not in current or self.y not in current:
            return None
        column, line = _place(self.columns, current[self.x]), _place(self.lines, current[self.y])
        return (column, line) if (column, line) in self.at else None


def _place(values: list[Any], value: object) -> int:
    keys = [frames.sort_key(known) for known in values]
    return keys.index(frames.sort_key(value)) if frames.sort_key(value) in keys else -1


def _draw(ax: Axes, cells: _Cells, current: Mapping[str, object] | None) -> Axes:
    roomy = _write(ax, cells, _shade(ax, cells))
    ax.set_xticks(range(len(cells.columns)), [frames.text_of(value) for value in cells.columns])
    ax.set_yticks(range(len(cells.lines)), [frames.text_of(value) for value in cells.lines])
    ax.set_xlabel(frames.axis_label(cells.x, cells.columns))
    ax.set_ylabel(frames.axis_label(cells.y, cells.lines))
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_title(f"{cells.title} and 95 % interval" if roomy else cells.title)
    place = cells.place_of(current)
    if place is not None:
        _mark(ax, place)
    return ax


def _shade(ax: Axes, cells: _Cells) -> QuadMesh:
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    values = np.array(cells.grid(), dtype=float)
    positive = values[np.isfinite(values) & (values > 0)].tolist()
    lowest = min(positive, default=0.0)
    shown = np.ma.masked_invalid(np.maximum(values, lowest / 2))
    colours = LinearSegmentedColormap.from_list("worse", _SHADES)
    edges_x, edges_y = np.arange(len(cells.columns) + 1) - 0.5, np.arange(len(cells.lines) + 1) - 0.5
    norm = _norm(lowest, max(positive, default=1.0))
    return ax.pcolormesh(edges_x, edges_y, shown, cmap=colours, norm=norm, edgecolors="white", linewidth=1.5)


def _norm(lowest: float, highest: float) -> Normalize:
    """Logarithmic where the numbers span more than a factor of 4; cells of zero are the lightest."""
    from matplotlib.colors import LogNorm, Normalize

    if 0 < 4 * lowest < highest:
        return LogNorm(lowest / 2, highest)
    return Normalize(0, highest)


def _write(ax: Axes, cells: _Cells, mesh: QuadMesh) -> bool:
    """Write the numbers; return whether there was room for the intervals."""
    figure = figure_of(ax)
    panels = len(figure.axes)
    inches = figure.get_size_inches()[0] / panels / (len(cells.columns) + 0.8)
    roomy = bool(inches > _ROOMY)
    size = 8.5 if roomy else 7.5
    for (column, line), (estimate, low, high) in cells.at.items():
        red, green, blue, _ = _colour(mesh, estimate)
        ink = "white" if estimate >= 0 and 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else INK
        bounded = estimate != 0 and math.isfinite(low) and math.isfinite(high) and roomy
        text = frames.estimate_text(estimate, high)
        ax.text(column, line + 0.12 * bounded, text, ha="center", va="center", color=ink, size=size, gid="estimate")
        if bounded:
            between = f"{frames.number(low)} – {frames.number(high)}"
            ax.text(column, line - 0.26, between, ha="center", va="center", color=ink, size=6.5, gid="interval")
    return roomy


def _colour(mesh: QuadMesh, estimate: float) -> tuple[float, ...]:
    import numpy as np

    shown = np.array([max(estimate, mesh.get_clim()[0])])
    return tuple(mesh.to_rgba(shown)[0].tolist())


def _mark(ax: Axes, place: tuple[int, int]) -> None:
    """A bold frame and a star, and what they mean."""
    from matplotlib.patches import Rectangle

    column, line = place
    frame = Rectangle(
        (column - 0.48, line - 0.46), 0.96, 0.92, fill=False, edgecolor=BLUE, linewidth=2.6, gid="current"
    )
    ax.add_patch(frame)
    star: dict[str, Any] = {
        "marker": "*",
        "markersize": 9,
        "markerfacecolor": BLUE,
        "markeredgecolor": "white",
        "linestyle": "",
    }
    ax.plot([column - 0.38], [line + 0.33], **star, label="current setting", gid="current star")


def _explain_mark(figure: Figure) -> None:
    """Say below what the star means, where there is one."""
    stars = [line for ax in figure.axes for line in ax.lines if line.get_gid() == "current star"]
    if stars:
        figure.legend(handles=stars[:1], loc="outside lower right", handletextpad=0.1)
