"""Which knobs a person can really turn: a preset knows what is a setting and what stands in the system's own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.model.load import options_of
from sim.model.presets.options import known
from sim.model.presets.translate import Field, translated
from sim.model.scenario import Scenario
from sim.model.systems.books import book
from sim.model.systems.books import known as systems


def standing(scenario: Scenario, keys: Sequence[str]) -> dict[str, str]:
    """Return what is known of each key: the setting of the real system that it follows, or that nothing sets it."""
    options = options_of(scenario)
    if options is None:
        return _of_system(scenario, keys)
    fields = {field.key: field for field in translated(options)}
    told = {}
    for key in keys:
        if key.startswith("prefect."):
            told[key] = f"a setting of Prefect {options.version}"
        elif field := _over(fields, key):
            told[key] = _words(field, options.version)
    return told


def _of_system(scenario: Scenario, keys: Sequence[str]) -> dict[str, str]:
    if scenario.system not in systems():
        return {}
    kept = book(scenario.system)
    told = {}
    for key in keys:
        words = [f"in {kept.product}: {kept.numbers[key].words}"] if key in kept.numbers else []
        led = [rule.follower for rule in kept.rules if rule.ties and key in rule.keys and key != rule.follower]
        bound = [rule for rule in kept.rules if key in rule.keys and rule.follower not in led]
        words += [f"bound by {rule.text} ({rule.says})" for rule in bound]
        words += [f"{', '.join(led)} follow{'s' if len(led) == 1 else ''} it"] if led else []
        if words:
            told[key] = "; ".join(words)
    return told


def _over(fields: Mapping[str, Field], key: str) -> Field | None:
    """The field of that key, or of a table that it is inside."""
    found = (field for name, field in fields.items() if key == name or key.startswith(f"{name}."))
    return next(found, None)


def _words(field: Field, version: str) -> str:
    setting = next((name for name in known() if field.why.startswith(f"{name} ")), None)
    if setting is not None:
        return f"follows Prefect's {setting}; use prefect.{setting} to stay within what it allows"
    return f"fixed in Prefect {version}, no setting changes it ({field.why})"
