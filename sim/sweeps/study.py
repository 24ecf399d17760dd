"""Work through the replications of some points: what is on file is reused, what is new is filed as it comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from sim.metrics import Tally
from sim.pacing import Seldom
from sim.sweeps.grid import Point, identities
from sim.sweeps.parts import Key
from sim.sweeps.runner import outcomes
from sim.sweeps.store import Store
from sim.sweeps.work import Job, Outcome

_ROWS_MAX: Final = 4096
"""Outcomes that are held at most."""

Progress = Callable[[int, int], None]
"""Called with the replications done and planned."""


@dataclass(frozen=True)
class Failure:
    """A replication that could not be simulated."""

    point: int
    values: Mapping[str, str]
    replication: int
    error: str
    detail: str


@dataclass
class Collected:
    """Every tally, by the identity of its point and the replication; with a store they are there and not here."""

    tallies: dict[Key, Tally] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    computed: int = 0
    reused: int = 0

    def of(self, point: Point, replications: Sequence[int]) -> tuple[Tally, ...]:
        """Return the tallies of a point in the order of replications."""
        return tuple(self.tallies[point.identity, replication] for replication in replications)

    def whole(self, point: Point, replications: Sequence[int]) -> bool:
        """Whether every replication of a point is there."""
        return all((point.identity, replication) in self.tallies for replication in replications)


@dataclass(frozen=True)
class Study:
    """What to simulate and who does the work; how it is done changes nothing in what comes out."""

    points: Sequence[Point]
    seed: int
    engine: str
    jobs: int = 1
    executor: Executor | None = None
    store: Store | None = None
    progress: Progress | None = None
    on_failure: Callable[[Failure], None] | None = None
    chunk: int | None = None
    """Replications a task; by default as many as their `Pace` says."""
    first: int = 0
    """The point to begin with; those before it are done."""

    def collect(self, replications: Sequence[int]) -> Collected:
        """Simulate what is missing of `replications` at every point."""
        done = Collected()
        planned = (len(self.points) - self.first) * len(replications)
        left = sum(len(wanted) for _, wanted in self._missing(replications))
        done.reused = planned - left
        self._report(done.reused, planned)
        filing = _Filing(self.store, self.points)
        try:
            with closing(outcomes(self._jobs(replications), left, self.jobs, self.executor, self.chunk)) as batches:
                for batch in batches:
                    filing.take(batch)
                    for outcome in batch:
                        self._note(outcome, done)
                    done.computed += len(batch)
                    if batch:
                        self._report(done.reused + done.computed, planned)
        finally:
            filing.finish()
        done.failures.sort(key=lambda failure: (failure.point, failure.replication))
        return done

    def _note(self, outcome: Outcome, done: Collected) -> None:
        point = self.points[outcome.point]
        if outcome.tally is None:
            error, detail = outcome.error or "", outcome.detail or ""
            done.failures.append(Failure(outcome.point, point.values, outcome.replication, error, detail))
            if self.on_failure:
                self.on_failure(done.failures[-1])
        elif not self.store:
            done.tallies[point.identity, outcome.replication] = outcome.tally

    def _jobs(self, replications: Sequence[int]) -> Iterator[Job]:
        for index, wanted in self._missing(replications):
            yield Job(index, self.points[index].text, self.seed, self.engine, wanted)

    def _missing(self, replications: Sequence[int]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield points and what they lack; of points that are the same only the first."""
        known_as = identities(self.points)
        seen = set(known_as[: self.first])
        for index in range(self.first, len(self.points)):
            if (identity := known_as[index]) not in seen:
                seen.add(identity)
                known = self.store
                wanted = tuple(n for n in replications if known is None or (identity, n) not in known)
                if wanted:
                    yield index, wanted

    def _report(self, done: int, planned: int) -> None:
        if self.progress:
            self.progress(done, planned)


class _Filing:
    """Writes outcomes down every two seconds, and whatever is left at the end, however that comes: a part costs the
    same for one row as for a hundred.
    """

    def __init__(self, store: Store | None, points: Sequence[Point]) -> None:
        self._store, self._points = store, points
        self._held: list[Outcome] = []
        self._seldom = Seldom()

    def take(self, batch: Sequence[Outcome]) -> None:
        """Hold these, and write down what is held if it is time or there is much of it."""
        if self._store is None:
            return
        self._held += batch
        if self._held and (len(self._held) >= _ROWS_MAX or self._seldom.due()):
            self.finish()

    def finish(self) -> None:
        """Write down what is held; what could not be written is not tried again."""
        held, self._held = self._held, []
        if held and self._store:
            self._store.add(held, self._points)
