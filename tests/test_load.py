"""Scenario files: what is read, what is refused, and that every refusal points at its cause."""

from __future__ import annotations

import json
import os
import pickle
import random
import tomllib
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sim.errors import Problem, ScenarioError, UsageError
from sim.model import load as loading
from sim.model import schema as schemas
from sim.model.distributions import Lognormal, constant
from sim.model.load import dumps, load, loads, names, override, parse_value, source, warnings_of
from sim.model.locate import locate
from sim.model.scenario import Scenario
from sim.model.wording import spelled
from sim.units import MINUTE, SECOND

GOOD = """\
title = "two laptops"   # a comment
duration = "12h"
lease.ttl = "5m"
[renewal]
every = 0.75
jitter = [1.0, 1.2]
attempts = "unlimited"
[network]
up = { kind = "lognormal", median = "20ms", p99 = "400ms" }
down = "1ms"
bursts = { mean_good = "1h", mean_bad = "10s" }
[runs]
arrivals = { kind = "closed", clients = 3 }
rerun = ["crashed"]
[runs.work]
kind = "mixture"
parts = [
    { weight = 3, of = { kind = "exponential", mean = "2m" } },  # most
    { weight = 1, of = "1h" },
]
[[faults]]
what = "sleep"
when = { daily = ["12h30m"] }
length = "45m"
[[faults]]
name = "flaky"
what = "outage"
when = "2/h"
length = { kind = "exponential", mean = "5s" }
probability = 0.5
"""

CHILD = """\
extends = "base"
network.up.p99 = "1s"
faults = [
    { name = "flaky", probability = 1.0, when = { times = ["1h"] } },
    { name = "crash", what = "crash", when = "1/d" },
    { name = "sleep", remove = true },
]
"""
SCENARIOS = Path(__file__).parents[1] / "scenarios"


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    return caught.value.problems


def pointed_at(problem: Problem) -> str:
    assert problem.source is not None
    assert problem.column is not None
    return problem.source[problem.column - 1 : problem.column - 1 + problem.length]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that stands for the packaged scenarios."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setattr("sim.model.shelf.folder", lambda: folder)
    return folder


# fmt: off
WRONG = {  # the text, the path, what the carets stand under, the message, the hint
    "unknown key": ("[lease]\ntll = 1", "lease.tll", "tll", "unknown key 'tll'", "did you mean 'ttl'?"),
    "elsewhere": ("[limit]\nttl = 1", "limit.ttl", "ttl", "unknown key", "'ttl' belongs in [lease]"),
    "quoted key": ('[lease]\n"a b" = 1', 'lease."a b"', '"a b"', "unknown key", "known keys: ttl"),
    "no unit": ("[lease]\nttl = 300", "lease.ttl", "300", 'no unit; write "300s" or "5m"', ""),
    "bad unit": ('[lease]\nttl = "5 minutes"', "lease.ttl", '"5 minutes"', "as a duration", ""),
    "zero": ('[lease]\nttl = "0s"', "lease.ttl", '"0s"', "must be longer than zero", ""),
    "negative": ('warmup = "-1h"', "warmup", '"-1h"', "must not be negative, got -1h", ""),
    "too much": ("[network]\nloss_up = 1.2", "network.loss_up", "1.2", "must be between 0 and 1, got 1.2", ""),
    "too little": ("[limit]\nslots = -1", "limit.slots", "-1", "must be between 0 and 100000, got -1", ""),
    "open end": ('[[faults]]\nwhat = "slow"\nwhen = "1/h"\nfactor = 0', "faults[0].factor", "0",
                 "must be above 0 and at most 1000000, got 0", ""),
    "not a bool": ("[limit]\nfifo = 7", "limit.fifo", "7", "expected true or false, got 7", ""),
    "long text": (f'title = "{"x" * 201}"', "title", f'"{"x" * 201}"', "at most 200 characters, got 201", ""),
    "no table": ("lease = 3", "lease", "3", "expected a table, got 3", ""),
    "short pair": ("[renewal]\njitter = [1]", "renewal.jitter[1]", "jitter", "value number 2 is missing", ""),
    "long pair": ("[renewal]\njitter = [1, 2, 3]", "renewal.jitter", "[1, 2, 3]", "at most 2 values, got 3", ""),
    "choice": ('[lease]\nbooks = "lease"', "lease.books", '"lease"', 'unknown value "lease"', 'mean "leases"?'),
    "listed choice": ('[runs]\nrerun = [\n  "crash",\n]', "runs.rerun[0]", '"crash"', "unknown value", '"crashed"'),
    "union": ('[lease]\nexpiry_grace = "nil"', "lease.expiry_grace", '"nil"', "as a duration", 'or write "none"'),
    "kind": ('[network]\nup = { kind = "lognorml", median = "1s" }', "network.up.kind", '"lognorml"',
             'unknown kind "lognorml"', 'did you mean "lognormal"?'),
    "no kind": ('[network]\nup = { mean = "1s" }', "network.up.kind", "up", "missing key 'kind'", '"exponential"'),
    "not a law": ("[network]\nup = true", "network.up", "true", 'a duration such as "20ms" or a table', ""),
    "law's key": ('[network.up]\nkind = "uniform"\nlow = "1s"\nhihg = "2s"', "network.up.hihg", "hihg",
                  "unknown key 'hihg'", "did you mean 'high'?"),
    "law's rule": ('[network]\nup = { kind = "uniform", low = "2s", high = "1s" }', "network.up",
                   '{ kind = "uniform", low = "2s", high = "1s" }', "'high' must not be shorter", ""),
    "missing": ('[runs]\narrivals = { kind = "poisson" }', "runs.arrivals.rate", "arrivals", "missing key", "per hour"),
    "one fault": ('[faults]\nwhat = "sleep"', "faults", "[faults]", "expected a list", "begins with [[faults]]"),
    "fault's name": ('[[faults]]\nwhat = "sleep"\nwhen = "1/h"\nname = "A b"', "faults[0].name", '"A b"',
                     "must hold only lower-case letters", ""),
    "no such fault": ('[[faults]]\nname = "x"\nremove = true', "faults[0].remove", "remove", "unknown key", "no such"),
    "contradiction": ('warmup = "2d"', "warmup", '"2d"', "must be shorter than duration", ""),
    "not a number": ("[network]\nloss_up = nan", "network.loss_up", "nan", "expected a number", ""),
}
# fmt: on


@pytest.mark.parametrize("case", WRONG)
def test_each_wrong_value_is_named_and_pointed_at(case: str) -> None:
    text, path, under, message, hint = WRONG[case]
    (problem,) = [problem for problem in problems_of(text) if problem.path == path]
    assert pointed_at(problem) == under
    assert problem.line == text[: text.rindex(under)].count("\n") + 1
    assert message in problem.message
    assert hint in (problem.hint or "")


def test_the_text_of_several_errors() -> None:
    text = 'holder = 50\n[lease]\nttl = 300\ntll = "5m"\n\n[network]\n\tloss_up = 1.2\n'
    with pytest.raises(ScenarioError) as caught:
        loads(text, "scenarios/laptops.toml")
    text = """\
error: holder: unknown key 'holder'
  --> scenarios/laptops.toml:1:1
   |
  1| holder = 50
   | ^^^^^^
  hint: known keys: title, about, duration, warmup, starts_at, system, limit, lease, server, renewal, http, runs, \
hosts, network, faults
error: lease.ttl: 300 has no unit; write "300s" or "5m"
  --> scenarios/laptops.toml:3:7
   |
  3| ttl = 300
   |       ^^^
error: lease.tll: unknown key 'tll'
  --> scenarios/laptops.toml:4:1
   |
  4| tll = "5m"
   | ^^^ did you mean 'ttl'?
error: network.loss_up must be between 0 and 1, got 1.2
  --> scenarios/laptops.toml:7:12
   |
  7|  loss_up = 1.2
   |            ^^^
4 errors"""
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value))) == text


def test_a_flood_of_errors_is_counted() -> None:
    found = problems_of("[lease]\n" + "".join(f"k{number} = 1\n" for number in range(500)))
    assert (len(found), found[-1].message) == (51, "there are 450 more problems")


NOT_TOML = {  # the text, the line, what the carets stand under, the message, the hint
    "unquoted duration": ("[lease]\nttl = 5m # five", 2, "5m", "5m must stand in quotes", 'write "5m"'),
    "unquoted words": ("duration = 5 minutes", 1, "5 minutes", "must stand in quotes", 'write "5 minutes"'),
    "unquoted word": ("[lease]\nup = { kind = lognormal }", 2, "lognormal", "must stand", 'write "lognormal"'),
    "capital": ("[limit]\nfifo = True", 2, "True", "True is written true", None),
    "open quotes": ('[lease]\nttl = "5m\nbooks = 1', 2, "", "a quotation mark is missing", None),
    "key twice": ('[lease]\nttl = "5m"\n  ttl = "6m"', 3, "ttl", "this key stands here twice", None),
    "table twice": ("[lease]\n[limit]\n[lease]", 3, "[lease]", "has a header above already", None),
    "no equals": ("lease 5", 1, "5", "expected 'key = value'", None),
    "thousands of digits": (f"a = {'9' * 5000}", 1, "a", "thousands of digits", None),
    "deep": (f"a = {'[' * 5000}", 1, None, "nested more than 32 levels deep", None),
    "deep key": (f"{'a.' * 90_000}a = 1", 1, None, "nested more than 32 levels deep", None),
}


@pytest.mark.parametrize("case", NOT_TOML)
def test_text_that_is_no_toml(case: str) -> None:
    text, line, under, message, hint = NOT_TOML[case]
    (problem,) = problems_of(text)
    assert message in problem.message
    assert problem.line == line
    assert under is None or pointed_at(problem) == under
    assert hint is None or problem.hint == hint


def test_messages_steer_no_terminal() -> None:
    with pytest.raises(ScenarioError) as caught:
        loads('title = "\\u001b[31m"\n"\\u001b[31m\\n" = 1\n[lease]\nbooks = "\\u0007\\u001b]0;x"')
    assert all(character.isprintable() or character == "\n" for character in str(caught.value))


def refused(path: str | Path) -> str:
    with pytest.raises(UsageError) as caught:
        load(path)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    return str(caught.value)


def test_a_file_is_read_with_either_line_end_and_with_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    for data in (GOOD.encode(), GOOD.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + GOOD.encode()):
        path.write_bytes(data)
        assert load(path) == load(str(path)) == loads(GOOD)


def test_an_enormous_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.toml"
    path.touch()
    os.truncate(path, 100_000_000)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("was opened"))
    assert "100.0 MB: a scenario is a page of text" in refused(path)


def test_folders_missing_files_and_odd_files_are_refused(tmp_path: Path, shelf: Path) -> None:
    (tmp_path / "laptops.toml").touch()
    assert "is a folder, not a scenario file\n  hint: scenario files in it: laptops.toml" in refused(tmp_path)
    assert "did you mean" in refused(tmp_path / "laptop.toml")
    assert "leasesim list" in refused(tmp_path / "quite_another.toml")
    assert "cannot read" in refused("nul\0.toml")
    assert "cannot read" in refused("x" * 5000 + ".toml")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    assert "cannot read" in refused(tmp_path / "loop.toml")
    os.mkfifo(tmp_path / "pipe.toml")
    assert "not a regular file" in refused(tmp_path / "pipe.toml")


def test_a_binary_file_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes('title = "x"\nö = \xff\x00'.encode("latin-1"))
    with pytest.raises(ScenarioError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (2, 1)
    assert "not UTF-8" in problem.message
    path.write_bytes(b"title = 'x'\0")
    with pytest.raises(ScenarioError, match="not TOML"):
        load(path)


def test_packaged_scenarios(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shelf / "laptops.toml").write_text(GOOD)
    (shelf / "k8s.toml").write_text("")
    (shelf / "scenario.schema.json").write_text("{}")
    assert names() == ("k8s", "laptops")
    assert source("laptops") == GOOD
    assert load("laptops") == loads(GOOD)
    for name in ("laptop", "Lap-tops", "laptosp"):
        assert "did you mean 'laptops'? see: leasesim list" in refused(name)
    assert "did you mean" not in refused("")
    assert "without .toml" in refused("k8s.toml")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").touch()
    assert "write 'mine.toml'" in refused("mine")


def test_the_shipped_scenarios_load_and_obey_the_committed_schema() -> None:
    schema = schemas.json_schema()
    committed = json.loads((SCENARIOS / schemas.NAME).read_text(encoding="utf-8"))
    assert committed == schema, "write it anew: python -m sim.model.schema"
    Draft202012Validator.check_schema(schema)
    assert Scenario.model_fields.keys() <= schema["properties"].keys()
    check = Draft202012Validator(schema)
    for path in (*SCENARIOS.glob("*.toml"), *SCENARIOS.glob("systems/*.toml")):
        check.validate(tomllib.loads(path.read_text(encoding="utf-8")))
        scenario = load(path)
        assert scenario == load(path.stem) == loads(dumps(scenario))
        check.validate(tomllib.loads(dumps(scenario)))
    check.validate(tomllib.loads(GOOD))
    check.validate(tomllib.loads(CHILD))
    for text in ("lease.tll = 1", "lease.ttl = 300", 'network.up = { kind = "x" }', '[[faults]]\nwhat = "sleep"'):
        assert not check.is_valid(tomllib.loads(text))


@pytest.fixture
def base(shelf: Path) -> Path:
    (shelf / "base.toml").write_text(GOOD)
    return shelf


def test_tables_merge_and_the_rest_replaces(base: Path) -> None:
    parent = load("base")
    child = loads('extends = "base"\ntitle = "mine"\n[lease]\nbooks = "counter"\n[renewal]\njitter = [1, 2]\n')
    assert (child.title, child.lease.ttl, child.lease.books) == ("mine", parent.lease.ttl, "counter")
    assert (child.renewal.jitter, child.renewal.every) == ((1.0, 2.0), 0.75)
    assert child.faults == parent.faults
    assert loads('extends = "base"') == parent


def test_a_distribution_changes_in_part_or_as_a_whole(base: Path) -> None:
    wider = loads(CHILD).network.up
    assert isinstance(wider, Lognormal)
    assert (wider.median, wider.p99) == (20_000_000, SECOND)
    other = loads('extends = "base"\nnetwork.up.sigma = 1').network.up
    assert isinstance(other, Lognormal)
    assert (other.sigma, other.p99) == (1.0, None)
    assert loads('extends = "base"\nnetwork.up = "3s"').network.up == constant(3 * SECOND)
    third = loads('extends = "base"\nnetwork.up = { kind = "exponential", mean = "3s" }').network.up
    assert third.kind == "exponential"


def test_faults_merge_by_name(base: Path) -> None:
    flaky, crash = loads(CHILD).faults
    assert (flaky.name, flaky.what, flaky.probability, crash.name) == ("flaky", "outage", 1.0, "crash")
    assert (flaky.when.times, flaky.when.rate) == ((60 * MINUTE,), None)
    assert loads('extends = "base"\nfaults = []').faults == ()


def test_paths_start_from_the_file_that_names_them(tmp_path: Path, shelf: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.toml").write_text('extends = "../b.toml"\ntitle = "a"')
    (tmp_path / "b.toml").write_text('extends = "./c.toml"\ntitle = "b"')
    (tmp_path / "c.toml").write_text("[limit]\nslots = 7")
    scenario = load(tmp_path / "deep" / "a.toml")
    assert (scenario.title, scenario.limit.slots) == ("a", 7)
    text = (tmp_path / "deep" / "a.toml").read_text()
    assert loads(text, str(tmp_path / "deep" / "a.toml")) == scenario


def test_errors_point_into_the_file_at_fault(tmp_path: Path, shelf: Path) -> None:
    (shelf / "base.toml").write_text('[lease]\ntll = 1\n[[faults]]\nname = "nap"\nwhat = "sleep"\nwhen = "1"')
    path = tmp_path / "mine.toml"
    path.write_text('extends = "base"\n[limit]\nslots = -1\n[[faults]]\nname = "nap"\nprobability = 2\n')
    with pytest.raises(ScenarioError) as caught:
        load(path)
    found = {(problem.path, Path(problem.file or "").name, problem.line) for problem in caught.value.problems}
    assert found == {
        ("lease.tll", "base.toml", 2),
        ("faults[0].when", "base.toml", 6),
        ("limit.slots", "mine.toml", 3),
        ("faults[0].probability", "mine.toml", 6),
    }


def test_a_circle_shows_the_chain(tmp_path: Path, shelf: Path) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.toml").write_text(f'extends = "{other}.toml"')
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "a.toml")
    (problem,) = caught.value.problems
    told, _, route = problem.message.partition(": ")
    assert told == "goes round in a circle"
    assert [Path(file).stem for file in route.split(" -> ")] == ["a", "b", "c", "a"]
    assert (Path(problem.file or "").name, problem.line, pointed_at(problem)) == ("c.toml", 1, '"a.toml"')


def test_a_long_chain_ends(tmp_path: Path, shelf: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"')
    with pytest.raises(ScenarioError, match="more than 16 files"):
        load(tmp_path / "0.toml")


@pytest.mark.parametrize("value", ["3", '"nowhere"', '"nowhere.toml"', '"https://host/x.toml"', '""', '"/"', "{}"])
def test_a_base_that_is_none_is_pointed_at(value: str, shelf: Path) -> None:
    (problem,) = problems_of(f"extends = {value}")
    assert (problem.path, pointed_at(problem)) == ("extends", value)


def test_override_reaches_every_key() -> None:
    changes: dict[str, object] = {"lease.ttl": "10m", "renewal.every": np.float64(0.5), "limit.slots": np.int64(4)}
    changes |= {"lease.restart_ttl": timedelta(seconds=90), "network.up.sigma": 2, "network.bursts": None}
    changes |= {"runs.arrivals.kind": "poisson", "runs.arrivals.rate": "3/h", "network.down": constant(5 * SECOND)}
    changes |= {"faults.flaky.when.rate": "0/h", "faults.sleep.remove": True}
    changes |= {"faults.nap": {"what": "sleep", "when": {"daily": ("12h",)}}}
    scenario = override(loads(GOOD), changes)
    assert (scenario.lease.ttl, scenario.lease.restart_ttl) == (10 * MINUTE, 90 * SECOND)
    assert (scenario.renewal.every, scenario.limit.slots) == (0.5, 4)
    assert isinstance(scenario.network.up, Lognormal)
    assert scenario.network.up.p99 is None
    assert (scenario.network.down, scenario.network.bursts) == (constant(5 * SECOND), None)
    assert scenario.runs.arrivals.kind == "poisson"
    assert [(fault.name, fault.when.rate) for fault in scenario.faults] == [("flaky", 0.0), ("nap", None)]
    assert override(scenario, {}) == scenario
    assert override(scenario, {"faults": []}).faults == ()


def test_override_tells_everything_wrong_at_once() -> None:
    wrong: dict[str, tuple[object, str]] = {
        "lease.tll": ("10m", "did you mean 'lease.ttl'?"),
        "ttl": ("10m", "did you mean 'lease.ttl'?"),
        "faults.slep.when": ("1/h", "did you mean 'sleep'?"),
        "faults.flaky.probabilty": (1, "did you mean 'faults.flaky.probability'?"),
        "faults.flaky.length.kind": ("expnential", 'did you mean "exponential"?'),
        "faults.sleep": (3, "expected a table, got 3"),
        "faults.sleep.probability": (2, "must be between 0 and 1, got 2"),
        "lease.books": ("lease", 'did you mean "leases"?'),
        "lease.books.x": (1, "unknown key"),
        "faults": ({}, "expected a list"),
        "limit.slots": ([], "expected a whole number, got an empty list"),
    }
    with pytest.raises(ScenarioError) as caught:
        override(loads(GOOD), {key: value for key, (value, _) in wrong.items()})
    told = {problem.path: f"{problem.message} {problem.hint}" for problem in caught.value.problems}
    assert told.keys() == wrong.keys()
    assert all(message in told[key] for key, (_, message) in wrong.items())
    assert all(problem.file is None for problem in caught.value.problems)
    changes: dict[str, object] = {"network.up": "1s", "network.up.p99": "2s"}
    for pairs in (changes, dict(reversed(changes.items()))):
        with pytest.raises(ScenarioError, match="as a whole"):
            override(loads(GOOD), pairs)


def test_a_contradiction_made_by_an_override_points_at_the_file_where_it_stands() -> None:
    scenario = loads('[lease]\non_restart = "lost_leak"\nbooks = "counter"\n', "x.toml")
    with pytest.raises(ScenarioError) as caught:
        override(scenario, {"lease.books": "leases"})
    (problem,) = caught.value.problems
    assert (problem.path, problem.file, problem.line) == ("lease.on_restart", "x.toml", 2)


def test_values_on_a_command_line() -> None:
    for text in ("true", "3", "0.75", "[1, 2]", '{ kind = "constant" }', '"5m"'):
        value = parse_value(text)
        assert (type(value), value) == (type(expected := tomllib.loads(f"x = {text}")["x"]), expected)
    for text in ("5m", "", "2/h", "sweep", "1\nother = 2", "2024-01-01", "[" * 5000):
        assert parse_value(text) == text


def test_warnings_are_located_while_the_scenario_lives() -> None:
    scenario = loads('[renewal]\nevery = "10m"\n', "x.toml")
    (warning,) = warnings_of(scenario)
    assert (warning.severity, warning.file, pointed_at(warning)) == ("warning", "x.toml", '"10m"')
    assert str(warning).startswith("warning: renewal.every (10m) is not shorter than lease.ttl (5m)")
    (unlocated,) = warnings_of(pickle.loads(pickle.dumps(scenario)))
    assert (unlocated.line, unlocated.message) == (None, warning.message)
    before = len(loading._ORIGINS)
    del scenario
    assert len(loading._ORIGINS) == before - 1


@given(
    title=st.text(max_size=40),
    about=st.text(alphabet=st.sampled_from('ab"\\\n\t\r\x1f\x85é= #'), max_size=40),
    ttl=st.integers(1, 10**18),
    share=st.floats(1e-300, 1000) | st.integers(1, 10**6).map(lambda seconds: f"{seconds}s"),
    rate=st.floats(0, 3.6e12),
    sigma=st.floats(0, 10),
)
def test_written_scenarios_read_back_equal(
    title: str, about: str, ttl: int, share: float | str, rate: float, sigma: float
) -> None:
    changes = {"title": title, "about": about, "lease.ttl": f"{ttl}ns", "renewal.every": share}
    changes |= {"faults.flaky.when.rate": f"{rate!r}/h", "network.up.sigma": sigma}
    scenario = override(loads(GOOD), changes)
    assert (scenario.title, scenario.lease.ttl, scenario.faults[1].when.rate) == (title, ttl, rate)
    assert loads(dumps(scenario)) == scenario


KEYS = st.sampled_from(["a", "b-c", "d_1", "7", "kind", "a b", "x.y", "ü", '"', "#", ""])
LEAVES = st.just(None)
DATA = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


class Writer:
    """Writes nested data in one of the many ways TOML allows; every leaf becomes a number of its own."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.numbers = chance, count(100)
        self.leaves: dict[tuple[str | int, ...], int] = {}

    def key(self, name: str) -> str:
        bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
        if bare and self.chance.random() < 0.7:
            return name
        return f"'{name}'" if self.chance.random() < 0.5 else spelled(name)

    def gap(self) -> str:
        return self.chance.choice(["", " ", "\n", "\n  # ], }\n\t"])

    def value(self, data: Any, loc: tuple[str | int, ...]) -> str:
        if data is None:
            self.leaves[loc] = next(self.numbers)
            number = str(self.leaves[loc])
            return self.chance.choice([number, f'"{number}"', f"'''{number}'''", f'"""\n[{number}] = \\""""'])
        if isinstance(data, list):
            items = [self.gap() + self.value(item, (*loc, index)) for index, item in enumerate(data)]
            return f"[{','.join(items)}{self.gap()}]"
        pairs = [f"{self.key(name)} = {self.value(item, (*loc, name))}" for name, item in data.items()]
        return f"{{ {', '.join(pairs)} }}"

    def table(self, data: dict[str, Any], loc: tuple[str | int, ...], header: str) -> list[str]:
        lines, later = [], []
        for name, item in data.items():
            path, key = (*loc, name), self.key(name)
            below = f"{header}.{key}" if header else key
            tables = isinstance(item, list) and item and all(isinstance(entry, dict) for entry in item)
            if isinstance(item, dict) and self.chance.random() < 0.5:
                later += ["", f" [ {below} ] # [x]", *self.table(item, path, below)]
            elif tables and self.chance.random() < 0.7:
                for index, entry in enumerate(item):
                    later += [f"[[{below}]]", *self.table(entry, (*path, index), below)]
            elif isinstance(item, dict) and len(item) == 1:
                ((inner, value),) = item.items()
                lines.append(f"{key} . {self.key(inner)} = {self.value(value, (*path, inner))}")
            else:
                lines.append(f"{key} = {self.value(item, path)} # = 1")
        return lines + later


@given(data=st.dictionaries(KEYS, DATA, max_size=4), seed=st.integers(0, 2**32))
def test_every_key_and_value_is_located(data: dict[str, Any], seed: int) -> None:
    writer = Writer(random.Random(seed))
    text = "\n".join(writer.table(data, (), ""))
    tomllib.loads(text)
    lines = text.split("\n")
    for loc, number in writer.leaves.items():
        line, column, length = locate(text, loc)
        value = lines[line - 1][column - 1 : column - 1 + length]
        assert str(number) in value or (value == '"""' and lines[line].startswith(f"[{number}]"))
        if isinstance(loc[-1], str):
            line, column, length = locate(text, loc, key=True)
            key = lines[line - 1][column - 1 : column - 1 + length]
            assert list(tomllib.loads(f"{key} = 1")) == [loc[-1]]


STEPS = st.lists(st.sampled_from(["a", "b", "lease", "ttl", "faults", 0, 1, -1]), max_size=4)


@given(text=st.text(st.sampled_from("[]{}=\"'.,#\\ab1 \n\r\tü"), max_size=60) | st.text(max_size=60), loc=STEPS)
@example("[[a]]\n[a]\nb=[1,2]\nb.x=1\n[b]\nx={a=1,\n[[b]]", ["b"])
def test_positions_of_any_text_lie_in_it(text: str, loc: list[str | int]) -> None:
    lines = text.replace("\r\n", "\n").split("\n")
    for key in (False, True):
        line, column, length = locate(text, loc, key=key)
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1
        assert length >= 1


def tried(text: str) -> None:
    try:
        scenario = loads(text)
    except (ScenarioError, UsageError) as error:
        lines = [*text.replace("\r\n", "\n").split("\n"), None]
        found = error.problems if isinstance(error, ScenarioError) else ()
        misplaced = [problem for problem in found if problem.source != lines[(problem.line or 0) - 1]]
        if misplaced or not str(error):
            pytest.fail(f"misplaced: {misplaced}")
    else:
        warnings_of(scenario)
        assert loads(dumps(scenario)) == scenario


ODD = st.sampled_from(
    ["inf", "-inf", "nan", "true", "0", "-1", "1e400", "9" * 400, "0x" + "f" * 4000, '""', '"-1s"',
     '"\\u0000"', "[]", "{}", "[[]]", "{a=1}", '["x"]', "1979-05-27", "07:32:00", '"forever"', "=", "[", "]]", "{", "}",
     '"', "'''", "\n", "#", ".", "[[faults]]\n", "extends", "remove = true", "kind", "lease", "\ufeff", "\x00", "\r"]
)  # fmt: skip


@given(text=st.text(max_size=200))
def test_any_text_loads_or_is_refused(text: str) -> None:
    tried(text)


@settings(max_examples=300)
@given(cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), ODD), min_size=1, max_size=4))
def test_any_change_of_a_good_text_loads_or_is_refused(cuts: list[tuple[float, int, str]]) -> None:
    text = GOOD
    for where, length, instead in cuts:
        start = int(where * len(text))
        text = text[:start] + instead + text[start + length :]
    tried(text)


@settings(max_examples=300)
@given(line=st.integers(0, 100), value=ODD)
def test_any_value_instead_of_a_good_one_loads_or_is_refused(line: int, value: str) -> None:
    lines = dumps(loads(GOOD)).split("\n")
    at = line % len(lines)
    key, equals, _ = lines[at].partition(" = ")
    lines[at] = f"{key} = {value}" if equals else lines[at]
    tried("\n".join(lines))
