"""From the events of a trace to the intervals of a `Reading`."""

from __future__ import annotations

from collections.abc import Callable

from sim.model.scenario import Scenario
from sim.story.reading import Life, Mark, Reading, Release, Run, Span, Steps, Strike, Tenure, Try
from sim.story.wall import Wall
from sim.trace import Event, Trace
from sim.vocabulary import Halt, How, Kind

_ENDS = (Kind.STOP, Kind.FINISH, Kind.CRASH, Kind.CANCEL, Kind.TURNED_AWAY, Kind.DONE)
_BOOKS = (Kind.GRANT, Kind.REAP, Kind.FREE, Kind.RELEASE, Kind.FORGET, Kind.DECAY)
_MARKS = (*_ENDS, Kind.LOST, Kind.RETRY, Kind.HOLD)


def read(scenario: Scenario, trace: Trace) -> Reading:
    """Return what `trace`, a replication of `scenario`, shows of runs, leases, tries and faults."""
    reader = _Reader(scenario, trace)
    for event in trace:
        reader.take(event)
    return reader.finish()


def _add(spans: list[Span], start_ns: int, stop_ns: int) -> None:
    """Add a stretch that took any time at all."""
    if start_ns < stop_ns:
        spans.append(Span(start_ns, stop_ns))


class _Open:
    """Where each stretch of a life that is under way began."""

    def __init__(self) -> None:
        self.waiting: int | None = None
        self.provisioning: int | None = None
        self.believing: int | None = None
        self.executing: int | None = None
        self.halted: tuple[int, Halt] | None = None


class _Reader:
    def __init__(self, scenario: Scenario, trace: Trace) -> None:
        self.scenario = scenario
        self.end_ns = trace.end_ns
        self.wall = Wall(scenario, trace)
        self.lives: dict[Run, Life] = {}
        self.under_way: dict[Run, _Open] = {}
        self.tries: dict[tuple[Run, int], Try] = {}
        self.tenures: list[Tenure] = []
        self.by_lease: dict[int, Tenure] = {}
        self.strikes: list[Strike] = []
        self.struck: dict[tuple[int, int, int], tuple[Strike, int]] = {}
        self.sweeps: list[tuple[int, int, int]] = []
        self.releases: list[Release] = []
        self.in_use = Steps()
        self.handlers: dict[Kind, Callable[[Event], None]] = {
            Kind.ARRIVE: self._arrive,
            Kind.ASK: self._ask,
            Kind.HOLD: self._hold,
            Kind.START: self._start,
            Kind.HALT: self._halt,
            Kind.GO: self._go,
            Kind.LOST: self._lost,
            Kind.SEND: self._send,
            Kind.RENEWED: self._renewed,
            Kind.DENIED: self._denied,
            Kind.ANSWER: self._answer,
            Kind.GRANT: self._grant,
            Kind.RESET: self._reset,
            Kind.REAP: self._reap,
            Kind.FORGET: self._forget,
            Kind.SWEEP: self._sweep,
            Kind.FAULT_BEGIN: self._fault_begin,
            Kind.FAULT_END: self._fault_end,
        }
        for kind in _ENDS:
            self.handlers[kind] = self._end

    def take(self, event: Event) -> None:
        """Take the next event into account."""
        if event.kind is Kind.RELEASE:
            self._release(event)
        if event.kind in _BOOKS:
            self.in_use.set(event.time_ns, event.value)
        if event.kind in _MARKS and event.lane >= 0:
            mark = Mark(event.time_ns, event.kind, event.number, event.value)
            self._life(event).marks.append(mark)
        handle = self.handlers.get(event.kind)
        if handle is not None:
            handle(event)

    def finish(self) -> Reading:
        """Close what is still under way and return the whole."""
        for run, life in self.lives.items():
            self._close(life, self.under_way[run], self.end_ns)
        for strike, planned_ns in self.struck.values():
            start_ns = strike.span.start_ns
            strike.span = Span(start_ns, min(start_ns + planned_ns, self.end_ns))
        return Reading(
            slots=self.scenario.limit.slots, end_ns=self.end_ns, lives=self.lives, tenures=self.tenures,
            strikes=self.strikes, sweeps=self.sweeps, in_use=self.in_use, releases=self.releases,
        )  # fmt: skip

    def _life(self, event: Event) -> Life:
        run = event.lane, event.generation
        if run not in self.lives:
            self.lives[run] = Life(*run, host=event.lane % self.scenario.hosts.count)
            self.under_way[run] = _Open()
        return self.lives[run]

    def _both(self, event: Event) -> tuple[Life, _Open]:
        return self._life(event), self.under_way[event.lane, event.generation]

    # ------------------------------------------------------------------ the run

    def _arrive(self, event: Event) -> None:
        life, now = self._both(event)
        life.arrived_ns, life.work_ns = event.time_ns, event.value
        now.waiting = event.time_ns

    def _ask(self, event: Event) -> None:
        life, now = self._both(event)
        if now.waiting is None and now.believing is None and life.ended is None:
            now.waiting = event.time_ns

    def _hold(self, event: Event) -> None:
        life, now = self._both(event)
        if now.waiting is not None:
            _add(life.waiting, now.waiting, event.time_ns)
            now.waiting = None
        if now.believing is not None:
            _add(life.believing, now.believing, event.time_ns)
        now.believing = event.time_ns
        if life.started_ns is None and now.provisioning is None:
            now.provisioning = event.time_ns

    def _start(self, event: Event) -> None:
        life, now = self._both(event)
        life.started_ns = event.time_ns
        if now.provisioning is not None:
            _add(life.provisioning, now.provisioning, event.time_ns)
            now.provisioning = None
        if now.halted is None:
            now.executing = event.time_ns

    def _halt(self, event: Event) -> None:
        life, now = self._both(event)
        if now.executing is not None:
            _add(life.executing, now.executing, event.time_ns)
            now.executing = None
        if now.halted is None:
            now.halted = event.time_ns, Halt(event.number)

    def _go(self, event: Event) -> None:
        life, now = self._both(event)
        if now.halted is not None:
            life.halted.append((Span(now.halted[0], event.time_ns), now.halted[1]))
            now.halted = None
        if life.started_ns is not None and life.ended is None and now.executing is None:
            now.executing = event.time_ns

    def _lost(self, event: Event) -> None:
        life, now = self._both(event)
        if now.believing is not None:
            _add(life.believing, now.believing, event.time_ns)
            now.believing = None

    def _end(self, event: Event) -> None:
        life, now = self._both(event)
        if life.ended is None:
            life.ended = life.marks[-1]
        self._close(life, now, event.time_ns)

    @staticmethod
    def _close(life: Life, now: _Open, time_ns: int) -> None:
        for name in ("waiting", "provisioning", "believing", "executing"):
            since = getattr(now, name)
            if since is not None:
                _add(getattr(life, name), since, time_ns)
                setattr(now, name, None)
        if now.halted is not None:
            life.halted.append((Span(now.halted[0], time_ns), now.halted[1]))
            now.halted = None

    # -------------------------------------------------------------- the renewals

    def _send(self, event: Event) -> None:
        life, _ = self._both(event)
        attempt = Try(number=event.number, lease=event.lease, sent_ns=event.time_ns)
        life.tries.append(attempt)
        self.tries[life.run, event.number] = attempt

    def _try(self, event: Event) -> Try | None:
        return self.tries.get(((event.lane, event.generation), event.number))

    def _renewed(self, event: Event) -> None:
        attempt = self._try(event)
        if attempt is not None:
            attempt.arrived_ns, attempt.renewed = event.time_ns, True
        self._extend(event, event.value)

    def _denied(self, event: Event) -> None:
        attempt = self._try(event)
        if attempt is not None:
            attempt.arrived_ns = event.time_ns

    def _answer(self, event: Event) -> None:
        attempt = self._try(event)
        if attempt is not None:
            attempt.answered_ns, attempt.outcome = event.time_ns, event.value

    # -------------------------------------------------------------- the authority

    def _grant(self, event: Event) -> None:
        tenure = Tenure(lease=event.lease, run=(event.lane, event.generation), granted_ns=event.time_ns)
        self.tenures.append(tenure)
        self.by_lease[event.lease] = tenure
        self._extend(event, self.wall.at(event.time_ns) + self.scenario.initial_ttl_ns)

    def _extend(self, event: Event, reading: float) -> None:
        """The lease is good until the authority's wall clock shows `reading`, and the grace after it."""
        rules, due = self.scenario.lease, round(reading) + self.scenario.expiry_grace_ns
        if rules.expiry_check == "bucket":
            due = -(-due // rules.sweep_interval) * rules.sweep_interval
        tenure = self.by_lease.get(event.lease)
        if tenure is not None:
            tenure.expiries.append((event.time_ns, self.wall.when(due, event.time_ns)))

    def _reset(self, event: Event) -> None:
        self._extend(event, event.value)

    def _over(self, event: Event) -> Tenure | None:
        tenure = self.by_lease.get(event.lease)
        if tenure is not None and tenure.stopped_ns is None:
            tenure.stopped_ns, tenure.ended_by = event.time_ns, event.kind
        return tenure

    def _reap(self, event: Event) -> None:
        tenure = self._over(event)
        if tenure is not None:
            tenure.how = How(event.number)

    def _forget(self, event: Event) -> None:
        self._over(event)

    def _release(self, event: Event) -> None:
        self._over(event)
        before, run = self.in_use.values[-1], (event.lane, event.generation)
        self.releases.append(Release(event.time_ns, run, event.lease, before, event.value))

    def _sweep(self, event: Event) -> None:
        self.sweeps.append((event.time_ns, event.number, event.value))

    # ------------------------------------------------------------------ the faults

    def _fault_begin(self, event: Event) -> None:
        fault = self.scenario.faults[event.number]
        span = Span(event.time_ns, event.time_ns)
        strike = Strike(event.number, fault, event.lane, event.generation, span)
        self.strikes.append(strike)
        self.struck[event.number, event.lane, event.generation] = strike, event.value

    def _fault_end(self, event: Event) -> None:
        struck = self.struck.pop((event.number, event.lane, event.generation), None)
        if struck is not None:
            struck[0].span = Span(struck[0].span.start_ns, event.time_ns)
