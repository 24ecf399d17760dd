"""The paper a timeline is drawn on: bars and points are gathered by their look and drawn together, a legend kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.report.style import INK
from sim.report.timeaxis import TimeAxis
from sim.story.reading import Span
from sim.units import SECOND

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Stroke(NamedTuple):
    """The look of a bar."""

    label: str
    height: float
    offset: float
    face: str
    edge: str = "none"
    hatch: str = ""


class Dot(NamedTuple):
    """The look of a point."""

    label: str
    marker: str | int
    colour: str
    size: float
    edge: str = "white"
    edge_width: float = 0.6


class Sheet:
    """Axes with a time axis; nothing of bars and points is drawn before `finish`."""

    def __init__(self, ax: Axes, axis: TimeAxis, legend: dict[str, Any]) -> None:
        self.ax, self.axis = ax, axis
        self.legend = legend
        """Handles by label, in the order of the first use."""
        self._bars: dict[Stroke, list[tuple[float, float, float]]] = {}
        self._dots: dict[Dot, list[tuple[float, float]]] = {}

    @property
    def width(self) -> float:
        """What the axes show, in the unit of x."""
        return self.axis.length_ns / SECOND

    def bars(self, y: float, spans: Iterable[Span], stroke: Stroke) -> None:
        """Add the visible parts of some stretches at the height `y`."""
        visible = [(*self.axis.clip(*span), y) for span in spans if self.axis.shows(*span)]
        if visible:
            self._bars.setdefault(stroke, []).extend(visible)

    def dots(self, y: float, times_ns: Iterable[int], dot: Dot) -> None:
        """Add the visible ones of some moments at the height `y`."""
        first, last = self.axis.start_ns, self.axis.stop_ns
        visible = [(self.axis.x(time_ns), y) for time_ns in times_ns if first <= time_ns <= last]
        if visible:
            self._dots.setdefault(dot, []).extend(visible)

    def text(self, x: float, y: float, words: str, face: str, gid: str) -> None:
        """Write a few small words from `x` on, on a ground of their own."""
        box = {"facecolor": face, "edgecolor": "none", "pad": 0.7, "alpha": 0.85}
        style: dict[str, Any] = {"size": 6.9, "color": INK, "clip_on": True, "bbox": box, "zorder": 6}
        self.ax.text(x, y, words, va="center", ha="left", gid=gid, **style)

    def finish(self) -> None:
        """Draw what was gathered, each look at once."""
        from matplotlib.collections import PolyCollection

        for stroke, bars in self._bars.items():
            half = stroke.height / 2
            corners = [
                [(x, y - half), (x, y + half), (x + width, y + half), (x + width, y - half)]
                for x, width, middle in bars
                for y in (middle + stroke.offset,)
            ]
            style: dict[str, Any] = {"facecolor": stroke.face, "edgecolor": stroke.edge, "hatch": stroke.hatch or None}
            width = 0.8 if stroke.edge != "none" else 0.0
            drawn = PolyCollection(corners, linewidth=width, gid=stroke.label, **style)
            self.legend.setdefault(stroke.label, self.ax.add_collection(drawn, autolim=False))
        for dot, places in self._dots.items():
            (points,) = self.ax.plot(
                [x for x, _ in places],
                [y for _, y in places],
                linestyle="",
                marker=dot.marker,
                color=dot.colour,
                markersize=dot.size,
                markeredgecolor=dot.edge,
                markeredgewidth=dot.edge_width,
                gid=dot.label,
                zorder=4,
            )
            self.legend.setdefault(dot.label, points)
