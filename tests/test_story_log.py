"""`explain --log` and `occupancy`: losses that look alike are told apart, and the counter is held against what runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim import engines
from sim.cli import main
from sim.model.load import loads
from sim.model.scenario import Scenario
from sim.story.log import LENIENT, STRICT, log
from sim.story.occupancy import compared, in_words
from sim.units import HOUR, SECOND
from sim.vocabulary import Kind

WORLD = """
duration = "3h"
runs.work = "2h"
runs.arrivals = { kind = "times", times = ["0s"] }
[prefect]
version = "VERSION"
"""


def world(faults: str, version: str = "3.4.25", more: str = "") -> Scenario:
    return loads(WORLD.replace("VERSION", version) + f"{more}\n[[faults]]\n{faults}\n")


def lines(scenario: Scenario, **words: object) -> list[str]:
    trace = engines.run(scenario)
    lost = next(event for event in trace if event.kind is Kind.LOST)
    return log(scenario, trace, (lost.lane, lost.generation), lost.time_ns, **words)  # type: ignore[arg-type]  # words


SLEEP = 'what = "sleep"\nwhen = { times = ["20m"] }\nlength = "10m"'
RESTART = 'what = "restart"\nwhen = { times = ["20m"] }\nlength = "5s"'
OUTAGE = 'what = "outage"\nwhen = { times = ["20m"] }\nlength = "30m"\nmode = '


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (SLEEP, "410 after expiry"),
        (RESTART, "410 after a restart"),
        (f'{OUTAGE}"refuse"', "the last refused"),
        (f'{OUTAGE}"black_hole"', "the last timed out"),
        (f'{OUTAGE}"reset"', "the last reset"),
        (f'{OUTAGE}"error"', "the last answered 503"),
    ],
)
def test_losses_are_told_apart(faults: str, told: str) -> None:
    found = lines(world(faults))
    assert told in found[-1]
    assert sum(STRICT in line for line in found) == 1
    times = [line.split()[0] for line in found[:-1]]
    assert times == sorted(times)


def test_what_each_side_logs() -> None:
    found = "\n".join(lines(world(SLEEP)))
    assert "the sweep revokes lease 0" in found
    assert found.index("revokes") < found.index("renew 410") < found.index(STRICT) < found.index("active slots")
    assert "ConnectError" in "\n".join(lines(world(f'{OUTAGE}"refuse"')))


def test_words_of_the_version() -> None:
    old, new = lines(world(SLEEP), gone=404, form="generic"), lines(world(SLEEP, "3.9.1"), form="run log")
    assert "404 Not Found" in "\n".join(old)
    assert "does not log the reason" in "\n".join(old)
    assert sum("renew 410" in line for line in new) == 3
    assert "in the run's log) <- HTTPStatusError: 410 Gone" in "\n".join(new)


def test_a_run_that_is_not_strict_is_only_warned() -> None:
    found = lines(world(SLEEP, "3.9.1", 'limit = "concurrency"'))
    assert sum(LENIENT in line for line in found) == 1
    assert not any(STRICT in line or "Crashed" in line for line in found)


def test_the_first_lease_that_runs_out() -> None:
    found = lines(world(SLEEP, "3.4.20", "[runs.provisioning]\nkind = 'constant'\nvalue = '150s'"))
    assert found[-1] == "So this is: 410 after expiry during provisioning."


def test_the_counter_against_what_runs() -> None:
    busy = world(SLEEP, more="[limit]\nslots = 1\n")
    found = compared(busy, engines.run(busy))
    assert found["equal_ns"] + found["below_ns"] + found["above_ns"] == found["observed_ns"] == 3 * HOUR
    assert found["above_ns"] >= 4 * SECOND, "provisioning: a slot is held and nothing executes"
    assert found["below_ns"] > 60 * SECOND, "after the wake the run executes and is not counted"
    assert found["most_hidden"] == 1
    assert found["over_limit_ns"] == 0
    assert len(in_words(busy, found)) == 6


def test_the_commands(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    short = ["restart-memory", "--duration", "12h"]
    assert main(["explain", *short, "--text", "--log"]) == 0
    assert "So this is: 410 after a restart" in capfd.readouterr()[0]
    assert main(["explain", "no-faults", "--duration", "2h", "--text", "--log", "--json"]) == 0
    assert json.loads(capfd.readouterr()[0])["log"] == ["Nothing to log: no run lost its lease."]
    assert main(["occupancy", *short]) == 0
    assert "counter of active slots" in capfd.readouterr()[0]
    assert (tmp_path / "occupancy-restart-memory.png").read_bytes().startswith(b"\x89PNG")
    assert main(["occupancy", *short, "--text", "--json"]) == 0
    assert json.loads(capfd.readouterr()[0])["observed_ns"] == 12 * HOUR
    for bad in (["--rep", "-1"], ["--start", "soon"], ["--start", "4h", "--stop", "1h"]):
        assert main(["occupancy", *short, *bad]) == 2
        assert "Traceback" not in capfd.readouterr()[1]
