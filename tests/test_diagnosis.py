"""Diagnosis: suspects that the answers rule out are gone, evidence moves the ranking, and bad answers are told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sim.cli import diagnosing, main
from sim.diagnosis import weighing
from sim.diagnosis.suspects import PRIOR, Answers, accused, suspects, world
from sim.diagnosis.weighing import Diagnosis, Kill, diagnose, fits
from sim.errors import ScenarioError
from sim.units import MINUTE

QUICK = {"duration": "6h"}


def ranked(replications: int = 3, **said: object) -> Diagnosis:
    answers = Answers("3.4.25", **said)  # type: ignore[arg-type]  # the tests' own words
    return diagnose(answers, world(answers).with_(QUICK), replications, engine="process")


def test_every_suspect_makes_a_world_and_says_what_would_decide() -> None:
    answers = Answers("3.9.1", launch="worker_elsewhere", server="remote")
    base = world(answers)
    listed = list(suspects(answers))
    assert len({suspect.name for suspect in listed}) == len(listed) >= 12
    for suspect in listed:
        assert accused(base, suspect) != base
        assert suspect.decides
        assert suspect.assumed


def test_answers_rule_suspects_out() -> None:
    by_name = {s.name: s.prior for s in suspects(Answers("3.4.25", sleeps="no", restarts="yes", body="sync"))}
    assert by_name["the machine slept"] == 0
    assert by_name["the server was restarted"] == 1
    assert by_name["blocking code on the event loop"] == 0
    cloud = {s.name: s.prior for s in suspects(Answers("3.4.25", server="cloud", restarts="yes"))}
    assert cloud["the server was restarted"] == 0
    assert PRIOR == {"yes": 1.0, "unknown": 0.3, "no": 0.0}


@pytest.mark.parametrize(
    ("kill", "log", "after", "fit"),
    [
        (Kill("410", 30 * MINUTE), "410", 26 * MINUTE, True),
        (Kill("410", 30 * MINUTE), "refused", 26 * MINUTE, False),
        (Kill("410", 40 * MINUTE), "410", 26 * MINUTE, False),
        (Kill("410", 40 * MINUTE), "unknown", None, True),
        (Kill("410", MINUTE // 2), "unknown", 0, True),
    ],
)
def test_what_fits(kill: Kill, log: str, after: int | None, fit: bool) -> None:
    assert fits(kill, Answers("3.9.1", log=log, after_ns=after)) is fit


def test_probabilities_add_up_and_the_log_moves_them(monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = {suspect.name: suspect for suspect in suspects(Answers("3.4.25", sleeps="yes"))}
    often = {"faults": [{**fault, "when": "6/h"} for fault in everyone["connections were refused"].changes["faults"]]}
    two = [everyone["the machine slept"], replace(everyone["connections were refused"], changes=often)]
    monkeypatch.setattr(weighing, "suspects", lambda _answers: iter(two))
    gone, refused = ranked(log="410"), ranked(log="refused")
    for found in (gone, refused):
        assert sum(v.probability.value for v in found.verdicts) == pytest.approx(1)
        for verdict in found.verdicts:
            assert verdict.probability.low <= verdict.probability.value <= verdict.probability.high
            assert verdict.matching <= verdict.kills
    assert [v.suspect.name for v in gone.verdicts] == ["the machine slept", "connections were refused"]
    assert [v.suspect.name for v in refused.verdicts] == ["connections were refused", "the machine slept"]
    assert gone.verdicts[1].matching == 0
    assert 0 < gone.verdicts[1].probability.high < 1
    assert gone.verdicts == ranked(log="410").verdicts


def test_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    words = ["diagnose", "--prefect-version", "3.4.25", "--sleeps", "yes", "--log", "410", "--after", "26m"]
    words += ["--reps", "2", "--engine", "process", "--duration", "2h"]
    assert main(words) == 0
    out, _ = capfd.readouterr()
    assert "decided by" in out
    assert "the machine slept" in out
    assert main([*words, "--json"]) == 0
    assert json.loads(capfd.readouterr()[0])["answers"]["log"] == "410"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--after", "soon"], "--after soon"),
        (["--after", "-5s"], "--after -5s: must not be negative"),
        (["--prefect-version", "3.99.1"], 'nearest: "3.9.1"'),
        (["--launch", "srve"], "serve"),
        (["--log", "411"], "410"),
        (["--reps", "0"], "--reps 0"),
        (["--launch", "worker_elsewhere"], "server"),
    ],
)
def test_bad_answers_are_told(words: list[str], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", *words]) == 2
    out, err = capfd.readouterr()
    assert told in err
    assert "Traceback" not in out + err


def test_the_interview_keeps_what_is_left_open() -> None:
    replies = iter(["3.6.0", "w", "", "", "sync", "y", "", "n", "", "refused", "12m"])
    given = {"launch": "serve", "server": "local", "limit": "deployment", "body": "async"}
    said = dict.fromkeys(("sleeps", "blocks", "restarts", "retries", "log"), "unknown")
    assert diagnosing.interview(given, said, lambda _question: next(replies)) == ("3.6.0", "12m")
    assert given == {"launch": "worker", "server": "local", "limit": "deployment", "body": "sync"}
    assert said == {"sleeps": "yes", "blocks": "unknown", "restarts": "no", "retries": "unknown", "log": "refused"}
    with pytest.raises(ScenarioError, match="expected one of"):
        diagnosing.interview(given, said, lambda _question: "zzzz")
