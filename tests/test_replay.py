"""`leasesim replay`: what it reads, what it never reads, what it says of a bad file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from sim import engines
from sim.cli import main
from sim.engines import kernel
from sim.errors import ScenarioError, UsageError
from sim.model.relations import contradictions
from sim.replaying.predicting import predict
from sim.replaying.reading import DEPLOYMENTS, SINGLE, read
from sim.replaying.trials import FAULTS, Trial
from sim.replaying.versions import FIRST, LAST
from sim.replaying.watching import watch
from sim.replaying.worlds import world
from sim.units import SECOND

HERE = Path(__file__).parent / "recordings" / "prefect"


def trial(fault: str = "sigstop", **changes: object) -> Trial:
    times = {"fault_start_ns": 30 * SECOND, "fault_length_ns": 60 * SECOND, "first_sweep_ns": 5 * SECOND}
    fields = {"name": "one", "version": FIRST, "fault": fault, "storage": "memory", "mode": "async", **times}
    fields |= {"ttl_ns": 60 * SECOND, "sweep_interval_ns": 15 * SECOND, "waiter_start_ns": 57 * SECOND}
    return Trial(**(fields | changes))  # type: ignore[arg-type]  # a table of fields, each of its own type


def written(folder: Path, rows: list[dict[str, str]], columns: list[str] | None = None) -> Path:
    path = folder / "trials.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns or list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def recorded(name: str, count: int = 6) -> list[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))[-count:]


# ---------------------------------------------------------------------------------- the command


def test_outcomes_are_never_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Blanked, scrambled or left out: the prediction is the same to the byte."""
    told = []
    for name, setup in (("net-b.csv", SINGLE), ("deployments.csv", DEPLOYMENTS)):
        rows = recorded(name)
        blank = [{key: value if key in setup else "" for key, value in row.items()} for row in rows]
        wild = [{key: value if key in setup else "survived!?" for key, value in row.items()} for row in rows]
        for variant, columns in ((rows, None), (blank, None), (wild, None), (rows, list(setup))):
            assert main(["replay", str(written(tmp_path, variant, columns)), "--reps", "3", "--json"]) == 0
            told.append(capsys.readouterr().out)
        assert len(set(told)) == 1
        told.clear()


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(HERE / "deployments.csv"), "--reps", "4", "--json"]) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert [each["trial"] for each in trials] == ["a0", "a1", "a2", "a3", "a4", "a5", "s1", "s2"]
    s1 = trials[6]
    assert s1["p_terminated"] == 1.0
    assert set(s1["overlap_s"]) >= {"mean", "p05", "p95"}
    assert s1["body_stopped_s"]["mean"] == pytest.approx(135.2196 + 300.0004 + s1["stop_delay_s"]["mean"], abs=1e-3)
    assert trials[5]["stop_delay_s"] is None
    assert s1["intervals_95"]["p_terminated"][0] < 1.0
    assert s1["replications"] == 4


def test_table_and_agreement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, recorded("sig-a0.csv", 4))
    assert main(["replay", str(path), "--reps", "2"]) == 0
    assert "sig-a0-104" in capsys.readouterr().out
    assert main(["replay", str(path), "--reps", "2", "--agreement"]) == 0
    assert "4/4" in capsys.readouterr().out


def test_unreadable_rows_are_named_and_the_others_predicted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = recorded("sig-a0.csv", 5)
    rows[0]["fault"], rows[1]["version"], rows[2]["ttl_s"], rows[3]["fault_start_s"] = "sigstopp", "3.9.7", "0", "soon"
    rows[3]["mode"] = "asink"
    assert main(["replay", str(written(tmp_path, rows)), "--reps", "2", "--json"]) == 3
    captured = capsys.readouterr()
    assert [each["trial"] for each in json.loads(captured.out)["trials"]] == [rows[4]["trial"]]
    assert len(json.loads(captured.out)["problems"]) == 5
    for words in ("fault = sigstopp", "did you mean 'sigstop'?", "the nearest is 3.9.1",
                  "ttl_s = 0 must be at least 0.001",
                  "fault_start_s = soon must be a number of seconds", "did you mean 'async'?", "trials.csv:5",
                  "5 errors"):  # fmt: skip
        assert words in captured.err


@pytest.mark.parametrize("text", ["", "\n", "nothing,of,this\n1,2,3\n", '"open\n', ",".join(SINGLE) + "\n"])
def test_no_table_of_trials(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trials.csv"
    path.write_text(text, encoding="utf-8")
    assert main(["replay", str(path)]) == 2
    assert "error: " in capsys.readouterr().err
    with pytest.raises(UsageError):
        read(path)


def test_binary_and_missing_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trials.csv").write_bytes(b"\xff\xfe\x00")
    assert main(["replay", str(tmp_path / "trials.csv")]) == 2
    assert "not UTF-8" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "none.csv")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_all_missing_columns_are_named_at_once(tmp_path: Path) -> None:
    rows = recorded("sig-a0.csv", 2)
    path = written(tmp_path, [{"ttl": row["ttl_s"], **row} for row in rows], ["ttl", *list(SINGLE)[:5]])
    with pytest.raises(ScenarioError) as caught:
        read(path)
    assert [problem.path for problem in caught.value.problems] == list(SINGLE)[5:]
    assert "is it called 'ttl' here?" in str(caught.value)


# ---------------------------------------------------------------------------------- the worlds


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("version", [FIRST, (3, 6, 12), (3, 6, 22), LAST])
def test_every_fault_makes_a_sound_world(fault: str, version: tuple[int, int, int]) -> None:
    each = trial(fault, version=version, added_latency_ns=20 * SECOND)
    scenario = world(each)
    assert not contradictions(scenario)
    trace = engines.run(scenario, 1, 0, checks=True)
    seen = watch(trace, each)
    assert seen.stopped_ns > 0
    if kernel.available()[0]:
        assert kernel.simulate(scenario, 1, 0) == trace


def chance(fault: str, **changes: object) -> float:
    return predict(trial(fault, **changes), 10).terminated.value


def test_what_each_fault_does() -> None:
    """Lease 60 s, sweeps at 65, 80, ... s; the fault lasts from 30 to 90 s; the renewal is due at 45 s."""
    assert chance("none") == 0
    assert chance("sigstop") == 1
    assert chance("sigstop", fault_length_ns=34 * SECOND) == 0, "back at 64 s, just before the sweep"
    assert chance("sigstop", fault_length_ns=36 * SECOND) == 1, "back at 66 s, just after it"
    assert chance("suspend", fault_length_ns=21 * SECOND) == 1, "45 + 21 s is past the sweep, whenever it began"
    assert chance("suspend", fault_length_ns=19 * SECOND) == 0
    assert (chance("block"), chance("block", version=LAST)) == (1, 0), "3.9.1 renews in a thread"
    assert (chance("block", mode="sync"), chance("blocksync")) == (0, 0), "so did 3.4.25 for a sync body"
    assert (chance("blockgil"), chance("blockgil", version=LAST)) == (1, 1), "a held interpreter lock stops both"
    short = {"fault_start_ns": 40 * SECOND, "fault_length_ns": 10 * SECOND}
    assert (chance("refuse", **short), chance("refuse", version=LAST, **short)) == (1, 0)
    assert chance("drop", **short) == 0, "a broken connection is retried by both"
    assert (chance("stall"), chance("stall", fault_length_ns=30 * SECOND)) == (1, 0)
    assert (chance("delay", added_latency_ns=25 * SECOND), chance("delay", added_latency_ns=5 * SECOND)) == (1, 0)
    assert (chance("server_kill", **short), chance("server_killfs", **short)) == (1, 0), "files outlive the process"


def test_a_killed_server_leaks_the_slot_so_that_nobody_overlaps() -> None:
    prediction = predict(trial("server_kill", fault_length_ns=10 * SECOND), 10)
    assert prediction.terminated.value == 1
    assert prediction.over_allocated.value == 0


def test_a_stopped_process_overlaps_and_does_not_run() -> None:
    prediction = predict(trial("sigstop"), 10)
    assert prediction.overlap.p05 > 20
    assert prediction.overlap_running.p95 < 0.1
    later = predict(trial("sigstop", version=LAST), 10)
    assert 2 < later.overlap_running.mean < 4, "three tries on a definite no"


def test_draws_depend_on_the_trial_alone() -> None:
    assert predict(trial("drop"), 5) == predict(trial("drop"), 5)
    assert predict(trial("drop"), 5) != predict(trial("drop", name="two"), 5)


def test_times_that_would_be_rounded_to_nothing_are_refused(tmp_path: Path) -> None:
    row = recorded("sig-a0.csv", 1)[0]
    rows = [row | {"sweep_interval_s": "1e-12"}, row | {"ttl_s": "1e-12"}, row]
    recording = read(written(tmp_path, rows))
    assert len(recording.trials) == 1
    assert [problem.line for problem in recording.problems] == [2, 3]
    assert all("must be at least 0.001" in str(problem) for problem in recording.problems)


@pytest.mark.parametrize("between", [";", "\t"])
def test_other_separators_are_named(tmp_path: Path, between: str) -> None:
    path = tmp_path / "trials.csv"
    path.write_text(between.join(SINGLE) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="by commas"):
        read(path)
