"""How one row of a timeline is drawn: leases, what runs do and believe, renewals and their fates, faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sim.report.lanes import Lanes, end_of
from sim.report.sheet import Dot, Sheet, Stroke
from sim.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, RED, SKY, YELLOW
from sim.story.reading import Life, Reading, Span, Tenure, Try
from sim.story.words import length
from sim.vocabulary import How, Kind, Outcome

if TYPE_CHECKING:
    pass

EXECUTING: Final = Stroke("executes", 0.36, 0.02, GREEN)
OVER: Final = Stroke("executes, above the limit", 0.36, 0.02, "#FFE3D6", RED, "//////")
HALTED: Final = Stroke("suspended or paused", 0.10, 0.02, "#BFBFBF")
PROVISIONING: Final = Stroke("is provisioned", 0.36, 0.02, "#CDE9DF", GREEN)
WAITING: Final = Stroke("waits for a slot", 0.16, 0.02, PALE)
BELIEVES: Final = Stroke("believes it holds a lease", 0.11, 0.30, BLUE)
LEASED: Final = Stroke("lease in the books", 0.40, 0.0, SKY)
EXPIRED: Final = Stroke("expired, still in the books", 0.40, 0.0, "white", SKY, "....")

_RENEWED: Final = Dot("term set anew", "|", BLUE, 9, BLUE, 1.0)
_EXPIRES: Final = Dot("expires", 7, RED, 8)
_REAPED: Final = Dot("reaped", "|", RED, 18, RED, 2.2)
_FORGOTTEN: Final = Dot("forgotten by a restart", "|", BLACK, 18, BLACK, 2.2)
_TAKEN: Final = Dot("taken over by a contender", "x", RED, 9, RED, 2.0)
_FATES: Final[dict[str, Dot]] = {
    "renewed": Dot("renewal: renewed", "o", GREEN, 3.6, GREEN),
    "gone": Dot("renewal: refused, lease gone", "X", RED, 7.0),
    "refused": Dot("renewal: connection refused", "s", ORANGE, 5.5),
    "reset": Dot("renewal: connection reset", "D", ORANGE, 5.5),
    "time-out": Dot("renewal: time-out", "v", PURPLE, 6.0),
    "answer lost": Dot("renewal: renewed, answer lost", "^", PURPLE, 6.0),
    "status": Dot("renewal: error status", "P", BLACK, 6.0),
    "unanswered": Dot("renewal: not answered", "d", GREY, 5.5),
}
_MARKS: Final[dict[Kind, Dot]] = {
    Kind.LOST: Dot("takes its lease for lost", "|", BLACK, 13, BLACK, 2.2),
    Kind.STOP: Dot("stopped by lease logic", "8", RED, 9),
    Kind.CRASH: Dot("crashes", "X", BLACK, 9),
    Kind.FINISH: Dot("finishes", ">", GREEN, 8),
    Kind.CANCEL: Dot("cancelled by a person", "s", GREY, 7),
    Kind.TURNED_AWAY: Dot("turned away", "x", GREY, 7, GREY, 2.0),
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
_VISIBLE_PARTS: Final = 300
"""A request shorter than this part of the window is a point."""


_NAMED_RUN_SHARE: Final = 0.035
_NAMED_LEASE_SHARE: Final = 0.06


# ------------------------------------------------------------------------ authority


def lease(sheet: Sheet, y: float, tenure: Tenure, reading: Reading) -> None:
    """Add one lease as the authority has it, with its renewals, its expiry and its end."""
    stop_ns = end_of(tenure, reading.end_ns)
    good_until_ns = min(stop_ns, tenure.expiry_ns)
    sheet.bars(y, [Span(tenure.granted_ns, good_until_ns)], LEASED)
    sheet.bars(y, [Span(good_until_ns, stop_ns)], EXPIRED)
    sheet.dots(y, [at_ns for at_ns, _ in tenure.expiries[1:]], _RENEWED)
    if tenure.stopped_ns is None or tenure.expiry_ns <= tenure.stopped_ns:
        sheet.dots(y, [tenure.expiry_ns], _EXPIRES)
    if tenure.stopped_ns is not None and tenure.ended_by is Kind.REAP:
        sheet.dots(y, [tenure.stopped_ns], _TAKEN if tenure.how is How.TAKEN else _REAPED)
    elif tenure.stopped_ns is not None and tenure.ended_by is Kind.FORGET:
        sheet.dots(y, [tenure.stopped_ns], _FORGOTTEN)
    left, width = sheet.axis.clip(tenure.granted_ns, stop_ns)
    if width > _NAMED_LEASE_SHARE * sheet.width:
        name = f"run {tenure.run[0]}.{tenure.run[1]}"
        sheet.text(left + 0.006 * sheet.width, y, name, SKY, "lease name")


def sweeps(sheet: Sheet, lanes: Lanes, reading: Reading) -> None:
    """Draw the sweeps that found something as lines through the authority's block."""
    axis = sheet.axis
    times = [axis.x(time_ns) for time_ns, _, _ in reading.sweeps if axis.start_ns <= time_ns <= axis.stop_ns]
    if times:
        style: dict[str, Any] = {"color": RED, "linewidth": 0.9, "linestyle": ":", "gid": "sweep"}
        drawn = sheet.ax.vlines(times, 0, lanes.authority_bottom, **style)
        sheet.legend.setdefault("sweep that found leases expired", drawn)


# ------------------------------------------------------------------------------ runs


def life(sheet: Sheet, y: float, run: Life, over: Sequence[Span]) -> None:
    """Add a run: what it does, what it believes, its renewals and what became of it."""
    sheet.bars(y, run.waiting, WAITING)
    sheet.bars(y, run.provisioning, PROVISIONING)
    sheet.bars(y, [span for span, _ in run.halted], HALTED)
    sheet.bars(y, run.executing, EXECUTING)
    sheet.bars(y, crossings(run.executing, over), OVER)
    sheet.bars(y, run.believing, BELIEVES)
    for tried in run.tries:
        _try(sheet, y + _TRY_OFFSET, tried)
    for mark in run.marks:
        if mark.kind in _MARKS:
            sheet.dots(y + EXECUTING.offset, [mark.time_ns], _MARKS[mark.kind])


def name(sheet: Sheet, y: float, run: Life) -> None:
    """Write a run's name where it begins, for a row that it shares with others."""
    axis = sheet.axis
    visible = [axis.clip(*span) for span in run.stretches() if axis.shows(*span)]
    left, right = min(x for x, _ in visible), max(x + width for x, width in visible)
    begin = min((axis.clip(*span)[0] for span in run.executing if axis.shows(*span)), default=left)
    if right - begin > _NAMED_RUN_SHARE * sheet.width:
        words = f"{run.lane}.{run.generation}"
        sheet.text(begin + 0.011 * sheet.width, y + EXECUTING.offset, words, "white", "run name")


def crossings(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the stretches that lie in one of `spans` and in one of `others`, both in order of time."""
    both: list[Span] = []
    first = 0
    for span in spans:
        while first < len(others) and others[first].stop_ns <= span.start_ns:
            first += 1
        for other in others[first:]:
            if other.start_ns >= span.stop_ns:
                break
            both.append(Span(max(span.start_ns, other.start_ns), min(span.stop_ns, other.stop_ns)))
    return both


def fate_of(tried: Try) -> str:
    """Return how a renewal request ended, in the words of the legend's keys."""
    if tried.outcome is None:
        return "unanswered"
    if tried.outcome in (Outcome.CONNECT_TIMEOUT, Outcome.READ_TIMEOUT):
        return "answer lost" if tried.renewed else "time-out"
    if tried.outcome >= 400:
        return "status"
    names = {Outcome.OK: "renewed", Outcome.GONE: "gone", Outcome.REFUSED: "refused"}
    return names.get(Outcome(tried.outcome), "reset")


def _try(sheet: Sheet, y: float, tried: Try) -> None:
    """A request where it was sent, with a line up to its end where that can be seen."""
    dot = _FATES[fate_of(tried)]
    sheet.dots(y, [tried.sent_ns], dot)
    answered_ns = tried.answered_ns or tried.sent_ns
    if answered_ns - tried.sent_ns > sheet.axis.length_ns / _VISIBLE_PARTS:
        line = Stroke(f"{dot.label}, until its end", 0.05, 0.0, dot.colour)
        sheet.bars(y, [Span(tried.sent_ns, answered_ns)], line)


# ---------------------------------------------------------------------------- faults


def faults(sheet: Sheet, lanes: Lanes, reading: Reading) -> None:
    """Shade each fault over the rows that it concerns, with its name where there is room for it."""
    from matplotlib.patches import Rectangle

    ax, axis = sheet.ax, sheet.axis
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
                lasted = f" {length(strike.span.length_ns)}" if strike.span.length_ns else ""
                _fault_name(sheet, taken, left, top, strike.fault.name + lasted)


def _fault_name(sheet: Sheet, taken: dict[float, float], left: float, top: float, words: str) -> None:
    """Write a name from the left end of its fault, unless it would cover the one before."""
    width = 0.0085 * len(words) * sheet.width
    left = min(max(0.0, left), sheet.width - width)
    if left >= taken.get(top, -1.0):
        taken[top] = left + width
        sheet.text(left, top + 0.12, words, "white", "fault name")
