"""A sweep: every point of a grid with its replications, as one tidy table and as charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.errors import UsageError, nearest
from sim.metrics import METRICS, Tally, estimates
from sim.model.scenario import Scenario
from sim.results import frames
from sim.results.asked import names_of, sure, whole
from sim.results.describe import faults_in_words, in_words
from sim.results.many import Replications
from sim.results.measures import BAD, FALSE_TERMINATIONS, HEADLINES, SHORT, badness, known, worst_index
from sim.results.origins import settings
from sim.results.provenance import Provenance, sha256
from sim.results.single import Run
from sim.results.tables import Table, interval, number
from sim.sweeps.axes import Axis
from sim.sweeps.grid import Point, identities, labels_of
from sim.sweeps.index import Filed
from sim.sweeps.study import Failure
from sim.sweeps.versus import COMPARED_MAX, Versus, versus

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROWS_MAX: Final = 60


class Shown(Mapping[int, Replications]):
    """The points of a sweep that have all their replications, each made when it is asked for; the last few are kept."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._made = lru_cache(maxsize=1024)(self._make)

    def _make(self, index: int) -> Replications:
        return self._sweep.replications(self._sweep.points[index])

    def __getitem__(self, index: int) -> Replications:
        return self._made(index)

    def __iter__(self) -> Iterator[int]:
        return iter(self._sweep.tallies)

    def __len__(self) -> int:
        return len(self._sweep.tallies)


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Every point of a grid, as `sim.sweep` returns it. Evaluate it bare for a table."""

    scenario: Scenario
    axes: tuple[Axis, ...]
    points: Sequence[Point]
    tallies: Mapping[int, tuple[Tally, ...]]
    """The replications of each point that has all of them, by its index."""
    failures: tuple[Failure, ...]
    provenance: Provenance
    computed: int = 0
    reused: int = 0
    out: Path | None = None
    remarks: tuple[str, ...] = ()
    """What there is to say about how the points were chosen."""

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def _done(self) -> Mapping[int, Replications]:
        return Shown(self)

    def replications(self, point: Point) -> Replications:
        """Return the replications of a point that has them."""
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
        whole(point=index)
        index = int(index)  # numpy's too
        if not 0 <= index < len(self.points):
            raise UsageError(f"there is no point {index}: they run from 0 to {len(self.points) - 1}")
        if index not in self.tallies:
            what, hint = self._missing(index)
            raise UsageError(f"point {index} ({self.points[index].label}) {what}", hint)
        return index

    def _missing(self, index: int) -> tuple[str, str]:
        """Why a point has no result, and what to do."""
        if index in self._failed:
            return "failed", "see: .failures"
        return "is not simulated yet", "the same sweep goes on"

    @cached_property
    def _failed(self) -> list[int]:
        """The points that failed, and those of the same scenario as one of them: each scenario is simulated once."""
        if not self.failures:
            return []
        known = identities(self.points)
        gone = {known[failure.point] for failure in self.failures}
        return [at for at, identity in enumerate(known) if identity in gone]

    def _found(self, values: Mapping[str, str]) -> int:
        keys = [axis.key for axis in self.axes]
        for key in values:
            if key not in keys:
                near = nearest(key, keys)
                hint = f"did you mean '{near}'?" if near else f"axes: {', '.join(keys)}"
                raise UsageError(f"'{key}' is not an axis of this sweep", hint)
        wanted = {key: str(value) for key, value in values.items()}
        found = [at for at in range(len(self.points)) if wanted.items() <= labels_of(self.points, at).items()]
        if len(found) != 1:
            count = f"{len(found)} points have" if found else "no point has"
            raise UsageError(f"{count} {', '.join(f'{k}={v}' for k, v in values.items()) or 'no values given'}")
        return found[0]

    @cached_property
    def today(self) -> int | None:
        """The point that is the scenario as it was given, unswept; None where it is not among them."""
        own = sha256(self.scenario)[:16]
        return next((at for at, identity in enumerate(identities(self.points)) if identity == own), None)

    def versus(
        self,
        index: int | None = None,
        metrics: str | Sequence[str] = HEADLINES,
        confidence: float = 0.95,
        **values: str,
    ) -> Versus:
        """Compare every point with one: the scenario as it is, or a point by its number or by values."""
        if index is None and not values and self.today is None:
            raise UsageError("the scenario as it is, is not among the points", f"vary {self._missing_today()} too")
        base = self.today if index is None and not values else index
        names = [known(name).name for name in names_of(metrics)]
        sure(confidence)
        return versus(self, self._index(base, values), names, confidence)

    def _missing_today(self) -> str:
        """The values that the scenario has."""
        now = dict(settings(self.provenance.scenario))
        return ", ".join(f"{axis.key}={now[axis.key]}" for axis in self.axes if axis.key in now) or "its own values"

    @cached_property
    def _against(self) -> Versus | None:
        """The comparison that a table shows: with the scenario as it is, where it is there and that is quick."""
        few = 1 < len(self.tallies) <= COMPARED_MAX
        return self.versus() if few and self.today is not None and self.today in self.tallies else None

    def worst(self, metric: str | None = None) -> Run:
        """Simulate the worst replication of the worst point again."""
        if not self.tallies:
            if self.failures:
                raise UsageError("every point failed", "see: .failures")
            raise UsageError("no point is simulated yet", "the same sweep goes on")
        return self._done[self._worst(metric)[0]].worst(metric)

    def _worst(self, metric: str | None) -> tuple[int, int]:
        """The worst point, and which of its replications."""
        if metric is None and isinstance(self.tallies, Filed):
            return self.tallies.worst(BAD)
        worst = [(index, worst_index(tallies, metric)) for index, tallies in self.tallies.items()]
        return worst[worst_index([self.tallies[index][at] for index, at in worst], metric)]

    # ---------------------------------------------------------------------- tables

    def rows(self, metric: str | Sequence[str] = tuple(METRICS)) -> Iterator[tuple[object, ...]]:
        """Yield point, values of the axes, metric, unit, estimate, low, high, n."""
        names = [known(name).name for name in names_of(metric)]
        for index, tallies in self.tallies.items():
            where = (index, *labels_of(self.points, index).values())
            yield from ((*where, *row) for row in frames.rows_of(estimates(tallies, names=names)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what `rows` yields."""
        return ("point", *(axis.key for axis in self.axes), *frames.COLUMNS)

    def to_pandas(self, metric: str | Sequence[str] = tuple(METRICS)) -> pd.DataFrame:
        """Return one row for each point and metric; of many points, few metrics take less time."""
        import pandas as pd

        return pd.DataFrame(list(self.rows(metric)), columns=list(self.columns))

    @cached_property
    def _headlines(self) -> pd.DataFrame:
        """What two charts are drawn of."""
        return self.to_pandas(HEADLINES)

    def to_csv(self) -> str:
        """Return the same as CSV text."""
        return frames.csv_text(self.columns, self.rows())

    def as_json(self) -> dict[str, Any]:
        """Return points with their metrics, failures and provenance as a JSON object."""
        points = [
            {"index": index, "values": dict(self.points[index].values), "metrics": frames.as_json(each.metrics)}
            for index, each in self._done.items()
        ]
        failures = [
            {"point": f.point, "values": dict(f.values), "rep": f.replication, "error": f.error} for f in self.failures
        ]
        counts: dict[str, Any] = {"computed": self.computed, "reused": self.reused}
        if self._against:
            counts |= {"against_today": self._against.as_json()}
        return {"points": points, "failures": failures, **counts, "provenance": self.provenance.as_json()}

    # ---------------------------------------------------------------------- charts

    def plot_heatmaps(self, **options: Any) -> Figure:
        """Draw false terminations and over-allocation over two axes, side by side."""
        from sim.report import charts

        if len(self.axes) != 2:
            raise UsageError(f"a heat map needs two axes, and this sweep has {len(self.axes)}", "vary two keys")
        return charts.heatmap_pair(self._headlines, self.axes[0].key, self.axes[1].key, **self._today(options))

    def plot_curves(self, metric: str = FALSE_TERMINATIONS, **options: Any) -> Axes:
        """Draw a metric along the first axis, one curve for each value of the second."""
        from sim.report import charts

        by = self.axes[1].key if len(self.axes) > 1 else None
        return charts.curves(self.to_pandas(metric), self.axes[0].key, by, metric, **self._today(options))

    def plot_tradeoff(self, **options: Any) -> Axes:
        """Draw over-allocation against false termination, a mark for each point."""
        from sim.report import charts

        return charts.tradeoff(self._headlines, **self._today(options))

    def plot_causes(self, **options: Any) -> Axes:
        """Draw what the false terminations were due to, a bar for each point, of which 40 are the most."""
        from sim.report import bars as drawn
        from sim.report import charts

        drawn.few_enough(len(self.tallies), "draw those of one point: .point(0).plot_causes()")
        bars = {
            self.points[index].label: {name: cause.value for name, cause in each.causes.items()}
            for index, each in self._done.items()
        }
        return charts.causes(bars, **{"unit": METRICS[FALSE_TERMINATIONS].unit, **options})

    def _today(self, options: dict[str, Any]) -> dict[str, Any]:
        """Mark the setting that the scenario has unswept, unless another is asked for."""
        scenario = dict(settings(self.provenance.scenario))
        keys = [axis.key for axis in self.axes if axis.key in scenario]
        return {"current": {key: scenario[key] for key in keys}, **options}

    # ---------------------------------------------------------------------- text

    def table(self) -> Table:
        """Return what `repr` shows: the two headline metrics at every point."""
        p = self.provenance
        heading = [
            in_words(p.title, self.scenario),
            faults_in_words(self.scenario),
            f"{len(self.points):,} points x {len(p.replications):,} replications, the same random numbers at each, "
            f"seed {p.seed}, engine {p.engine}",
        ]
        against = ("than now",) if self._against else ()
        cells = [
            cell for name in HEADLINES for cell in (f"{SHORT[name]} [{METRICS[name].unit}]", "95 % interval", *against)
        ]
        columns = ("point", *(axis.key for axis in self.axes), *cells)
        first = 1 + len(self.axes)
        right = frozenset({0, *range(first, len(columns), 2 + len(against))})
        return Table(heading, columns, list(self._shown()), list(self._notes()), right)

    def _shown(self) -> Iterator[tuple[str, ...]]:
        for index, tallies in islice(self.tallies.items(), _ROWS_MAX):
            numbers = [
                cell
                for name, e in estimates(tallies, names=HEADLINES).items()
                for cell in (number(e.value), interval(e), *self._than_now(index, name))
            ]
            yield (str(index), *labels_of(self.points, index).values(), *numbers)

    def _than_now(self, index: int, metric: str) -> tuple[str, ...]:
        """What a point has against the scenario as it is."""
        if self._against is None:
            return ()
        return ("now" if index == self._against.base else self._against.verdicts[index, metric],)

    def _notes(self) -> Iterator[str]:
        yield from self.remarks
        if self._against:
            yield f"than now: {self._against.words}: .versus()"
        elif self.today is None and len(self.tallies) > 1:
            yield f"to compare with the scenario as it is, vary {self._missing_today()} too"
        more = len(self.tallies) - _ROWS_MAX
        if more > 0:
            yield f"and {more:,} more points: .to_pandas()"
        failed = self._failed
        open_ = len(self.points) - len(self.tallies) - len(failed)
        if open_ > 0:
            yield f"{open_:,} of {len(self.points):,} points are not simulated yet: the same sweep goes on"
        if failed:
            listed = ", ".join(map(str, failed[:20]))
            yield f"{len(failed)} of {len(self.points)} points failed and are left out: {listed}"
            first = self.failures[0]
            yield f"first failure: {first.error}: {self.provenance.replay(first.replication, first.values)}"
        if self.tallies:
            index, at = self._worst(None)
            replay = self.provenance.replay(self.provenance.replications[at], self.points[index].values)
            bad = any(badness(self.tallies[index][at]))
            yield f"worst replication: {replay}" if bad else "nothing went wrong in any replication"

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()
