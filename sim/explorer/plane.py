"""The two rates as a plane: where the state is, where the scenario was, the preset, and what was looked at before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from sim.explorer.answers import Answer, Rates
from sim.explorer.style import PICTURE
from sim.report.style import BLUE, GREEN, GREY, RED

_TRAIL_MAX: Final = 40
_COLUMNS: Final = ("x", "y", "x_low", "x_high", "y_low", "y_high", "name")
_MARKS: Final = {"now": ("circle", BLUE, 13), "given": ("star", RED, 17), "against": ("diamond", GREEN, 15)}
_LABELS: Final = {"now": "now", "given": "as the scenario says", "against": "compared with"}


class Plane:
    """A Bokeh figure that is moved by new data, not drawn anew."""

    def __init__(self) -> None:
        from bokeh.models import ColumnDataSource, HoverTool
        from bokeh.plotting import figure

        self.trail: list[tuple[float, float]] = []
        self.figure = figure(
            height=340, sizing_mode="stretch_width", tools="pan,wheel_zoom,reset", toolbar_location="above",
            x_axis_label="false terminations [1/lease-h]", y_axis_label="over-allocation [slot-s/h]",
            title="Less is better; bars: 95 % intervals",
            stylesheets=[PICTURE],
        )  # fmt: skip
        self.figure.x_range.start = self.figure.y_range.start = 0
        self._trail = ColumnDataSource({"x": [], "y": []})
        self.figure.scatter(
            "x", "y", source=self._trail, size=6, color=GREY, alpha=0.6, legend_label="looked at before"
        )
        self._sources: dict[str, Any] = {}
        for key, (marker, colour, size) in _MARKS.items():
            source = ColumnDataSource({column: [] for column in _COLUMNS})
            self.figure.segment("x_low", "y", "x_high", "y", source=source, line_color=colour, line_width=1.5)
            self.figure.segment("x", "y_low", "x", "y_high", source=source, line_color=colour, line_width=1.5)
            drawn = self.figure.scatter(
                "x", "y", source=source, marker=marker, size=size, color=colour, legend_label=_LABELS[key]
            )
            hints = [
                ("", "@name"),
                ("false terminations", "@x (@x_low to @x_high)"),
                ("over-allocation", "@y (@y_low to @y_high)"),
            ]
            self.figure.add_tools(HoverTool(renderers=[drawn], tooltips=hints))
            self._sources[key] = source
        self.figure.add_layout(self.figure.legend[0], "below")
        self.figure.legend.orientation, self.figure.legend.ncols = "horizontal", 2

    def show(self, answer: Answer, against: str) -> None:
        """Move the marks; a finished answer stays as a trace when the next one comes."""
        rates: dict[str, Rates | None] = {"now": answer.now, "given": answer.given, "against": answer.against}
        names = {**_LABELS, "against": against}
        for key, source in self._sources.items():
            source.data = _columns(rates[key], names[key])
        self._trail.data = {"x": [x for x, _ in self.trail], "y": [y for _, y in self.trail]}
        if answer.last:
            self.trail = [*self.trail, (answer.now.kills.value, answer.now.excess.value)][-_TRAIL_MAX:]

    def forget(self) -> None:
        """Take away the marks of what is not known any more; where the scenario was stays."""
        for key in ("now", "against"):
            self._sources[key].data = _columns(None, "")


def _columns(rates: Rates | None, name: str) -> dict[str, Sequence[Any]]:
    if rates is None or not (math.isfinite(rates.kills.value) and math.isfinite(rates.excess.value)):
        return {column: [] for column in _COLUMNS}
    x, y = rates.kills, rates.excess
    bounds = [_bound(e, which) for e in (x, y) for which in ("low", "high")]
    return dict(zip(_COLUMNS, ([value] for value in (x.value, y.value, *bounds, name)), strict=True))


def _bound(estimate: Any, which: str) -> float:
    """A bound that can be drawn: where the data give none, the estimate itself."""
    bound = float(getattr(estimate, which))
    return bound if math.isfinite(bound) else float(estimate.value)
