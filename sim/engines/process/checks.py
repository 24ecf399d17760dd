"""Invariants of a world, asserted after every event of a checked run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.engines.process.world import World


class Inspector:
    """Looks at the whole world between two events; slow, and blind to none of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._seen = 0

    def inspect(self) -> None:
        """Assert everything that must always hold."""
        self._trace_goes_forward()
        self._books_hold()
        self._runs_are_consistent()
        if self.world.schedule.env.peek() > self.world.now:
            self._nothing_is_overdue()

    def _trace_goes_forward(self) -> None:
        rows = self.world.rows
        for before, after in zip(rows[max(0, self._seen - 1) :], rows[self._seen :], strict=False):
            assert before[0] <= after[0], f"the trace goes back in time: {before} then {after}"
        self._seen = len(rows)

    def _books_hold(self) -> None:
        world, authority = self.world, self.world.authority
        in_use = authority.books.in_use()
        assert in_use >= 0, f"{in_use} slots in use"
        if authority.rules.late_renew != "resurrect":
            assert in_use <= world.scenario.limit.slots, f"{in_use} slots in use of {world.scenario.limit.slots}"
        for number, lease in authority.leases.items():
            assert lease.number == number, f"lease {number} is filed under another number"
            assert number not in authority.ended, f"lease {number} is live and over"
        for name, number in authority.line.promised.items():
            assert number in authority.leases, f"run {name} is promised lease {number}, which does not exist"

    def _runs_are_consistent(self) -> None:
        for host in self.world.hosts:
            assert host.actor.freezes >= 0, f"host {host.index} thawed too often"
            assert not host.asleep or host.actor.freezes > 0, f"host {host.index} sleeps and acts"
            for name, run in host.runs.items():
                assert not run.over, f"run {name} is over and still on its host"
                assert run.stopwatch.running == run.executing, f"run {name}: its stopwatch disagrees with its state"
                assert not run.executing or run.host.actor.free, f"run {name} executes on a frozen host"
                assert run.loop.freezes >= 0, f"run {name}: its loop thawed too often"
                assert not run.believes or run.lease >= 0, f"run {name} believes in no lease"
                assert all(why > 0 for why in run.halts.values()), f"run {name}: halts {run.halts}"

    def _nothing_is_overdue(self) -> None:
        authority = self.world.authority
        if authority.rules.expiry_check not in ("timer", "bucket") or not authority.actor.free:
            return
        now = authority.clock.read()
        for lease in authority.leases.values():
            assert authority.due(lease) > now, f"lease {lease.number} is past its expiry"
