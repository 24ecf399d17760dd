"""Scenarios from TOML text and back: files, packaged names, `extends`, overrides, and what is wrong in them.

A scenario file is data: nothing in it is evaluated or fetched, and one too long to be a scenario is not read.
"""

from __future__ import annotations

import os
import re
import tomllib
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from sim.errors import Problem, ScenarioError, UsageError, nearest
from sim.model import relations, shelf
from sim.model.faults import Fault
from sim.model.fields import Native
from sim.model.files import Source, identity, opened, read
from sim.model.locate import Document, Loc, Node, Table, laid_over, listed_over, scan, syntax_problem
from sim.model.mixing import KEY as MIX
from sim.model.mixing import mixture
from sim.model.presets import laying
from sim.model.presets.options import Options, inert
from sim.model.scenario import Scenario
from sim.model.shelf import names as names
from sim.model.shelf import systems as systems
from sim.model.systems import following
from sim.model.wording import (
    Finding,
    dotted_keys,
    file_data,
    findings,
    listed,
    path_text,
    shown,
)
from sim.model.writing import dumps as dumps
from sim.units import format_duration

DEPTH_MAX: Final = 32
CHAIN_MAX: Final = 16
_TEXT: Final = "<text>"


# ---------------------------------------------------------------------------------- reading


def load(name_or_path: str | os.PathLike[str]) -> Scenario:
    """Return the packaged scenario of that name, or the one in the .toml file at that path."""
    return _read(opened(name_or_path, Path()))


def loads(text: str, file: str = _TEXT) -> Scenario:
    """Return the scenario in TOML `text`; `file` names it in messages and is where relative paths start."""
    folder = Path() if file == _TEXT else Path(file).parent
    return _read(Source(Document(text, file), folder, identity(file)))


def _read(text: Source) -> Scenario:
    moved: dict[str, int] = {}
    scenario = _built(_resolved(text, moved))
    return _remember(scenario, replace(_origin(scenario), moved=moved))


def source(name: str) -> str:
    """Return the TOML text of a packaged scenario or system, comments and all."""
    return read(shelf.path_of(name))


# ---------------------------------------------------------------------------------- extends


def _parsed(document: Document) -> Table:
    node = scan(document)
    deep = node.deeper_than(DEPTH_MAX)
    if deep:
        raise ScenarioError([deep.mark(Problem("", f"nested more than {DEPTH_MAX} levels deep"), key=True)])
    try:
        return Table(tomllib.loads(document.text), node)
    except (ValueError, RecursionError) as error:
        problem = syntax_problem(document, error)
    raise ScenarioError([problem])


def _resolved(source: Source, moved: dict[str, int], chain: Sequence[Source] = ()) -> Table:
    """Return what a text says, laid over what it extends; what follows that is entered in `moved`."""
    own, chain = _parsed(source.document), (*chain, source)
    if "extends" not in own.data:
        return _extended(Table({}, Node()), own)
    base, node = own.data.pop("extends"), own.node.children.pop("extends", Node())
    if not isinstance(base, str):
        message = f"expected a scenario's name or a path in quotes, got {shown(base)}"
        raise ScenarioError([node.mark(Problem("extends", message))])
    try:
        found = opened(base, source.folder)
    except UsageError as error:
        raise ScenarioError([node.mark(Problem("extends", error.message, hint=error.hint))]) from None
    circle = found.identity in (link.identity for link in chain)
    if circle or len(chain) >= CHAIN_MAX:
        route = " -> ".join(link.document.file for link in (*chain, found))
        what = "goes round in a circle" if circle else f"leads over more than {CHAIN_MAX} files"
        raise ScenarioError([node.mark(Problem("extends", f"{what}: {route}"))])
    base = _resolved(found, moved, chain)
    table, fresh = _followed(_extended(base, own), base, own)
    kept = {key: value for key, value in moved.items() if not following.is_given(key, [*following.leaves(own.data)])}
    moved.clear()
    moved.update(kept | fresh)
    return table


def _extended(base: Table, own: Table) -> Table:
    """Lay a scenario over another; an empty ``faults = []`` drops all the other's."""
    merged = laid_over(laying.under(base, own), own)
    if own.data.get("faults") and isinstance(own.data["faults"], list):
        under = base.part("faults")
        under = under if isinstance(under.data, list) else Table([], Node())
        faults = listed_over(under, own.part("faults"), _name)
        merged.data["faults"], merged.node.children["faults"] = faults.data, faults.node
    return merged


def _followed(
    merged: Table, base: Table, own: Table, apart: Collection[str] | None = None
) -> tuple[Table, dict[str, int]]:
    """Let follow what the system has no other number for, once `own` is laid over `base`; say what did, in ns.

    What `own` says stays, and so does what is `apart`: by default what stands apart in `base`.
    """
    name = base.data.get("system")
    if not name or merged.data.get("system") != name:
        return merged, {}
    try:
        before, after = (Scenario.model_validate(_protocol(table.data)) for table in (base, merged))
    except (ValidationError, TypeError, ArithmeticError):
        return merged, {}  # what is wrong is said when the whole is read
    given = {*following.leaves(own.data), *(following.apart(before) if apart is None else apart)}
    _, moved = following.along(after, given)
    node = merged.node
    for key in moved:
        node = _nowhere(node, key.split("."))
    return Table(following.laid(merged.data, moved), node), moved


def _protocol(data: Mapping[str, Any]) -> dict[str, Any]:
    """What of a scenario's data its system's rules may speak of."""
    return {key: value for key, value in data.items() if key not in ("faults", laying.NAME)}


def _nowhere(node: Node, path: Sequence[str]) -> Node:
    """Return the tree of positions for a value that nobody wrote."""
    if not path:
        return Node()
    step, *rest = path
    inner = _nowhere(node.children.get(step, Node()), rest)
    return replace(node, children={**node.children, step: inner})


def _name(fault: Mapping[str, Any]) -> str:
    name = fault.get("name", fault.get("what"))
    return name if isinstance(name, str) else ""


# ---------------------------------------------------------------------------------- building


@dataclass(frozen=True, slots=True)
class _Origin:
    """What is known of a living scenario besides its values."""

    node: Node
    """Where they were written."""
    options: Options | None = None
    """Its ``[prefect]`` table."""
    apart: frozenset[str] | None = None
    """Keys that do not follow what their system ties them to: given by hand, or elsewhere from the start."""
    moved: Mapping[str, int] = field(default_factory=dict)
    """Keys that followed changes, and their values in nanoseconds."""


_ORIGINS: Final[dict[int, _Origin]] = {}
"""The origins of the living scenarios, by `id`: equality ignores them."""


def _origin(scenario: Scenario) -> _Origin:
    return _ORIGINS.get(id(scenario), _Origin(Node()))


def _apart(scenario: Scenario) -> frozenset[str]:
    known = _origin(scenario).apart
    return following.apart(scenario) if known is None else known


def _built(table: Table, *, by_name: bool = False, problems: Iterable[Problem] = ()) -> Scenario:
    """Validate, and raise everything wrong at once; `by_name` writes ``faults.sleep`` for ``faults[0]``."""
    table, options, bad = laying.taken(table)
    found = [*problems, *bad]
    try:
        scenario = Scenario.model_validate(table.data)
    except ValidationError as error:
        found += _told(findings(error, table.data, Scenario), table, by_name)
    except (TypeError, ArithmeticError) as error:
        found.append(Problem("", f"a value here is of a kind that no key takes ({error})"))
    else:
        found += [_found_at(problem, table, by_name) for problem in relations.contradictions(scenario)]
    if found:
        raise ScenarioError(sorted(found, key=_reading_order))
    return _remember(scenario, _Origin(table.node, options))


def _remember(scenario: Scenario, origin: _Origin) -> Scenario:
    if id(scenario) not in _ORIGINS:
        weakref.finalize(scenario, _ORIGINS.pop, id(scenario), None).atexit = False
    _ORIGINS[id(scenario)] = origin
    return scenario


def derived(scenario: Scenario, source: Scenario, given: Collection[str] = ()) -> Scenario:
    """Let a copy of `source` with other values come from where that came from, as `override` does.

    `given` are keys that stay as they are whatever changes.
    """
    return _remember(scenario, replace(_origin(source), apart=_apart(source) | following.kept(scenario, given)))


def _reading_order(problem: Problem) -> tuple[bool, str, int, int]:
    return problem.line is None, problem.file or "", problem.line or 0, problem.column or 0


def _told(found: Iterable[Finding], table: Table, by_name: bool) -> Iterator[Problem]:
    """Findings as problems; of a fault to remove that is not there, only that."""
    listed_findings = list(found)
    gone = {finding.loc[:-1] for finding in listed_findings if finding.loc[2:] == ("remove",)}
    for finding in listed_findings:
        if finding.loc[:2] in gone and finding.loc[2:] != ("remove",):
            continue
        node, exact = table.node.find(finding.loc)
        path = _path(finding.loc, table.data, by_name)
        problem = Problem(path, finding.message, finding.value, finding.hint)
        yield node.mark(problem, key=finding.at_key or not exact) if finding.loc else problem


def _found_at(problem: Problem, table: Table, by_name: bool) -> Problem:
    loc: Loc = tuple(int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", problem.path))
    node, exact = table.node.find(loc)
    problem = replace(problem, path=_path(loc, table.data, by_name))
    return node.mark(problem, key=not exact)


def _path(loc: Loc, data: Mapping[str, Any], by_name: bool) -> str:
    if by_name and len(loc) > 1 and loc[0] == "faults" and isinstance(loc[1], int):
        loc = ("faults", _name(data["faults"][loc[1]]), *loc[2:])
    return path_text(loc)


def warnings_of(scenario: Scenario) -> tuple[Problem, ...]:
    """Return what is legal in `scenario` but probably not meant, where it was written if that is known."""
    node, options = _origin(scenario).node, options_of(scenario)
    idle = [laying.marked(problem, node) for problem in inert(options)] if options else []
    return (*idle, *(_found_at(problem, Table({}, node), False) for problem in relations.warnings_of(scenario)))


def options_of(scenario: Scenario) -> Options | None:
    """Return what the ``[prefect]`` table said that `scenario` was loaded with; None where there was none."""
    return _origin(scenario).options


def moved_of(scenario: Scenario) -> dict[str, str]:
    """Return what followed the changes that were made to `scenario`, as its system has it: keys and their values."""
    return {key: format_duration(value_ns) for key, value_ns in _origin(scenario).moved.items()}


def led_by(scenario: Scenario, keys: Collection[str]) -> tuple[str, ...]:
    """Return the settings that follow some keys of `scenario` when these are changed, as its system has it."""
    return tuple(key for key in following.led_by(scenario, keys) if not following.is_given(key, _apart(scenario)))


def apart_of(scenario: Scenario) -> frozenset[str]:
    """Return the settings that follow nothing though the system of `scenario` ties them: they were given by hand."""
    return following.kept(scenario, _apart(scenario))


# ---------------------------------------------------------------------------------- overrides


def parse_value(text: str) -> object:
    """Return a value from a command line: ``true``, ``3``, ``[1, 2]`` as TOML reads them, else the text."""
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    plain = isinstance(read["value"], bool | int | float | str | list | dict)
    return read["value"] if plain and len(read) == 1 else text


def override(scenario: Scenario, changes: Mapping[str, object]) -> Scenario:
    """Return `scenario` with other values at dotted keys, such as ``{"lease.ttl": "10m"}``.

    A fault is addressed by its name: ``"faults.sleep.when.rate"``; ``"prefect.version"`` is translated. Values are
    as in a file or Python's own, also `datetime.timedelta`, mappings and arrays. All unknown keys and bad values are
    told at once. ``{"faults": "laptop"}`` lays a fault mix over the scenario, below the other changes. Settings that
    its system has one number for follow, unless they are given (`moved_of` says which).
    """
    mix = changes.get(MIX)
    if isinstance(mix, str):
        scenario = override(scenario, mixture(mix).changes)
        changes = {key: value for key, value in changes.items() if key != MIX}
    data = file_data(scenario)
    origin, apart = _origin(scenario), _apart(scenario)
    data |= {laying.NAME: dict(origin.options.given)} if origin.options else {}
    problems = []
    overlay: dict[str, Any] = {}
    for key, value in changes.items():
        problem = _unknown(key, value, data) or _conflict(overlay, key, _native(value))
        if problem:
            problems.append(problem)
    faults = overlay.get("faults")
    if isinstance(faults, dict):
        overlay["faults"] = [{"name": name, **fault} for name, fault in faults.items()]
    elif faults is not None:
        data["faults"] = []
    base, own = Table(data, origin.node), Table(overlay, Node())
    table, moved = _followed(_extended(base, own), base, own, apart)
    changed = _built(table, by_name=True, problems=problems)
    given = frozenset(following.leaves(overlay))
    before = {key: value for key, value in origin.moved.items() if not following.is_given(key, given)}
    own_way = apart | following.kept(changed, given)
    return _remember(changed, replace(_origin(changed), apart=own_way, moved=before | moved))


def _unknown(key: str, value: object, data: Mapping[str, Any]) -> Problem | None:
    """Say what is wrong with a dotted key that no scenario has."""
    names_here = [_name(fault) for fault in data["faults"]]
    own_keys = dotted_keys(Scenario, "faults")
    first, name, *rest = [*key.split("."), "", ""]
    if first == "faults" and name:
        inner = ".".join(step for step in rest if step)
        if name not in names_here and (inner or not isinstance(value, Mapping)):
            near = nearest(name, names_here)
            hint = f"did you mean '{near}'?" if near else f"faults here: {listed(names_here) or 'none'}"
            return Problem(key, f"no fault is named '{name}'", hint=hint)
        if not inner and not isinstance(value, Mapping):
            return Problem(key, f"expected a table, got {shown(value)}")
        if not inner or inner in (*dotted_keys(Fault), "remove"):
            return None
    elif key == "faults" and isinstance(value, Mapping):
        return Problem(key, "expected a list", hint="one fault is addressed by its name, as faults.sleep")
    elif key == "faults" or key in own_keys or first == laying.NAME:
        return None
    known = [*own_keys, *(f"faults.{name}.{inner}" for name in names_here for inner in dotted_keys(Fault))]
    ends = [path for path in known if path.rpartition(".")[2] == key]
    near = ends[0] if ends else nearest(key, known)
    return Problem(key, "unknown key", hint=f"did you mean '{near}'?" if near else "see: leasesim schema")


def _conflict(overlay: dict[str, Any], key: str, value: object) -> Problem | None:
    """Enter a value at its dotted key, unless that contradicts another change."""
    *tables, last = key.split(".")
    for step in tables:
        inner: object = overlay.setdefault(step, {})
        if not isinstance(inner, dict):
            return Problem(key, f"'{step}' is given as a whole as well")
        overlay = inner
    if last in overlay:
        return Problem(key, "is given both as a whole and in parts")
    overlay[last] = value
    return None


def _native(value: Any) -> Any:
    """Return a Python value as a file would hold it."""
    match value:
        case BaseModel():
            return file_data(value)
        case timedelta():
            return format_duration(value // timedelta(microseconds=1) * 1000)
        case Native():
            return format_duration(value)
        case str() | bool() | int() | float() | None:
            return value
        case Mapping():
            return {str(key): _native(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset() | range():
            return [_native(item) for item in value]
        case _:
            return value.tolist() if hasattr(value, "tolist") else value
