"""Rules that join two fields of a scenario: contradictions are errors, costly choices are warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from sim.errors import Problem
from sim.model.distributions import Lognormal
from sim.model.scenario import Backlog, Scenario
from sim.model.systems.books import broken
from sim.units import DAY, format_duration

DURATION_MAX = 3650 * DAY
SPELLS_MANY: Final = 1_000_000
"""Good and bad spells of links in one replication: the readable engine draws so many in a quarter of a minute."""


def contradictions(s: Scenario) -> tuple[Problem, ...]:
    """Return what cannot be simulated, or means nothing: each names the fields that quarrel."""
    own = (problem for problem in broken(s) if problem.severity == "error")
    ours = (Problem(path=path, message=message, hint=hint) for path, message, hint in (*_protocol(s), *_world(s)))
    return (*ours, *own)


def warnings_of(s: Scenario) -> tuple[Problem, ...]:
    """Return what is legal but probably not meant, each with its consequence."""
    own = (problem for problem in broken(s) if problem.severity == "warning")
    ours = (
        Problem(path=path, message=message, hint=hint, severity="warning")
        for path, message, hint in (*_timing(s), *_costly(s), *_inert(s))
    )
    return (*ours, *own)


_Finding = tuple[str, str, str | None]


def _protocol(s: Scenario) -> Iterator[_Finding]:
    lease, limit, renewal = s.lease, s.limit, s.renewal
    if lease.on_restart == "lost_leak" and lease.books == "leases":
        yield (
            "lease.on_restart",
            "'lost_leak' contradicts lease.books = 'leases': a slot cannot leak where the leases are the books",
            'use on_restart = "lost_free", or books = "counter"',
        )
    if lease.release_fallback and lease.books == "leases":
        yield "lease.release_fallback", "needs lease.books = 'counter': there is no counter to decrement", None
    if limit.slot_decay_per_second > 0 and lease.books == "leases":
        yield "limit.slot_decay_per_second", "needs lease.books = 'counter': only a counter decays", None
    if s.runs.cancel.lease == "orphan" and s.runs.cancel.rate > 0 and lease.books == "leases":
        yield (
            "runs.cancel.lease",
            "'orphan' needs lease.books = 'counter': only a counter can be given back alone",
            None,
        )
    if lease.judge == "contender" and (lease.expiry_check != "on_acquire" or limit.collision != "enqueue"):
        yield (
            "lease.judge",
            "'contender' needs lease.expiry_check = 'on_acquire' and limit.collision = 'enqueue': "
            "a contender judges when it polls",
            None,
        )
    if renewal.fence_anchor not in ("send", "recv") and lease.late_renew == "reject_locally":
        yield (
            "lease.late_renew",
            "'reject_locally' needs renewal.fence_anchor 'send' or 'recv': the holder must know its own deadline",
            None,
        )
    if not 0 < renewal.jitter[0] <= renewal.jitter[1] <= 100:
        yield "renewal.jitter", "must be two factors, low to high, above 0 and at most 100", "for example [1.0, 1.2]"
    if s.duration > DURATION_MAX:
        yield "duration", f"must be at most {format_duration(DURATION_MAX)}", "replicate instead: --reps"
    if s.warmup >= s.duration:
        yield (
            "warmup",
            f"({format_duration(s.warmup)}) must be shorter than duration ({format_duration(s.duration)})",
            None,
        )
    if s.server.replicas > 1 and lease.on_restart.startswith("reset"):
        yield "lease.on_restart", "is not defined for several replicas; use keep or lost_*", None


def _world(s: Scenario) -> Iterator[_Finding]:
    names = Counter(fault.name for fault in s.faults)
    for index, fault in enumerate(s.faults):
        if names[fault.name] > 1:
            yield (
                f"faults[{index}].name",
                f"'{fault.name}' is used twice: a name addresses a fault's random draws, so it must be unique",
                "give each fault its own name",
            )
            names[fault.name] = 1
        highest = max(fault.only, default=-1)
        if fault.whom == "hosts" and highest >= s.hosts.count:
            yield f"faults[{index}].only", f"names host {highest}, but hosts.count is {s.hosts.count}", None
        if fault.whom == "runs" and fault.when.daily is not None:
            yield f"faults[{index}].when", "'daily' is not for runs: their times count from the run's own start", None
        if fault.what == "sleep" and fault.whom == "server" and s.server.host == "shared":
            yield f"faults[{index}].whom", "the server shares the first host: let the host sleep", 'whom = "hosts"'


def _timing(s: Scenario) -> Iterator[_Finding]:
    ttl, every = s.lease.ttl, s.renew_every_ns
    if s.renewal.runs_in == "none":
        return
    if every >= ttl + s.expiry_grace_ns:
        reaped = (
            "before its first renewal" if s.renewal.first == "after_interval" else "before each renewal after the first"
        )
        yield (
            "renewal.every",
            f"({format_duration(every)}) is not shorter than lease.ttl ({format_duration(ttl)}): "
            f"every lease expires {reaped}",
            "renewal.every = 0.75 keeps the two in step when the ttl is swept",
        )
    for index, fault in enumerate(s.faults):
        length = fault.length
        if fault.what == "sleep" and isinstance(length, Lognormal) and length.median > ttl:
            yield (
                f"faults[{index}].length",
                f"the median sleep ({format_duration(length.median)}) is longer than lease.ttl "
                f"({format_duration(ttl)}): most sleeps end in termination; is that the question?",
                None,
            )
            return


def _costly(s: Scenario) -> Iterator[_Finding]:
    """What makes a replication take minutes, and is told apart by no request."""
    bursts = s.network.bursts
    if bursts is None:
        return
    spells = s.hosts.count * 2 * s.duration // (bursts.mean_good + bursts.mean_bad)
    if spells > SPELLS_MANY:
        yield (
            "network.bursts",
            f"has spells of {format_duration(bursts.mean_good)} and {format_duration(bursts.mean_bad)} on average, "
            f"about {spells:,} of them in {format_duration(s.duration)}, each drawn: over {SPELLS_MANY:,} are slow",
            "spells shorter than from one message to the next are plain loss: network.loss_up and network.loss_down",
        )


def _inert(s: Scenario) -> Iterator[_Finding]:
    if s.lease.books == "leases" and s.limit.retry_after == "occupancy" and s.limit.collision != "enqueue":
        yield "limit.retry_after", "has no effect unless limit.collision = 'enqueue'", None
    if s.limit.denied_slots and s.limit.retry_after == "none":
        yield "limit.denied_slots", "has no effect with limit.retry_after = 'none'", None
    if s.server.storage == "memory" and s.lease.on_restart == "keep" and any(f.what == "restart" for f in s.faults):
        yield "lease.on_restart", "is 'keep' although server.storage is 'memory': leases would not survive", None
    if s.limit.collision == "cancel_new" and isinstance(s.runs.arrivals, Backlog):
        yield "runs.arrivals", "is a backlog, which 'cancel_new' empties at once: nobody is left waiting", None
    if s.renewal.runs_in == "none" and s.renewal.fence_anchor in ("send", "recv", "loop_start"):
        yield (
            "renewal.fence_anchor",
            "has no effect with runs_in = 'none': there is no loop that keeps a deadline",
            None,
        )
    if s.server.storage != "memory" and s.server.replicas > 1:
        yield "server.replicas", f"has no effect with server.storage = '{s.server.storage}': all share the leases", None
    if s.limit.slots == 0:
        yield "limit.slots", "is 0: no run is ever granted a slot", None
