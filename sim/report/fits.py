"""Data against laws: distribution functions on one side, quantiles against quantiles on the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.report import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[np.float64]
Curve = tuple[str, Callable[[Array], Array], Callable[[Array], Array]]
"""Name, distribution function, quantile function."""
_FINE = 400


@style.styled
def against_data(what: str, seconds: Sequence[float], curves: Sequence[Curve], chosen: str) -> Figure:
    """Draw recorded durations and the laws fitted to them; the chosen one is drawn thick.

    Args:
        what: what lasts so long, for the axes.
        seconds: the durations.
        curves: the laws.
        chosen: the name of one, or another word where the values are kept.
    """
    x = np.sort(np.maximum(np.asarray(seconds, dtype=np.float64), 1e-9))
    figure = style.new_figure(width=style.WIDTH, height=4.2)
    left, right = figure.subplots(1, 2)
    ranks = (np.arange(1, x.size + 1) - 0.5) / x.size
    left.step(x, ranks, where="post", color="black", label=f"data, n = {x.size:,}")
    grid = np.geomspace(x[0], max(x[-1], x[0] * 1.001), _FINE)
    for name, cdf, quantile in curves:
        width = 2.4 if name == chosen else 1.0
        (line,) = left.plot(grid, cdf(grid), linewidth=width, label=name)
        right.plot(quantile(ranks), x, ".", color=line.get_color(), markersize=5 if name == chosen else 2)
    right.plot(x[[0, -1]], x[[0, -1]], color="black", linewidth=0.8)
    _labelled(left, f"{what} (s)", "share at most so long", "log", "linear")
    _labelled(right, f"{what}, as the law has it (s)", f"{what}, recorded (s)", "log", "log")
    low, high = x[0] / 2, x[-1] * 2
    right.set_xlim(low, high)
    right.set_ylim(low, high)
    left.legend(loc="upper left")
    left.set_title("Distribution")
    right.set_title("Quantile against quantile")
    return figure


def _labelled(axes: Any, x: str, y: str, x_scale: str, y_scale: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_xscale(x_scale)
    axes.set_yscale(y_scale)
