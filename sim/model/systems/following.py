"""Settings that are one in the real system: turn the one, and the others turn along with it.

Each is a rule of the system whose first key follows the others (`Rule.ties`): client-go ends a request with its
RenewDeadline, so ``http.read_timeout = renewal.fence_after``. It follows unless it is set itself, or stood elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sim.model.distributions import Constant, constant
from sim.model.scenario import Scenario
from sim.model.systems.books import rules_of
from sim.model.systems.rules import Rule, is_share
from sim.units import FOREVER, format_duration


def ties_of(scenario: Scenario) -> tuple[Rule, ...]:
    """Return the rules of its system by which a setting of a scenario follows others."""
    return tuple(rule for rule in rules_of(scenario) if rule.ties and rule.speaks_of(scenario))


def apart(scenario: Scenario) -> frozenset[str]:
    """Return the settings that do not follow, for they stand elsewhere than their rules say."""
    return frozenset(rule.follower for rule in ties_of(scenario) if not rule.holds(scenario))


def kept(scenario: Scenario, given: Collection[str]) -> frozenset[str]:
    """Return the settings of a scenario that would follow others were they not given."""
    return frozenset(rule.follower for rule in ties_of(scenario) if is_given(rule.follower, given))


def along(after: Scenario, given: Collection[str]) -> tuple[Scenario, dict[str, int]]:
    """Return a changed scenario with all that follows, and the new value of each key that followed, in nanoseconds.

    What is `given` stays where it is: keys, and whatever is inside them.
    """
    moved: dict[str, int] = {}
    for rule in ties_of(after):
        if is_given(rule.follower, given) or rule.holds(after):
            continue
        value_ns = rule.follows_ns(after)
        if 0 < value_ns <= FOREVER:
            moved[rule.follower] = value_ns
            after = _set(after, rule.follower.split("."), value_ns)
    return after, moved


def led_by(scenario: Scenario, keys: Collection[str]) -> tuple[str, ...]:
    """Return the settings that follow some keys of a scenario, directly or through others."""
    led: list[str] = []
    for rule in ties_of(scenario):
        leaders = {key for key in rule.keys if key != rule.follower}
        leaders |= {"lease.ttl" for key in leaders if is_share(scenario, key)}
        if any(is_given(key, (*keys, *led)) for key in leaders) and not is_given(rule.follower, keys):
            led.append(rule.follower)
    return tuple(dict.fromkeys(led))


def is_given(key: str, given: Collection[str]) -> bool:
    """Return whether a key is among those that are given, is inside one, or has one inside."""
    return any(each == key or key.startswith(f"{each}.") or each.startswith(f"{key}.") for each in given)


def leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of a table's values."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def laid(table: dict[str, Any], moved: Mapping[str, int]) -> dict[str, Any]:
    """Return a scenario's data with other durations at dotted keys; the tables on the way are copied."""
    for key, value_ns in moved.items():
        table = _laid(table, key.split("."), format_duration(value_ns))
    return table


def _laid(table: dict[str, Any], path: list[str], text: str) -> dict[str, Any]:
    step, *rest = path
    return {**table, step: _laid(table.get(step, {}), rest, text) if rest else text}


def _set(model: Any, path: list[str], value_ns: int) -> Any:
    """Return a model with another duration deep inside; a law that is constant is another constant."""
    step, *rest = path
    if rest:
        value = _set(getattr(model, step), rest, value_ns)
    else:
        value = constant(value_ns) if isinstance(getattr(model, step), Constant) else value_ns
    return model.model_copy(update={step: value})
