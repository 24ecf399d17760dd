"""The worst that one fault can do: a search over all times at which it begins and all lengths, exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Final, Literal

from sim.errors import UsageError, nearest
from sim.extremes.bench import KINDS, LASTING, Bench, Strike, bench, strike_of, unrenewed
from sim.extremes.cover import Cover
from sim.extremes.trial import METRICS, trial
from sim.model.load import override
from sim.model.scenario import Scenario
from sim.results.origins import Source, named, shell
from sim.story.pinned import altered
from sim.story.words import length
from sim.units import FOREVER, format_duration, parse_duration

Goal = Literal["max", "min"]
STEPS: Final = 5
"""Values that are tried along an axis other than start and length, its ends among them."""


@dataclass(frozen=True)
class WorstCase:
    """The worst value of a metric, where it is, and what was done to be sure."""

    metric: str
    value: int
    """Nanoseconds, or for `lost`, `terminated` and `tries` a number; `FOREVER` where there is no bound."""
    strike: Strike
    at: Mapping[str, int]
    """Each axis and its value there, in nanoseconds; a start counts from the sending of a renewal that succeeds."""
    trials: int
    pieces: int
    gap_ns: int
    """The widths of all gaps that the search left between two starts, added up."""
    replay: str

    @property
    def text(self) -> str:
        """The value with its unit."""
        if self.value >= FOREVER:
            return "no bound"
        return length(self.value) if self.metric in ("overlap", "handover") else str(self.value)

    def __str__(self) -> str:
        where = ", ".join(f"{key} = {format_duration(value)}" for key, value in self.at.items())
        return (
            f"{self.metric} at worst: {self.text}, with {where}\n"
            f"  {self.trials:,} trials, {self.pieces:,} pieces, gaps of {self.gap_ns:,} ns in all\n"
            f"  replay: {self.replay}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        at = {key: format_duration(value) for key, value in self.at.items()}
        value = None if self.value >= FOREVER else self.value
        return {"metric": self.metric, "value": value, "text": self.text, "at": at, "strike": self.strike.text} | {
            "trials": self.trials, "pieces": self.pieces, "gap_ns": self.gap_ns, "replay": self.replay
        }  # fmt: skip


def worst_case(
    scenario: Source,
    metric: str,
    over: Mapping[str, tuple[str, str]],
    tolerance: str = "1ns",
    goal: Goal = "max",
) -> WorstCase:
    """Search for the one fault on a holder that makes a metric as large (or as small) as can be.

    The world is a bench made of the scenario's protocol: one slot, a holder whose renewals have gone well so far, a
    contender who is as quick as can be (for ``goal="min"`` as slow), and one fault on the holder's machine. Nothing
    in it is random.

    What is guaranteed: start and length are covered completely. Each trial is run on numbers that carry their slopes
    along start and length, and notes in every comparison how far these may move before it would turn out otherwise;
    in the convex cell around it the same events happen in the same order, at times that move in straight lines, so
    the metric is a straight line too and largest at a corner. Cells are laid side by side until they fill the whole
    rectangle, but for gaps along the start no wider than `tolerance`; corners are exact to 1 ns. What two events at
    the very same nanosecond would do is taken as the limit from beside it. Any other axis, such as ``network.up``,
    is tried at 5 values from end to end: exact for it only where the metric rises or falls all the way.

    Args:
        scenario: a scenario, or the name or path of one.
        metric: "overlap" or "handover" (ns), "lost" or "terminated" (1 or 0), "tries" (requests).
        over: what may vary, with its lowest and highest value: ``{"pause.start": ("0s", "4m"), "pause.length": ("0s",
            "10m")}``; `pause`, `sleep`, `crash`, `refused`, `reset`, `error`, `black_hole` or `stall`. A start counts
            from the sending of a renewal; by default it covers one renewal cycle. Any other key is one of the
            scenario's, such as ``network.up``.
        tolerance: the widest gap between two starts.
        goal: "max", or "min" for the best case.
    """
    chosen, origin = named(scenario)
    _checked(metric, goal)
    gap_ns = _duration("tolerance", tolerance)
    if gap_ns < 1:
        raise UsageError(f"tolerance = {tolerance}: must be at least 1ns")
    kind, axes, others = _axes(over)
    best: WorstCase | None = None
    trials = pieces = gaps = 0
    for values in product(*(_steps(*bounds) for bounds in others.values())):
        keys = dict(zip(others, (format_duration(v) for v in values), strict=True))
        made = _bench(override(chosen, keys), metric, goal)
        found = _searched(made, metric, kind, axes, gap_ns, goal)
        trials, pieces, gaps = trials + found.trials, pieces + found.pieces, gaps + found.gap_ns
        if best is None or _better(found.value, best.value, goal):
            words = origin.also(keys).words()
            suffix = {"min": ", good luck"}.get(goal, ", slow to find out" if metric == "handover" else "")
            replay = f"leasesim explain {words} --strike {shell(found.strike.text + suffix)}"
            at = {**found.at, **dict(zip(others, values, strict=True))}
            best = WorstCase(metric, found.value, found.strike, at, 0, 0, 0, replay)
    assert best is not None, "there is always one combination"
    return WorstCase(metric, best.value, best.strike, best.at, trials, pieces, gaps, best.replay)


def struck(scenario: Scenario, text: str) -> Scenario:
    """Return the bench with one fault as an ordinary scenario, long enough for all that comes of it."""
    strike, luck, asked = strike_of(text)
    made = bench(scenario, "good" if luck == "good luck" else "bad", prompt=not luck, asking=asked is not None)
    if strike.kind == "crash" and made.closed.first_longer_ns:
        first = unrenewed(made)
        made = first if strike.start_ns <= first.stop_ns else made
    world = made.world(strike, asked)
    if strike.kind == "release":
        from sim.model.distributions import constant

        world = altered(world, runs={"work": constant(max(1, strike.start_ns - made.closed.trip_ns))})
    later = made.closed.free_ns + made.closed.cycle_ns + min(made.closed.told_ns(), made.closed.free_ns * 10)
    return altered(world, duration=strike.start_ns + strike.length_ns + 2 * later)


# ------------------------------------------------------------------ the search


def _bench(scenario: Scenario, metric: str, goal: Goal) -> Bench:
    if scenario.renewal.runs_in == "none":
        raise UsageError(
            "renewal.runs_in = none: nobody renews the lease, so there is no phase to search", "see explain"
        )
    if goal == "min":
        return bench(scenario, "good", prompt=metric == "handover")
    return bench(scenario, "bad", prompt=metric != "handover")


def _searched(
    made: Bench, metric: str, kind: str, axes: Mapping[str, tuple[int, int]], gap_ns: int, goal: Goal
) -> WorstCase:
    low, high = axes.get("start", (0, made.stop_ns - made.start_ns))
    box = [(made.start_ns + low, made.start_ns + high)]
    if kind in LASTING:
        box.append(axes.get("length", (0, made.closed.free_ns + made.closed.cycle_ns)))
    until = horizon(made, box[-1][1] if len(box) > 1 else 0, metric)
    if len(box) > 1 and box[0][0] == box[0][1]:
        start = box[0][0]
        cover = Cover(lambda p: trial(made, metric, Strike(kind, start, p[0]), until), box[1:], gap_ns)
    elif len(box) > 1 and box[1][0] == box[1][1]:
        lasts = box[1][0]
        cover = Cover(lambda p: trial(made, metric, Strike(kind, p[0], lasts), until), box[:1], gap_ns)
    else:
        cover = Cover(lambda p: trial(made, metric, Strike(kind, *p), until), box, gap_ns)
    found = list(cover.pieces())
    pick = max if goal == "max" else min
    value, point = pick(((c.value, c.point) for piece in found for c in piece.corners), key=lambda each: each[0])
    strike = _inside(made, metric, kind, box, point, until, goal)
    at = {f"{kind}.start": strike.start_ns - made.start_ns}
    at |= {f"{kind}.length": strike.length_ns} if kind in LASTING else {}
    return WorstCase(metric, round(value), strike, at, cover.trials, len(found), cover.gaps_ns, "")


def horizon(made: Bench, length_ns: int, metric: str) -> int:
    """Return until when a trial is followed: by then everything that a fault brings about has happened."""
    closed = made.closed
    ends = [closed.tries(failure).gives_up_ns for failure in ("refused", "reset", "status 503", "connect time-out")]
    patient = max([each for each in ends if each < FOREVER], default=0) if metric != "lost" else 0
    return made.stop_ns + 2 * length_ns + 3 * (closed.free_ns + closed.cycle_ns) + 2 * patient


def _inside(
    made: Bench,
    metric: str,
    kind: str,
    box: list[tuple[int, int]],
    point: tuple[Fraction, ...],
    until: int,
    goal: Goal,
) -> Strike:
    """Return a strike, whole nanoseconds, at the corner or just beside it: the one that comes closest to its value."""
    free = [low != high for low, high in box]
    whole = all(free) or len(point) == len(box)
    corner = iter(point)
    full = [next(corner) if whole or each else low for each, (low, _) in zip(free, box, strict=True)]
    at = beside(lambda p: int(trial(made, metric, Strike(kind, *p), until)), box, full, goal)
    return Strike(kind, *at)


def beside(
    value_of: Callable[[tuple[int, ...]], int],
    box: Sequence[tuple[int, int]],
    corner: Sequence[Fraction | int],
    goal: Goal,
) -> tuple[int, ...]:
    """Return the point of whole nanoseconds at a corner, or just beside it, that shows what is approached there."""
    near = [
        tuple(min(max(round(at) + move, low), high) for at, move, (low, high) in zip(corner, moves, box, strict=True))
        for moves in product((0, -1, 1), repeat=len(corner))
    ]
    return (max if goal == "max" else min)(dict.fromkeys(near), key=value_of)


def _better(value: int, than: int, goal: Goal) -> bool:
    return value > than if goal == "max" else value < than


# ------------------------------------------------------------------ what was asked for


def _checked(metric: str, goal: str) -> None:
    if metric not in METRICS:
        near = nearest(metric, METRICS)
        hint = f"did you mean '{near}'?" if near else f"choose from: {', '.join(METRICS)}"
        raise UsageError(f"unknown metric '{metric}' of a worst case", hint)
    if goal not in ("max", "min"):
        raise UsageError(f"goal = {goal!r}: must be 'max' or 'min'")


def _axes(over: Mapping[str, tuple[str, str]]) -> tuple[str, dict[str, tuple[int, int]], dict[str, tuple[int, int]]]:
    """Return the kind of fault, the bounds of its start and length, and those of everything else."""
    axes: dict[str, tuple[int, int]] = {}
    others: dict[str, tuple[int, int]] = {}
    kinds: list[str] = []
    for key, bounds in over.items():
        kind, _, what = key.partition(".")
        if what in ("start", "length"):
            if kind not in KINDS:
                near = nearest(kind, KINDS)
                hint = f"did you mean '{near}'?" if near else f"choose from: {', '.join(KINDS)}"
                raise UsageError(f"over: no fault '{kind}' of a holder", hint)
            if what == "length" and kind not in LASTING:
                raise UsageError(f"over: a {kind} has no length")
            kinds.append(kind)
            axes[what] = _range(key, bounds)
        else:
            others[key] = _range(key, bounds)
    if len(set(kinds)) != 1:
        listed = ", ".join(dict.fromkeys(kinds)) or "none"
        raise UsageError(f"over: exactly one kind of fault, and there is {listed}", "for example pause.length")
    return kinds[0], axes, others


def _range(key: str, bounds: object) -> tuple[int, int]:
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise UsageError(f"over: {key} needs a lowest and a highest value, got {bounds!r}", 'for example ("0s", "10m")')
    low, high = (_duration(f"over: {key}", each) for each in bounds)
    if low < 0:
        raise UsageError(f"over: {key} = {bounds[0]}: must not be negative")
    if low > high:
        raise UsageError(f"over: {key}: the bounds are the wrong way round, {bounds[0]} is above {bounds[1]}")
    return low, high


def _duration(what: str, text: object) -> int:
    try:
        return parse_duration(str(text))
    except ValueError as error:
        raise UsageError(f"{what}: {error}") from None


def _steps(low: int, high: int) -> list[int]:
    """Return values from end to end."""
    return list(dict.fromkeys(low + (high - low) * step // (STEPS - 1) for step in range(STEPS)))
