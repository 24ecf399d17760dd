"""The front of a search: candidates by each metric against the first; today's setting and the chosen one marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sim.errors import UsageError
from sim.report import frames
from sim.report.style import BLUE, GREEN, GREY, INK, RED, new_figure, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDE: Final = 15.0
_TODAY: Final[dict[str, Any]] = {"marker": "*", "markersize": 16, "color": RED}
_CHOSEN: Final[dict[str, Any]] = {"marker": "D", "markersize": 9, "color": GREEN}


class _Rate(NamedTuple):
    estimate: float
    low: float
    high: float

    @property
    def shown(self) -> float:
        """At the estimate, or at the upper bound where nothing was seen and that is known."""
        return self.high if self.estimate == 0 and math.isfinite(self.high) else self.estimate


class _Dot(NamedTuple):
    number: int
    front: bool
    rates: tuple[_Rate, ...]


@styled
def fronts(
    frame: pd.DataFrame, metrics: Sequence[str], recommended: int | None = None, today: int | None = 0
) -> Figure:
    """Draw each further metric against the first, side by side: all candidates, those on the front in colour.

    The front is over all metrics at once, so in one panel a point of it may lie behind others. Crosses are 95 %
    intervals of today's setting and the recommended one. An open dot had none of it: it stands at its upper bound.

    Args:
        frame: one row a candidate and metric, with the columns `candidate` and `front` (see `Tuned.to_pandas`).
        metrics: at least two, the first along the bottom.
        recommended: the number of the candidate that is recommended.
        today: the number of today's setting.

    Raises:
        UsageError: fewer than two metrics, or one that the data do not have.
    """
    if len(metrics) < 2:
        raise UsageError("a front is over two metrics or more", f"there is {metrics[0] if metrics else 'none'} only")
    units = [frames.unit_of(frames.rows_of(frame, metric, ("candidate", "front"))) for metric in metrics]
    dots = _dots(frame, metrics)
    figure = new_figure(max(5.4, 3.6 * (len(metrics) - 1)), 4.4)
    panels = figure.subplots(1, len(metrics) - 1, squeeze=False)[0]
    for at, ax in enumerate(panels, start=1):
        _panel(ax, dots, at)
        _marked(ax, dots, at, recommended, today)
        for axis, which in (("x", 0), ("y", at)):
            label = frames.with_unit(metrics[which], units[which])
            _scale(ax, axis, label, [dot.rates[which] for dot in dots])
        ax.grid()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.suptitle(f"{len(dots)} settings, {sum(dot.front for dot in dots)} not bettered in everything by another",
                    x=0.01, ha="left", weight="bold", size=10.5, color=INK)  # fmt: skip
    return figure


def _dots(frame: pd.DataFrame, metrics: Sequence[str]) -> list[_Dot]:
    rates: dict[int, dict[str, _Rate]] = {}
    front = {}
    for row in frame[frame["metric"].isin(list(metrics))].to_dict("records"):
        number = int(row["candidate"])
        front[number] = bool(row["front"])
        rate = _Rate(float(row["estimate"]), float(row["low"]), float(row["high"]))
        rates.setdefault(number, {})[str(row["metric"])] = rate
    whole = {n: found for n, found in rates.items() if not any(math.isnan(rate.estimate) for rate in found.values())}
    return [_Dot(n, front[n], tuple(found[metric] for metric in metrics)) for n, found in sorted(whole.items())]


def _panel(ax: Axes, dots: Sequence[_Dot], at: int) -> None:
    for front, label in ((False, "other settings"), (True, "not bettered by any other")):
        chosen = [dot for dot in dots if dot.front == front]
        colour, size = (BLUE, 26) if front else (GREY, 14)
        faces = [_face(dot, at, colour) for dot in chosen]
        xs, ys = [dot.rates[0].shown for dot in chosen], [dot.rates[at].shown for dot in chosen]
        ax.scatter(xs, ys, s=size, c=faces, edgecolors=colour, linewidths=1.0, zorder=3 if front else 2, label=label)


def _face(dot: _Dot, at: int, colour: str) -> str:
    return "white" if dot.rates[0].estimate == 0 or dot.rates[at].estimate == 0 else colour


def _marked(ax: Axes, dots: Sequence[_Dot], at: int, recommended: int | None, today: int | None) -> None:
    for number, label, style in ((today, "today", _TODAY), (recommended, "recommended", _CHOSEN)):
        for dot in (dot for dot in dots if dot.number == number):
            x, y = dot.rates[0], dot.rates[at]
            _cross(ax, x, y, style["color"])
            ax.plot([x.shown], [y.shown], linestyle="", markeredgecolor="white", zorder=6, label=label, **style)


def _cross(ax: Axes, x: _Rate, y: _Rate, colour: str) -> None:
    if math.isfinite(x.low) and math.isfinite(x.high):
        ax.hlines(y.shown, x.low, x.high, color=colour, linewidth=1.3, zorder=5)
    if math.isfinite(y.low) and math.isfinite(y.high):
        ax.vlines(x.shown, y.low, y.high, color=colour, linewidth=1.3, zorder=5)


def _scale(ax: Axes, axis: str, label: str, rates: Sequence[_Rate]) -> None:
    """Logarithmic where the rates differ much, and linear below the smallest where some are zero."""
    shown = [rate.shown for rate in rates]
    positive = [value for value in shown if value > 0]
    if positive and max(positive) > _WIDE * min(positive):
        some_zero = len(positive) < len(shown)
        scale: dict[str, Any] = {"value": "symlog", "linthresh": min(positive)} if some_zero else {"value": "log"}
        getattr(ax, f"set_{axis}scale")(**scale)
        ax.set(**{f"{axis}label": f"{label}, log scale"})
    else:
        ax.set(**{f"{axis}lim": (0, 1.05 * max(shown, default=1) or 1), f"{axis}label": label})
