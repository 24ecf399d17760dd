"""The harness that holds a real Prefect beside the simulator: its parts without Prefect, and (marked) the thing."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from validation import __main__ as command
from validation import compare, environment, plan, table
from validation.live import Died, Live, free_port
from validation.plan import Plan, batches, plans
from validation.proxy import HOST, Proxy
from validation.trial import together

ROOT = Path(__file__).resolve().parents[1]
RECORDINGS = sorted((ROOT / "validation" / "recordings").glob("*.csv"))

# ------------------------------------------------------ the proxy


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while said := await reader.read(100):
            writer.write(b"<" + said)
            await writer.drain()
    writer.close()


def through_a_proxy(scene: Callable[[Proxy], Awaitable[None]]) -> None:
    async def play() -> None:
        server = await asyncio.start_server(echo, HOST, 0)
        proxy = Proxy(server.sockets[0].getsockname()[1])
        await proxy.open()
        try:
            await scene(proxy)
        finally:
            await proxy.close()
            server.close()

    asyncio.run(asyncio.wait_for(play(), 20))


async def ask(proxy: Proxy, words: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        writer.write(words)
        return await reader.read(100)
    finally:
        writer.transport.abort()


def test_in_fair_weather_the_proxy_carries_both_ways() -> None:
    async def scene(proxy: Proxy) -> None:
        assert await ask(proxy, b"hello") == b"<hello"

    through_a_proxy(scene)


def test_refusing_ends_what_stands_and_lets_nobody_in_until_it_is_over() -> None:
    async def scene(proxy: Proxy) -> None:
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(b"before")
        assert await reader.read(100) == b"<before"
        port = proxy.port
        await proxy.turn("refuse")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read(100) == b""
        writer.transport.abort()
        with pytest.raises(ConnectionRefusedError):
            await ask(proxy, b"during")
        await proxy.turn("fair")
        assert proxy.port == port
        assert await ask(proxy, b"after") == b"<after"

    through_a_proxy(scene)


def test_a_dropped_request_is_read_and_never_answered() -> None:
    async def scene(proxy: Proxy) -> None:
        await proxy.turn("drop")
        with contextlib.suppress(ConnectionResetError):
            assert await ask(proxy, b"lost") == b""
        await proxy.turn("fair")
        assert await ask(proxy, b"after") == b"<after"

    through_a_proxy(scene)


def test_a_stalled_request_arrives_when_the_stall_is_over() -> None:
    async def scene(proxy: Proxy) -> None:
        await proxy.turn("stall")
        asked = asyncio.create_task(ask(proxy, b"patience"))
        await asyncio.sleep(0.1)
        assert not asked.done()
        await proxy.turn("fair")
        assert await asked == b"<patience"

    through_a_proxy(scene)


def test_latency_comes_before_the_answer_and_keeps_the_order() -> None:
    async def scene(proxy: Proxy) -> None:
        await proxy.turn("delay", 0.2)
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        began = time.monotonic()
        writer.write(b"a")
        await asyncio.sleep(0.01)
        writer.write(b"b")
        answer = b""
        while not answer.endswith(b"b"):
            answer += await reader.read(100)
        assert answer.replace(b"<", b"") == b"ab"
        assert time.monotonic() - began >= 0.2
        writer.transport.abort()

    through_a_proxy(scene)


def test_where_no_server_is_the_connection_ends_unanswered() -> None:
    async def play() -> None:
        proxy = Proxy(free_port())
        await proxy.open()
        with contextlib.suppress(ConnectionResetError):
            assert await ask(proxy, b"anyone?") == b""
        await proxy.close()

    asyncio.run(asyncio.wait_for(play(), 20))


# ------------------------------------------------------ processes that end

TELLER = """
import json, os, sys, time
print("not an event")
print(json.dumps({"event": "started", "t": time.time(), "pid": os.getpid()}), flush=True)
for line in sys.stdin:
    print(json.dumps({"event": "heard", "t": time.time(), "line": line.strip()}), flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc for what still lives")
@pytest.mark.parametrize("how", ["told to end", "the harness is gone"])
def test_a_process_tells_is_told_and_never_outlives_the_harness(how: str, tmp_path: Path) -> None:
    async def play() -> None:
        env = {"PATH": os.environ["PATH"]}
        live = await Live.start(Path(sys.executable), ["-S", "-c", TELLER], env, tmp_path / "log")
        try:
            pid = (await live.expect("started", 15))["pid"]
            live.tell("good", "day")
            assert (await live.expect("heard", 15))["line"] == "good day"
            with pytest.raises(Died, match=r"no 'thunder' within 0.05 s; heard \['started', 'heard'\]"):
                await live.expect("thunder", 0.05)
            assert alive(pid)
            if how == "told to end":
                await live.end()
            else:
                os.close(live._lifeline)  # as the kernel does when the harness dies
                live._lifeline = -1
                await asyncio.wait_for(live.process.wait(), 15)
            while alive(pid):
                await asyncio.sleep(0.02)
        finally:
            await live.end()

    asyncio.run(asyncio.wait_for(play(), 60))


def test_what_runs_inside_prefects_environment_imports_nothing_of_ours() -> None:
    for path in environment.INSIDE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] in ("sim", "validation")], path


def test_the_users_prefect_and_proxies_do_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://example.invalid/api")
    monkeypatch.setenv("HTTPS_PROXY", "http://example.invalid:1")
    plain = environment.plain(PREFECT_HOME="here")
    assert plain["PREFECT_HOME"] == "here"
    assert {"PREFECT_API_URL", "HTTPS_PROXY"}.isdisjoint(plain)
    assert (plain["DO_NOT_TRACK"], plain["PREFECT_SERVER_ANALYTICS_ENABLED"]) == ("1", "false")


# ------------------------------------------------------ what is planned


def test_trials_of_a_server_fault_have_a_server_of_their_own() -> None:
    planned = plans("3.9.1", plan.FAULTS, 4)
    assert len({one.trial for one in planned}) == 4 * len(plan.FAULTS)
    groups = list(batches(planned, 6))
    assert sorted(one.trial for group in groups for one in group) == sorted(one.trial for one in planned)
    assert max(map(len, groups)) <= 6
    for group in groups:
        assert len({one.storage for one in group}) == 1
        kinds = {one.fault for one in group}
        assert len(kinds) == 1 or kinds.isdisjoint(plan.SERVER_FAULTS)


# ------------------------------------------------------ from events to a row

SWEEPS = [{"event": "sweep", "t": 1007.0 + 15 * n, "expired": ["L"] if n == 4 else []} for n in range(6)]
SERVER = [
    {"event": "granted", "t": 999.9, "lease": "L", "limits": ["limit"]},
    {"event": "renewed", "t": 1000.0, "lease": "L"},
    *SWEEPS[:5],
    {"event": "revoked", "t": 1067.1, "lease": "L"},
    {"event": "granted", "t": 1068.0, "lease": "M", "limits": ["limit"]},
]
WAITER = [{"event": "asked", "t": 1031.0}, {"event": "granted", "t": 1068.1}]


def seen(**changes: Any) -> table.Seen:
    base: dict[str, Any] = {
        "plan": Plan("t-0", "3.4.25", "sigstop", "async", 30, 60),
        "limit_id": "limit",
        "began": 1030.0,
        "ended": 1090.0,
        "decided": 1092.5,
        "holder": [
            {"event": "answer", "t": 1000.01, "status": "204"},
            {"event": "answer", "t": 1090.2, "status": "410"},
            {"event": "stopped", "t": 1090.4, "how": "CancelledError"},
            {"event": "failed", "t": 1091.0, "error": "ConnectError"},
        ],
        "waiter": WAITER,
        "server": SERVER,
        "final_active_slots": 0,
        "stops": [(1030.0, 1090.0)],
    }
    return table.Seen(**{**base, **changes})


def test_a_row_counts_from_the_last_renewal_before_the_fault() -> None:
    row = table.row(seen())
    assert list(row) == list(table.COLUMNS)
    told = [
        "fault_start_s",
        "fault_length_s",
        "first_sweep_s",
        "waiter_start_s",
        "revoked_s",
        "waiter_acquired_s",
        "first_attempt_s",
    ]
    assert [float(row[name]) for name in told] == pytest.approx([30.0, 60.0, 7.0, 31.0, 67.1, 68.1, 90.2])
    assert (row["outcome"], row["first_status"], row["attempts"]) == ("terminated", "410", 1)
    assert (row["statuses"], row["final_active_slots"]) == ("+60.20:410", 0)
    assert float(row["body_stopped_s"]) == pytest.approx(90.4)


def test_overlap_is_counted_in_all_and_while_the_holder_ran() -> None:
    row = table.row(seen())
    assert row["over_allocated"] is True
    assert float(row["overlap_s"]) == pytest.approx(22.3)
    assert float(row["overlap_running_s"]) == pytest.approx(0.4)
    assert float(table.row(seen(stops=[]))["overlap_running_s"]) == pytest.approx(22.3)
    late = table.row(seen(waiter=[{"event": "asked", "t": 1031.0}, {"event": "granted", "t": 1091.0}]))
    assert (late["over_allocated"], float(late["overlap_s"])) == (False, 0.0)


def test_a_lease_given_back_is_not_called_revoked_by_a_sweep() -> None:
    holder = [{"event": "answer", "t": 1045.0, "status": "204"}, {"event": "stopped", "t": 1047.0, "how": "finished"}]
    server = [
        *SERVER[:5],
        {"event": "renewed", "t": 1045.0, "lease": "L"},
        {"event": "revoked", "t": 1047.0, "lease": "L"},
    ]
    row = table.row(seen(holder=holder, server=server, waiter=[], ended=1040.0, stops=[]))
    assert (row["outcome"], row["revoked_s"], row["over_allocated"]) == ("survived", "", False)
    assert table.row(seen(holder=[], waiter=[]))["outcome"] == "undecided"


def test_the_table_is_read_as_it_was_written_and_says_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    table.write(path, [table.row(seen()), table.failed_row(Plan("t-1", "3.9.1", "refuse"))])
    first, second = table.read(path)
    assert (first["trial"], first["over_allocated"], second["outcome"]) == ("t-0", "True", "setup_failed")
    path.write_text("trial,version,fault\n")
    with pytest.raises(ValueError, match="has no column cell, storage, mode"):
        table.read(path)


# ------------------------------------------------------ the comparison


def recorded(number: int, outcome: str = "survived", **changes: str) -> dict[str, str]:
    blank = dict.fromkeys(table.COLUMNS, "")
    row = {"trial": str(number), "outcome": outcome, "over_allocated": "False", "overlap_s": "0.0"}
    return {**blank, **row, **changes}


def predicted(p: float, over: float = 0.0, **times: Any) -> dict[str, Any]:
    return {"p_terminated": p, "p_over_allocated": over, **times}


def test_right_predictions_pass_and_wrong_ones_do_not() -> None:
    rows = [recorded(n, "terminated" if n % 3 else "survived") for n in range(30)]
    right = {str(n): predicted(1.0 if n % 3 else 0.0) for n in range(30)}
    verdict = compare.judge(rows, right)
    assert not verdict.improbable
    assert "30 of 30 trials as predicted" in compare.report(verdict)
    one_off = compare.judge(rows, {**right, "0": predicted(1.0)})
    assert not one_off.improbable  # one trial in thirty may go against a rule that is right
    assert one_off.pairs[0].off == ["termination"]
    wrong = compare.judge(rows, {name: predicted(0.5) if name < "3" else predicted(0.0) for name in right})
    assert wrong.improbable
    assert "IMPROBABLE" in compare.report(wrong)


def test_right_predictions_raise_few_false_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "DRAWS", 4000)
    rng = np.random.default_rng(4)
    chances = np.clip(rng.random(25), compare.NOISE, 1 - compare.NOISE)
    count = 200
    alarms = sum(compare.p_value(list(rng.random(25) < chances), list(chances)) < 0.05 for _ in range(count))
    # the level is 0.05: of 200, 10 are expected, and more than 24 come with probability 2e-5 (binomial)
    assert alarms <= 24


def test_times_agree_within_half_a_second_or_five_percent_or_the_range() -> None:
    told = {"mean": 20.0, "p05": 20.0, "p95": 20.0}

    def off(overlap: str) -> list[str]:
        row = recorded(1, "terminated", over_allocated="True", overlap_s=overlap)
        return compare.Pair(row, predicted(1.0, 1.0, overlap_s=told)).off

    assert off("20.9") == []
    assert off("21.1") == ["overlap"]
    stop = recorded(1, "terminated", fault_start_s="30.0", fault_length_s="15.0", body_stopped_s="48.4")
    assert compare.Pair(stop, predicted(1.0, stop_delay_s={"mean": 3.0, "p05": 2.3, "p95": 3.9})).off == []
    assert compare.Pair(stop, predicted(1.0, stop_delay_s={"mean": 0.1, "p05": 0.0, "p95": 0.2})).off == ["stop delay"]


def test_trials_without_an_outcome_are_named_and_not_judged() -> None:
    verdict = compare.judge([recorded(1), recorded(2, "setup_failed"), recorded(3)], {"1": predicted(0.0)})
    assert verdict.left_out == ["2", "3"]
    assert "Left out, with no outcome or no prediction: 2, 3." in compare.report(verdict)


# ------------------------------------------------------ the command


def test_bad_use_is_told_all_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--version", "3.4.24", "--fault", "sigstp,none", "--trials", "0", "--at-once", "99", "--compare", "no.csv"]
    assert command.main(words) == 2
    told = capsys.readouterr().err
    assert "--version '3.4.24': not one of 3.4.25, 3.9.1; did you mean 3.4.25?" in told
    assert "did you mean sigstop?" in told
    assert told.count("error:") == 5


def test_where_prefect_cannot_be_had_it_skips_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LEASESIM_VALIDATION_CACHE", str(tmp_path))
    monkeypatch.setattr(environment, "PYTHONS", ((2, 6), (2, 7)))
    assert command.main(["--version", "3.9.1"]) == 0
    assert "skipped 3.9.1: Python 3." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("chance", "code"), [(0.0, 0), (1.0, 1)])
def test_the_exit_code_says_whether_the_recordings_are_improbable(
    chance: float, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "trials.csv"
    table.write(path, [recorded(number) for number in range(5)])
    answers = {"trials": [{"trial": str(number), **predicted(chance)} for number in range(5)]}
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim" / "__init__.py").touch()
    (tmp_path / "sim" / "cli.py").write_text(f"import json\ndef main():\n    print(json.dumps({answers!r}))\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert command.main(["--compare", str(path)]) == code


def test_without_predictions_nothing_is_called_agreement(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trials.csv"
    table.write(path, [recorded(1)])
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim" / "__init__.py").touch()
    (tmp_path / "sim" / "cli.py").write_text("def main():\n    return 'no such command'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert command.main(["--compare", str(path)]) == 1
    assert "gave no predictions (exit code 1): no such command" in capsys.readouterr().out


# ------------------------------------------------------ what was recorded


def test_there_are_recordings() -> None:
    kinds = {(row["version"], row["fault"]) for path in RECORDINGS for row in table.read(path)}
    assert kinds >= {(version, fault) for version in environment.VERSIONS for fault in plan.DEFAULT}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_in_the_recordings_a_stopped_holder_dies_exactly_at_a_sweep_past_the_end(path: Path) -> None:
    for row in table.read(path):
        if row["fault"] != "sigstop" or row["outcome"] not in ("terminated", "survived"):
            continue
        sweep, every, ttl = (float(row[name]) for name in ("first_sweep_s", "sweep_interval_s", "ttl_s"))
        while sweep < ttl:
            sweep += every
        assert (float(row["first_attempt_s"]) > sweep) == (row["outcome"] == "terminated"), row


# ------------------------------------------------------ the real thing


@pytest.mark.validation
@pytest.mark.parametrize("version", environment.VERSIONS)
def test_a_real_prefect_survives_nothing_and_dies_of_a_long_stop(version: str, tmp_path: Path) -> None:
    try:
        python = environment.prepare(version)
    except environment.Absent as reason:
        pytest.skip(str(reason))
    planned = [*plans(version, ["none"], 1), *plans(version, ["sigstop"], 1)]
    rows = asyncio.run(together(python, planned, tmp_path / "home"))
    assert [row["outcome"] for row in rows] == ["survived", "terminated"], json.dumps(rows)
    assert float(rows[0]["first_attempt_s"]) == pytest.approx(45, abs=1.5)
    assert 60 < float(rows[1]["revoked_s"]) < 78
    assert [row["final_active_slots"] for row in rows] == [0, 0]
