"""The live page: what is turned is what is simulated, links come back, and only this machine is served."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.cli import main
from sim.errors import ScenarioError, UsageError
from sim.explorer import wording
from sim.explorer.answers import Memory, answers
from sim.explorer.drawing import again, told, worst_of
from sim.explorer.serving import free_port
from sim.explorer.state import State, Subject, restored
from sim.metrics import Tally, tally_of
from sim.model.scenario import Scenario
from sim.results.measures import FALSE_TERMINATIONS, OVER_ALLOCATION

ROOT = Path(__file__).resolve().parents[1]
TOML = """
title = "<script>alert('x')</script>"
duration = "3h"
lease.ttl = "2m"
runs.work = { kind = "exponential", mean = "20m" }
runs.arrivals = { kind = "closed", clients = 2 }
[[faults]]
what = "sleep"
when = "2/h"
length = { kind = "exponential", mean = "3m" }
[[faults]]
name = "night"
what = "sleep"
when = { daily = ["10h"] }
length = "1h"
"""


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    path = tmp_path_factory.mktemp("mine") / "mine.toml"
    path.write_text(TOML, "utf-8")
    return Subject.of(path, 1, "process")


def test_the_page_is_built_without_a_deprecated_word(subject: Subject) -> None:
    """Any warning fails a test here. In a loop of our own, for Panel does not close the one that it makes."""
    pytest.importorskip("panel", reason="panel is not installed: pip install 'leasesim[explore]'")
    from sim.explorer.view import Explorer

    async def against() -> str:
        return str(Explorer(subject, address="http://127.0.0.1:1/").against.name)

    assert asyncio.run(against()) == "Compare with"


# ---------------------------------------------------------------------- knobs and links


@pytest.mark.parametrize("name", sim.names())
def test_every_choice_of_every_knob_is_a_value_the_scenario_takes_or_refuses_in_words(name: str) -> None:
    subject = Subject.of(name, 1, "process")
    assert [knob.key for knob in subject.knobs[:4]] == [
        "lease.ttl", "renewal.every", "http.max_retries", "renewal.attempts",
    ]  # fmt: skip
    refused: list[str] = []
    for knob in subject.knobs:
        assert knob.as_given in knob.choices
        assert State().turn(subject, knob.key, knob.as_given) == State()
        for choice in (knob.choices[0], knob.choices[-1]):
            try:
                State().turn(subject, knob.key, choice).scenario(subject)
            except ScenarioError as error:
                refused += [problem.message for problem in error.problems]
    assert all(refused)


def test_a_link_gives_the_state_back(subject: Subject) -> None:
    state = State(against="no-faults").turn(subject, "faults.sleep.when.rate", "0/h").turn(subject, "lease.ttl", "5m")
    assert state.query() == "?lease.ttl=5m&faults.sleep.when.rate=0%2Fh&against=no-faults"
    assert restored(subject, state.query()) == (subject, state, [])
    assert restored(subject, "?lease.ttl=300s")[1].turned == {"lease.ttl": "5m"}


def test_a_link_may_hold_a_value_that_no_knob_offers(subject: Subject) -> None:
    wider, state, ignored = restored(subject, "?lease.ttl=137s")
    assert state.turned == {"lease.ttl": "137s"}
    assert not ignored
    knob = wider.knob("lease.ttl")
    assert knob is not None
    assert knob.choices[knob.choices.index("137s") - 1] == "2m"


def test_what_a_link_cannot_mean_is_said_and_escaped(subject: Subject) -> None:
    query = "?lease.ttl=%3Cb%3E&hosts.count=7&against=nobody&renewal.every=0.5"
    same, state, ignored = restored(subject, query)
    assert state.turned == {"renewal.every": "0.5"}
    assert len(ignored) == 3
    text = wording.link(same, state, "http://127.0.0.1:1/") + wording.unusable(ignored)
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
    assert restored(subject, "?" + "x" * 5000)[1] == State()


def test_a_link_that_is_empty_or_says_two_things_is_not_passed_over(subject: Subject) -> None:
    _, state, ignored = restored(subject, "?lease.ttl=&renewal.every=0.5&renewal.every=0.6")
    assert state.turned == {"renewal.every": "0.6"}
    assert ignored[0] == "'renewal.every' is there more than once: the last counts"
    assert ignored[1].startswith("lease.ttl cannot be '': ")


def test_what_contradicts_itself_is_told_in_a_sentence() -> None:
    leader = Subject.of("kubernetes-leader-election", 1, "process")
    with pytest.raises(ScenarioError) as error:
        State().turn(leader, "lease.ttl", "10s").scenario(leader)
    (problem,) = error.value.problems
    assert problem.sentence.startswith("lease.ttl (10s) and renewal.fence_after (10s) break the rule")


@pytest.mark.parametrize("text", ["1us", "9s", "2h", "forever"])
def test_a_link_asks_for_nothing_that_would_take_for_ever(subject: Subject, text: str) -> None:
    same, state, ignored = restored(subject, f"?lease.ttl={text}")
    assert (same, state) == (subject, State())
    assert ignored


def test_the_toml_and_the_command_are_the_state(subject: Subject) -> None:
    state = State().turn(subject, "lease.ttl", "5m").turn(subject, "faults.night.probability", "0")
    assert sim.loads(state.toml(subject)) == state.scenario(subject)
    assert state.scenario(subject) == subject.scenario.with_({"lease.ttl": "5m", "faults.night.probability": 0.0})
    assert state.command(subject).endswith("mine.toml --lease.ttl 5m --faults.night.probability 0")


# ---------------------------------------------------------------------- answers


def test_answers_get_better_and_are_those_of_replicate(subject: Subject) -> None:
    state = State().turn(subject, "lease.ttl", "5m")
    found = list(answers(subject, state, Memory(), rounds=(2, 4)))
    assert [(answer.replications, answer.last) for answer in found] == [(2, False), (4, True)]
    other = sim.replicate(state.scenario(subject), 4, engine="process")
    assert found[-1].now.kills == other.metrics[FALSE_TERMINATIONS]
    assert found[-1].now.excess == other.metrics[OVER_ALLOCATION]
    paired = sim.compare(subject.scenario, state.scenario(subject), 4, engine="process")
    assert found[-1].kills_change == paired.metrics[FALSE_TERMINATIONS].difference
    assert "4 replications." in wording.numbers(found[-1], state)


def test_what_was_looked_at_is_not_simulated_again(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(scenario: Scenario, seed: int, replication: int, engine: str) -> Tally:
        made.append(replication)
        return tally_of(scenario, seed, replication, engine)

    monkeypatch.setattr("sim.explorer.answers.tally_of", counted)
    memory = Memory()
    for count in (2, 3, 1):
        assert len(memory.tallies(subject.scenario, 1, "process", count)) == count
    assert made == [0, 1, 2]


def test_an_answer_that_nobody_waits_for_stops_at_the_next_replication(subject: Subject) -> None:
    left = iter([True] * 9 + [False] * 99)
    found = list(answers(subject, State(), Memory(), (4, 64), lambda: next(left)))
    assert [answer.replications for answer in found] == [4]


def test_the_worst_replication_is_told_with_the_line_that_replays_it(subject: Subject) -> None:
    state = State().turn(subject, "lease.ttl", "1m")
    at = worst_of(subject, state, 3, Memory())
    assert at is not None
    assert f"--rep {at} --lease.ttl 1m" in told(subject, state, at).story
    assert again(subject, state, at).digest == sim.run(state.scenario(subject), 1, at).digest


# ---------------------------------------------------------------------- serving


def test_a_taken_port_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} is taken"):
            free_port(port)
    with pytest.raises(UsageError, match="ports run from 1 to"):
        free_port(70_000)
    assert free_port(0) > 0


def test_a_missing_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sim.explorer.find_spec", lambda _: None)
    assert main(["explore", "no-faults"]) == 2
    said = capsys.readouterr().err
    assert "the live page needs Panel, which is not installed" in said
    assert "pip install 'leasesim[explore]'" in said


REFUSED = """
import asyncio
import sim
from sim.errors import time_stands_still
from sim.explorer import view
from sim.explorer.state import Subject
def refuse(*_, **__):
    yield from ()
    raise time_stands_still(7)
page = view.Explorer(Subject.of(sim.load("no-faults").with_({"duration": "10m"}), 1, "process"), address="http://127.0.0.1:1/")
page.story.object = "of a state before"
view.answers = refuse
asyncio.run(page._go())
print("time stands still" in page.numbers.object, page.answer, repr(page.story.object), page.download.disabled)
"""
"""In a process of its own: Panel starts event loops, and ends none."""


def test_what_the_engine_refuses_is_said_in_place_of_numbers() -> None:
    pytest.importorskip("panel", reason="panel is not installed: pip install 'leasesim[explore]'")
    done = subprocess.run(
        [sys.executable, "-c", REFUSED], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.splitlines()[-1:] == ["True None '' True"], done.stderr
