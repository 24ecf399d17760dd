"""What matters: bars of Sobol indices, the largest on top, settings and faults in two colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sim.errors import UsageError
from sim.report import frames
from sim.report.style import BLUE, INK, RED, WIDTH, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch


class Bar(NamedTuple):
    """One key: its first-order index, and its total one with bounds."""

    key: str
    first: float
    total: tuple[float, float, float]
    fault: bool


@styled
def influence(panels: Mapping[str, Sequence[Bar]]) -> Figure:
    """Draw a panel for each metric, a bar for each key: pale the total index with its 95 % interval, full the first.

    Raises:
        UsageError: there is no metric to draw.
    """
    if not panels:
        raise UsageError("no metric varies over these ranges", "widen the ranges, or simulate longer")
    most = max(map(len, panels.values()))
    figure = new_figure(WIDTH, 1.3 + len(panels) * (0.5 + 0.26 * most))
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    for ax, (metric, bars) in zip(axes, panels.items(), strict=True):
        _panel(ax, sorted(bars, key=lambda bar: bar.total[0]))
        ax.set_title(frames.title_of(metric))
    axes[-1].set_xlabel("share of the variance over the ranges: full, alone; pale, with interactions (95 % interval)")
    handles, labels = _legend()
    figure.legend(handles, labels, loc="outside upper right", ncols=2)
    return figure


def _panel(ax: Axes, bars: Sequence[Bar]) -> None:
    for at, bar in enumerate(bars):
        colour = RED if bar.fault else BLUE
        total, low, high = bar.total
        ax.barh(at, max(total, 0.0), color=colour, alpha=0.3, height=0.72)
        ax.barh(at, max(bar.first, 0.0), color=colour, height=0.4)
        ax.hlines(at, max(low, 0.0), min(high, 1.2), color=INK, linewidth=1.2)
    ax.set_yticks(range(len(bars)), [bar.key for bar in bars])
    ax.set_xlim(0, max(1.0, min(1.2, max((bar.total[2] for bar in bars), default=1.0))))
    ax.grid(axis="x")


def _legend() -> tuple[list[Patch], list[str]]:
    from matplotlib.patches import Patch

    return [Patch(color=BLUE), Patch(color=RED)], ["settings", "faults"]
