"""Two scenarios on common random numbers: replication by replication they meet the same luck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim.metrics import METRICS
from sim.results.describe import in_words
from sim.results.many import Replications
from sim.results.measures import CORE, NO_DIFFERENCE, difference, direction
from sim.results.origins import difference as distance
from sim.results.tables import Table, interval, number
from sim.stats import Estimate, holm

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Difference:
    """One metric in both scenarios, and b - a."""

    a: Estimate
    b: Estimate
    difference: Estimate
    p: float = math.nan
    """How often chance alone would show such a difference, adjusted for all the metrics compared (Holm)."""

    @property
    def verdict(self) -> str:
        """What is shown of b against a: ``fewer``, ``more`` or ``no difference shown``."""
        return direction(self.difference.value, self.p, self.difference.confidence)

    @property
    def words(self) -> str:
        """The verdict, with how many times fewer or more where that can be said."""
        a, b = self.a.value, self.b.value
        if self.verdict == NO_DIFFERENCE or not (a > 0 and b > 0 and math.isfinite(a / b)):
            return self.verdict
        times = max(a / b, b / a)
        return f"{number(times)}x {self.verdict}" if times >= 1.1 else self.verdict


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Scenario b against scenario a, as `sim.compare` returns it. Evaluate it bare for a table."""

    a: Replications
    b: Replications

    @cached_property
    def metrics(self) -> dict[str, Difference]:
        """Every metric by name: in a, in b, and the difference b - a with its 95 % interval.

        Verdicts on the metrics of the table are right all together with 95 %, the others together with all there are.
        """
        a, b = self.a.metrics, self.b.metrics
        found = {name: self._difference(name) for name in a if name in b}
        ps = dict(zip(found, holm([each.p for each in found.values()]), strict=True))
        ps |= zip(CORE, holm([found[name].p for name in CORE]), strict=True)
        return {name: Difference(a[name], b[name], each, ps[name]) for name, each in found.items()}

    def _difference(self, name: str) -> Estimate:
        return difference(name, self.b.tallies, self.a.tallies)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where both come from."""
        return {"a": self.a.provenance.as_json(), "b": self.b.provenance.as_json()}

    def to_pandas(self) -> pd.DataFrame:
        """Return one row a metric: estimates of a and b, their difference, its bounds, the verdict."""
        import pandas as pd

        rows = [
            (name, d.a.unit, d.a.value, d.b.value, d.difference.value, d.difference.low, d.difference.high, d.verdict)
            for name, d in self.metrics.items()
        ]
        return pd.DataFrame(rows, columns=["metric", "unit", "a", "b", "difference", "low", "high", "verdict"])

    def as_json(self) -> dict[str, Any]:
        """Return both, differences and provenance as a JSON object."""
        metrics = {
            name: {
                "a": d.a.as_json(),
                "b": d.b.as_json(),
                "difference": d.difference.as_json(),
                "p_adjusted": None if math.isnan(d.p) else d.p,
                "verdict": d.verdict,
            }
            for name, d in self.metrics.items()
        }
        return {"metrics": metrics, "provenance": self.provenance}

    def plot_differences(self, **options: Any) -> Axes:
        """Draw the differences with their intervals; options as in `sim.report.charts.comparison`."""
        from sim.report import charts

        better = [name for name in CORE if METRICS[name].better == "high"]
        drawn = {name: self.metrics[name].difference for name in CORE}
        return charts.comparison(drawn, **{"names": ("a", "b"), "higher_is_better": better, **options})

    def table(self) -> Table:
        """Return what `repr` shows."""
        a, b = self.a.provenance, self.b.provenance
        heading = [
            f"a = {in_words(a.title, self.a.scenario)}",
            f"b = {in_words(b.title, self.b.scenario)}",
            *self._changes(),
            f"{len(self.a):,} replications each, on the same random numbers, seed {a.seed}, engine {a.engine}",
        ]
        rows = [
            (name, *map(number, (d.a.value, d.b.value, d.difference.value)), interval(d.difference), d.a.unit, d.words)
            for name, d in ((name, self.metrics[name]) for name in CORE)
        ]
        columns = ("metric", "a", "b", "b - a", "95 % interval", "unit", "b has")
        notes = [
            f"what b has holds for all {len(CORE)} metrics at once with 95 % (Holm), each interval by itself",
            f'"{NO_DIFFERENCE}": chance would do, or no replication differs; it does not say that they are equal',
            f"one pair: {a.replay(0)}",
            f"          {b.replay(0)}",
        ]
        return Table(heading, columns, rows, notes, right=frozenset({1, 2, 3}))

    def _changes(self) -> list[str]:
        """In what b differs, where that fits on a line."""
        changes = distance(self.a.scenario, self.b.scenario) or {}
        return [f"b has {', '.join(f'{k} = {v}' for k, v in changes.items())}"] if 0 < len(changes) <= 6 else []

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()
