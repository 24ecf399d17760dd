"""A system's own rules, as data: ``lease.ttl >= 2 * renewal.every``. Durations are nanoseconds.

A side of a rule is a sum of terms: a key of a scenario, perhaps times a number, or a duration. Keys that may be
fractions of the ttl are resolved first, so a rule holds for what is simulated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sim.model.distributions import Constant
from sim.model.fields import resolve_share
from sim.model.scenario import Scenario
from sim.units import format_duration, parse_duration

Effect = Literal["refused", "changed", "follows", "advised"]
"""What the system does with a setting that breaks its rule: refuse it, put another in its place; know one number only
where the scenario has two (`follows`); or only advise. The last two are warnings.

Where it knows one number only, or would restore an equality, the first key follows the others (`Rule.ties`)."""

_COMPARE: Final = re.compile(r"(.+?) (<=|>=|<|>|=) (.+)")
_TERM: Final = re.compile(r"(?:(\d+(?:\.\d+)?) \* )?([a-z_]+\.[a-z_.]+)")
_RESOLVED: Final = {
    "renewal.every": "renew_every_ns",
    "lease.initial_ttl": "initial_ttl_ns",
    "lease.expiry_grace": "expiry_grace_ns",
    "renewal.fence_after": "fence_after_ns",
}


@dataclass(frozen=True, slots=True)
class Term:
    """`factor` times the value of a key; without a key the factor itself is nanoseconds."""

    factor: float
    key: str = ""

    def value(self, scenario: Scenario) -> float:
        """Return the term in a scenario, in nanoseconds."""
        if not self.key:
            return self.factor
        value = value_of(scenario, self.key)
        assert value is not None, f"a rule is about durations: {self.key} is none"
        return self.factor * value


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one system."""

    system: str
    text: str
    effect: Effect
    says: str
    """The rule in words, as the system knows it."""
    source: str
    left: tuple[Term, ...]
    relation: str
    right: tuple[Term, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the rule joins, as they stand in it."""
        return tuple(dict.fromkeys(term.key for term in (*self.left, *self.right) if term.key))

    @property
    def ties(self) -> bool:
        """Whether the first key follows the others."""
        return bool(self.left[0].key) and (self.effect == "follows" or (self.effect, self.relation) == ("changed", "="))

    @property
    def follower(self) -> str:
        """The key that follows the others, where one does."""
        return self.left[0].key

    def follows_ns(self, scenario: Scenario) -> int:
        """Return the value of the first key with which the rule is just kept, in nanoseconds."""
        rest = sum(term.value(scenario) for term in self.right) - sum(term.value(scenario) for term in self.left[1:])
        return round(rest / self.left[0].factor)

    def speaks_of(self, scenario: Scenario) -> bool:
        """Return whether all its keys are durations there: a wait may also be a law."""
        return all(value_of(scenario, key) is not None for key in self.keys)

    def slack_ns(self, scenario: Scenario) -> float:
        """Return by how much the rule is kept, in nanoseconds; below 0 by how much it is broken."""
        left = sum(term.value(scenario) for term in self.left)
        if self.ties and self.follower == "renewal.every":  # the setting is tied, whatever `every_max` makes of it
            left += self.left[0].factor * (_set_interval(scenario) - scenario.renew_every_ns)
        difference = left - sum(term.value(scenario) for term in self.right)
        if self.relation == "=":
            return -abs(difference)
        return difference if self.relation.startswith(">") else -difference

    def holds(self, scenario: Scenario) -> bool:
        """Return whether a scenario keeps the rule; half a nanosecond, the rounding of a fraction, breaks none."""
        slack = self.slack_ns(scenario)
        return slack > 0.5 if self.relation in ("<", ">") else slack >= -1.5

    def given(self, scenario: Scenario) -> str:
        """Return the values that the rule is about, without the first key's name: ``(1s) and renewal.every (5s)``."""
        told = [f"{key} ({format_duration(value_of(scenario, key) or 0)})" for key in self.keys]
        return " and ".join(told).removeprefix(f"{self.keys[0]} ")


def value_of(scenario: Scenario, key: str) -> int | None:
    """Return a duration of a scenario by its dotted key, fractions of the ttl resolved; None where it is none."""
    if key in _RESOLVED:
        return int(getattr(scenario, _RESOLVED[key]))
    value = _at(scenario, key)
    return value if isinstance(value, int) else None


def is_share(scenario: Scenario, key: str) -> bool:
    """Return whether a value is given as a fraction of the ttl."""
    return key in _RESOLVED and isinstance(_at(scenario, key), float)


def _at(scenario: Scenario, key: str) -> Any:
    value: Any = scenario
    for step in key.split("."):
        value = getattr(value, step, None)
    return value.value if isinstance(value, Constant) else value


def _set_interval(scenario: Scenario) -> int:
    return resolve_share(scenario.renewal.every, scenario.lease.ttl)


def parsed(system: str, entry: Mapping[str, str]) -> Rule:
    """Return the rule that a system's data file holds; ValueError where it cannot be read."""
    found = _COMPARE.fullmatch(entry["rule"])
    if found is None or entry["effect"] not in ("refused", "changed", "follows", "advised"):
        raise ValueError(f"{system}: cannot read the rule {entry}")
    left, relation, right = found.groups()
    effect: Effect = entry["effect"]  # type: ignore[assignment]  # it was just looked at
    return Rule(system, entry["rule"], effect, entry["says"], entry["source"], _sum(left), relation, _sum(right))


def _sum(text: str) -> tuple[Term, ...]:
    return tuple(_term(part) for part in text.split(" + "))


def _term(text: str) -> Term:
    found = _TERM.fullmatch(text)
    if found is None:
        return Term(parse_duration(text))
    return Term(float(found[1] or 1), found[2])
