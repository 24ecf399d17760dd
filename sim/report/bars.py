"""Bars of causes, and paired differences as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sim.errors import UsageError
from sim.report import frames
from sim.report.style import (
    BLACK,
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    INK,
    PALE,
    RED,
    WIDTH,
    axes_on,
    figure_of,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Bars = Mapping[str, Mapping[str, float]]
"""For each bar the value of each cause."""
OTHERS: Final = "others"
_CAUSES_MAX: Final = 8
_BARS_MAX: Final = 40
_GREYS: Final = (GREY, "#B5B5B5", PALE, "#6E6E6E")


class Interval(Protocol):
    """What is drawn of an estimate; `sim.stats.Estimate` is one."""

    @property
    def value(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...

    @property
    def unit(self) -> str: ...


# ------------------------------------------------------------------------- causes


@styled
def causes(
    data: pd.DataFrame | Mapping[str, float] | Bars,
    metric: str = frames.FALSE_TERMINATIONS,
    ax: Axes | None = None,
    unit: str = "",
) -> Axes:
    """Draw one metric split by cause: a stacked bar for each scenario or point.

    Causes in parentheses, which are no fault's, are grey.

    Args:
        data: a frame with a column `cause` beside `metric` and `estimate` (a bar for each combination of the
            other columns), or a mapping from bar to cause to value, or from cause to value for a single bar.
        metric: which metric of the frame, and the title.
        ax: where to draw; by default axes of a new figure.
        unit: the unit of a mapping's values; a frame brings its own.

    Raises:
        UsageError: a column or the metric is missing, or there are more than 40 bars.
    """
    bars, unit = _bars(data, metric, unit)
    few_enough(len(bars))
    order = _order(bars)
    ax = axes_on(ax, height=1.5 + 0.34 * len(bars) + 0.2 * math.ceil(len(order) / 4))
    _stack(ax, bars, order)
    ax.set_xlabel(unit or "value")
    ax.set_title(f"{frames.with_unit(metric, unit)} by cause")
    ax.grid(axis="x")
    if order:
        figure_of(ax).legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return ax


@styled
def causes_pair(frame: pd.DataFrame) -> Figure:
    """Draw false terminations and over-allocation by cause, side by side over the same bars.

    Args:
        frame: as for `causes`, with rows of both metrics.

    Raises:
        UsageError: a column or a metric is missing, or there are more than 40 bars.
    """
    pair = [(metric, *_bars(frame, metric, "")) for metric in (frames.FALSE_TERMINATIONS, frames.OVER_ALLOCATION)]
    few_enough(max(len(bars) for _, bars, _ in pair))
    order = _order({f"{metric} {name}": bar for metric, bars, _ in pair for name, bar in bars.items()})
    figure = new_figure(WIDTH, 1.5 + 0.34 * max(len(bars) for _, bars, _ in pair))
    for ax, (metric, bars, unit) in zip(figure.subplots(1, 2, sharey=True), pair, strict=True):
        _stack(ax, bars, order)
        ax.set_title(f"{frames.with_unit(metric, unit)} by cause")
        ax.grid(axis="x")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(order), 6))
    return figure


def few_enough(bars: int, hint: str = "choose some of them") -> None:
    """Raise UsageError where there are more bars than can be compared by eye.

    Args:
        bars: how many.
        hint: what to do instead.

    Raises:
        UsageError: there are more than 40.
    """
    if bars > _BARS_MAX:
        raise UsageError(f"{bars:,} points are too many for a bar each: {_BARS_MAX} are the most", hint)


def _bars(data: Any, metric: str, unit: str) -> tuple[Bars, str]:
    if isinstance(data, Mapping):
        nested = data if all(isinstance(value, Mapping) for value in data.values()) else {"": data}
        return {
            str(name): {str(cause): _known(value) for cause, value in bar.items()} for name, bar in nested.items()
        }, unit
    for column in ("cause", "metric", "estimate"):
        if column not in data.columns:
            raise UsageError(f"the data have no column '{column}'")
    chosen = data[data["metric"] == metric]
    if chosen.empty:
        raise UsageError(f"the data have no metric '{metric}'")
    labels = [name for name in frames.parameters_of(chosen) if name != "cause"]
    bars: dict[str, dict[str, float]] = {}
    for row in chosen.to_dict("records"):
        bar = bars.setdefault(frames.short_name(row, labels), {})
        bar[str(row["cause"])] = bar.get(str(row["cause"]), 0.0) + _known(row["estimate"])
    return bars, frames.unit_of(chosen) or unit


def _known(value: float) -> float:
    """A number; nothing where there was nothing to estimate from."""
    return 0.0 if math.isnan(value) else float(value)


def _order(bars: Bars) -> list[str]:
    """The causes, the largest first; of more than eight the smallest are put together."""
    totals: dict[str, float] = {}
    for bar in bars.values():
        for cause, value in bar.items():
            totals[cause] = totals.get(cause, 0.0) + value
    order = sorted((cause for cause in totals if totals[cause] > 0), key=lambda cause: (-totals[cause], cause))
    return order if len(order) <= _CAUSES_MAX else [*order[: _CAUSES_MAX - 1], OTHERS]


def _colours(order: Sequence[str]) -> dict[str, str]:
    colours, greys = iter(CYCLE), iter(_GREYS * 3)
    grey = [cause for cause in order if cause.startswith("(") or cause == OTHERS]
    return {cause: next(greys) if cause in grey else next(colours) for cause in order}


def _stack(ax: Axes, bars: Bars, order: Sequence[str]) -> None:
    names = list(bars)
    totals = [sum(bars[name].values()) for name in names]
    left, colours = [0.0] * len(names), _colours(order)
    for cause in order:
        values = [_value(bars[name], cause, order) for name in names]
        drawn = ax.barh(range(len(names)), values, left=left, height=0.68, color=colours[cause], label=cause)
        ink = INK if colours[cause] not in (BLUE, BLACK, RED, GREEN) else "white"
        shares = [value / max(totals) if max(totals) else 0.0 for value in values]
        labels = [frames.number(v) if share > 0.07 else "" for v, share in zip(values, shares, strict=True)]
        ax.bar_label(drawn, labels, label_type="center", color=ink, size=7.5)
        left = [start + value for start, value in zip(left, values, strict=True)]
    for place, total in enumerate(totals):
        ax.annotate(frames.number(total), (total, place), (4, 0), textcoords="offset points", va="center", size=8)
    ax.set_yticks(range(len(names)), names)
    room = 0.5 if len(names) > 1 else 0.8
    ax.set_ylim(len(names) - 1 + room, -room)
    ax.set_xlim(0, max(totals) * 1.1 if max(totals, default=0) else 1)
    ax.tick_params(axis="y", length=0)


def _value(bar: Mapping[str, float], cause: str, order: Sequence[str]) -> float:
    if cause == OTHERS and OTHERS not in bar:
        return sum(value for name, value in bar.items() if name not in order)
    return bar.get(cause, 0.0)


# --------------------------------------------------------------------- comparison


class _Row(NamedTuple):
    name: str
    value: float
    low: float
    high: float
    unit: str


@styled
def comparison(
    differences: Mapping[str, Interval] | pd.DataFrame,
    names: tuple[str, str] = ("A", "B"),
    ax: Axes | None = None,
    higher_is_better: Sequence[str] = ("goodput",),
) -> Axes:
    """Draw paired differences with their intervals around zero, a row a metric.

    Metrics of different units have rows of different scales: each is as wide as its own interval.

    Args:
        differences: for each metric the difference second less first, or a frame with the columns `metric`,
            `estimate`, `low`, `high` and `unit`.
        names: what was compared.
        ax: where to draw; by default axes of a new figure.
        higher_is_better: metrics of which more is better; of all others less is.
    """
    rows = _rows(differences)
    ax = axes_on(ax, height=1.5 + 0.36 * len(rows))
    common = len({row.unit for row in rows}) == 1
    widest = max((_reach(row) for row in rows), default=1.0)
    for place, row in enumerate(rows):
        _difference(ax, place, row, widest if common else _reach(row), row.name in higher_is_better, common)
    ax.axvline(0, color=INK, linewidth=1.2, gid="zero")
    ax.set_yticks(range(len(rows)), [frames.title_of(row.name) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    unit = rows[0].unit if rows else ""
    if common:
        ax.set_xlabel(f"difference [{unit}]" if unit else "difference")
        ax.set_xlim(-1.15 * widest, 1.15 * widest)
        ax.grid(axis="x")
    else:
        ax.set_xticks([0], ["no difference"])
        ax.set_xlim(-1.15, 1.15)
        ax.set_xlabel("each row on its own scale")
    ax.set_title(f"{names[1]} less {names[0]}: paired differences with 95 % intervals")
    _verdicts(ax)
    return ax


def _rows(differences: Any) -> list[_Row]:
    if isinstance(differences, Mapping):
        return [_Row(name, e.value, e.low, e.high, e.unit) for name, e in differences.items()]
    rows = differences.to_dict("records")
    return [_Row(r["metric"], r["estimate"], r["low"], r["high"], str(r.get("unit", ""))) for r in rows]


def _reach(row: _Row) -> float:
    """How far a row goes from zero, as far as that is known."""
    ends = [abs(end) for end in (row.value, row.low, row.high) if math.isfinite(end)]
    return max(ends, default=0.0) or 1.0


def _difference(ax: Axes, place: int, row: _Row, scale: float, more: bool, common: bool) -> None:
    factor = 1.0 if common else 1.0 / scale
    edge = 1.1 * scale * factor
    low = max(row.low * factor, -edge)
    high = min(row.high * factor, edge)
    decided = row.low > 0 or row.high < 0
    better = (row.value > 0) == more
    colour = (GREEN if better else RED) if decided else GREY
    ax.hlines(place, low, high, color=colour, linewidth=2.2, gid="95 % interval")
    for end, known, head in ((low, row.low, "<"), (high, row.high, ">")):
        ax.plot([end], [place], marker="|" if math.isfinite(known) else head, color=colour, markersize=8)
    marker = "o" if not decided else ("D" if better else "s")
    ax.plot([row.value * factor], [place], marker=marker, color=colour, markersize=6.5, gid="difference")
    bounds = f"{frames.number(row.low)} to {frames.number(row.high)}"
    text = f"{'+' if row.value > 0 else ''}{frames.number(row.value)}  ({bounds})  {row.unit}"
    ax.annotate(text, (1.01, place), xycoords=("axes fraction", "data"), va="center", size=8)


def _verdicts(ax: Axes) -> None:
    from matplotlib.lines import Line2D

    kinds = (("better", GREEN, "D"), ("worse", RED, "s"), ("undecided", GREY, "o"))
    handles = [Line2D([], [], color=colour, marker=marker, label=name) for name, colour, marker in kinds]
    figure_of(ax).legend(handles=handles, loc="outside lower right", ncols=3)
