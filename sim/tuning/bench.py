"""Where candidates are simulated: each on the same replications, from the folder where they are on file already."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.errors import ScenarioError
from sim.metrics import Tally
from sim.model.load import override, parse_value
from sim.model.scenario import Scenario
from sim.sweeps.grid import Point
from sim.sweeps.simulate import SimulationError
from sim.sweeps.store import Store
from sim.sweeps.study import Study

Labels = Mapping[str, str]
"""The value of each knob, as text."""
Tallies = tuple[Tally, ...]
_VALUE: Final = re.compile(r"(?<![\w.])[+-]?\d[\w.%/+-]*")


@dataclass
class Refusals:
    """Settings that cannot be: how often each rule said so, and for the first of them how."""

    count: int = 0
    rules: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """The rule without its numbers; how often, its words the first time, and at which setting."""

    def note(self, labels: Labels, messages: Sequence[str]) -> None:
        """Remember a setting that was refused, under each rule that refused it."""
        self.count += 1
        for message in dict.fromkeys(messages):
            rule = _VALUE.sub("#", message)
            times, first, where = self.rules.get(rule, (0, message, label_of(labels)))
            self.rules[rule] = times + 1, first, where

    def lines(self) -> list[str]:
        """Say it in words, the commonest rule first."""
        ordered = sorted(self.rules.values(), key=lambda each: (-each[0], each[1]))
        return [f"{times:,} by: {first} (first at {where})" for times, first, where in ordered]


@dataclass
class Bench:
    """Simulates points, and counts."""

    seed: int
    engine: str
    jobs: int
    numbers: range
    store: Store | None = None
    progress: Callable[[int], None] | None = None
    """Called with the replications done so far, on file ones included."""
    points: list[Point] = field(default_factory=list)
    computed: int = 0
    reused: int = 0

    def run(self, points: Sequence[Point]) -> list[Tallies | str]:
        """Return the tallies of new points, or why a point has none; the same point is simulated once."""
        first = len(self.points)
        self.points += points
        if self.store:
            self.store.plan(self.points)
        done = self.computed + self.reused

        def report(now: int, _planned: int) -> None:
            if self.progress:
                self.progress(done + now)

        study = Study(self.points, self.seed, self.engine, self.jobs, None, self.store, report, first=first)
        collected = study.collect(self.numbers)
        self.computed += collected.computed
        self.reused += collected.reused
        failed = {failure.point: failure.error for failure in collected.failures}
        filed = self.store.tallies(self.points, len(self.numbers)) if self.store else None
        found: list[Tallies | str] = []
        for index in range(first, len(self.points)):
            if index in failed:
                found.append(failed[index])
            else:
                found.append(filed[index] if filed else collected.of(self.points[index], self.numbers))
        return found

    def seal(self) -> None:
        """Put the folder in order."""
        if self.store:
            self.store.seal(self.points)


def built(scenario: Scenario, labels: Labels, index: int) -> Point | tuple[str, ...]:
    """Return a setting as a point, or the rules that refuse it."""
    try:
        changed = override(scenario, {key: parse_value(value) for key, value in labels.items()})
    except ScenarioError as error:
        return tuple(f"{problem.path} {problem.message}".strip() for problem in error.problems)
    return Point(index, dict(labels), changed)


def label_of(labels: Labels) -> str:
    """Return a setting in words, ``lease.ttl=1m, renewal.every=0.5``."""
    return ", ".join(f"{key}={value}" for key, value in labels.items())


def must(found: Tallies | str, what: str) -> Tallies:
    """Return tallies that cannot be done without."""
    if isinstance(found, str):
        raise SimulationError(f"{what} failed: {found}")
    return found
