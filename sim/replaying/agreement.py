"""Predictions held against how the trials came out. Nothing here reaches the predictions: they are made before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from typing import Final

from sim.replaying.predicting import Prediction, Spread
from sim.results.tables import Table, number

ABSOLUTE_S: Final = 0.5
RELATIVE: Final = 0.05
"""A predicted time agrees with a recorded one within half a second, or within five per cent of it."""

TIMES: Final[dict[str, str]] = {
    "body_stopped_s": "stopped",
    "revoked_s": "revoked",
    "first_attempt_s": "first_attempt",
}


@dataclass(frozen=True)
class Verdict:
    """One trial: what was predicted beside what happened."""

    prediction: Prediction
    terminated: bool
    over_allocated: bool
    times: Mapping[str, tuple[float, Spread]]
    """Recorded and predicted, where both are there."""

    @property
    def right(self) -> bool:
        """Whether the likelier outcome was the one that happened."""
        return (self.prediction.terminated.value >= 0.5) == self.terminated


def verdicts(predictions: Sequence[Prediction], rows: Sequence[Mapping[str, str]]) -> list[Verdict]:
    """Return a verdict for every trial that has a clear outcome."""
    return [
        Verdict(p, row["outcome"] == "terminated", row.get("over_allocated") == "True", dict(_times(p, row)))
        for p, row in zip(predictions, rows, strict=True)
        if row.get("outcome") in ("terminated", "survived")
    ]


def _times(prediction: Prediction, row: Mapping[str, str]) -> Iterable[tuple[str, tuple[float, Spread]]]:
    for column, name in TIMES.items():
        spread: Spread | None = getattr(prediction, name)
        recorded = row.get(column, "").strip()
        if column == "body_stopped_s" and row["outcome"] != "terminated":
            continue  # a body that survived was stopped by whoever watched it
        if recorded and spread is not None:
            yield column, (float(recorded), spread)


def tolerance_s(recorded: float) -> float:
    """Return how far a predicted time may be from a recorded one."""
    return max(ABSOLUTE_S, RELATIVE * abs(recorded))


def is_close(recorded: float, spread: Spread) -> bool:
    """Whether the predicted median agrees with a recorded time."""
    return abs(spread.median - recorded) <= tolerance_s(recorded)


def is_sharp(recorded: float, spread: Spread) -> bool:
    """Whether a time is predicted at all: nine replications of ten agree with each other within the tolerance."""
    return spread.p95 - spread.p05 <= 2 * tolerance_s(recorded)


def z_score(chances: Iterable[float], happened: Iterable[bool]) -> float:
    """Return how many standard deviations the number of events is from its prediction (Poisson-binomial).

    0 where everything was certain and came so; infinite where the impossible happened.
    """
    p, y = list(chances), list(happened)
    off, variance = sum(y) - sum(p), sum(each * (1 - each) for each in p)
    if variance == 0:
        return 0.0 if abs(off) < 1e-9 else float("inf")
    return off / sqrt(variance)


def two_sided(z: float) -> float:
    """Return the probability of a normal score at least so far from zero."""
    return erfc(abs(z) / sqrt(2))


def smoothed(prediction: Prediction) -> float:
    """Return the chance of termination as the replications allow it to be known: never quite 0 or 1."""
    n = prediction.terminated.n
    return (prediction.terminated.value * n + 0.5) / (n + 1)


def agreement(judged: Sequence[Verdict], left_out: int = 0) -> Table:
    """Return how well predictions and recordings agree, by version and fault."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in judged:
        trial = verdict.prediction.trial
        groups.setdefault((trial.version_text, trial.fault), []).append(verdict)
    columns = ("Prefect", "fault", "trials", "right", "terminated", "predicted", "over-allocated", "predicted", "times")
    rows = [_row(*name, groups[name]) for name in sorted(groups)]
    if len(rows) > 1:
        rows.append(_row("all", "", list(judged)))
    notes = [
        "right: the likelier outcome was the one recorded. predicted: sum of the predicted probabilities.",
        f"times: of stops, revocations and first attempts that are predicted within {ABSOLUTE_S:g} s or "
        f"{RELATIVE:.0%}, how many were recorded so.",
    ]
    if left_out:
        notes.append(f"Left out: {left_out} trials without a clear outcome.")
    return Table((), columns, rows, notes, frozenset(range(2, len(columns))))


def _row(version: str, fault: str, judged: Sequence[Verdict]) -> list[str]:
    right = sum(each.right for each in judged)
    sharp = [pair for each in judged for pair in each.times.values() if is_sharp(*pair)]
    close = sum(is_close(*pair) for pair in sharp)
    return [
        version,
        fault,
        str(len(judged)),
        f"{right}/{len(judged)}",
        str(sum(each.terminated for each in judged)),
        number(sum(each.prediction.terminated.value for each in judged)),
        str(sum(each.over_allocated for each in judged)),
        number(sum(each.prediction.over_allocated.value for each in judged)),
        f"{close}/{len(sharp)}",
    ]
