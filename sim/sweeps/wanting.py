"""What is to be precise, how precise, and what that may cost: read and checked before anything is simulated."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim import metrics
from sim.errors import UsageError
from sim.metrics import METRICS, Tally
from sim.results.asked import is_number, is_whole, names_of
from sim.results.measures import known
from sim.sweeps.sequential import CAP, Looked
from sim.units import HOUR

Precision = float | Mapping[str, float]
"""A share of the value for each metric that was named, or a share by metric."""

_HOURS = re.compile(r"\s*(?P<number>[0-9.]+(?:[eE][+]?[0-9]+)?)\s*(?:h|lease-h(?:ours?)?)\s*")
_MOST = 10_000_000


def wanted_of(precision: Precision | None, metric: str | Sequence[str]) -> dict[str, float]:
    """Return the half-width that each metric is to have, as a share of its value; nothing where none is wanted."""
    if precision is None:
        return {}
    if isinstance(precision, Mapping):
        wanted = dict(precision)
        if not wanted:
            raise UsageError("precision names no metric", 'for example {"false_terminations_per_lease_hour": 0.1}')
    else:
        wanted = dict.fromkeys(names_of(metric), precision)
        if not wanted:
            raise UsageError("metric is empty: nothing is to be precise", "name one, or leave the precision out")
    for name, share in wanted.items():
        known(name)
        if not (is_number(share) and 0 < share <= 1):
            where = f"precision of {name}" if isinstance(precision, Mapping) else "precision"
            raise UsageError(f"{where} = {share!r}: must be above 0 and at most 1", "0.1 asks for intervals of +-10 %")
    return {name: float(share) for name, share in wanted.items()}


@dataclass(frozen=True)
class Budget:
    """What may be spent: replications, and simulated lease-hours."""

    replications: int
    lease_hours: float | None = None

    def room(self, tallies: Sequence[Tally]) -> int:
        """Return how many replications there may be, by what those that there are came to."""
        if self.lease_hours is None:
            return self.replications
        each = sum(tally.lease_ns for tally in tallies) / HOUR / len(tallies)
        fits = min(self.replications, self.lease_hours / each) if each else self.replications
        return max(len(tallies), int(fits))


def budget_of(budget: int | str | None, replications: int | None) -> Budget:
    """Return what may be spent: `replications` are a budget too where a precision is asked for."""
    if budget is None:
        return Budget(CAP if replications is None else replications)
    if replications is not None:
        raise UsageError(
            f"replications = {replications} and budget = {budget}", "a budget says how many at most: one of"
        )
    if isinstance(budget, str) and (match := _HOURS.fullmatch(budget)):
        try:
            hours = float(match["number"])
        except ValueError:
            hours = 0.0
        if 0 < hours < math.inf:
            return Budget(_MOST, hours)
    if isinstance(budget, str) and budget.isascii() and budget.isdigit():
        budget = int(budget)
    if not (is_whole(budget) and 1 <= int(budget) <= _MOST):
        raise UsageError(
            f"budget = {budget}: must be replications, from 1 to {_MOST:,}, or lease-hours",
            'for example 5000, or "1e6h"',
        )
    return Budget(int(budget))


def looked_at(tallies: Sequence[Tally], wanted: Mapping[str, float], confidence: float) -> dict[str, Looked]:
    """Return the metrics that are to be precise, and of how many replications each is made."""
    return {
        name: Looked(
            metrics.estimate(METRICS[name], tallies, confidence),
            metrics.contributing(METRICS[name], tallies),
        )
        for name in wanted
    }
