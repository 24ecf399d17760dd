"""The command: what it prints, how it ends, and that bad input is told in words."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sim import metrics
from sim.cli import exits, main, screen
from sim.cli.dotted import assignments, split
from sim.errors import UsageError
from sim.metrics import METRICS
from tests.small import TOML as AN_HOUR

ROOT = Path(__file__).resolve().parents[1]
TOML = f'\ntitle = "Small and quick"{AN_HOUR}'
SWEEP = ["sweep", "small.toml", "--vary", "lease.ttl=1m,4m", "--vary", "renewal.every=0.25,0.75"]

Result = tuple[int, str, str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in a folder of its own, where there is one scenario."""
    (tmp_path / "small.toml").write_text(TOML, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*words: str, **options: Any) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)} | options.pop("env", {})
    return subprocess.Popen(
        [sys.executable, *options.pop("program", ("-m", "sim.cli")), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


# ---------------------------------------------------------------------- looking


def test_without_words_and_with_help_it_says_what_there_is(cli: Callable[..., Result]) -> None:
    for words in ((), ("--help",)):
        code, out, _ = cli(*words)
        assert code == 0
        for name in ("list", "show", "check", "run", "sweep", "compare", "best", "explain", "schema"):
            assert re.search(rf"^│ {name} ", out, re.MULTILINE), name
    assert cli("--version")[1].strip() == __import__("sim").__version__


@pytest.mark.parametrize("name", ["show", "check", "run", "sweep", "compare", "best", "explain", "list", "schema"])
def test_every_command_explains_every_option(cli: Callable[..., Result], name: str) -> None:
    code, out, _ = cli(name, "--help")
    assert code == 0
    for option in re.findall(r"^│ \*? *(--[a-z-]+)(.*)│$", out, re.MULTILINE):
        assert len(option[1].strip()) > 10, f"{name} {option[0]} is not explained"


def test_list_shows_what_comes_along_and_what_is_here(cli: Callable[..., Result]) -> None:
    code, out, _ = cli("list")
    assert code == 0
    assert re.search(r"^  small.toml +Small and quick$", out, re.MULTILINE)
    assert "next: leasesim show" in out
    listed = json.loads(cli("list", "--json")[1])
    assert {"name": "small.toml", "title": "Small and quick"} in listed
    assert len(listed) > 5
    assert all(each["title"] for each in listed)


def test_show_prints_what_can_be_edited(cli: Callable[..., Result]) -> None:
    assert cli("show", "small.toml")[1] == TOML.rstrip("\n") + "\n"
    name = json.loads(cli("list", "--json")[1])[0]["name"]
    assert 'title = "' in cli("show", name)[1]
    assert 'ttl = "3m"' in cli("show", "small.toml", "--lease.ttl", "3m")[1]
    assert "sweep_interval" in cli("show", "small.toml", "--full")[1]
    assert json.loads(cli("show", "small.toml", "--json")[1])["lease"]["ttl"] == "2m"


def test_check_says_whether_a_scenario_is_sound(cli: Callable[..., Result]) -> None:
    code, out, err = cli("check", "small.toml")
    assert (code, out.splitlines()[-1], err) == (0, "ok", "")
    late = ("check", "small.toml", "--renewal.every", "3m")
    code, out, err = cli(*late)
    assert (code, out.splitlines()[-1]) == (0, "ok")
    assert err.startswith("warning: renewal.every")
    assert cli(*late, "--strict")[0] == 1
    found = json.loads(cli(*late, "--json", "--strict")[1])
    assert (found["ok"], found["problems"][0]["path"]) == (False, "renewal.every")
    code, out, err = cli("check", "small.toml", "--json", "--lease.ttl", "soon")
    assert (code, err) == (2, "")
    assert json.loads(out)["problems"][0]["message"].startswith('cannot read "soon"')


def test_schema_is_json(cli: Callable[..., Result]) -> None:
    assert "lease" in json.loads(cli("schema")[1])["properties"]


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        ("rn small.toml", ['Unknown command "rn"', 'Did you mean "run"']),
        ("run", ["SCENARIO"]),
        ("run small.tml", ["no scenario is named", "leasesim list"]),
        ("run smal.toml", ["there is no file 'smal.toml'", "small.toml"]),
        ("run laptop-own-servr", ["did you mean 'laptop-own-server'"]),
        ("run small.toml --sed 2", ["Unknown option: --sed", "Did you mean --seed"]),
        ("run small.toml --seed x", ["--seed"]),
        ("run small.toml --seed -1", ["seed = -1"]),
        ("run small.toml --reps 0", ["--reps 0"]),
        ("run small.toml --reps many", ["--reps many: expected a number from 1 to 1,000,000, or auto"]),
        ("run small.toml --jobs 0", ["jobs = 0"]),
        ("run small.toml --engine proces", ["unknown engine 'proces'", "did you mean 'process'"]),
        ("run small.toml --lease.tll 3m", ["lease.tll: unknown key", "did you mean 'lease.ttl'"]),
        ("run small.toml --lease.ttl", ["--lease.ttl needs a value"]),
        ("run small.toml --lease.ttl --seed 2", ["--lease.ttl needs a value"]),
        ("run small.toml --lease.ttl 3m --lease.ttl=4m", ["--lease.ttl is given twice: 3m and 4m"]),
        ("run small.toml --lease.ttl 300", ["300 has no unit"]),
        ("run small.toml --lease.ttl soon --limit.slots -1", ['cannot read "soon"', "limit.slots", "2 errors"]),
        ("run small.toml --faults.slep.probability 0", ["no fault is named 'slep'", "did you mean 'sleep'"]),
        ("run small.toml --fail-if kills>1", ["no metric is named 'kills'"]),
        ("run small.toml --fail-if often", ["cannot read the criterion 'often'"]),
        ("list --lease.ttl 3m", ["--lease.ttl changes a scenario, and this command simulates none"]),
        ("best small.toml --zone 1", ["the best of what?", "--vary lease.ttl=1m,2m,5m"]),
        ("best small.toml --vary lease.ttl=1m,2m", ["--zone is missing", "in 1/lease-h"]),
        (
            "best small.toml --vary lease.ttl=1m,2m --zone 1 --metric goodpu",
            ["did you mean 'goodput_runs_per_slot_hour'"],
        ),
        ("best small.toml --vary lease.ttl=1m,2m --zone 1 --budget 9", ["2 settings need 40 replications at least"]),
        ("run small.toml --precision queue_wait_second=0.1", ["did you mean 'queue_wait_seconds'?"]),
        ("run small.toml --precision much", ["--precision: 'much' is not a number"]),
        ("run small.toml --precision 0.1 --budget much", ["budget = much: must be replications"]),
        ("run small.toml --budget 10", ["nothing to stop for"]),
        ("run small.toml --confidence 95", ["confidence = 95.0"]),
        ("compare small.toml", ["nothing to compare with", "--with lease.ttl=10m"]),
        ("compare small.toml --with lease.ttl", ["--with lease.ttl: there is no value"]),
        ("compare small.toml small.toml --reps auto", ["--reps auto: a comparison needs a number"]),
        ("explain small.toml --rep 1 --worst", ["--rep and --worst exclude each other"]),
        ("explain small.toml --rep -1", ["--rep -1"]),
        ("explain small.toml --worst --reps 0", ["--reps 0: expected a number"]),
        ("explain small.toml --out small.toml", ["cannot write to 'small.toml'"]),
        ("sweep small.toml", ["there is no --vary", "--vary lease.ttl=1m,2m"]),
        ("sweep small.toml --vary lease.ttl=", ["lease.ttl has no values"]),
        ("sweep small.toml --vary lease.tll=1m,2m", ["unknown key", "did you mean 'lease.ttl'"]),
        ("sweep small.toml --vary lease.ttl=1m,60s", ["1m and 60s are the same value"]),
        ("sweep small.toml --vary lease.ttl=1m --vary lease.ttl=2m", ["--vary lease.ttl is given twice"]),
        ("sweep small.toml --vary lease.ttl=1m,2x --vary renewal.every=0", ['cannot read "2x"', "above 0", "2 errors"]),
        ("sweep small.toml --vary lease.ttl=1m..5m", ["does not say how many values", '"1m..5m/8"']),
        ("sweep small.toml --vary lease.ttl=1m,2m --reps auto", ["--reps auto: a sweep needs a number"]),
        ("sweep small.toml --vary lease.ttl=1m,2m --out small.toml", ["is a file, not a folder"]),
    ],
)
def test_bad_input_is_told_in_words(cli: Callable[..., Result], words: str, messages: list[str]) -> None:
    code, out, err = cli(*words.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    for message in messages:
        assert message in err


def test_a_file_that_cannot_be_written_is_told_in_words(cli: Callable[..., Result], folder: Path) -> None:
    (folder / "x" / "results.csv").mkdir(parents=True)
    code, _, err = cli("sweep", "small.toml", "--vary", "lease.ttl=1m,4m", "--reps", "1", "--jobs", "1", "--out", "x")
    assert (code, err) == (
        2,
        "error: cannot write to 'x': Is a directory; every replication is kept\n"
        "  hint: see to it that it can be written to, and the same command goes on\n",
    )


def test_debug_shows_where_an_error_comes_from() -> None:
    with pytest.raises(UsageError):
        main(["run", "small.tml", "--debug"])


def test_a_file_with_mistakes_is_told_line_by_line(cli: Callable[..., Result], folder: Path) -> None:
    (folder / "bad.toml").write_text('lease.ttl = "5 minutes"\n[holder]\ncount = 3\n', "utf-8")
    code, _, err = cli("run", "bad.toml")
    assert code == 2
    assert "--> bad.toml:1:" in err
    assert "--> bad.toml:2:" in err
    assert err.rstrip().endswith("2 errors")


def test_overrides_are_taken_out_of_the_words() -> None:
    words = ["run", "x", "--lease.initial-ttl=2m", "--seed", "3", "--duration", "2h", "--hosts.wall_offset", "-5s"]
    found = {"lease.initial_ttl": "2m", "duration": "2h", "hosts.wall_offset": "-5s"}
    assert split(words) == (["run", "x", "--seed", "3"], found)
    assert split(["run", "--", "--lease.ttl", "3m"]) == (["run", "--", "--lease.ttl", "3m"], {})
    assert split(["sweep", "--out=a.b", "--vary", "lease.ttl=1m"])[1] == {}
    assert assignments(["--lease.initial-ttl = 1m,2m"], "--vary") == {"lease.initial_ttl": "1m,2m"}


# ---------------------------------------------------------------------- results


def test_run_prints_a_table_and_what_comes_next(cli: Callable[..., Result]) -> None:
    code, out, err = cli("run", "small.toml", "--reps", "3", "--jobs", "1", "--lease.ttl=3m", "--duration", "4h")
    assert (code, err) == (0, "")
    head = out.splitlines()[:3]
    assert head[0] == "small: 1 client, 1 slot, ttl 3m, renew every 2m15s (0.75 x ttl), 4h simulated"
    assert head[1:] == ["faults: sleep 2/h", "3 replications, seed 1, engine auto"]
    assert "95 % interval" in out
    assert re.search(r"^  false_terminations_per_lease_hour +[\d.]+ +[\d.]+ - [\d.]+ +1/lease-h", out, re.MULTILINE)
    assert "by cause: sleep 100%" in out
    assert re.search(
        r"worst replication: leasesim explain small.toml --seed 1 --rep \d --duration 4h --lease.ttl 3m", out
    )
    assert "next: leasesim explain small.toml --duration 4h --lease.ttl 3m --worst" in out
    assert "leasesim sweep small.toml --duration 4h --vary lease.ttl=1m30s,3m,6m --out sweep-small" in out


def test_run_until_it_is_precise(cli: Callable[..., Result]) -> None:
    _, out, _ = cli(
        "run", "small.toml", "--reps", "auto", "--jobs", "1", "--faults.sleep.probability", "0", "--duration", "1m"
    )
    assert "false_terminations_per_lease_hour: wanted within 10%, zero in all 125 replications: below " in out


def test_every_simulating_command_prints_json(cli: Callable[..., Result]) -> None:
    words = ("--reps", "2", "--jobs", "1", "--json")
    run = json.loads(cli("run", "small.toml", *words)[1])
    assert set(run["metrics"]) == set(METRICS)
    assert set(run["metrics"]["utilisation"]) == {"estimate", "low", "high", "unit", "n"}
    assert run["provenance"]["replications"] == 2
    both = json.loads(cli("compare", "small.toml", "--with", "lease.ttl=10m", *words)[1])
    assert set(both["metrics"]["utilisation"]) == {"a", "b", "difference", "p_adjusted", "verdict"}
    assert both["provenance"]["b"]["overrides"] == {"lease.ttl": "10m"}
    grid = json.loads(cli(*SWEEP, *words)[1])
    assert [point["values"]["lease.ttl"] for point in grid["points"]] == ["1m", "1m", "4m", "4m"]
    assert set(grid["points"][0]["metrics"]["utilisation"]) == {"estimate", "low", "high", "unit", "n"}
    assert (grid["failures"], grid["computed"], grid["written"]) == ([], 8, [])
    told = json.loads(cli("explain", "small.toml", "--rep", "1", "--json", "--text")[1])
    assert {"metrics", "provenance", "tolerances", "dangers", "story", "causes", "without", "digest"} <= set(told)


@pytest.mark.parametrize(
    ("criterion", "code", "told"),
    [
        ("false_termination_probability >= 0", 1, "failed: false_termination_probability = "),
        ("false_termination_probability > 1", 0, "passed: false_termination_probability = "),
        ("utilisation < 1e-3", 0, "passed: utilisation = "),
    ],
)
def test_a_criterion_decides_the_exit_code(cli: Callable[..., Result], criterion: str, code: int, told: str) -> None:
    words = ("run", "small.toml", "--reps", "2", "--jobs", "1", "--fail-if", criterion)
    found, out, _ = cli(*words)
    assert found == code
    assert told in out
    (criteria,) = json.loads(cli(*words, "--json")[1])["criteria"]
    assert criteria == {"criterion": criterion, "failed": bool(code)}


def test_best_says_which_and_how_to_replay_it(cli: Callable[..., Result]) -> None:
    words = ("best", "small.toml", "--vary", "lease.ttl=1m,10m", "--zone", "0.5", "--jobs")
    code, out, _ = cli(*words, "1")
    assert code == 0
    assert "best: lease.ttl = 10m, with probability 95% or more" in out
    assert "leasesim explain small.toml --seed 1 --rep 0 --lease.ttl 10m" in out
    told = [json.loads(cli(*words, jobs, "--json")[1]) for jobs in ("1", "2")]
    assert told[0] == told[1]
    assert told[0]["best"] == {"lease.ttl": "10m"}
    assert "computed 40, reused 0 replications" in cli(*words, "1", "--out", "b")[1]
    assert "computed 0, reused 40 replications" in cli(*words, "2", "--out", "b")[1]
    assert "computed 40, reused 0 replications" in cli(*words, "2", "--out", "b", "--fresh")[1]
    code, _, err = cli(*words, "1", "--out", "b", "--seed", "2")
    assert (code, "made from another seed (1 -> 2)" in err) == (2, True)


def test_run_says_what_precision_was_reached(cli: Callable[..., Result]) -> None:
    metric = "false_terminations_per_lease_hour"
    words = (
        "run",
        "small.toml",
        "--precision",
        f"{metric}=0.5,wasted_work_fraction=0.01",
        "--budget",
        "25",
        "--jobs",
        "1",
    )
    code, out, _ = cli(*words, "--confidence", "0.9")
    assert code == 0
    assert "90 % interval" in out
    assert "25 replications (the budget is spent)" in out
    assert re.search(r"wasted_work_fraction: wanted within 1%, reached \d+% with 25: about [\d,]+ replications", out)
    told = json.loads(cli(*words, "--json")[1])["precision"]
    assert told[1]["state"] == "open"
    assert told[1]["needed"] > 25


def test_compare_says_in_what_two_scenarios_differ(cli: Callable[..., Result], folder: Path) -> None:
    (folder / "longer.toml").write_text('extends = "small.toml"\ntitle = "Longer"\nlease.ttl = "20m"\n', "utf-8")
    code, out, _ = cli("compare", "small.toml", "longer.toml", "--reps", "20", "--jobs", "1")
    assert code == 0
    assert "b has lease.ttl = 20m" in out.replace(", title = Longer", "").replace("title = Longer, ", "")
    assert re.search(r"^  false_terminations_per_lease_hour .*x? ?fewer$", out, re.MULTILINE)
    assert "no difference shown" in out


def test_explain_tells_the_story_and_draws_it(cli: Callable[..., Result], folder: Path) -> None:
    code, out, _ = cli("explain", "small.toml", "--worst", "--reps", "4", "--jobs", "1", "--trace")
    assert code == 0
    assert re.search(r"^replication \d, the worst of 4, seed 1: [1-9]", out, re.MULTILINE)
    assert "the first false termination" in out
    assert re.search(r"needed 'sleep': without, it does not happen", out)
    assert re.search(r"^00:\d\d:\d\d\.\d{9}  run 0\.0", out, re.MULTILINE)
    assert (folder / "explain-small" / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert "timeline: explain-small/timeline.png" in out
    _, quiet, _ = cli("explain", "small.toml", "--text", "--faults.sleep.probability=0", "--out", "nowhere")
    assert "Nothing went wrong" in quiet
    assert not (folder / "nowhere").exists()


# ---------------------------------------------------------------------- sweeps


def test_sweep_writes_table_and_charts(cli: Callable[..., Result], folder: Path) -> None:
    words = (*SWEEP, "--reps", "2", "--jobs", "1", "--out", "runs/x")
    code, out, err = cli(*words)
    assert (code, err) == (0, "")
    assert re.search(r"^ +3  4m +0.75 +\d", out, re.MULTILINE)
    assert "computed 8, reused 0 replications" in out
    assert "in runs/x/: results.csv, heatmaps.png, curves.png, tradeoff.png, causes.png" in out
    made = {path.name for path in (folder / "runs" / "x").iterdir()}
    assert made == {
        "results.csv", "heatmaps.png", "curves.png", "tradeoff.png", "causes.png",
        "parts", "points.parquet", "manifest.json", "failures.jsonl", ".lock",
    }  # fmt: skip
    assert "computed 0, reused 8 replications" in cli(*words)[1]
    code, _, err = cli(*words, "--seed", "2")
    assert code == 2
    assert err == (
        "error: 'runs/x' was made from another seed (1 -> 2)\n"
        "  hint: --fresh starts again in that folder, another --out leaves it alone\n"
    )
    assert "computed 8, reused 0 replications" in cli(*words, "--seed", "2", "--fresh")[1]


@pytest.mark.parametrize("words", [["--out", ""], ["--out="]])
def test_an_empty_name_of_a_folder_is_refused(cli: Callable[..., Result], folder: Path, words: list[str]) -> None:
    """As of ``--out "$NOT_SET"``: what there is in the folder that one happens to be in is left alone."""
    code, out, err = cli(*SWEEP, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: --out is empty\n")
    assert [path.name for path in folder.iterdir()] == ["small.toml"]


def test_a_sweep_over_one_key_leaves_out_what_needs_two(cli: Callable[..., Result]) -> None:
    words = ("sweep", "small.toml", "--vary", "lease.ttl=1m,2m", "--reps", "2", "--jobs", "1")
    _, out, err = cli(*words, "--out", "x")
    assert "heatmaps.png is not drawn: a heat map needs two axes" in err
    assert "in x/: results.csv, curves.png, tradeoff.png, causes.png" in out
    assert "--reps 2 --seed 1 --out DIR  keeps the results and draws charts" in cli(*words)[1]


def test_a_sweep_samples_and_refines(cli: Callable[..., Result]) -> None:
    words = ("sweep", "small.toml", "--vary", "lease.ttl=1m..9m/log", "--reps", "1", "--jobs", "1")
    code, out, _ = cli(*words, "--design", "sobol:5")
    assert (code, "5 points x 1 replications" in out) == (0, True)
    assert "--design sobol:5 --reps 1" in out
    code, out, _ = cli(*words, "--refine", "false_terminations_per_lease_hour<=0.01", "--budget", "4")
    assert (code, "4 points x 1 replications" in out) == (0, True)
    assert "--refine 'false_terminations_per_lease_hour<=0.01' --budget 4" in out
    assert cli(*words, "--design", "sobol")[0] == 2


def test_points_that_fail_are_told_at_once(cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    tally_of = metrics.tally_of

    def measured(*what: Any) -> Any:
        if what[0].lease.ttl == 240 * 10**9:
            raise ZeroDivisionError("division by zero")
        return tally_of(*what)

    monkeypatch.setattr(metrics, "tally_of", measured)
    code, out, err = cli("sweep", "small.toml", "--vary", "lease.ttl=1m,4m", "--reps", "1", "--jobs", "1")
    assert code == 3
    assert err.splitlines() == [
        "error: point 1 (lease.ttl=4m), replication 0 failed: ZeroDivisionError: division by zero",
        "  replay: leasesim explain small.toml --seed 1 --rep 0 --lease.ttl 4m    (other points go on)",
    ]
    assert "1 of 2 points failed and are left out: 1" in out
    code, _, err = cli("run", "small.toml", "--lease.ttl", "4m", "--reps", "1", "--jobs", "1")
    assert code == 3
    assert "replay: leasesim explain small.toml --seed 1 --rep 0 --lease.ttl 4m" in err


def test_an_interrupt_keeps_what_is_done(cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    tally_of, seen = metrics.tally_of, []

    def measured(*what: Any) -> Any:
        seen.append(what)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return tally_of(*what)

    monkeypatch.setattr(metrics, "tally_of", measured)
    words = (*SWEEP, "--reps", "2", "--jobs", "1")
    code, _, err = cli(*words, "--out", "a b")
    assert code == 130
    again = "leasesim sweep small.toml --vary lease.ttl=1m,4m --vary renewal.every=0.25,0.75 --reps 2 --seed 1"
    assert err.splitlines() == [
        "interrupted after 3 of 8 replications: they are kept in a b",
        f"  to go on: {again} --out 'a b'",
    ]
    seen.clear()
    assert cli(*words)[2].splitlines()[0] == "interrupted after 3 of 8 replications: nothing is kept without a folder"
    assert "computed 5, reused 3 replications" in cli(*words, "--out", "a b")[1]


def test_an_interrupted_search_for_the_best_says_how_to_go_on(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    tally_of, seen = metrics.tally_of, []

    def measured(*what: Any) -> Any:
        seen.append(what)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return tally_of(*what)

    monkeypatch.setattr(metrics, "tally_of", measured)
    words = ("best", "small.toml", "--vary", "lease.ttl=1m,10m", "--zone", "0.5", "--jobs", "1", "--out", "b")
    code, _, err = cli(*words)
    assert code == 130
    first, again = err.splitlines()
    assert first == "interrupted after 3 of at most 5,000 replications: they are kept in b"
    out = cli(*again.removeprefix("  to go on: leasesim ").split(), "--jobs", "1")[1]
    assert "computed 37, reused 3 replications" in out


SLOWLY = """
import signal, sys, time
from sim import metrics
from sim.cli import main

tally_of = metrics.tally_of

def slowly(*what, **more):
    time.sleep(0.25)
    return tally_of(*what, **more)

metrics.tally_of = slowly
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""
"""The command, with replications that sleep: on any machine seconds are left to interrupt after the first part. What a
shell starts in the background is deaf to an interrupt, and so would this be if the tests were started there.
"""


def test_a_sweep_that_is_interrupted_goes_on_to_the_same_bytes(cli: Callable[..., Result], folder: Path) -> None:
    words = (*SWEEP, "--reps", "12", "--duration", "4h", "--engine", "kernel")
    process = command(*words, "--jobs", "2", "--out", "x", start_new_session=True, program=("-c", SLOWLY))
    deadline = time.monotonic() + 60
    parts = folder / "x" / "parts"
    while not any(parts.glob("part-*.parquet")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    resume = err.splitlines()[-1].removeprefix("  to go on: leasesim ")
    kept = sum(pq.read_metadata(path).num_rows for path in parts.glob("part-*.parquet"))
    assert 0 < kept < 48
    assert f"computed {48 - kept}, reused {kept} replications" in cli(*resume.split(), "--jobs", "1")[1]
    assert "computed 48, reused 0 replications" in cli(*words, "--jobs", "1", "--out", "y")[1]
    parts_there = [f"parts/{path.name}" for path in (folder / "y" / "parts").iterdir()]
    for name in ("results.csv", "manifest.json", "heatmaps.png", *parts_there):
        assert (folder / "x" / name).read_bytes() == (folder / "y" / name).read_bytes(), name


# ---------------------------------------------------------------------- terminals and pipes


def test_nobody_watching_no_colours_no_bars(folder: Path) -> None:
    process = command("run", "small.toml", "--reps", "2", "--jobs", "1", env={"FORCE_COLOR": ""})
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("environment", "coloured", "bar"),
    [({}, True, True), ({"NO_COLOR": "1"}, False, True), ({"TERM": "dumb"}, False, False)],
)
def test_somebody_watching(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    coloured: bool,
    bar: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for name, value in {"TERM": "xterm", "NO_COLOR": "", **environment}.items():
        monkeypatch.setenv(name, value)
    screen.complain(UsageError("no"))
    assert ("\x1b[1;31merror:\x1b[0m no" in capsys.readouterr().err) is coloured
    with screen.progress("replications") as report:
        assert (report is not None) is bar
        if report:
            report(1, 3)
            report(3, 3)


def test_a_reader_that_leaves_is_no_error() -> None:
    with command("schema") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == ("", 0)


def test_a_terminal_that_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["list"]) == exits.FINE


def test_a_rate_too_small_to_count(cli: Callable[..., Result]) -> None:
    code, out, err = cli("run", "blocked-loop", "--runs.work", "100h", "--renewal.every", "0.5", "--method", "rare")
    assert code == 0, err
    assert "renewal cycles after" in out
    assert "seed 1, engine process" in out
    assert "mean weight" in out
    assert "1/lease-h" in out


def test_where_the_rare_method_does_not_apply_every_field_is_named(cli: Callable[..., Result]) -> None:
    code, _, err = cli("run", "laptop-own-server", "--method", "rare")
    assert code == 2
    for field in ("runs.work", "faults[1].when", "faults[5].what"):
        assert f"error: {field}" in err
