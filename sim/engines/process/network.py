"""The way between holders and authority: latency and loss of each leg, outages, what a suspend breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sim import samplers
from sim.engines.process.draws import Sampler
from sim.engines.process.messages import Answer, Request
from sim.units import FOREVER
from sim.vocabulary import HELD, Outcome, Purpose, Rank

if TYPE_CHECKING:
    from sim.engines.process.hosts import Host
    from sim.engines.process.tasks import Task
    from sim.engines.process.world import World
    from sim.model.faults import Fault


class Link:
    """What is wrong, now, with the network at large or with one host's part of it."""

    def __init__(self) -> None:
        self.outages: dict[int, Outage] = {}
        self.slow: dict[int, Fault] = {}


class Outage(NamedTuple):
    """An outage under way: how requests fail, and when it ends."""

    fault: Fault
    until: int


class Network:
    """Carries requests up and answers down."""

    def __init__(self, world: World) -> None:
        network = world.scenario.network
        self.world, self.model = world, network
        self.link = Link()
        self.up, self.down = Sampler(network.up), Sampler(network.down)
        self.service = Sampler(world.scenario.server.service)
        self._plain = network.loss_up == 0 and network.loss_down == 0 and network.bursts is None
        self._constant = self.up.constant is not None and self.down.constant is not None and self._plain

    def send(self, task: Task, request: Request, number: int) -> Answer:
        """Send a request and return what the client sees if nothing ever comes back: which time-out it runs into."""
        world, host, run = self.world, task.run.host, task.run
        up, down, u_up, u_down = self._legs(run.lane, run.generation, number)
        trouble = self._trouble(host)
        if trouble == Outcome.CONNECT_TIMEOUT:
            return Answer(Outcome.CONNECT_TIMEOUT)
        if trouble > 0:
            self._answer(task, number, Answer(trouble), self._slowed(up, host) + self._slowed(down, host))
        elif not self._lost(u_up, self.model.loss_up, host):
            leaves = self._held_until(host) if trouble == HELD else world.now
            arrives = leaves + self._slowed(up, host) + self._added(host)
            message = Message(task, request, number, down, u_down)
            world.schedule.at(arrives, Rank.ARRIVAL, *message.order, lambda: world.authority.receive(message))
        return Answer(Outcome.READ_TIMEOUT)

    def reply(self, message: Message, answer: Answer) -> None:
        """Send an answer down; a lost one has still changed the books."""
        host = message.task.run.host
        trouble = self._trouble(host)
        if trouble == Outcome.CONNECT_TIMEOUT or self._lost(message.u_down, self.model.loss_down, host):
            return
        self._answer(message.task, message.number, Answer(Outcome.RESET) if trouble > 0 else answer,
                     self._slowed(message.down, host))  # fmt: skip

    def service_time(self, message: Message) -> int:
        """Return how long the server works on a request before it takes effect."""
        run = message.task.run
        drawn = self.world.draws.duration(self.service, Purpose.SERVICE, run.lane, run.generation, message.number)
        return self._slowed(drawn, run.host) if drawn else 0

    def push(self, task: Task, number: int, answer: Answer) -> None:
        """Wake a watcher: the stream of events is taken as reliable, it only has latency."""
        run = task.run
        latency = self.world.draws.duration(self.down, Purpose.PUSH, run.lane, run.generation, number)
        self._answer(task, number, answer, latency)

    def is_local(self, host: Host) -> bool:
        """Whether this host talks to the authority without a network."""
        return self.world.scenario.server.host == "shared" and host.index == 0

    def suspend(self, host: Host) -> None:
        """A host goes to sleep: requests in flight to another machine break, as the scenario says."""
        if self.is_local(host) or self.model.on_suspend == "keep":
            return
        reset = Answer(Outcome.RESET) if self.model.on_suspend == "reset" else None
        for task in host.open_tasks():
            task.break_off(reset)

    def _answer(self, task: Task, number: int, answer: Answer, after: int) -> None:
        world, run = self.world, task.run
        key = (Rank.ANSWER, run.lane, run.key(number))
        world.schedule.at(world.now + after, *key, lambda: task.deliver(number, answer))

    def _legs(self, lane: int, generation: int, number: int) -> tuple[int, int, float, float]:
        if self._constant:
            return self.up.of(0.5, 0.5), self.down.of(0.5, 0.5), 0.5, 0.5
        block = self.world.draws.block
        up, down, u_up, u_down = block(Purpose.MESSAGE, lane, generation, number)
        part_up = part_down = 0.5
        if self.up.mixed or self.down.mixed:
            part_up, part_down, _, _ = block(Purpose.MESSAGE_PART, lane, generation, number)
        return self.up.of(up, part_up), self.down.of(down, part_down), u_up, u_down

    def _lost(self, u: float, loss: float, host: Host) -> bool:
        if self._plain:
            return False
        if self.model.bursts is not None:
            loss = 1.0 - (1.0 - loss) * (1.0 - host.burst_loss())
        return u < loss

    def _trouble(self, host: Host) -> int:
        """Return the outcome that an outage forces on a request now, 0 where there is none; `HELD` in a stall."""
        outages = self._outages(host)
        if outages:
            fault = outages[min(outages)].fault
            modes = {"refuse": Outcome.REFUSED, "reset": Outcome.RESET, "black_hole": Outcome.CONNECT_TIMEOUT}
            return HELD if fault.mode == "stall" else modes.get(fault.mode, fault.status)
        if self.world.now < host.reconnected_at and not self.is_local(host):
            return Outcome.REFUSED if self.model.reconnect_mode == "refuse" else Outcome.CONNECT_TIMEOUT
        return 0

    def _outages(self, host: Host) -> dict[int, Outage]:
        """Return the outages that this host meets now, by their place in the file."""
        here = self.link.outages
        return here if self.is_local(host) else {**here, **host.link.outages}

    def _held_until(self, host: Host) -> int:
        outages = self._outages(host)
        return outages[min(outages)].until

    def _slowed(self, ns: int, host: Host) -> int:
        slow = self._slow(host)
        if not slow:
            return ns
        factor = 1.0
        for index in sorted(slow):
            factor *= slow[index].factor
        return samplers.nanoseconds(ns * factor)

    def _added(self, host: Host) -> int:
        return min(FOREVER, sum(fault.add for fault in self._slow(host).values()))

    def _slow(self, host: Host) -> dict[int, Fault]:
        if self.is_local(host) or not host.link.slow:
            return self.link.slow
        return {**self.link.slow, **host.link.slow}


class Message:
    """A request on its way, with what its answer will need."""

    __slots__ = ("broken", "down", "number", "order", "request", "route", "task", "u_down")

    def __init__(self, task: Task, request: Request, number: int, down: int, u_down: float) -> None:
        self.task, self.request, self.number, self.down, self.u_down = task, request, number, down, u_down
        self.order = (task.run.lane, task.run.key(number))
        self.route = task.route
        self.broken = False
