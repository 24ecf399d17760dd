"""What came of asking for a precision: of each metric how narrow its interval is, and what it would take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from sim.results.tables import number
from sim.stats import Estimate, needed_for

State = Literal["precise", "zero", "alike", "open"]


@dataclass(frozen=True)
class Reached:
    """What came of one metric that was to be precise."""

    metric: str
    wanted: float
    """The half-width asked for, as a share of the value."""
    estimate: Estimate
    state: State

    @property
    def share(self) -> float:
        """The distance to the farther bound as a share of the value; nan where there is none."""
        e = self.estimate
        return e.reach / abs(e.value) if e.value and math.isfinite(e.reach) else math.nan

    @property
    def needed(self) -> int | None:
        """About how many replications it takes, where that can be told."""
        return needed_for(self.estimate, self.wanted)

    @property
    def words(self) -> str:
        """The outcome in words."""
        e = self.estimate
        asked = f"{self.metric}: wanted within {self.wanted:.0%}"
        if math.isnan(e.value):
            return f"{asked}, and none of {e.n:,} replications saw anything to measure it by"
        if self.state == "precise":
            return f"{asked}, reached {self.share:.1%}"
        if self.state == "zero" or not e.value:
            bound = f"below {number(e.high)} {e.unit} ({e.confidence:.0%})" if math.isfinite(e.high) else "no bound"
            return f"{asked}, zero in all {e.n:,} replications: {bound}"
        if self.state == "alike":
            return f"{asked}, the same in all {e.n:,} replications: nothing varies that could be averaged"
        if self.share <= self.wanted / (1 + self.wanted):
            return f"{asked}, reached {self.share:.1%} with {e.n:,}, and no second look could confirm it"
        reached = f"reached {self.share:.0%}" if math.isfinite(self.share) else "no interval yet"
        more = f": about {self.needed:,} replications would do" if self.needed else ""
        return f"{asked}, {reached} with {e.n:,}{more}"

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        share = self.share if math.isfinite(self.share) else None
        needed = self.needed if self.state == "open" else None
        return {
            "metric": self.metric, "wanted": self.wanted, "reached": share, "state": self.state, "needed": needed,
        }  # fmt: skip
