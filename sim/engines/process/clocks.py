"""Clocks that map true time to a local reading, and alarms that wait on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sim.vocabulary import Rank

if TYPE_CHECKING:
    from sim.engines.process.actors import Actor
    from sim.engines.process.schedule import Schedule

BILLION: Final = 1_000_000_000
DRIFT_MIN_PPB: Final = -900_000_000


class Clock:
    """A piecewise linear clock: it can stop, step and run at another rate; readings are whole nanoseconds."""

    def __init__(self, schedule: Schedule, reading: int = 0, drift_ppb: int = 0, running: bool = True) -> None:
        self.schedule = schedule
        self._drifts = self.drift_ppb = drift_ppb
        self.running = running
        self._true = schedule.now
        self._local = reading
        self._alarms: dict[Alarm, None] = {}

    def read(self) -> int:
        """Return what the clock shows now."""
        if not self.running:
            return self._local
        passed = self.schedule.now - self._true
        return self._local + passed + passed * self.drift_ppb // BILLION

    def when(self, reading: int) -> int | None:
        """Return the first true time, now at the earliest, at which the clock shows `reading`; None if it stands."""
        if self.read() >= reading:
            return self.schedule.now
        if not self.running:
            return None
        return self._true - (-(reading - self._local) * BILLION // (BILLION + self.drift_ppb))

    def stop(self) -> None:
        """Stand still until `start`."""
        self._rebase(self.read(), running=False)

    def start(self) -> None:
        """Go on from where the clock stood."""
        self._rebase(self.read(), running=True)

    def step(self, by_ns: int) -> None:
        """Jump by `by_ns`, forward or back."""
        self._rebase(self.read() + by_ns, running=self.running)

    def add_drift(self, ppb: int) -> None:
        """Run faster by `ppb` / 10**9 of true time from now on; drifts add up, and no clock runs backwards."""
        reading = self.read()
        self._drifts += ppb
        self.drift_ppb = max(DRIFT_MIN_PPB, self._drifts)
        self._rebase(reading, running=self.running)

    def _rebase(self, reading: int, running: bool) -> None:
        self._true, self._local, self.running = self.schedule.now, reading, running
        for alarm in self._alarms:
            alarm.arm()

    def add(self, alarm: Alarm) -> None:
        """Take an alarm into care: it is set again whenever this clock changes its course."""
        self._alarms[alarm] = None
        alarm.arm()

    def drop(self, alarm: Alarm) -> None:
        """Forget an alarm."""
        self._alarms.pop(alarm, None)


class Alarm:
    """Rings once, when its clock reaches a reading and its actor is able to act; until then it can be cancelled."""

    __slots__ = ("_set_for", "action", "actor", "clock", "deadline", "key", "live")

    def __init__(
        self, clock: Clock, actor: Actor, deadline: int, key: tuple[Rank, int, int], action: Callable[[], object]
    ) -> None:
        self.clock, self.actor, self.deadline, self.key, self.action = clock, actor, deadline, key, action
        self.live = True
        self._set_for: int | None = None
        clock.add(self)

    def arm(self) -> None:
        """Set or reset the moment at which the clock will be due."""
        due = self.clock.when(self.deadline)
        if due != self._set_for:
            self._set_for = due
            if due is not None:
                self.clock.schedule.at(due, *self.key, lambda: self._due(due))

    def cancel(self) -> None:
        """Never ring."""
        self.live = False
        self.clock.drop(self)

    def _due(self, due: int) -> None:
        if self.live and self._set_for == due:
            self.clock.drop(self)
            self.actor.act(self.key, self._ring)

    def _ring(self) -> None:
        if self.live:
            self.live = False
            self.action()
