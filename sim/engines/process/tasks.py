"""A task is one line of thought: it waits for one thing at a time, and can be interrupted or stopped meanwhile."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import simpy

from sim.engines.process.actors import Actor, Key
from sim.engines.process.clocks import Alarm, Clock
from sim.vocabulary import Kind, Rank

if TYPE_CHECKING:
    from sim.engines.process.messages import Answer
    from sim.engines.process.run import Run
    from sim.engines.process.world import World

Waiting = Generator[simpy.Event, Any, Any]


class Stopped(Exception):
    """The run that this task belongs to is over."""


class Ended(Stopped):
    """Why a run ended before its work was done: the kind of event that says so."""

    def __init__(self, kind: Kind, number: int = -1) -> None:
        super().__init__(kind.name)
        self.kind, self.number = kind, number


class Task:
    """Waits on a clock or for an answer, on behalf of a run, as far as its actor is free.

    `order` is its (entity, number) among all that happens at one instant with one rank.
    """

    def __init__(self, world: World, run: Run, actor: Actor, clock: Clock, order: tuple[int, int]) -> None:
        self.world, self.run, self.actor, self.clock = world, run, actor, clock
        self.order = order
        self.open_request = self.last_request = -1
        self.route = -1
        """The first request of a call or of a renewal: a balancer that is sticky sends the others where it went."""
        self._broken_request = -1
        self._signal: simpy.Event | None = None
        self._alarm: Alarm | None = None
        self._thrown: Exception | None = None
        self._stopped: Exception | None = None

    def wait(self, ns: int, rank: Rank, clock: Clock | None = None, actor: Actor | None = None) -> Waiting:
        """Wait `ns` on a clock (the task's own by default)."""
        clock = clock or self.clock
        yield from self.wait_until(clock.read() + ns, rank, clock, actor)

    def wait_until(self, reading: int, rank: Rank, clock: Clock | None = None, actor: Actor | None = None) -> Waiting:
        """Wait until a clock (the task's own by default) shows `reading`."""
        self._set_alarm(reading, (rank, *self.order), clock or self.clock, actor or self.actor, None)
        yield from self._pause()

    def answer(self, request: int, timeout_ns: int, on_timeout: Answer | None, rank: Rank = Rank.TIMEOUT) -> Waiting:
        """Wait for the answer to `request`, at most `timeout_ns`; then the answer is `on_timeout`."""
        self.open_request = self.last_request = request
        key = (rank, self.run.lane, self.run.key(request))
        self._set_alarm(self.clock.read() + timeout_ns, key, self.clock, self.actor, on_timeout)
        answer = yield from self._pause()
        self.open_request = -1
        return answer

    def deliver(self, request: int, answer: Answer) -> None:
        """Bring an answer; it is taken when the actor can, and only if it is still waited for."""
        key = (Rank.ANSWER, self.run.lane, self.run.key(request))
        self.actor.act(key, lambda: self.wake(answer) if self.open_request == request else None)

    def break_off(self, answer: Answer | None) -> None:
        """The connection is gone: its answer never arrives; the client sees `answer`, or in the end a time-out."""
        number, self.open_request = self.open_request, -1
        self._broken_request = number
        if answer is not None:
            key = (Rank.ANSWER, self.run.lane, self.run.key(number))
            self.actor.act(key, lambda: self.wake(answer) if self._broken_request == number else None)

    def wake(self, value: object) -> None:
        """End the wait with `value`."""
        if self._signal is not None and not self._signal.triggered:
            self._cancel_alarm()
            self._signal.succeed(value)

    def interrupt(self, reason: Exception) -> None:
        """Raise `reason` where the task waits."""
        self._thrown = reason
        self.wake(None)

    def stop(self, reason: Exception) -> None:
        """Raise `reason` where the task waits, and at every later wait."""
        self.open_request = -1
        self._stopped = reason
        self.wake(None)

    def _set_alarm(self, reading: int, key: Key, clock: Clock, actor: Actor, value: object) -> None:
        self._alarm = Alarm(clock, actor, reading, key, lambda: self.wake(value))

    def _cancel_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _pause(self) -> Waiting:
        if self._stopped is not None:
            self._cancel_alarm()
            raise self._stopped
        self._signal = self.world.schedule.env.event()
        value = yield self._signal
        self._signal = None
        self._broken_request = -1
        if self._stopped is not None:
            raise self._stopped
        if self._thrown is not None:
            thrown, self._thrown = self._thrown, None
            self.open_request = -1
            raise thrown
        return value
