"""How late a contender sees that a record stands still: each of its looks comes after a wait of its own.

All that is known of a wait between two looks is that it lies between two bounds; whoever wants to be sure must reckon
with any sequence of them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sim.model.scenario import Scenario
from sim.story.pinned import ends

LATE_LOOKS: Final = "two longest waits between looks + what such waits fill of ttl"
"""How late a contender may find out, as a formula in words."""


class Looks(NamedTuple):
    """The looks of one contender: the shortest and the longest time between two, and what it waits for."""

    low_ns: int
    high_ns: int
    ttl_ns: int

    @property
    def soonest_ns(self) -> int:
        """The least that whole gaps add up to without falling short of the ttl: it finds out as soon as it may."""
        return max(self.ttl_ns, -(-self.ttl_ns // self.high_ns) * self.low_ns)

    @property
    def still_ns(self) -> int:
        """The most that whole gaps add up to below the ttl: the record is old, and not yet old enough."""
        return min(self.ttl_ns - 1, (self.ttl_ns - 1) // self.low_ns * self.high_ns)

    @property
    def latest_ns(self) -> int:
        """From a change of the record to the look that finds it expired: seen late, nearly old enough, seen late."""
        return self.high_ns + self.still_ns + self.high_ns

    def soon(self) -> int:
        """Return the one gap with which it finds out as soon as it may."""
        count = -(-self.ttl_ns // self.high_ns)
        return max(self.low_ns, -(-self.ttl_ns // count))

    def late(self) -> list[int]:
        """Return the gaps, from its last look at the old record on, with which it finds out as late as it may."""
        most = (self.ttl_ns - 1) // self.low_ns
        count = min(most, -(-(self.ttl_ns - 1) // self.high_ns))
        between = [min(self.high_ns, (self.ttl_ns - 1) // count)] * count if count else []
        return [self.high_ns, *between, self.high_ns]


def looks_of(scenario: Scenario, trip_ns: int) -> Looks:
    """Return the looks of a contender whose requests take `trip_ns` each."""
    low, high = (max(1, wait + trip_ns) for wait in ends(scenario.limit.poll))
    return Looks(low, high, scenario.lease.ttl)
