"""Why a run lost its lease: the fault that its trace puts the blame on.

Each lease that was lost has one cause, used for the false termination and for the over-allocation that follow.
It is read off the trace, which is quick and nearly always right; `Run.counterfactual` checks it the slow way, by
running the same random numbers without the fault. Over nine protocols and 2008 terminations the fault blamed here
was in 98 of 100 one without which the run would have lived (`tests/test_causes.py` repeats a part of that).

**The critical interval** begins at the last renewal that the authority granted (or at the grant of the lease) and
ends when the lease was lost: taken away by the authority, or given up by the holder, whichever came first. Where
expired leases are refused before they are reaped, it ends at the expiry.

**Who can be to blame.** Faults of the run, of its host (lane modulo `hosts.count`), of the server and of the
network that overlap the interval; of host 0 too if the server shares it. Of these,

- what *delays* (sleep, pause, a blocked loop or interpreter, slow or stalled messages, a slow clock, a step of the
  server's clock) is let off if all delays up to the renewal that came too late are together less than what was
  missing: the time from the loss of the lease to that renewal. Where the holder's own deadline passed, what was
  missing is the slack between that deadline and the renewal interval;
- what *cuts* (outage, restart, and a sleep or slow messages too) is to blame only if a renewal request failed
  meanwhile; what merely stops the holder or the server must cover at least half of a failed request.

The longest is the cause; of equals, the one that began last. A delay counts up to the late renewal, a step of a
clock as far as it stepped, drift by what it adds up to, slow and stalled messages by the requests that they held up.

**Before that**: a lease that a restart dropped is the restart's, one that the run itself gave back (between
retries, in a pause) is its own. **Without any fault** the cause is one of `WITHOUT_FAULT`, in parentheses so that
no fault can have that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.metrics.history import Exchange, History, LeaseHistory, Occurrence
from sim.model.distributions import Constant
from sim.model.fields import UNLIMITED
from sim.units import FOREVER
from sim.vocabulary import Halt, Kind, Loss, Truth

if TYPE_CHECKING:
    from sim.model.scenario import Scenario
    from sim.trace import Trace

PROVISIONING: Final = "(provisioning)"
"""The lease ran out before the work began, and nobody renews while a run is provisioned."""
RETRY: Final = "(retry)"
"""The run gave it back between two attempts at the work."""
PAUSE: Final = "(pause)"
"""The run gave it back for a pause."""
LOSS: Final = "(loss)"
"""Messages were lost: a renewal request timed out, and no fault explains it."""
ERROR: Final = "(error)"
"""The server answered a renewal with an error, and no fault explains it."""
REPLICA: Final = "(replica)"
"""The renewal reached a replica that does not know the lease."""
SWEEP: Final = "(sweep)"
"""A sweep that had listed the expired lease revoked it although it had been renewed in between."""
CONGESTION: Final = "(congestion)"
"""A renewal waited for a place at the server until it timed out, and no fault explains it."""
PROTOCOL: Final = "(protocol)"
"""Nothing went wrong: the intervals and deadlines themselves let the lease run out."""
DEBT: Final = "(debt)"
"""Over-allocation only: nobody in excess lacks a lease, the books grant more than there is."""
WITHOUT_FAULT: Final = (PROVISIONING, RETRY, PAUSE, LOSS, ERROR, REPLICA, SWEEP, CONGESTION, PROTOCOL, DEBT)

_DELAYS: Final = frozenset({"sleep", "pause", "block", "gil_block", "slow", "clock_step", "clock_drift"})
_CUTS: Final = frozenset({"outage", "restart", "sleep", "slow"})
_STOPS: Final = frozenset({"pause", "block", "gil_block"})
_IMMUNE: Final = {"event_loop": (), "thread": ("block",), "process": ("block", "gil_block"), "none": ()}
"""Where the renewer runs: the faults that cannot stop it."""

_GIVEN_BACK: Final[dict[int, str]] = {Halt.RETRY: RETRY, Halt.PAUSED: PAUSE}


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause by name: a fault's, with the occurrence, or one of `WITHOUT_FAULT`."""

    name: str
    fault: int = -1
    begin_ns: int = -1


@dataclass(slots=True, eq=False)
class LeaseLife:
    """What became of one lease; times are -1 until they happen."""

    lease: int
    lane: int
    generation: int
    granted_ns: int
    started_ns: int = -1
    """The run's first execution."""
    ended_ns: int = -1
    """The authority took it away or got it back."""
    ended_by: int = -1
    """`Kind` REAP, RELEASE or FORGET."""
    lost_ns: int = -1
    """The holder took it for lost."""
    reason: int = -1
    truth: int = -1
    listed_ns: int = -1
    """When the last sweep before its end listed what it would take."""
    given_back_in: int = -1
    """`Halt` RETRY or PAUSED: where in its life the run gave it back."""
    cause: Cause | None = None

    @property
    def taken_first(self) -> bool:
        """Whether the authority ended it before the holder gave it up."""
        return self.ended_ns >= 0 and (self.lost_ns < 0 or self.ended_ns <= self.lost_ns)


@dataclass(frozen=True, slots=True)
class Critical:
    """The interval in which a renewal was missed."""

    since: int
    until: int
    reached: int
    """When the next renewal came, or would have come: too late. At the latest when the run was over."""
    missing: int
    """How much earlier it should have come."""
    by_clock: bool
    """Whether the authority's clock ended the lease."""


class Causes:
    """Finds the causes in one trace."""

    def __init__(self, trace: Trace, scenario: Scenario) -> None:
        self._scenario = scenario
        self._history = History(trace, scenario)

    def of(self, life: LeaseLife) -> Cause:
        """Return the cause of the loss of this lease; it is found once and remembered."""
        if life.cause is None:
            life.cause = self._find(life)
        return life.cause

    def _find(self, life: LeaseLife) -> Cause:
        if life.taken_first and life.ended_by == Kind.FORGET:
            return self._restart(life)
        if life.taken_first and life.ended_by == Kind.RELEASE:
            return Cause(_GIVEN_BACK.get(life.given_back_in, PROTOCOL))
        history = self._history.lease(life.lease)
        if self._unknown_there(life, history):
            return Cause(REPLICA)
        if self._listed_before(life, history):
            return Cause(SWEEP)
        too_early = life.taken_first and not 0 <= life.started_ns <= life.ended_ns
        critical = self._provisioning(life) if too_early else self._critical(life, history)
        blamed = max(self._blamed(life, history, critical), default=None)
        if blamed is not None:
            fault = self._scenario.faults[blamed.fault]
            return Cause(fault.name, blamed.fault, blamed.begin_ns)
        return Cause(PROVISIONING if too_early else self._without_fault(history, critical))

    def _restart(self, life: LeaseLife) -> Cause:
        faults = self._scenario.faults
        now = life.ended_ns
        restarts = [each for each in self._around(life, now, now) if faults[each.fault].what == "restart"]
        if not restarts:
            return Cause(PROTOCOL)
        last = max(restarts, key=lambda each: each.begin_ns)
        return Cause(faults[last.fault].name, last.fault, last.begin_ns)

    def _unknown_there(self, life: LeaseLife, history: LeaseHistory) -> bool:
        """Return whether a renewal was refused that the replica with the lease would have granted."""
        server = self._scenario.server
        if server.replicas == 1 or server.storage != "memory":
            return False
        if life.taken_first:
            last = max([life.granted_ns, *(time for time in history.renewed if time <= life.ended_ns)])
            return any(last < time < life.ended_ns for time in history.denied)
        return life.reason == Loss.REVOKED and life.truth == Truth.STILL_VALID

    def _listed_before(self, life: LeaseLife, history: LeaseHistory) -> bool:
        """Return whether the lease was renewed after the sweep that took it had listed it."""
        if self._scenario.lease.sweep_recheck or not life.taken_first or life.ended_by != Kind.REAP:
            return False
        last = max((time for time in history.renewed if time <= life.ended_ns), default=-1)
        return 0 <= life.listed_ns <= last

    # ---- the critical interval

    def _provisioning(self, life: LeaseLife) -> Critical:
        reached = life.started_ns if life.started_ns >= 0 else self._over(life)
        return Critical(life.granted_ns, life.ended_ns, reached, reached - life.ended_ns, by_clock=True)

    def _critical(self, life: LeaseLife, history: LeaseHistory) -> Critical:
        lost = life.ended_ns if life.taken_first else life.lost_ns
        since = max([life.granted_ns, *(time for time in history.renewed if time <= lost)])
        if not life.taken_first and life.reason == Loss.GAVE_UP:
            return Critical(since, lost, lost, FOREVER, by_clock=False)
        if not life.taken_first and life.reason == Loss.FENCED:
            slack = self._scenario.fence_after_ns - self._scenario.renew_every_ns
            missing = slack if slack > 0 else self._scenario.fence_after_ns
            return Critical(since, lost, lost, missing, by_clock=False)
        until = self._expiry(life, since, lost)
        over = self._over(life)
        reached = next((time for time in history.denied if until <= time <= over), life.lost_ns)
        if reached < until:
            reached = next((time for time in history.sent if time >= until), -1)
        if reached < until:
            return Critical(since, until, over, 0, by_clock=True)
        return Critical(since, until, reached, reached - until, by_clock=True)

    def _over(self, life: LeaseLife) -> int:
        return self._history.over(life.lane, life.generation)

    def _expiry(self, life: LeaseLife, since: int, lost: int) -> int:
        """Return from when on renewals were refused."""
        scenario = self._scenario
        if life.taken_first and scenario.lease.late_renew not in ("reject", "reject_locally"):
            return lost
        first = since == life.granted_ns or since < life.started_ns
        term = scenario.initial_ttl_ns if first else scenario.lease.ttl
        return min(lost, since + term + scenario.expiry_grace_ns)

    # ---- who is to blame

    def _around(self, life: LeaseLife, since: int, until: int) -> Iterator[Occurrence]:
        host = life.lane % self._scenario.hosts.count
        return self._history.faults(life.lane, life.generation, host, since, until)

    def _blamed(self, life: LeaseLife, history: LeaseHistory, critical: Critical) -> Iterator[_Suspect]:
        """Yield whoever is to blame, with how much it delayed."""
        if self._scenario.renewal.runs_in == "none":
            return
        exchanges = [each for each in history.exchanges if critical.since < each.ended_ns <= critical.reached]
        delays, cuts, delayed = [], [], 0
        for occurrence in self._around(life, critical.since, critical.reached):
            delay = self._delay(occurrence, critical, exchanges)
            delayed += delay
            if occurrence.begin_ns > critical.until:
                continue
            if self._cut(occurrence, history, critical, exchanges):
                begin = max(occurrence.begin_ns, critical.since)
                cut = min(occurrence.end_ns, critical.reached) - begin
                cuts.append(_Suspect(max(cut, delay), occurrence.begin_ns, occurrence.fault))
            if delay > 0:
                delays.append(_Suspect(delay, occurrence.begin_ns, occurrence.fault))
        yield from cuts
        if delayed >= critical.missing:
            yield from delays

    def _delay(self, occurrence: Occurrence, critical: Critical, exchanges: list[Exchange]) -> int:
        """Return by how much an occurrence can have delayed the renewal."""
        fault = self._scenario.faults[occurrence.fault]
        stalls = fault.what == "outage" and fault.mode == "stall"
        if not (fault.what in _DELAYS or stalls) or fault.what in _IMMUNE[self._scenario.renewal.runs_in]:
            return 0
        begin, end = max(occurrence.begin_ns, critical.since), min(occurrence.end_ns, critical.reached)
        if fault.what == "clock_step":
            return max(fault.step, 0) if critical.by_clock and begin == occurrence.begin_ns <= critical.until else 0
        if fault.what == "clock_drift":
            wrong_way = fault.ppm if fault.whom == "server" else -fault.ppm
            return max(int((end - begin) * wrong_way / 1_000_000), 0)
        if fault.what == "slow" or stalls:
            return sum(max(each.overlap(begin, end), 0) for each in exchanges)
        return end - begin

    def _cut(
        self, occurrence: Occurrence, history: LeaseHistory, critical: Critical, exchanges: list[Exchange]
    ) -> bool:
        """Return whether an occurrence made a renewal request fail, or cut the lease short."""
        fault, scenario = self._scenario.faults[occurrence.fault], self._scenario
        begin, end = occurrence.begin_ns, occurrence.end_ns
        failed = [each for each in exchanges if each.failed]
        if fault.what in _STOPS and fault.what not in _IMMUNE[scenario.renewal.runs_in]:
            return any(2 * each.overlap(begin, end) >= each.ended_ns - each.sent_ns > 0 for each in failed)
        if fault.what not in _CUTS:
            return False
        if fault.what == "restart" and scenario.lease.on_restart == "reset_to":
            short = scenario.lease.restart_ttl < scenario.lease.ttl
            if short and any(critical.since <= time <= critical.until for time in history.reset):
                return True
        if fault.what == "sleep":
            reconnect = scenario.network.reconnect
            end = end + reconnect.value if isinstance(reconnect, Constant) else max(end, critical.reached)
        return any(each.overlap(begin, end) >= 0 for each in failed)

    def _without_fault(self, history: LeaseHistory, critical: Critical) -> str:
        failed = [
            each for each in history.exchanges if critical.since < each.ended_ns <= critical.reached and each.failed
        ]
        if any(each.timed_out for each in failed):
            network, server = self._scenario.network, self._scenario.server
            lossless = network.loss_up == network.loss_down == 0 and network.bursts is None
            return CONGESTION if lossless and server.requests_max < UNLIMITED else LOSS
        return ERROR if any(each.outcome >= 400 for each in failed) else PROTOCOL


@dataclass(frozen=True, slots=True, order=True)
class _Suspect:
    """Compared by delay, then by beginning."""

    delay: int
    begin_ns: int
    fault: int
