"""The trade-off: how often healthy runs are stopped against how much is over-allocated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.report import frames
from sim.report.style import BLUE, GREY, INK, RED, axes_on, figure_of, styled
from sim.report.ticks import spread

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_WIDE = 15.0
_LABELS_MAX = 14
_TEXT_HEIGHT = 12.0
_CROSSES_MAX = 150
"""More points have no room for their intervals."""


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
    nothing was seen, the point is open and stands at the upper bound. Of many points only those that are not bettered
    and the current setting have intervals.

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
    rest = sorted({*range(len(points))} - {*best})
    many = len(points) > _CROSSES_MAX
    _dots(ax, [points[index] for index in rest], best=False, many=many)
    _dots(ax, [points[index] for index in best], best=True, many=many)
    _front(ax, [points[index] for index in best], "not bettered by any other" + (", 95 % intervals" if many else ""))
    _star(ax, points)
    _scale(ax, "x", frames.with_unit(x, units[0]), [point.x for point in points], many)
    _scale(ax, "y", frames.with_unit(y, units[1]), [point.y for point in points], many)
    title = f"{frames.title_of(y)} against {frames.title_of(x).lower()}"
    ax.set_title(title if many else f"{title}, 95 % intervals")
    ax.grid()
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)
    if labels:
        named = [points[index] for index in spread(best, _LABELS_MAX)]
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


def _dots(ax: Axes, points: Sequence[_Point], best: bool, many: bool) -> None:
    """Crosses and dots, open where nothing was seen; of many points the crosses would hide everything."""
    colour = BLUE if best else GREY
    crossed = [point for point in points if best or point.current or not many]
    thick = best and not many
    if crossed:
        _crosses(ax, crossed, {"color": colour, "linewidth": 1.1 if thick else 0.7, "alpha": 1.0 if thick else 0.6})
    size = (4 if best else 2) if many else (6 if best else 4)
    for face, unseen in ((colour, False), ("white", True)):
        chosen = [point for point in points if unseen == (point.x.estimate == 0 or point.y.estimate == 0)]
        style: dict[str, Any] = {"marker": "o", "markersize": size, "color": colour, "markerfacecolor": face}
        if many:
            style["markeredgewidth"] = 0.6
        xs, ys = [point.x.shown for point in chosen], [point.y.shown for point in chosen]
        ax.plot(xs, ys, linestyle="", zorder=3 if best else 2.9, **style)


def _crosses(ax: Axes, points: Sequence[_Point], style: dict[str, Any]) -> None:
    across = [point for point in points if math.isfinite(point.x.low) and math.isfinite(point.x.high)]
    lows, highs = [point.x.low for point in across], [point.x.high for point in across]
    ax.hlines([point.y.shown for point in across], lows, highs, **style, gid="95 % interval")
    up = [point for point in points if math.isfinite(point.y.low) and math.isfinite(point.y.high)]
    lows, highs = [point.y.low for point in up], [point.y.high for point in up]
    ax.vlines([point.x.shown for point in up], lows, highs, **style, gid="95 % interval")


def _front(ax: Axes, best: list[_Point], label: str) -> None:
    xs, ys = [point.x.shown for point in best], [point.y.shown for point in best]
    ax.plot(xs, ys, color=BLUE, linewidth=1.2, marker="o", markersize=0, label=label, gid="front")


def _star(ax: Axes, points: list[_Point]) -> None:
    chosen = [point for point in points if point.current]
    style: dict[str, Any] = {"markersize": 15, "markerfacecolor": RED, "markeredgecolor": "white", "linestyle": ""}
    if chosen:
        xs, ys = [point.x.shown for point in chosen], [point.y.shown for point in chosen]
        ax.plot(xs, ys, marker="*", **style, zorder=5, label="current setting", gid="current")


def _scale(ax: Axes, axis: str, label: str, rates: Sequence[_Rate], many: bool) -> None:
    """Logarithmic where the rates differ much; zero is on the axis otherwise. Many dots have the room to themselves."""
    shown = [rate.shown for rate in rates if rate.shown > 0]
    wide = bool(shown) and max(shown) > _WIDE * min(shown)
    highs = [] if many else [rate.high for rate in rates if math.isfinite(rate.high)]
    if wide:
        low, high = min(shown) / 2, max([*shown, *highs]) * 1.3
        ax.set(**{f"{axis}scale": "log", f"{axis}lim": (low, high), f"{axis}label": f"{label}, log scale"})
    else:
        ax.set(**{f"{axis}label": label})
        ax.set(**{f"{axis}lim": (0, 1.1 * max(shown) if many and shown else None)})


# -------------------------------------------------------------------------- labels


def _differing(points: Sequence[_Point]) -> list[str]:
    """The parameters that are not the same for all points."""
    return [name for name in points[0].values if len({frames.sort_key(point.values[name]) for point in points}) > 1]


def _name(ax: Axes, named: Sequence[_Point], points: Sequence[_Point]) -> None:
    """Write each label where it covers no other label and no point; the current setting's at any rate."""
    figure = figure_of(ax)
    figure.draw_without_rendering()
    dots = [_pixels(ax, point) for point in points]
    differing = _differing(points) if points else []
    labels: list[_Box] = []
    for point in sorted(named, key=lambda point: not point.current):
        text, at = frames.short_name(point.values, differing), _pixels(ax, point)
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
