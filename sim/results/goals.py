"""``false_terminations_per_lease_hour <= 1e-3``: a metric and the side of a limit on which it has to be, as text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from sim.errors import UsageError
from sim.metrics import Metric
from sim.results.measures import known
from sim.units import SECOND, parse_duration

_TEXT: Final = re.compile(r"\s*(?P<metric>\w[\w-]*)\s*(?P<how><=|>=|<|>)\s*(?P<limit>\S.*?)\s*")
_NUMBER: Final = re.compile(r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?P<unit>.*)")
_HOW: Final = 'write "METRIC <= NUMBER" or "METRIC >= NUMBER", for example "false_terminations_per_lease_hour <= 1e-2"'


@dataclass(frozen=True)
class Goal:
    """A metric, and the side of a limit on which its mean has to be."""

    metric: Metric
    at_most: bool
    limit: float
    """In the metric's unit."""

    def __str__(self) -> str:
        return f"{self.metric.name} {'<=' if self.at_most else '>='} {self.limit:g}"


def goal_of(text: object, what: str) -> Goal:
    """Read a goal; `what` it is, "an SLO", is for the `UsageError` that says what is wrong and how to write it.

    The limit is a number, with or without the metric's unit; of seconds also a duration, and of a fraction a
    percentage.
    """
    match = _TEXT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise UsageError(f"cannot read '{text}' as {what}", _HOW)
    metric = known(match["metric"].replace("-", "_"))
    return Goal(metric, "<" in match["how"], _limit(match["limit"], metric, match.string))


def _limit(given: str, metric: Metric, text: str) -> float:
    match = _NUMBER.fullmatch(given)
    unit = match["unit"] if match else ""
    if match and unit in ("", metric.unit) and math.isfinite(float(match["number"])):
        return float(match["number"])
    if match and unit == "%":
        if metric.unit != "fraction":
            raise UsageError(f"'{text}': {metric.name} is no fraction, its unit is {metric.unit}", _HOW)
        return float(match["number"]) / 100
    if metric.unit == "s":
        try:
            return parse_duration(given) / SECOND
        except ValueError as error:
            raise UsageError(f"'{text}': {error}", _HOW) from None
    if match and unit:
        raise UsageError(f"'{text}': the unit of {metric.name} is {metric.unit}, not '{unit}'", _HOW)
    raise UsageError(f"cannot read '{given}' in '{text}' as a number", _HOW)
