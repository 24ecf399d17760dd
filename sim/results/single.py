"""One replication: its trace, what it adds up to, and its story."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim import metrics, story
from sim.metrics import METRICS, Tally
from sim.model.scenario import Scenario
from sim.results import frames
from sim.results.counterfactual import Attribution, attribute
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import CORE, value_of
from sim.results.provenance import Provenance
from sim.results.tables import Table, number
from sim.stats import Estimate
from sim.trace import Event, Trace
from sim.vocabulary import Kind

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
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

    @cached_property
    def terminations(self) -> list[Event]:
        """The runs stopped by lease logic after the warm-up, in order."""
        since = self.scenario.warmup
        return [event for event in self.trace if event.kind is Kind.STOP and event.time_ns >= since]

    def story(self, around: Event | None = None) -> str:
        """Return what went wrong around an event, by default at the worst moment, in sentences."""
        return "\n".join(story.tell(self.scenario, self.trace, around.time_ns if around else None))

    def counterfactual(self, termination: Event | None = None) -> Attribution:
        """Simulate it again without each fault in turn: which did a termination need, by default the first?"""
        p, stop = self.provenance, termination or next(iter(self.terminations), None)
        return attribute(self.scenario, self.trace, p.seed, self.replication, p.engine, stop)

    def plot_timeline(self, around: Event | None = None, **options: Any) -> Figure:
        """Draw what each run did and believed around an event, by default around the worst moment.

        Options as in `sim.report.timeline.timeline`.
        """
        from sim.report import timeline

        if around is not None:
            start_ns, stop_ns = timeline.window_around(self.scenario, self.trace, around.time_ns)
            options = {"start_ns": start_ns, "stop_ns": stop_ns, **options}
        options = {"seed": self.provenance.seed, "replication": self.replication, **options}
        return timeline.timeline(self.scenario, self.trace, **options)

    def plot_occupancy(self, **options: Any) -> Axes:
        """Draw executing runs and slots in use over time; options as in `sim.report.timeline.occupancy`."""
        from sim.report import timeline

        return timeline.occupancy(self.scenario, self.trace, **options)

    def table(self) -> Table:
        """Return what `repr` shows."""
        p = self.provenance
        heading = [
            in_words(p.title, self.scenario),
            faults_in_words(self.scenario),
            f"replication {self.replication}, seed {p.seed}, engine {p.engine}, "
            f"{len(self.trace):,} events, digest {self.digest}",
        ]
        rows = [(name, number(value_of(self.tally, name)), METRICS[name].unit) for name in CORE]
        notes = ["one replication gives no intervals: sim.replicate", f"replay: {p.replay(self.replication)}"]
        return Table(heading, ("metric", "value", "unit"), rows, notes, right=frozenset({1}))

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()
