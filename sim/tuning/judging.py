"""What to make of a candidate's tallies: its metrics, how far it is from the limits, how good it is among others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sim.metrics import Tally, estimate
from sim.results.measures import known
from sim.stats import Estimate
from sim.sweeps.grid import Point
from sim.tuning.bounds import SOME, bound, shown
from sim.tuning.goals import Constraint, Goals, sign

UNKNOWN: float = 1e6
"""How far beyond a limit a candidate counts whose bound is not known."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One setting with what was seen of it."""

    number: int
    """In the order looked at; today's setting is 0."""
    point: Point
    tallies: Sequence[Tally]
    estimates: Mapping[str, Estimate]

    def value(self, metric: str) -> float:
        """Return a metric so that less is better."""
        return sign(metric) * self.estimates[metric].value


@dataclass
class Judge:
    """Goals, and the chance of error of each bound."""

    goals: Goals
    alpha: float
    fresh: int
    """Replications that a candidate has to stand up to in the end."""
    caps: dict[str, float] = field(default_factory=dict)

    def candidate(self, number: int, point: Point, tallies: Sequence[Tally], confidence: float = 0.95) -> Candidate:
        """Measure a candidate."""
        for name in self.goals.metrics:
            self.caps[name] = max(shown(name, tallies, SOME), self.caps.get(name, 0.0))
        found = {name: estimate(known(name), tallies, confidence) for name in self.goals.metrics}
        return Candidate(number, point, tallies, found)

    def bound(self, candidate: Candidate, constraint: Constraint) -> float:
        """Return the bound of a metric on the side of its limit."""
        return bound(constraint, candidate.tallies, self.alpha, self.caps)

    def expected(self, candidate: Candidate, constraint: Constraint) -> float:
        """Return what that bound will be with as many replications as there will be, if the value stays."""
        value, now = candidate.estimates[constraint.metric].value, self.bound(candidate, constraint)
        n = len(candidate.tallies)
        if value == 0 and constraint.upper:
            return now * n / self.fresh  # nothing seen: bounds shrink with the exposure
        return value + (now - value) * math.sqrt(n / self.fresh)

    def excess(self, candidate: Candidate, *, expected: bool = True) -> list[float]:
        """Return by how much each limit is broken by the bound; zero or less where it is kept."""
        look = self.expected if expected else self.bound
        found = [constraint.excess(look(candidate, constraint)) for constraint in self.goals.constraints]
        return [min(value, UNKNOWN) if math.isfinite(value) else UNKNOWN for value in found]


@dataclass(frozen=True)
class Scale:
    """How values of several metrics are weighed against each other: as shares of their range over the front."""

    lows: Mapping[str, float]
    widths: Mapping[str, float]

    @classmethod
    def of(cls, front: Sequence[Candidate], metrics: Sequence[str]) -> Scale:
        """Take the range of each metric over a front, or its noise where that is larger."""
        lows, widths = {}, {}
        for metric in metrics:
            values = [each.value(metric) for each in front if math.isfinite(each.value(metric))]
            noise = [each.estimates[metric].half_width for each in front]
            finite = sorted(width for width in noise if math.isfinite(width))
            lows[metric] = min(values, default=0.0)
            spread = max(values, default=0.0) - lows[metric]
            widths[metric] = max(spread, 4 * finite[len(finite) // 2] if finite else 0.0) or 1.0
        return cls(lows, widths)

    def distance(self, candidate: Candidate) -> float:
        """Return how far a candidate is from having the best of everything; for one metric, its rank."""
        shares = [(candidate.value(metric) - low) / self.widths[metric] for metric, low in self.lows.items()]
        if len(shares) == 1:
            return shares[0]
        return math.inf if any(map(math.isnan, shares)) else math.hypot(*(max(share, 0.0) for share in shares))


def front_of(candidates: Sequence[Candidate], metrics: Sequence[str]) -> list[Candidate]:
    """Return the candidates that no other betters: as good in every metric, and better in one."""
    rows = [tuple(each.value(metric) for metric in metrics) for each in candidates]
    whole = [at for at, row in enumerate(rows) if not any(map(math.isnan, row))]

    def bettered(at: int) -> bool:
        mine = rows[at]
        return any(
            rows[other] != mine and all(a <= b for a, b in zip(rows[other], mine, strict=True)) for other in whole
        )

    return [candidates[at] for at in whole if not bettered(at)]
