"""Recorded trials beside what `leasesim replay` predicts for them, and a test of whether they are improbable.

The test. Under the predictions, trial i ends as it did with probability q_i, and trials are independent. The statistic
is the sum of -log q_i; its distribution under the predictions is drawn with a fixed seed, and the p-value is the share
of draws that are at least as improbable as what was recorded. Termination and over-allocation are tested each at
ALPHA / 2, so that predictions which are right raise a false alarm in at most ALPHA of all files of recordings; a
validation of two versions writes two.

No probability counts as closer to 0 or 1 than NOISE: that share of trials goes against a rule that is right, because
two things within milliseconds of each other may come in either order. (With the sweep known, the rule "lost at the
first sweep past the end" is wrong in 3 of 916 recorded stops.)
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ALPHA = 0.01
NOISE = 3 / 916
DRAWS = 100_000
TOLERANCE_S, TOLERANCE = 0.5, 0.05
"""A time agrees within half a second or 5 % of the predicted mean, or inside the predicted 90 % range so widened."""
QUESTIONS = {"p_terminated": "termination", "p_over_allocated": "over-allocation"}
HEADINGS = ("trial", "recorded", "overlap s", "stop s", "P(term)", "P(over)", "overlap s", "stop s", "verdict")
Row = Mapping[str, str]
Prediction = Mapping[str, Any]


class NoPrediction(Exception):
    """The simulator's side of the comparison is missing; the message says why."""


def predict(table: Path) -> dict[str, Prediction]:
    """Return the predictions of `leasesim replay` by trial; only the set-up columns are read there."""
    start = "import sys; from sim.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "replay", str(table), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    try:
        trials = json.loads(done.stdout)["trials"]
    except (ValueError, KeyError, TypeError):
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise NoPrediction(f"`leasesim replay` gave no predictions (exit code {done.returncode}): {said[-1]}") from None
    return {str(one["trial"]): one for one in trials}


@dataclass(frozen=True)
class Pair:
    """A trial as recorded, with its prediction."""

    recorded: Row
    predicted: Prediction

    def happened(self, question: str) -> bool:
        """Say what was recorded."""
        if question == "p_terminated":
            return self.recorded["outcome"] == "terminated"
        return self.recorded["over_allocated"] == "True"

    def chance(self, question: str) -> float:
        """Return the predicted probability, no closer to 0 or 1 than the noise of recordings."""
        return min(1 - NOISE, max(NOISE, float(self.predicted[question])))

    @property
    def off(self) -> list[str]:
        """Return what disagrees: an outcome against odds of 19 to 1 or more, or a time."""
        found = []
        for question, name in QUESTIONS.items():
            chance, happened = self.chance(question), self.happened(question)
            if (chance if happened else 1 - chance) < 0.05:
                found.append(name)
        if self.happened("p_over_allocated") and not _near(self.recorded["overlap_s"], self.predicted.get("overlap_s")):
            found.append("overlap")
        delay = stop_delay(self.recorded)
        if delay is not None and not _near(delay, self.predicted.get("stop_delay_s")):
            found.append("stop delay")
        return found


def stop_delay(row: Row) -> float | None:
    """From the end of the fault to the stop, seconds (negative: stopped while it lasted); None where not stopped."""
    if row["outcome"] != "terminated" or not row["body_stopped_s"]:
        return None
    return float(row["body_stopped_s"]) - float(row["fault_start_s"]) - float(row["fault_length_s"])


def _near(recorded: float | str, predicted: Mapping[str, float | None] | None) -> bool:
    if predicted is None or predicted.get("mean") is None:
        return True  # nothing was predicted, so nothing is wrong; the outcome has been judged
    mean, low, high = (float(predicted[key] or 0.0) for key in ("mean", "p05", "p95"))
    slack = max(TOLERANCE_S, TOLERANCE * abs(mean))
    return min(low, mean) - slack <= float(recorded) <= max(high, mean) + slack


def pairs(rows: Sequence[Row], predictions: Mapping[str, Prediction]) -> list[Pair]:
    """Match what was recorded with what was predicted; trials without an outcome have nothing to compare."""
    decided = [row for row in rows if row["outcome"] in ("terminated", "survived")]
    return [Pair(row, predictions[row["trial"]]) for row in decided if row["trial"] in predictions]


def p_value(happened: Sequence[bool], chances: Sequence[float], seed: int = 0) -> float:
    """Return how often outcomes drawn from the predictions are at least as improbable as those recorded."""
    p = np.asarray(chances, dtype=float)
    if not p.size:
        return 1.0
    against, inside = -np.log(p), -np.log1p(-p)
    recorded = float(np.where(np.asarray(happened), against, inside).sum())
    draws = np.random.default_rng(seed).random((DRAWS, p.size)) < p
    scores = np.where(draws, against, inside).sum(axis=1)
    return (1 + int((scores >= recorded - 1e-9).sum())) / (1 + DRAWS)


@dataclass(frozen=True)
class Verdict:
    """The comparison of a whole table."""

    pairs: Sequence[Pair]
    left_out: Sequence[str]
    """Trials with no outcome or no prediction."""
    p_values: Mapping[str, float]

    @property
    def improbable(self) -> bool:
        """Whether what was recorded is improbable under the predictions, at the stated level."""
        return any(p < ALPHA / len(QUESTIONS) for p in self.p_values.values())


def judge(rows: Sequence[Row], predictions: Mapping[str, Prediction]) -> Verdict:
    """Compare."""
    matched = pairs(rows, predictions)
    known = {pair.recorded["trial"] for pair in matched}
    values = {
        question: p_value([pair.happened(question) for pair in matched], [pair.chance(question) for pair in matched])
        for question in QUESTIONS
    }
    return Verdict(matched, [row["trial"] for row in rows if row["trial"] not in known], values)


def report(verdict: Verdict) -> str:
    """Return the table trial by trial, and what the test says."""
    lines: list[tuple[str, ...]] = [
        ("trial", "recorded", "overlap s", "stop s", "P(term)", "P(over)", "overlap s", "stop s", "verdict")
    ]
    lines += [_line(pair) for pair in verdict.pairs]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    text = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    agree = sum(not pair.off for pair in verdict.pairs)
    text += ["", f"{agree} of {len(verdict.pairs)} trials as predicted, outcome and times."]
    if verdict.left_out:
        text.append(f"Left out, with no outcome or no prediction: {', '.join(verdict.left_out)}.")
    for question, name in QUESTIONS.items():
        text.append(f"{name}: p = {verdict.p_values[question]:.3g} ({len(verdict.pairs)} trials)")
    wrong, level = ("IMPROBABLE" if verdict.improbable else "not improbable"), ALPHA / len(QUESTIONS)
    text.append(
        f"What was recorded is {wrong} under the predictions (each p against {level:g}; right predictions fail this "
        f"for at most {ALPHA * 100:g} in 100 files of recordings)."
    )
    return "\n".join(text)


def _line(pair: Pair) -> tuple[str, ...]:
    recorded, predicted = pair.recorded, pair.predicted
    delay = stop_delay(recorded)
    over = pair.happened("p_over_allocated")
    return (
        recorded["trial"],
        recorded["outcome"] + (", over-allocated" if over else ""),
        f"{float(recorded['overlap_s']):.2f}" if over else "-",
        "-" if delay is None else f"{delay:.2f}",
        f"{predicted['p_terminated']:.3f}",
        f"{predicted['p_over_allocated']:.3f}",
        _spread(predicted.get("overlap_s")),
        _spread(predicted.get("stop_delay_s")),
        ", ".join(pair.off) or "as predicted",
    )


def _spread(predicted: Mapping[str, float | None] | None) -> str:
    mean = None if predicted is None else predicted.get("mean")
    if predicted is None or mean is None or math.isnan(mean):
        return "-"
    return f"{mean:.2f} [{predicted.get('p05') or 0.0:.2f}, {predicted.get('p95') or 0.0:.2f}]"
