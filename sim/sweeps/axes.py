"""What a sweep varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Axis:
    """A key of the scenario, the values it takes and how they are written."""

    key: str
    values: Sequence[Any]
    labels: tuple[str, ...]
    range: str = ""
    """Where the values were drawn from, if they were not given one by one."""

    @property
    def described(self) -> str | list[str]:
        """The values, or where they were drawn from, as a manifest says it."""
        return self.range or list(self.labels)
