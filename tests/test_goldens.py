"""Golden traces: prose, a small scenario, every event. To write them anew: ``UPDATE_GOLDENS=1`` before pytest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim import engines
from sim.model.load import loads
from sim.trace import Trace

FOLDER = Path(__file__).parent / "goldens"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
SCENARIO, TRACE = "\n\n--- scenario\n", "\n\n--- trace\n"


@dataclass(frozen=True)
class Golden:
    """One file, taken apart."""

    prose: str
    scenario: str
    trace: str


def read(name: str) -> Golden:
    """Read a golden file."""
    prose, rest = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").split(SCENARIO)
    scenario, trace = rest.split(TRACE)
    return Golden(prose, scenario, trace.rstrip("\n"))


def simulate(golden: Golden, engine: str) -> Trace:
    """Run a golden's scenario."""
    return engines.run(loads(golden.scenario), seed=1, replication=0, engine=engine, checks=engine == "process")


def test_there_are_goldens() -> None:
    assert len(NAMES) >= 20


@pytest.mark.parametrize("engine", engines.ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, engine: str) -> None:
    golden = read(name)
    text = simulate(golden, engine).text()
    if os.environ.get("UPDATE_GOLDENS"):
        path = FOLDER / f"{name}.txt"
        path.write_text(golden.prose + SCENARIO + golden.scenario + TRACE + text + "\n", encoding="utf-8")
        return
    assert text.splitlines() == golden.trace.splitlines(), (
        f"the trace of tests/goldens/{name}.txt changed; if that is meant, say so under 'Model' in CHANGELOG.md"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_opens_with_prose(name: str) -> None:
    golden = read(name)
    assert len(golden.prose) > 80, "say what is shown and how it could break"
    assert len(golden.scenario.splitlines()) <= 16, "a golden's scenario is a few lines"
