"""What is known of Prefect, version by version: each fact with its source. Read once from ``prefect.toml``."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from sim.errors import nearest

Number = tuple[int, int, int]
_NUMBER: Final = re.compile(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Fact:
    """A value, the version since which it holds, and where and when that was read."""

    value: Any
    since: str
    source: str
    read: datetime.date


@dataclass(frozen=True, slots=True)
class Change:
    """What a version brought."""

    version: str
    what: str
    facts: Mapping[str, Fact]


@cache
def book() -> Mapping[str, Any]:
    """Return the whole data file."""
    return tomllib.loads(Path(__file__).with_name("prefect.toml").read_text("utf-8"))


@cache
def changes() -> tuple[Change, ...]:
    """Return every version that changed something, oldest first."""
    found = []
    for version, entry in book()["versions"].items():
        facts = {
            name: Fact(fact["value"], version, fact["source"], fact.get("read", book()["read"]))
            for name, fact in entry.items()
            if name != "what"
        }
        found.append(Change(version, entry["what"], facts))
    return tuple(sorted(found, key=lambda change: number(change.version) or (0, 0, 0)))


def number(text: str) -> Number | None:
    """Return ``(3, 4, 25)`` for ``"3.4.25"``; None for what is no version."""
    match = _NUMBER.fullmatch(text.strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def offered() -> tuple[str, ...]:
    """Return the versions that are worth naming: each one that changed something, and the last."""
    return tuple(dict.fromkeys((*(change.version for change in changes()), book()["last"])))


def wrong(text: str) -> tuple[str, str] | None:
    """Say why `text` is no version that is known here, and which is nearest; None where it is one."""
    first, last = book()["first"], book()["last"]
    found, low, high = number(text), number(first), number(last)
    assert low is not None, "the data file names its first version"
    assert high is not None, "the data file names its last version"
    if found is None:
        near = _nearest(text)
        return f'expected a version such as "{last}", got "{text}"', f'nearest: "{near}"; known: {first} to {last}'
    if low <= found <= high:
        return None
    meant = first if found < low else last
    before = " (deployment limits took leases in 3.4.11)" if found < low else ""
    return f'version "{text}" is not known here{before}', f'nearest: "{meant}"; known: {first} to {last}'


def _nearest(text: str) -> str:
    """Return the version worth naming that is nearest to a text: by its numbers if it begins with some."""
    parts = [int(part) for part in re.findall(r"\d{1,4}", text)][:3]
    if not parts or parts[0] > 100:
        return nearest(text, offered()) or str(book()["last"])
    major, minor, patch = [*parts, 0, 0][:3]

    def distance(version: str) -> tuple[int, int, int]:
        its = number(version) or (0, 0, 0)
        return abs(its[0] - major), abs(its[1] - minor) if its[0] == major else -its[1], abs(its[2] - patch)

    return min(offered(), key=distance)


def facts_at(version: str) -> dict[str, Fact]:
    """Return every fact that holds in a version: of those at or before it the last."""
    upto = number(version)
    assert upto is not None, "the version was checked"
    found: dict[str, Fact] = {}
    for change in changes():
        if (number(change.version) or (0, 0, 0)) <= upto:
            found |= change.facts
    return found


def at_least(version: str, since: str) -> bool:
    """Whether `version` is `since` or later."""
    return (number(version) or (0, 0, 0)) >= (number(since) or (0, 0, 0))
