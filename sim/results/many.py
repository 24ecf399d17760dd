"""Many replications of one scenario: estimates with their intervals, causes, and the worst of them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim import engines, metrics
from sim.errors import UsageError
from sim.metrics import Tally
from sim.model.scenario import Scenario
from sim.results import frames
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import (
    CORE,
    FALSE_TERMINATIONS,
    badness,
    cause_lines,
    few_lines,
    made_of_few,
    value_of,
    worst_index,
    zero_lines,
)
from sim.results.provenance import Provenance
from sim.results.reached import Reached
from sim.results.single import Run
from sim.results.tables import Table, interval, number
from sim.stats import Estimate

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Replications:
    """Replications of one scenario, as `sim.replicate` returns them. Evaluate them bare for a table."""

    scenario: Scenario
    tallies: tuple[Tally, ...]
    """One a replication, in order."""
    provenance: Provenance
    stopped: str = ""
    """Why there are so many, where that was left to precision."""
    confidence: float = 0.95
    """Nominal coverage of every interval."""
    reached: tuple[Reached, ...] = ()
    """What came of each metric that was to be precise."""

    def __len__(self) -> int:
        return len(self.tallies)

    @cached_property
    def metrics(self) -> dict[str, Estimate]:
        """Every metric by name, with its interval."""
        return metrics.estimates(self.tallies, self.confidence)

    @cached_property
    def causes(self) -> dict[str, Estimate]:
        """The false terminations by cause, per lease-hour, the largest first; empty where there were none."""
        return metrics.causes_of(self.tallies, self.confidence)

    @cached_property
    def made_of_few(self) -> dict[str, float]:
        """The metrics that few replications make, whose intervals may be too narrow; of about how many each is made."""
        return made_of_few(self.metrics, self.tallies)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row a metric."""
        return frames.of_metrics(self.metrics)

    def as_json(self) -> dict[str, Any]:
        """Return metrics, causes and provenance as a JSON object."""
        values, causes = frames.as_json(self.metrics), frames.as_json(self.causes)
        told = {"precision": [each.as_json() for each in self.reached]} if self.reached else {}
        few = {"made_of_few": self.made_of_few} if self.made_of_few else {}
        return {"metrics": values, "causes": causes, **few, **told, "provenance": self.provenance.as_json()}

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

    def plot_causes(self, **options: Any) -> Axes:
        """Draw what the false terminations were due to; options as in `sim.report.charts.causes`."""
        from sim.report import charts

        bar = {name: cause.value for name, cause in self.causes.items()}
        return charts.causes({self.provenance.title: bar}, **{"unit": self.metrics[FALSE_TERMINATIONS].unit, **options})

    def table(self) -> Table:
        """Return what `repr` shows."""
        p = self.provenance
        how_many = f"{len(self):,} replication{'' if len(self) == 1 else 's'}"
        stopped = f" ({self.stopped})" if self.stopped else ""
        heading = [in_words(p.title, self.scenario), faults_in_words(self.scenario)]
        heading.append(f"{how_many}{stopped}, seed {p.seed}, engine {p.engine}")
        rows = [self._row(name) for name in CORE]
        columns = ("metric", "estimate", f"{100 * self.confidence:g} % interval", "unit", "worst replication")
        return Table(heading, columns, rows, list(self._notes()), right=frozenset({1}))

    def _row(self, name: str) -> tuple[str, ...]:
        estimate, index = self.metrics[name], worst_index(self.tallies, name)
        seen = f"#{self.provenance.replications[index]}" if value_of(self.tallies[index], name) > 0 else ""
        return name, number(estimate.value), interval(estimate), estimate.unit, seen

    def _notes(self) -> Iterator[str]:
        p = self.provenance
        yield from (each.words for each in self.reached)
        yield from cause_lines(self.causes, metrics.causes_of(self.tallies, of="over_allocation"))
        yield from zero_lines(self.metrics)
        yield from few_lines({name: of for name, of in self.made_of_few.items() if name in CORE}, len(self))
        yield f"{len(self.metrics) - len(CORE)} more metrics: .to_pandas(), --json"
        worst = worst_index(self.tallies)
        replay = f"worst replication: {p.replay(p.replications[worst])}"
        yield replay if any(badness(self.tallies[worst])) else "nothing went wrong in any replication"

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()
