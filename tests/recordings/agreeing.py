"""All recordings, predicted once for every test that asks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from sim.replaying.agreement import Verdict, verdicts
from sim.replaying.predicting import predict_all
from sim.replaying.reading import read
from sim.replaying.trials import Trial

HERE = Path(__file__).parent / "prefect"
FILES = sorted(path for path in HERE.glob("*.csv") if path.stem != "deployments")


@cache
def judged(replications: int, phase_known: bool = True, every: int = 1) -> tuple[Verdict, ...]:
    """Every trial of one lease with a clear outcome; without its sweep phase if that is to be guessed."""
    trials: list[Trial] = []
    rows: list[dict[str, str]] = []
    for path in FILES:
        recording = read(path)
        assert not recording.problems
        trials += recording.trials
        rows += [dict(row) for row in recording.rows]
    trials, rows = trials[::every], rows[::every]
    if not phase_known:
        trials = [replace(trial, first_sweep_ns=None) for trial in trials]
    return tuple(verdicts(predict_all(trials, replications), rows))
