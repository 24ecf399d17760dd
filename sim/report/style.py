"""One look for every picture: colours that all eyes tell apart, type that reads at 900 pixels, the same bytes twice."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from sim.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLACK: Final = "#000000"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
BLUE: Final = "#0072B2"
RED: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#8C8C8C"
PALE: Final = "#D9D9D9"
INK: Final = "#222222"
"""The colours of Okabe and Ito (2008), and three greys."""

CYCLE: Final = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK, GREY)
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*")
WIDTH: Final = 9.0
"""Inches; at 100 dots an inch the 900 pixels of a README."""

_RC: Final[Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.edgecolor": "#555555",
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "figure.dpi": 100.0,
    "savefig.dpi": 100.0,
    "hatch.linewidth": 0.8,
    "lines.linewidth": 1.6,
}

_P = ParamSpec("_P")
_R = TypeVar("_R")


def styled(draw: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let `draw` work in the one look; the reader's own settings are back afterwards."""

    @functools.wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        import matplotlib as mpl

        with mpl.rc_context(_RC):
            return draw(*args, **kwargs)

    return drawn


def new_figure(width: float = WIDTH, height: float = 5.0) -> Figure:
    """Return an empty figure of its own, outside pyplot; a notebook shows it as a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = _picture()(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def axes_on(ax: Axes | None, width: float = WIDTH, height: float = 5.0) -> Axes:
    """Return `ax`, or the axes of a new figure; a notebook shows them as the whole picture."""
    return ax if ax is not None else new_figure(width, height).add_subplot(axes_class=_panel())


def figure_of(ax: Axes) -> Figure:
    """Return the figure that holds `ax`."""
    figure = ax.get_figure(root=True)
    assert figure is not None, "axes without a figure"
    return figure


@functools.cache
def _picture() -> type[Figure]:
    from matplotlib.figure import Figure

    class Picture(Figure):
        """A figure that a notebook shows without pyplot."""

        def _repr_png_(self) -> bytes:
            return png(self)

    return Picture


@functools.cache
def _panel() -> type[Axes]:
    from matplotlib.axes import Axes

    class Panel(Axes):
        """Axes that a notebook shows as the picture they are part of."""

        def _repr_png_(self) -> bytes:
            return png(figure_of(self))

    return Panel


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG file, the same for the same figure."""
    return _bytes(figure, "png")


def svg(figure: Figure) -> str:
    """Return a figure as SVG text, the same for the same figure."""
    return _bytes(figure, "svg").decode()


def save(picture: Figure | Axes, path: str | Path) -> Path:
    """Write a figure, or the figure of some axes, as PNG or SVG; the same data give the same bytes.

    Args:
        picture: what a function of `sim.report` returned.
        path: where to; its ending, ``.png`` or ``.svg``, chooses the format.

    Raises:
        UsageError: the ending is another one, or the file cannot be written there.
    """
    from matplotlib.figure import Figure

    target = Path(path)
    if target.suffix.lower() not in (".png", ".svg"):
        raise UsageError(
            f"cannot draw '{target}': a picture is written as .png or .svg", f"for example '{target.stem}.svg'"
        )
    figure = picture if isinstance(picture, Figure) else figure_of(picture)
    data = _bytes(figure, target.suffix.lower()[1:])
    try:
        target.write_bytes(data)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"cannot write the picture '{target}': {reason}", "is there such a folder, and may you write into it?"
        ) from None
    return target


def _bytes(figure: Figure, kind: str) -> bytes:
    import matplotlib as mpl

    stream = io.BytesIO()
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": "leasesim"}
    with mpl.rc_context({**_RC, "svg.hashsalt": "leasesim", "svg.fonttype": "path"}):  # ticks are made while drawing
        figure.savefig(stream, format=kind, metadata=metadata, dpi=figure.dpi)
    return stream.getvalue()
