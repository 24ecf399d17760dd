"""One run of the bench on numbers that know how they would move, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sim.engines.process import faults, population
from sim.engines.process.draws import Draws
from sim.engines.process.world import World
from sim.extremes.bench import HOLDER, REPLICATION, Bench, Strike
from sim.model.scenario import Scenario
from sim.story.patience import factor
from sim.streams import Streams
from sim.trace import Row
from sim.units import FOREVER
from sim.vocabulary import Kind, Outcome, Purpose

OVER: Final = (Kind.STOP, Kind.FINISH, Kind.CRASH)
_LOOKS_MAX: Final = 200_000


class Judge:
    """Reads events as they come, until the question is settled: `value` is None before."""

    def __init__(self) -> None:
        self.value: int | None = None
        self.fault_over = False
        self._renewed: int | None = None

    def see(self, row: Row) -> None:
        """Take in one event."""
        _, kind, lane, _, number, _, value = row
        if kind == Kind.FAULT_END:
            self.fault_over = True
        elif lane == HOLDER and self.fault_over:
            if kind == Kind.RENEWED:
                self._renewed = number
            elif kind == Kind.ANSWER and value == Outcome.OK and number == self._renewed:
                self.came_through()

    def came_through(self) -> None:
        """The fault is over, the holder has renewed its lease and knows it."""
        self.value = 0

    def at_the_end(self) -> int:
        """Nothing more can happen."""
        return 0


class Lost(Judge):
    """1 if the holder takes its lease for lost or another is granted the slot, else 0."""

    def see(self, row: Row) -> None:
        """Take in one event."""
        super().see(row)
        _, kind, lane, *_ = row
        if (kind == Kind.LOST and lane == HOLDER) or (kind == Kind.GRANT and lane > HOLDER):
            self.value = 1


class Terminated(Judge):
    """1 if the holder is stopped, else 0."""

    def see(self, row: Row) -> None:
        """Take in one event."""
        super().see(row)
        if row[1] == Kind.STOP and row[2] == HOLDER:
            self.value = 1


class Overlap(Judge):
    """For how long both execute, in nanoseconds; `FOREVER` where nothing ends it."""

    def __init__(self) -> None:
        super().__init__()
        self._executing: set[int] = set()
        self._since: int | None = None
        self._total: int = 0

    def see(self, row: Row) -> None:
        """Take in one event."""
        time, kind, lane, *_ = row
        if kind in (Kind.START, Kind.GO):
            self._executing.add(lane)
        elif kind in (*OVER, Kind.HALT):
            self._executing.discard(lane)
        if len(self._executing) > 1 and self._since is None:
            self._since = time
        elif len(self._executing) < 2 and self._since is not None:
            self._total += time - self._since
            self._since = None
        super().see(row)
        if kind in OVER and lane == HOLDER:
            self.value = self._total

    def came_through(self) -> None:
        """Both go on: for ever where the other executes too."""
        self.value = self._total if self._since is None else FOREVER

    def at_the_end(self) -> int:
        """Nothing more can happen."""
        return self._total if self._since is None else FOREVER


class Handover(Judge):
    """From the end of the holder to the grant to another, in nanoseconds."""

    def __init__(self) -> None:
        super().__init__()
        self._ended: int | None = None

    def see(self, row: Row) -> None:
        """Take in one event."""
        time, kind, lane, *_ = row
        if kind in OVER and lane == HOLDER:
            self._ended = time
        elif kind == Kind.GRANT and lane > HOLDER and self._ended is not None:
            self.value = time - self._ended

    def at_the_end(self) -> int:
        """Nothing more can happen."""
        return FOREVER


class Tries(Judge):
    """How many requests the renewal that is due sends before the holder gives it up."""

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0

    def see(self, row: Row) -> None:
        """Take in one event."""
        _, kind, lane, *_ = row
        if kind == Kind.FAULT_BEGIN:
            self._sent = 0
        elif kind == Kind.SEND and lane == HOLDER:
            self._sent += 1
        elif kind == Kind.LOST and lane == HOLDER:
            self.value = self._sent

    def at_the_end(self) -> int:
        """Nothing more can happen."""
        return FOREVER


METRICS: Final[dict[str, Callable[[], Judge]]] = {
    "overlap": Overlap,
    "lost": Lost,
    "terminated": Terminated,
    "handover": Handover,
    "tries": Tries,
}
"""What can be asked of a trial."""


def trial(made: Bench, metric: str, strike: Strike, until_ns: int, waiter_ns: int | None = None) -> int:
    """Return the metric of one run of the bench."""
    world = World(made.world(strike, waiter_ns), Streams(*REPLICATION))
    if made.waits is not None:
        world.draws = _Waits(world.scenario, made.waits)
    if strike.kind == "release":
        world.work.constant = strike.start_ns - _started(made)
    judge = METRICS[metric]()
    faults.begin(world)
    population.begin(world)
    schedule, seen = world.schedule, 0
    rows: Sequence[Row] = world.rows
    while schedule.env.peek() <= until_ns:
        schedule.env.step()
        while seen < len(rows):
            if rows[seen][2] > HOLDER:
                _stay(world, rows[seen])
            judge.see(rows[seen])
            seen += 1
            if judge.value is not None:
                return judge.value
    return judge.at_the_end()


class _Waits(Draws):
    """Draws of which those for the holder's back-offs are chosen, not drawn."""

    def __init__(self, scenario: Scenario, waits: tuple[int, float]) -> None:
        super().__init__(Streams(*REPLICATION))
        self.left, share = waits
        renewal, http = scenario.renewal, scenario.http
        self.at = {
            Purpose.LOOP_BACKOFF: _draw_at(renewal.jitter_shape, renewal.backoff_jitter, share),
            Purpose.HTTP_BACKOFF: _draw_at(http.jitter_shape, http.jitter, share),
        }

    def uniform(self, purpose: Purpose, entity: int, part: int, index: int) -> float:
        """Draw, but for a back-off."""
        if purpose not in self.at or entity != HOLDER:
            return super().uniform(purpose, entity, part, index)
        self.left -= 1
        return self.at[purpose] if self.left >= 0 else 1.0


def _draw_at(shape: str, jitter: float, share: float) -> float:
    """Return the draw whose factor lies at a share of the way from the shortest to the longest."""
    wanted = (1 - share) * factor(shape, jitter, 0.0) + share * factor(shape, jitter, 1.0)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if factor(shape, jitter, middle) < wanted else (low, middle)
    return low if share < 1 else 1.0


def _stay(world: World, row: Row) -> None:
    """Whoever comes after the holder keeps its lease without fail: its renewals are not in question."""
    _, kind, lane, _, _, lease, _ = row
    if kind in (Kind.GRANT, Kind.RENEWED) and lease in world.authority.leases:
        world.authority.leases[lease].expires = FOREVER // 4
    elif kind == Kind.START:
        for run in world.hosts[lane].living():
            run.loop.freeze()
            run.thread.freeze()


def _started(made: Bench) -> int:
    """When the holder begins to execute: it asks at 0 and is granted the slot."""
    return made.closed.trip_ns
