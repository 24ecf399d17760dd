"""Heat maps: one metric over two parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sim.errors import UsageError
from sim.report import frames, ticks
from sim.report.style import BLUE, INK, PALE, WIDTH, axes_on, figure_of, new_figure, styled

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import QuadMesh
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

_SHADES = ("#FFFAEB", "#FCE0A0", "#EEB03C", "#D77A1A", "#A63F0B", "#6B2107")
"""Almost white through amber to red-brown: one direction for every kind of sight, and in print."""
_BROAD = 11.5
"""Inches of a picture of many systems."""
_ROOMY = 0.75
"""Inches a column needs for two lines of text."""
_LEGIBLE = 0.48
"""Inches a column needs for a number."""
_LINES_MAX = 20
"""More lines make a picture too high where each has room for a number."""
_SPARSE = 0.1
"""A smaller share of cells with data is no map, where the numbers are not written either."""
_NARROW = 300.0
"""A colour bar whose ends have a larger ratio has a number a decade, and not three."""
_FINE = 1000
"""More cells than that along a side are finer than a picture."""
_EXPLAINED = ("current star", "none seen", "no data")


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

    Where nothing was seen in any replication, the cell says how high the rate may still be. Of more cells than have
    room for a number only the shade is drawn, beside a colour bar.

    Args:
        frame: one row a point and metric (see `sim.report.charts`).
        x: the parameter along the bottom.
        y: the parameter up the side.
        metric: which metric.
        ax: where to draw; by default axes of a new figure.
        current: the setting in use, to be framed.

    Raises:
        UsageError: a column or the metric is missing, points share a cell, or almost all of many cells are empty.
    """
    cells = _Cells(frame, x, y, metric)
    if ax is not None:
        return _draw(ax, cells, current, _is_dense(cells, _inches_each(ax, cells)))
    width = max(4.6, min(WIDTH, 2.6 + 0.95 * len(cells.columns)))
    dense = _is_dense(cells, width / (len(cells.columns) + 0.8))
    ax = _draw(axes_on(None, width, _height(cells, dense)), cells, current, dense)
    _explain_marks(figure_of(ax))
    return ax


@styled
def heatmap_pair(frame: pd.DataFrame, x: str, y: str, current: Mapping[str, object] | None = None) -> Figure:
    """Draw over-allocation and false terminations side by side over the same two parameters, as `heatmap` does.

    Args:
        frame: one row a point and metric (see `sim.report.charts`).
        x: the parameter along the bottom.
        y: the parameter up the side.
        current: the setting in use, to be framed.

    Raises:
        UsageError: a column or a metric is missing, several points share a cell, or almost all of many cells are empty.
    """
    pair = [_Cells(frame, x, y, metric) for metric in (frames.OVER_ALLOCATION, frames.FALSE_TERMINATIONS)]
    dense = any(_is_dense(cells, WIDTH / 2 / (len(cells.columns) + 0.8)) for cells in pair)
    figure = new_figure(WIDTH, max(_height(cells, dense) for cells in pair))
    for ax, cells in zip(figure.subplots(1, 2, sharey=True), pair, strict=True):
        _draw(ax, cells, current, dense)
    figure.axes[1].set_ylabel("")
    if dense:
        figure.set_layout_engine("constrained", wspace=0.06)  # a colour bar belongs to the map on its left
    _explain_marks(figure)
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
        _draw(ax, cells, None, dense=False)
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
        self.unit = frames.unit_of(rows)
        self.title = frames.with_unit(metric, self.unit)
        self.columns, self._column = frames.ranked(rows[x])
        self.lines, self._line = frames.ranked(rows[y])
        if downwards:
            self.lines.reverse()
            self._line = len(self.lines) - 1 - self._line
        self._numbers = rows[list(frames.ESTIMATE)].to_numpy(dtype=float)

    def __iter__(self) -> Iterator[tuple[int, int, float, float, float]]:
        """Column and line of every point, its estimate and bounds."""
        for column, line, numbers in zip(self._column, self._line, self._numbers, strict=True):
            estimate, low, high = numbers.tolist()
            yield int(column), int(line), estimate, low, high

    def __len__(self) -> int:
        return len(self._numbers)

    def grid(self) -> np.ndarray[Any, Any]:
        """The estimates as lines of columns; nan where there is no point."""
        import numpy as np

        values = np.full((len(self.lines), len(self.columns)), math.nan)
        values[self._line, self._column] = self._numbers[:, 0]
        return values

    def place_of(self, current: Mapping[str, object] | None) -> tuple[int, int] | None:
        """Return the cell of the current setting, or None."""
        spot = self.spot_of(current)
        if spot is None or not ((self._column == spot[0]) & (self._line == spot[1])).any():
            return None
        return int(spot[0]), int(spot[1])

    def spot_of(self, current: Mapping[str, object] | None) -> tuple[float, float] | None:
        """Return where the current setting is, in a cell or between some; None where that is off the map."""
        if not current or self.x not in current or self.y not in current:
            return None
        column, line = ticks.among(self.columns, current[self.x]), ticks.among(self.lines, current[self.y])
        return None if column is None or line is None else (column, line)


def _inches_each(ax: Axes, cells: _Cells) -> float:
    """How wide a column is."""
    figure = figure_of(ax)
    return float(figure.get_size_inches()[0] / len(figure.axes) / (len(cells.columns) + 0.8))


def _is_dense(cells: _Cells, inches: float) -> bool:
    """Whether there are more cells than numbers can be written into, in columns of so many inches."""
    dense = inches < _LEGIBLE or len(cells.lines) > _LINES_MAX
    count = len(cells.columns) * len(cells.lines)
    if dense and len(cells) < _SPARSE * count:
        raise UsageError(
            f"a heat map needs a grid, and of {count:,} pairs of values only {len(cells):,} have data",
            "draw the trade-off, or simulate every pair",
        )
    return dense


def _height(cells: _Cells, dense: bool) -> float:
    """Inches of the picture."""
    height = 1.8 + 0.5 * len(cells.lines)
    return min(height, 4.8) if dense else height


def _draw(ax: Axes, cells: _Cells, current: Mapping[str, object] | None, dense: bool) -> Axes:
    ax.set_xlabel(frames.axis_label(cells.x, cells.columns))
    ax.set_ylabel(frames.axis_label(cells.y, cells.lines))
    ax.spines[["left", "bottom"]].set_visible(False)
    return _draw_shades(ax, cells, current) if dense else _draw_numbers(ax, cells, current)


# ------------------------------------------------------------------ cells with numbers


def _draw_numbers(ax: Axes, cells: _Cells, current: Mapping[str, object] | None) -> Axes:
    roomy = _write(ax, cells, _shade(ax, cells))
    ax.set_xticks(range(len(cells.columns)), [frames.text_of(value) for value in cells.columns])
    ax.set_yticks(range(len(cells.lines)), [frames.text_of(value) for value in cells.lines])
    ax.tick_params(length=0)
    ax.set_title(f"{cells.title} and 95 % interval" if roomy else cells.title)
    place = cells.place_of(current)
    if place is not None:
        _mark(ax, place)
    return ax


def _shade(ax: Axes, cells: _Cells) -> QuadMesh:
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    values = cells.grid()
    lowest, highest = _ends(values)
    shown = np.ma.masked_invalid(np.maximum(values, lowest / 2))
    colours = LinearSegmentedColormap.from_list("worse", _SHADES)
    edges_x, edges_y = np.arange(len(cells.columns) + 1) - 0.5, np.arange(len(cells.lines) + 1) - 0.5
    norm = _norm(lowest, highest)
    return ax.pcolormesh(edges_x, edges_y, shown, cmap=colours, norm=norm, edgecolors="white", linewidth=1.5)


def _ends(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Return the least and the largest number above zero; 0 and 1 where there is none."""
    import numpy as np

    positive = values[np.isfinite(values) & (values > 0)]
    return (float(positive.min()), float(positive.max())) if len(positive) else (0.0, 1.0)


def _is_wide(lowest: float, highest: float) -> bool:
    """Whether the shades are logarithmic: where the numbers span more than a factor of 4."""
    return 0 < 4 * lowest < highest


def _norm(lowest: float, highest: float) -> Normalize:
    """The scale of shades; cells of zero are the lightest."""
    from matplotlib.colors import LogNorm, Normalize

    return LogNorm(lowest / 2, highest) if _is_wide(lowest, highest) else Normalize(0, highest)


def _write(ax: Axes, cells: _Cells, mesh: QuadMesh) -> bool:
    """Write the numbers; return whether there was room for the intervals."""
    roomy = _inches_each(ax, cells) > _ROOMY
    size = 8.5 if roomy else 7.5
    for column, line, estimate, low, high in cells:
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
    _star(ax, column - 0.38, line + 0.33, size=9)


def _star(ax: Axes, column: float, line: float, size: float) -> None:
    star: dict[str, Any] = {
        "marker": "*",
        "markersize": size,
        "markerfacecolor": BLUE,
        "markeredgecolor": "white",
        "linestyle": "",
    }
    ax.plot([column], [line], **star, label="current setting", gid="current star")


# ------------------------------------------------------------------ cells without numbers


def _draw_shades(ax: Axes, cells: _Cells, current: Mapping[str, object] | None) -> Axes:
    """An image with a colour bar and few ticks."""
    values = cells.grid()
    image = _image(ax, values)
    if (values > 0).any():
        _colour_bar(ax, image, cells.unit)
    _thin_ticks(ax, cells)
    ax.set_title(cells.title)
    spot = cells.spot_of(current)
    if spot is not None:
        _star(ax, *spot, size=13)
    if (values == 0).any():
        _swatch(ax, "none seen", _SHADES[0])
    if (values != values).any():
        _swatch(ax, "no data", PALE)
    ax.set(xlim=(-0.5, len(cells.columns) - 0.5), ylim=(-0.5, len(cells.lines) - 0.5))
    return ax


def _image(ax: Axes, values: np.ndarray[Any, Any]) -> ScalarMappable:
    """The cells as an image. Zero has the lightest shade to itself: a logarithmic scale begins a step above it."""
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize

    lowest, highest = _ends(values)
    log = _is_wide(lowest, highest)
    shades = LinearSegmentedColormap.from_list("worse", _SHADES[1:] if log else _SHADES)
    colours = shades.with_extremes(under=_SHADES[0], bad=PALE)
    norm = LogNorm(lowest, highest) if log else Normalize(0, highest)
    shown = np.ma.masked_invalid(_as_fine(np.maximum(values, lowest / 2) if log else values))
    height, width = values.shape
    return ax.imshow(
        shown,
        cmap=colours,
        norm=norm,
        origin="lower",
        aspect="auto",
        extent=(-0.5, width - 0.5, -0.5, height - 0.5),
        interpolation_stage="rgba",  # cells that share a pixel give it their mean colour, zero and no data theirs too
    )


def _as_fine(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Repeat the lines of a map of many columns, or its columns: what smooths the many would blur the few as well."""
    import numpy as np

    most = min(max(values.shape), _FINE)
    for axis, count in enumerate(values.shape):
        values = np.repeat(values, max(1, min(most // count, 4 * _FINE**2 // values.size)), axis)
    return values


def _colour_bar(ax: Axes, image: ScalarMappable, unit: str) -> None:
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator, NullLocator

    bar = figure_of(ax).colorbar(image, ax=ax, label=unit, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.set_gid("colour bar")
    if isinstance(image.norm, LogNorm):
        low, high = image.get_clim()
        narrow = bool(low and high and high < _NARROW * low)
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
        bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter("{x:g}")


def _thin_ticks(ax: Axes, cells: _Cells) -> None:
    figure = figure_of(ax)
    panels = sum(one.get_gid() != "colour bar" for one in figure.axes)
    width, height = figure.get_size_inches()
    across = ticks.along(cells.columns, 0.75 * width / panels)
    up = ticks.along(cells.lines, 0.8 * height, stacked=True)
    ax.set_xticks([tick.at for tick in across], [tick.text for tick in across])
    ax.set_yticks([tick.at for tick in up], [tick.text for tick in up])
    ax.tick_params(length=3)


def _swatch(ax: Axes, name: str, colour: str) -> None:
    """An entry of the legend: what a colour means that is no number's."""
    style: dict[str, Any] = {"markersize": 9, "markerfacecolor": colour, "markeredgecolor": "#999999", "linestyle": ""}
    ax.plot([], [], marker="s", **style, label=name, gid=name)


def _explain_marks(figure: Figure) -> None:
    """Say below what star and colours mean, where there are some."""
    found = {str(line.get_gid()): line for ax in figure.axes for line in ax.lines}
    marks = [found[gid] for gid in _EXPLAINED if gid in found]
    if marks:
        figure.legend(handles=marks, loc="outside lower right", handletextpad=0.1, ncols=len(marks))
