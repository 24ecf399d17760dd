"""``--precision``, ``--confidence`` and ``--budget``: how sure to be, of what, and what that may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from cyclopts import Parameter

from sim.errors import UsageError

PRECISION: Final = 0.1


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Sureness:
    """How sure to be."""

    precision: Annotated[str | None, Parameter(show_default=False)] = None
    """Replicate until half-widths are within this share of the value: 0.1 for the two headline metrics, or
    METRIC=0.1,METRIC=0.2 for those that matter."""
    confidence: float = 0.95
    """Nominal coverage of every interval."""
    budget: Annotated[str | None, Parameter(show_default=False)] = None
    """What --precision may cost: replications, or lease-hours as in 1e6h. With --method rare: cycles."""

    def wanted(self) -> float | Mapping[str, float] | None:
        """Return the precision of all, or of each metric; None where none was asked for."""
        if self.precision is None:
            return None
        if "=" not in self.precision:
            return _share("--precision", self.precision)
        found: dict[str, float] = {}
        for part in self.precision.split(","):
            name, equals, text = (word.strip() for word in part.partition("="))
            if not (name and equals):
                raise UsageError(f"--precision {part.strip()}: expected METRIC=SHARE", "for example 0.1 or METRIC=0.1")
            if name in found:
                raise UsageError(f"--precision {name}: is there twice")
            found[name] = _share(f"--precision {name}", text)
        return found


def _share(where: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{where}: '{text}' is not a number", "0.1 asks for intervals of +-10 %") from None
