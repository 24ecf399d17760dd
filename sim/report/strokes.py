"""How one row of a timeline is drawn: leases, what runs do and believe, renewals and their fates, faults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sim.report.lanes import Lanes, end_of
from sim.report.style import BLACK, BLUE, GREEN, GREY, INK, ORANGE, PALE, PURPLE, RED, SKY, YELLOW
from sim.report.timeaxis import TimeAxis
from sim.story.reading import Life, Reading, Span, Tenure, Try
from sim.story.words import length
from sim.units import SECOND
from sim.vocabulary import Halt, How, Kind, Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Legend = dict[str, Any]
"""Handles by label, in the order of the first use."""


class Stroke(NamedTuple):
    """The look of a bar."""

    label: str
    height: float
    offset: float
    face: str
    edge: str = "none"
    hatch: str = ""


EXECUTING: Final = Stroke("executes", 0.36, 0.02, GREEN)
OVER: Final = Stroke("executes, above the limit", 0.36, 0.02, "#FFE3D6", RED, "//////")
SUSPENDED: Final = Stroke("suspended or paused", 0.10, 0.02, "#BFBFBF")
PROVISIONING: Final = Stroke("is provisioned", 0.36, 0.02, "#CDE9DF", GREEN)
WAITING: Final = Stroke("waits for a slot", 0.16, 0.02, PALE)
BELIEVES: Final = Stroke("believes it holds a lease", 0.11, 0.30, BLUE)
LEASED: Final = Stroke("lease in the books", 0.40, 0.0, SKY)
EXPIRED: Final = Stroke("expired, still in the books", 0.40, 0.0, "white", SKY, "....")

_FATES: Final[dict[str, tuple[str, str]]] = {
    "renewed": ("o", GREEN),
    "refused: lease gone": ("X", RED),
    "connection refused": ("s", ORANGE),
    "connection reset": ("D", ORANGE),
    "time-out": ("v", PURPLE),
    "renewed, answer lost": ("^", PURPLE),
    "error status": ("P", BLACK),
    "not answered": ("d", GREY),
}
_MARKS: Final[dict[Kind, tuple[str, str, str, float]]] = {
    Kind.LOST: ("takes its lease for lost", "|", BLACK, 13),
    Kind.STOP: ("stopped by lease logic", "8", RED, 9),
    Kind.CRASH: ("crashes", "X", BLACK, 9),
    Kind.FINISH: ("finishes", ">", GREEN, 8),
    Kind.CANCEL: ("cancelled by a person", "s", GREY, 7),
    Kind.TURNED_AWAY: ("turned away", "x", GREY, 7),
}
_FAULTS: Final[dict[str, tuple[str, float]]] = {
    "sleep": (PURPLE, 0.22),
    "pause": (PURPLE, 0.22),
    "block": (YELLOW, 0.40),
    "gil_block": (YELLOW, 0.40),
    "crash": (BLACK, 0.20),
    "restart": (ORANGE, 0.28),
    "outage": (ORANGE, 0.20),
    "slow": (ORANGE, 0.12),
    "clock_step": (BLACK, 0.20),
    "clock_drift": (BLACK, 0.08),
}
_TRY_OFFSET: Final = -0.30
_NAMED_SHARE: Final = 0.01
"""A fault shorter than this share of the window is shaded without a name, where there are many."""
_NAMED_ANYWAY: Final = 4


def bars(ax: Axes, axis: TimeAxis, legend: Legend, y: float, spans: Iterable[Span], stroke: Stroke) -> None:
    """Draw the visible parts of some stretches as bars of one look."""
    visible = [axis.clip(*span) for span in spans if axis.shows(*span)]
    if not visible:
        return
    place = (y + stroke.offset - stroke.height / 2, stroke.height)
    style: dict[str, Any] = {"facecolor": stroke.face, "edgecolor": stroke.edge, "hatch": stroke.hatch or None}
    width = 0.8 if stroke.edge != "none" else 0.0
    drawn = ax.broken_barh(visible, place, linewidth=width, gid=stroke.label, **style)
    legend.setdefault(stroke.label, drawn)


# ------------------------------------------------------------------------ authority


def lease(ax: Axes, axis: TimeAxis, legend: Legend, y: float, tenure: Tenure, reading: Reading) -> None:
    """Draw one lease as the authority has it, with its renewals, its expiry and its end."""
    stop_ns = end_of(tenure, reading.end_ns)
    good_until_ns = min(stop_ns, tenure.expiry_ns)
    bars(ax, axis, legend, y, [Span(tenure.granted_ns, good_until_ns)], LEASED)
    bars(ax, axis, legend, y, [Span(good_until_ns, stop_ns)], EXPIRED)
    renewed = [axis.x(at_ns) for at_ns, _ in tenure.expiries[1:] if axis.start_ns <= at_ns <= axis.stop_ns]
    style: dict[str, Any] = {"linestyle": "", "markeredgewidth": 1.0, "color": BLUE}
    _points(ax, legend, "term set anew", renewed, y, marker="|", markersize=9, **style)
    if good_until_ns < stop_ns or tenure.expiry_ns == stop_ns:
        _moment(ax, axis, legend, y, tenure.expiry_ns, ("expires", 7, RED, 8))
    if tenure.stopped_ns is None:
        _next_expiry(ax, axis, legend, y, tenure)
    elif tenure.ended_by in (Kind.REAP, Kind.FORGET):
        label = "reaped" if tenure.ended_by is Kind.REAP else "forgotten by a restart"
        look = (label, "|", RED, 18.0)
        if tenure.how is How.TAKEN:
            look = ("taken over by a contender", "x", RED, 9.0)
        _moment(ax, axis, legend, y, tenure.stopped_ns, look)
    left, width = axis.clip(tenure.granted_ns, stop_ns)
    if width > 0.06 * axis.length_ns / SECOND:
        name, box = f"run {tenure.run[0]}.{tenure.run[1]}", {"facecolor": SKY, "edgecolor": "none", "pad": 0.8}
        left += 0.006 * axis.length_ns / SECOND
        ax.text(left, y, name, va="center", ha="left", size=7, color=INK, clip_on=True, bbox=box, zorder=6)


def _next_expiry(ax: Axes, axis: TimeAxis, legend: Legend, y: float, tenure: Tenure) -> None:
    if axis.start_ns <= tenure.expiry_ns <= axis.stop_ns:
        _moment(ax, axis, legend, y, tenure.expiry_ns, ("expires", 7, RED, 8))


def sweeps(ax: Axes, axis: TimeAxis, legend: Legend, lanes: Lanes, reading: Reading) -> None:
    """Draw the sweeps that found something as lines through the authority's block."""
    times = [axis.x(time_ns) for time_ns, _, _ in reading.sweeps if axis.start_ns <= time_ns <= axis.stop_ns]
    if times:
        drawn = ax.vlines(times, 0, lanes.authority_bottom, color=RED, linewidth=0.9, linestyle=":", gid="sweep")
        legend.setdefault("sweep that found leases expired", drawn)


# ------------------------------------------------------------------------------ runs


def life(ax: Axes, axis: TimeAxis, legend: Legend, y: float, run: Life, over: Sequence[Span]) -> None:
    """Draw a run's row: what it does, what it believes, its renewals and what became of it."""
    bars(ax, axis, legend, y, run.waiting, WAITING)
    bars(ax, axis, legend, y, run.provisioning, PROVISIONING)
    bars(ax, axis, legend, y, [span for span, why in run.halted if why in (Halt.HOST, Halt.PROCESS)], SUSPENDED)
    bars(ax, axis, legend, y, [span for span, why in run.halted if why not in (Halt.HOST, Halt.PROCESS)], SUSPENDED)
    bars(ax, axis, legend, y, run.executing, EXECUTING)
    bars(ax, axis, legend, y, crossings(run.executing, over), OVER)
    bars(ax, axis, legend, y, run.believing, BELIEVES)
    _tries(ax, axis, legend, y + _TRY_OFFSET, run.tries)
    for mark in run.marks:
        if mark.kind in _MARKS and axis.start_ns <= mark.time_ns <= axis.stop_ns:
            _moment(ax, axis, legend, y + EXECUTING.offset, mark.time_ns, _MARKS[mark.kind])


def name(ax: Axes, axis: TimeAxis, y: float, run: Life) -> None:
    """Write a run's name where it begins, for a row that it shares with others."""
    visible = [axis.clip(*span) for span in run.stretches() if axis.shows(*span)]
    left, right = min(x for x, _ in visible), max(x + width for x, width in visible)
    begin = min((axis.clip(*span)[0] for span in run.executing if axis.shows(*span)), default=left)
    if right - begin > 0.035 * axis.length_ns / SECOND:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85}
        place = begin + 0.011 * axis.length_ns / SECOND, y + EXECUTING.offset
        ax.text(*place, f"{run.lane}.{run.generation}", va="center", size=6.8, color=INK, bbox=box, zorder=6)


def crossings(spans: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """Return the stretches that lie in one of `spans` and in one of `others`."""
    both = (Span(max(a.start_ns, b.start_ns), min(a.stop_ns, b.stop_ns)) for a in spans for b in others)
    return [span for span in both if span.start_ns < span.stop_ns]


def fate_of(tried: Try) -> str:
    """Return under which heading of the legend a renewal request stands."""
    if tried.outcome is None:
        return "not answered"
    if tried.outcome in (Outcome.CONNECT_TIMEOUT, Outcome.READ_TIMEOUT):
        return "renewed, answer lost" if tried.renewed else "time-out"
    if tried.outcome >= 400:
        return "error status"
    names = {Outcome.OK: "renewed", Outcome.GONE: "refused: lease gone", Outcome.REFUSED: "connection refused"}
    return names.get(Outcome(tried.outcome), "connection reset")


def _tries(ax: Axes, axis: TimeAxis, legend: Legend, y: float, tries: Iterable[Try]) -> None:
    """Each request where it was sent, with a line up to its end where that can be seen."""
    by_fate: dict[str, list[Try]] = {}
    for tried in tries:
        if axis.start_ns <= tried.sent_ns <= axis.stop_ns:
            by_fate.setdefault(fate_of(tried), []).append(tried)
    for fate in _FATES:
        if fate not in by_fate:
            continue
        marker, colour = _FATES[fate]
        size = 3.6 if fate == "renewed" else 5.5
        sent = [axis.x(tried.sent_ns) for tried in by_fate[fate]]
        ends = [(tried.sent_ns, tried.answered_ns or tried.sent_ns) for tried in by_fate[fate]]
        lines = [axis.clip(*end) for end in ends if end[1] - end[0] > axis.length_ns / 300]
        ax.hlines([y] * len(lines), [x for x, _ in lines], [x + w for x, w in lines], color=colour, linewidth=1.2)
        label = f"renewal: {fate}"
        _points(ax, legend, label, sent, y, marker=marker, markersize=size, color=colour, linestyle="")


def _moment(
    ax: Axes, axis: TimeAxis, legend: Legend, y: float, time_ns: int, look: tuple[str, Any, str, float]
) -> None:
    label, marker, colour, size = look
    edge = {"markeredgewidth": 2.2} if marker == "|" else {"markeredgecolor": "white", "markeredgewidth": 0.6}
    if marker == "x":
        edge = {"markeredgewidth": 2.0}
    if axis.start_ns <= time_ns <= axis.stop_ns:
        style: dict[str, Any] = {"marker": marker, "markersize": size, "color": colour, "linestyle": "", **edge}
        _points(ax, legend, label, [axis.x(time_ns)], y, **style)


def _points(ax: Axes, legend: Legend, label: str, xs: Sequence[float], y: float, **style: Any) -> None:
    if xs:
        (drawn,) = ax.plot(xs, [y] * len(xs), gid=label, zorder=4, **style)
        legend.setdefault(label, drawn)


# ---------------------------------------------------------------------------- faults


def faults(ax: Axes, axis: TimeAxis, lanes: Lanes, reading: Reading) -> None:
    """Shade each fault over the rows that it concerns, with its name where there is room for it."""
    from matplotlib.patches import Rectangle

    taken: dict[float, float] = {}
    visible = [strike for strike in reading.strikes if strike.span.meets(axis.start_ns, axis.stop_ns)]
    for strike in sorted(visible, key=lambda strike: strike.span):
        named = strike.span.length_ns > axis.length_ns * _NAMED_SHARE or len(visible) <= _NAMED_ANYWAY
        colour, alpha = _FAULTS[strike.fault.what]
        left, width = axis.clip(*strike.span)
        for number, (top, bottom) in enumerate(lanes.bands(strike)):
            style: dict[str, Any] = {"facecolor": colour, "alpha": alpha, "linewidth": 0}
            ax.add_patch(Rectangle((left, top), width, bottom - top, zorder=0.5, gid="fault", **style))
            ax.vlines([left, left + width], top, bottom, color=colour, linewidth=0.7, zorder=0.6, alpha=0.8)
            if number == 0 and named:
                _name(ax, axis, taken, left, top, f"{strike.fault.name} {length(strike.span.length_ns)}")


def _name(ax: Axes, axis: TimeAxis, taken: dict[float, float], left: float, top: float, text: str) -> None:
    window = axis.length_ns / SECOND
    width = 0.0085 * len(text) * window
    left = min(max(0.0, left), window - width)
    if left >= taken.get(top, -1.0):
        taken[top] = left + width
        box = {"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.6}
        ax.text(left, top + 0.02, text, va="top", ha="left", size=6.8, color=INK, bbox=box, zorder=5, gid="fault name")
