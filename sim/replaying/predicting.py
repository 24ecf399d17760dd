"""Predicting recorded trials: many replications of each, with random numbers of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from sim import engines
from sim.replaying.trials import Trial
from sim.replaying.watching import Seen, watch
from sim.replaying.worlds import world
from sim.results.tables import Table, interval, number
from sim.stats import Estimate, proportion_interval
from sim.streams import stable_id
from sim.units import seconds

REPLICATIONS: Final = 100

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Spread:
    """How a time varies over replications, in seconds; `n` of them had it."""

    mean: float
    p05: float
    p95: float
    median: float
    n: int

    def as_json(self) -> dict[str, float]:
        """The spread as a JSON object."""
        return {"mean": self.mean, "p05": self.p05, "p95": self.p95, "median": self.median, "n": self.n}


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is to be expected of one trial; a time is None where no replication had it."""

    trial: Trial
    terminated: Estimate
    over_allocated: Estimate
    third_run: Estimate
    overlap: Spread
    overlap_running: Spread
    stop_delay: Spread | None
    """From the end of the fault to the stop of the body, where it was terminated; below 0: before the end."""
    stopped: Spread | None
    revoked: Spread | None
    waiter_acquired: Spread | None
    first_attempt: Spread | None

    def as_json(self) -> dict[str, Any]:
        """The prediction as a JSON object; every time in seconds, after the last renewal unless it is a length."""
        chances = {"terminated": self.terminated, "over_allocated": self.over_allocated}
        if self.trial.deployment:
            chances["third_run"] = self.third_run
        spreads = {
            "overlap_s": self.overlap,
            "overlap_running_s": self.overlap_running,
            "stop_delay_s": self.stop_delay,
            "body_stopped_s": self.stopped,
            "revoked_s": self.revoked,
            "waiter_acquired_s": self.waiter_acquired,
            "first_attempt_s": self.first_attempt,
        }
        return {
            "trial": self.trial.name,
            **{f"p_{name}": estimate.value for name, estimate in chances.items()},
            **{name: spread and spread.as_json() for name, spread in spreads.items()},
            "intervals_95": {f"p_{name}": [estimate.low, estimate.high] for name, estimate in chances.items()},
            "replications": self.terminated.n,
        }


def predict(trial: Trial, replications: int = REPLICATIONS, seed: int = 1, engine: str = "auto") -> Prediction:
    """Simulate a trial many times; its draws depend on its name, the seed and nothing else."""
    scenario, first = world(trial), stable_id(trial.name)
    seen = [watch(engines.run(scenario, seed, first + k, engine=engine), trial) for k in range(replications)]
    stopped = [each for each in seen if each.terminated]
    overlap, running = _spread([s.overlap_ns for s in seen]), _spread([s.overlap_running_ns for s in seen])
    assert overlap is not None
    assert running is not None
    return Prediction(
        trial,
        terminated=_chance(seen, "terminated"),
        over_allocated=_chance(seen, "over_allocated"),
        third_run=_chance(seen, "third_run"),
        overlap=overlap,
        overlap_running=running,
        stop_delay=_spread([each.stopped_ns - trial.fault_end_ns for each in stopped]),
        stopped=_spread([each.stopped_ns for each in stopped]),
        revoked=_spread(each.revoked_ns for each in seen),
        waiter_acquired=_spread(each.acquired_ns for each in seen),
        first_attempt=_spread(each.first_attempt_ns for each in seen),
    )


def predict_all(
    trials: Sequence[Trial],
    replications: int = REPLICATIONS,
    seed: int = 1,
    engine: str = "auto",
    progress: Progress | None = None,
) -> list[Prediction]:
    """Predict every trial."""
    predictions = []
    for done, trial in enumerate(trials, start=1):
        predictions.append(predict(trial, replications, seed, engine))
        if progress is not None:
            progress(done, len(trials))
    return predictions


def _chance(seen: Sequence[Seen], what: str) -> Estimate:
    return proportion_interval(sum(getattr(each, what) for each in seen), len(seen))


def _spread(times: Iterable[int | None]) -> Spread | None:
    found = np.array([seconds(time) for time in times if time is not None])
    if not len(found):
        return None
    low, middle, high = (float(value) for value in np.quantile(found, (0.05, 0.5, 0.95)))
    return Spread(float(found.mean()), low, high, middle, len(found))


def table(predictions: Sequence[Prediction], seed: int) -> Table:
    """Return the predictions as a table for people."""
    deployments = any(p.trial.deployment for p in predictions)
    columns = ["trial", "Prefect", "fault", "at s", "for s", "terminated", "95 %", "over-allocated", "95 %"]
    columns += ["third run", "95 %"] if deployments else []
    columns += ["overlap s (5 - 95 %)", "stopped after the fault s (5 - 95 %)"]
    rows = []
    for p in predictions:
        t = p.trial
        row = [t.name, t.version_text, t.fault, number(t.fault_start_ns / 1e9), number(t.fault_length_ns / 1e9)]
        chances = [p.terminated, p.over_allocated, *([p.third_run] if deployments else [])]
        for chance in chances:
            row += [number(chance.value), interval(chance)]
        rows.append([*row, _told(p.overlap), _told(p.stop_delay)])
    count = predictions[0].terminated.n if predictions else 0
    heading = [f"{len(predictions):,} trials, {count:,} replications of each, seed {seed}"]
    notes = (
        "Overlap: mean over all replications, 0 where there was none. Stopped: from the end of the fault to the stop",
        "of the body, over the replications in which it was terminated; below 0 before the fault ended.",
    )
    return Table(heading, columns, rows, notes, frozenset({3, 4}))


def _told(spread: Spread | None) -> str:
    return "-" if spread is None else f"{number(spread.mean)} ({number(spread.p05)} - {number(spread.p95)})"
