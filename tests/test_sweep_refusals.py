"""What a sweep refuses before anything is simulated, what it leaves alone, and what it says when it is interrupted."""

from __future__ import annotations

import errno
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

import numpy as np
import pytest

import sim
from sim import metrics
from sim.errors import UsageError
from sim.model.load import loads
from sim.model.scenario import Scenario
from sim.sweeps import parts, swept
from tests.small import TOML

SWEEP = ("sweep", "small.toml", "--vary", "lease.ttl=1m,4m", "--reps", "1", "--jobs", "1")
AXES = {"lease.ttl": ["1m", "2m"]}

Result = tuple[int, str, str]


@pytest.fixture(scope="module")
def small() -> Scenario:
    return loads(TOML)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "small.toml").write_text(TOML, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---------------------------------------------------------------------- from Python


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"scenario": None}, "scenario = None: must be a scenario, or the name or path of one"),
        ({"scenario": {}}, "scenario = {}: must be a scenario"),
        ({"axes": None}, "axes = None: must be keys and values"),
        ({"axes": ["lease.ttl"], "design": "list"}, "axes = ['lease.ttl']: must be keys and values"),
        ({"axes": ["lease.ttl"], "design": "lhs:4"}, "axes = ['lease.ttl']: must be keys and values"),
        ({"axes": None, "refine": "leaked_slots<=1"}, "axes = None: must be keys and values"),
        ({"axes": {5: ["1m"]}}, "axes = {5: ['1m']}: must be keys and values"),
        ({"axes": {"lease.ttl": {"1m"}}}, "lease.ttl = {'1m'}: an axis takes several values, in an order"),
        ({"axes": {"lease.ttl": {"1m": "2m"}}}, "an axis takes several values, in an order"),
        ({"axes": {"lease.ttl": b"1m"}}, "lease.ttl = b'1m': an axis takes several values"),
        ({"axes": {"title": "a,b"}}, "title is a word about a scenario and changes nothing in it"),
        ({"axes": {"system": "etcd,consul"}}, "compare-systems"),
        ({"design": None}, "design = None: must be text"),
        ({"design": "lhs:\N{ARABIC-INDIC DIGIT THREE}"}, "unknown design"),
        ({"refine": 5}, "refine = 5: must be text"),
        ({"refine": "leaked_slots<=1", "budget": "x"}, "budget = 'x': must be a whole number"),
        ({"refine": "leaked_slots<=1", "budget": 2.5}, "budget = 2.5: must be a whole number"),
        ({"budget": 5}, "budget = 5: there is nothing to refine"),
        ({"engine": None}, "engine = None: must be text"),
        ({"replications": 10**12}, "must be at least 1, and at most 10,000,000"),
        ({"out": 5}, "out = 5: must be a path"),
        ({"out": "a\0b"}, "must be the name of a folder, in UTF-8"),
        ({"out": "a\udcff"}, "must be the name of a folder, in UTF-8"),
        ({"out": "x" * 300}, "cannot write to 'xxx"),
    ],
)
def test_what_means_nothing_is_refused_in_words(
    small: Scenario, folder: Path, monkeypatch: pytest.MonkeyPatch, what: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(metrics, "tally_of", lambda *_: pytest.fail("something was simulated"))
    with pytest.raises(UsageError, match=re.escape(message)):
        sim.sweep(**{"scenario": small, "axes": AXES, "replications": 1, **what})
    assert [path.name for path in folder.iterdir()] == ["small.toml"]


@pytest.mark.parametrize(
    ("path", "message"),
    [(None, "path = None: must be a path"), ("", "path is empty"), ("a\0b", "must be the name of a folder, in UTF-8")],
)
def test_what_is_no_name_of_a_folder_is_not_opened(path: Any, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        sim.open(path)


def test_a_part_that_may_not_be_read_is_named(small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sim.sweep(small, AXES, 1, out=tmp_path)

    def forbidden(path: Path, _: str) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(parts, "whole", forbidden)
    with pytest.raises(UsageError, match=r"cannot read '.*sealed-00000-.*parquet': Permission denied"):
        sim.open(tmp_path)


def test_whole_numbers_and_names_of_any_kind_are_written_down_as_plain_ones(small: Scenario, tmp_path: Path) -> None:
    numpy: dict[str, Any] = {"replications": np.int64(1), "seed": np.int64(1), "out": os.fsencode(tmp_path / "numpy")}
    sim.sweep(small, AXES, **numpy)
    sim.sweep(small, AXES, 1, seed=1, out=tmp_path / "int")
    texts = {path.read_text("utf-8") for path in tmp_path.glob("*/manifest.json")}
    assert len(texts) == 1
    assert json.loads(texts.pop())["seed"] == 1


# ---------------------------------------------------------------------- from the command line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fresh",), "--fresh starts again in a folder, and there is no --out"),
        (("--budget", "5"), "budget = 5: there is nothing to refine"),
        (("--seed", "1.7"), "--seed 1.7: expected a whole number"),
        (("--seed", "1.5e0"), "--seed 1.5e0: expected a whole number"),
        (("--jobs=1.5",), "--jobs 1.5: expected a whole number"),
        (("--vary", "renewal.every=0.2..0.9/8x"), 'for example "0.2..0.9/8" or "0.2..0.9/log8"'),
        (("--vary", "faults.sleep.when.rate=1/h..2/h"), 'for example "1/h..2/h/8" or "1/h..2/h/log8"'),
    ],
)
def test_options_that_do_not_go_together_or_are_half_right(
    cli: Callable[..., Result], words: tuple[str, ...], message: str
) -> None:
    code, out, err = cli(*SWEEP[: -2 if "--jobs=1.5" in words else None], *words)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("name", ["results.csv", "curves.png"])
def test_files_of_somebody_are_not_written_over(cli: Callable[..., Result], folder: Path, name: str) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / name).write_text("precious", "utf-8")
    code, _, err = cli(*SWEEP, "--out", "mine")
    assert code == 2
    assert f"'mine' has {name} and no manifest.json: it is not a sweep's" in err
    assert [(path.name, path.read_text("utf-8")) for path in (folder / "mine").iterdir()] == [(name, "precious")]


def test_what_an_earlier_sweep_drew_does_not_stay_beside_another(
    cli: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli(*SWEEP, "--vary", "renewal.every=0.25,0.5", "--out", "x")[0] == 0
    assert (folder / "x" / "heatmaps.png").exists()
    assert cli(*SWEEP, "--fresh", "--out", "x")[0] == 0
    assert not (folder / "x" / "heatmaps.png").exists()

    def interrupts(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(metrics, "tally_of", interrupts)
    assert cli(*SWEEP, "--fresh", "--seed", "2", "--out", "x")[0] == 130
    assert not (folder / "x" / "results.csv").exists()


def test_a_disk_that_fills_up_while_it_is_drawn_costs_no_replication(
    cli: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "x" / ".results.csv.new").mkdir(parents=True)  # so it cannot be written
    code, _, err = cli(*SWEEP, "--out", "x")
    assert code == 2
    assert "cannot write to 'x': Is a directory; every replication is kept" in err
    (folder / "x" / ".results.csv.new").rmdir()
    assert "computed 0, reused 2 replications" in cli(*SWEEP, "--out", "x")[1]


def test_charts_that_need_a_grid_are_not_drawn_of_points_that_fill_a_space(
    cli: Callable[..., Result], folder: Path
) -> None:
    """They have a value of their own along each axis."""
    words = ("sweep", "small.toml", "--vary", "lease.ttl=1m..9m", "--vary", "renewal.every=0.2..0.9")
    code, _, err = cli(*words, "--design", "sobol:32", "--reps", "1", "--jobs", "1", "--out", "x")
    assert code == 0
    assert "heatmaps.png is not drawn: a heat map needs a grid" in err
    assert "curves.png is not drawn: curves need several points with the same renewal.every" in err
    assert sorted(path.name for path in (folder / "x").glob("*.png")) == ["causes.png", "tradeoff.png"]


def test_points_of_the_same_scenario_fail_together(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ArithmeticError

    monkeypatch.setattr(metrics, "tally_of", broken)
    result = sim.sweep(small, {"limit.slots": "1..2"}, 1, design="lhs:6")
    assert len(result.failures) == 2
    assert "6 of 6 points failed and are left out: 0, 1, 2, 3, 4, 5" in repr(result)
    assert "not simulated yet" not in repr(result)
    with pytest.raises(UsageError, match=r"point 5 .* failed"):
        result.point(5)


# ---------------------------------------------------------------------- interrupts


def test_an_interrupt_while_it_is_drawn_says_how_to_go_on(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupts(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(swept.Sweep, "plot_curves", interrupts)
        code, out, err = cli(*SWEEP, "--out", "x")
    assert (code, out) == (130, "")
    first, again = err.splitlines()[-2:]
    assert first == "interrupted after 2 of 2 replications: they are kept in x"
    resumed = again.removeprefix("  to go on: leasesim ").split()
    assert "computed 0, reused 2 replications" in cli(*resumed, "--jobs", "1")[1]


def test_an_interrupt_before_the_first_replication_counts_none(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupts(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.sweeps.simulate.planned", interrupts)
    assert "interrupted after 0 replications: they are kept in x" in cli(*SWEEP, "--out", "x")[2]


TWICE = """
import signal, sys, threading, time
from sim import metrics
from sim.cli import main

def stuck(*what, **more):
    print("begun", flush=True)
    time.sleep(60)

metrics.tally_of = stuck
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=time.sleep, args=(60,)).start()
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process group")
def test_who_is_impatient_gets_the_line_and_the_exit_code_too(folder: Path) -> None:
    """A second interrupt, while a thread is waited for, ends it at once: no traceback, no signal as an exit code."""
    process = subprocess.Popen(
        [sys.executable, "-c", TWICE, *SWEEP, "--engine", "process", "--out", "x"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(sim.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    lines = [process.stderr.readline(), process.stderr.readline()]
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert lines[1].startswith("  to go on: leasesim sweep small.toml")
    assert (process.returncode, rest) == (130, "")
