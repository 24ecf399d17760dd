"""The model against recordings of a real Prefect: outcomes, times, and probabilities that are worth their name.

The default tests take few replications of each trial; the long ones many, and with them the bounds are those that the
documentation states. Draws are fixed, so a test that passes passes always: the false-alarm rates say how surprising its
first failure after a change of the model would be.
"""

from __future__ import annotations

import pytest

from sim.engines import kernel
from sim.replaying.agreement import Verdict, is_close, is_sharp, smoothed, two_sided, verdicts, z_score
from sim.replaying.predicting import predict_all
from sim.replaying.reading import read
from tests.recordings.agreeing import FILES, HERE, judged

pytestmark = pytest.mark.skipif(not kernel.available()[0], reason="1302 trials are many for the readable engine")

FEW, MANY = 5, 200
RARE = 0.001
"""False-alarm rate of each test of a probability."""


def wrong(found: tuple[Verdict, ...]) -> list[str]:
    return [
        f"{v.prediction.trial.name}: p = {v.prediction.terminated.value}, terminated = {v.terminated}"
        for v in found
        if not v.right
    ]


def outcomes_are_right(replications: int, share: float) -> None:
    found = judged(replications)
    assert len(found) == 1302
    missed = wrong(found)
    assert len(missed) <= (1 - share) * len(found), "\n".join(missed)


def times_agree(replications: int, share: float) -> None:
    """Of the times that are predicted to within the tolerance, nearly all were recorded within it."""
    for column, least in (("body_stopped_s", 500), ("revoked_s", 550), ("first_attempt_s", 1200)):
        pairs = [v.times[column] for v in judged(replications) if column in v.times]
        sharp = [pair for pair in pairs if is_sharp(*pair)]
        assert len(sharp) >= least, column
        off = [pair for pair in sharp if not is_close(*pair)]
        assert len(off) <= (1 - share) * len(sharp), (column, off)


def probabilities_are_calibrated(found: tuple[Verdict, ...]) -> None:
    """The number of terminations is what the probabilities add up to: in all, and where they are neither 0 nor 1."""
    p = [smoothed(v.prediction) for v in found]
    happened = [v.terminated for v in found]
    assert two_sided(z_score(p, happened)) > RARE
    open_ones = [(a, b) for a, b in zip(p, happened, strict=True) if 0.05 < a < 0.95]
    assert len(open_ones) >= 5
    assert two_sided(z_score(*zip(*open_ones, strict=True))) > RARE


def brier_is_as_expected(found: tuple[Verdict, ...]) -> None:
    """Spiegelhalter's z: the squared errors are as large as the probabilities themselves say that they will be."""
    p = [smoothed(v.prediction) for v in found]
    off = sum((v.terminated - a) * (1 - 2 * a) for v, a in zip(found, p, strict=True))
    variance = sum((1 - 2 * a) ** 2 * a * (1 - a) for a in p)
    assert two_sided(off / variance**0.5) > RARE


def test_outcomes() -> None:
    outcomes_are_right(FEW, 0.99)


def test_times() -> None:
    times_agree(FEW, 0.97)


def test_calibration_without_the_sweep_phase() -> None:
    """Nobody tells when the sweeps were: probabilities between 0 and 1, on every third trial."""
    found = judged(20, phase_known=False, every=3)
    probabilities_are_calibrated(found)
    brier_is_as_expected(found)


@pytest.mark.long
def test_outcomes_with_many_replications() -> None:
    outcomes_are_right(MANY, 0.99)


@pytest.mark.long
def test_times_with_many_replications() -> None:
    times_agree(MANY, 0.99)


@pytest.mark.long
def test_calibration_with_many_replications() -> None:
    probabilities_are_calibrated(judged(MANY, phase_known=False))
    brier_is_as_expected(judged(MANY, phase_known=False))


def test_whole_deployments() -> None:
    """The likelier outcome came; and a third run was let in where, and only where, that was likely."""
    recording = read(HERE / "deployments.csv")
    for prediction, row in zip(predict_all(recording.trials, 100), recording.rows, strict=True):
        assert (prediction.terminated.value >= 0.5) == (row["outcome"] == "terminated"), row
        if row["run3_overlaps_run2"]:
            assert (prediction.third_run.value >= 0.5) == (row["run3_overlaps_run2"] == "True"), row


def test_all_files_are_there() -> None:
    assert len(FILES) == 18


@pytest.mark.parametrize("version", ["3.4.25", "3.9.1"])
def test_recordings_made_later(version: str) -> None:
    """Our own, with faults that are not among the others (stall, delay, killed servers): made after the rules stood."""
    recording = read(HERE.parents[2] / "validation" / "recordings" / f"prefect-{version}.csv")
    assert not recording.problems
    judged_later = verdicts(predict_all(recording.trials, 20), recording.rows)
    assert len(judged_later) >= 30
    assert not (missed := wrong(tuple(judged_later))), missed
