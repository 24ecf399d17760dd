"""The command that predicts recorded trials from how they were set up."""

from __future__ import annotations

from pathlib import Path

from sim.cli import screen
from sim.cli.exits import SOME_FAILED
from sim.cli.options import Effort
from sim.errors import UsageError, render
from sim.replaying import agreement as against
from sim.replaying import predicting
from sim.replaying.reading import read
from sim.results.asked import fit_to_seed
from sim.results.provenance import version


def replay(
    trials: Path,
    /,
    *,
    reps: str | None = None,
    seed: int = 1,
    engine: str = "auto",
    agreement: bool = False,
    json: bool = False,
) -> int:
    """Predict recorded trials of a real Prefect from their set-up: how each came out is never read.

    Parameters
    ----------
    trials
        A CSV file, a row for each trial. Rows that cannot be read are named, the others predicted; exit code 3 says so.
    reps
        Replications of each trial (default: 100).
    seed
        Seed: same seed, same numbers.
    engine
        Engine; all give the same events. `auto` takes the compiled one where it can run.
    agreement
        Then read the outcomes too, and print how well the predictions agree, by version and fault.
    json
        Print the result as JSON.
    """
    count = Effort(reps=reps).replications(predicting.REPLICATIONS)
    if count is None:
        raise UsageError("--reps auto: a prediction needs a number", "for example --reps 100")
    fit_to_seed(seed)
    recording = read(trials)
    if recording.problems:
        screen.aside(render(recording.problems))
    with screen.progress("trials") as progress:
        predictions = predicting.predict_all(recording.trials, count, seed, engine, progress)
    judged = against.verdicts(predictions, recording.rows) if agreement else []
    if json:
        told = {
            "trials": [prediction.as_json() for prediction in predictions],
            "problems": [str(problem) for problem in recording.problems],
            "provenance": {"leasesim": version(), "seed": seed, "replications": count},
        }
        screen.out_json(told)
    elif agreement:
        screen.out(against.agreement(judged, len(predictions) - len(judged)).text().lstrip("\n"))
    elif predictions:
        screen.out(predicting.table(predictions, seed).text())
    return SOME_FAILED if recording.problems else 0
