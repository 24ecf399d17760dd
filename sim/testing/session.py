"""What the plugin tells the assertions: the seed and budget of this session; and what they tell it: their verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SEED: Final = 1
"""The seed where none is named: a test suite gives the same answers every day."""
BUDGET: Final = 2000
"""Replications at most where no other budget is given."""
BASELINES: Final = "lease-baselines.toml"


@dataclass
class Session:
    """Settings, and a list of lines for the summary."""

    seed: int = SEED
    budget: int = BUDGET
    baselines: Path = field(default_factory=lambda: Path(BASELINES))
    update: bool = False
    """Baselines are written anew instead of compared with."""
    told: list[Mapping[str, Any]] = field(default_factory=list)
    """What the test under way has checked so far."""


_NOW: Final = [Session()]


def session() -> Session:
    """Return the session under way: without the plugin, the defaults."""
    return _NOW[-1]


def begin(new: Session) -> None:
    """Let `new` be the session; sessions may lie within one another."""
    _NOW.append(new)


def end(old: Session) -> None:
    """Let the session before be the session again."""
    if old in _NOW[1:]:
        _NOW.remove(old)
