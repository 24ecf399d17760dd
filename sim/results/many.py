"""Many replications of one scenario: estimates with their intervals, causes, and the worst of them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim import engines, metrics
from sim.errors import UsageError
from sim.metrics import Tally
from sim.model.scenario import Scenario
from sim.results import frames
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import causes_line, known, shares, worst_index, zero_notes
from sim.results.provenance import Provenance
from sim.results.single import Run
from sim.results.tables import Table, interval, number
from sim.stats import Estimate

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Replications:
    """Replications of one scenario, as `sim.replicate` returns them. Evaluate them bare for a table."""

    scenario: Scenario
    tallies: tuple[Tally, ...]
    """One a replication, in order."""
    provenance: Provenance
    stopped: str = ""
    """Why there are so many, where that was left to precision."""

    def __len__(self) -> int:
        return len(self.tallies)

    @cached_property
    def metrics(self) -> dict[str, Estimate]:
        """Every metric by name, with its 95 % interval."""
        return metrics.estimates(self.tallies)

    @cached_property
    def causes(self) -> Mapping[str, float]:
        """The share of false terminations by cause, the largest first; empty where there were none."""
        return shares(self.tallies, "terminations_by_cause")

    def to_pandas(self) -> pd.DataFrame:
        """Return one row a metric."""
        return frames.of_metrics(self.metrics)

    def as_json(self) -> dict[str, Any]:
        """Return metrics, causes and provenance as a JSON object."""
        values = frames.as_json(self.metrics)
        return {"metrics": values, "causes": dict(self.causes), "provenance": self.provenance.as_json()}

    def replay(self, replication: int) -> Run:
        """Simulate one replication again, with its trace."""
        if replication not in self.provenance.replications:
            last = self.provenance.replications[-1]
            raise UsageError(f"there is no replication {replication}: they run from 0 to {last}")
        p = self.provenance
        trace = engines.run(self.scenario, p.seed, replication, engine=p.engine)
        return Run(self.scenario, replication, trace, p)

    def worst(self, metric: str | None = None) -> Run:
        """Simulate the worst replication again: by `metric`, else by false terminations, then over-allocation."""
        return self.replay(self.provenance.replications[worst_index(self.tallies, metric)])

    def plot_causes(self, **options: Any) -> Figure:
        """Draw what the false terminations were due to."""
        from sim.report import charts

        return charts.causes(self.tallies, **options)

    def table(self) -> Table:
        """Return what `repr` shows."""
        p = self.provenance
        how_many = f"{len(self):,} replication{'' if len(self) == 1 else 's'}"
        stopped = f" ({self.stopped})" if self.stopped else ""
        heading = [in_words(p.title, self.scenario), faults_in_words(self.scenario)]
        heading.append(f"{how_many}{stopped}, seed {p.seed}, engine {p.engine}")
        rows = [self._row(name, estimate) for name, estimate in self.metrics.items()]
        notes = [line for line in (causes_line(self.causes),) if line]
        notes += zero_notes(self.metrics)
        notes.append(f"worst replication: {p.replay(p.replications[worst_index(self.tallies, None)])}")
        columns = ("metric", "estimate", "95 % interval", "unit", "worst replication")
        return Table(heading, columns, rows, notes, right=frozenset({1}))

    def _row(self, name: str, estimate: Estimate) -> tuple[str, ...]:
        worst = self.provenance.replications[worst_index(self.tallies, name)]
        seen = f"#{worst}" if estimate.value else ""
        return known(name).title, number(estimate.value), interval(estimate), estimate.unit, seen

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()
