"""Service levels: goals that a finite number of replications can show to be met."""

from __future__ import annotations

from sim.errors import UsageError
from sim.results.goals import Goal, goal_of


def goal(text: str) -> Goal:
    """Read one goal; UsageError says what is wrong and how to write it."""
    found = goal_of(text, "an SLO")
    if not found.limit > 0:
        raise UsageError(
            f"the SLO '{text}': the limit must be above 0",
            "no number of replications shows that something never happens; give the rate that you can live with",
        )
    return found


def goals(texts: tuple[str, ...]) -> tuple[Goal, ...]:
    """Read several goals."""
    if not texts:
        raise UsageError("there is no SLO to check", 'for example "false_terminations_per_lease_hour <= 0.01"')
    return tuple(goal(text) for text in texts)
