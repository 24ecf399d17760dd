"""Scenarios that differ in a few plain fields, made without reading them anew: a hundredth of the time at each point.

A value is read by its field's own rules, put into a copy, and the rules between fields are asked as ever; a section
that is more than plain fields (faults, distributions) is read once for each of its values. Where two axes meet in such
a section, a preset's options change, or a value is refused, it is left to `override`, which says what is wrong in
words. The first point is made both ways and has to be the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from sim.errors import ScenarioError
from sim.model import relations
from sim.model.load import apart_of, override
from sim.model.scenario import Scenario
from sim.model.systems.following import along
from sim.results.provenance import WORDS, canonical, sha256
from sim.sweeps.axes import Axis

_AS_IT_IS: Final = "an annotation needs a word at least"
_PLAIN: Final = (str, int, float, bool)


@dataclass
class _Leaf:
    """One field of a section, what its values are read as, and how they are written."""

    section: str
    name: str
    values: Sequence[Any]
    reader: TypeAdapter[Any]
    known: dict[int, tuple[Any, Any] | None] = field(default_factory=dict)

    def at(self, code: int) -> tuple[Any, Any] | None:
        """Return a value and how it is written; None where that is not for here."""
        if code not in self.known:
            self.known[code] = self._read(self.values[code])
        return self.known[code]

    def _read(self, value: Any) -> tuple[Any, Any] | None:
        if not isinstance(value, _PLAIN):
            return None
        try:
            read = self.reader.validate_python(value)
        except (ValidationError, ValueError, TypeError, ArithmeticError):
            return None
        return read, self.reader.dump_python(read, mode="json")


@dataclass
class _Part:
    """A section that is read as a whole with each of its values, once: faults, distributions."""

    scenario: Scenario
    section: str
    axis: Axis
    known: dict[int, tuple[Any, Any] | None] = field(default_factory=dict)

    def at(self, code: int) -> tuple[Any, Any] | None:
        """Return the section with a value and how it is written; None where that is not for here."""
        if code not in self.known:
            self.known[code] = self._read(self.axis.values[code])
        return self.known[code]

    def _read(self, value: Any) -> tuple[Any, Any] | None:
        try:
            made = override(self.scenario, {self.axis.key: value})
        except ScenarioError:
            return None
        before, after = self.scenario.model_dump(mode="json"), made.model_dump(mode="json")
        if any(before[key] != after[key] for key in before if key != self.section):
            return None
        return getattr(made, self.section), after[self.section]


@dataclass(frozen=True)
class Spliced:
    """A scenario, what it is as one line of JSON, and its fingerprint."""

    scenario: Scenario
    text: str
    sha256: str


class Splicer:
    """Makes scenarios from the codes of their values; what its system ties to these follows, unless it is `given`."""

    def __init__(self, scenario: Scenario, leaves: Sequence[_Leaf | _Part], given: Collection[str] = ()) -> None:
        self._scenario, self._leaves, self._given = scenario, leaves, given
        self._data = scenario.model_dump(mode="json")
        self._texts = {key: _compact(value) for key, value in self._data.items()}
        self._prints = {key: json.dumps(value, sort_keys=True) for key, value in self._data.items() if key not in WORDS}

    def at(self, codes: Sequence[int]) -> Spliced | None:
        """Return a scenario; None where it has to be read as a whole."""
        changes: dict[str, dict[str, tuple[Any, Any]]] = {}
        update: dict[str, Any] = {}
        texts, prints = dict(self._texts), dict(self._prints)
        for leaf, code in zip(self._leaves, codes, strict=True):
            found = leaf.at(code)
            if found is None:
                return None
            if isinstance(leaf, _Part):
                update[leaf.section], written = found
                texts[leaf.section], prints[leaf.section] = _compact(written), json.dumps(written, sort_keys=True)
                continue
            changes.setdefault(leaf.section, {})[leaf.name] = found
        for section, values in changes.items():
            written = self._data[section] | {name: value for name, (_, value) in values.items()}
            texts[section], prints[section] = _compact(written), json.dumps(written, sort_keys=True)
            old: BaseModel = getattr(self._scenario, section)
            update[section] = old.model_copy(update={name: value for name, (value, _) in values.items()})
        made, moved = along(self._scenario.model_copy(update=update), self._given)
        for section in {key.partition(".")[0] for key in moved}:
            whole = getattr(made, section).model_dump(mode="json")
            texts[section], prints[section] = _compact(whole), json.dumps(whole, sort_keys=True)
        if relations.contradictions(made):
            return None
        printed = ", ".join(f'"{key}": {prints[key]}' for key in sorted(prints))
        text = ",".join(f'"{key}":{texts[key]}' for key in sorted(texts))
        return Spliced(made, f"{{{text}}}", hashlib.sha256(f"{{{printed}}}".encode()).hexdigest())


def splicer(scenario: Scenario, axes: Sequence[Axis]) -> Splicer | None:
    """Return what makes the points of these axes, or None where they have to be read as a whole."""
    sections = [axis.key.partition(".")[0] for axis in axes]
    leaves = [
        _leaf(scenario, axis) or _part(scenario, axis, alone=sections.count(section) == 1)
        for axis, section in zip(axes, sections, strict=True)
    ]
    found = [leaf for leaf in leaves if leaf]
    if len(found) < len(leaves) or not leaves:
        return None
    made = Splicer(scenario, found, apart_of(scenario) | {axis.key for axis in axes})
    first = made.at([0] * len(leaves))
    if first is None:
        return made
    same = override(scenario, {axis.key: axis.values[0] for axis in axes})
    agree = first.scenario == same and first.text == canonical(same) and first.sha256 == sha256(same)
    return made if agree else None


def _leaf(scenario: Scenario, axis: Axis) -> _Leaf | None:
    section, dot, name = axis.key.partition(".")
    part = getattr(scenario, section, None) if dot and "." not in name else None
    if not isinstance(part, BaseModel) or name not in type(part).model_fields:
        return None
    rules = type(part).__pydantic_decorators__
    if rules.model_validators or rules.field_validators or rules.validators or rules.root_validators:
        return None
    info = type(part).model_fields[name]
    if isinstance(getattr(part, name), BaseModel) or getattr(part, name) is None:
        return None
    rule: Any = Annotated[info.annotation, *info.metadata, _AS_IT_IS]
    return _Leaf(section, name, axis.values, TypeAdapter(rule))


def _part(scenario: Scenario, axis: Axis, *, alone: bool) -> _Part | None:
    """A section that no other axis touches."""
    section = axis.key.partition(".")[0]
    known = alone and section in Scenario.model_fields and section not in WORDS
    return _Part(scenario, section, axis) if known else None


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
