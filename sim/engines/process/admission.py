"""Who waits for a slot, in which order, and how long a refused run is told to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim import samplers
from sim.engines.process.messages import Answer
from sim.units import SECOND
from sim.vocabulary import Outcome, Purpose

if TYPE_CHECKING:
    from sim.engines.process.authority import Authority
    from sim.engines.process.network import Message
    from sim.engines.process.run import Run


class Line:
    """Runs that wait, in the order in which they first asked."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.promised: dict[tuple[int, int], int] = {}
        """Leases granted to watchers: asking again returns them, so that a lost wake-up costs no slot."""
        self._waiting: dict[tuple[int, int], Message] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, run: Run, message: Message) -> None:
        """Wait, or go on waiting in the same place, from now on reachable through `message`."""
        self._waiting[run.lane, run.generation] = message

    def leave(self, run: Run) -> None:
        """Wait no longer."""
        self._waiting.pop((run.lane, run.generation), None)

    def ahead_of(self, run: Run) -> int:
        """Return how many of those who wait come before `run`; nobody has a place where there is no order."""
        name = (run.lane, run.generation)
        if name in self._waiting:
            return list(self._waiting).index(name)
        return len(self._waiting)

    def keep_promise(self, run: Run, lease: int) -> None:
        """The run knows of its lease: from now on asking means asking for another."""
        if self.promised.get((run.lane, run.generation)) == lease:
            del self.promised[run.lane, run.generation]

    def break_promise(self, lease: int) -> None:
        """The lease is gone."""
        self.promised = {name: number for name, number in self.promised.items() if number != lease}

    def serve(self) -> None:
        """Grant and wake in order while there is room."""
        authority = self.authority
        while self._waiting and authority.room():
            message = next(iter(self._waiting.values()))
            run = message.task.run
            replica = authority.replica_of(message)
            lease = authority.grant(run, -1, replica)
            self.promised[run.lane, run.generation] = lease
            authority.world.network.push(message.task, message.number, Answer(Outcome.OK, lease))


class Denials:
    """Refusals, one after another, as far as they have not decayed: a slot each, in Prefect's `denied_slots`.

    They decay in whole ones, as fast as slots do, or one in the average occupancy; a refusal forgets the fraction.
    """

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self._counts = authority.limit.denied_slots
        self._denied = self._updated = 0

    def count(self) -> int:
        """Return how many there are now."""
        limit, now = self.authority.limit, self.authority.world.now
        per_second = limit.slot_decay_per_second
        if per_second == 0:
            per_second = 1.0 / max(1e-9, min(self.authority.average_occupancy, limit.retry_after_cap / SECOND))
        gone = per_second * ((now - self._updated) / SECOND)
        return 0 if gone >= self._denied else self._denied - int(gone)

    def note(self) -> None:
        """Count one more, where the authority counts them."""
        if self._counts:
            self._denied, self._updated = self.count() + 1, self.authority.world.now


def retry_after(authority: Authority, run: Run, request: int) -> int:
    """Return the wait in ns that goes with a refusal, 0 for none.

    Prefect's rule (``server/api/concurrency_limits_v2.py``): the average occupancy of a slot, or the time in which
    one decays, divided by the slots of a limit that does not decay, times one more than the refusals it remembers;
    capped and jittered in newer versions.
    """
    limit = authority.limit
    if limit.retry_after == "none":
        return 0
    cap = limit.retry_after_cap / SECOND
    blocking = 1.0 + authority.denials.count()
    authority.denials.note()
    if limit.slot_decay_per_second > 0:
        wait = 1.0 / limit.slot_decay_per_second * blocking
    else:
        wait = min(min(authority.average_occupancy, cap) * (blocking / max(1, limit.slots)), cap)
    if limit.retry_after_jitter > 0:
        u = authority.world.draws.uniform(Purpose.RETRY_AFTER, run.lane, run.generation, request)
        wait *= samplers.truncated_exponential_factor(u, limit.retry_after_jitter)
    return max(1, samplers.nanoseconds(wait * SECOND))
