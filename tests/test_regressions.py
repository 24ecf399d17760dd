"""Reported failures as scenarios: each is seen in the version that had it, and no more in the one that has not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sim import engines
from sim.metrics import measure
from sim.model.relations import contradictions
from sim.model.scenario import Scenario
from sim.replaying.versions import protocol
from sim.trace import Trace
from sim.units import seconds
from sim.vocabulary import Kind, Truth

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "tests" / "regressions").glob("*.toml"))
REPLICATIONS = 3
KEYS = {"version", "mode", "changes", "killed", "killed_s", "truth", "cause", "overlap_s", "next_run_starts",
        "counted_twice"}  # fmt: skip
REPORTED = [
    *("18893", "18839", "18802", "18942", "19068", "19187", "20251", "22885", "21933", "21064", "20276", "21157"),
    *(
        "21925",
        "22935",
        "22983",
        "19840",
        "19410",
        "21794",
        "17415",
        "9895",
        "19428",
        "20470",
        "21156",
        "23183",
        "19218",
    ),
]
"""Every failure that was collected; each has a scenario or a reason why not."""


@dataclass(frozen=True)
class Case:
    """One version in one file."""

    file: str
    number: int
    scenario: Scenario
    seen: dict[str, Any]


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in over.items():
        nested = isinstance(value, dict) and isinstance(both.get(key), dict) and "kind" not in value
        both[key] = merged(both[key], value) if nested else value
    return both


def tables(dotted: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in dotted.items():
        for step in reversed(key.split(".")):
            value = {step: value}
        out = merged(out, value)
    return out


def cases() -> Iterator[Case]:
    for path in FILES:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        for number, case in enumerate(data["cases"]):
            version = tuple(int(part) for part in case["version"].split("."))
            rules = tables(protocol(version, case.get("mode", "async")))  # type: ignore[arg-type]  # versions in files have three parts
            raw = merged(merged(rules, data["scenario"]), tables(case.get("changes", {})))
            yield Case(path.stem, number, Scenario.model_validate(raw), case)


CASES = list(cases())


def first(trace: Trace, *kinds: Kind) -> Any:
    return next((event for event in trace if event.lane == 0 and event.kind in kinds), None)


def overlap_s(trace: Trace) -> float:
    """Seconds in which run 0 executed while another had started, at a limit of one."""
    total, executing, other, before = 0, False, False, 0
    for event in trace:
        total += (event.time_ns - before) * (executing and other)
        before = event.time_ns
        if event.lane == 0 and event.kind in (Kind.START, Kind.GO):
            executing = True
        elif event.lane == 0 and event.kind in (Kind.HALT, Kind.STOP, Kind.FINISH):
            executing = False
        other |= event.lane > 0 and event.kind == Kind.START
    return seconds(total + (trace.end_ns - before) * (executing and other))


def counted_twice(trace: Trace) -> bool:
    """Whether a slot was given back at a cancellation and the lease reaped later."""
    cancelled = {(event.lane, event.generation) for event in trace if event.kind == Kind.CANCEL}
    return any(event.kind == Kind.REAP and (event.lane, event.generation) in cancelled for event in trace)


def check(case: Case, trace: Trace) -> None:
    seen = case.seen
    stop = first(trace, Kind.STOP)
    if "killed" in seen:
        assert (stop is not None) == seen["killed"]
    if "killed_s" in seen:
        low, high = seen["killed_s"]
        assert low <= seconds(stop.time_ns) <= high
    if "truth" in seen:
        assert Truth(first(trace, Kind.LOST).value).name.lower() == seen["truth"]
    if "cause" in seen:
        assert seen["cause"] in measure(trace, case.scenario).terminations_by_cause
    if "overlap_s" in seen:
        low, high = seen["overlap_s"]
        assert low <= overlap_s(trace) <= high
    if "next_run_starts" in seen:
        started = any(event.lane > 0 and event.kind == Kind.START for event in trace)
        assert started == seen["next_run_starts"]


@pytest.mark.parametrize("engine", engines.ENGINES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}-{case.seen['version']}-{case.number}")
def test_regression(case: Case, engine: str) -> None:
    assert not contradictions(case.scenario)
    traces = [engines.run(case.scenario, 7, replication, engine=engine) for replication in range(REPLICATIONS)]
    for trace in traces:
        check(case, trace)
    if "counted_twice" in case.seen:
        assert any(map(counted_twice, traces)) == case.seen["counted_twice"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_says_what_happened(path: Path) -> None:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(data) == {"issues", "about", "scenario", "cases"}
    assert len(data["about"]) > 100
    for case in data["cases"]:
        assert set(case) <= KEYS
        assert set(case) & {"killed", "overlap_s", "next_run_starts", "counted_twice"}


def test_every_reported_failure_has_a_scenario_or_a_reason() -> None:
    told = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    page = (ROOT / "docs" / "explanation" / "not-modelled.md").read_text(encoding="utf-8")
    reasons = page.partition("## Reported failures without a scenario")[2]
    for issue in REPORTED:
        in_scenario = re.search(rf'^issues = .*"{issue}"', told, re.MULTILINE) is not None
        assert in_scenario != (f"#{issue}" in reasons), f"{issue} needs a scenario or a reason, and not both"
