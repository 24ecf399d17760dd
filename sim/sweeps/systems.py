"""All systems under the same fault mixes: one table, one picture, every cell with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sim.errors import UsageError
from sim.model.load import moved_of
from sim.model.mixing import mixture
from sim.model.shelf import mixes, systems
from sim.model.wording import spelled
from sim.results import frames
from sim.results.many import Replications
from sim.results.measures import FALSE_TERMINATIONS, OVER_ALLOCATION
from sim.results.origins import Origin, load
from sim.results.provenance import ENGINE_FOR_MANY, SEED, Provenance
from sim.results.tables import Table, interval, number
from sim.stats import Estimate
from sim.sweeps.grid import Point
from sim.sweeps.simulate import all_or_raise, checked
from sim.sweeps.study import Progress, Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

CELL_REPLICATIONS: Final = 10
"""Replications of each system under each mix, each of a simulated day."""
INCIDENTS: Final = "over_allocation_incidents_per_hour"
SHOWN: Final = (FALSE_TERMINATIONS, OVER_ALLOCATION, INCIDENTS)
_TITLES: Final = {FALSE_TERMINATIONS: "false terminations per lease-hour", OVER_ALLOCATION: "over-allocation, slot-s/h"}


def compare_systems(
    names: Sequence[str] | str = (),
    faults: Sequence[str] | str = (),
    replications: int = CELL_REPLICATIONS,
    seed: int = SEED,
    engine: str = ENGINE_FOR_MANY,
    jobs: int = 1,
    changes: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> SystemsCompared:
    """Simulate systems under fault mixes, all with the same random numbers.

    Args:
        names: one or more systems, other scenarios or files; by default all systems that come along (`systems`).
        faults: one or more fault mixes by name; by default all that come along (`mixes`).
        replications: how many of each system under each mix.
        seed: same seed, same numbers.
        engine: "auto", the compiled one where it can run; all engines give the same results.
        jobs: processes; the result does not depend on it.
        changes: dotted keys and values that hold in every cell, such as ``{"duration": "5d"}``.
        progress: called with the replications done and planned.
    """
    checked(engine, seed=seed, replications=replications, jobs=jobs)
    names, faults = _listed(names) or tuple(systems()), _listed(faults) or tuple(mixes())
    _no_doubles(names, "system")
    _no_doubles(faults, "fault mix")
    for mix in faults:
        mixture(mix)
    places = [(name, mix) for name in names for mix in faults]
    given = dict(changes or {})
    texts = {key: value if isinstance(value, str) else spelled(value) for key, value in given.items()}
    loaded = {name: load(name) for name in names}
    scenarios = [loaded[name].with_({**given, "faults": mix}) for name, mix in places]
    origins = [Origin(name, {"faults": mix, **texts}) for name, mix in places]
    points = tuple(Point(at, {}, scenario) for at, scenario in enumerate(scenarios))
    numbers = tuple(range(replications))
    study = Study(points, seed, engine, jobs, progress=progress)
    collected = study.collect(numbers)
    all_or_raise(collected, origins[0], study)
    cells = {
        place: Replications(
            point.scenario,
            collected.of(point, numbers),
            Provenance.of(point.scenario, origin, seed, numbers, engine),
        )
        for place, point, origin in zip(places, study.points, origins, strict=True)
    }
    return SystemsCompared(names, faults, cells)


def _listed(words: Sequence[str] | str) -> tuple[str, ...]:
    """Return one name, or several, as a list."""
    return (words,) if isinstance(words, str) else tuple(words)


def _no_doubles(words: Sequence[str], what: str) -> None:
    for at, word in enumerate(words):
        if word in words[:at]:
            raise UsageError(f"the {what} '{word}' is given twice")


@dataclass(frozen=True, eq=False, repr=False)
class SystemsCompared:
    """Systems under fault mixes, as `sim.compare_systems` returns them. Evaluate it bare for the tables."""

    systems: tuple[str, ...]
    faults: tuple[str, ...]
    cells: Mapping[tuple[str, str], Replications]
    """The replications of each system under each mix."""

    @property
    def followed(self) -> list[str]:
        """What followed the changes without being named, a line for each system that has one number for it."""
        found = []
        for name in self.systems:
            scenario = self.cells[name, self.faults[0]].scenario
            moved = ", ".join(f"{key} = {value}" for key, value in moved_of(scenario).items())
            if moved:
                found.append(f"{name}: {moved} follow, as in {scenario.system}; what is given itself stays")
        return found

    def to_pandas(self) -> pd.DataFrame:
        """Return one row a system, mix and metric."""
        import pandas as pd

        rows = [
            (system, mix, *row)
            for (system, mix), cell in self.cells.items()
            for row in frames.rows_of({name: cell.metrics[name] for name in SHOWN})
        ]
        return pd.DataFrame(rows, columns=["system", "faults", *frames.COLUMNS])

    def as_json(self) -> dict[str, Any]:
        """Return the cells as a JSON object, each with what replays it."""
        return {
            system: {
                mix: {
                    "metrics": frames.as_json({name: self.cells[system, mix].metrics[name] for name in SHOWN}),
                    "provenance": self.cells[system, mix].provenance.as_json(),
                }
                for mix in self.faults
            }
            for system in self.systems
        }

    def table(self, metric: str = FALSE_TERMINATIONS) -> Table:
        """Return one metric, a row for each system and a column for each mix, every cell with its interval."""
        if metric not in _TITLES:
            raise UsageError(f"'{metric}' has no table here", f"there are: {', '.join(_TITLES)}")
        rows = [(system, *(self._cell(system, mix, metric) for mix in self.faults)) for system in self.systems]
        heading = [f"{_TITLES[metric]}, with 95 % intervals"]
        return Table(heading, ("system", *self.faults), rows, list(self._notes(metric)))

    def _cell(self, system: str, mix: str, metric: str) -> str:
        found = self.cells[system, mix].metrics
        estimate = found[metric]
        if estimate.value != 0:
            return f"{number(estimate.value)} ({interval(estimate)})"
        return _none(found[INCIDENTS] if metric == OVER_ALLOCATION else estimate)

    def _notes(self, metric: str) -> Iterator[str]:
        first = next(iter(self.cells.values()))
        hours = sum(tally.observed_ns for tally in first.tallies) / 3.6e12
        yield f"each cell: {len(first):,} replications, {hours:,.0f} simulated hours, seed {first.provenance.seed}"
        what = "a rate" if metric == FALSE_TERMINATIONS else "a number of incidents per hour"
        yield f"none (< x): not seen, which only shows {what} below x (95 %)"

    def plot(self) -> Figure:
        """Draw false terminations and over-allocation of every cell as two heat maps."""
        from sim.report import charts

        return charts.systems_map(self.to_pandas())

    def _tables(self) -> list[Table]:
        *tables, last = (self.table(metric) for metric in _TITLES)
        notes = [*last.notes, *(f"note: {line}" for line in self.followed)]
        return [*tables, replace(last, notes=notes)]

    def __repr__(self) -> str:
        return "\n\n".join(table.text() for table in self._tables())

    def _repr_html_(self) -> str:
        return "".join(table.html() for table in self._tables())


def _none(estimate: Estimate) -> str:
    return f"none (< {number(estimate.high)})" if math.isfinite(estimate.high) else "none seen"
