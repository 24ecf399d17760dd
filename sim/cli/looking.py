"""Commands that simulate nothing: what a scenario says, whether it is sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sim.cli import screen
from sim.cli.exits import BAD_INPUT, CRITERION, FINE
from sim.cli.options import Dotted, chosen
from sim.errors import Problem, ScenarioError, UsageError
from sim.model.load import dumps, names, options_of, source, systems, warnings_of
from sim.model.presets.versions import book
from sim.model.scenario import Scenario
from sim.model.writing import annotated
from sim.results.describe import faults_in_words, in_words
from sim.results.origins import Origin


def show(
    scenario: str, /, *, full: bool = False, translated: bool = False, json: bool = False, dotted: Dotted = None
) -> None:
    """Print a scenario as TOML, to be edited: `leasesim show NAME > mine.toml`.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    full
        Spell out every key, defaults included.
    translated
        Spell out every key, and say of those that [prefect] stands for where they come from.
    json
        Print every key as JSON.
    """
    changed = chosen(scenario, dotted, warn=translated)
    if json:
        screen.out_json(changed.model_dump(mode="json"))
    elif translated:
        options = options_of(changed)
        if options is None:
            raise UsageError(f"{scenario} has no [prefect] table", f"add one: --prefect version={book()['last']}")
        screen.out(annotated(changed, options).rstrip("\n"))
    elif full or dotted:
        screen.out(dumps(changed).rstrip("\n"))
    elif scenario in (*names(), *systems()):
        screen.out(source(scenario).rstrip("\n"))
    else:
        screen.out(Path(scenario).expanduser().read_text("utf-8-sig").rstrip("\n"))


def check(scenario: str, /, *, strict: bool = False, json: bool = False, dotted: Dotted = None) -> int:
    """Say whether a scenario can be simulated, and what in it is probably not meant.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    strict
        Warnings fail the check (exit code 1).
    json
        Print as JSON.
    """
    try:
        found = chosen(scenario, dotted, warn=False)
    except ScenarioError as error:
        if not json:
            raise
        screen.out_json({"ok": False, "problems": _plain(error.problems)})
        return BAD_INPUT
    warnings = warnings_of(found)
    failed = strict and bool(warnings)
    if json:
        screen.out_json({"ok": not failed, "problems": _plain(warnings)})
    else:
        screen.warn(warnings)
        screen.out("\n".join(_summary(scenario, found, failed)))
    return CRITERION if failed else FINE


def _summary(name: str, scenario: Scenario, failed: bool) -> Iterable[str]:
    yield in_words(Origin(name, {}).title, scenario)
    yield faults_in_words(scenario)
    yield "not ok: it has warnings (--strict)" if failed else "ok"


def _plain(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [asdict(problem) for problem in problems]


def schema() -> None:
    """Print the JSON Schema of scenarios, for editors: `leasesim schema > scenario.schema.json`."""
    from sim.model.schema import json_schema

    screen.out_json(json_schema())
