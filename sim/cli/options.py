"""Options that several commands share, and what they mean."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from sim.cli import dotted, screen
from sim.errors import UsageError
from sim.model.load import led_by, moved_of, warnings_of
from sim.model.scenario import Scenario
from sim.results.origins import load, shell
from sim.results.provenance import ENGINE_FOR_MANY, SEED
from sim.sweeps.simulate import REPLICATIONS

_MOST: Final = 1_000_000

Dotted = Annotated[Mapping[str, str] | None, Parameter(parse=False)]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Simulation:
    """How to simulate."""

    seed: int = SEED
    """Seed: same seed, same numbers."""
    engine: str | None = None
    """Engine: `process`, `kernel` (compiled) or `auto`; all give the same results. Default: `auto` for many
    replications, `process` for one."""
    json: bool = False
    """Print the result as JSON."""

    @property
    def engine_for_many(self) -> str:
        """The engine for many replications."""
        return self.engine or ENGINE_FOR_MANY


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to simulate."""

    reps: str | None = None
    """Replications (default: 30; in a sweep 20 of each point, of systems 10 of each cell), or `auto`: until half-widths
    are within 10 %."""
    jobs: int | Literal["auto"] = "auto"
    """Processes; `auto` takes as many as there are processors."""

    def replications(self, default: int = REPLICATIONS) -> int | None:
        """Return how many replications; None for `auto`."""
        if self.reps is None or self.reps == "auto":
            return default if self.reps is None else None
        if not self.reps.isascii() or not self.reps.isdigit() or not 1 <= int(self.reps) <= _MOST:
            raise UsageError(f"--reps {self.reps}: expected a number from 1 to {_MOST:,}, or auto")
        return int(self.reps)

    @property
    def workers(self) -> int:
        """How many processes."""
        return processors() if self.jobs == "auto" else self.jobs


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who does the work."""

    jobs: int | Literal["auto"] = "auto"
    """Processes; `auto` takes as many as there are processors."""

    @property
    def count(self) -> int:
        """How many processes."""
        return processors() if self.jobs == "auto" else self.jobs


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which points a sweep has."""

    design: str = "grid"
    """grid, list (first values together, then second ones), lhs:64 or sobol:64 (points that fill KEY=1m..20m/log)."""
    refine: str | None = None
    """METRIC<=LIMIT: add points to the grid where the metric crosses the limit, or may."""
    budget: Annotated[int | None, Parameter(show_default=False)] = None
    """Points at most, with --refine; 200 where not given."""

    def words(self) -> list[str]:
        """Return the options as they are typed."""
        words = [f"--design {shell(self.design)}"] if self.design != "grid" else []
        words += [f"--refine {shell(self.refine)}"] if self.refine is not None else []
        return words + ([f"--budget {self.budget}"] if self.budget is not None else [])


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chosen(
    name: str, overrides: Mapping[str, str] | None, *, warn: bool = True, turned: Iterable[str] = ()
) -> Scenario:
    """Return the scenario of that name as overridden on the command line; its warnings go to stderr.

    So does what follows the overrides, or the keys that are to be `turned`, as the scenario's system has it.
    """
    scenario = dotted.apply(load(name), overrides or {})
    if warn:
        screen.warn(warnings_of(scenario))
    if warn or turned:
        tell_along(scenario, turned)
    return scenario


def tell_along(scenario: Scenario, turned: Iterable[str] = ()) -> None:
    """Print to stderr what follows what was changed, or is to be turned, without being named."""
    moved = [f"{key} = {value}" for key, value in moved_of(scenario).items()]
    led = led_by(scenario, [key for name in turned for key in name.split("+")])
    for along in (moved, led):
        if along:
            screen.aside(f"note: {', '.join(along)} follow, as in {scenario.system}; what is given itself stays")
