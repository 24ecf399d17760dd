"""The agenda: SimPy's queue, ordered by (time, rank, entity, number) instead of by who came first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import simpy

from sim.vocabulary import Rank


class Moment(simpy.Event):
    """An event that happens at a set time, among others of that time by its priority."""

    def __init__(self, env: simpy.Environment, delay: int, priority: int, action: Callable[[], object]) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        self.action = action
        self.callbacks = [Moment.happen]
        env.schedule(self, priority, delay)  # type: ignore[arg-type]  # SimPy orders by any integer

    def happen(self) -> None:
        """Do what it was set for."""
        self.action()


class Schedule:
    """When things happen. Internal hops of SimPy (resuming a process) come at once: their priority is below 2."""

    def __init__(self) -> None:
        self.env = simpy.Environment(initial_time=0)

    @property
    def now(self) -> int:
        """True time in nanoseconds."""
        return self.env.now  # type: ignore[return-value]  # integers go in, integers come out

    def at(self, when: int, rank: Rank, entity: int, number: int, action: Callable[[], object]) -> None:
        """Do `action` at true time `when`; at one instant, in the order of (rank, entity, number)."""
        assert when >= self.now, "the past is over"
        assert 0 <= entity < 1 << 56, f"no room for entity {entity} in a priority"
        assert 0 <= number < 1 << 56, f"no room for number {number} in a priority"
        Moment(self.env, when - self.now, (rank << 112) | (entity << 56) | number, action)

    def process(self, generator: Any) -> None:
        """Start a process now."""
        self.env.process(generator)

    def run(self, until: int, after_each: Callable[[], None] | None = None) -> None:
        """Let everything before `until` happen."""
        if after_each is None:
            self.env.run(until=until)
            return
        while self.env.peek() < until:
            self.env.step()
            after_each()
