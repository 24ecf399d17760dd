"""What a worker does with one job: simulate some replications of one point and measure each.

A job is text and numbers only, so any executor can carry it. What comes back depends on the job alone: never on the
worker, the order of jobs or how replications were cut into them.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from sim import metrics
from sim.metrics import Tally
from sim.model.scenario import Scenario


@dataclass(frozen=True)
class Job:
    """Some replications of one point."""

    point: int
    scenario: str
    """As JSON."""
    seed: int
    engine: str
    replications: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of one replication: its tally, or why there is none."""

    point: int
    replication: int
    tally: Tally | None
    error: str | None = None
    """One line, such as ``ZeroDivisionError: division by zero``."""
    detail: str | None = None
    """The traceback."""


def perform(job: Job) -> tuple[Outcome, ...]:
    """Simulate a job; a replication that fails says so and lets the others go on."""
    return tuple(_outcomes(job))


def _outcomes(job: Job) -> Iterator[Outcome]:
    for replication in job.replications:
        try:
            tally = metrics.tally_of(_scenario(job.scenario), job.seed, replication, job.engine)
        except Exception as error:  # noqa: BLE001 - a defect in one replication must not end a sweep of thousands
            yield failed(job.point, replication, error)
        else:
            yield Outcome(job.point, replication, tally)


def failed(point: int, replication: int, error: BaseException) -> Outcome:
    """Return the outcome of a replication that ended in `error`."""
    words = str(error).strip().splitlines()
    line = f"{type(error).__name__}: {words[0]}" if words else type(error).__name__
    return Outcome(point, replication, None, line, "".join(traceback.format_exception(error)))


@lru_cache(maxsize=4)
def _scenario(text: str) -> Scenario:
    return Scenario.model_validate_json(text)
