"""The table of closed forms: what a protocol survives, for how long two may execute, how long a hand-over takes.

One holder, one contender, one fault; exact for constant delays, which are taken at the end that is bad or good for
the holder (see `sim.story.pinned`). `surely` holds at whatever time the fault begins, `possibly` at the best.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from sim.model.fields import UNLIMITED
from sim.model.load import load
from sim.model.scenario import Scenario
from sim.story.closed import Closed
from sim.story.looks import LATE_LOOKS
from sim.story.patience import Failure
from sim.story.pinned import pinned
from sim.story.words import length, plural
from sim.units import FOREVER, SECOND

Unit = Literal["ns", "requests", "share"]
CUTS: Final[dict[str, tuple[str, Failure]]] = {
    "refused": ("refused connections", "refused"),
    "reset": ("broken connections", "reset"),
    "error": ("error answers (503)", "status 503"),
    "black_hole": ("black hole", "connect time-out"),
}
"""How a holder is cut off: in words, and how its requests fail."""


@dataclass(frozen=True)
class Bound:
    """One figure: what it is, its closed form in words, the numbers put in, and the result."""

    key: str
    """What a search looks for to check it: ``"outage.refused.surely"``."""
    quantity: str
    value: float | None
    """Nanoseconds, requests or a share of one; None where there is none, `FOREVER` where there is no bound."""
    formula: str
    numbers: str
    unit: Unit = "ns"

    @property
    def text(self) -> str:
        """The result with its unit."""
        return said(self.value, self.unit)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object, times in seconds."""
        value = self.value
        if value is not None and value >= FOREVER:
            value = None
        in_seconds = value / SECOND if self.unit == "ns" and value is not None else value
        return {
            "key": self.key,
            "quantity": self.quantity,
            "value": in_seconds,
            "unit": "s" if self.unit == "ns" else self.unit,
            "bounded": self.value is None or self.value < FOREVER,
            "text": self.text,
            "formula": self.formula,
            "numbers": self.numbers,
        }


def said(value: float | None, unit: Unit) -> str:
    """Return a figure with its unit, or that it has no bound."""
    if value is None:
        return "none"
    if value >= (UNLIMITED if unit == "requests" else FOREVER):
        return "no bound"
    if unit == "requests":
        return plural(int(value), "request")
    return f"{value * 100:.3g} %" if unit == "share" else length(int(value))


def bounds(scenario: Scenario | str | os.PathLike[str]) -> list[Bound]:
    """Return the closed forms of the protocol of a scenario, given itself or by name or path; nothing is simulated.

    Its faults are left out: what counts is the lease, the holder's renewals and their retries, the authority's or the
    contenders' judgement, and the delays of messages.
    """
    if not isinstance(scenario, Scenario):
        scenario = load(scenario)
    pins = pinned(scenario, "bad"), pinned(scenario, "good")
    bad, good = Closed(pins[0], prompt=True, chance=scenario), Closed(pins[1], prompt=False, chance=scenario)
    slow = Closed(pins[0], prompt=False, chance=scenario)
    if scenario.renewal.runs_in == "none":
        return [*_unrenewed(bad), *_handover(bad, slow)]
    return [
        *_outages(bad, good),
        *_stops(bad, good),
        *_tries(bad),
        *_overlaps(bad),
        *_handover(bad, slow),
        *_clocks(bad),
    ]


# ------------------------------------------------------------------ the rows


def _unrenewed(c: Closed) -> Iterator[Bound]:
    first_ns = c.scenario.initial_ttl_ns + c.scenario.expiry_grace_ns
    yield Bound("life", "life of a lease: nobody renews it", first_ns, "initial_ttl + grace", length(first_ns))
    yield Bound("overlap.pause", "overlap of a holder that works longer", FOREVER, "to the end of its work", "")


def _age(c: Closed) -> tuple[str, str]:
    """How old a lease may be when a renewal brings it through, in words and numbers."""
    lease = c.scenario.lease
    if lease.judge == "contender":
        if c.prompt:
            return "ttl + trip", f"{length(c.accepted_ns)}"
        return f"{LATE_LOOKS} + trip", f"{length(c.accepted_ns)}"
    words = "ttl + grace" if c.scenario.expiry_grace_ns else "ttl"
    if not c.prompt and lease.late_renew != "reject":
        late = "sweep_interval" if c.sweep_ns else "poll" if lease.expiry_check == "on_acquire" else ""
        words += f" + {late}" if late else ""
    if lease.late_renew in ("if_untaken", "resurrect") and lease.reuse_delay:
        words += " + reuse_delay"
    return words, length(c.accepted_ns)


def _cycle(c: Closed) -> tuple[str, str]:
    words = "every + trip" if c.scenario.renewal.cadence == "after_response" else "every"
    return words, length(c.cycle_ns)


def _fence(c: Closed) -> str:
    if c.anchor not in ("send", "recv", "loop_start"):
        return ""
    return f", and before its own deadline, fence_after = {length(c.fence_ns)} from {c.anchor}"


def _outages(bad: Closed, good: Closed) -> Iterator[Bound]:
    for key, (name, failure) in CUTS.items():
        for c, sense in ((bad, "surely"), (good, "possibly")):
            (age, age_n), (cycle, cycle_n) = _age(c), _cycle(c)
            formula = f"the last try that comes before {age} - ({cycle}) after it was due{_fence(c)}"
            numbers = f"of {_listed(c, failure)}, before {age_n} - {cycle_n}"
            if sense == "possibly":
                formula, numbers = (
                    f"{formula}; and all but a one-way trip of the cycle before",
                    f"{numbers}; + {cycle_n}",
                )
            yield Bound(
                f"outage.{key}.{sense}", f"outage {sense} survived, {name}", c.outage_ns(failure), formula, numbers
            )


def _listed(c: Closed, failure: Failure) -> str:
    tries = [length(sent) for sent in c.tries(failure).tries]
    shown = tries if len(tries) <= 4 else [*tries[:2], "...", tries[-1]]
    return f"tries at {', '.join(shown)}" if len(tries) > 1 else "one try"


def _stops(bad: Closed, good: Closed) -> Iterator[Bound]:
    for c, sense in ((bad, "surely"), (good, "possibly")):
        (age, age_n), (cycle, cycle_n) = _age(c), _cycle(c)
        less, less_n = (cycle, cycle_n) if sense == "surely" else ("trip", length(c.trip_ns))
        late = ", less a trip for the answer" if c.anchor in ("send", "recv") else ""
        formula = f"{age} - {less if less == 'trip' else f'({less})'}{_fence(c) if late else ''}{late}"
        yield Bound(
            f"pause.{sense}", f"pause {sense} survived (clock runs)", c.pause_ns(), formula, f"{age_n} - {less_n}"
        )
    for c, sense in ((bad, "surely"), (good, "possibly")):
        (age, age_n), (cycle, cycle_n) = _age(c), _cycle(c)
        runs_on = c.scenario.hosts.monotonic_counts_suspend
        formula = f"{age} - ({cycle})" if sense == "surely" or not runs_on else f"{age} - trip"
        if sense == "possibly" and not runs_on:
            formula += ", or less the retry of a renewal that the sleep broke off"
        formula += ", less what reconnecting costs" if c.reconnect_ns else ""
        which = "runs" if runs_on else "stands"
        numbers = f"{age_n} - {cycle_n}"
        yield Bound(f"sleep.{sense}", f"sleep {sense} survived (clock {which})", c.sleep_ns(), formula, numbers)


def _tries(c: Closed) -> Iterator[Bound]:
    for key, (name, failure) in CUTS.items():
        tries = c.tries(failure)
        count: float = tries.before(c.fenced_ns)
        ends_ns = min(tries.gives_up_ns, c.fenced_ns)
        why = "until its own deadline" if c.fenced_ns <= tries.gives_up_ns else "attempts x (1 + max_retries)"
        if ends_ns >= FOREVER:
            count, why = UNLIMITED, "it never gives up by itself: attempts = unlimited, and no local deadline"
        lasts = "" if ends_ns >= FOREVER else f"over {length(ends_ns)}"
        yield Bound(f"tries.{key}", f"requests before giving up, {name}", count, why, lasts, "requests")


def _overlaps(c: Closed) -> Iterator[Bound]:
    stop = " + stop_delay" if c.stop_ns else ""
    told = f"{length(c.told_ns())} to learn of it" if c.told_ns() < FOREVER else "it never learns of it"
    late = "every + " if c.trip_ns and c.scenario.renewal.cadence != "after_send" else ""
    formula = f"{late}time to learn of it{stop}{_fence(c)}"
    formula += "; a good answer that it reads only afterwards counts as news" if late else ""
    numbers = f"{length(c.every_ns)}, {told}"
    if c.unstoppable:
        formula = "it executes on: " + (
            "late renewals bring leases back" if c.scenario.lease.late_renew == "resurrect" else "on_lost"
        )
    yield Bound("overlap.pause", "overlap after a pause, at worst", c.overlap_pause_ns(), formula, numbers)
    waits = (
        "time to learn of it"
        if c.scenario.hosts.monotonic_counts_suspend
        else "the rest of every + time to learn of it"
    )
    formula = formula if c.unstoppable else f"{waits}{stop}{_fence(c)}"
    yield Bound("overlap.sleep", "overlap after a sleep, at worst", c.overlap_sleep_ns(), formula, numbers)
    age = "ttl + 2 trips" if c.scenario.lease.judge == "contender" else "term + reuse_delay + trip"
    for key, (name, failure) in CUTS.items():
        lasts = c.tries(failure).gives_up_ns
        numbers = f"{length(c.cycle_ns)} + {'no end' if lasts >= FOREVER else length(lasts)} - {length(c.executing_ns)}"
        words = f"every + trip + tries{stop} - ({age}){_fence(c)}"
        yield Bound(f"overlap.{key}", f"overlap when cut off, {name}", c.overlap_cut_ns(failure), words, numbers)


def _handover(prompt: Closed, slow: Closed) -> Iterator[Bound]:
    poll = " + poll + trip" if slow.asks else ""
    one_way = length(prompt.effect_ns)
    release = (
        ("best", prompt, "one way", one_way),
        ("worst", slow, f"one way{poll}", f"{one_way}{f' + {length(slow.poll_ns)}' if poll else ''}"),
    )
    for sense, c, formula, numbers in release:
        yield Bound(f"release.{sense}", f"hand-over after a release, {sense}", c.after_release_ns(), formula, numbers)
    if prompt.scenario.lease.judge == "contender":
        age = ("ttl, rounded up to looks + trip", f"{LATE_LOOKS} + trip")
    else:
        term = "ttl + grace" if prompt.scenario.expiry_grace_ns else "ttl"
        reuse = " + reuse_delay" if prompt.scenario.lease.reuse_delay else ""
        age = (term + reuse, term + reuse + (" + sweep_interval" if slow.sweep_ns else "") + poll)
    crash = (
        (
            "best",
            prompt,
            f"{age[0]} + one way - cycle",
            f"{length(prompt.free_ns)} + {one_way} - {length(prompt.cycle_ns)}",
        ),
        ("worst", slow, *_latest(slow, age[1])),
    )
    for sense, c, formula, numbers in crash:
        yield Bound(f"crash.{sense}", f"hand-over after a crash, {sense}", c.after_crash_ns(), formula, numbers)


def _latest(slow: Closed, age: str) -> tuple[str, str]:
    """The hand-over after a crash at the worst moment: just after a renewal was sent, or before the first one."""
    if slow.first_longer_ns:
        age_ns = slow.after_crash_ns() + slow.down_ns
        return f"initial_{age} - one way, before the first renewal", f"{length(age_ns)} - {length(slow.down_ns)}"
    return f"{age} + one way", f"{length(slow.after_crash_ns() - slow.effect_ns)} + {length(slow.effect_ns)}"


def _clocks(c: Closed) -> Iterator[Bound]:
    age, age_n = _age(c)
    trip, trip_n = (
        (" - trip", f" - {length(c.trip_ns)}") if c.scenario.renewal.cadence == "after_response" else ("", "")
    )
    numbers = f"1 - {length(c.every_ns)} / ({age_n}{trip_n})"
    name = "holder's clock may be slow by, and it keeps its lease"
    yield Bound("clock.renewals", name, c.slow_clock(), f"1 - every / ({age}{trip})", numbers, "share")
    name = "holder's clock may be slow by, and it never overlaps when cut off"
    if c.slow_fence() is None:
        why = "no local deadline from the renewal" if c.anchor in ("never", "giveup") else "its deadline comes too late"
        yield Bound("clock.fence", name, None, why, "", "share")
        return
    every = "every + " if c.anchor == "loop_start" else ""
    formula = f"1 - ({every}fence_after + stop_delay) / (when another may execute)"
    numbers = f"fence_after {length(c.fence_ns)}, another from {length(c.executing_ns)}"
    yield Bound("clock.fence", name, c.slow_fence(), formula, numbers, "share")
