"""What came of asking for a precision: of each metric how narrow its interval is, and what it would take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

from sim.results.tables import number
from sim.stats import Estimate, needed_for

State = Literal["precise", "zero", "alike", "background", "open"]

MADE_OF_MIN: Final = 10
"""Replications that a metric is made of before it can be precise; their relative spread is unknown before."""


@dataclass(frozen=True)
class Reached:
    """What came of one metric that was to be precise."""

    metric: str
    wanted: float
    """The half-width asked for, as a share of the value."""
    estimate: Estimate
    state: State
    made_of: float
    """Of how many replications the metric is made: few where few outweigh the rest (`sim.metrics.contributing`)."""

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
        if self.state == "background":
            none = "none saw more than requests take: one that does may outweigh all"
            return f"{asked}, reached {self.share:.1%} with {e.n:,}, and {none}"
        if self.share <= self.wanted / (1 + self.wanted):
            few = f"it is made of about {self.made_of:.0f} of them, and {MADE_OF_MIN} are the least"
            why = few if self.made_of < MADE_OF_MIN else "no second look could confirm it"
            return f"{asked}, reached {self.share:.1%} with {e.n:,}, but {why}"
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
