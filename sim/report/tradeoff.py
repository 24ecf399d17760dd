"""The trade-off: how often healthy runs are stopped against how much is over-allocated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.report import frames
from sim.report.style import BLUE, GREY, INK, RED, axes_on, figure_of, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_WIDE = 15.0
_LABELS_MAX = 14
_TEXT_HEIGHT = 12.0


class _Rate(NamedTuple):
    estimate: float
    low: float
    high: float

    @property
    def shown(self) -> float:
        """Where it stands: at the estimate, or at the upper bound where nothing was seen."""
        return self.high if self.estimate == 0 and math.isfinite(self.high) else self.estimate


class _Point(NamedTuple):
    values: Mapping[str, Any]
    x: _Rate
    y: _Rate
    current: bool


@styled
def tradeoff(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    current: Mapping[str, object] | None = None,
    x: str = frames.FALSE_TERMINATIONS,
    y: str = frames.OVER_ALLOCATION,
    labels: bool = True,
) -> Axes:
    """Draw every point of a sweep by two rates of which less is better, with crosses of 95 % intervals.

    The points that no other betters in both are joined and named by their parameters; the rest are grey. Where
    nothing was seen, the point is open and stands at the upper bound.

    Args:
        frame: one row a point and metric (see `sim.report.charts`).
        ax: where to draw; by default axes of a new figure.
        current: the setting in use, marked with a star.
        x: the metric along the bottom.
        y: the metric up the side.
        labels: whether to name the points.

    Raises:
        UsageError: a column or a metric is missing.
    """
    points = _points(frame, x, y, current)
    units = [frames.unit_of(frames.rows_of(frame, metric, ())) for metric in (x, y)]
    ax = axes_on(ax, height=5.6)
    best = undominated([(point.x.estimate, point.y.estimate) for point in points])
    for index, point in enumerate(points):
        _cross(ax, point, index in best)
    _front(ax, [points[index] for index in best])
    _star(ax, points)
    _scale(ax, "x", frames.with_unit(x, units[0]), [point.x for point in points])
    _scale(ax, "y", frames.with_unit(y, units[1]), [point.y for point in points])
    ax.set_title(f"{frames.title_of(y)} against {frames.title_of(x).lower()}, 95 % intervals")
    ax.grid()
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)
    if labels:
        named = [points[index] for index in best][:_LABELS_MAX]
        named += [point for point in points if point.current and point not in named]
        _name(ax, named, points)
    return ax


def undominated(pairs: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of the pairs that no other pair betters in both numbers, by the first number."""
    found: list[int] = []
    lowest = math.inf
    for index in sorted(range(len(pairs)), key=lambda index: (pairs[index], index)):
        if pairs[index][1] < lowest:
            found.append(index)
            lowest = pairs[index][1]
    return found


def _points(frame: pd.DataFrame, x: str, y: str, current: Mapping[str, object] | None) -> list[_Point]:
    parameters = [str(name) for name in frame.columns if name not in frames.NOT_PARAMETERS]
    first, second = (_rates(frame, metric, parameters) for metric in (x, y))
    return [
        _Point(values, rate, second[key][1], frames.matches(values, current))
        for key, (values, rate) in first.items()
        if key in second and not math.isnan(rate.estimate) and not math.isnan(second[key][1].estimate)
    ]


def _rates(
    frame: pd.DataFrame, metric: str, parameters: Sequence[str]
) -> dict[tuple[frames.Sortable, ...], tuple[dict[str, Any], _Rate]]:
    rows = frames.rows_of(frame, metric, parameters)
    frames.one_row_each(rows, parameters)
    found = {}
    for row in rows.to_dict("records"):
        key = tuple(frames.sort_key(row[name]) for name in parameters)
        values = {name: row[name] for name in parameters}
        found[key] = values, _Rate(float(row["estimate"]), float(row["low"]), float(row["high"]))
    return found


def _cross(ax: Axes, point: _Point, best: bool) -> None:
    colour = BLUE if best else GREY
    x, y = point.x, point.y
    style: dict[str, Any] = {"color": colour, "linewidth": 1.1 if best else 0.7, "alpha": 1.0 if best else 0.6}
    if math.isfinite(x.low) and math.isfinite(x.high):
        ax.hlines(y.shown, x.low, x.high, **style, gid="95 % interval")
    if math.isfinite(y.low) and math.isfinite(y.high):
        ax.vlines(x.shown, y.low, y.high, **style, gid="95 % interval")
    unseen = x.estimate == 0 or y.estimate == 0
    face = "white" if unseen else colour
    ax.plot([x.shown], [y.shown], marker="o", markersize=6 if best else 4, color=colour, markerfacecolor=face, zorder=3)


def _front(ax: Axes, best: list[_Point]) -> None:
    xs, ys = [point.x.shown for point in best], [point.y.shown for point in best]
    ax.plot(xs, ys, color=BLUE, linewidth=1.2, marker="o", markersize=0, label="not bettered by any other", gid="front")


def _star(ax: Axes, points: list[_Point]) -> None:
    chosen = [point for point in points if point.current]
    style: dict[str, Any] = {"markersize": 15, "markerfacecolor": RED, "markeredgecolor": "white", "linestyle": ""}
    if chosen:
        xs, ys = [point.x.shown for point in chosen], [point.y.shown for point in chosen]
        ax.plot(xs, ys, marker="*", **style, zorder=5, label="current setting", gid="current")


def _scale(ax: Axes, axis: str, label: str, rates: Sequence[_Rate]) -> None:
    """Logarithmic where the rates differ much; zero is on the axis otherwise."""
    shown = [rate.shown for rate in rates if rate.shown > 0]
    wide = bool(shown) and max(shown) > _WIDE * min(shown)
    if wide:
        low, high = min(shown) / 2, max([*shown, *(rate.high for rate in rates if math.isfinite(rate.high))]) * 1.3
        ax.set(**{f"{axis}scale": "log", f"{axis}lim": (low, high), f"{axis}label": f"{label}, log scale"})
    else:
        ax.set(**{f"{axis}label": label})
        ax.set(**{f"{axis}lim": (0, None)})


# -------------------------------------------------------------------------- labels


def _short(point: _Point, points: Sequence[_Point]) -> str:
    """The parameters that differ between points, by the last part of their names."""
    differing = [name for name in point.values if len({frames.sort_key(p.values[name]) for p in points}) > 1]
    return frames.short_name(point.values, differing)


def _name(ax: Axes, named: Sequence[_Point], points: Sequence[_Point]) -> None:
    """Write each label where it covers no other label and no point; the current setting's at any rate."""
    figure = figure_of(ax)
    figure.draw_without_rendering()
    dots = [_pixels(ax, point) for point in points]
    labels: list[_Box] = []
    for point in sorted(named, key=lambda point: not point.current):
        text, at = _short(point, points), _pixels(ax, point)
        boxes = [(place, _box(at, place, 5.2 * len(text))) for place in _PLACES]
        free = [
            (place, box) for place, box in boxes if _inside(ax, box) and not any(_meet(box, other) for other in labels)
        ]
        clear = [(place, box) for place, box in free if not any(_meet(box, _around(dot)) for dot in dots)]
        for place, box in clear[:1] or (free[:1] if point.current else []):
            labels.append(box)
            offset = place[0] * 72 / figure.dpi, place[1] * 72 / figure.dpi
            style: dict[str, Any] = {"size": 7.5, "color": INK, "weight": "bold" if point.current else "normal"}
            where = (point.x.shown, point.y.shown)
            ax.annotate(text, where, offset, textcoords="offset points", ha=place[2], va=place[3], gid="name", **style)


_Box = tuple[float, float, float, float]
"""Left, bottom, right, top in pixels of the axes."""


def _pixels(ax: Axes, point: _Point) -> tuple[float, float]:
    x, y = ax.transData.transform((point.x.shown, point.y.shown))
    return float(x - ax.bbox.x0), float(y - ax.bbox.y0)


def _box(at: tuple[float, float], place: tuple[float, float, Any, Any], width: float) -> _Box:
    dx, dy, ha, va = place
    left = at[0] + dx - width * {"left": 0.0, "center": 0.5, "right": 1.0}[ha]
    bottom = at[1] + dy - _TEXT_HEIGHT * {"bottom": 0.0, "center": 0.5, "top": 1.0}[va]
    return left, bottom, left + width, bottom + _TEXT_HEIGHT


def _around(dot: tuple[float, float]) -> _Box:
    return dot[0] - 4, dot[1] - 4, dot[0] + 4, dot[1] + 4


def _inside(ax: Axes, box: _Box) -> bool:
    return box[0] > 0 and box[1] > 0 and box[2] < ax.bbox.width and box[3] < ax.bbox.height


_PLACES: tuple[tuple[float, float, Any, Any], ...] = (
    (8, 6, "left", "bottom"),
    (8, -6, "left", "top"),
    (-8, 6, "right", "bottom"),
    (-8, -6, "right", "top"),
    (10, 0, "left", "center"),
    (-10, 0, "right", "center"),
    (0, 10, "center", "bottom"),
    (0, -10, "center", "top"),
)


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
