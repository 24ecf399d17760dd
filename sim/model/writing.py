"""A scenario as TOML text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sim.model.presets.options import Options
from sim.model.presets.translate import Field, translated
from sim.model.scenario import Scenario
from sim.model.wording import file_data, shortened, spelled, spelled_key

Comment = Callable[[str, Any], str]


def dumps(scenario: Scenario) -> str:
    """Return `scenario`, everything spelled out, as TOML text from which `loads` makes an equal one."""
    return "\n".join(_written(shortened(file_data(scenario)), "")).strip() + "\n"


def annotated(scenario: Scenario, options: Options) -> str:
    """Return `scenario` as `dumps` does; keys that a ``[prefect]`` table stands for have their source as a comment."""
    fields = {field.key: field for field in translated(options)}
    meant = shortened(file_data(scenario_of(fields.values())))

    def comment(key: str, value: Any) -> str:
        field = fields.get(key)
        if field is None:
            return ""
        prefects = _at(meant, key)
        same = prefects == value
        return f"  # {field.why}" if same else f"  # the scenario's own; Prefect's is {spelled(prefects)}"

    table = shortened(file_data(scenario))
    given = ", ".join(f"{name} = {spelled(value)}" for name, value in options.given.items())
    return f"# [prefect] {given}\n\n" + "\n".join(_written(table, "", comment)).strip() + "\n"


def scenario_of(fields: Iterable[Field]) -> Scenario:
    """Return the defaults with these fields, so that values can be compared as files hold them."""
    data: dict[str, Any] = {}
    for field in fields:
        *tables, last = field.key.split(".")
        inner = data
        for step in tables:
            inner = inner.setdefault(step, {})
        inner[last] = field.value
    return Scenario.model_validate(data)


def _at(table: Any, key: str) -> Any:
    for step in key.split("."):
        table = table[step]
    return table


def _plain(_key: str, _value: Any) -> str:
    return ""


def _written(table: Mapping[str, Any], prefix: str, comment: Comment = _plain) -> Iterator[str]:
    """Lines of a table: its values, then its sub-tables under headers, then the faults one by one."""
    sections = {key: value for key, value in table.items() if isinstance(value, dict) and "kind" not in value}
    entries = {"faults": table["faults"]} if not prefix and table.get("faults") else {}
    for key, value in table.items():
        if key not in sections and key not in entries:
            text = _paragraphs(value) if not prefix else spelled(value)
            yield f"{spelled_key(key)} = {text}{comment(prefix + key, value)}"
    for key, value in sections.items():
        yield from ("", f"[{prefix}{spelled_key(key)}]", *_written(value, f"{prefix}{key}.", comment))
    for key, values in entries.items():
        for entry in values:
            yield from ("", f"[[{key}]]", *(f"{name} = {spelled(value)}" for name, value in entry.items()))


def _paragraphs(value: object) -> str:
    """Spell text of several lines on several lines."""
    if not isinstance(value, str) or "\n" not in value:
        return spelled(value)
    lines = (spelled(line)[1:-1] for line in value.split("\n"))
    return '"""\n' + "\n".join(lines) + '"""'
