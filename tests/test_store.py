"""The folder of a sweep survives anything: kills, crashes between any two writes, full disks, flipped bits."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import sim
from sim import pacing
from sim.errors import UsageError
from sim.model.load import loads
from sim.model.scenario import Scenario
from sim.results import provenance
from sim.sweeps import Sweep, sweep
from sim.sweeps import store as stores
from sim.sweeps.manifest import fingerprint
from tests.small import TOML

AXES: dict[str, list[Any]] = {"lease.ttl": ["1m", "4m"], "renewal.every": [0.25, 0.75]}
REPS = 4
KILLED = f"""
import sim
from sim import pacing
from sim.sweeps import store
pacing.EVERY_S, store._MANY = 0.0, 3
scenario = sim.loads({TOML!r})
print("ready", flush=True)
sim.sweep(scenario, {AXES!r}, {REPS}, out="x", chunk=1)
"""


@pytest.fixture(scope="module")
def small() -> Scenario:
    return loads(TOML)


def contents(folder: Path) -> dict[str, bytes]:
    """Every byte that a finished sweep leaves."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def expected(small: Scenario, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], str]:
    folder = tmp_path_factory.mktemp("expected")
    result = sweep(small, AXES, REPS, out=folder)
    return contents(folder), result.to_csv()


def checked(result: Sweep, expected: tuple[dict[str, bytes], str]) -> None:
    assert result.out is not None
    assert (contents(result.out), result.to_csv()) == expected


# ---------------------------------------------------------------------- opened again


def test_a_folder_gives_the_result_back(small: Scenario, tmp_path: Path) -> None:
    made = sweep(small, AXES, REPS, out=tmp_path)
    opened = sim.open(tmp_path)
    assert opened.to_csv() == made.to_csv()
    assert repr(opened) == repr(made)
    assert [(a.key, a.labels, a.described) for a in opened.axes] == [(a.key, a.labels, a.described) for a in made.axes]
    assert [point.scenario for point in opened.points] == [point.scenario for point in made.points]
    assert [point.identity for point in opened.points] == [point.identity for point in made.points]
    assert opened.point(2).tallies == made.point(2).tallies
    assert opened.point(**{"lease.ttl": "4m", "renewal.every": "0.75"}).metrics == made.point(3).metrics
    assert opened.worst().digest == made.worst().digest


def test_an_unfinished_sweep_opens_as_far_as_it_got(small: Scenario, tmp_path: Path) -> None:
    def stop(done: int, _: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(small, AXES, REPS, out=tmp_path, progress=stop, chunk=1)
    opened = sim.open(tmp_path)
    assert list(opened.tallies) == [0]
    assert "3 of 4 points are not simulated yet" in repr(opened)
    assert opened.point(0).tallies == sweep(small, AXES, REPS).point(0).tallies
    with pytest.raises(UsageError, match=r"point 1 .* is not simulated yet"):
        opened.point(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "is no folder of a sweep"),
        (lambda path: (path / "manifest.json").write_text("{"), "cannot read"),
        (lambda path: (path / "manifest.json").write_text('{"layout": 1}'), "another version of leasesim"),
    ],
)
def test_what_is_no_sweep_is_not_opened(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    make(tmp_path)
    with pytest.raises(UsageError, match=message):
        sim.open(tmp_path)


# ---------------------------------------------------------------------- crashes


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.fixture
def dies(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Dies before the n-th time that something is made permanent: written through, renamed, taken away."""
    left: list[int | None] = [None]

    def mortal(name: str, owner: Any) -> None:
        real = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, call)

    mortal("fsync", os)
    mortal("replace", Path)
    mortal("unlink", Path)
    monkeypatch.setattr(stores, "_MANY", 3)
    monkeypatch.setattr(pacing, "EVERY_S", 0.0)

    def after(count: int | None) -> None:
        left[0] = count

    return after


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)])
def test_a_crash_between_any_two_writes_loses_nothing(
    small: Scenario, tmp_path: Path, dies: Callable[[int | None], None], step: int
) -> None:
    axes = {"lease.ttl": "1m,4m"}
    whole = sweep(small, axes, 3, out=tmp_path / "whole", chunk=1)
    moments = 0
    while True:
        folder = tmp_path / str(moments)
        dies(moments)
        try:
            result = sweep(small, axes, 3, out=folder, chunk=1)
        except Killed:
            dies(None)
            result = sweep(small, axes, 3, out=folder)
            assert result.computed + result.reused == 6
            assert contents(folder) == contents(tmp_path / "whole")
            assert result.to_csv() == whole.to_csv()
            moments += step
        else:
            break
    assert moments > 30
    assert contents(tmp_path / str(moments)) == contents(tmp_path / "whole")


SLOW = f"""
import sys, time
import sim
from sim import metrics

tally_of = metrics.tally_of

def slowly(*what, **more):
    time.sleep(60)

metrics.tally_of = slowly
if __name__ == "__main__":
    sim.sweep(sim.loads({TOML!r}), {AXES!r}, {REPS}, out="x", engine="process", jobs=2)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks /proc who is alive")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    process = subprocess.Popen([sys.executable, "slow.py"], cwd=tmp_path, start_new_session=True, env=_environment())
    deadline = time.monotonic() + 60
    while len(_of_session(process.pid)) < 4 and time.monotonic() < deadline:  # it, the server of forks, two workers
        time.sleep(0.1)
    time.sleep(1.5)
    assert len(_of_session(process.pid)) >= 4
    process.kill()
    process.wait(60)
    while _of_session(process.pid) and time.monotonic() < deadline + 30:
        time.sleep(0.1)
    assert _of_session(process.pid) == []


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(sim.__file__).parents[1])}


def _of_session(leader: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(path.parent.name))
    return found


def killed_at(fraction: float, folder: Path, seconds: float) -> bool:
    """Start a sweep, kill it after a share of the time that a whole one takes; return whether it was still at work."""
    process = subprocess.Popen([sys.executable, "-c", KILLED], cwd=folder, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(fraction * seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.long)])
def test_killed_at_random_moments_it_goes_on_to_the_same_bytes(
    small: Scenario, expected: tuple[dict[str, bytes], str], tmp_path: Path, times: int
) -> None:
    (tmp_path / "whole").mkdir()
    process = subprocess.Popen([sys.executable, "-c", KILLED], cwd=tmp_path / "whole", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    start = time.perf_counter()
    process.communicate(timeout=120)
    seconds, chosen = time.perf_counter() - start, random.Random(times)
    caught = 0
    for number in range(times):
        folder = tmp_path / f"kill{number}"
        folder.mkdir()
        caught += killed_at(chosen.random(), folder, seconds)
        result = sweep(small, AXES, REPS, out=folder / "x")
        assert result.computed + result.reused == 4 * REPS
        checked(result, expected)
    assert caught >= times // 3


# ---------------------------------------------------------------------- what is not its own


def test_many_sealed_parts_do_not_depend_on_how_the_rows_came(
    small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block of points to which nothing happens has no columns for what happened in the block beside it."""
    monkeypatch.setattr(stores, "_SEALED_ROWS", 4)
    axes = {"lease.ttl": "1h,1m"}
    sweep(small, axes, 4, out=tmp_path / "at once")
    with pytest.raises(KeyboardInterrupt):
        sweep(small, axes, 4, out=tmp_path / "twice", chunk=1, progress=_stop_at(4))
    sweep(small, axes, 4, out=tmp_path / "twice")
    assert len(list((tmp_path / "at once" / "parts").iterdir())) == 2
    assert contents(tmp_path / "twice") == contents(tmp_path / "at once")


def _stop_at(count: int) -> Callable[[int, int], None]:
    def stop(done: int, _: int) -> None:
        if done >= count:
            raise KeyboardInterrupt

    return stop


def test_one_damaged_part_of_several_costs_its_own_rows(
    small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "_SEALED_ROWS", 4)
    sweep(small, AXES, REPS, out=tmp_path)
    whole = contents(tmp_path)
    first, *others = sorted((tmp_path / "parts").iterdir())
    first.write_bytes(first.read_bytes()[:-1])
    result = sweep(small, AXES, REPS, out=tmp_path)
    assert (len(others), result.computed, result.reused) == (3, 4, 12)
    assert contents(tmp_path) == whole


def test_parts_of_another_seed_are_not_its_own(small: Scenario, tmp_path: Path) -> None:
    axes = {"lease.ttl": "1m,4m"}
    for seed in (1, 2):
        sweep(small, axes, 2, seed=seed, out=tmp_path / str(seed))
    mine = contents(tmp_path / "1")
    for path in (tmp_path / "2" / "parts").iterdir():
        (tmp_path / "1" / "parts" / path.name).write_bytes(path.read_bytes())
    told: list[int] = []
    assert sweep(small, axes, 2, out=tmp_path / "1", on_damage=told.append).computed == 0
    assert told == [1]
    assert contents(tmp_path / "1") == mine


def test_a_strange_file_among_the_parts_is_left_alone(small: Scenario, tmp_path: Path) -> None:
    sweep(small, AXES, 1, out=tmp_path)
    (tmp_path / "parts" / "my-notes.parquet").write_text("mine")
    for resume in (True, False):
        sweep(small, AXES, 1, out=tmp_path, resume=resume)
    assert sim.open(tmp_path).point(0).tallies
    assert (tmp_path / "parts" / "my-notes.parquet").read_text() == "mine"


@pytest.mark.parametrize("resume", [True, False])
def test_what_an_earlier_sweep_remarked_does_not_stay(small: Scenario, tmp_path: Path, resume: bool) -> None:
    refined = sweep(small, {"lease.ttl": "1m..20m"}, 1, out=tmp_path, refine="leaked_slots<=1", budget=4)
    assert sim.open(tmp_path).remarks == refined.remarks != ()
    assert sweep(small, {"lease.ttl": "1m,2m"}, 1, out=tmp_path, resume=resume).remarks == ()
    assert sim.open(tmp_path).remarks == ()


def torn(text: str) -> str:
    return text[: len(text) // 2]


def changed(**keys: Any) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), **keys})


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (torn, r"cannot read '.*manifest.json': it breaks off in line \d+, after [\d,]+ bytes"),
        (lambda _: "", "cannot read '.*manifest.json': it is empty"),
        (lambda _: "\xff", "cannot read '.*manifest.json': it is no JSON at line 1"),
        (lambda _: "[" * 100_000, "cannot read '.*manifest.json': it is no table"),
        (lambda _: "[3]", "cannot read '.*manifest.json': it is no table"),
        (lambda _: "{}", "cannot read '.*manifest.json': it does not say its layout"),
        (changed(scenario=None), "manifest.json': there is no scenario in it"),
        (changed(axes=None), "manifest.json': there is no axes in it"),
        (changed(seed="x"), "manifest.json': there is no seed in it"),
        (changed(seed=99), "manifest.json' was changed: its sha256, axes, seed,"),
        (changed(axes={"renewal.every": []}), "manifest.json' was changed"),
        (changed(scenario={}), "manifest.json' was changed: the scenario in it"),
        (changed(replications=10**9), "manifest.json': replications = 1000000000"),
        (changed(replications=0), "manifest.json': replications = 0"),
        (None, "has parts of a sweep and no manifest.json"),
    ],
)
def test_a_damaged_manifest_is_named_and_the_sweep_mends_it(
    small: Scenario,
    expected: tuple[dict[str, bytes], str],
    tmp_path: Path,
    damage: Callable[[str], str] | None,
    why: str,
) -> None:
    sweep(small, AXES, REPS, out=tmp_path)
    path = tmp_path / "manifest.json"
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage(path.read_text("utf-8")), "utf-8")
    with pytest.raises(UsageError, match=why) as told:
        sim.open(tmp_path)
    assert "the command that made the folder, given again, writes the file anew" in str(told.value)
    with pytest.raises(UsageError, match=f"{why}.*; and no part in '.*parts' is of this sweep"):
        sweep(small, AXES, REPS, out=tmp_path, seed=2)
    again = sweep(small, AXES, REPS, out=tmp_path)
    assert again.reused == 4 * REPS
    checked(again, expected)


def test_a_manifest_that_is_no_text_is_named(small: Scenario, tmp_path: Path) -> None:
    sweep(small, AXES, 1, out=tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="it is no text"):
        sim.open(tmp_path)


def test_a_scenario_of_another_version_is_told_in_words(small: Scenario, tmp_path: Path) -> None:
    sweep(small, {"lease.ttl": "1m"}, 1, out=tmp_path)
    path = tmp_path / "manifest.json"
    old = json.loads(path.read_text("utf-8"))
    data = {**old["scenario"], "lease": {**old["scenario"]["lease"], "colour": "blue"}}
    new = {**old, "scenario": data, "sha256": provenance.sha256_of(data), "version": "9.9"}
    path.write_text(json.dumps({**new, "fingerprint": fingerprint(new)}), "utf-8")
    for part in (tmp_path / "parts").iterdir():
        part.unlink()
    with pytest.raises(UsageError, match=r"cannot be read here: lease.colour: .*\n.*leasesim 9.9 wrote it"):
        sim.open(tmp_path)


# ---------------------------------------------------------------------- disks


def test_a_full_disk_is_told_and_loses_nothing(
    small: Scenario, expected: tuple[dict[str, bytes], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "EVERY_S", 0.0)
    real, calls = os.fsync, []

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 12:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fsync)
        with pytest.raises(
            UsageError, match=r"No space left on device; (1 replication is|\d+ replications are) kept"
        ) as caught:
            sweep(small, AXES, REPS, out=tmp_path, chunk=1)
    assert "make room, and the same command goes on" in str(caught.value)
    kept = int(caught.value.message.split("; ")[1].split()[0])
    assert kept > 0
    result = sweep(small, AXES, REPS, out=tmp_path)
    assert (result.computed, result.reused) == (4 * REPS - kept, kept)
    checked(result, expected)


def test_a_sweep_that_came_first_keeps_its_folder(
    small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking at an empty folder and having it for oneself, another sweep may have been there, and gone."""
    locked = stores._locked

    def late(path: Path) -> Any:
        monkeypatch.setattr(stores, "_locked", locked)
        sweep(small, AXES, 1, out=tmp_path)
        return locked(path)

    monkeypatch.setattr(stores, "_locked", late)
    with pytest.raises(UsageError, match=re.escape("was made from another seed (1 -> 2)")):
        sweep(small, AXES, 1, seed=2, out=tmp_path)
    assert sweep(small, AXES, 1, out=tmp_path).reused == 4


def test_no_flipped_bit_among_the_points_gives_another_table(small: Scenario, tmp_path: Path) -> None:
    made = sweep(small, AXES, 1, out=tmp_path).to_csv()
    path = tmp_path / "points.parquet"
    whole = path.read_bytes()
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :])
        with suppress(UsageError):
            assert sim.open(tmp_path).to_csv() == made  # what nobody reads may be anything
    path.unlink()
    with pytest.raises(UsageError, match=r"there is no '.*points.parquet'"):
        sim.open(tmp_path)
    assert sweep(small, AXES, 1, out=tmp_path).computed == 0
    assert path.read_bytes() == whole
