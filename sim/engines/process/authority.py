"""The authority: it grants leases on the slots of the limit, renews them, takes them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.engines.process.actors import Actor
from sim.engines.process.admission import Denials, Line, retry_after
from sim.engines.process.books import Books, CounterBooks, LeaseBooks
from sim.engines.process.clocks import Alarm, Clock
from sim.engines.process.expiry import OnAcquire, Sweeper, Timer
from sim.engines.process.messages import Acquire, Answer, Release, Renew, Validate
from sim.engines.process.places import Places
from sim.engines.process.records import LeaseRecord
from sim.units import SECOND
from sim.vocabulary import How, Kind, Outcome, Purpose, Rank, Truth

if TYPE_CHECKING:
    from sim.engines.process.network import Message
    from sim.engines.process.run import Run
    from sim.engines.process.world import World


class Authority:
    """The server. Its judgement of time is its wall clock's."""

    def __init__(self, world: World) -> None:
        scenario = world.scenario
        self.world, self.rules, self.limit = world, scenario.lease, scenario.limit
        self.grace = scenario.expiry_grace_ns
        shared = scenario.server.host == "shared"
        self.actor = Actor(world.schedule, world.hosts[0].actor if shared else None)
        drift = round(scenario.hosts.server_drift_ppm * 1000)
        self.clock: Clock = Clock(world.schedule, reading=scenario.hosts.wall_offset, drift_ppb=drift)
        self.leases: dict[int, LeaseRecord] = {}
        self.ended: dict[int, Truth] = {}
        self.books: Books = CounterBooks(world) if self.rules.books == "counter" else LeaseBooks(self.leases)
        self.line = Line(self)
        self.denials = Denials(self)
        self.places = Places(self)
        self.down = self.asleep = 0
        self.quiet_until = 0
        self.average_occupancy = self.limit.average_occupancy / SECOND
        self._granted = 0
        self._inbox: list[Message] = []
        self._in_hand: dict[tuple[int, int], Message] = {}
        self._cooling: dict[int, Alarm] = {}
        self._restarted = False
        checks = {"timer": Timer, "bucket": Timer, "sweep": Sweeper}
        check = checks.get(self.rules.expiry_check)
        self.expiry: OnAcquire = OnAcquire() if check is None else check(world, self)
        self.actor.on_freeze, self.actor.on_thaw = self.expiry.freeze, self._thaw

    # --- requests -------------------------------------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        """A request arrives: a sleeping machine loses it, a server that is down refuses, a stopped one lets it wait."""
        if self.asleep and not self.world.network.is_local(message.task.run.host):
            return
        if self.down:
            self.world.network.reply(message, Answer(Outcome.REFUSED))
        elif not self.actor.free:
            self._inbox.append(message)
        elif not self.places.has_room():
            self.places.queue.append(message)
        else:
            self.take_in_hand(message)

    @property
    def requests_in_hand(self) -> int:
        """How many requests it works on now."""
        return len(self._in_hand)

    def take_in_hand(self, message: Message) -> None:
        """Work on a request: it takes effect after its service time, unless the process dies meanwhile."""
        service = self.world.network.service_time(message)
        if service == 0:
            self._complete(message)
            return
        self._in_hand[message.order] = message
        when = self.world.now + service
        self.world.schedule.at(when, Rank.ARRIVAL, *message.order, lambda: self._served(message))

    def _served(self, message: Message) -> None:
        if self._in_hand.get(message.order) is message:
            self.actor.act((Rank.ARRIVAL, *message.order), lambda: self._complete(message))

    def _complete(self, message: Message) -> None:
        if message.broken:
            return
        if self._in_hand.pop(message.order, None) is not None:
            self.places.freed()
        self.world.network.reply(message, self._handle(message))

    def _handle(self, message: Message) -> Answer:
        error = self._error(message)
        if error is not None:
            return error
        request = message.request
        if isinstance(request, Renew):
            return self._renew(request, message)
        if isinstance(request, Validate):
            return self._validate(request, message)
        if isinstance(request, Release):
            return self._release(request, message)
        return self._acquire(request, message)

    def _error(self, message: Message) -> Answer | None:
        server = self.world.scenario.server
        if server.error_probability == 0 or self._draw(message, message.number)[2] >= server.error_probability:
            return None
        return Answer(server.error_status, retry_after=server.error_retry_after)

    def replica_of(self, message: Message) -> int:
        """Return the server process that the balancer sends a request to; one where all share their leases."""
        server = self.world.scenario.server
        if server.replicas == 1 or server.storage != "memory":
            return 0
        return int(self._draw(message, message.route if server.sticky else message.number)[3] * server.replicas)

    def _draw(self, message: Message, number: int) -> tuple[float, float, float, float]:
        return self.world.draws.block(Purpose.SERVICE, message.task.run.lane, message.task.run.generation, number)

    def _acquire(self, request: Acquire, message: Message) -> Answer:
        run = request.run
        waiting = self.line.promised.get((run.lane, run.generation))
        if waiting is not None:
            return Answer(Outcome.OK, waiting)
        if request.take_over is not None:
            if not self.room():
                self._take_over(*request.take_over)
        elif self.rules.expiry_check == "on_acquire" and self.rules.judge == "authority" and not self.room():
            for lease in self.expired():
                self.reap(lease, How.ACQUIRE)
        ahead = self.line.ahead_of(run)
        if self.free_slots() > ahead:
            return Answer(Outcome.OK, self.grant(run, message.number, self.replica_of(message)))
        return self._refuse(run, message)

    def _refuse(self, run: Run, message: Message) -> Answer:
        collision = self.limit.collision
        if collision == "watch":
            run.record(Kind.QUEUE, number=message.number)
            self.line.join(run, message)
            self.slots_may_be_free()
            return Answer(Outcome.QUEUED)
        if collision == "enqueue" and self.limit.fifo:
            self.line.join(run, message)
        wait = retry_after(self, run, message.number)
        run.record(Kind.REFUSE, number=message.number, value=wait)
        versions = {n: lease.version for n, lease in self.leases.items()} if self.rules.judge == "contender" else {}
        return Answer(Outcome.FULL, retry_after=wait, versions=versions)

    def _renew(self, request: Renew, message: Message) -> Answer:
        lease = self._extended(request, message, self.rules.ttl)
        if lease is None:
            request.run.record(Kind.DENIED, number=message.number, lease=request.lease)
            return Answer(Outcome.GONE)
        return Answer(Outcome.OK, lease.number)

    def _validate(self, request: Validate, message: Message) -> Answer:
        """A run starts: its lease gets the first term anew, or it gets another, or it is cancelled and counted down."""
        run = request.run
        lease = self._extended(request, message, self.world.scenario.initial_ttl_ns)
        if lease is not None:
            return Answer(Outcome.OK, lease.number)
        if self.room():
            return Answer(Outcome.OK, self.grant(run, message.number, self.replica_of(message)))
        run.record(Kind.DENIED, number=message.number, lease=request.lease)
        if self.rules.release_fallback:
            self.books.give()
            run.record(Kind.RELEASE, number=message.number, value=self.books.in_use())
            self.slots_may_be_free()
        return Answer(Outcome.GONE)

    def _extended(self, request: Renew | Validate, message: Message, ttl: int) -> LeaseRecord | None:
        """Return the lease with a new expiry, None where it cannot be extended any more."""
        self.line.keep_promise(request.run, request.lease)
        lease = self.leases.get(request.lease)
        if lease is None:
            lease = self._revived(request, message)
        elif lease.replica != self.replica_of(message) or (self.rules.late_renew == "reject" and self._is_over(lease)):
            lease = None
        if lease is None:
            return None
        sooner = self.clock.read() + ttl < lease.expires
        lease.expires = self.clock.read() + ttl
        lease.version += 1
        if sooner:
            self.expiry.watch(lease)
        request.run.record(Kind.RENEWED, number=message.number, lease=lease.number, value=lease.expires)
        return lease

    def _revived(self, request: Renew | Validate, message: Message) -> LeaseRecord | None:
        """Return a lease that a late renewal brings back: one that expired or was lost, never one given back."""
        rule, number = self.rules.late_renew, request.lease
        may = rule == "resurrect" or (rule == "if_untaken" and (self.room() or number in self._cooling))
        if not may or self.ended.get(number) not in (Truth.EXPIRED_UNCLAIMED, Truth.FORGOTTEN):
            return None
        del self.ended[number]
        if number in self._cooling:
            self._cooling.pop(number).cancel()
            self.books.cooled()
        return self._enter(request.run, request.lease, message.number, self.replica_of(message), self.rules.ttl)

    def _release(self, request: Release, message: Message) -> Answer:
        lease = self.leases.get(request.lease)
        if lease is not None and lease.replica != self.replica_of(message):
            lease = None
        number = -1 if request.orphan else self._take_back(lease)
        if request.orphan:
            self.books.give()
        request.run.record(Kind.RELEASE, number=message.number, lease=number, value=self.books.in_use())
        self.slots_may_be_free()
        return Answer(Outcome.OK)

    def mark_crashed(self, run: Run) -> None:
        """It is found out that a run has crashed: what is left of it is given back, or counted down all the same."""
        number = self._take_back(self.leases.get(run.lease))
        run.record(Kind.RELEASE, lease=number, value=self.books.in_use())
        self.slots_may_be_free()

    def _take_back(self, lease: LeaseRecord | None) -> int:
        """End a lease that is given back; without one count down where the rules say so. Return its number or -1."""
        if lease is None:
            if self.rules.release_fallback:
                self.books.give()
            return -1
        self._remove(lease, Truth.STILL_VALID)
        self.books.give()
        self._note_occupancy(lease)
        return lease.number

    # --- granting -------------------------------------------------------------------------------------------------

    def free_slots(self) -> int:
        """Return how many slots could be granted now."""
        if self.world.now < self.quiet_until:
            return 0
        return max(0, self.limit.slots - self.books.in_use())

    def room(self) -> bool:
        """Whether a slot could be granted now."""
        return self.free_slots() > 0

    def grant(self, run: Run, request: int, replica: int) -> int:
        """Grant a slot; return the lease's number."""
        self._granted += 1
        self.line.leave(run)
        ttl = self.world.scenario.initial_ttl_ns
        lease = self._enter(run, self._granted - 1, request, replica, ttl)
        self.world.granted(run)
        return lease.number

    def _enter(self, run: Run, number: int, request: int, replica: int, ttl: int) -> LeaseRecord:
        lease = LeaseRecord(number, run, self.clock.read() + ttl, self.world.now, replica)
        self.leases[number] = lease
        self.books.take()
        run.record(Kind.GRANT, number=request, lease=number, value=self.books.in_use())
        self.expiry.watch(lease)
        return lease

    def slots_may_be_free(self) -> None:
        """Grant to watchers in their order, as far as there is room; look again when the counter will have decayed."""
        if self.limit.collision != "watch" or not self.actor.free:
            return
        self.line.serve()

    # --- expiry ---------------------------------------------------------------------------------------------------

    def due(self, lease: LeaseRecord) -> int:
        """Return the reading of the wall clock at which a lease is over."""
        over = lease.expires + self.grace
        if self.rules.expiry_check == "bucket":
            return -(-over // self.rules.sweep_interval) * self.rules.sweep_interval
        return over

    def expired(self) -> list[LeaseRecord]:
        """Return the leases that are over, longest first."""
        now = self.clock.read()
        over = [lease for lease in self.leases.values() if self.due(lease) <= now]
        return sorted(over, key=lambda lease: (self.due(lease), lease.number))

    def reap(self, lease: LeaseRecord, how: How) -> None:
        """Take an expired lease away; its slot is free at once, or after the reuse delay."""
        self._remove(lease, Truth.EXPIRED_UNCLAIMED)
        delay = self.rules.reuse_delay
        if delay:
            self.books.cool()
            number, key = lease.number, (Rank.FREE, lease.number, 3)
            over = self.clock.read() + delay
            self._cooling[number] = Alarm(self.clock, self.actor, over, key, lambda: self._free(number))
        else:
            self.books.give()
        self._note_occupancy(lease)
        self.world.record(Kind.REAP, lease.lane, lease.generation, how, lease.number, self.books.in_use())

    def truth(self, number: int) -> Truth:
        """Return what is true of a lease now, whatever its holder thinks."""
        lease = self.leases.get(number)
        if lease is not None:
            return Truth.EXPIRED_UNCLAIMED if self._is_over(lease) else Truth.STILL_VALID
        ended = self.ended.get(number, Truth.FORGOTTEN)
        taken = max(self.books.in_use(), len(self.leases)) >= self.limit.slots
        if ended is Truth.EXPIRED_UNCLAIMED and taken and number not in self._cooling:
            return Truth.REASSIGNED
        return Truth.FORGOTTEN if ended is Truth.STILL_VALID else ended

    def _is_over(self, lease: LeaseRecord) -> bool:
        return self.clock.read() >= lease.expires + self.grace

    def _take_over(self, number: int, version: int) -> None:
        lease = self.leases.get(number)
        if lease is not None and lease.version == version:
            self.reap(lease, How.TAKEN)

    def _free(self, number: int) -> None:
        del self._cooling[number]
        self.books.cooled()
        self.world.record(Kind.FREE, value=self.books.in_use())
        self.slots_may_be_free()

    def _remove(self, lease: LeaseRecord, ended: Truth) -> None:
        if lease.alarm is not None:
            lease.alarm.cancel()
        del self.leases[lease.number]
        self.ended[lease.number] = ended
        self.line.break_promise(lease.number)

    def _note_occupancy(self, lease: LeaseRecord) -> None:
        """Average how long slots are held, as Prefect does: a step of 1 / (2 * limit) towards each occupancy."""
        floor = self.limit.occupancy_floor / SECOND
        held = max((self.world.now - lease.granted) / SECOND, floor)
        self.average_occupancy += (held - self.average_occupancy) / (2.0 * max(1, self.limit.slots))

    # --- stops and restarts ---------------------------------------------------------------------------------------

    def go_down(self) -> None:
        """The process dies: requests under way break; what is kept in memory is lost."""
        self.down += 1
        self.actor.freeze()
        self.expiry.abandon()
        open_requests = {message.order: message for message in (*self._inbox, *self.places.queue)} | self._in_hand
        for order in sorted(open_requests):
            open_requests[order].broken = True
            self.world.network.reply(open_requests[order], Answer(Outcome.RESET))
        self._inbox.clear()
        self.places.queue.clear()
        self._in_hand.clear()
        if self.rules.on_restart.startswith("lost"):
            self._forget_all(leak=self.rules.on_restart == "lost_leak")

    def come_up(self) -> None:
        """The process starts: leases get the term that the rules give them; the first sweep comes at once."""
        self.down -= 1
        if self.down:
            self.actor.thaw()
            return
        if self.rules.on_restart.startswith("reset"):
            full = self.rules.on_restart == "reset_full"
            for lease in self.leases.values():
                lease.expires = self.clock.read() + (self.rules.ttl if full else self.rules.restart_ttl)
                self.expiry.watch(lease)
                self.world.record(Kind.RESET, lease.lane, lease.generation, -1, lease.number, lease.expires)
        self.quiet_until = self.world.now + self.rules.restart_quiet
        self.world.schedule.at(self.quiet_until, Rank.FREE, 0, 1, self.slots_may_be_free)
        self._restarted = True
        self.actor.thaw()

    def _forget_all(self, leak: bool) -> None:
        lost = list(self.leases.values())
        for lease in lost:
            self._remove(lease, Truth.FORGOTTEN)
        self.books.forget(leak)
        if not leak:
            for alarm in self._cooling.values():
                alarm.cancel()
            self._cooling.clear()
        for lease in lost:
            self.world.record(Kind.FORGET, lease.lane, lease.generation, -1, lease.number, self.books.in_use())

    def step_clock(self, by_ns: int) -> None:
        """The wall clock jumps; a sweep that it jumps over is overdue."""
        if not self.actor.free:
            self.clock.step(by_ns)
            return
        self.expiry.freeze()
        self.clock.step(by_ns)
        self.expiry.resume()

    def _thaw(self) -> None:
        self.expiry.resume(restarted=self._restarted)
        self._restarted = False
        self.slots_may_be_free()
        self.places.freed()
        inbox, self._inbox = self._inbox, []
        for message in inbox:
            key = (Rank.ARRIVAL, *message.order)
            self.world.schedule.at(self.world.now, *key, lambda message=message: self.receive(message))  # type: ignore[misc]  # the default binds the loop's variable
