"""One replication as a picture: what the authority has in its books above what the runs do and believe."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sim.errors import UsageError
from sim.model.scenario import Scenario
from sim.report import strokes
from sim.report.lanes import Lanes, lanes_of
from sim.report.sheet import Sheet
from sim.report.style import BLUE, GREEN, INK, RED, SKY, WIDTH, axes_on, new_figure, styled
from sim.report.timeaxis import TimeAxis
from sim.story import chain
from sim.story.reader import read
from sim.story.reading import Reading, Steps
from sim.story.words import length, plural, time_of_day
from sim.trace import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RENEWALS_SHOWN = 12
"""A window that is not asked for is at most so many renewal intervals long, where nothing went wrong."""

_MANY_STEPS = 200


@styled
def timeline(
    scenario: Scenario,
    trace: Trace,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    figure: Figure | None = None,
    *,
    seed: int | None = None,
    replication: int | None = None,
) -> Figure:
    """Draw a window of one replication: slots and leases of the authority, then a row for each run.

    Args:
        scenario: what was simulated.
        trace: the replication.
        start_ns: where the window begins; by default it is laid around the worst moment.
        stop_ns: where it ends.
        figure: where to draw; by default a new figure of the height that the rows need.
        seed: for the title.
        replication: for the title.

    Raises:
        UsageError: the window is empty.
    """
    reading = read(scenario, trace)
    start_ns, stop_ns = _window(scenario, reading, start_ns, stop_ns)
    axis = TimeAxis(scenario, start_ns, stop_ns)
    lanes = lanes_of(reading, axis, scenario.server.host == "shared")
    heights = (0.75, 0.42 * lanes.bottom, 0.42)
    if figure is None:
        figure = new_figure(WIDTH, sum(heights) + 2.1)
    books, rows, over = figure.subplots(3, 1, sharex=False, height_ratios=heights)
    legend: dict[str, Any] = {}
    _books(books, axis, reading, legend)
    _rows(rows, axis, lanes, reading, legend)
    _over(over, axis, reading)
    figure.suptitle(scenario.title or "One replication", x=0.01, ha="left", size=10.5, weight="bold")
    books.set_title(_subtitle(scenario, axis, lanes, seed, replication), size=9, weight="normal")
    figure.legend(*_entries(legend), loc="outside lower center", ncols=4, handlelength=1.8)
    return figure


def window_around(scenario: Scenario, trace: Trace, time_ns: int, span_ns: int | None = None) -> tuple[int, int]:
    """Return the start and stop of a window that shows why `time_ns` went as it did.

    Without `span_ns` it reaches from before the last renewal that counted to after the consequences.
    """
    if span_ns is None:
        return chain.window_around(read(scenario, trace), scenario, time_ns)
    start_ns = max(0, min(time_ns - span_ns // 2, trace.end_ns - span_ns))
    return start_ns, min(trace.end_ns, start_ns + span_ns)


def _window(scenario: Scenario, reading: Reading, start_ns: int | None, stop_ns: int | None) -> tuple[int, int]:
    worst_ns = chain.worst_focus(reading, scenario.warmup)
    calm_ns = _RENEWALS_SHOWN * scenario.renew_every_ns
    around = (0, min(reading.end_ns, calm_ns))
    if worst_ns is not None and start_ns is None and stop_ns is None:
        around = chain.window_around(reading, scenario, worst_ns)
    start_ns = around[0] if start_ns is None else max(0, start_ns)
    stop_ns = max(around[1], start_ns + calm_ns) if stop_ns is None and start_ns != around[0] else stop_ns
    stop_ns = min(reading.end_ns, around[1] if stop_ns is None else stop_ns)
    if start_ns >= stop_ns:
        raise UsageError(f"the window from {length(start_ns)} to {length(stop_ns)} holds nothing")
    return start_ns, stop_ns


def _entries(legend: dict[str, Any]) -> tuple[list[Any], list[str]]:
    """Handles and labels; the lines of requests are plain from their points."""
    labels = [label for label in legend if not label.endswith("until its end")]
    return [legend[label] for label in labels], labels


def _subtitle(scenario: Scenario, axis: TimeAxis, lanes: Lanes, seed: int | None, replication: int | None) -> str:
    which = [f"seed {seed}"] if seed is not None else []
    which += [f"replication {replication}"] if replication is not None else []
    when = f"{time_of_day(scenario, axis.start_ns)} and {length(axis.length_ns)} from there"
    left_out = [f"{plural(lanes.left_out, 'more run')} not shown"] if lanes.left_out else []
    left_out += [f"{plural(lanes.leases_left_out, 'lease')} not shown"] if lanes.leases_left_out else []
    return ", ".join([*which, when, *left_out])


# --------------------------------------------------------------------------- panels


def _books(ax: Axes, axis: TimeAxis, reading: Reading, legend: dict[str, Any]) -> None:
    drawn = _step(ax, axis, reading.in_use, BLUE, "slots in use by the books")
    legend["slots in use by the books"] = drawn
    legend["limit"] = ax.axhline(reading.slots, color=INK, linewidth=1.1, linestyle="--", gid="limit")
    top = max(reading.slots, *(value for span, value in reading.in_use.pieces(reading.end_ns) if axis.shows(*span)))
    ax.set_ylim(-0.15, top + 0.5)
    ax.set_yticks(_whole(top))
    ax.set_ylabel("slots\nin use", rotation=0, ha="right", va="center")
    axis.draw(ax, labels=False)


def _step(
    ax: Axes, axis: TimeAxis, steps: Steps, colour: str, name: str, width: float = 1.6, filled: bool = False
) -> object:
    xs: list[float] = []
    ys: list[int] = []
    for span, value in steps.pieces(axis.stop_ns):
        if axis.shows(*span):
            left, wide = axis.clip(*span)
            xs += [left, left + wide]
            ys += [value, value]
    if filled:
        return ax.fill_between(xs, ys, color=colour, alpha=0.55, linewidth=0, gid=name, label=name)
    (line,) = ax.plot(xs, ys, color=colour, linewidth=width, gid=name, label=name, solid_joinstyle="miter")
    return line


def _whole(top: int) -> list[int]:
    return sorted({0, *range(0, top + 1, max(1, math.ceil(top / 4)))})


def _rows(ax: Axes, axis: TimeAxis, lanes: Lanes, reading: Reading, legend: dict[str, Any]) -> None:
    axis.draw(ax, labels=False)
    ax.set_ylim(lanes.bottom, 0)
    ax.set_autoscale_on(False)
    over = [excess.span for excess in reading.excesses if axis.shows(*excess.span)]
    sheet = Sheet(ax, axis, legend)
    ax.axhspan(0, lanes.authority_bottom, color="#F1F5F9", zorder=0)
    strokes.faults(sheet, lanes, reading)
    for row, tenures in enumerate(lanes.slots):
        for tenure in tenures:
            strokes.lease(sheet, lanes.slot_y(row), tenure, reading)
    strokes.sweeps(sheet, lanes, reading)
    for row, lives in enumerate(lanes.rows):
        for life in lives:
            strokes.life(sheet, lanes.life_y(row), life, over)
            if len(lives) > 1:
                strokes.name(sheet, lanes.life_y(row), life)
        ax.axhline(lanes.life_y(row) + 0.5, color="#EBEBEB", linewidth=0.7, zorder=0.2)
    sheet.finish()
    labels = [(lanes.authority_bottom / 2, "leases at\nthe authority")]
    labels += [(lanes.life_y(row), lanes.name(row)) for row in range(len(lanes.rows))]
    ax.set_yticks([y for y, _ in labels], [name for _, name in labels])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _over(ax: Axes, axis: TimeAxis, reading: Reading) -> None:
    """The strip of over-allocation: its red area is the integral, in slot-seconds."""
    top = _excess(ax, axis, reading, 0, RED)
    ax.set_ylim(0, top * 1.15)
    ax.set_yticks([0, top])
    ax.set_ylabel("runs above\nthe limit", color=RED, rotation=0, ha="right", va="center")
    axis.draw(ax)


def _excess(ax: Axes, axis: TimeAxis, reading: Reading, base: int, colour: str) -> int:
    """Draw the runs above the limit as blocks on `base`; return the largest number of them, at least 1."""
    from matplotlib.collections import PolyCollection

    pieces = [piece for excess in reading.excesses for piece in excess.steps if axis.shows(*piece[0])]
    corners = []
    for span, above in pieces:
        left, width = axis.clip(*span)
        right, top = left + width, base + above
        corners.append([(left, base), (left, top), (right, top), (right, base)])
    if corners:
        style: dict[str, Any] = {"facecolor": colour, "linewidth": 0, "zorder": 3, "label": "over-allocation"}
        ax.add_collection(PolyCollection(corners, gid="over-allocation", **style))
    return max((above for _, above in pieces), default=1)


# ------------------------------------------------------------------------ occupancy


@styled
def occupancy(
    scenario: Scenario,
    trace: Trace,
    ax: Axes | None = None,
    start_ns: int | None = None,
    stop_ns: int | None = None,
) -> Axes:
    """Draw the slots in use by the authority's books beside the runs that really execute.

    Args:
        scenario: what was simulated.
        trace: the replication.
        ax: where to draw; by default axes of a new figure.
        start_ns: where the window begins; by default with the replication.
        stop_ns: where it ends; by default with the replication.

    Raises:
        UsageError: the window is empty.
    """
    reading = read(scenario, trace)
    start_ns, stop_ns = start_ns or 0, reading.end_ns if stop_ns is None else min(stop_ns, reading.end_ns)
    if start_ns >= stop_ns:
        raise UsageError(f"the window from {length(start_ns)} to {length(stop_ns)} holds nothing")
    axis = TimeAxis(scenario, start_ns, stop_ns)
    ax = axes_on(ax, height=3.6)
    executing, slots = reading.executing, reading.slots
    _step(ax, axis, reading.in_use, SKY, "slots in use by the books", filled=True)
    _step(ax, axis, executing, GREEN, "runs executing", 1.4 if len(executing.times) < _MANY_STEPS else 0.8)
    ax.axhline(slots, color=INK, linewidth=1.1, linestyle="--", label="limit", gid="limit", zorder=4)
    _excess(ax, axis, reading, slots, RED)
    visible = (v for steps in (executing, reading.in_use) for span, v in steps.pieces(stop_ns) if axis.shows(*span))
    top = max(slots, *visible)
    ax.set_ylim(0, 1.12 * top + 0.2)
    ax.set_yticks(_whole(top))
    ax.set_ylabel("slots, runs")
    axis.draw(ax)
    ax.set_title("Slots in use by the books, and runs that execute")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4)
    return ax
