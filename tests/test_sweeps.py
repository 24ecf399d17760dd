"""Sweeps: the grid, who works through it, the folder that keeps it; equal sweeps leave equal bytes."""

from __future__ import annotations

import json
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim import metrics, pacing
from sim.errors import UsageError
from sim.metrics import Tally
from sim.model.load import loads
from sim.model.scenario import Scenario
from sim.pacing import Pace
from sim.results.measures import BAD, worst_index
from sim.results.provenance import canonical, sha256
from sim.sweeps import Sweep, runner, sweep, work
from sim.sweeps.grid import AxesError, grid
from sim.sweeps.index import Filed
from sim.sweeps.manifest import first_difference
from sim.sweeps.ranges import values_of
from sim.sweeps.runner import Task, Tasks, outcomes, performed
from sim.sweeps.store import Store
from sim.sweeps.work import Job
from tests.small import TOML as AN_HOUR

TOML = f'\ntitle = "Small and quick, to be swept"{AN_HOUR}'
AXES: Mapping[str, list[Any]] = {"lease.ttl": ["1m", "4m"], "renewal.every": [0.25, 0.75]}
REPS = 4


@pytest.fixture(scope="module")
def small() -> Scenario:
    return loads(TOML)


def kept(result: Sweep) -> dict[str, bytes]:
    """The bytes that a finished sweep leaves, and its table."""
    assert result.out is not None
    files = [*(result.out / "parts").iterdir(), result.out / "manifest.json", result.out / "points.parquet"]
    return {"results.csv": result.to_csv().encode(), **{path.name: path.read_bytes() for path in files}}


def stored(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "parts").iterdir()}


@pytest.fixture(scope="module")
def expected(small: Scenario, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return kept(sweep(small, AXES, REPS, out=tmp_path_factory.mktemp("expected")))


# ---------------------------------------------------------------------- values and points


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1m,2m, 5m", "1m 2m 5m"),
        ("", ""),
        ("0.2..0.9/8", "0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9"),
        ("30s..30m/log8", "30s 54s 1m37s 2m53s 5m11s 9m19s 16m43s 30m"),
        ("1m..5m/3", "1m 3m 5m"),
        ("1..4", "1 2 3 4"),
        ("10..1/4", "10 7 4 1"),
        ("1/h..100/h/log3", "1/h 10/h 100/h"),
        ("1e-3..0.1/log3", "1e-3 0.01 0.1"),
        ("1m,2m..4m/2", "1m 2m 4m"),
        ('{ kind = "uniform", low = "1s", high = "2s" },5m', '{ kind = "uniform", low = "1s", high = "2s" }|5m'),
    ],
)
def test_an_axis_is_written_as_values_or_ranges(text: str, values: str) -> None:
    assert values_of(text) == tuple(values.split("|") if "|" in values else values.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1m,,2m", "an empty value"),
        ("1m..5m", "does not say how many values"),
        ("5..1", "no or too many values"),
        ("1..5/1", "has 1 values"),
        ("1m..1m/3", "its two ends are the same"),
        ("0..5/log3", "both ends above zero"),
        ("1/h..5/d/3", "two units"),
        ("a..b/3", 'cannot read "a" as a duration'),
        ("..", "cannot read '..' as a range"),
    ],
)
def test_a_range_that_means_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        values_of(text)


def test_the_last_axis_runs_fastest(small: Scenario) -> None:
    axes, points = grid(small, AXES)
    assert [axis.labels for axis in axes] == [("1m", "4m"), ("0.25", "0.75")]
    assert [tuple(point.values.values()) for point in points] == [
        ("1m", "0.25"), ("1m", "0.75"), ("4m", "0.25"), ("4m", "0.75"),
    ]  # fmt: skip
    assert points[2].scenario == small.with_({"lease.ttl": "4m", "renewal.every": 0.25})
    assert points[2].label == "lease.ttl=4m, renewal.every=0.25"


def test_a_worker_reads_back_the_scenario_it_is_sent(small: Scenario) -> None:
    odd = small.with_({"renewal.attempts": "unlimited", "network.bursts": {"mean_good": "1h", "mean_bad": "1s"}})
    for scenario in (small, odd, Scenario()):
        assert Scenario.model_validate_json(canonical(scenario)) == scenario
    assert sha256(small) == sha256(small.with_({"title": "x", "about": "y"})) != sha256(odd)


@pytest.mark.parametrize(
    ("axes", "messages"),
    [
        ({}, ["varies nothing"]),
        ({"lease.ttl": []}, ["lease.ttl has no values"]),
        ({"lease.ttl": ["1m", "1m"]}, ["lease.ttl: the value 1m is there twice"]),
        ({"lease.ttl": ["1m", "60s"]}, ["1m and 60s are the same value"]),
        ({"lease.tll": ["1m", "2m"]}, ["unknown key", "did you mean 'lease.ttl'?"]),
        ({"lease.ttl": ["1m", "soon"]}, ['cannot read "soon" as a duration']),
        ({"runs.work": ["1h"], "runs.work.value": ["1h"]}, ["runs.work is varied, and so is runs.work.value"]),
        ({"lease.ttl": "1m,-5s", "renewal.every": "0,0.5", "x.y": "1"},
         ["longer than zero", "above 0", "x.y: unknown key", "3 errors"]),
        ({"lease.books": ["leases", "counter"], "limit.slot_decay_per_second": ["0", "1"]},
         ["needs lease.books", "(at lease.books=leases, limit.slot_decay_per_second=1)"]),
    ],
)  # fmt: skip
def test_everything_wrong_with_the_axes_is_told_at_once(
    small: Scenario, axes: dict[str, Any], messages: list[str]
) -> None:
    with pytest.raises(AxesError) as caught:
        grid(small, axes)
    assert isinstance(caught.value, UsageError)
    for message in messages:
        assert message in str(caught.value)


def test_axes_and_folders_of_the_wrong_kind_are_refused(small: Scenario) -> None:
    wrong: Any
    for wrong, message in (({"lease.ttl": 60}, "an axis takes several values"), (["1m"], "must be keys and values")):
        with pytest.raises(UsageError, match=message):
            sweep(small, wrong, 1)
    with pytest.raises(UsageError, match="out is empty"):
        sweep(small, AXES, 1, out="")
    assert sweep(small, AXES, 2).versus(0, "queue_wait_seconds").metrics == ("queue_wait_seconds",)


def test_a_grid_beyond_reason_is_refused(small: Scenario) -> None:
    with pytest.raises(UsageError, match="1,998,000 points, at most 1,000,000"):
        grid(small, {"lease.ttl": "1s..1h/1000", "limit.slots": "1..999", "renewal.attempts": "1,2"})


# ---------------------------------------------------------------------- who works


def cut(replications: int, size: int) -> list[Any]:
    tasks = Tasks([Job(0, "{}", 1, "process", tuple(range(replications)))], replications, Pace(size))
    return [[list(job.replications) for job in task] for task in iter(tasks.give, None)]


def test_replications_are_cut_into_tasks() -> None:
    assert cut(5, 2) == [[[0, 1]], [[2, 3]], [[4]]]
    jobs = [Job(point, "{}", 1, "process", (0, 1)) for point in range(3)]
    tasks = Tasks(jobs, 6, Pace(5))
    assert [[(job.point, job.replications) for job in task] for task in iter(tasks.give, None)] == [
        [(0, (0, 1)), (1, (0, 1)), (2, (0,))], [(2, (1,))],
    ]  # fmt: skip


def test_tasks_grow_to_their_target_and_are_small_at_the_end() -> None:
    pace = Pace(window=4)
    sizes = []
    for _ in range(8):
        sizes.append(pace.next(10_000))
        pace.heard(sizes[-1], pacing.TARGET_S / 33.5 * sizes[-1])
    assert sizes == [1, 2, 4, 8, 16, 32, 33, 33]
    assert [pace.next(left) for left in (133, 100, 5, 1)] == [33, 25, 2, 1]
    pace.heard(33, 990.0)
    assert pace.next(10_000) == 1


def most_at_work(workers: int, tasks: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Return how many of an executor's workers are at work at once on tasks of 1 s, and the window in the end."""
    clock, busiest = 0.0, 0
    monkeypatch.setattr(pacing, "seconds_now", lambda: clock)
    pace = Pace(1, grows=True)
    ends: deque[float] = deque()
    for _ in range(tasks):
        if len(ends) == pace.window:
            busiest = max(busiest, sum(end - 1 <= clock < end for end in ends))
            clock = ends.popleft()
            pace.heard(1, 1.0)
        ends.append(1 + (max(clock, ends[-workers]) if len(ends) >= workers else clock))
    return busiest, pace.window


@pytest.mark.parametrize("workers", [40, 1000])
def test_whoever_has_many_workers_is_given_enough_for_all(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    busiest, window = most_at_work(workers, 30_000, monkeypatch)
    assert busiest == workers
    assert 1.5 * workers <= window <= 4 * workers  # of tasks that end together twice as many look at work


def test_the_more_tasks_are_out_the_longer_they_are() -> None:
    """The parent sees each, one after the other."""
    few, many = Pace(), Pace(window=20_000)
    for pace in (few, many):
        for _ in range(20):
            pace.heard(pace.size, 0.01 * pace.size)
    assert (few.size, many.size) == (25, 8000)


def test_whoever_works_the_bytes_are_the_same(small: Scenario, expected: dict[str, bytes], tmp_path: Path) -> None:
    assert kept(sweep(small, AXES, REPS, jobs=2, out=tmp_path / "two")) == expected
    with ThreadPoolExecutor(3) as threads:
        assert kept(sweep(small, AXES, REPS, executor=threads, out=tmp_path / "threads")) == expected
        assert not threads._shutdown


def test_a_sweep_without_a_folder_computes_the_same(small: Scenario, expected: dict[str, bytes]) -> None:
    result = sweep(small, AXES, REPS)
    assert (result.to_csv().encode(), result.out) == (expected["results.csv"], None)


def test_a_point_is_known_by_a_number_of_any_kind(small: Scenario, tmp_path: Path) -> None:
    """As a frame has it."""
    result = sweep(small, AXES, REPS, out=tmp_path)
    number: Any = np.int64(2)
    assert result.point(number).provenance == result.point(2).provenance


def test_a_failure_of_a_point_that_came_later_is_not_of_this_result(small: Scenario, tmp_path: Path) -> None:
    """Somebody refines while the folder is opened."""
    sweep(small, AXES, REPS, out=tmp_path)
    later = {"index": 99, "values": {}, "rep": 0, "error": "E", "detail": ""}
    (tmp_path / "failures.jsonl").write_text(json.dumps(later) + "\n", "utf-8")
    assert sim.open(tmp_path).failures == ()


def test_a_frame_may_have_some_metrics_only(small: Scenario) -> None:
    result = sweep(small, AXES, REPS)
    whole, few = result.to_pandas(), result.to_pandas("false_terminations_per_lease_hour")
    assert few.equals(whole[whole["metric"] == "false_terminations_per_lease_hour"].reset_index(drop=True))
    with pytest.raises(UsageError, match="did you mean 'leaked_slots'"):
        result.to_pandas(["leaked_slot"])


@pytest.mark.parametrize("faults", [None, []])
def test_the_worst_on_file_is_the_worst_of_all(small: Scenario, tmp_path: Path, faults: list[Any] | None) -> None:
    """It is found without reading the tallies; of equals, such as where nothing happens, it is the first."""
    scenario = small if faults is None else small.with_({"faults": faults})
    for seed in range(4):
        tallies = sweep(scenario, AXES, REPS, seed=seed, out=tmp_path / str(seed)).tallies
        each = [tally for index in tallies for tally in tallies[index]]
        assert isinstance(tallies, Filed)
        assert tallies.worst(BAD) == divmod(worst_index(each), REPS)


class Doomed(Executor):
    """Does one job and breaks."""

    def __init__(self) -> None:
        self.done = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.done:
            future.set_exception(BrokenExecutor("broken"))
        else:
            future.set_result(fn(*args))
        self.done += 1
        return future


def test_a_broken_executor_costs_what_it_did_not_do(small: Scenario) -> None:
    jobs = [Job(0, canonical(small), 1, "process", tuple(range(70)))]
    first, *others = outcomes(jobs, 70, executor=Doomed(), chunk=1)
    assert (len(first), first[0].tally is not None) == (1, True)
    assert [(batch[0].tally, batch[0].error) for batch in others] == [
        *[(None, "RuntimeError: the process that simulated it died (killed, out of memory?)")] * 63,
        *[(None, "RuntimeError: not simulated: the executor broke before its turn came")] * 6,
    ]


def deadly(task: Task) -> tuple[work.Outcome, ...]:
    """A task whose second replication takes its process along."""
    if any(1 in job.replications for job in task):
        os._exit(1)
    return performed(task)


def test_a_replication_that_kills_its_worker_fails_alone(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.sweeps.runner.performed", deadly)
    jobs = [Job(0, canonical(small), 1, "process", tuple(range(4)))]
    found = {
        each.replication: each.tally is not None for batch in outcomes(jobs, 4, workers=2, chunk=2) for each in batch
    }
    assert found == {0: True, 1: False, 2: True, 3: True}


# ---------------------------------------------------------------------- what fails


@pytest.fixture
def one_fails(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Replication 1 of the points with a ttl of four minutes cannot be measured, until it is repaired."""
    tally_of = metrics.tally_of
    seen: list[object] = []

    def measured(scenario: Scenario, *how: Any) -> Tally:
        if scenario.lease.ttl == 240 * 10**9:
            seen.append(how)
            if len(seen) % REPS == 2:
                raise ZeroDivisionError("division by zero")
        return tally_of(scenario, *how)

    monkeypatch.setattr(metrics, "tally_of", measured)
    return lambda: monkeypatch.setattr(metrics, "tally_of", tally_of)


def test_a_failure_is_told_at_once_and_the_rest_goes_on(
    small: Scenario, one_fails: Callable[[], None], expected: dict[str, bytes], tmp_path: Path
) -> None:
    told: list[str] = []
    result = sweep(small, AXES, REPS, out=tmp_path, on_failure=lambda failure: told.append(failure.error))
    assert told == ["ZeroDivisionError: division by zero"] * 2
    assert [(f.point, f.replication, f.values["lease.ttl"]) for f in result.failures] == [(2, 1, "4m"), (3, 1, "4m")]
    assert sorted(result.tallies) == [0, 1]
    shown = repr(result)
    assert "2 of 4 points failed and are left out: 2, 3" in shown
    assert "--rep 1 --lease.ttl 4m --renewal.every 0.25" in shown
    with pytest.raises(UsageError, match=r"point 2 \(lease.ttl=4m, renewal.every=0.25\) failed"):
        result.point(2)
    lines = [json.loads(line) for line in (tmp_path / "failures.jsonl").read_text("utf-8").splitlines()]
    assert [(line["index"], line["rep"]) for line in lines] == [(2, 1), (3, 1)]
    assert "ZeroDivisionError" in lines[0]["detail"]
    one_fails()
    again = sweep(small, AXES, REPS, out=tmp_path)
    assert (again.computed, again.reused) == (2, 14)
    assert kept(again) == expected
    assert (tmp_path / "failures.jsonl").read_text("utf-8") == ""


def test_a_sweep_of_which_every_point_fails_says_so(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Tally:
        raise ArithmeticError

    monkeypatch.setattr(metrics, "tally_of", broken)
    result = sweep(small, {"lease.ttl": "1m,2m"}, 1)
    assert "2 of 2 points failed" in repr(result)
    assert result.to_pandas().empty
    with pytest.raises(UsageError, match="every point failed"):
        result.worst()


# ---------------------------------------------------------------------- going on


class Stop:
    """Interrupts after some replications, as Ctrl-C would."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, done: int, planned: int) -> None:
        assert planned == 4 * REPS
        if done >= self.after:
            raise KeyboardInterrupt


class StopInStep(Stop):
    """Lets a replication end only when the one before it has been told: those that end together are told together."""

    def __init__(self, after: int, begun: int) -> None:
        super().__init__(after)
        self.told, self.turns = begun, threading.Semaphore(1)

    def performed(self, task: Task) -> tuple[work.Outcome, ...]:
        self.turns.acquire()
        return performed(task)

    def __call__(self, done: int, planned: int) -> None:
        if done > self.told:
            # at the end, whoever still waits may go
            self.turns.release(done - self.told if done < self.after else planned)
            self.told = done
        super().__call__(done, planned)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_sweep_goes_on(
    small: Scenario, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    for begun, after in ((0, 3), (3, 8)):
        stop = StopInStep(after, begun)
        monkeypatch.setattr(runner, "performed", stop.performed)
        with pytest.raises(KeyboardInterrupt):
            sweep(small, AXES, REPS, out=tmp_path, progress=stop, jobs=jobs, chunk=1)
    monkeypatch.undo()
    result = sweep(small, AXES, REPS, out=tmp_path)
    assert (result.computed, result.reused) == (8, 8)
    assert kept(result) == expected
    assert sweep(small, AXES, REPS, out=tmp_path).computed == 0


@pytest.mark.parametrize("torn", [b"", b"PAR1", None])
def test_a_damaged_part_is_noticed_and_simulated_again(
    small: Scenario,
    expected: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    torn: bytes | None,
) -> None:
    monkeypatch.setattr(pacing, "EVERY_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        sweep(small, AXES, REPS, out=tmp_path, progress=Stop(6), chunk=2)
    one, *others = (tmp_path / "parts").iterdir()
    content = bytearray(one.read_bytes())
    content[len(content) // 2] ^= 1
    one.write_bytes(content if torn is None else torn)
    with pytest.raises(UsageError, match=rf"1 of 3 parts are damaged: {one.name}"):
        sim.open(tmp_path)
    told: list[int] = []
    result = sweep(small, AXES, REPS, out=tmp_path, on_damage=told.append)
    assert (result.computed, result.reused, told, len(others)) == (12, 4, [1], 2)
    assert kept(result) == expected


def test_results_are_written_together_and_none_is_lost_by_stopping(
    small: Scenario, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part costs the same for one row as for many; an hour between two writes makes two of six results."""
    monkeypatch.setattr(pacing, "EVERY_S", 3600.0)
    with pytest.raises(KeyboardInterrupt):
        sweep(small, AXES, REPS, out=tmp_path, progress=Stop(6), chunk=1)
    assert len(list((tmp_path / "parts").iterdir())) == 2  # the first at once, the rest at the end
    result = sweep(small, AXES, REPS, out=tmp_path)
    assert (result.computed, result.reused) == (10, 6)
    assert kept(result) == expected


def test_what_a_crash_left_half_written_is_cleared_away(
    small: Scenario, expected: dict[str, bytes], tmp_path: Path
) -> None:
    sweep(small, AXES, REPS, out=tmp_path)
    (tmp_path / "parts" / ".part-0123456789abcdef.parquet.new").write_bytes(b"PAR1")
    result = sweep(small, AXES, REPS, out=tmp_path)
    assert result.computed == 0
    assert kept(result) == expected


def test_more_replications_and_finer_axes_reuse_what_is_there(small: Scenario, tmp_path: Path) -> None:
    sweep(small, {"lease.ttl": "1m,4m"}, 2, out=tmp_path)
    more = sweep(small, {"lease.ttl": "1m,4m"}, 3, out=tmp_path)
    assert (more.computed, more.reused) == (2, 4)
    finer = sweep(small, {"lease.ttl": "60s,2m,240s"}, 3, out=tmp_path)
    assert (finer.computed, finer.reused) == (3, 6)
    assert finer.to_csv() == sweep(small, {"lease.ttl": "60s,2m,240s"}, 3).to_csv()
    assert sweep(small, {"lease.ttl": "1m,4m"}, 1, out=tmp_path).computed == 0


def test_starting_afresh_reuses_nothing(small: Scenario, expected: dict[str, bytes], tmp_path: Path) -> None:
    sweep(small.with_({"lease.sweep_interval": "1s"}), AXES, 1, out=tmp_path)
    result = sweep(small, AXES, REPS, out=tmp_path, resume=False)
    assert (result.computed, result.reused) == (16, 0)
    assert kept(result) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scenario": {"lease.sweep_interval": "1s"}}, "another scenario (lease.sweep_interval: 15s -> 1s)"),
        ({"scenario": {"faults.sleep.length.mean": "4m"}}, "another scenario (faults[0].length.mean: 3m -> 4m)"),
        ({"scenario": {"faults.sleep.remove": True}}, "another scenario (faults: [{"),
        ({"axes": {"renewal.every": "0.25,0.75"}}, "other axes (lease.ttl -> renewal.every)"),
        ({"seed": 2}, "another seed (1 -> 2)"),
        ({"engine": "process"}, "another engine (auto -> process)"),
    ],
)
def test_another_sweep_does_not_go_on_in_that_folder(
    small: Scenario, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    sweep(small, {"lease.ttl": "1m,4m"}, 1, out=tmp_path)
    before = stored(tmp_path)
    axes = change.pop("axes", {"lease.ttl": "1m,4m"})
    changed = small.with_(change.pop("scenario", {}))
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        sweep(changed, axes, 1, out=tmp_path, **change)
    assert "--fresh" in str(caught.value)
    assert "--out" in str(caught.value)
    assert stored(tmp_path) == before


def test_the_words_about_a_scenario_do_not_make_it_another(small: Scenario, tmp_path: Path) -> None:
    sweep(small, {"lease.ttl": "1m,4m"}, 1, out=tmp_path)
    renamed = small.with_({"title": "Another title", "about": "Other words."})
    assert sweep(renamed, {"lease.ttl": "1m,4m"}, 1, out=tmp_path).reused == 2


def test_another_version_does_not_go_on(small: Scenario, tmp_path: Path) -> None:
    sweep(small, {"lease.ttl": "1m,4m"}, 1, out=tmp_path)
    old = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert first_difference(old, {**old, "version": "9.9"}) == f"another version of leasesim ({old['version']} -> 9.9)"
    (tmp_path / "manifest.json").write_text(json.dumps({**old, "layout": 0}), "utf-8")
    with pytest.raises(UsageError, match="written by another version"):
        sweep(small, {"lease.ttl": "1m,4m"}, 1, out=tmp_path)


# ---------------------------------------------------------------------- the folder


def test_the_manifest_says_what_and_not_who(small: Scenario, expected: dict[str, bytes]) -> None:
    manifest = json.loads(expected["manifest.json"])
    assert set(manifest) == {
        "layout", "fingerprint", "name", "named", "overrides", "scenario", "sha256", "seed", "replications", "engine",
        "version", "versions", "axes", "design", "environment",
    }  # fmt: skip
    assert manifest["axes"] == {"lease.ttl": ["1m", "4m"], "renewal.every": ["0.25", "0.75"]}
    assert (manifest["replications"], manifest["design"]) == (REPS, "grid")
    assert os.getcwd() not in expected["manifest.json"].decode()  # noqa: PTH109 - the text that must not be there


def forbidden(*_: object) -> Tally:
    pytest.fail("something was simulated before the folder was looked at")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("x"), "is a file, not a folder"),
        (lambda path: (path.mkdir(), (path / "parts").mkdir()), "it is not a sweep's"),
        (lambda path: (path.mkdir(), (path / "manifest.json").write_text("{")), "cannot read"),
        (lambda path: (path.mkdir(), (path / ".lock").mkdir()), "cannot write to"),
        (lambda path: (path.mkdir(), (path / ".manifest.json.new").mkdir()), "cannot write to"),
    ],
)
def test_a_folder_that_will_not_do_is_refused_before_anything_is_computed(
    small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object], message: str
) -> None:
    monkeypatch.setattr(metrics, "tally_of", forbidden)
    make(tmp_path / "out")
    with pytest.raises(UsageError, match=message):
        sweep(small, AXES, REPS, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("manifest.json", '{"name": "of a web page"}', "is not a sweep's"),
        ("manifest.json", "[]", "is not a sweep's"),
        ("remarks.json", '["of somebody"]', "has remarks.json and no manifest.json"),
        ("failures.jsonl", "of somebody", "has failures.jsonl and no manifest.json"),
        ("points.parquet", "of somebody", "has points.parquet and no manifest.json"),
    ],
)
@pytest.mark.parametrize("resume", [True, False])
def test_what_is_not_a_sweeps_is_left_alone(
    small: Scenario, tmp_path: Path, name: str, text: str, message: str, resume: bool
) -> None:
    """A folder that has files of the same names, and not from here: neither a sweep nor one afresh takes them."""
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(UsageError, match="cannot read" if resume and name == "manifest.json" else message):
        sweep(small, AXES, 1, out=tmp_path, resume=resume)
    assert [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()] == [(name, text)]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_refused(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "tally_of", forbidden)
    with pytest.raises(UsageError, match="cannot write to '/proc/no/such'"):
        sweep(small, AXES, REPS, out="/proc/no/such")


def test_two_sweeps_do_not_write_to_one_folder(small: Scenario, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    sweep(small, {"lease.ttl": "1m,4m"}, 1, out=tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    with Store(tmp_path, manifest), pytest.raises(UsageError, match="another sweep is writing"):
        sweep(small, {"lease.ttl": "1m,4m"}, 1, out=tmp_path)
    assert sweep(small, {"lease.ttl": "1m,4m"}, 1, out=tmp_path).reused == 2
