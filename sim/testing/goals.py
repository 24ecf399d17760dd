"""``false_terminations_per_lease_hour <= 1e-3``: a service level, read and understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sim.errors import UsageError
from sim.metrics import Metric
from sim.results.measures import known

_TEXT: Final = re.compile(r"\s*(\w+)\s*(<=|>=|<|>)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(%?)\s*(\S.*)?")
_HOW: Final = 'write "metric <= number" or "metric >= number"; metrics and their units: docs/reference/metrics.md'


@dataclass(frozen=True)
class Goal:
    """A metric, and the side of a limit on which its mean has to be."""

    metric: Metric
    at_most: bool
    limit: float
    """In the metric's unit."""

    def __str__(self) -> str:
        return f"{self.metric.name} {'<=' if self.at_most else '>='} {self.limit:g}"


def goal(text: str) -> Goal:
    """Read one goal; UsageError says what is wrong and how to write it."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise UsageError(f"cannot read the SLO '{text}'", _HOW)
    name, how, number, percent, unit = match.groups()
    metric = known(name)
    if percent and metric.unit != "fraction":
        raise UsageError(f"the SLO '{text}': {name} is no fraction, its unit is {metric.unit}", _HOW)
    if unit and unit.strip() != metric.unit:
        raise UsageError(f"the SLO '{text}': the unit of {name} is {metric.unit}, not '{unit.strip()}'", _HOW)
    limit = float(number) / (100 if percent else 1)
    if not limit > 0:
        raise UsageError(
            f"the SLO '{text}': the limit must be above 0",
            "no number of replications shows that something never happens; give the rate that you can live with",
        )
    return Goal(metric, how in ("<=", "<"), limit)


def goals(texts: tuple[str, ...]) -> tuple[Goal, ...]:
    """Read several goals."""
    if not texts:
        raise UsageError("there is no SLO to check", 'for example "false_terminations_per_lease_hour <= 0.01"')
    return tuple(goal(text) for text in texts)
