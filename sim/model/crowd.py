"""How many runs and machines there may be at one time, as far as a scenario tells."""

from __future__ import annotations

from typing import Final

from sim.model.scenario import Backlog, Closed, Scenario, Times
from sim.units import HOUR

_ROWS: Final = 100_000
_ROWS_EACH: Final = 100


def crowd(scenario: Scenario) -> int:
    """Return the runs and machines that one instant may concern; of independent arrivals twice as many as expected."""
    how = scenario.runs.arrivals
    if isinstance(how, Closed):
        runs = how.clients
    elif isinstance(how, Times):
        runs = len(how.times)
    elif isinstance(how, Backlog):
        runs = how.waiting + scenario.limit.slots
    else:
        runs = int(2 * how.rate * scenario.duration / HOUR) + 1
    return runs + scenario.hosts.count


def rows_at_one_instant_max(scenario: Scenario) -> int:
    """Return how many events at one instant mean that time stands still: a loop in which nothing takes any time."""
    return _ROWS + _ROWS_EACH * crowd(scenario)
