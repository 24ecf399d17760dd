"""A test bench for a protocol: one slot, its holder, somebody who waits for it, and one fault on the holder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sim import engines
from sim.errors import UsageError, nearest
from sim.model.distributions import Distribution, Empirical, constant
from sim.model.faults import Fault, When
from sim.model.scenario import Scenario, Times
from sim.results.provenance import SEED
from sim.story.closed import Closed
from sim.story.looks import looks_of
from sim.story.pinned import Luck, altered, ends, pinned
from sim.streams import Streams
from sim.units import FOREVER, format_duration, parse_duration
from sim.vocabulary import Kind, Purpose

CYCLES_BEFORE: Final = 2
"""Renewals that succeed before the one with which the time of a fault begins."""
HOLDER: Final = 0
WAITER: Final = 1
REPLICATION: Final = (SEED, 0)
"""Seed and number: what is drawn at all is drawn as in the replication whose story is told."""

KINDS: Final[dict[str, tuple[str, str]]] = {
    "pause": ("pause", ""),
    "sleep": ("sleep", ""),
    "crash": ("crash", ""),
    "refused": ("outage", "refuse"),
    "reset": ("outage", "reset"),
    "error": ("outage", "error"),
    "black_hole": ("outage", "black_hole"),
    "stall": ("outage", "stall"),
}
"""What can befall the holder: the fault, and the mode of an outage. All on its machine only; the others go on."""
LASTING: Final = tuple(kind for kind in KINDS if kind != "crash")
_STRIKE = re.compile(
    r"\s*(?P<kind>\w+)\s+at\s+(?P<start>[^,]+?)(?:\s+for\s+(?P<length>[^,]+?))?"
    r"(?:\s*,\s*asked from\s+(?P<asked>[^,]+?))?(?:\s*,\s*(?P<luck>good luck|slow to find out))?\s*"
)


@dataclass(frozen=True)
class Strike:
    """One fault on the holder; `release` is none: it finishes its work then."""

    kind: str
    start_ns: int
    length_ns: int = 0

    @property
    def text(self) -> str:
        """The strike as it is typed: ``pause at 41s for 12s``."""
        how_long = f" for {format_duration(int(self.length_ns))}" if self.kind in LASTING else ""
        return f"{self.kind} at {format_duration(int(self.start_ns))}{how_long}"


def strike_of(text: str) -> tuple[Strike, str, int | None]:
    """Read ``pause at 41s for 12s``; return the strike, the luck, and when whoever waits comes, if that is said."""
    match = _STRIKE.fullmatch(text)
    if match is None:
        raise UsageError(f"cannot read '{text}' as one fault", "for example 'pause at 41s for 12s' or 'crash at 41s'")
    kind = checked_kind(match["kind"])
    if kind in LASTING and match["length"] is None:
        raise UsageError(f"'{text}': a {kind} needs a length", f"for example '{kind} at 41s for 12s'")
    if kind not in LASTING and match["length"] is not None:
        raise UsageError(f"'{text}': a {kind} has no length", f"for example '{kind} at 41s'")
    try:
        start, length = parse_duration(match["start"]), parse_duration(match["length"] or "0s")
        asked = parse_duration(match["asked"]) if match["asked"] else None
    except ValueError as error:
        raise UsageError(f"'{text}': {error}") from None
    if min(start, length, asked or 0) < 0:
        raise UsageError(f"'{text}': a fault begins at or after 0s and lasts no negative time")
    return Strike(kind, start, length), match["luck"] or "", asked


def checked_kind(kind: str) -> str:
    """Return the kind, or say which there are."""
    if kind not in (*KINDS, "release"):
        near = nearest(kind, (*KINDS, "release"))
        hint = f"did you mean '{near}'?" if near else f"choose from: {', '.join((*KINDS, 'release'))}"
        raise UsageError(f"no fault '{kind}' of a holder", hint)
    return kind


@dataclass(frozen=True)
class Bench:
    """A protocol without chance, from two renewals that went well on.

    The window is one renewal cycle: from the sending of a renewal to the sending of the next. Whoever waits is as
    quick or as slow as can be to take a lease that was last renewed by the one at the start of the window.
    """

    scenario: Scenario
    """Without faults and without whoever waits."""
    closed: Closed
    start_ns: int
    stop_ns: int
    waits: tuple[int, float] | None = None
    """Where in its jitter each wait of a back-off lies: so many there, from 0 to 1, and all after them the longest.

    None for waits without jitter, as they are in the scenario."""

    @property
    def stamp_ns(self) -> int:
        """When the renewal at the start of the window takes effect."""
        return self.start_ns + self.closed.effect_ns

    @property
    def waiter_ns(self) -> int:
        """When somebody comes who wants the slot."""
        lease, closed = self.scenario.lease, self.closed
        if lease.judge == "contender":
            return self.stamp_ns - closed.effect_ns + (1 if closed.prompt else -1)
        if lease.expiry_check == "on_acquire":
            return self.stamp_ns + closed.term_ns - closed.effect_ns - (0 if closed.prompt else 1)
        return 0

    @property
    def duration_ns(self) -> int:
        """Until when anything of interest happens, whatever the fault."""
        return self.scenario.duration

    def world(self, strike: Strike, waiter_ns: int | None = None) -> Scenario:
        """Return the bench with its fault and with whoever waits. Times may be symbolic: nothing is validated here."""
        arrivals = Times.model_construct(kind="times", times=(0, self.waiter_ns if waiter_ns is None else waiter_ns))
        runs: dict[str, object] = {"arrivals": arrivals}
        if strike.kind == "release":
            return altered(self.scenario, runs=runs)
        what, mode = KINDS[strike.kind]
        fault = Fault.model_validate(
            {"what": what, "whom": "hosts", "only": (HOLDER,), "when": {"times": ()}} | ({"mode": mode} if mode else {})
        )
        when = When.model_construct(trace=((strike.start_ns, strike.length_ns),))
        return altered(
            self.scenario, runs=runs, faults=(*self.scenario.faults, fault.model_copy(update={"when": when}))
        )


def bench(scenario: Scenario, luck: Luck, prompt: bool, asking: bool = False) -> Bench:
    """Return the bench of a scenario's protocol.

    `asking`: whoever waits polls as the limit says; else it is woken at once, where the authority is the judge.
    """
    base = pinned(scenario, luck)
    closed = Closed(base, prompt)
    polls = base.lease.judge == "contender" or base.lease.expiry_check == "on_acquire"
    poll: Distribution = constant(ends(base.limit.poll)[1])
    if base.lease.judge == "contender" and not asking:
        looks = looks_of(base, closed.trip_ns)
        poll = _in_turn([gap - closed.trip_ns for gap in ([looks.soon()] if prompt else looks.late())])
    base = altered(
        base,
        duration=FOREVER // 4,
        limit={
            "slots": 1,
            "collision": "enqueue" if polls or asking else "watch",
            "poll": poll if polls or asking else constant(FOREVER // 8),
        },
        hosts={"count": 2},
        runs={"arrivals": Times.model_construct(kind="times", times=(0,)), "work": constant(FOREVER)},
    )
    return _aligned(base, closed)


def waiting(made: Bench, scenario: Scenario, waits: tuple[int, float]) -> Bench:
    """Return the bench with the jitter of its scenario's back-offs, and where in it the waits lie."""
    renewal, http = scenario.renewal, scenario.http
    loop = {name: getattr(renewal, name) for name in ("backoff", "backoff_cap", "backoff_jitter")}
    inner = {name: getattr(http, name) for name in ("backoff", "backoff_cap", "jitter")}
    return replace(made, scenario=altered(made.scenario, renewal=loop, http=inner), waits=waits)


def _in_turn(waits: Sequence[int]) -> Distribution:
    """Return an ordinary law whose first draws for whoever waits are these, one after the other.

    Each draw of the bench's replication falls on its own value, for the law has as many as are needed for that.
    """
    streams = Streams(*REPLICATION)
    drawn = [streams.block(Purpose.POLL, WAITER, 0, number + 1)[0] for number in range(len(waits))]
    count = 1
    while True:
        laid = {int(at * count): wait for at, wait in zip(drawn, waits, strict=True)}
        if all(laid[int(at * count)] == wait for at, wait in zip(drawn, waits, strict=True)):
            break
        count *= 2
    if count == 1:
        return constant(waits[0])
    return Empirical.model_construct(values=tuple(laid.get(cell, waits[0]) for cell in range(count)))


def unrenewed(made: Bench) -> Bench:
    """Return the bench with another window: from the grant's request to the sending of the first renewal.

    Whoever waits, and sweeps, are as quick or as slow as can be to take the lease of the grant.
    """
    base = made.scenario
    first = {"ttl": base.initial_ttl_ns, "expiry_grace": base.expiry_grace_ns}
    closed = Closed(altered(made.closed.scenario, lease=first, renewal=_as_ns(base)), made.closed.prompt)
    return _in_step(Bench(base, closed, 0, _renewals_of(base, made.closed, 1.0)[0]))


def slowed(made: Bench, share: float) -> Bench:
    """Return the bench with a holder whose clock is slow by that share of true time: its window is another.

    It is slow from the renewal before the window on: how long the first lease waits for its first renewal is another
    question.
    """
    since = f"{made.start_ns - made.closed.cycle_ns}ns"
    drift = Fault.model_validate(
        {"what": "clock_drift", "whom": "hosts", "only": (HOLDER,), "when": {"times": (since,)}, "length": "forever"}
        | {"ppm": -share * 1e6}
    )
    return _aligned(altered(made.scenario, faults=(drift,)), made.closed, 1 - share)


def _aligned(base: Scenario, closed: Closed, rate: float = 1.0) -> Bench:
    """Return the bench with its window, and the luck of whoever waits and of sweeps in step with it."""
    start, stop = _renewals_of(base, closed, rate)[CYCLES_BEFORE : CYCLES_BEFORE + 2]
    return _in_step(Bench(base, closed, start, stop))


def _in_step(made: Bench) -> Bench:
    return replace(made, scenario=_swept(made))


def _renewals_of(base: Scenario, closed: Closed, rate: float) -> list[int]:
    """Return when the first renewals are sent where nothing goes wrong but the clock."""
    count = CYCLES_BEFORE + 2
    until = closed.trip_ns * 4 + round((count + 1) * (closed.cycle_ns + 1) / rate)
    trace = engines.run(
        altered(base, duration=until, lease={"ttl": FOREVER // 8}, renewal=_as_ns(base)), engine="process"
    )
    return [event.time_ns for event in trace if event.kind is Kind.SEND][:count]


def _as_ns(base: Scenario) -> dict[str, object]:
    """Intervals that are a share of the ttl, in nanoseconds: the ttl may then be another."""
    return {"every": base.renew_every_ns, "fence_after": FOREVER // 8}


def _swept(made: Bench) -> Scenario:
    """Sweeps, or multiples of a bucket, that meet an expiry at once, or have just missed it."""
    lease, closed = made.scenario.lease, made.closed
    if not closed.sweep_ns:
        return made.scenario
    missed = 0 if closed.prompt else 1
    over_ns = made.stamp_ns + closed.term_ns
    if lease.expiry_check == "sweep":
        return altered(made.scenario, lease={"sweep_phase": (over_ns - missed) % lease.sweep_interval})
    return altered(made.scenario, hosts={"wall_offset": (missed - over_ns) % lease.sweep_interval})
