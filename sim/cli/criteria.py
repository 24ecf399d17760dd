"""``--fail-if "false_terminations_per_lease_hour > 0.01"``: what makes a run fail, for scripts."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sim.errors import UsageError
from sim.results.measures import known
from sim.results.tables import interval, number
from sim.stats import Estimate

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_TEXT = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")


@dataclass(frozen=True)
class Criterion:
    """A metric, how it is compared, and with what; it speaks of failure."""

    metric: str
    how: str
    limit: float

    def failed(self, estimates: Mapping[str, Estimate]) -> bool:
        """Whether the estimate itself is on the wrong side."""
        return _COMPARE[self.how](estimates[self.metric].value, self.limit)

    def words(self, estimates: Mapping[str, Estimate]) -> str:
        """Say how it came out, and whether the interval leaves it open."""
        estimate = estimates[self.metric]
        seen = f"{self.metric} = {number(estimate.value)} ({interval(estimate)}) {estimate.unit}"
        told = f"{'failed' if self.failed(estimates) else 'passed'}: {seen}; fails if {self.how} {self.limit:g}"
        open_still = estimate.low < self.limit < estimate.high
        return told + ("; the interval holds the limit: more replications would tell" if open_still else "")


def criterion(text: str) -> Criterion:
    """Read one criterion."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise UsageError(f"cannot read the criterion '{text}'", 'write "metric > number", with > >= < or <=')
    return Criterion(known(match[1]).name, match[2], float(match[3]))
