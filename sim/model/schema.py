"""The JSON Schema of a scenario file, for editors: completion, hover text and checks while typing.

An editor sees one file, so what a base may supply (`extends`) is not demanded; the loader has the last word.
``python -m sim.model.schema`` writes the file beside the scenarios.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from sim.model.faults import Fault
from sim.model.presets.options import known
from sim.model.presets.versions import book
from sim.model.scenario import Bursts, Scenario
from sim.model.wording import file_data, shortened

Schema = dict[str, Any]

NAME: Final = "scenario.schema.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_EXTENDS: Final = "The scenario this one changes: a packaged one's name, or a path from this file's folder."
_REMOVE: Final = "Drop the fault of this name that the extended scenario has."


def json_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) that a scenario file obeys."""
    schema = Scenario.model_json_schema()
    definitions: dict[str, Schema] = schema.pop("$defs")
    defaults = _defaults()
    for model in (schema, *definitions.values()):
        _enter_defaults(model, defaults.get(model["title"], {}))
    unions: dict[str, Schema] = {}
    schema, definitions = _plainer(schema, unions), _plainer(definitions, unions)
    definitions |= {name: _union(union, definitions) for name, union in unions.items()}
    return _whole(schema, definitions)


def _whole(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Add what only the loader knows: `extends`, `remove`, and what a base may supply."""
    fault, bursts = definitions["Fault"], definitions["Bursts"]
    fault["properties"] = {**fault["properties"], "remove": {"const": True, "description": _REMOVE}}
    when = fault["properties"]["when"]
    rate = definitions["When"]["properties"]["rate"]
    when["anyOf"] = [{**rate, "description": "A rate."}, {"$ref": when.pop("$ref")}]
    alone = {
        "faults": {"items": {"required": fault.pop("required")}},
        "network": {"properties": {"bursts": {"required": bursts.pop("required")}}},
    }
    return {
        "$schema": _DIALECT,
        "title": "Scenario",
        "description": "A world to simulate: a lease, who holds it, and what goes wrong.",
        "type": "object",
        "properties": {
            "extends": {"type": "string", "description": _EXTENDS},
            "prefect": _prefect(),
            **schema["properties"],
        },
        "additionalProperties": False,
        "if": {"required": ["extends"]},
        "else": {"properties": alone},
        "$defs": dict(sorted(definitions.items())),
    }


def _prefect() -> Schema:
    """The table in Prefect's own names, as their data file has them."""
    version = {"type": "string", "description": f"Version of Prefect, {book()['first']} to {book()['last']}."}
    return {
        "type": "object",
        "description": "Prefect's own names and values; what this file says itself goes before what they stand for.",
        "properties": {"version": version, **{name: _setting(rule) for name, rule in known().items()}},
        "additionalProperties": False,
    }


def _setting(rule: Mapping[str, Any]) -> Schema:
    number = "integer" if rule.get("whole") else "number"
    kind: Schema = {"type": "boolean" if rule.get("flag") else "string" if rule.get("text") else number}
    if "choices" in rule:
        kind = {"enum": rule["choices"]}
    elif rule.get("codes"):
        kind = {"type": "array", "items": {"type": "integer", "minimum": 100, "maximum": 599}}
    bounds = {"least": "minimum", "most": "maximum", "above": "exclusiveMinimum"}
    limits = {bounds[name]: rule[name] for name in bounds if name in rule}
    default = {} if rule["default"] == "" else {"default": rule["default"]}
    return {**kind, **limits, "description": rule["meaning"], **default}


def _defaults() -> dict[str, Schema]:
    """By class, the values a file may leave out, as it would write them."""
    fault = Fault.model_validate({"what": "sleep", "when": {"times": []}})
    bursts = Bursts.model_validate({"mean_good": "1m", "mean_bad": "1m"})
    return {
        type(model).__name__: {
            name: value
            for name, value in shortened(file_data(model)).items()
            if not isinstance(value, dict) and name not in ("name", "whom", "times")
        }
        for root in (Scenario(), fault, bursts)
        for model in _sections(root)
    }


def _enter_defaults(model: Schema, defaults: Schema) -> None:
    required = model.get("required", ())
    for name, field in model["properties"].items():
        field.pop("default", None)
        if name in defaults and name not in required:
            field["default"] = defaults[name]


def _sections(model: BaseModel) -> Iterator[BaseModel]:
    yield model
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel) and not hasattr(value, "kind"):
            yield from _sections(value)


def _plainer(node: Any, unions: dict[str, Schema]) -> Any:
    """Drop titles that repeat a key and the null that TOML lacks; name each union once, in `unions`."""
    if isinstance(node, list):
        return [_plainer(item, unions) for item in node]
    if not isinstance(node, dict):
        return node
    named = {key: value for key, value in node.items() if key != "title" or isinstance(value, dict)}
    rest = {key: _plainer(value, unions) for key, value in named.items()}
    if "discriminator" in rest:
        name = "Distribution" if "constant" in rest["discriminator"]["mapping"] else "Arrivals"
        del rest["discriminator"]
        unions[name] = {"anyOf": rest.pop("oneOf")}
        rest["allOf"] = [{"$ref": f"#/$defs/{name}"}]
    if {"type": "null"} in rest.get("anyOf", ()):
        rest["anyOf"] = [item for item in rest["anyOf"] if item != {"type": "null"}]
        if len(rest["anyOf"]) == 1:
            rest |= rest.pop("anyOf")[0]
    return rest


def _union(union: Schema, definitions: dict[str, Schema]) -> Schema:
    """A table of one of the kinds, a duration that is always the same, or some keys to change in a base."""
    members = [definitions[member["$ref"].rpartition("/")[2]] for member in union["anyOf"]]
    for member in members:
        member["required"] = list(dict.fromkeys(("kind", *member.get("required", ()))))
    keys = dict.fromkeys(key for member in members for key in member["properties"])
    change = {"type": "object", "not": {"required": ["kind"]}, "propertyNames": {"enum": list(keys)}}
    text = [member["properties"]["value"] for member in members if member is definitions["Constant"]]
    return {"anyOf": [*text, *union["anyOf"], change]}


def main() -> None:
    """Write the schema beside the scenarios of this checkout."""
    folder = Path(__file__).resolve().parents[2] / "scenarios"
    (folder / NAME).write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
