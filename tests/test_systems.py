"""The systems that come along: every number accounted for, their own rules hold and refuse, both engines run them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.engines import kernel
from sim.errors import ScenarioError, UsageError
from sim.metrics import tally_of
from sim.model.distributions import Constant
from sim.model.load import dumps, load, loads, warnings_of
from sim.model.mixing import mixture
from sim.model.scenario import Scenario
from sim.model.systems.books import COVERAGE, GRADES, book, known
from sim.model.systems.figures import COLUMNS, figures, plain
from sim.model.systems.rules import parsed
from sim.units import SECOND, parse_duration
from tests.test_compiled_metrics import agree as metrics_agree
from tests.test_engines_agree import agree as engines_agree
from tests.test_fast_forward import assert_same as fast_forward_agrees

SYSTEMS = sim.systems()
FOLDER = Path(__file__).parents[1] / "scenarios" / "systems"
PROTOCOL = ("limit", "lease", "renewal", "http")
EVENTS_ABOUT = 1_500
STORM: dict[str, Any] = {
    "runs.work": {"kind": "uniform", "low": "3m", "high": "9m"},
    "network.bursts": {"mean_good": "5m", "mean_bad": "5s"},
    "faults": [
        {"what": "sleep", "when": "2/h", "length": {"kind": "exponential", "mean": "2m"}},
        {"what": "pause", "when": "20/h", "length": {"kind": "lognormal", "median": "5s", "sigma": 1.5}},
        {"what": "block", "when": "20/h", "length": {"kind": "lognormal", "median": "5s", "sigma": 1.5}},
        {"what": "outage", "when": "6/h", "length": {"kind": "exponential", "mean": "20s"}},
        {"what": "restart", "when": "4/h", "length": {"kind": "exponential", "mean": "10s"}},
        {"what": "crash", "when": "1/h"},
    ],
}
"""Everything at once, often: what an engine could get wrong it gets wrong soon."""


def own(name: str) -> dict[str, Any]:
    """What a system's file itself says of the protocol: dotted keys and values."""
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    return {f"{part}.{key}": value for part in PROTOCOL for key, value in data.get(part, {}).items()}


def shortest(scenario: Scenario) -> int:
    """About how long a refused client waits."""
    poll = scenario.limit.poll
    return poll.value if isinstance(poll, Constant) else getattr(poll, "low", SECOND)


def stormy(name: str) -> Scenario:
    """A system in a storm, as long as makes for some thousand events."""
    scenario = load(name)
    busy = [scenario.renew_every_ns if scenario.renewal.runs_in != "none" else 45 * SECOND]
    busy += [shortest(scenario) * 2] if scenario.limit.collision == "enqueue" else []
    length = min(parse_duration("4h"), EVENTS_ABOUT * min(busy))
    return scenario.with_(STORM | {"duration": f"{length}ns"})


# ---------------------------------------------------------------------- what is known of them


def test_every_system_has_a_scenario_and_a_book() -> None:
    assert known() == SYSTEMS
    assert len(SYSTEMS) >= 30
    assert not set(SYSTEMS) & set(sim.names())


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_number_is_accounted_for(name: str) -> None:
    """What a file says of the protocol is in its book, and nothing else is; each with a grade and in words."""
    found, text = book(name), (FOLDER / f"{name}.toml").read_text("utf-8")
    assert set(found.numbers) == set(own(name))
    assert found.coverage in COVERAGE
    assert found.certainty in GRADES
    assert found.sources
    assert found.read_at or found.certainty != "source" or name == "webjobs-singleton"
    assert found.left_out
    assert all(number.grade in GRADES and number.words for number in found.numbers.values())
    assert load(name).system == name
    assert load(name).title
    assert len(load(name).about) > 100
    assert "plain-world" in text or tomllib.loads(text)["extends"] in SYSTEMS


@pytest.mark.parametrize("name", SYSTEMS)
def test_all_live_in_the_same_world_without_faults(name: str) -> None:
    scenario, world = load(name), load("plain-world")
    assert (scenario.faults, scenario.limit.slots, scenario.duration) == ((), 1, world.duration)
    assert (scenario.hosts, scenario.network) == (world.hosts, world.network)
    assert scenario.runs.arrivals == world.runs.arrivals
    assert scenario.runs.work == world.runs.work
    assert loads(dumps(scenario)) == scenario


def test_the_list_and_its_figures() -> None:
    for name in SYSTEMS:
        told = figures(load(name))
        assert set(told) == set(COLUMNS)
        assert all(told.values()), name
    assert figures(load("consul"))["ttl"] == "15s + 15s"
    assert figures(load("dynamodb-lock"))["judge"] == "contender, polls 1s"
    assert figures(load("kubernetes-leader-election"))["gives up"] == "10s from first try"
    assert figures(load("celery-redis"))["renewed"] == "never"
    numbers = plain(load("etcd"))
    assert (numbers["ttl_s"], numbers["renew_every_s"], numbers["fence_after_s"]) == (60.0, 20.0, 60.0)
    assert plain(load("redlock"))["renew_every_s"] is None


# ---------------------------------------------------------------------- their own rules


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_keeps_its_own_rules(name: str) -> None:
    scenario = load(name)
    for rule in book(name).rules:
        assert rule.holds(scenario), (rule.text, rule.slack_ns(scenario))
        assert rule.says
        assert rule.source
    assert warnings_of(scenario) == ()


REFUSED = [
    ("kubernetes-leader-election", {"renewal.fence_after": "15s"}, "lease.ttl > renewal.fence_after"),
    ("kubernetes-leader-election", {"renewal.fence_after": "2400ms"}, "renewal.fence_after > 1.2 * renewal.backoff"),
    ("kubernetes-leader-election", {"renewal.backoff": "3s"}, "renewal.backoff = renewal.every"),
    ("etcd", {"lease.ttl": "1s"}, "lease.ttl >= 2s"),
    ("consul", {"lease.ttl": "9s"}, "lease.ttl >= 10s"),
    ("consul", {"lease.ttl": "25h"}, "lease.ttl <= 24h"),
    ("consul", {"lease.reuse_delay": "61s"}, "lease.reuse_delay <= 60s"),
    ("zookeeper", {"lease.ttl": "3s"}, "lease.ttl >= 2 * lease.sweep_interval"),
    ("curator", {"lease.ttl": "41s"}, "lease.ttl <= 20 * lease.sweep_interval"),
    ("redisson", {"lease.ttl": "1m", "renewal.every": "10s"}, "3 * renewal.every = lease.ttl"),
    ("dynamodb-lock", {"renewal.every": "11s"}, "lease.ttl >= 2 * renewal.every"),
    ("dhcp", {"renewal.every": 1.0}, "renewal.every < lease.ttl"),
    ("sqs", {"lease.ttl": "13h"}, "lease.ttl <= 12h"),
    ("pubsub", {"lease.ttl": "9s"}, "lease.ttl >= 10s"),
    ("pubsub", {"lease.ttl": "601s"}, "lease.ttl <= 600s"),
    ("kafka", {"lease.ttl": "5s", "renewal.every": "1s"}, "lease.ttl >= 6s"),
    ("kafka", {"renewal.every": "45s"}, "renewal.every < lease.ttl"),
    ("nomad", {"lease.ttl": "9s"}, "lease.ttl >= 10s"),
    ("azure-blob", {"lease.ttl": "61s"}, "lease.ttl <= 60s"),
    ("webjobs-singleton", {"lease.ttl": "14s"}, "lease.ttl >= 15s"),
    ("patroni", {"renewal.every": "11s"}, "renewal.every + renewal.fence_after <= lease.ttl"),
    ("patroni", {"lease.ttl": "19s", "renewal.every": "1s", "renewal.fence_after": "10s"}, "lease.ttl >= 20s"),
    ("patroni", {"renewal.every": "500ms"}, "renewal.every >= 1s"),
    ("patroni", {"renewal.fence_after": "5s"}, "renewal.fence_after >= 6s"),
    ("temporal", {"renewal.fence_after": "61s"}, "renewal.fence_after <= 60s"),
    ("dask-semaphore", {"lease.sweep_interval": "30s"}, "lease.sweep_interval < lease.ttl"),
    ("hashicorp-raft", {"renewal.fence_after": "1001ms"}, "renewal.fence_after <= lease.ttl"),
    ("tikv", {"renewal.fence_after": "10s"}, "renewal.fence_after < lease.ttl"),
    ("cockroachdb", {"renewal.fence_after": "9s"}, "renewal.fence_after < lease.ttl"),
    ("prefect", {"lease.ttl": "59s"}, "lease.ttl >= 60s"),
    ("prefect", {"lease.ttl": "25h"}, "lease.ttl <= 1d"),
]
ADVISED = [
    ("kafka", {"renewal.every": "16s"}, "3 * renewal.every <= lease.ttl"),
    ("dynamodb-lock", {"renewal.every": "6s"}, "lease.ttl >= 4 * renewal.every"),
    ("kubernetes-node", {"lease.ttl": "45s"}, "lease.ttl > 45s"),
    ("sqs", {"http.read_timeout": "30s"}, "lease.ttl > http.read_timeout"),
    ("redisson", {"renewal.backoff": "5s"}, "renewal.backoff = renewal.every"),
    ("dask-semaphore", {"renewal.backoff": "1s"}, "renewal.backoff = renewal.every"),
    ("sqs", {"renewal.every": "20s"}, "renewal.every + 5s = lease.ttl"),
    ("pubsub", {"renewal.backoff": "20s"}, "2 * renewal.backoff = renewal.every"),
]


@pytest.mark.parametrize(("name", "changes", "rule"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_the_system_refuses_is_refused_with_its_own_rule(name: str, changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(name).with_(changes)
    (problem,) = (problem for problem in caught.value.problems if rule in problem.message)
    found = next(each for each in book(name).rules if each.text == rule)
    assert found.effect in ("refused", "changed")
    assert found.says in problem.message
    assert found.source in problem.message
    assert problem.path == found.keys[0]
    assert load(name).with_({**changes, "system": ""}).system == ""


@pytest.mark.parametrize(("name", "changes", "rule"), ADVISED, ids=lambda value: str(value)[:40])
def test_what_the_system_advises_against_is_a_warning(name: str, changes: dict[str, Any], rule: str) -> None:
    warnings = warnings_of(load(name).with_(changes))
    assert any(rule in warning.message and warning.severity == "warning" for warning in warnings)


def test_an_interval_that_is_a_share_has_its_longest() -> None:
    temporal = load("temporal")
    assert temporal.renew_every_ns == 24 * SECOND
    assert temporal.with_({"lease.ttl": "2m", "renewal.fence_after": "60s"}).renew_every_ns == 60 * SECOND
    zookeeper = load("zookeeper")
    assert zookeeper.renew_every_ns == 9 * SECOND
    assert zookeeper.with_({"lease.ttl": "40s"}).renew_every_ns == 10 * SECOND


def test_after_a_failover_a_nomad_node_has_five_minutes_in_all() -> None:
    nomad = load("nomad")
    assert nomad.lease.restart_ttl + nomad.expiry_grace_ns == 300 * SECOND


def test_what_patroni_raises_is_not_said_to_be_refused() -> None:
    assert {rule.effect for rule in book("patroni").rules} == {"changed", "follows"}


def test_a_rule_knows_by_how_much_it_is_kept() -> None:
    scenario = load("patroni")
    (joint, least, *_) = book("patroni").rules
    assert joint.keys == ("renewal.every", "renewal.fence_after", "lease.ttl")
    assert joint.slack_ns(scenario) == 0
    assert least.slack_ns(scenario) == 10 * SECOND
    assert joint.slack_ns(scenario.with_({"lease.ttl": "40s"})) == 10 * SECOND


def test_a_scenario_of_ones_own_may_name_its_system() -> None:
    text = 'system = "consul"\nlease.ttl = "5s"\nrenewal.every = 0.5\n'
    with pytest.raises(ScenarioError, match="session_ttl_min is 10 s"):
        loads(text)
    assert loads(text.replace("5s", "15s")).system == "consul"
    with pytest.raises(ScenarioError, match="did you mean 'consul'"):
        loads('system = "consl"')
    child = loads('extends = "etcd"\nlease.ttl = "10s"')
    assert (child.system, child.renew_every_ns) == ("etcd", round(10 * SECOND / 3))


@pytest.mark.parametrize("text", ["lease.ttl", "lease.ttl >= soon", "lease.ttl ~ 3s"])
def test_a_rule_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        parsed("x", {"rule": text, "effect": "refused", "says": "", "source": ""})


# ---------------------------------------------------------------------- fault mixes


def test_the_five_fault_mixes() -> None:
    assert sim.mixes() == ("calm", "cloud-vm", "flaky-network", "laptop", "server-restarts")
    for name in sim.mixes():
        mix = mixture(name)
        assert mix.title
        assert len(mix.about) > 50
        scenario = load("etcd").with_({"faults": name})
        assert (scenario.faults == ()) == (name == "calm")
        assert scenario.lease == load("etcd").lease


def test_a_mix_replaces_all_faults_and_can_be_changed_at_once() -> None:
    laptop = load("laptop-own-server").with_({"faults": "cloud-vm"})
    assert [fault.name for fault in laptop.faults] == ["young_gc", "full_gc", "migration"]
    changed = load("etcd").with_({"faults": "cloud-vm", "faults.full_gc.when.rate": "7/h", "lease.ttl": "30s"})
    assert (changed.faults[1].when.rate, changed.lease.ttl) == (7.0, 30 * SECOND)
    with pytest.raises(UsageError, match="did you mean 'laptop'"):
        load("etcd").with_({"faults": "laptp"})


# ---------------------------------------------------------------------- they run


@pytest.mark.skipif(not kernel.available()[0], reason=kernel.available()[1] or "it is available")
@pytest.mark.parametrize("name", SYSTEMS)
def test_both_engines_agree_on_a_system_in_a_storm(name: str) -> None:
    scenario = stormy(name)
    engines_agree(scenario, 11)
    events = kernel.simulate(scenario, 11, 0)
    assert len(events) > 100
    metrics_agree(events, scenario, name, (10**9,))
    fast_forward_agrees(scenario, 11, 0)


@pytest.mark.skipif(not kernel.available()[0], reason=kernel.available()[1] or "it is available")
@pytest.mark.parametrize("name", SYSTEMS)
def test_without_faults_nothing_goes_wrong(name: str) -> None:
    """Every system keeps its promise where nothing disturbs it: no run is stopped, no two execute."""
    scenario = load(name)
    for replication in range(3):
        tally = tally_of(scenario, 5, replication, "kernel")
        assert (tally.false_terminations, tally.over_allocation_ns, tally.missed_ns) == (0, 0, 0)
        assert tally.runs_finished > 30
