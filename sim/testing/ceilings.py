"""What one replication can add to a metric: the assumption under which the verdict on a service level is sound.

A mean can be bounded above only if single values are. For many metrics no useful bound follows from the scenario: a
run that is killed at once can be killed again and again. So the ceiling is a rule: four times a day what all slots
together would lose if each of them went wrong once, and at least twice the most that was seen in the replications set
apart to find it (they are no part of the evidence). Rare disasters beyond it can lead to a verdict too soon, of which
docs/how-to/test-your-lease-settings.md has figures; where they are possible, a ceiling of one's own is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from sim.metrics import Metric, Tally
from sim.model.scenario import Closed, Scenario
from sim.results.measures import sides
from sim.units import DAY, SECOND

ROOM: Final = 4
"""So many times a day what is lost if every slot goes wrong once,"""
SEEN: Final = 2
"""and so many times the most that was seen."""


def parts(metric: Metric, tally: Tally) -> tuple[float, float]:
    """Return what a replication adds above and below the line: events, seconds, or the unit of the exposure."""
    over, under = sides(tally, metric)
    return (over / SECOND, under / SECOND) if _is_share_of_time(metric) else (over, under)


def _is_share_of_time(metric: Metric) -> bool:
    return metric.over_ns == metric.under_ns == 1 and all(
        name.endswith("_ns") for name in (*metric.over, *metric.under)
    )


def ceiling_over(metric: Metric, scenario: Scenario, seen: Sequence[float]) -> float:
    """Return the ceiling of what a replication adds above the line, as in `parts`."""
    once: float = holders(scenario) * max(1.0, (scenario.duration - scenario.warmup) / DAY)
    if all(field.endswith("_ns") for field in metric.over):
        once *= max(scenario.lease.ttl, scenario.renew_every_ns) / SECOND
    return max(ROOM * once, SEEN * max(seen))


def ceiling_under(metric: Metric, scenario: Scenario, seen: Sequence[float]) -> float:
    """Return the ceiling of what a replication adds below the line: exposure, which hardly varies."""
    if not metric.under:
        return 1.0
    observed = max(1, scenario.duration - scenario.warmup) / (SECOND if _is_share_of_time(metric) else metric.under_ns)
    fixed = {"observed_ns": observed, "capacity_ns": max(1, scenario.limit.slots) * observed}
    if metric.under[0] in fixed:
        return fixed[metric.under[0]]
    held = holders(scenario) * observed if metric.under == ("lease_ns",) else 0.0
    return max(held, SEEN * max(1.0, *seen))


def holders(scenario: Scenario) -> int:
    """Return how many runs can hold a slot by the book at once."""
    arrivals = scenario.runs.arrivals
    population = arrivals.clients if isinstance(arrivals, Closed) else math.inf
    return max(1, int(min(scenario.limit.slots, population)))
