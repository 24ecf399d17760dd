"""How many requests the server works on at once: open connections take places too, and the rest wait in order."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sim.vocabulary import Rank

if TYPE_CHECKING:
    from sim.engines.process.authority import Authority
    from sim.engines.process.network import Message


class Places:
    """The places of the server's process. Sweeps need none: they stay punctual while requests wait."""

    def __init__(self, authority: Authority) -> None:
        server = authority.world.scenario.server
        self.authority = authority
        self._max, self._per_run = server.requests_max, server.connections_per_run
        self._connections = 0
        self.queue: deque[Message] = deque()
        """Requests that wait for a place, first come first; a client that has given up does not take its own out."""

    def has_room(self) -> bool:
        """Whether a request that arrives is worked on at once."""
        return not self.queue and self._free() > 0

    def connect(self) -> None:
        """A run starts: what it keeps open takes its places, also from requests that wait."""
        self._connections += self._per_run

    def disconnect(self) -> None:
        """A run is over, and with it its connections."""
        self._connections -= self._per_run
        self.freed()

    def freed(self) -> None:
        """There may be a place now: requests that wait go before those that arrive at this instant."""
        if self.queue:
            schedule = self.authority.world.schedule
            schedule.at(schedule.now, Rank.FREE, 0, 4, self._admit)

    def _admit(self) -> None:
        while self.queue and self._free() > 0 and self.authority.actor.free:
            self.authority.take_in_hand(self.queue.popleft())

    def _free(self) -> int:
        return self._max - self._connections - self.authority.requests_in_hand
