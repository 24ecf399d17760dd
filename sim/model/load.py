"""Scenarios from TOML text and back: files, packaged names, `extends`, overrides, and what is wrong in them.

A scenario file is data: nothing in it is evaluated or fetched, and one too long to be a scenario is not read.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from sim.errors import Problem, ScenarioError, UsageError, nearest
from sim.model import relations, shelf
from sim.model.faults import Fault
from sim.model.fields import Native
from sim.model.locate import Document, Loc, Node, Table, laid_over, listed_over, scan, syntax_problem
from sim.model.mixing import KEY as MIX
from sim.model.mixing import mixture
from sim.model.presets import laying
from sim.model.presets.options import Options, inert
from sim.model.scenario import Scenario
from sim.model.shelf import names as names
from sim.model.shelf import systems as systems
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

SIZE_MAX: Final = 1_000_000
DEPTH_MAX: Final = 32
CHAIN_MAX: Final = 16
_TEXT: Final = "<text>"


@dataclass(frozen=True, slots=True)
class _Source:
    """A text to read, where its relative paths start, and what identifies it in a chain of `extends`."""

    document: Document
    folder: Path
    identity: str


# ---------------------------------------------------------------------------------- reading


def load(name_or_path: str | os.PathLike[str]) -> Scenario:
    """Return the packaged scenario of that name, or the one in the .toml file at that path."""
    return _built(_resolved(_opened(name_or_path, Path())))


def loads(text: str, file: str = _TEXT) -> Scenario:
    """Return the scenario in TOML `text`; `file` names it in messages and is where relative paths start."""
    folder = Path() if file == _TEXT else Path(file).parent
    return _built(_resolved(_Source(Document(text, file), folder, _identity(file))))


def source(name: str) -> str:
    """Return the TOML text of a packaged scenario or system, comments and all."""
    return _read(shelf.path_of(name))


def _identity(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def _opened(name_or_path: str | os.PathLike[str], folder: Path) -> _Source:
    """Read a packaged scenario by name, or a file by its path from `folder`."""
    text = os.fsdecode(name_or_path)
    if isinstance(name_or_path, str) and not (text.endswith(".toml") or "/" in text or os.sep in text):
        path = shelf.path_of(text)
    else:
        path = folder / os.path.expanduser(text)  # noqa: PTH111 - Path's own raises for an unknown user
    inside = path.is_absolute() and path.is_relative_to(Path.cwd())
    file = str(path.relative_to(Path.cwd()) if inside else path)
    return _Source(Document(_read(path, file), file), path.parent, _identity(str(path)))


def _read(path: Path, file: str = "") -> str:
    """Return the text of a file, unless it cannot be a scenario; messages call it `file`."""
    file = file or str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UsageError(f"'{file}' is a folder, not a scenario file", _scenarios_in(path))
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"'{file}' is not a regular file")
        if status.st_size > SIZE_MAX:
            size = f"{status.st_size / 1e6:,.1f} MB"
            raise UsageError(f"'{file}' has {size}: a scenario is a page of text, at most 1 MB")
        with path.open("rb") as stream:
            raw = stream.read(SIZE_MAX)
    except UsageError:
        raise
    except FileNotFoundError:
        raise UsageError(f"there is no file '{file}'", _missing_hint(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read '{file}': {reason}") from None
    return _decoded(raw, file)


def _decoded(raw: bytes, file: str) -> str:
    """Return UTF-8 text, with or without the mark some editors put first."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[start : error.start].decode("utf-8", "replace")) + 1
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8 text: it holds the byte 0x{raw[error.start]:02x}"
    raise ScenarioError([Problem("", message, file=file, line=line, column=column)])


def _scenarios_in(folder: Path) -> str | None:
    found = sorted(path.name for path in folder.glob("*.toml"))[:10]
    return f"scenario files in it: {', '.join(found)}" if found else None


def _missing_hint(path: Path) -> str:
    near = nearest(path.name, (other.name for other in path.parent.glob("*.toml")))
    if near:
        return f"did you mean '{path.parent / near}'?"
    if path.stem in (*names(), *systems()):
        return f"the scenario that comes along is called '{path.stem}', without .toml"
    return "scenarios that come along: leasesim list"


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


def _resolved(source: _Source, chain: Sequence[_Source] = ()) -> Table:
    """Return what a text says, laid over what it extends."""
    own, chain = _parsed(source.document), (*chain, source)
    if "extends" not in own.data:
        return _extended(Table({}, Node()), own)
    base, node = own.data.pop("extends"), own.node.children.pop("extends", Node())
    if not isinstance(base, str):
        message = f"expected a scenario's name or a path in quotes, got {shown(base)}"
        raise ScenarioError([node.mark(Problem("extends", message))])
    try:
        opened = _opened(base, source.folder)
    except UsageError as error:
        raise ScenarioError([node.mark(Problem("extends", error.message, hint=error.hint))]) from None
    circle = opened.identity in (link.identity for link in chain)
    if circle or len(chain) >= CHAIN_MAX:
        route = " -> ".join(link.document.file for link in (*chain, opened))
        what = "goes round in a circle" if circle else f"leads over more than {CHAIN_MAX} files"
        raise ScenarioError([node.mark(Problem("extends", f"{what}: {route}"))])
    return _extended(_resolved(opened, chain), own)


def _extended(base: Table, own: Table) -> Table:
    """Lay a scenario over another; an empty ``faults = []`` drops all the other's."""
    merged = laid_over(laying.under(base, own), own)
    if own.data.get("faults") and isinstance(own.data["faults"], list):
        under = base.part("faults")
        under = under if isinstance(under.data, list) else Table([], Node())
        faults = listed_over(under, own.part("faults"), _name)
        merged.data["faults"], merged.node.children["faults"] = faults.data, faults.node
    return merged


def _name(fault: Mapping[str, Any]) -> str:
    name = fault.get("name", fault.get("what"))
    return name if isinstance(name, str) else ""


# ---------------------------------------------------------------------------------- building

_ORIGINS: Final[dict[int, tuple[Node, Options | None]]] = {}
"""Where the living scenarios were written, by `id`, and their ``[prefect]`` table: equality ignores both."""


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
    _remember(scenario, table.node, options)
    return scenario


def _remember(scenario: Scenario, node: Node, options: Options | None) -> None:
    _ORIGINS[id(scenario)] = node, options
    weakref.finalize(scenario, _ORIGINS.pop, id(scenario), None).atexit = False


def derived(scenario: Scenario, source: Scenario) -> Scenario:
    """Let a copy of `source` with other values come from where that came from, as `override` does."""
    _remember(scenario, *_ORIGINS.get(id(source), (Node(), None)))
    return scenario


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
    node, options = _ORIGINS.get(id(scenario), (Node(), None))
    idle = [laying.marked(problem, node) for problem in inert(options)] if options else []
    return (*idle, *(_found_at(problem, Table({}, node), False) for problem in relations.warnings_of(scenario)))


def options_of(scenario: Scenario) -> Options | None:
    """Return what the ``[prefect]`` table said that `scenario` was loaded with; None where there was none."""
    return _ORIGINS.get(id(scenario), (Node(), None))[1]


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
    told at once. ``{"faults": "laptop"}`` lays a fault mix over the scenario, below the other changes.
    """
    mix = changes.get(MIX)
    if isinstance(mix, str):
        scenario = override(scenario, mixture(mix).changes)
        changes = {key: value for key, value in changes.items() if key != MIX}
    data = file_data(scenario)
    node, options = _ORIGINS.get(id(scenario), (Node(), None))
    data |= {laying.NAME: dict(options.given)} if options else {}
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
    base = Table(data, node)
    return _built(_extended(base, Table(overlay, Node())), by_name=True, problems=problems)


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
