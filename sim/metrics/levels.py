"""Integrals of what stands at a level between events: how many wait, execute, hold; and what follows from that."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sim.metrics.causes import DEBT

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.metrics.walk import Run

NOT_HOLDING, PROVISIONING, WORKING, IDLE = range(4)
"""What a run does that believes it holds a lease."""


class Levels:
    """The levels now, and their integrals over [warmup, now). Events of one instant have no time between them."""

    def __init__(self, slots: int, warmup_ns: int, fenced_writes: bool, blame: Callable[[Run], str]) -> None:
        self.slots, self.warmup_ns = slots, warmup_ns
        self.now = 0
        self._fenced_writes = fenced_writes
        self._blame = blame
        # levels
        self.waiting = self.wanting = self.executing = self.leased = self.held = self.backed = 0
        self.in_use = self.cooling = 0
        self.holding = [0, 0, 0, 0]
        self.overlapping: dict[Run, None] = {}
        self.slotless: dict[Run, None] = {}
        # integrals
        self.waiting_ns = self.executing_ns = self.lease_ns = self.missed_ns = 0
        self.vacancy_ns = self.leaked_ns = self.holding_over_ns = self.harmful_ns = 0
        self.holding_ns = [0, 0, 0, 0]
        self.over_ns = self.over_time_ns = self.overlap_ns = self.slotless_ns = self.debt_ns = 0
        self.by_cause: Counter[str] = Counter()
        # incidents
        self.incidents = self.carried_in = self.incident_ns = self.longest_ns = self.peak = 0
        self._length_ns = self._size_ns = 0
        self._over_before = False

    def advance(self, time: int) -> None:
        """Let the levels stand until `time`."""
        since, self.now = self.now, time
        if since < self.warmup_ns:
            self._over_before = self.executing > self.slots
            since = self.warmup_ns
        if time > since:
            self._integrate(time - since)

    def _integrate(self, dt: int) -> None:
        holding, holding_ns = self.holding, self.holding_ns
        self.waiting_ns += self.waiting * dt
        self.executing_ns += self.executing * dt
        self.lease_ns += self.leased * dt
        holding_ns[PROVISIONING] += holding[PROVISIONING] * dt
        holding_ns[WORKING] += holding[WORKING] * dt
        holding_ns[IDLE] += holding[IDLE] * dt
        if self.wanting and self.in_use > self.held:
            self.vacancy_ns += min(self.wanting, self.in_use - self.held) * dt
        leaked = self.in_use - self.backed - self.cooling
        if leaked > 0:
            self.leaked_ns += leaked * dt
        believers = holding[PROVISIONING] + holding[WORKING] + holding[IDLE]
        if believers > self.slots:
            self.holding_over_ns += (believers - self.slots) * dt
        if self.overlapping or self.slotless:
            self.missed_ns += (len(self.overlapping) + len(self.slotless)) * dt
        if self.executing > self.slots:
            self._over_allocate(self.executing - self.slots, dt)
        elif self._length_ns:
            self.close_incident()
        self._over_before = False

    def _over_allocate(self, excess: int, dt: int) -> None:
        if self._length_ns == 0:
            self.incidents += not self._over_before
            self.carried_in += self._over_before
        self._length_ns += dt
        self._size_ns += excess * dt
        self.peak = max(self.peak, excess)
        overlap = min(excess, len(self.overlapping))
        slotless = min(excess - overlap, len(self.slotless))
        debt = excess - overlap - slotless
        self.over_ns += excess * dt
        self.over_time_ns += dt
        self.overlap_ns += overlap * dt
        self.slotless_ns += slotless * dt
        self.debt_ns += debt * dt
        self.harmful_ns += (debt if self._fenced_writes else excess) * dt
        for runs, blamed in ((self.overlapping, overlap), (self.slotless, slotless)):
            for run, _ in zip(runs, range(blamed), strict=False):
                self.by_cause[self._blame(run)] += dt
        if debt:
            self.by_cause[DEBT] += debt * dt

    def close_incident(self) -> None:
        """End the incident under way, if there is one."""
        self.longest_ns = max(self.longest_ns, self._length_ns)
        self.incident_ns += self._size_ns
        self._length_ns = self._size_ns = 0
