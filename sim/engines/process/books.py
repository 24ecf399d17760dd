"""What the authority counts as in use: its leases, or a counter that nothing reconciles with them."""

from __future__ import annotations

import math
from collections.abc import Sized
from typing import TYPE_CHECKING, Protocol

from sim.units import FOREVER, SECOND
from sim.vocabulary import Kind, Rank

if TYPE_CHECKING:
    from sim.engines.process.world import World


class Books(Protocol):
    """How slots in use are counted."""

    def in_use(self) -> int:
        """Return the slots in use now."""

    def take(self) -> None:
        """Count one slot more; its lease is entered at the same time."""

    def give(self) -> None:
        """Count one slot less; its lease, if it had one, is gone already."""

    def cool(self) -> None:
        """A lease was reaped whose slot may not be granted yet."""

    def cooled(self) -> None:
        """The slot of a reaped lease may be granted again."""

    def forget(self, leak: bool) -> None:
        """All leases are lost at once; with `leak` their slots stay counted."""


class LeaseBooks:
    """A slot is in use iff a lease is, or was until lately (reuse delay)."""

    def __init__(self, leases: Sized) -> None:
        self._leases = leases
        self._cooling = 0

    def in_use(self) -> int:
        """Return the slots in use now."""
        return len(self._leases) + self._cooling

    def take(self) -> None:
        """The lease itself is the entry."""

    def give(self) -> None:
        """The lease itself was the entry."""

    def cool(self) -> None:
        """Count a reaped lease for a while."""
        self._cooling += 1

    def cooled(self) -> None:
        """Count it no longer."""
        self._cooling -= 1

    def forget(self, leak: bool) -> None:
        """Everything is free."""
        assert not leak, "leases that are gone cannot leak where they are the books"
        self._cooling = 0


class CounterBooks:
    """A separate number, `active_slots`: it decays, is never below 0, and knows nothing of leases.

    As in Prefect, whole slots decay, counted from the last change of the row: a change forgets the fraction.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._per_second = world.scenario.limit.slot_decay_per_second
        self._active = 0
        self._updated = 0
        self._changes = 0

    def in_use(self) -> int:
        """Return the counter, decayed up to now."""
        return max(0, self._active - self._decayed(self._world.now))

    def take(self) -> None:
        """Increment."""
        self._set(self.in_use() + 1)

    def give(self) -> None:
        """Decrement, at 0 not further."""
        self._set(max(0, self.in_use() - 1))

    def cool(self) -> None:
        """The counter stays as it is for a while."""

    def cooled(self) -> None:
        """Decrement."""
        self.give()

    def forget(self, leak: bool) -> None:
        """Leases are no part of this book: a restart that frees slots resets it, one that leaks does not."""
        if not leak:
            self._set(0)

    def _await_decay(self) -> None:
        """Set the moment at which the counter next shows one less, if ever; a change of the row sets it anew."""
        left = self.in_use()
        if self._per_second == 0 or left == 0:
            return
        steps = self._active - left + 1
        if steps * (SECOND / self._per_second) > FOREVER:
            return
        when = max(self._world.now + 1, self._updated + math.floor(steps * (SECOND / self._per_second)))
        while self._decayed(when) < steps:
            when += 1
        change = self._changes
        self._world.schedule.at(when, Rank.FREE, 0, 2, lambda: self._decay() if change == self._changes else None)

    def _decay(self) -> None:
        self._world.record(Kind.DECAY, value=self.in_use())
        self._await_decay()
        self._world.authority.slots_may_be_free()

    def _decayed(self, now: int) -> int:
        return int(self._per_second * ((now - self._updated) / SECOND))

    def _set(self, active: int) -> None:
        self._active, self._updated = active, self._world.now
        self._changes += 1
        self._await_decay()
