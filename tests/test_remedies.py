"""Remedies: what each changes, what does not apply and why, and differences on common random numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import pytest

from sim import metrics
from sim.cli import main
from sim.model.load import load, loads
from sim.model.scenario import Scenario
from sim.remedies.advice import Remedy, advice
from sim.remedies.trial import KILLED, Remedies, Tried, remedies
from sim.stats import Estimate
from sim.units import SECOND

BLOCKED = """
extends = "blocked-loop"
duration = "3h"
"""


@cache
def by_name(case: str = "laptop-own-server") -> dict[str, Remedy]:
    return {remedy.name: remedy for remedy in advice(load(case))}


@cache
def tried() -> Remedies:
    return remedies(loads(BLOCKED), replications=4, engine="process")


def world(name: str, case: str = "laptop-own-server") -> Scenario:
    found = by_name(case)[name].world
    assert found is not None
    return found


def test_each_remedy_changes_what_its_name_says_and_nothing_else() -> None:
    case = load("laptop-own-server")
    assert world("time-out 120 s") == case.with_({"http.connect_timeout": "2m", "http.read_timeout": "2m"})
    assert world("10 retries") == case.with_({"http.max_retries": 10})
    assert world("retry 502, 503, 504").http.retry_codes == (408, 429, 502, 503, 504)
    assert world("durable lease storage").lease.on_restart == "keep"
    assert world("sweep every 5 min").lease.sweep_interval == 300 * SECOND
    assert world("longer grace (15 min)").initial_ttl_ns == 900 * SECOND
    off = {f.name for f in world("keep the machine awake").faults if f.probability == 0}
    assert off == {"sleep", "night"}
    assert {f.name for f in world("no restart during runs").faults if f.probability == 0} == {"server_restart"}


def test_upgrades_are_cumulative_and_only_those_that_changed_something_here() -> None:
    assert world("upgrade to 3.6.12").http.retry_refused
    assert world("upgrade to 3.6.12").renewal.attempts == 1
    assert world("upgrade to 3.7.1").renewal.runs_in == "thread"
    assert world("upgrade to 3.7.1").renewal.attempts == 3
    assert "upgrade to 3.4.15" not in by_name()
    assert by_name()["upgrade to 3.8.5"].world is None
    retrying = load("laptop-own-server").with_({"runs.retry.attempts": 2, "runs.retry.probability": 0.5})
    found = {remedy.name: remedy for remedy in advice(retrying)}["upgrade to 3.8.5"].world
    assert found is not None
    assert found.runs.retry.lease == "keep"


@pytest.mark.parametrize(
    ("case", "name", "because"),
    [
        ("laptop-own-server", "ttl x 4", "constants of Prefect's client"),
        ("laptop-own-server", "worker instead of serve()", "renews from the same place"),
        ("worker-other-host", "keep the machine awake", "no machine sleeps"),
        ("worker-other-host", "durable lease storage", "already"),
        ("worker-other-host", "worker instead of serve()", "by a worker already"),
        ("leader-election", "upgrade", "no [prefect] table"),
        ("leader-election", "sweep every 5 min", "does not sweep"),
    ],
)
def test_a_remedy_that_does_not_apply_says_why(case: str, name: str, because: str) -> None:
    remedy = by_name(case)[name]
    assert remedy.world is None
    assert because in remedy.why_not


def test_a_ttl_can_be_changed_where_the_system_allows_it() -> None:
    block = loads('extends = "laptop-own-server"\n[prefect]\nlimit = "concurrency"\nlease_duration = 90\n')
    found = {remedy.name: remedy for remedy in advice(block)}
    assert found["ttl / 2"].why_not == "lease_duration is 60 s to 86400 s in Prefect"
    longer = found["ttl x 4"].world
    assert longer is not None
    assert longer.lease.ttl == 360 * SECOND


def test_a_thread_helps_against_a_blocked_loop_and_retries_do_nothing() -> None:
    found = {each.remedy.name: each for each in tried().tried}
    kills = sum(tally.terminations_by_cause.get("blocked_loop", 0) for tally in tried().tallies)
    assert kills > 0
    for name in ("heavy work out of the event loop", "upgrade to 3.7.1"):
        assert sum(tally.false_terminations for tally in found[name].tallies) == 0, name
        change = (found[name].by_cause or {})["blocked_loop"]
        assert change.value == -kills / len(tried().tallies)
    assert found["10 retries"].verdict == "does nothing"
    assert "not one run ends otherwise" in found["10 retries"].sentence()
    free = found["no limit"].tallies
    assert sum(tally.false_terminations for tally in free) == 0
    assert sum(tally.over_allocation_ns for tally in free) > sum(tally.over_allocation_ns for tally in tried().tallies)


def test_differences_are_paired_and_intervals_adjusted() -> None:
    result = tried()
    applied = [each for each in result.tried if each.killed is not None]
    causes = {cause for tally in result.tallies for cause in tally.terminations_by_cause}
    assert result.intervals == len(applied) * (2 + len(causes))
    total = metrics.estimates(result.tallies)[KILLED].value
    for each in applied:
        assert each.killed is not None
        assert each.killed.confidence == pytest.approx(1 - 0.05 / result.intervals)
        assert each.killed.value == pytest.approx(metrics.estimates(each.tallies)[KILLED].value - total)


@pytest.mark.parametrize(
    ("killed", "over", "verdict"),
    [
        ((-2, -1), (-2, -1), "helps"),
        ((-2, -1), (1, 2), "trades"),
        ((-1, 1), (1, 2), "harms"),
        ((1, 2), (-2, -1), "trades"),
        ((-1, 1), (-1, 1), "no difference shown"),
        ((-2, -1), (-1, 1), "helps"),
    ],
)
def test_the_verdict_is_read_off_both_intervals(
    killed: tuple[float, float], over: tuple[float, float], verdict: str
) -> None:
    sides = [Estimate((low + high) / 2, low, high, "fraction", 9, "t", 0.99) for low, high in (killed, over)]
    each = Tried(Remedy("x", Scenario()), (), sides[0], sides[1])
    assert each.verdict == verdict
    assert verdict in each.sentence()


def test_the_command(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    short: Callable[..., int] = main
    words = ["remedies", "blocked-loop", "--reps", "2", "--jobs", "1", "--engine", "process", "--duration", "2h"]
    assert short(words) == 0
    out, _ = capfd.readouterr()
    assert "Bonferroni" in out
    assert "ttl x 4: does not apply" in out
    assert short([*words, "--json"]) == 0
    data = json.loads(capfd.readouterr()[0])
    assert data["multiplicity"]["method"] == "Bonferroni"
    assert {"remedy", "verdict", "sentence"} <= data["remedies"][0].keys()
    assert short(["remedies", "blocked-loop", "--reps", "auto"]) == 2
