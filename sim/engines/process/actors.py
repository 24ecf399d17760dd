"""What runs code, and what keeps it from running: a suspended host, a stopped process, a blocked loop."""

from __future__ import annotations

from collections.abc import Callable

from sim.engines.process.schedule import Schedule
from sim.vocabulary import Rank

Key = tuple[Rank, int, int]


class Actor:
    """Acts only while nothing freezes it or what it runs on; what is due meanwhile happens at the thaw."""

    def __init__(self, schedule: Schedule, runs_on: Actor | None = None) -> None:
        self.schedule = schedule
        self.freezes = 0
        self.on_freeze: Callable[[], None] | None = None
        self.on_thaw: Callable[[], None] | None = None
        self._parts: list[Actor] = []
        self._held: list[tuple[Key, Callable[[], object]]] = []
        self._runs_on = runs_on
        if runs_on is not None:
            runs_on._parts.append(self)
            self.freezes = runs_on.freezes and 1

    @property
    def free(self) -> bool:
        """Whether it can act now."""
        return self.freezes == 0

    def act(self, key: Key, action: Callable[[], object]) -> None:
        """Do `action` now, or as soon as it can, then in the order of `key` among all that is due."""
        if self.freezes == 0:
            action()
        else:
            self._held.append((key, action))

    def freeze(self) -> None:
        """Stop acting; freezes add up."""
        self.freezes += 1
        if self.freezes == 1:
            if self.on_freeze is not None:
                self.on_freeze()
            for part in self._parts:
                part.freeze()

    def thaw(self) -> None:
        """Undo one freeze; the last one lets go what was held back, at this instant."""
        assert self.freezes > 0, "thawed more often than frozen"
        self.freezes -= 1
        if self.freezes:
            return
        if self.on_thaw is not None:
            self.on_thaw()
        held, self._held = self._held, []
        for key, action in held:
            self.schedule.at(self.schedule.now, *key, lambda key=key, action=action: self.act(key, action))  # type: ignore[misc]  # the defaults bind the loop's variables
        for part in self._parts:
            part.thaw()

    def leave(self) -> None:
        """End for good: nothing that was held back happens."""
        self._held.clear()
        if self._runs_on is not None:
            self._runs_on._parts.remove(self)
            self._runs_on = None
