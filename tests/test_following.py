"""Settings that are one in the real system follow each other: on every way to a changed scenario alike."""

from __future__ import annotations

from typing import Any

import pytest

import sim
from sim.model.load import apart_of, derived, led_by, loads, moved_of, override, warnings_of
from sim.model.scenario import Scenario
from sim.model.systems.books import book
from sim.model.systems.following import ties_of
from sim.model.wording import spelled
from sim.results.origins import difference
from sim.results.provenance import sha256
from sim.sweeps.grid import grid
from sim.units import SECOND

FOLLOWED = [
    (
        "kubernetes-leader-election",
        {"renewal.fence_after": "12s"},
        {"http.connect_timeout": 12, "http.read_timeout": 12},
    ),
    (
        "kubernetes-leader-election",
        {"renewal.every": "5s"},
        {"renewal.backoff": 5, "limit.poll.low": 5, "limit.poll.high": 11},
    ),
    ("consul", {"lease.ttl": "60s"}, {"http.connect_timeout": 60, "http.read_timeout": 60}),
    ("temporal", {"lease.ttl": "50s"}, {"http.read_timeout": 40, "renewal.backoff_cap": 4}),
    ("temporal", {"lease.ttl": "100s"}, {"renewal.fence_after": 60, "http.read_timeout": 60, "renewal.backoff_cap": 6}),
    ("patroni", {"renewal.every": "5s"}, {"limit.poll": 5}),
    ("patroni", {"renewal.fence_after": "8s"}, {"http.connect_timeout": 4, "http.read_timeout": 4}),
    ("redisson", {"lease.ttl": "60s"}, {"renewal.backoff": 20, "renewal.backoff_cap": 20, "limit.poll": 60}),
    ("sqs", {"lease.ttl": "60s"}, {"renewal.every": 55}),
    ("pubsub", {"lease.ttl": "100s"}, {"renewal.backoff": 45, "renewal.backoff_cap": 45}),
    ("kcl", {"lease.ttl": "20s"}, {"limit.poll": 40.05, "renewal.backoff": 6.616}),
    ("nomad", {"lease.expiry_grace": "20s"}, {"renewal.backoff": 10, "lease.restart_ttl": 280}),
    ("chubby", {"lease.ttl": "20s"}, {"renewal.fence_after": 65}),
    ("cockroachdb", {"lease.ttl": "6s"}, {"renewal.fence_after": 5.5}),
    ("zookeeper", {"lease.ttl": "12s"}, {"renewal.every": 3, "http.connect_timeout": 4, "http.read_timeout": 5}),
    ("curator", {"lease.ttl": "12s"}, {"renewal.every": 3, "http.connect_timeout": 4, "http.read_timeout": 5}),
    ("hashicorp-raft", {"lease.ttl": "2s"}, {"renewal.backoff": 0.2}),
    ("tikv", {"renewal.every": "3s"}, {"renewal.backoff": 3, "renewal.backoff_cap": 3}),
    ("airflow3", {"renewal.every": "20s"}, {"renewal.backoff": 20, "renewal.backoff_cap": 20}),
    ("aioredlock", {"renewal.backoff": "1s"}, {"limit.poll.low": 0.5, "limit.poll.high": 1.5}),
    ("flyte", {"lease.ttl": "15s"}, {"renewal.backoff": 5, "limit.poll": 5}),
]
"""Of a system: what a user changes, and what the system has no other number for, in seconds."""


def seconds_at(scenario: Scenario, key: str) -> float:
    value: Any = scenario
    for step in key.split("."):
        value = getattr(value, step)
    return float(getattr(value, "value", value)) / SECOND


def toml(name: str, changes: dict[str, Any]) -> str:
    return f'extends = "{name}"\n' + "".join(f"{key} = {spelled(value)}\n" for key, value in changes.items())


@pytest.mark.parametrize(("name", "changes", "followed"), FOLLOWED, ids=lambda each: str(each)[:50])
def test_what_is_one_number_follows(name: str, changes: dict[str, Any], followed: dict[str, float]) -> None:
    """On the command line, in Python, in a file that extends, in a sweep: the same scenario, with no warning."""
    base = sim.load(name)
    made = base.with_(changes)
    assert {key: seconds_at(made, key) for key in followed} == pytest.approx(followed)
    assert warnings_of(made) == ()
    assert set(followed) <= set(moved_of(made))
    assert set(followed) <= set(led_by(base, changes))
    assert loads(toml(name, changes)) == made
    assert moved_of(loads(toml(name, changes))) == moved_of(made)
    _, points = grid(base, {key: [value] for key, value in changes.items()} | {"duration": ["1d", "2d"]})
    assert points[0].scenario == made
    assert points[0].identity == sha256(made)[:16]


def test_nothing_follows_where_nothing_is_changed() -> None:
    for name in sim.systems():
        base = sim.load(name)
        assert base.with_({"title": "another"}).with_({"title": base.title}) == base
        assert all(rule.holds(base) for rule in book(name).rules)
        assert moved_of(base) == {}


def test_what_is_set_by_hand_stays() -> None:
    """Also where it is set to what it was, before or together with what it would follow; then it is warned of."""
    base = sim.load("consul")
    apart, both = {"http.read_timeout": "15s"}, {"http.read_timeout": "15s", "lease.ttl": "60s"}
    for made in (base.with_(both), base.with_(apart).with_({"lease.ttl": "60s"}), loads(toml("consul", both))):
        assert (made.http.read_timeout, made.http.connect_timeout) == (15 * SECOND, 60 * SECOND)
        (warning,) = warnings_of(made)
        assert "http.read_timeout = renewal.fence_after" in warning.message
    assert base.with_({"http.read_timeout": "15s"}).with_(both) == base.with_(both)
    odd = base.with_({"http.read_timeout": "3s"})
    assert odd.with_({"lease.ttl": "60s"}).http.read_timeout == 3 * SECOND
    law = sim.load("kubernetes-leader-election").with_({"limit.poll": "3s", "renewal.every": "4s"})
    assert seconds_at(law, "limit.poll") == 3
    own = base.with_({"system": "", "lease.ttl": "60s"})
    assert own.http.read_timeout == 15 * SECOND


@pytest.mark.parametrize(
    ("name", "first", "then"),
    [
        ("consul", {"lease.ttl": "20s"}, {"lease.ttl": "60s"}),
        ("consul", {"http.read_timeout": "15s"}, {"lease.ttl": "60s"}),
        ("consul", {"http.read_timeout": "3s"}, {"lease.ttl": "60s"}),
        ("patroni", {"renewal.fence_after": "8s", "http.read_timeout": "3s"}, {"renewal.fence_after": "6s"}),
        ("kubernetes-leader-election", {"renewal.every": "1s"}, {"renewal.every": "3s", "renewal.fence_after": "12s"}),
        ("redisson", {"lease.ttl": "60s"}, {"lease.ttl": "30s"}),
    ],
)
def test_two_changes_are_one(name: str, first: dict[str, Any], then: dict[str, Any]) -> None:
    """So the line that replays a point of a sweep, the options and the point's values joined, makes the same point."""
    base = sim.load(name)
    changed = base.with_(first)
    options = difference(base, changed)
    assert options is not None
    assert override(base, options) == changed
    assert apart_of(override(base, options)) == apart_of(changed)
    assert set(options) <= set(first)
    point = changed.with_(then)
    assert override(base, {**options, **then}) == point
    again = Scenario.model_validate_json(changed.model_dump_json())  # from a folder: what was given is in its manifest
    assert derived(again, again, options).with_(then) == point


def test_a_rule_is_silent_where_a_wait_is_a_law() -> None:
    law = sim.load("patroni").with_({"limit.poll": {"kind": "uniform", "low": "1s", "high": "2s"}})
    assert "limit.poll" not in {rule.follower for rule in ties_of(law)}
    assert warnings_of(law) == ()
