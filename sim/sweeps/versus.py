"""Every point of a sweep against one of them, pair by pair on common random numbers, with all comparisons in mind.

Of a hundred settings that change nothing, five would differ at 95 %. So verdicts are Holm's, and intervals are wide
enough (Bonferroni) that all of them hold at once with the stated confidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sim.results.measures import SHORT, difference, direction
from sim.results.provenance import Provenance
from sim.results.tables import Table, interval, number
from sim.stats import Estimate, holm, simultaneous
from sim.sweeps.grid import Point, labels_of

if TYPE_CHECKING:
    import pandas as pd

    from sim.sweeps.swept import Sweep

COMPARED_MAX: Final = 2000
"""Points beyond which a table does not compare by itself."""
_ROWS_MAX: Final = 60


@dataclass(frozen=True)
class Compared:
    """One metric at one point, against the same metric at the point that all are compared with."""

    point: int
    metric: str
    difference: Estimate
    """Point minus that other one; its bounds hold together with all others."""
    p: float
    """Adjusted for all comparisons (Holm); nan where no replication differs."""

    @property
    def verdict(self) -> str:
        """``fewer``, ``more`` or ``no difference shown``, all verdicts together right with the stated confidence."""
        return direction(self.difference.value, self.p, self.difference.confidence)


@dataclass(frozen=True, eq=False, repr=False)
class Versus:
    """All points against one, as `Sweep.versus` returns it. Evaluate it bare for a table."""

    points: Sequence[Point]
    base: int
    metrics: tuple[str, ...]
    confidence: float
    compared: tuple[Compared, ...]
    provenance: Provenance

    @cached_property
    def verdicts(self) -> dict[tuple[int, str], str]:
        """The verdict on each point and metric."""
        return {(each.point, each.metric): each.verdict for each in self.compared}

    @property
    def words(self) -> str:
        """What the verdicts are worth."""
        return (
            f"{len(self.compared):,} comparisons with point {self.base}, pair by pair on the same random numbers: "
            f"all verdicts together are right with {self.confidence:.0%} (Holm)"
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return one row a comparison."""
        import pandas as pd

        rows = [
            (c.point, *labels_of(self.points, c.point).values(), c.metric, c.difference.unit, c.difference.value,
             c.difference.low, c.difference.high, c.p, c.verdict)
            for c in self.compared
        ]  # fmt: skip
        keys = labels_of(self.points, self.base)
        names = ["point", *keys, "metric", "unit", "difference", "low", "high", "p_adjusted", "verdict"]
        return pd.DataFrame(rows, columns=names)

    def as_json(self) -> dict[str, Any]:
        """Return every comparison as a JSON object."""
        rows = [
            {"point": c.point, "metric": c.metric, "difference": c.difference.as_json(),
             "p_adjusted": None if math.isnan(c.p) else c.p, "verdict": c.verdict}
            for c in self.compared
        ]  # fmt: skip
        return {"base": self.base, "comparisons": len(self.compared), "confidence": self.confidence, "points": rows}

    def table(self) -> Table:
        """Return what `repr` shows."""
        base = ", ".join(f"{key}={value}" for key, value in labels_of(self.points, self.base).items())
        columns = ("point", *labels_of(self.points, self.base), "metric", "difference", "interval", "unit", "it has")
        rows = [
            (str(c.point), *labels_of(self.points, c.point).values(), SHORT.get(c.metric, c.metric),
             number(c.difference.value), interval(c.difference), c.difference.unit, c.verdict)
            for c in self.compared[:_ROWS_MAX]
        ]  # fmt: skip
        notes = [self.words, f"intervals hold all at once with {self.confidence:.0%} (Bonferroni)"]
        if len(self.compared) > _ROWS_MAX:
            notes.append(f"and {len(self.compared) - _ROWS_MAX:,} more: .to_pandas()")
        right = frozenset({0, len(columns) - 4})
        return Table([f"against point {self.base} ({base}), seed {self.provenance.seed}"], columns, rows, notes, right)

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()


def versus(sweep: Sweep, base: int, metrics: Sequence[str], confidence: float) -> Versus:
    """Compare every other point that has its replications with point `base`."""
    others = [at for at in sweep.tallies if at != base]
    each = simultaneous(confidence, len(others) * len(metrics))
    theirs = sweep.tallies[base]
    found = [(at, name, difference(name, sweep.tallies[at], theirs, each)) for at in others for name in metrics]
    adjusted = holm([estimate.p for _, _, estimate in found])
    compared = tuple(
        Compared(at, name, _at(estimate, confidence), p)
        for (at, name, estimate), p in zip(found, adjusted, strict=True)
    )
    return Versus(sweep.points, base, tuple(metrics), confidence, compared, sweep.provenance)


def _at(estimate: Estimate, confidence: float) -> Estimate:
    """Say with what confidence the bounds hold together."""
    return replace(estimate, confidence=confidence, method=f"{estimate.method}, simultaneous")
