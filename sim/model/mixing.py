"""Fault mixes: faults, and the network that goes with them, under a name, to be laid over any scenario."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from sim.model import shelf

KEY: Final = "faults"
"""The key that takes a mix's name instead of a list: ``with_({"faults": "laptop"})``, ``--faults laptop``."""


@dataclass(frozen=True, slots=True)
class Mix:
    """A fault mix that comes along."""

    name: str
    title: str
    about: str
    changes: Mapping[str, Any]
    """What it lays over a scenario: dotted keys of the network, and all the faults."""


def mixture(name: str) -> Mix:
    """Return a fault mix by name."""
    return _read(shelf.mix_path(name))


@cache
def _read(path: Path) -> Mix:
    data = tomllib.loads(path.read_text("utf-8"))
    network = {f"network.{key}": value for key, value in data.get("network", {}).items()}
    changes = {**network, KEY: data.get("faults", [])}
    return Mix(path.stem, data["title"], data["about"], changes)
