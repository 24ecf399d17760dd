"""The folder of a sweep survives anything: kills, crashes between any two writes, full disks, flipped bits."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sim
from sim import pacing
from sim.errors import UsageError
from sim.model.load import loads
from sim.model.scenario import Scenario
from sim.sweeps import Sweep, sweep
from sim.sweeps import store as stores

TOML = """
duration = "1h"
lease.ttl = "2m"
runs.work = { kind = "exponential", mean = "20m" }
[[faults]]
what = "sleep"
when = "2/h"
length = { kind = "exponential", mean = "3m" }
"""
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
    with pytest.raises(UsageError, match="point 1"):
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
        with pytest.raises(UsageError, match=r"No space left on device; (\d+) replications are kept") as caught:
            sweep(small, AXES, REPS, out=tmp_path, chunk=1)
    assert "make room, and the same command goes on" in str(caught.value)
    kept = int(caught.value.message.split("; ")[1].split()[0])
    assert kept > 0
    result = sweep(small, AXES, REPS, out=tmp_path)
    assert (result.computed, result.reused) == (4 * REPS - kept, kept)
    checked(result, expected)
