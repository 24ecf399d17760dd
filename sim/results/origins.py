"""What a scenario is called: the name it was loaded by, and the options that turn that one into it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sim.errors import ScenarioError, UsageError
from sim.model import load as loading
from sim.model.mixing import KEY as MIX
from sim.model.scenario import Scenario
from sim.model.shelf import mixes
from sim.model.systems.following import is_given, kept
from sim.model.wording import spelled

Source = Scenario | str | os.PathLike[str]
"""A scenario, or the name or path of one."""

_LOADED: Final[dict[str, Scenario]] = {}
_REMEMBERED_MAX: Final = 64


@dataclass(frozen=True)
class Origin:
    """How to ask for a scenario on the command line."""

    name: str
    """A packaged name or a path."""
    overrides: Mapping[str, str]
    """Dotted keys and the text of their values."""
    known: bool = True
    """Whether there is such a name or file; a scenario that was made in Python has none."""

    @property
    def title(self) -> str:
        """The name without folders and ending."""
        return Path(self.name).stem

    def also(self, overrides: Mapping[str, str]) -> Origin:
        """Return it with more overrides; a key that has one already has another value then."""
        return replace(self, overrides={**self.overrides, **overrides})

    def options(self) -> str:
        """Return the overrides as words of a command, each with a space before it."""
        return "".join(f" --{key} {shell(value)}" for key, value in self.overrides.items())

    def words(self) -> str:
        """Return name and overrides as words of a command: ``laptops --lease.ttl 3m``."""
        return shell(self.name) + self.options()


def load(name_or_path: str | os.PathLike[str]) -> Scenario:
    """Load a scenario.

    Args:
        name_or_path: the name of a scenario that comes along (see `names`), or the path of a TOML file.

    Raises:
        ScenarioError: it cannot be simulated; the error says everything that is wrong and where.
        UsageError: there is no such scenario.
    """
    scenario = loading.load(name_or_path)
    _LOADED.pop(os.fsdecode(name_or_path), None)
    _LOADED[os.fsdecode(name_or_path)] = scenario
    if len(_LOADED) > _REMEMBERED_MAX:
        del _LOADED[next(iter(_LOADED))]
    return scenario


def named(source: Source) -> tuple[Scenario, Origin]:
    """Return the scenario meant by `source`, and how to ask for it again."""
    if not isinstance(source, Scenario | str | bytes | os.PathLike):
        raise UsageError(f"scenario = {source!r}: must be a scenario, or the name or path of one", "see: sim.names()")
    if not isinstance(source, Scenario):
        return load(source), Origin(os.fsdecode(source), {})
    candidates = (
        Origin(name, overrides)
        for name, base in reversed(_LOADED.items())
        if base.title == source.title and (overrides := difference(base, source)) is not None
    )
    own = Origin(_slug(source), {}, known=False)
    return source, min(candidates, key=lambda origin: len(origin.overrides), default=own)


def difference(base: Scenario, other: Scenario) -> dict[str, str] | None:
    """Return the fewest overrides that make `other` of `base`, a fault mix by its name; None where no overrides do.

    What follows others, as the system has it, is not named: it follows whatever else is overridden afterwards too.
    """
    ways = (_without_mix(base, other), *_with_mixes(base, other))
    return min((way for way in ways if way is not None), key=len, default=None)


def _with_mixes(base: Scenario, other: Scenario) -> Iterator[dict[str, str] | None]:
    """Yield the overrides that begin with a fault mix, for mixes whose faults are called as the other's."""
    names = [fault.name for fault in other.faults]
    for mix in mixes():
        start = loading.override(base, {MIX: mix})
        if [fault.name for fault in start.faults] == names and base.faults != other.faults:
            rest = _without_mix(start, other)
            yield None if rest is None else {MIX: mix, **rest}


def _without_mix(base: Scenario, other: Scenario) -> dict[str, str] | None:
    for whole_tables in (False, True):
        changes = _changes(base, other, whole_tables)
        led = kept(base, changes) - loading.apart_of(other)
        fewer = {key: value for key, value in changes.items() if not is_given(key, led)}
        for tried in (fewer, changes):
            try:
                reached = loading.override(base, tried) if tried else base
            except ScenarioError:
                continue
            if reached == other and loading.apart_of(reached) >= loading.apart_of(other):
                return {key: value if isinstance(value, str) else spelled(value) for key, value in tried.items()}
    return None


def _changes(base: Scenario, other: Scenario, whole_tables: bool) -> dict[str, Any]:
    old, new = (
        dict(settings(scenario.model_dump(mode="json", exclude_none=True), whole_tables)) for scenario in (base, other)
    )
    for fault in other.faults:
        if fault.name not in {known.name for known in base.faults}:
            prefix = f"faults.{fault.name}"
            new = {key: value for key, value in new.items() if not key.startswith(f"{prefix}.")}
            new[prefix] = fault.model_dump(mode="json", exclude_none=True)
    removed = {fault.name for fault in base.faults} - {fault.name for fault in other.faults}
    by_hand = loading.apart_of(other) - loading.apart_of(base)
    changed = {key: value for key, value in new.items() if key not in old or old[key] != value or key in by_hand}
    return changed | {f"faults.{name}.remove": True for name in sorted(removed)}


def settings(data: Mapping[str, Any], whole_tables: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield the dotted keys and values of a scenario's data; whole, if asked, are tables whose keys belong together."""

    def inside(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, value in table.items():
            whole = whole_tables and isinstance(value, dict) and ("kind" in value or key == "when")
            if isinstance(value, dict) and not whole:
                yield from inside(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", value

    yield from inside({key: value for key, value in data.items() if key != "faults"}, "")
    for fault in data["faults"]:
        yield from inside(fault, f"faults.{fault['name']}.")


def _slug(scenario: Scenario) -> str:
    """A file's name for a scenario that was never loaded from one."""
    return (re.sub(r"[^a-z0-9]+", "-", scenario.title.lower()).strip("-")[:40] or "scenario") + ".toml"


def shell(word: str) -> str:
    """Return `word` quoted for a shell where that is needed."""
    if re.fullmatch(r"[\w@%+=:,./~-]+", word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"
