"""Each closed form beside what a search finds, and in words why, where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from sim import engines
from sim.errors import UsageError, nearest
from sim.extremes.bench import Bench, Strike, bench, slowed, unrenewed, waiting
from sim.extremes.cover import Cover, Piece
from sim.extremes.trial import trial
from sim.extremes.worst import Goal, beside, horizon
from sim.model.fields import UNLIMITED
from sim.model.scenario import Scenario
from sim.results.origins import Source, named, shell
from sim.story.bounds import CUTS, Bound, bounds, said
from sim.story.closed import Closed
from sim.story.patience import Patience
from sim.story.pinned import altered, ends
from sim.story.words import length
from sim.units import FOREVER, MICROSECOND, MILLISECOND, format_duration
from sim.vocabulary import Kind

Progress = Callable[[int, int], None]
TOLERANCE_NS: Final = MILLISECOND
"""Two times that differ by less are the same."""
TOLERANCE_SHARE: Final = 2e-5
SLOWEST: Final = 0.899
"""The model has no clocks that are slower than by nine tenths."""


@dataclass(frozen=True)
class Measured:
    """A closed form and what was found."""

    bound: Bound
    value: float | None
    """As in `Bound`; None where nothing was searched."""
    trials: int
    note: str = ""
    replay: str = ""
    upto_ns: int = FOREVER
    """Lengths up to this were searched."""

    @property
    def text(self) -> str:
        """The figure with its unit."""
        if self.trials == 0:
            return "-"
        if self.bound.unit == "ns" and self.value is not None and self.value >= self.upto_ns:
            return "no bound" if self.value >= FOREVER else f"> {length(self.upto_ns)}"
        if self.bound.unit == "share" and self.value is not None and self.value >= SLOWEST - TOLERANCE_SHARE:
            return f"> {said(SLOWEST, 'share')}"
        return said(self.value, self.bound.unit)

    @property
    def agrees(self) -> bool:
        """Whether closed form and search say the same."""
        if self.trials == 0:
            return True
        closed, found = self.bound.value, self.value
        if closed is None or found is None:
            return closed is found
        if self.bound.unit == "share":
            return abs(min(closed, SLOWEST) - found) <= TOLERANCE_SHARE
        if self.bound.unit == "requests":
            return min(closed, UNLIMITED) == min(found, UNLIMITED)
        return abs(closed - found) <= TOLERANCE_NS or min(closed, found) >= self.upto_ns

    @property
    def verdict(self) -> str:
        """What a reader looks for at the end of the line."""
        return "" if self.trials == 0 else "same" if self.agrees else "DIFFERENT"

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        found = self.value
        if found is not None and self.bound.unit == "ns":
            found = None if found >= FOREVER else found / 1e9
        return self.bound.as_json() | {
            "searched": found, "searched_text": self.text, "trials": self.trials,
            "same": self.agrees, "note": self.note, "replay": self.replay,
        }  # fmt: skip


def measured(
    scenario: Source, keys: Sequence[str] | str | None = None, progress: Progress | None = None, gap_ns: int = 1
) -> list[Measured]:
    """Search for every closed form of a scenario, or for those whose keys begin with one of `keys`.

    Raises `UsageError` where a key of `keys` begins none.
    """
    chosen, origin = named(scenario)
    rows, wanted = bounds(chosen), (keys,) if isinstance(keys, str) else keys
    if wanted is not None:
        _check(wanted, rows)
        rows = [row for row in rows if row.key.startswith(tuple(wanted))]
    search = _Search(chosen, origin.words(), gap_ns)
    found = []
    for number, row in enumerate(rows):
        found.append(search.row(row))
        if progress:
            progress(number + 1, len(rows))
    return found


def _check(wanted: Sequence[str], rows: Sequence[Bound]) -> None:
    known = [row.key for row in rows]
    for key in wanted:
        if not any(each.startswith(key) for each in known):
            near = nearest(key, known)
            hint = f"did you mean '{near}'?" if near else f"there are: {', '.join(known)}"
            raise UsageError(f"no closed form of this scenario is named '{key}'", hint)


class _Search:
    """Searches row by row; what two rows share is searched once."""

    def __init__(self, scenario: Scenario, name: str, gap_ns: int) -> None:
        self.scenario, self.name, self.gap_ns = scenario, name, gap_ns
        self._benches: dict[tuple[str, bool, bool], Bench] = {}

    def row(self, row: Bound) -> Measured:
        """Search for one figure."""
        what, *rest = row.key.split(".")
        if self.scenario.renewal.runs_in == "none":
            return Measured(row, None, 0, "nobody renews: there is no phase to search")
        if what in ("outage", "pause", "sleep"):
            return self._survived(row, rest[0] if what == "outage" else what, rest[-1] == "surely")
        if what == "overlap":
            return self._overlap(row, rest[0])
        if what == "tries":
            return self._tries(row, rest[0])
        if what == "release":
            return self._release(row, rest[0])
        if what == "crash":
            return self._crash(row, rest[0])
        return self._clock(row, rest[0])

    def bench(self, luck: str, prompt: bool, asking: bool = False) -> Bench:
        """Return a bench, the same for the same question."""
        key = (luck, prompt, asking)
        if key not in self._benches:
            self._benches[key] = bench(self.scenario, "bad" if luck == "bad" else "good", prompt, asking)
        return self._benches[key]

    def _cover(
        self, made: Bench, metric: str, kind: str, upto_ns: int, from_ns: int = 0
    ) -> tuple[Cover, Iterator[Piece]]:
        until = horizon(made, upto_ns, metric)
        box = [(made.start_ns, made.stop_ns), (from_ns, upto_ns)]
        cover = Cover(lambda p: trial(made, metric, Strike(kind, *p), until), box, self.gap_ns)
        return cover, cover.pieces()

    def _survived(self, row: Bound, kind: str, surely: bool) -> Measured:
        """Search with waits as they are pinned; where they have jitter, with those that may be worse (better) too."""
        made = self.bench("bad", prompt=True) if surely else self.bench("good", prompt=False)
        closed = Closed(made.scenario, made.closed.prompt, self.scenario)
        found = [self._survived_on(row, made, kind, surely)]
        for waits in _unpinned(closed, kind):
            other = self._survived_on(row, waiting(made, self.scenario, waits), kind, surely)
            found.append(replace(other, replay="", note=_WAITS[surely]))
        best = (min if surely else max)(found, key=lambda each: each.value or 0)
        return replace(best, trials=sum(each.trials for each in found))

    def _survived_on(self, row: Bound, made: Bench, kind: str, surely: bool) -> Measured:
        closed = made.closed
        upto = min(closed.free_ns + closed.cycle_ns, FOREVER // 16)
        shortest, longest = _known_cases(made, kind, upto)
        cover, pieces = self._cover(made, "lost", kind, *((shortest[0], 0) if surely else (upto, longest[0])))
        corners = [(int(c.point[1]), int(c.point[0]), c.value > 0) for piece in pieces for c in piece.corners]
        if surely:
            lost = min(((y, x) for y, x, bad in corners if bad), default=(FOREVER, 0))
            lost = min(lost, shortest) if shortest[0] < upto else lost
            replay = self._replay(cover, kind, (lost[1], lost[0] + 1), "max") if lost[0] < FOREVER else ""
            return Measured(row, lost[0], cover.trials, replay=replay, upto_ns=upto)
        kept = max([longest, *((y, x) for y, x, bad in corners if not bad)])
        replay = self._replay(cover, kind, (kept[1], max(0, kept[0] - 1)), "min", ", good luck") if kept[0] else ""
        return Measured(row, kept[0], cover.trials, replay=replay, upto_ns=upto)

    def _overlap(self, row: Bound, kind: str) -> Measured:
        made = self.bench("bad", prompt=True)
        closed = made.closed
        upto, cut_off = closed.free_ns + closed.every_ns, kind not in ("pause", "sleep")
        endless = cut_off and row.value is not None and row.value >= FOREVER
        if cut_off:
            upto += closed.cycle_ns + (2 * closed.free_ns if endless else int(row.value or 0))
        upto = min(upto, FOREVER // 16)
        cover, pieces = self._cover(made, "overlap", kind, upto)
        value, y, x = max((c.value, c.point[1], c.point[0]) for piece in pieces for c in piece.corners)
        note = ""
        if endless and value >= upto - closed.free_ns:
            value, note = value * 0 + FOREVER, f"it lasts as long as what it is cut off by: followed for {length(upto)}"
        replay = self._replay(cover, kind, (x, y), "max") if value else ""
        return Measured(row, round(value), cover.trials, note, replay)

    def _tries(self, row: Bound, kind: str) -> Measured:
        made = self.bench("bad", prompt=True)
        closed = made.closed
        lasts = 20 * (closed.free_ns + closed.cycle_ns)
        lasts += 2 * min(closed.tries(_failure(kind)).gives_up_ns, closed.fenced_ns, FOREVER // 64)
        strike = Strike(kind, made.stop_ns - 1, lasts)
        if row.value is not None and row.value >= UNLIMITED:
            strike = Strike(kind, made.stop_ns - 1, 3 * (closed.free_ns + closed.cycle_ns))
        found = int(trial(made, "tries", strike, strike.start_ns + strike.length_ns))
        return Measured(row, found, 1, replay=self._words(strike.text))

    def _release(self, row: Bound, sense: str) -> Measured:
        asks = self.scenario.limit.collision == "enqueue"
        made = self.bench("bad", prompt=sense == "best", asking=asks)
        released = (made.start_ns + made.stop_ns) // 2
        gap = ends(made.scenario.limit.poll)[1] + made.closed.trip_ns if asks else 0
        until = horizon(made, 2 * int(gap), "handover")
        box = [(max(0, released - int(gap)), released + 1)] if asks else [(released - 2, released - 1)]
        cover = Cover(lambda p: trial(made, "handover", Strike("release", released), until, p[0]), box)
        values = [corner.value for piece in cover.pieces() for corner in piece.corners]
        return Measured(row, round(min(values) if sense == "best" else max(values)), cover.trials)

    def _crash(self, row: Bound, sense: str) -> Measured:
        lease = self.scenario.lease
        judged = lease.judge == "authority" and lease.expiry_check != "on_acquire"
        asks = self.scenario.limit.collision == "enqueue" and sense == "worst" and judged
        made = self.bench("bad", prompt=sense == "best", asking=asks)
        found = self._crash_on(row, made, made.start_ns, sense, asks)
        if sense == "best" or not made.closed.first_longer_ns:
            return found
        first = unrenewed(made)
        begins_ns = first.closed.trip_ns + 1  # it executes, and can crash, after it has been told of its grant
        before = self._crash_on(row, first, begins_ns, sense, asks)
        return replace(max(found, before, key=lambda each: each.value or 0), trials=found.trials + before.trials)

    def _crash_on(self, row: Bound, made: Bench, start_ns: int, sense: str, asks: bool) -> Measured:
        """Search for a crash in the window of a bench, from `start_ns` on."""
        box = [(start_ns, made.stop_ns)]
        until = horizon(made, 4 * made.closed.poll_ns, "handover")
        if asks:
            free = made.stamp_ns + made.closed.free_ns
            box.append((free - made.closed.poll_ns - made.closed.trip_ns, free))
            cover = Cover(lambda p: trial(made, "handover", Strike("crash", p[0]), until, p[1]), box, self.gap_ns)
        else:
            cover = Cover(lambda p: trial(made, "handover", Strike("crash", p[0]), until), box, self.gap_ns)
        values = [(c.value, c.point) for piece in cover.pieces() for c in piece.corners]
        value, corner = min(values) if sense == "best" else max(values)
        point = beside(lambda p: int(cover.trial(p)), box, corner, "min" if sense == "best" else "max")
        text = Strike("crash", point[0]).text
        text += f", asked from {format_duration(point[1])}" if asks else ""
        text += "" if sense == "best" else ", slow to find out"
        return Measured(row, round(value), cover.trials, replay=self._words(text))

    def _clock(self, row: Bound, which: str) -> Measured:
        if row.value is None and which == "fence":
            return Measured(row, None, 0)
        made = self.bench("bad", prompt=True)
        low, high, runs = 0.0, SLOWEST, 0
        if which == "fence":  # beyond that it loses its lease before it is cut off
            high = min(high, made.closed.slow_clock() or high)
        while high - low > 1e-6:
            middle = (low + high) / 2
            runs += 1
            low, high = (middle, high) if _slow_goes_well(made, middle, which) else (low, middle)
        return Measured(row, low if low > 0 else None, runs, "by bisection: a slower clock is taken to be no better")

    def _replay(self, cover: Cover, kind: str, corner: Sequence[Fraction | int], goal: Goal, luck: str = "") -> str:
        """Return the line that shows what is approached at a corner."""
        start_ns, length_ns = beside(lambda p: int(cover.trial(p)), cover.box, corner, goal)
        return self._words(Strike(kind, start_ns, length_ns).text + luck)

    def _words(self, strike: str) -> str:
        return f"leasesim explain {self.name} --strike {shell(strike)}"


def _known_cases(made: Bench, kind: str, upto_ns: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (length, start) of a short fault that costs the lease and of a long one that does not, by a quick look.

    Nothing is concluded from them but that longer, or shorter, ones need not be looked at.
    """
    until = horizon(made, upto_ns, "lost")
    shortest, longest = (upto_ns, made.start_ns), (0, made.start_ns)
    for start in (made.start_ns + 1, made.start_ns + made.closed.trip_ns + 1, made.stop_ns - 1):
        low, high = 0, upto_ns
        while high - low > TOLERANCE_NS:
            middle = (low + high) // 2
            if trial(made, "lost", Strike(kind, start, middle), until):
                high, shortest = middle, min(shortest, (middle, start))
            else:
                low, longest = middle, max(longest, (middle, start))
    return shortest, longest


_WAITS: Final = {
    True: "with waits of its back-off that no one --strike shows: those that are worst for it",
    False: "with waits of its back-off that no one --strike shows: those that are best for it",
}


def _unpinned(closed: Closed, kind: str) -> set[tuple[int, float]]:
    """Return where in their jitter waits may lie that are worse, or better, than all alike: see `Bench.waits`.

    A try is put a little off the limit on which the closed form has it: draws are rounded.
    """
    renewal, http = closed.chance.renewal, closed.chance.http
    if not (renewal.backoff_jitter or http.jitter):
        return set()
    aside_ns = MICROSECOND if closed.prompt else -MICROSECOND
    found = {tries.place_of(last[0] + aside_ns, last[1]) for tries, last in _last_tries(closed, kind) if last}
    return found | ({(1, 0.0)} if kind == "sleep" and not closed.prompt else set())


def _last_tries(closed: Closed, kind: str) -> list[tuple[Patience, tuple[int, int] | None]]:
    if kind in CUTS:
        return closed.last_tries(_failure(kind))
    return closed.first_tries() if kind == "sleep" else []


def _failure(kind: str) -> Any:
    return CUTS[kind][1]


def _slow_goes_well(made: Bench, share: float, which: str) -> bool:
    """Whether a holder whose clock is slow by that share keeps its lease, or when cut off stops before an overlap."""
    slow, closed = slowed(made, share), made.closed
    local_ns = round((closed.fence_ns if which == "fence" else 0) / (1 - share)) + closed.stop_ns
    until = slow.stop_ns + local_ns + 2 * closed.free_ns + 2 * (slow.stop_ns - slow.start_ns)
    strike = Strike("black_hole", slow.stop_ns - 1, until) if which == "fence" else Strike("release", 0)
    trace = engines.run(altered(slow.world(strike), duration=until), engine="auto")
    if which == "renewals":
        return not any((e.kind is Kind.GRANT and e.lane > 0) or e.kind is Kind.LOST for e in trace)
    stop = next((e.time_ns for e in trace if e.kind is Kind.STOP and e.lane == 0), FOREVER)
    return stop <= next((e.time_ns for e in trace if e.kind is Kind.START and e.lane > 0), FOREVER)
