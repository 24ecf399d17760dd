"""One walk over a trace: who waits, holds, executes; which leases the authority has; what ended how."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sim.metrics.causes import PROTOCOL, Cause, Causes, LeaseLife
from sim.metrics.levels import IDLE, NOT_HOLDING, PROVISIONING, WORKING, Levels
from sim.vocabulary import Halt, Kind, Loss, Truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.model.scenario import Scenario
    from sim.trace import Trace

_LIFECYCLE: Final = (Halt.RETRY, Halt.PAUSED)


@dataclass(slots=True, eq=False)
class Run:
    """One run: what it does and has now."""

    lane: int
    generation: int
    arrived_ns: int
    alive: bool = True
    waiting: bool = True
    believes: bool = False
    done: bool = False
    started_ns: int = -1
    crashed_ns: int = -1
    halted: int = 0
    """The `Halt` it is in."""
    own_halt: int = 0
    """The last `Halt` of its own making: RETRY or PAUSED."""
    executing: bool = False
    executing_since: int = -1
    worked_ns: int = 0
    leases: dict[int, LeaseLife] = field(default_factory=dict)
    """What it has at the authority, known to it or not."""
    had_lease: bool = False
    """Whether it has had one since it began, or began again, to execute."""
    lost_lease: LeaseLife | None = None
    """The last that ended at the authority."""
    lost: LeaseLife | None = None
    """The last that it took for lost."""
    believed: LeaseLife | None = None
    """The last that it knew it had."""
    # what of it is in the levels
    wanting: bool = False
    held: bool = False
    leased: bool = False
    backed: int = 0
    holding: int = NOT_HOLDING


def _gone(lane: int, generation: int) -> Run:
    """A run that was over when its request came to the authority."""
    run = Run(lane, generation, arrived_ns=0)
    run.alive = run.waiting = False
    run.done = True
    return run


class Walk:
    """The state machine. Handlers take the columns of a row; `levels.now` is its time."""

    def __init__(self, trace: Trace, scenario: Scenario) -> None:
        fenced_writes = scenario.renewal.fencing == "token_enforced"
        self.levels = Levels(scenario.limit.slots, scenario.warmup, fenced_writes, self._blame)
        self._warmup = scenario.warmup
        self._faults = scenario.faults
        self._rule = scenario.lease.on_restart
        self._reuse_delay = scenario.lease.reuse_delay > 0
        self._causes = Causes(trace, scenario)
        self._runs: dict[tuple[int, int], Run] = {}
        self._leases: dict[int, tuple[LeaseLife, Run]] = {}
        self._reclaimable: deque[int] = deque()
        """When the former holders of free slots crashed."""
        self._cooling: deque[int] = deque()
        """The same for slots in their reuse delay; -1: the holder did not crash."""
        self._batches: set[Cause] = set()
        self._alone = 0
        self._listed_ns = -1
        self.by_cause: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        """Fields of the tally."""
        self._at_work = 0

    def handlers(self) -> dict[int, Callable[[int, int, int, int, int], None]]:
        """Return what to do at each kind of event; other kinds change nothing here."""
        return {
            Kind.ARRIVE: self._arrive, Kind.GRANT: self._grant, Kind.HOLD: self._hold, Kind.START: self._start,
            Kind.LOST: self._lose, Kind.STOP: self._stop, Kind.FINISH: self._finish, Kind.CRASH: self._crash,
            Kind.CANCEL: self._cancel, Kind.TURNED_AWAY: self._turn_away, Kind.HALT: self._halt, Kind.GO: self._go,
            Kind.REAP: self._reap, Kind.FREE: self._free, Kind.RELEASE: self._release, Kind.FORGET: self._forget,
            Kind.DECAY: self._decay, Kind.DONE: self._done, Kind.SWEEP: self._sweep,
            **({Kind.FAULT_BEGIN: self._restart} if self._rule == "lost_free" else {}),
        }  # fmt: skip

    def advance(self, time: int) -> None:
        """Let time pass until the next event."""
        if self.levels.now < self._warmup <= time:
            self.counts["waiting_at_first"] = self.levels.waiting
            self.counts["started_at_first"] = self._at_work
        self.levels.advance(time)

    # ---- a run comes and goes

    def _arrive(self, lane: int, generation: int, _number: int, _lease: int, _value: int) -> None:
        run = self._runs[lane, generation] = Run(lane, generation, self.levels.now)
        self.levels.waiting += 1
        self._count("runs_arrived")
        self._settle(run)

    def _start(self, lane: int, generation: int, _number: int, _lease: int, _value: int) -> None:
        run = self._runs[lane, generation]
        run.started_ns = self.levels.now
        run.had_lease = False
        for life in run.leases.values():
            life.started_ns = run.started_ns
        if run.lost_lease is not None:
            run.lost_lease.started_ns = run.started_ns
        self._at_work += 1
        self._count("runs_started")
        self._settle(run)

    def _stop(self, lane: int, generation: int, number: int, _lease: int, _value: int) -> None:
        run = self._runs[lane, generation]
        assert run.lost is not None, f"run {lane}.{generation} stops without having lost a lease"
        self._end(run, "terminated")
        if self.levels.now < self._warmup:
            return
        self._count("false_terminations")
        self._count(f"terminated_{Loss(number).name.lower()}")
        self._count(f"terminated_{Truth(run.lost.truth).name.lower()}")
        cause = self._causes.of(run.lost)
        self.by_cause[cause.name] += 1
        if cause.fault >= 0:
            self._batches.add(cause)
        else:
            self._alone += 1

    def _finish(self, lane: int, generation: int, _number: int, _lease: int, _value: int) -> None:
        self._end(self._runs[lane, generation], "finished")

    def _crash(self, lane: int, generation: int, _number: int, _lease: int, _value: int) -> None:
        run = self._runs[lane, generation]
        run.crashed_ns = self.levels.now
        self._end(run, "crashed")

    def _cancel(self, lane: int, generation: int, _number: int, _lease: int, _value: int) -> None:
        self._end(self._runs[lane, generation], "cancelled")

    def _turn_away(self, lane: int, generation: int, _number: int, _lease: int, _value: int) -> None:
        self._count("runs_turned_away")
        self._end(self._runs[lane, generation], "turned_away")

    def _done(self, lane: int, generation: int, _number: int, _lease: int, _value: int) -> None:
        run = self._runs[lane, generation]
        run.done = True
        if run.alive:
            self._end(run, "turned_away")
        self._settle(run)
        del self._runs[lane, generation]
        for life in (run.lost_lease, run.lost, run.believed):
            self._consider(run, life)

    def _end(self, run: Run, how: str) -> None:
        assert run.alive, f"run {run.lane}.{run.generation} ends twice"
        run.alive = run.believes = False
        if run.waiting:
            self._leave_queue(run)
            self._count("runs_left_queue")
        self._settle(run)
        if run.started_ns >= 0:
            self._at_work -= 1
            if how == "turned_away":
                how = "cancelled"
            self._count(f"runs_{how}")
            self.counts[f"{how}_work_ns"] += run.worked_ns

    # ---- a run and its lease

    def _hold(self, lane: int, generation: int, _number: int, lease: int, _value: int) -> None:
        run = self._runs[lane, generation]
        run.believes = run.alive
        before, run.believed = run.believed, self._known(run, lease)
        self._consider(run, before)
        self._settle(run)

    def _lose(self, lane: int, generation: int, number: int, lease: int, value: int) -> None:
        run = self._runs[lane, generation]
        run.believes = False
        life = self._known(run, lease)
        if life.lost_ns < 0:
            life.lost_ns, life.reason, life.truth = self.levels.now, number, value
        before, run.lost = run.lost, life
        self._consider(run, before)
        self._settle(run)

    def _halt(self, lane: int, generation: int, number: int, _lease: int, _value: int) -> None:
        run = self._runs[lane, generation]
        run.halted = number
        if number in _LIFECYCLE:
            run.own_halt = number
        self._settle(run)

    def _go(self, lane: int, generation: int, number: int, _lease: int, _value: int) -> None:
        run = self._runs[lane, generation]
        if number in _LIFECYCLE or run.halted in _LIFECYCLE:
            run.had_lease = False
        run.halted = 0
        self._settle(run)

    # ---- the authority's books

    def _grant(self, lane: int, generation: int, _number: int, lease: int, value: int) -> None:
        """A slot is granted; a late renewal that brings its lease back shows as a grant of the same lease."""
        levels = self.levels
        if lease in self._leases:
            life, run = self._leases[lease]
            life.ended_ns = life.ended_by = -1
            life.cause = None
        else:
            run = self._runs.get((lane, generation)) or _gone(lane, generation)
            life = self._known(run, lease)
        run.leases[lease] = life
        levels.in_use = value
        if run.waiting:
            self._leave_queue(run)
            self._count("runs_granted")
            self._sum("queue_wait", "queue_waits", levels.now - run.arrived_ns)
        if self._reclaimable:
            self._sum("reclaim", "reclaims", levels.now - self._reclaimable.popleft())
        self._settle(run)

    def _reap(self, _lane: int, _generation: int, _number: int, lease: int, value: int) -> None:
        run = self._take(lease, Kind.REAP)
        if self._reuse_delay:
            self.levels.cooling += 1
            self._cooling.append(run.crashed_ns)
        elif value < self.levels.in_use:
            self._freed(run.crashed_ns)
        self.levels.in_use = value

    def _sweep(self, _lane: int, _generation: int, _number: int, lease: int, _value: int) -> None:
        self._listed_ns = self.levels.now if lease >= 0 else self._listed_ns

    def _free(self, _lane: int, _generation: int, _number: int, _lease: int, value: int) -> None:
        self.levels.in_use = value
        self.levels.cooling -= 1
        self._freed(self._cooling.popleft())

    def _release(self, _lane: int, _generation: int, _number: int, lease: int, value: int) -> None:
        if lease >= 0:
            self._freed(self._take(lease, Kind.RELEASE).crashed_ns)
        self.levels.in_use = value

    def _forget(self, _lane: int, _generation: int, _number: int, lease: int, value: int) -> None:
        run = self._take(lease, Kind.FORGET)
        if self._rule == "lost_free":
            self._freed(run.crashed_ns)
        self.levels.in_use = value

    def _restart(self, _lane: int, _generation: int, number: int, _lease: int, _value: int) -> None:
        """A restart that loses the books frees every slot, those of no lease and of the reuse delay too."""
        if self._faults[number].what == "restart":
            while self._cooling:
                self._freed(self._cooling.popleft())
            self.levels.cooling = self.levels.in_use = 0

    def _take(self, lease: int, by: Kind) -> Run:
        """End a lease at the authority; return whose it was."""
        life, run = self._leases[lease]
        del run.leases[lease]
        life.ended_ns, life.ended_by, life.given_back_in = self.levels.now, by, run.own_halt
        life.listed_ns = self._listed_ns
        before, run.lost_lease = run.lost_lease, life
        self._settle(run)
        self._consider(run, before)
        self._consider(run, life)
        return run

    def _known(self, run: Run, lease: int) -> LeaseLife:
        """Return a lease that is not forgotten, or its beginning."""
        if lease not in self._leases:
            life = LeaseLife(lease, run.lane, run.generation, self.levels.now, started_ns=run.started_ns)
            self._leases[lease] = (life, run)
        return self._leases[lease][0]

    def _consider(self, run: Run, life: LeaseLife | None) -> None:
        """Forget a lease unless it lives, or its run can still suffer from having lost it."""
        if life is None or life.lease in run.leases:
            return
        if run.done or life not in (run.lost_lease, run.lost, run.believed):
            self._leases.pop(life.lease, None)

    def _freed(self, crashed_ns: int) -> None:
        """A slot is free again; remember when its holder crashed, if it did."""
        if crashed_ns >= 0:
            self._reclaimable.append(crashed_ns)

    def _decay(self, _lane: int, _generation: int, _number: int, _lease: int, value: int) -> None:
        self.levels.in_use = value

    # ---- from one run to the levels

    def _settle(self, run: Run) -> None:
        """Bring the levels up to date with what has changed about `run`."""
        levels, leases, alive = self.levels, len(run.leases), run.alive
        executing = alive and run.started_ns >= 0 and not run.halted
        if executing != run.executing:
            self._execute(run, executing)
        if executing and leases:
            run.had_lease = True
        held = alive and leases > 0
        if held != run.held:
            run.held = held
            levels.held += 1 if held else -1
        leased = not run.done and (leases > 0 or run.believes)
        if leased != run.leased:
            run.leased = leased
            levels.leased += 1 if leased else -1
        wanting = run.waiting or (alive and not leases and run.halted == Halt.NO_LEASE)
        if wanting != run.wanting:
            run.wanting = wanting
            levels.wanting += 1 if wanting else -1
        backed = max(leases, run.believes)
        if backed != run.backed:
            levels.backed += backed - run.backed
            run.backed = backed
        if run.believes:
            holding = WORKING if executing else PROVISIONING if run.started_ns < 0 else IDLE
        else:
            holding = NOT_HOLDING
        if holding != run.holding:
            levels.holding[run.holding] -= 1
            levels.holding[holding] += 1
            run.holding = holding
        self._lapse(run, executing and not leases)

    def _lapse(self, run: Run, lapsed: bool) -> None:
        overlapping, slotless = self.levels.overlapping, self.levels.slotless
        if lapsed:
            (overlapping if run.had_lease else slotless).setdefault(run)
        elif overlapping or slotless:
            overlapping.pop(run, None)
            slotless.pop(run, None)

    def _execute(self, run: Run, executing: bool) -> None:
        run.executing = executing
        levels = self.levels
        if executing:
            levels.executing += 1
            run.executing_since = levels.now
        else:
            levels.executing -= 1
            run.worked_ns += self._observed(run.executing_since)

    def _leave_queue(self, run: Run) -> None:
        run.waiting = False
        self.levels.waiting -= 1
        self.counts["waited_ns"] += self._observed(run.arrived_ns)

    def finish(self) -> Mapping[str, int]:
        """Return the counted fields, with what is still under way."""
        counts, levels = self.counts, self.levels
        for run in self._runs.values():
            if run.waiting:
                counts["waited_ns"] += self._observed(run.arrived_ns)
            elif run.alive and run.started_ns >= 0:
                under_way = self._observed(run.executing_since) if run.executing else 0
                counts["unfinished_work_ns"] += run.worked_ns + under_way
        counts["waiting_at_last"], counts["started_at_last"] = levels.waiting, self._at_work
        counts["false_termination_incidents"] = len(self._batches) + self._alone
        levels.close_incident()
        return counts

    def _observed(self, since: int) -> int:
        """Return the time from `since` until now that is after the warm-up."""
        return max(0, self.levels.now - max(since, self._warmup))

    def _count(self, what: str) -> None:
        if self.levels.now >= self._warmup:
            self.counts[what] += 1

    def _sum(self, name: str, count: str, ns: int) -> None:
        if self.levels.now >= self._warmup:
            self.counts[count] += 1
            self.counts[f"{name}_ns"] += ns
            self.counts[f"{name}_max_ns"] = max(self.counts[f"{name}_max_ns"], ns)

    def _blame(self, run: Run) -> str:
        return self._causes.of(run.lost_lease).name if run.lost_lease is not None else PROTOCOL
