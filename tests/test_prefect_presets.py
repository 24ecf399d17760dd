"""Prefect's own names: every value has a source, versions resolve, and a table becomes the fields it stands for."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from sim.errors import Problem, ScenarioError, UsageError
from sim.model.load import dumps, load, loads, names, options_of, warnings_of
from sim.model.presets import options, translate, versions
from sim.model.scenario import Scenario
from sim.model.wording import dotted_keys
from sim.units import SECOND

INITIAL = "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION"
SOURCE = re.compile(r"#\d{5}|\w+\.py|settings/models|measured|assumption|wheels|concurrency/")


def table(**given: object) -> Scenario:
    return loads("[prefect]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in given.items()))


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def problems(**given: object) -> list[Problem]:
    with pytest.raises(ScenarioError) as caught:
        table(**given)
    return list(caught.value.problems)


# ---------------------------------------------------------------------------------- the data file


def test_every_value_has_a_source_and_the_date_on_which_it_was_read() -> None:
    assert isinstance(versions.book()["read"], datetime.date)
    facts = [(change.version, name, fact) for change in versions.changes() for name, fact in change.facts.items()]
    assert len(facts) > 50
    for version, name, fact in facts:
        assert SOURCE.search(fact.source), f"{version} {name}: no source in '{fact.source}'"
        assert isinstance(fact.read, datetime.date)
    for name, rule in options.known().items():
        assert SOURCE.search(rule["source"]), f"{name}: no source in '{rule['source']}'"
        assert rule["meaning"].endswith(".")


def test_a_later_version_says_only_what_is_new() -> None:
    now = dict(versions.changes()[0].facts)
    switches = {"grace_period", "raise_flag", "cancel_forced"}
    for change in versions.changes()[1:]:
        assert change.facts, f"{change.version} changes nothing"
        assert change.facts.keys() <= now.keys() | switches, change.version
        for name, fact in change.facts.items():
            assert name in switches or fact.value != now[name].value, f"{change.version} {name}: as before"
        now |= change.facts


def test_every_translated_field_is_a_key_of_a_scenario() -> None:
    keys = set(dotted_keys(Scenario, "faults"))
    seen = set()
    for given in (
        {},
        {"limit": "tag"},
        {"limit": "concurrency"},
        {"server": "cloud"},
        {"launch": "worker_elsewhere", "server": "remote"},
    ):
        read, wrong = options.read({"version": "3.9.1", **given})
        assert read is not None, wrong
        fields = translate.translated(read)
        seen |= {field.key for field in fields}
        assert all(field.why for field in fields)
    assert seen <= keys


# ---------------------------------------------------------------------------------- versions


@pytest.mark.parametrize(
    ("version", "loop", "attempts", "refused", "retry"),
    [
        ("3.4.25", "event_loop", 1, False, "release"),
        ("3.6.11", "event_loop", 1, False, "release"),
        ("3.6.12", "event_loop", 1, True, "release"),
        ("3.6.22", "event_loop", 3, True, "release"),
        ("3.7.0", "event_loop", 3, True, "release"),
        ("3.7.1", "thread", 3, True, "release"),
        ("3.8.4", "thread", 3, True, "release"),
        ("3.8.5", "thread", 3, True, "keep"),
        ("3.9.1", "thread", 3, True, "keep"),
    ],
)
def test_a_version_behaves_as_the_last_change_at_or_below_it(
    version: str, loop: str, attempts: int, refused: bool, retry: str
) -> None:
    s = table(version=version)
    assert (s.renewal.runs_in, s.renewal.attempts) == (loop, attempts)
    assert s.runs.at_start == ("validate" if version != "3.4.25" else "copy")
    assert s.lease.sweep_recheck is (version == "3.9.1")
    assert s.server.requests_max == 100
    assert s.renewal.retry_gone is (attempts == 3)
    assert (s.http.retry_refused, s.runs.retry.lease) == (refused, retry)


@pytest.mark.parametrize(
    ("version", "initial_s", "loss"),
    [
        ("3.4.11", 60, "continue"),
        ("3.4.14", 60, "continue"),
        ("3.4.15", 60, "terminate"),
        ("3.4.20", 60, "terminate"),
        ("3.4.21", 300, "terminate"),
    ],
)
def test_the_first_lease_and_what_follows_a_loss(version: str, initial_s: int, loss: str) -> None:
    s = table(version=version)
    assert s.initial_ttl_ns == initial_s * SECOND
    assert s.lease.ttl == 300 * SECOND
    assert (s.renewal.on_lost, s.renewal.on_giveup) == (loss, loss)


@pytest.mark.parametrize(
    ("version", "near"),
    [
        ("4.0", "3.9.1"),
        ("3.9", "3.9.1"),
        ("3.10.0", "3.9.1"),
        ("2.20.1", "3.4.11"),
        ("3.4.10", "3.4.11"),
        ("latest", "3.9.1"),
        ("3.4.x", "3.4.11"),
    ],
)
def test_an_unknown_version_names_the_nearest(version: str, near: str) -> None:
    (problem,) = problems(version=version)
    assert problem.path == "prefect.version"
    assert f'nearest: "{near}"' in (problem.hint or "")
    assert (problem.line, problem.column) == (2, 11)


# ---------------------------------------------------------------------------------- settings


def test_settings_reach_their_fields() -> None:
    s = table(
        version="3.9.1",
        PREFECT_API_REQUEST_TIMEOUT=120,
        PREFECT_CLIENT_MAX_RETRIES=10,
        PREFECT_CLIENT_RETRY_EXTRA_CODES="502,503,504",
        PREFECT_CLIENT_RETRY_JITTER_FACTOR=0.5,
        PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE="prefect.server.concurrency.lease_storage.filesystem",
        PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION=600,
        PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS=5,
        PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS=60,
        PREFECT_RUNNER_POLL_FREQUENCY=20,
        slot_decay_per_second=0.25,
        concurrency_limit=7,
        collision_strategy="cancel_new",
    )
    assert (s.http.connect_timeout, s.http.read_timeout) == (120 * SECOND, 120 * SECOND)
    assert (s.http.max_retries, s.http.jitter) == (10, 0.5)
    assert s.http.retry_codes == (408, 429, 502, 503, 504)
    assert (s.server.storage, s.lease.on_restart) == ("filesystem", "keep")
    assert (s.initial_ttl_ns, s.lease.sweep_interval) == (600 * SECOND, 5 * SECOND)
    assert s.limit.poll.model_dump() == {"kind": "uniform", "low": "50s", "high": "1m16s"}
    assert (s.limit.slot_decay_per_second, s.limit.slots, s.limit.collision) == (0.25, 7, "cancel_new")


def test_names_may_be_written_shorter_or_in_lower_case() -> None:
    assert table(version="3.9.1", client_max_retries=3).http.max_retries == 3
    assert table(version="v3.9.1", prefect_client_max_retries=3).http.max_retries == 3


def test_limits_of_the_other_kinds() -> None:
    block = table(version="3.9.1", limit="concurrency", lease_duration=120)
    assert (block.lease.ttl, block.initial_ttl_ns, block.lease.release_fallback) == (120 * SECOND, 120 * SECOND, False)
    assert (block.renewal.on_lost, block.limit.retry_after) == ("continue", "occupancy")
    assert table(version="3.9.1", limit="concurrency", strict=True).renewal.on_lost == "terminate"
    flag = {"limit": "concurrency", "strict": True, "raise_on_lease_renewal_failure": False}
    assert table(version="3.6.25", **flag).renewal.on_lost == "continue"
    assert table(version="3.6.24", **flag).renewal.on_lost == "terminate"
    tag = table(version="3.9.1", limit="tag")
    assert (tag.lease.ttl, tag.renewal.on_lost, tag.limit.retry_after_cap) == (60 * SECOND, "continue", 10 * SECOND)
    assert table(version="3.6.22", limit="tag").limit.retry_after_cap == 30 * SECOND


def test_grace_period_wins_over_the_servers_setting_where_it_exists() -> None:
    both = {"grace_period_seconds": 900, "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": 600}
    assert table(version="3.6.6", **both).initial_ttl_ns == 900 * SECOND
    assert table(version="3.6.5", **both).initial_ttl_ns == 600 * SECOND
    assert table(version="3.4.20", **both).initial_ttl_ns == 60 * SECOND


@pytest.mark.parametrize("version", ["3.4.25", "3.9.1"])
@pytest.mark.parametrize(("body", "blocks"), [("sync", True), ("async", False)])
def test_a_sync_body_sleeps_through_its_retry_delay(version: str, body: str, blocks: bool) -> None:
    assert table(version=version, body=body).runs.retry.blocks is blocks


def test_launch_server_body_and_platform() -> None:
    s = table(version="3.4.25", body="sync", platform="windows")
    assert (s.renewal.runs_in, s.server.host, s.hosts.monotonic_counts_suspend) == ("thread", "shared", True)
    s = table(version="3.4.25", launch="pod", server="remote", replicas=3)
    assert (s.server.host, s.server.replicas, s.server.storage) == ("own", 3, "memory")
    s = table(version="3.4.25", server="cloud")
    assert (s.server.host, s.lease.on_restart) == ("own", "keep")
    assert table(version="3.4.25", PREFECT_SERVER_SERVICES_REPOSSESSOR_ENABLED=False).lease.sweep_interval > 10**18


# ---------------------------------------------------------------------------------- bad input


def test_all_problems_are_told_at_once_with_prefects_rule() -> None:
    found = {p.path: p for p in problems(
        version="3.9.1", lease_duration=59, grace_period_seconds=86401, collision_strategy="SKIP",
        PREFECT_CLIENT_MAX_RETRYS=3, PREFECT_CLIENT_RETRY_EXTRA_CODES="abc", strict="yes", launch="server",
        PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION=10, PREFECT_CLIENT_MAX_RETRIES=2.5,
    )}  # fmt: skip
    assert len(found) == 9
    assert "Prefect enforces: from 60 to 86400 s" in found["prefect.lease_duration"].message
    assert "Prefect enforces: from 60 to 86400 s" in found["prefect.grace_period_seconds"].message
    assert "from 30 to 3600 s" in found[f"prefect.{INITIAL}"].message
    assert "CANCEL_NEW" in (found["prefect.collision_strategy"].hint or "")
    assert "'PREFECT_CLIENT_MAX_RETRIES'" in (found["prefect.PREFECT_CLIENT_MAX_RETRYS"].hint or "")
    assert "'serve'" in (found["prefect.launch"].hint or "")
    assert all(problem.line is not None for problem in found.values())


@pytest.mark.parametrize("wrong", ["nan", "inf", "-1", "true", '"soon"', "1e12"])
def test_a_number_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ScenarioError):
        loads(f'[prefect]\nversion = "3.9.1"\nPREFECT_API_REQUEST_TIMEOUT = {wrong}\n')


def test_what_the_situation_contradicts() -> None:
    assert "server" in problems(version="3.9.1", launch="worker_elsewhere")[0].message
    assert "3.4.20" in problems(version="3.4.19", limit="tag")[0].message
    assert "needs a version" in problems(launch="serve")[0].message
    with pytest.raises(ScenarioError, match="expected a table"):
        loads('prefect = "3.9.1"')


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ({"version": "3.9.1", "lease_duration": 600}, "300 s, a constant"),
        ({"version": "3.9.1", "limit": "tag", "lease_duration": 600}, "60 s, a constant"),
        ({"version": "3.6.5", "grace_period_seconds": 600}, "came with 3.6.6"),
        ({"version": "3.9.1", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": 60}, "renews no lease"),
        ({"version": "3.9.1", "PREFECT_WORKER_QUERY_SECONDS": 5}, "launch = 'serve'"),
        ({"version": "3.9.1", "server": "cloud", "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": 5}, "Cloud"),
        ({"version": "3.4.20", INITIAL: 600}, "constant of 60 s"),
        ({"version": "3.9.1", "strict": False}, "the version decides"),
        ({"version": "3.9.1", "limit": "concurrency", "max_retries": 2}, "says PREFECT_CLIENT_MAX_RETRIES"),
    ],
)  # fmt: skip
def test_a_setting_that_does_nothing_says_why(given: dict[str, object], because: str) -> None:
    (warning,) = [w for w in warnings_of(table(**given)) if w.path.startswith("prefect")]
    assert warning.severity == "warning"
    assert because in warning.message
    assert warning.line is not None


# ---------------------------------------------------------------------------------- precedence


def test_what_a_file_says_itself_goes_before_its_table() -> None:
    s = loads('[prefect]\nversion = "3.9.1"\n[renewal]\nattempts = 5\n')
    assert (s.renewal.attempts, s.renewal.runs_in) == (5, "thread")


def test_over_an_extended_file_only_what_the_table_changes_is_laid(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        '[prefect]\nversion = "3.4.25"\nconcurrency_limit = 3\n[http]\nmax_retries = 2\n'
    )
    (tmp_path / "top.toml").write_text('extends = "./base.toml"\n[prefect]\nversion = "3.9.1"\n')
    s = load(tmp_path / "top.toml")
    assert (s.renewal.attempts, s.http.max_retries, s.limit.slots) == (3, 2, 3)
    read = options_of(s)
    assert read is not None
    assert dict(read.given) == {"version": "3.9.1", "concurrency_limit": 3}


def test_a_table_over_plain_fields_takes_all_it_stands_for() -> None:
    plain = Scenario().with_({"renewal.attempts": 7})
    assert plain.with_({"prefect.version": "3.9.1"}).renewal.attempts == 3
    both = plain.with_({"prefect.version": "3.9.1", "renewal.attempts": 9})
    assert both.renewal.attempts == 9
    assert options_of(plain) is None


def test_an_upgrade_keeps_what_was_changed_otherwise() -> None:
    case = load("laptop-own-server").with_({"http.max_retries": 1})
    new = case.with_({"prefect.version": "3.9.1"})
    assert (new.http.max_retries, new.renewal.runs_in) == (1, "thread")
    assert new.with_({"prefect.version": "3.4.25"}) == case
    assert new.faults == case.faults


def test_scenarios_that_come_along_stand_for_what_they_did_without_the_table() -> None:
    case = load("laptop-own-server")
    assert (case.lease.ttl, case.lease.on_restart, case.lease.books) == (300 * SECOND, "lost_leak", "counter")
    assert (case.renewal.runs_in, case.renewal.attempts, case.http.retry_refused) == ("event_loop", 1, False)
    assert case.limit.poll.model_dump() == {"kind": "uniform", "low": "20s", "high": "33s"}
    assert load("laptop-remote-server").lease.sweep_wakeup == SECOND // 2
    for name in names():
        assert loads(dumps(load(name))) == load(name)


def test_an_unknown_name_on_the_way_of_overrides_is_refused() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'version'"):
        load("laptop-own-server").with_({"prefect.versoin": "3.9.1"})
    with pytest.raises(UsageError):
        load("no-such-scenario")
