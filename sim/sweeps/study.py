"""Work through the replications of some points: what is on file is reused, what is new is filed as it comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field

from sim.metrics import Tally
from sim.sweeps.grid import Point
from sim.sweeps.runner import chunk_size, cut, outcomes
from sim.sweeps.store import Key, Store
from sim.sweeps.work import Job

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
    """Every tally, by the identity of its point and the replication."""

    tallies: dict[Key, Tally] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    computed: int = 0
    reused: int = 0

    def of(self, point: Point, replications: Sequence[int]) -> tuple[Tally, ...]:
        """Return the tallies of a point in the order of replications."""
        return tuple(self.tallies[point.identity, replication] for replication in replications)

    def failed(self, point: Point) -> bool:
        return any(failure.point == point.index for failure in self.failures)


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

    def collect(self, replications: Sequence[int]) -> Collected:
        """Simulate what is missing of `replications` at every point."""
        done = Collected(dict(self.store.tallies) if self.store else {})
        planned = len(self.points) * len(replications)
        missing = list(self._missing(replications, done.tallies))
        done.reused = planned - sum(len(job.replications) for job in missing)
        self._report(done.reused, planned)
        with closing(outcomes(missing, self.jobs, self.executor)) as batches:
            for batch in batches:
                if self.store:
                    self.store.add(batch, self.points)
                for outcome in batch:
                    if outcome.tally is not None:
                        done.tallies[self.points[outcome.point].identity, outcome.replication] = outcome.tally
                        continue
                    values = self.points[outcome.point].values
                    error, detail = outcome.error or "", outcome.detail or ""
                    done.failures.append(Failure(outcome.point, values, outcome.replication, error, detail))
                    if self.on_failure:
                        self.on_failure(done.failures[-1])
                done.computed += len(batch)
                self._report(done.reused + done.computed, planned)
        done.failures.sort(key=lambda failure: (failure.point, failure.replication))
        return done

    def _missing(self, replications: Sequence[int], known: Mapping[Key, Tally]) -> Iterator[Job]:
        chunk = 1 if self.executor is None and self.jobs == 1 else chunk_size(len(replications), self.jobs)
        for point in self.points:
            wanted = [number for number in replications if (point.identity, number) not in known]
            yield from cut(point.index, point.text, self.seed, self.engine, wanted, chunk)

    def _report(self, done: int, planned: int) -> None:
        if self.progress:
            self.progress(done, planned)
