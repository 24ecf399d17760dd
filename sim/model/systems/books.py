"""What is known of each system that comes along: a data file beside this one for each, named like its scenario."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from sim.errors import Problem, Severity, nearest
from sim.model.scenario import Scenario
from sim.model.systems.rules import Rule, parsed

GRADES: Final = {
    "source": "read in the source",
    "docs": "read in the documentation",
    "paper": "published in a paper",
    "issue": "told in an issue",
    "derived": "follows from what was read",
    "memory": "known, but not read again",
    "assumed": "an assumption of ours",
}
"""How sure a number is, surest first."""
COVERAGE: Final = {
    "exact": "every rule of the protocol that decides about a lease is in the model",
    "approximate": "something that decides about a lease is simplified, or left out",
}


@dataclass(frozen=True, slots=True)
class Number:
    """Where a value of a system's scenario comes from."""

    grade: str
    words: str
    """What the value is in the system's own terms."""


@dataclass(frozen=True, slots=True)
class Book:
    """What is known of a system."""

    name: str
    product: str
    coverage: str
    certainty: str
    """The grade of most numbers."""
    read_at: str
    """The versions of the sources that were read; empty where none were."""
    sources: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    """What the model leaves out, and in which direction its answers err for it."""
    numbers: Mapping[str, Number]
    rules: tuple[Rule, ...]


@cache
def known() -> tuple[str, ...]:
    """Return the names of the systems of which something is known, sorted."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.toml")))


@cache
def book(name: str) -> Book:
    """Return what is known of a system; KeyError where nothing is."""
    if name not in known():
        raise KeyError(name)
    data = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text("utf-8"))
    return Book(
        name,
        data["product"],
        data["coverage"],
        data["certainty"],
        data["read_at"],
        tuple(data["sources"]),
        tuple((what, errs) for what, errs in data["left_out"]),
        {key: Number(grade, words) for key, (grade, words) in data.get("numbers", {}).items()},
        tuple(parsed(name, entry) for entry in data.get("rules", ())),
    )


def rules_of(scenario: Scenario) -> tuple[Rule, ...]:
    """Return the rules of the system that a scenario is of; none where it names none."""
    return book(scenario.system).rules if scenario.system in known() else ()


def broken(scenario: Scenario) -> Iterator[Problem]:
    """Yield the rules of its own system that a scenario breaks: errors where the system would not do what it says."""
    if scenario.system and scenario.system not in known():
        near = nearest(scenario.system, known())
        hint = f"did you mean '{near}'?" if near else "see: leasesim list systems"
        yield Problem("system", f"no system is named '{scenario.system}'", hint=hint)
    for rule in rules_of(scenario):
        if rule.speaks_of(scenario) and not rule.holds(scenario):
            yield _told(rule, scenario)


_DOES: Final = {
    "refused": "refuses this",
    "changed": "would set another value",
    "follows": "has one number for both",
    "advised": "advises against this",
}
WARNED: Final = ("follows", "advised")


def _told(rule: Rule, scenario: Scenario) -> Problem:
    verb = "break" if len(rule.keys) > 1 else "breaks"
    message = f"{rule.given(scenario)} {verb} the rule {rule.text} of {book(rule.system).product}"
    why = f"it {_DOES[rule.effect]}: {rule.says} ({rule.source})"
    free = '; a system of your own has no rules: system = ""' if rule.effect not in WARNED else ""
    severity: Severity = "warning" if rule.effect in WARNED else "error"
    return Problem(rule.keys[0], f"{message}; {why}", hint=f"keep {rule.text}{free}", severity=severity)
