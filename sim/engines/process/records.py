"""What the authority knows of a lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.engines.process.clocks import Alarm
    from sim.engines.process.run import Run


class LeaseRecord:
    """One lease as the authority knows it."""

    __slots__ = ("alarm", "expires", "generation", "granted", "lane", "number", "replica", "version")

    def __init__(self, number: int, run: Run, expires: int, granted: int, replica: int) -> None:
        self.number, self.lane, self.generation = number, run.lane, run.generation
        self.expires, self.granted, self.replica = expires, granted, replica
        self.version = 0
        self.alarm: Alarm | None = None
