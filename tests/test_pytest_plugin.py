"""The pytest plugin in sessions of its own: marker, fixtures, options, summary, baselines; how it is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import sim
from sim.testing import asserting, baselines, plugin
from sim.testing.session import Session, session

pytest_plugins = ["pytester"]
LOADED = (asserting, baselines, plugin, sim.replicate("no-faults", 1))
"""An inner session forgets the modules that it imports; those that cannot be imported twice are here before it."""
ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ("-p", "sim.testing.plugin", "-p", "no:cacheprovider")
HELPERS = """
import sim
from sim.testing import assert_slo, assert_no_worse_than

RATE = "false_terminations_per_lease_hour"
BAD = sim.load("restart-memory").with_({"duration": "6h"})
QUIET = sim.load("no-faults").with_({"duration": "6h"})
"""


@pytest.fixture(autouse=True)
def alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inner sessions load this plugin and no other, and are not in CI unless they say so."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(helpers=HELPERS)
    pytester.syspathinsert(ROOT)


def run(pytester: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(test_leases=f"from helpers import *\nimport pytest\n{code}")
    return pytester.runpytest_inprocess(*PLUGIN, *options)


# ---- three outcomes


def test_outcomes_and_summary(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_holds():
    assert_slo(QUIET, f"{RATE} <= 0.1")

def test_violated():
    assert_slo(BAD, f"{RATE} <= 1e-3")

def test_undecided():
    assert_slo(QUIET, f"{RATE} <= 1e-3", budget=50)

def test_other():
    pass
""",
    )
    result.assert_outcomes(passed=2, failed=2)
    text = result.stdout.str()
    section = text.partition("lease SLOs")[2].splitlines()
    assert [line.split()[0] for line in section[1:4]] == ["holds", "undecided", "violated"]
    assert "n = " in section[1]
    assert "[test_leases.py::test_holds]" in section[1]
    assert "E       AssertionError: false_terminations_per_lease_hour <= 0.001 is violated" in text
    assert "to decide it       about budget=" in text
    assert "replay             leasesim explain restart-memory --seed 1 --rep " in text
    assert "judging.py" not in text, "the traceback shows the user's line only"


def test_nothing_is_said_where_nothing_was_asked(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_plain(): pass")
    result.assert_outcomes(passed=1)
    assert "lease" not in result.stdout.str().replace("test_leases", "")
    assert "sim.testing.judging" not in str(result.outlines)


def test_marker_checks_before_the_body(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.mark.lease_slo(BAD, f"{RATE} <= 1e-3", confidence=0.95)
def test_marked():
    raise RuntimeError("the body ran")

@pytest.mark.lease_slo(QUIET, f"{RATE} <= 0.1")
@pytest.mark.lease_slo(QUIET, "goodput_work_fraction >= 0.01")
def test_body():
    raise RuntimeError("the body ran after both")

@pytest.mark.lease_slo
def test_empty(): pass
""",
        "--strict-markers",
    )
    result.assert_outcomes(failed=3)
    text = result.stdout.str()
    assert "the body ran\n" not in text
    assert "the body ran after both" in text
    assert text.partition("lease SLOs")[2].count("holds") == 2
    assert "either bound at 0.95" in text
    assert "needs a scenario and a service level" in text


def test_the_marker_is_checked_on_test_cases_and_fixtures_reach_the_summary(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import unittest

@pytest.fixture
def quiet():
    assert_slo(QUIET, f"{RATE} <= 0.1")

@pytest.mark.lease_slo(BAD, f"{RATE} <= 1e-3")
class TestCase(unittest.TestCase):
    def test_case(self):
        print("the body ran")

def test_with_fixture(quiet): pass
""",
    )
    result.assert_outcomes(passed=1, failed=1)
    assert "the body ran" not in result.stdout.str()
    result.stdout.fnmatch_lines(["violated *[[]test_leases.py::TestCase::test_case]", "holds *::test_with_fixture]"])


def test_fixtures(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_seed(lease_seed, simulate):
    assert lease_seed == 7
    many = simulate(BAD, 3)
    assert many.provenance.seed == 7 and len(many) == 3
    changed = simulate("no-faults", 2, {"duration": "1h"})
    assert changed.scenario.duration == 3600 * 10**9

def test_default_seed():
    found = assert_slo(QUIET, f"{RATE} <= 0.1")
    assert found.provenance.seed == 7
""",
        "--lease-seed=7",
    )
    result.assert_outcomes(passed=2)
    assert "leasesim: seed 7 (repeat with --lease-seed 7)" in result.stdout.str()


def test_ini_and_budget(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nlease_seed = 5\nlease_budget = 1_234\n")
    code = (
        "from sim.testing.session import session\ndef test_it():\n    s = session()\n    assert (s.seed, s.budget) == "
    )
    run(pytester, code + "(5, 1234)").assert_outcomes(passed=1)
    run(pytester, code + "(5, 50)", "--lease-budget", "50").assert_outcomes(passed=1)


@pytest.mark.parametrize("option", ["--lease-seed=tomorrow", "--lease-budget=0", "--lease-seed=-1"])
def test_bad_options_are_told_in_words(pytester: pytest.Pytester, option: str) -> None:
    result = run(pytester, "def test_it(): pass", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "expected a whole number" in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_a_bad_slo_is_told_in_words(pytester: pytest.Pytester) -> None:
    result = run(
        pytester, "def test_it(): assert_slo('no-faulty', 'x <= 1')\ndef test_that(): assert_slo(BAD, 'x <= 1')"
    )
    result.assert_outcomes(failed=2)
    assert "no metric is named 'x'" in result.stdout.str()


# ---- derandomised in CI


SEEN = """
from hypothesis import given, settings
from sim.testing import fault_schedules
from sim.testing.session import session

@settings(max_examples=10)
@given(fault_schedules())
def test_schedules(faults):
    with open("seen.txt", "a") as file:
        file.write(repr(faults) + "\\n")

def test_seed():
    with open("seen.txt", "a") as file:
        file.write(f"{session().seed}\\n")
"""


def test_ci_draws_the_same_every_time(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(ci: bool) -> str:
        (pytester.path / "seen.txt").unlink(missing_ok=True)
        monkeypatch.setenv("CI", "true" if ci else "")
        pytester.makepyfile(test_leases=SEEN)
        result = pytester.runpytest_subprocess(*PLUGIN, "--lease-seed=random")
        result.assert_outcomes(passed=2)
        assert ("CI is set, so the seed is 1" in result.stdout.str()) is ci
        return (pytester.path / "seen.txt").read_text()

    assert seen(ci=True) == seen(ci=True)
    assert seen(ci=True).splitlines()[-1] == "1"
    assert seen(ci=False) != seen(ci=False)


def test_workers_of_xdist_share_seed_and_summary(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.makepyfile(
        test_leases=HELPERS
        + """
def test_one():
    print("seed", assert_slo(QUIET, f"{RATE} <= 0.1").provenance.seed)
    assert_slo(QUIET, "goodput_work_fraction >= 0.01")

def test_two():
    assert assert_slo(QUIET, f"{RATE} <= 0.1").provenance.seed == session_seed()

def session_seed():
    from sim.testing.session import session
    return session().seed
"""
    )
    result = pytester.runpytest_subprocess(*PLUGIN, "-p", "xdist", "-n1", "--lease-seed=random", "-rP")
    result.assert_outcomes(passed=2)
    text = result.stdout.str()
    header = int(text.partition("leasesim: seed ")[2].split()[0])
    assert f"seed {header}" in text.partition("PASSES")[2]
    assert text.partition("lease SLOs")[2].count("holds") == 3


def test_what_was_written_wrong_is_told_without_what_lies_within(pytester: pytest.Pytester) -> None:
    body = """
import pytest
def test_metric(): assert_slo(QUIET, "false_termination_per_lease_hour <= 1")
def test_budget(): assert_slo(QUIET, f"{RATE} <= 1", budget="many")
def test_confidence(): assert_slo(QUIET, f"{RATE} <= 1", confidence="99%")
def test_scenario(): assert_slo("no-fault", f"{RATE} <= 1")
def test_baseline(lease_baselines): lease_baselines.check("a b", QUIET)
def test_none(lease_baselines): lease_baselines.check("none", QUIET)
@pytest.mark.lease_slo("no-faults", f"{RATE} <= 0.1", confidense=0.9)
def test_marker(): pass
"""
    result = run(pytester, body)
    result.assert_outcomes(failed=7)
    text = result.stdout.str()
    for said in (
        "did you mean 'false_terminations_per_lease_hour'?",
        "budget = 'many': must be a number",
        "confidence = '99%': must be a number",
        "no scenario is named 'no-fault'",
        "a baseline cannot be named 'a b'",
        "there is no baseline 'none'",
        "test_marker: the marker lease_slo takes no 'confidense'; did you mean 'confidence'?",
    ):
        assert said in text
    assert "judging.py" not in text
    assert "baselines.py" not in text


# ---- baselines


BASELINE = """
def test_settings(lease_baselines):
    lease_baselines.check("laptops", BAD.with_({"lease.ttl": "%s"}), RATE, replications=60)
"""


def test_a_baseline_is_written_read_and_compared_with(pytester: pytest.Pytester) -> None:
    missing = run(pytester, BASELINE % "5m")
    missing.assert_outcomes(failed=1)
    assert "there is no baseline 'laptops' in lease-baselines.toml" in missing.stdout.str()
    assert "pytest --lease-update" in missing.stdout.str()
    update = run(pytester, BASELINE % "5m", "--lease-update")
    update.assert_outcomes(passed=1)
    assert "written    laptops: false_terminations_per_lease_hour" in update.stdout.str().partition("lease SLOs")[2]
    file = pytester.path / "lease-baselines.toml"
    data = tomllib.loads(file.read_text("utf-8"))
    sums = data["laptops"]["metrics"]["false_terminations_per_lease_hour"]
    assert len(sums["over"]) == len(sums["under"]) == 60
    assert sum(sums["over"]) > 0
    run(pytester, BASELINE % "5m").assert_outcomes(passed=1)
    longer = run(pytester, BASELINE % "5m" + "\ndef test_again(lease_baselines): test_settings(lease_baselines)")
    longer.assert_outcomes(passed=2)
    before = file.read_bytes()
    run(pytester, BASELINE % "5m", "--lease-update")
    assert file.read_bytes() == before, "the same scenario writes the same file"


def test_a_worse_setting_fails_and_says_what_changed(pytester: pytest.Pytester) -> None:
    run(pytester, BASELINE % "5m", "--lease-update").assert_outcomes(passed=1)
    worse = BASELINE.replace('{"lease.ttl": "%s"}', '{"faults.server_restart.when.rate": "2/h"}')
    result = run(pytester, worse)
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "not shown to be as good as the baseline 'laptops'" in text
    assert "worse      false_terminations_per_lease_hour:" in text
    assert "60 pairs on the same random numbers" in text
    assert "changed since: faults.server_restart.when.rate = 2.0/h" in text
    assert "leasesim explain restart-memory" in text
    assert "violated" in text.partition("lease SLOs")[2]
    better = BASELINE.replace('{"lease.ttl": "%s"}', '{"faults.server_restart.when.rate": "0/h"}')
    run(pytester, better).assert_outcomes(passed=1)


def test_baselines_that_are_updated_side_by_side_are_all_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "session", Session)  # 48 lines of its own in the summary help nobody
    path, short = tmp_path / "side.toml", sim.load("no-faults").with_({"duration": "1h"})

    def update(nth: int) -> None:
        baselines.Baselines(path, update=True).check(f"n{nth}", short, replications=2)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(update, range(24)))
    assert list(tomllib.loads(path.read_text("utf-8"))) == sorted(f"n{nth}" for nth in range(24))
    assert [each.name for each in tmp_path.iterdir()] == ["side.toml"]


def test_what_never_occurs_is_no_worse_than_itself(tmp_path: Path) -> None:
    short = sim.load("no-faults").with_({"duration": "1h"})
    for update in (True, False):
        baselines.Baselines(tmp_path / "b.toml", update=update).check("x", short, "reclaim_latency_seconds")


def test_a_broken_file_of_baselines_is_told_in_words(pytester: pytest.Pytester) -> None:
    for broken in (
        "laptops = ",
        "[laptops]\nseed = 1\n",
        "[laptops]\nseed = 'x'\nversion='1'\nscenario=''\nmetrics={}",
    ):
        (pytester.path / "lease-baselines.toml").write_text(broken, "utf-8")
        result = run(pytester, BASELINE % "5m")
        result.assert_outcomes(failed=1)
        assert "cannot read the baselines in" in result.stdout.str()
        assert "take the file from version control, or delete it" in result.stdout.str()


def test_the_function_form(pytester: pytest.Pytester) -> None:
    code = """
def test_it():
    assert_no_worse_than("mine.toml", "it", QUIET, RATE, update=True)
    assert_no_worse_than("mine.toml", "it", QUIET, RATE)
    with pytest.raises(ValueError, match="cannot be read"):
        assert_no_worse_than("mine.toml", "it", QUIET, RATE, tolerance="some")
    with pytest.raises(AssertionError, match="did you mean 'it'"):
        assert_no_worse_than("mine.toml", "itt", QUIET, RATE)
"""
    run(pytester, code).assert_outcomes(passed=1)


# ---- how it is loaded


def test_it_loads_by_itself_where_leasesim_is_installed(pytester: pytest.Pytester) -> None:
    """An installation is told to pytest by its metadata; here metadata made of what pyproject.toml declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [f"{name} = {home}" for name, home in project["entry-points"]["pytest11"].items()]
    site = pytester.mkdir("site")
    info = site / "leasesim_as_installed-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: leasesim-as-installed\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[pytest11]\n" + "\n".join(lines) + "\n")
    pytester.makepyfile(test_it="def test_it(lease_seed): assert lease_seed == 1")
    env = {key: value for key, value in os.environ.items() if key != "PYTEST_DISABLE_PLUGIN_AUTOLOAD"}
    env["PYTHONPATH"] = os.pathsep.join([str(site), str(ROOT)])
    command = [sys.executable, "-m", "pytest", "-q", "--markers", *("-p", "no:hypothesispytest")]
    done = subprocess.run(command, env=env, cwd=pytester.path, capture_output=True, text=True, check=False, timeout=120)
    assert "@pytest.mark.lease_slo(scenario, *slos" in done.stdout, done.stdout + done.stderr


def test_sessions_lie_within_one_another(pytester: pytest.Pytester) -> None:
    before = session()
    run(pytester, "def test_it(): pass", "--lease-seed=9").assert_outcomes(passed=1)
    assert session() is before
    assert isinstance(before, Session)
