"""A sweep: every point of a grid with its replications, as one tidy table and as charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.errors import UsageError, nearest
from sim.metrics import Tally
from sim.results import frames
from sim.results.describe import faults_in_words, in_words
from sim.results.many import Replications
from sim.results.measures import HEADLINES, known, worst_index
from sim.results.provenance import Provenance
from sim.results.single import Run
from sim.results.tables import Table, interval, number
from sim.sweeps.grid import Axis, Point, sha256
from sim.sweeps.study import Failure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

CHARTS: Final = ("heatmaps", "curves", "tradeoff", "causes")
_ROWS_MAX: Final = 60


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Every point of a grid, as `sim.sweep` returns it. Evaluate it bare for a table."""

    axes: tuple[Axis, ...]
    points: tuple[Point, ...]
    tallies: Mapping[int, tuple[Tally, ...]]
    """The replications of each point that has all of them, by its index."""
    failures: tuple[Failure, ...]
    provenance: Provenance
    computed: int = 0
    reused: int = 0
    out: Path | None = None

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def _done(self) -> dict[int, Replications]:
        return {index: self._replications(self.points[index]) for index in self.tallies}

    def _replications(self, point: Point) -> Replications:
        p = self.provenance
        data, overrides = point.scenario.model_dump(mode="json"), {**p.overrides, **point.values}
        own = replace(p, scenario=data, sha256=sha256(point.scenario), overrides=overrides)
        return Replications(point.scenario, self.tallies[point.index], own)

    def point(self, index: int | None = None, /, **values: str) -> Replications:
        """Return the replications of one point, by its number or by values: ``point(**{"lease.ttl": "2m"})``."""
        return self._done[self._index(index, values)]

    def _index(self, index: int | None, values: Mapping[str, str]) -> int:
        if index is None:
            index = self._found(values)
        if not 0 <= index < len(self.points):
            raise UsageError(f"there is no point {index}: they run from 0 to {len(self.points) - 1}")
        if index not in self.tallies:
            raise UsageError(f"point {index} ({self.points[index].label}) failed", "see: .failures")
        return index

    def _found(self, values: Mapping[str, str]) -> int:
        keys = [axis.key for axis in self.axes]
        for key in values:
            if key not in keys:
                near = nearest(key, keys)
                hint = f"did you mean '{near}'?" if near else f"axes: {', '.join(keys)}"
                raise UsageError(f"'{key}' is not an axis of this sweep", hint)
        found = [p.index for p in self.points if all(p.values[key] == str(value) for key, value in values.items())]
        if len(found) != 1:
            count = f"{len(found)} points have" if found else "no point has"
            raise UsageError(f"{count} {', '.join(f'{k}={v}' for k, v in values.items()) or 'no values given'}")
        return found[0]

    def worst(self, metric: str | None = None) -> Run:
        """Simulate the worst replication of the worst point again."""
        if not self.tallies:
            raise UsageError("every point failed", "see: .failures")
        best = [(index, worst_index(tallies, metric)) for index, tallies in self.tallies.items()]
        picked = worst_index([self.tallies[index][at] for index, at in best], metric)
        index, _ = best[picked]
        return self._done[index].worst(metric)

    # ---------------------------------------------------------------------- tables

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield point, values of the axes, metric, unit, estimate, low, high, n."""
        for index, replications in self._done.items():
            where = (index, *self.points[index].values.values())
            yield from ((*where, *row) for row in frames.rows_of(replications.metrics))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what `rows` yields."""
        return ("point", *(axis.key for axis in self.axes), *frames.COLUMNS)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for each point and metric."""
        import pandas as pd

        return pd.DataFrame(list(self.rows()), columns=list(self.columns))

    def to_csv(self) -> str:
        """Return the same as CSV text."""
        return frames.csv_text(self.columns, self.rows())

    def as_json(self) -> dict[str, Any]:
        """Return points with their metrics, failures and provenance as a JSON object."""
        points = [
            {"index": index, "values": dict(self.points[index].values), "metrics": frames.as_json(each.metrics)}
            for index, each in self._done.items()
        ]
        failures = [{"point": f.point, "values": dict(f.values), "rep": f.replication, "error": f.error} for f in self.failures]
        counts = {"computed": self.computed, "reused": self.reused}
        return {"points": points, "failures": failures, **counts, "provenance": self.provenance.as_json()}

    # ---------------------------------------------------------------------- charts

    def plot_heatmaps(self, **options: Any) -> Figure:
        """Draw false terminations and over-allocation over two axes, side by side."""
        from sim.report import charts

        return charts.heatmap_pair(self.to_pandas(), *self._keys(2), **options)

    def plot_curves(self, metric: str | None = None, **options: Any) -> Figure:
        """Draw a metric along the first axis, one curve for each value of the second."""
        from sim.report import charts

        return charts.curves(self.to_pandas(), metric or HEADLINES[0], *self._keys(2), **options)

    def plot_tradeoff(self, **options: Any) -> Figure:
        """Draw over-allocation against false termination, a mark for each point."""
        from sim.report import charts

        return charts.tradeoff(self.to_pandas(), **options)

    def plot_causes(self, **options: Any) -> Figure:
        """Draw what the false terminations were due to, point by point."""
        from sim.report import charts

        return charts.causes({self.points[i].label: tallies for i, tallies in self.tallies.items()}, **options)

    def _keys(self, most: int) -> Sequence[str]:
        return [axis.key for axis in self.axes][:most]

    # ---------------------------------------------------------------------- text

    def table(self) -> Table:
        """Return what `repr` shows: the two headline metrics at every point."""
        p = self.provenance
        scenario = self.points[0].scenario
        heading = [
            in_words(f"{p.title} (point 0)", scenario),
            faults_in_words(scenario),
            f"{len(self.points):,} points x {len(p.replications):,} replications, the same random numbers at every point, "
            f"seed {p.seed}, engine {p.engine}",
        ]
        cells = [c for name in HEADLINES for c in (f"{known(name).title} [{known(name).unit}]", "95 % interval")]
        columns = ("point", *(axis.key for axis in self.axes), *cells)
        first = 1 + len(self.axes)
        right = frozenset({0, *range(first, len(columns), 2)})
        return Table(heading, columns, list(self._shown()), list(self._notes()), right)

    def _shown(self) -> Iterator[tuple[str, ...]]:
        for index, replications in list(self._done.items())[:_ROWS_MAX]:
            estimates = [replications.metrics[name] for name in HEADLINES]
            numbers = [cell for e in estimates for cell in (number(e.value), interval(e))]
            yield (str(index), *self.points[index].values.values(), *numbers)

    def _notes(self) -> Iterator[str]:
        more = len(self._done) - _ROWS_MAX
        if more > 0:
            yield f"and {more} more points: .to_pandas()"
        failed = sorted({failure.point for failure in self.failures})
        if failed:
            yield f"{len(failed)} of {len(self.points)} points failed and are left out: {', '.join(map(str, failed[:20]))}"
            first = self.failures[0]
            yield f"first failure: {first.error}: {self.provenance.replay(first.replication, first.values)}"
        if self.tallies:
            best = [(index, worst_index(tallies, None)) for index, tallies in self.tallies.items()]
            index, at = best[worst_index([self.tallies[index][at] for index, at in best], None)]
            replay = self.provenance.replay(self.provenance.replications[at], self.points[index].values)
            yield f"worst replication: {replay}"

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()
