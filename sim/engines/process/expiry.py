"""How the authority finds out that a lease has expired: at the instant, by sweeping, or when another asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.engines.process.clocks import Alarm
from sim.engines.process.draws import Sampler
from sim.samplers import nanoseconds
from sim.vocabulary import How, Kind, Purpose, Rank

if TYPE_CHECKING:
    from sim.engines.process.authority import Authority
    from sim.engines.process.records import LeaseRecord
    from sim.engines.process.world import World


class OnAcquire:
    """Nobody looks until a slot is wanted."""

    def watch(self, lease: LeaseRecord) -> None:
        """Nothing to watch."""

    def freeze(self) -> None:
        """Nothing stops."""

    def resume(self, restarted: bool = False) -> None:
        """Nothing is overdue."""

    def abandon(self) -> None:
        """The process dies: nothing is under way."""


class Timer(OnAcquire):
    """One alarm a lease, on the authority's wall clock; a renewed lease is noticed only when its alarm rings."""

    def __init__(self, world: World, authority: Authority) -> None:
        self.world, self.authority = world, authority

    def watch(self, lease: LeaseRecord) -> None:
        """Set the alarm for the lease's expiry."""
        if lease.alarm is not None:
            lease.alarm.cancel()
        key = (Rank.REAP, lease.number, 0)
        authority = self.authority
        lease.alarm = Alarm(authority.clock, authority.actor, authority.due(lease), key, lambda: self._ring(lease))

    def _ring(self, lease: LeaseRecord) -> None:
        if lease.number not in self.authority.leases:
            return
        if self.authority.due(lease) > self.authority.clock.read():
            self.watch(lease)
        else:
            self.authority.reap(lease, How.TIMER)
            self.authority.slots_may_be_free()


class Sweeper(OnAcquire):
    """A pass every `sweep_interval` of wall time, start to start, over at most `sweep_batch` expired leases.

    A pass that would find nothing is not simulated: the alarm is set for the first pass that can find something.
    After a suspend, a pause or a clock step over a pass, the overdue pass runs within `sweep_wakeup` and the
    passes after it are counted from there; after a restart the first pass comes at once.

    A pass lists what has expired and revokes it: at once, or with `sweep_revoke` one by one. What happens to a lease
    between the list and its turn is seen only with `sweep_recheck`. A pass that is due meanwhile begins afterwards.
    """

    def __init__(self, world: World, authority: Authority) -> None:
        self.world, self.authority = world, authority
        lease = world.scenario.lease
        self.interval, self.batch, self.wakeup = lease.sweep_interval, lease.sweep_batch, lease.sweep_wakeup
        phase = lease.sweep_phase
        if phase == "random":
            phase = nanoseconds(world.draws.uniform(Purpose.SWEEP_PHASE, 0, 0, 0) * self.interval)
        first = 0 if phase == "start" else int(phase)
        self.last = authority.clock.read() + first - self.interval
        self._alarm: Alarm | None = None
        self._overdue = False
        self._overdue_count = 0
        self._froze_at = 0
        self._revoke, self._recheck = Sampler(lease.sweep_revoke), lease.sweep_recheck
        self._listed: list[int] = []
        self._turn: Alarm | None = None
        self._turns = 0

    def watch(self, lease: LeaseRecord) -> None:
        """Make sure of a pass at or after the lease's expiry."""
        due = self.authority.due(lease)
        idle = not self._overdue and not self._listed
        if idle and (self._alarm is None or due < self._alarm.deadline):
            self._set(self._pass_at_or_after(due))

    def freeze(self) -> None:
        """The authority stops, or its clock is about to step: remember what it shows."""
        self._froze_at = self.authority.clock.read()

    def resume(self, restarted: bool = False) -> None:
        """The authority goes on: a pass that was missed is overdue."""
        now = self.authority.clock.read()
        if restarted:
            self._set(now, overdue=True)
            return
        if self._overdue or self._listed:
            return
        if self._froze_at >= self.last:
            self.last += (self._froze_at - self.last) // self.interval * self.interval
        if self.last + self.interval <= now:
            u = self.world.draws.uniform(Purpose.SWEEP_WAKEUP, 0, 0, self._overdue_count) if self.wakeup else 0.0
            self._overdue_count += 1
            self._set(now + nanoseconds(u * self.wakeup), overdue=True)
        else:
            self._plan()

    def _plan(self) -> None:
        """Set the alarm for the first pass that can find something."""
        leases = self.authority.leases.values()
        if leases:
            self._set(self._pass_at_or_after(min(map(self.authority.due, leases))))
        elif self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _pass_at_or_after(self, reading: int) -> int:
        reading = max(reading, self.authority.clock.read() + 1, self.last + 1)
        return self.last + -(-(reading - self.last) // self.interval) * self.interval

    def _set(self, reading: int, overdue: bool = False) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._overdue = overdue
        key = (Rank.SWEEP, 0, 0)
        self._alarm = Alarm(self.authority.clock, self.authority.actor, reading, key, self._sweep)

    def _sweep(self) -> None:
        authority = self.authority
        self._alarm, self._overdue, self.last = None, False, authority.clock.read()
        expired = authority.expired()
        if expired:
            batch = expired[: self.batch]
            at_once = self._revoke.constant == 0
            first = -1 if at_once else batch[0].number
            self.world.record(Kind.SWEEP, number=len(batch), lease=first, value=len(expired) - len(batch))
            if not at_once:
                self._listed = [lease.number for lease in batch]
                self._await_turn()
                return
            for lease in batch:
                authority.reap(lease, How.SWEEP)
        self._plan()
        if expired:
            authority.slots_may_be_free()

    def _await_turn(self) -> None:
        """Let the next lease on the list have its turn."""
        wait = self.world.draws.duration(self._revoke, Purpose.SWEEP_REVOKE, 0, 0, self._turns)
        self._turns += 1
        key, true_time = (Rank.SWEEP, 0, 1), self.world.true_time
        self._turn = Alarm(true_time, self.authority.actor, self.world.now + wait, key, self._take_turn)

    def _take_turn(self) -> None:
        authority = self.authority
        lease = authority.leases.get(self._listed.pop(0))
        if lease is not None and not (self._recheck and authority.due(lease) > authority.clock.read()):
            authority.reap(lease, How.SWEEP)
        if self._listed:
            self._await_turn()
        elif self.last + self.interval <= authority.clock.read():
            self._set(authority.clock.read(), overdue=True)
        else:
            self._plan()
        authority.slots_may_be_free()

    def abandon(self) -> None:
        """The process dies, and with it the pass that is under way."""
        self._listed.clear()
        if self._turn is not None:
            self._turn.cancel()
