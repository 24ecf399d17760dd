"""One renewal cycle on the reference engine: from one successful renewal of a lone holder to the next, or to its stop.

A long-lived run is a chain of such cycles, each beginning with a fresh lease and a holder that is awake. Then
false terminations per lease-hour are P(a cycle ends in a stop) over the mean length of a cycle (renewal-reward).
The holder is alone, since nothing that the other runs do changes how long its lease lasts where this applies.
`reasons_against` says where it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from sim.engines.process import faults, population
from sim.engines.process.client import grown
from sim.engines.process.draws import Sampler
from sim.engines.process.world import World
from sim.errors import Problem
from sim.model.distributions import constant
from sim.model.scenario import Closed, Scenario
from sim.streams import Streams
from sim.trace import Row
from sim.units import DAY, FOREVER, format_duration
from sim.vocabulary import Kind, Outcome

CYCLES_MIN: Final = 20
"""Runs shorter than this many cycles are mostly beginning and end."""
REQUESTS_BEFORE: Final = 2
"""Request 0 acquires, request 1 renews at once: with its answer the cycle begins."""
_RATE_ONLY: Final = ("slow", "clock_drift", "clock_step")


class Cycle(NamedTuple):
    """What came of one cycle."""

    killed: bool
    length_ns: int
    """Lease time: until the next success, or until the lease was taken for lost. 0: a void cycle, which never began."""
    suspects: tuple[int, ...]
    """The faults that began before it ended."""
    trouble_ns: int = -1
    """The lease age at which the last of them is to end; -1: none began."""


def lone_holder(scenario: Scenario) -> Scenario:
    """Return the world of one holder whose first cycle begins at once: the same protocol, network and faults."""
    runs = scenario.runs.model_copy(
        update={"arrivals": Closed(clients=1), "provisioning": constant(0), "work": constant(FOREVER), "rerun": ()}
    )
    return scenario.model_copy(
        update={
            "duration": max(30 * DAY, 100 * scenario.lease.ttl),
            "warmup": 0,
            "runs": runs,
            "limit": scenario.limit.model_copy(update={"slots": 1, "collision": "enqueue"}),
            "lease": scenario.lease.model_copy(update={"initial_ttl": 1.0}),
            "renewal": scenario.renewal.model_copy(update={"first": "immediate"}),
            "hosts": scenario.hosts.model_copy(update={"count": 1}),
        }
    )


def cycle_of(scenario: Scenario, draws: Streams, follower: Follower) -> Cycle:
    """Let a lone holder's world run until its first cycle is over; `follower` is told of every event."""
    world = World(scenario, draws)
    faults.begin(world)
    population.begin(world)
    env, rows = world.schedule.env, world.rows
    seen = 0
    while env.peek() < scenario.duration:
        env.step()
        while seen < len(rows):
            cycle = follower.after(rows[seen])
            if cycle is not None:
                return cycle
            seen += 1
    return follower.ended(scenario.duration, killed=False)


class Follower:
    """Follows the events of a lone holder from its first renewal on."""

    def __init__(self) -> None:
        self.began = self.lost = -1
        self.trouble = -1
        self.suspects: list[int] = []
        self.under_way: set[int] = set()
        """Places in the file of the faults that have begun and not ended."""
        self.next_request = REQUESTS_BEFORE
        """The number of the first request after the cycle began."""

    def after(self, row: Row) -> Cycle | None:
        """Take note of an event; return the cycle if it is over."""
        time, kind, _, _, number, _, value = row
        if kind == Kind.FAULT_BEGIN:
            self.suspects.append(number)
            self.under_way.add(number)
            self.trouble = max(self.trouble, time + value)
        elif kind == Kind.FAULT_END:
            self.under_way.discard(number)
        elif kind == Kind.LOST and self.lost < 0:
            self.lost = time
        elif kind in (Kind.STOP, Kind.CRASH):
            return self.ended(self.lost if self.lost >= 0 else time, kind == Kind.STOP)
        elif kind == Kind.ANSWER and value == Outcome.OK:
            if self.began >= 0:
                return self.ended(time, killed=False)
            self.began, self.next_request = time, number + 1
        elif kind == Kind.ANSWER and self.began < 0:
            return self.ended(time, killed=False)
        return None

    def ended(self, time: int, killed: bool) -> Cycle:
        """Return the cycle. One that does not begin with the first renewal is void: no cycle begins after a failure."""
        if self.began < 0:
            return Cycle(False, 0, tuple(self.suspects))
        trouble = max(0, self.trouble - self.began) if self.suspects else -1
        return Cycle(killed, time - self.began, tuple(self.suspects), trouble)


def longest_wait_ns(scenario: Scenario) -> int:
    """Return the longest interval between two renewals when nothing goes wrong, without round trips."""
    return round(scenario.renew_every_ns * max(1.0, scenario.renewal.jitter[1]))


def shortest_wait_ns(scenario: Scenario) -> int:
    """Return the shortest interval between two renewals."""
    return round(scenario.renew_every_ns * min(1.0, scenario.renewal.jitter[0]))


def longest_latency_ns(scenario: Scenario) -> int:
    """Return how long a round trip seldom exceeds: each leg, and the service, in 99 of 100."""
    laws = (scenario.network.up, scenario.network.down, scenario.server.service)
    parts = [step / 20 for step in range(1, 20)]
    return sum(max(sampler.of(0.99, part) for part in parts) for sampler in map(Sampler, laws))


def retry_gap_ns(scenario: Scenario) -> int:
    """Return the longest wait between two tries of a renewal, without time-outs: the last one may be so early."""
    renewal, http = scenario.renewal, scenario.http
    longest = grown(renewal.backoff, renewal.backoff_factor, renewal.backoff_cap, renewal.attempts)
    inner = grown(http.backoff, http.backoff_factor, http.backoff_cap, http.max_retries) if http.max_retries else 0.0
    return round(max(longest * (1 + renewal.backoff_jitter), inner * (1 + http.jitter)))


def time_out_ns(scenario: Scenario) -> int:
    """Return how long a request waits for an answer that does not come."""
    return max(scenario.http.connect_timeout, scenario.http.read_timeout)


def failed_try_ns(scenario: Scenario) -> int:
    """Return how long it takes, at most, until a request whose answer was lost is sent again."""
    return time_out_ns(scenario) + retry_gap_ns(scenario)


# ---- where it does not apply ------------------------------------------------------------------------------


def reasons_against(scenario: Scenario) -> tuple[Problem, ...]:
    """Return why rare events cannot be estimated cycle by cycle here; each names its fields."""
    found = (*_protocol(scenario), *_lives(scenario), *_faults(scenario))
    return tuple(Problem(path=path, message=message, value=value, hint=hint) for path, message, value, hint in found)


_Reason = tuple[str, str, str | None, str | None]
_CRUDE: Final = "count instead: leave the method out"


def _protocol(s: Scenario) -> Iterator[_Reason]:
    lease, renewal = s.lease, s.renewal
    if renewal.runs_in == "none":
        yield "renewal.runs_in", "has no renewals: there are no cycles", "none", _CRUDE
    for name in ("on_lost", "on_giveup"):
        if (then := getattr(renewal, name)) != "terminate":
            yield f"renewal.{name}", "must be 'terminate': otherwise the cycle goes on without a lease", then, _CRUDE
    if renewal.cadence == "fixed_rate":
        yield "renewal.cadence", "makes each cycle depend on the one before", "fixed_rate", 'use "after_response"'
    if lease.late_renew == "if_untaken" or lease.expiry_check == "on_acquire" or lease.judge == "contender":
        where = "lease.late_renew" if lease.late_renew == "if_untaken" else "lease.expiry_check"
        value = lease.late_renew if lease.late_renew == "if_untaken" else lease.expiry_check
        yield where, "makes a late renewal depend on who else waits for the slot", value, _CRUDE
    if s.renew_every_ns >= lease.ttl + s.expiry_grace_ns:
        yield "renewal.every", "is not below lease.ttl: losing the lease is not rare", None, _CRUDE
    if s.network.bursts is not None:
        yield "network.bursts", "is not biased: bursts span cycles", None, "use independent loss, or count"
    if s.server.host == "shared" and s.hosts.count > 1:
        yield "server.host", "with several hosts one of them has no network and the others have", "shared", _CRUDE


def _lives(s: Scenario) -> Iterator[_Reason]:
    runs = s.runs
    if runs.retry.probability > 0 and runs.retry.attempts > 0:
        yield "runs.retry", "changes the lease in the middle of a run", None, _CRUDE
    if runs.pause.rate > 0:
        yield "runs.pause", "changes the lease in the middle of a run", None, _CRUDE
    if runs.cancel.rate > 0:
        yield "runs.cancel", "ends cycles early", None, _CRUDE
    work = getattr(runs.work, "value", getattr(runs.work, "mean", getattr(runs.work, "median", None)))
    if work is not None and work < CYCLES_MIN * s.renew_every_ns:
        least = format_duration(CYCLES_MIN * s.renew_every_ns)
        yield (
            "runs.work",
            f"must last {CYCLES_MIN} renewals ({least}) or more: start and end of a run are left out",
            format_duration(work),
            _CRUDE,
        )


def _faults(s: Scenario) -> Iterator[_Reason]:
    for index, fault in enumerate(s.faults):
        if fault.probability == 0 or fault.when.rate == 0:
            continue
        if fault.when.rate is None:
            yield f"faults[{index}].when", "must be a rate: set times make no cycle like another", None, 'use "2/d"'
        if fault.what in _RATE_ONLY:
            yield (
                f"faults[{index}].what",
                "may be under way, or have left its mark, when a cycle begins",
                fault.what,
                (_CRUDE),
            )
        if fault.only:
            yield f"faults[{index}].only", "makes some runs differ from others", None, _CRUDE
