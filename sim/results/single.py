"""One replication: its trace, what it adds up to, and its story."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim import metrics
from sim.metrics import Tally
from sim.model.scenario import Scenario
from sim.results import frames
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import METRICS, value_of
from sim.results.provenance import Provenance
from sim.results.tables import Table, number
from sim.stats import Estimate
from sim.trace import Trace

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One replication of a scenario, as `sim.run` returns it. Evaluate it bare for a table."""

    scenario: Scenario
    replication: int
    trace: Trace
    provenance: Provenance

    @cached_property
    def tally(self) -> Tally:
        """The sums behind the metrics."""
        return metrics.measure(self.trace, self.scenario)

    @cached_property
    def metrics(self) -> dict[str, Estimate]:
        """Every metric by name; one replication gives no intervals."""
        return metrics.estimates([self.tally])

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row an event."""
        return self.trace.to_pandas()

    @property
    def digest(self) -> str:
        """The fingerprint of the trace: equal digests, equal events."""
        return self.trace.digest

    def to_pandas(self) -> pd.DataFrame:
        """Return one row a metric; the events are in `events`."""
        return frames.of_metrics(self.metrics)

    def as_json(self) -> dict[str, Any]:
        """Return metrics and provenance as a JSON object."""
        values = frames.as_json(self.metrics)
        return {"metrics": values, "digest": self.digest, "provenance": self.provenance.as_json()}

    def story(self) -> str:
        """Return what went wrong at its worst moment, in sentences."""
        from sim import story

        return story.tell(self.trace, self.scenario)

    def plot_timeline(self, **options: Any) -> Figure:
        """Draw what each run did and believed around the worst moment; options as in `sim.report.timeline`."""
        from sim.report import timeline

        return timeline.timeline(self.trace, self.scenario, **options)

    def plot_occupancy(self, **options: Any) -> Figure:
        """Draw executing runs and slots in use over time; options as in `sim.report.timeline`."""
        from sim.report import timeline

        return timeline.occupancy(self.trace, self.scenario, **options)

    def table(self) -> Table:
        """Return what `repr` shows."""
        p = self.provenance
        heading = [
            in_words(p.title, self.scenario),
            faults_in_words(self.scenario),
            f"replication {self.replication}, seed {p.seed}, engine {p.engine}, "
            f"{len(self.trace):,} events, digest {self.digest}",
        ]
        rows = [(metric.title, number(value_of(self.tally, metric.name)), metric.unit) for metric in METRICS.values()]
        notes = ["one replication gives no intervals: sim.replicate", f"replay: {p.replay(self.replication)}"]
        return Table(heading, ("metric", "value", "unit"), rows, notes, right=frozenset({1}))

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()
