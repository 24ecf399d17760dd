"""What travels between a holder and the authority."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.vocabulary import Outcome

if TYPE_CHECKING:
    from sim.engines.process.run import Run


@dataclass(frozen=True, slots=True)
class Acquire:
    """Ask for a slot; a contender may name a lease that it judges expired, with the version it saw."""

    run: Run
    take_over: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Renew:
    """Extend a lease."""

    run: Run
    lease: int


@dataclass(frozen=True, slots=True)
class Validate:
    """Extend the first lease as the run starts, or have another granted in its place."""

    run: Run
    lease: int


@dataclass(frozen=True, slots=True)
class Release:
    """Give the slot back; `orphan` leaves the lease to expire."""

    run: Run
    lease: int
    orphan: bool = False


Request = Acquire | Renew | Validate | Release


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended at the client."""

    outcome: int
    lease: int = -1
    retry_after: int = 0
    versions: dict[int, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the authority did what was asked."""
        return self.outcome == Outcome.OK
