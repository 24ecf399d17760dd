"""What is wanted: metrics to make small, and limits that hold, read from text; everything wrong is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sim.errors import Problem, UsageError
from sim.metrics import METRICS
from sim.results.goals import goal_of
from sim.results.measures import FALSE_TERMINATIONS, OVER_ALLOCATION, known
from sim.results.tables import number

FRONT: Final = (FALSE_TERMINATIONS, OVER_ALLOCATION, "reclaim_latency_seconds", "renewal_requests_per_second")
"""What every choice of a lease trades off: minimised where nothing else is asked for, and always shown."""
WORDS: Final = {
    FALSE_TERMINATIONS: "false terminations",
    OVER_ALLOCATION: "over-allocation",
    "reclaim_latency_seconds": "reclaim latency",
    "renewal_requests_per_second": "renewal load",
}


@dataclass(frozen=True)
class Constraint:
    """A metric that must not pass a limit."""

    metric: str
    upper: bool
    """Whether it must stay below the limit, else above."""
    limit: float

    def excess(self, value: float) -> float:
        """Return by how much a value breaks it, as a share of the limit; negative where it keeps it."""
        over = value - self.limit if self.upper else self.limit - value
        return over / abs(self.limit) if self.limit else over

    def kept(self, bound: float) -> bool:
        """Whether a bound is within the limit."""
        return bound <= self.limit if self.upper else bound >= self.limit

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.metric} {'<=' if self.upper else '>='} {self.limit:g}"

    @property
    def words(self) -> str:
        """With the unit of the limit."""
        return f"{self.text} {known(self.metric).unit}"


@dataclass(frozen=True)
class Goals:
    """What to minimise, and what to keep within limits."""

    minimise: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    asked: bool = True
    """Whether `minimise` was asked for, or is what goes without saying."""

    @property
    def front(self) -> tuple[str, ...]:
        """What the front is drawn over: what is minimised, or, where that is one, the usual trade-off with it."""
        return self.minimise if len(self.minimise) > 1 else tuple(dict.fromkeys((*self.minimise, *FRONT)))

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics that are looked at."""
        return tuple(dict.fromkeys((*self.minimise, *FRONT, *(each.metric for each in self.constraints))))


def sign(metric: str) -> int:
    """Return -1 for a metric of which more is better: what is minimised is its negative."""
    return -1 if known(metric).better == "high" else 1


def goals_of(minimise: Sequence[str] | str | None, subject_to: Sequence[str] | str) -> tuple[Goals, list[Problem]]:
    """Read goals, and return all that is wrong with them."""
    named = (minimise,) if isinstance(minimise, str) else tuple(minimise or ())
    texts = (subject_to,) if isinstance(subject_to, str) else tuple(subject_to)
    problems: list[Problem] = []
    for name in named:
        problems += _unknown("minimise", name)
        if name in METRICS and METRICS[name].better is None:
            problems.append(Problem("minimise", f"of '{name}' neither less nor more is better", hint="name another"))
        if named.count(name) > 1 and f"'{name}' is there twice" not in {p.message for p in problems}:
            problems.append(Problem("minimise", f"'{name}' is there twice"))
    constraints = []
    for text in texts:
        made = _constraint(text)
        if isinstance(made, Constraint):
            constraints.append(made)
        else:
            problems += made
    problems += _contradictions(constraints)
    return Goals(named or FRONT, tuple(constraints), bool(named)), problems


def _unknown(where: str, name: str) -> list[Problem]:
    try:
        known(name)
    except UsageError as error:
        return [Problem(where, error.message, hint=error.hint)]
    return []


def _constraint(text: str) -> Constraint | list[Problem]:
    try:
        goal = goal_of(text, "a constraint")
    except UsageError as error:
        return [Problem("subject_to", error.message, hint=error.hint)]
    return Constraint(goal.metric.name, goal.at_most, goal.limit)


def _contradictions(constraints: Sequence[Constraint]) -> list[Problem]:
    found = []
    for at, one in enumerate(constraints):
        for other in constraints[at + 1 :]:
            if one.metric == other.metric and one.upper == other.upper:
                found.append(Problem("subject_to", f"'{one.text}' and '{other.text}' say two limits for one metric"))
            elif one.metric == other.metric:
                high, low = (one, other) if one.upper else (other, one)
                if high.limit < low.limit:
                    apart = f"{number(low.limit)} or more and {number(high.limit)} or less"
                    found.append(Problem("subject_to", f"nothing keeps {one.metric} both at {apart}"))
    return found
