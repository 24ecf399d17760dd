"""The story of one bad replication in plain sentences: only the chain around its worst moment."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from sim.model.scenario import Scenario
from sim.story.chain import Chain, chain_at, failing_tries, worst_focus
from sim.story.reader import read
from sim.story.reading import Excess, Reading, Span, Strike, Tenure, Try
from sim.story.words import LOSSES, TRUTHS, fate, length, plural, time_of_day
from sim.trace import Trace
from sim.units import SECOND
from sim.vocabulary import How, Kind, Loss, Outcome, Truth

_FAULTS_MAX = 6
_OVERLAPS_MAX = 3


class Fact(NamedTuple):
    """One sentence and when it happened."""

    time_ns: int
    order: int
    text: str


def worst_moment(scenario: Scenario, trace: Trace) -> int | None:
    """Return when the worst began: the longest over-allocation, else the first stop by lease logic.

    What happened in the warm-up does not count. None where nothing of the kind happened.
    """
    return worst_focus(read(scenario, trace), scenario.warmup)


def tell(scenario: Scenario, trace: Trace, focus_ns: int | None = None) -> list[str]:
    """Return the story of the chain around `focus_ns`, by default the worst moment, line by line."""
    reading = read(scenario, trace)
    focus_ns = worst_focus(reading, scenario.warmup) if focus_ns is None else focus_ns
    chain = chain_at(reading, focus_ns) if focus_ns is not None else None
    if chain is None:
        return [_quiet(reading)]
    facts = sorted(_Teller(scenario, reading, chain).facts())
    return [*_dated(scenario, facts), *_moral(scenario, chain)]


def _quiet(reading: Reading) -> str:
    peak = max(reading.executing().values)
    limit = plural(reading.slots, "slot")
    return f"Nothing went wrong: no run was stopped by lease logic, and at most {peak} executed on {limit}."


def _dated(scenario: Scenario, facts: list[Fact]) -> Iterator[str]:
    """Each sentence after its time of day, with milliseconds where seconds would show two times as one."""
    seconds: dict[str, set[int]] = {}
    for fact in facts:
        seconds.setdefault(time_of_day(scenario, fact.time_ns), set()).add(fact.time_ns)
    for fact in facts:
        close = len(seconds[time_of_day(scenario, fact.time_ns)]) > 1
        yield f"{time_of_day(scenario, fact.time_ns, milliseconds=close)} {fact.text}"


def _moral(scenario: Scenario, chain: Chain) -> Iterator[str]:
    """Why the lease did not hold, in numbers."""
    tenure = chain.tenure
    if tenure is None or chain.lost is None:
        return
    gap_ns = chain.lost.time_ns - tenure.last_set_ns
    term_ns = scenario.lease.ttl + scenario.expiry_grace_ns
    if chain.lost.value == Truth.STILL_VALID:
        left = length(tenure.expiry_ns - chain.lost.time_ns)
        yield f"In short: it gave up {length(gap_ns)} after its last renewal; {left} of the lease were left."
    elif tenure.ended_by is Kind.REAP:
        every, slack = length(scenario.renew_every_ns), length(term_ns - scenario.renew_every_ns)
        yield (
            f"In short: {length(gap_ns)} lay between the renewal that counted and the loss; a lease lasts "
            f"{length(term_ns)} and its renewal is due after {every}, so it may be {slack} late."
        )


class _Teller:
    def __init__(self, scenario: Scenario, reading: Reading, chain: Chain) -> None:
        self.scenario = scenario
        self.reading = reading
        self.chain = chain
        self.life = chain.life
        self.who = chain.life.name.capitalize()

    def facts(self) -> Iterator[Fact]:
        """Yield every fact of the chain, in no order."""
        if self.chain.tenure is not None:
            yield from self._beginning(self.chain.tenure)
            yield from self._authority(self.chain.tenure)
        else:
            yield from self._without_lease()
        yield from self._faults()
        yield from self._tries()
        yield from self._others()
        yield from self._overlaps()
        yield from self._end()
        yield from self._slot_after()

    # ------------------------------------------------------------ the lease

    def _beginning(self, tenure: Tenure) -> Iterator[Fact]:
        started_ns = self.life.started_ns
        text = f"{self.who} was granted lease {tenure.lease}"
        text += f" for {length(self.life.work_ns)} of work" if self.life.work_ns else ""
        if started_ns is not None and started_ns - tenure.granted_ns >= SECOND:
            text += f"; it began after {length(started_ns - tenure.granted_ns)} of provisioning"
        yield Fact(tenure.granted_ns, 0, f"{text}.")
        if len(tenure.expiries) < 2:
            return
        until = time_of_day(self.scenario, tenure.expiry_ns)
        text = f"The lease of {self.life.name} was renewed for the last time: good until {until}."
        last = next((t for t in self.life.tries if t.renewed and t.arrived_ns == tenure.last_set_ns), None)
        if last is None:
            text = f"A restart gave the lease of {self.life.name} a new term, until {until}."
        elif last.outcome != Outcome.OK:
            text += f" The answer never came: at {self.life.name} the request {fate(last.outcome)}."
        yield Fact(tenure.last_set_ns, 1, text)

    def _authority(self, tenure: Tenure) -> Iterator[Fact]:
        until_ns = tenure.stopped_ns if tenure.stopped_ns is not None else self.reading.end_ns
        expired = tenure.expiry_ns <= until_ns
        lease = f"The lease of {self.life.name}"
        if tenure.ended_by is Kind.REAP and tenure.stopped_ns is not None:
            by = {
                How.SWEEP: f"the sweep at {time_of_day(self.scenario, tenure.stopped_ns)}",
                How.ACQUIRE: f"another run's request at {time_of_day(self.scenario, tenure.stopped_ns)}",
                How.TAKEN: f"a contender at {time_of_day(self.scenario, tenure.stopped_ns)}",
            }
            at_once = tenure.how is How.TIMER or tenure.how is None
            done = (
                "which gave the slot back" if at_once else f"{by[tenure.how or How.SWEEP]} gave the slot back"
            )
            yield Fact(
                tenure.expiry_ns, 4, f"{lease} expired at the authority{', ' if at_once else '; '}{done}."
            )
        elif tenure.ended_by is Kind.FORGET and tenure.stopped_ns is not None:
            yield Fact(tenure.stopped_ns, 4, f"{lease} was lost: the authority restarted without it.")
        elif expired and tenure.expiry_ns <= self.chain.stop_ns:
            yield Fact(tenure.expiry_ns, 4, f"{lease} expired at the authority, but nobody took the slot.")

    def _without_lease(self) -> Iterator[Fact]:
        if self.life.started_ns is not None:
            yield Fact(self.life.started_ns, 0, f"{self.who} began to execute without a lease.")

    # ----------------------------------------------------------- what came between

    def _faults(self) -> Iterator[Fact]:
        server_host = 0 if self.scenario.server.host == "shared" else None
        until_ns = self.chain.lost.time_ns if self.chain.lost else self.chain.stop_ns
        strikes = [
            strike
            for strike in self.reading.strikes
            if strike.span.meets(self.chain.start_ns, until_ns)
            and strike.concerns(self.life, server_host)
            and self._mattered(strike)
        ]
        longest = sorted(strikes, key=lambda strike: -strike.span.length_ns)[:_FAULTS_MAX]
        for strike in longest:
            yield Fact(strike.span.start_ns, 2, self._fault(strike))
        if len(strikes) > len(longest):
            more = plural(len(strikes) - len(longest), "shorter fault")
            yield Fact(max(strike.span.start_ns for strike in longest), 3, f"(And {more} in that time.)")

    def _mattered(self, strike: Strike) -> bool:
        """A network in trouble matters to those who used it meanwhile."""
        if strike.fault.what not in ("outage", "slow"):
            return True
        return any(strike.span.meets(t.sent_ns, t.answered_ns or t.sent_ns) for t in self.life.tries)

    def _fault(self, strike: Strike) -> str:
        fault, lasted = strike.fault, length(strike.span.length_ns)
        shared = (
            " and the authority on it" if self.scenario.server.host == "shared" and strike.target == 0 else ""
        )
        if fault.whom == "hosts":
            whom = f"The machine of {self.life.name} (host {strike.target}){shared}"
            if strike.target != self.life.host:
                whom = "The authority's machine"
        else:
            whom = {"server": "The authority", "network": "The network"}.get(fault.whom, self.who)
        until = time_of_day(self.scenario, strike.span.stop_ns)
        sentence = {
            "sleep": f"{whom} fell asleep for {lasted}, until {until}.",
            "pause": f"{whom} was paused for {lasted}, until {until}.",
            "block": f"{whom}'s event loop was blocked for {lasted}, until {until}.",
            "gil_block": f"{whom}'s interpreter lock was held for {lasted}, until {until}.",
            "crash": f"{whom} crashed.",
            "restart": f"{whom} went down for a restart of {lasted}, until {until}.",
            "outage": f"{whom} was cut off for {lasted}, until {until} ({_mode(strike)}).",
            "slow": f"{whom} was slow for {lasted}, until {until}.",
            "clock_step": f"{whom}'s clock jumped by {length(fault.step)}.",
            "clock_drift": f"{whom}'s clock drifted by {fault.ppm:g} ppm for {lasted}.",
        }[fault.what]
        return sentence if fault.name == fault.what else f"{sentence[:-1]}; fault '{fault.name}'."

    def _tries(self) -> Iterator[Fact]:
        """The tries that failed, those alike in one sentence; a final refusal is told with the loss."""
        lost = self.chain.lost
        revoked = lost is not None and lost.number == Loss.REVOKED
        for _, group in groupby(failing_tries(self.chain), key=lambda tried: (tried.outcome, tried.renewed)):
            tries = list(group)
            counted = tries[0].outcome == Outcome.OK and tries[0].renewed
            if not counted and not (revoked and tries[0].outcome == Outcome.GONE):
                yield Fact(tries[0].sent_ns, 5, self._tried(tries))

    def _tried(self, tries: list[Try]) -> str:
        first, last = tries[0], tries[-1]
        although = ", although the authority had renewed the lease" if last.renewed else ""
        if len(tries) > 1:
            until = time_of_day(self.scenario, last.sent_ns)
            how = fate(first.outcome, many=True)
            return f"{len(tries)} tries to renew it, the last at {until}, {how}{although}."
        after = ""
        if first.outcome in (Outcome.CONNECT_TIMEOUT, Outcome.READ_TIMEOUT) and first.answered_ns:
            after = f" after {length(first.answered_ns - first.sent_ns)}"
        return f"{self.who}'s renewal {fate(first.outcome)}{after}{although}."

    # ------------------------------------------------------------- the consequences

    def _others(self) -> Iterator[Fact]:
        """The first grant after the slot was given back."""
        given_ns = self.chain.tenure.stopped_ns if self.chain.tenure else None
        if given_ns is None:
            return
        for tenure in self.reading.tenures:
            if tenure.run != self.life.run and given_ns <= tenure.granted_ns <= self.chain.stop_ns:
                text = f"{self._name(tenure)} was granted the slot (lease {tenure.lease})."
                yield Fact(tenure.granted_ns, 6, text)
                return

    def _name(self, tenure: Tenure) -> str:
        return self.reading.lives[tenure.run].name.capitalize()

    def _overlaps(self) -> Iterator[Fact]:
        excesses = [
            excess
            for excess in self.reading.excesses()
            if excess.span.meets(self.chain.start_ns, self.chain.stop_ns)
            and any(_overlap(span, excess.span) for span in self.life.executing)
        ]
        longest = sorted(excesses, key=lambda excess: -excess.span.length_ns)[:_OVERLAPS_MAX]
        for excess in longest:
            yield Fact(excess.span.start_ns, 7, self._overlapped(excess))

    def _overlapped(self, excess: Excess) -> str:
        start_ns = excess.span.start_ns
        others = [life.name for life in self.reading.executing_at(start_ns) if life is not self.life]
        woke = any(span.stop_ns == start_ns for span, _ in self.life.halted)
        verb = "executed again" if woke else "executed on"
        beside = f" beside {_listed(others)}" if others else ""
        peak = self.reading.slots + max(above for _, above in excess.steps)
        lasted = f"over-allocated for {length(excess.span.length_ns)}"
        return f"{self.who} {verb}{beside}: {peak} runs on {plural(self.reading.slots, 'slot')}, {lasted}."

    def _end(self) -> Iterator[Fact]:
        lost, ended = self.chain.lost, self.life.ended
        if lost is not None:
            yield Fact(lost.time_ns, 8, f"{self.who} {LOSSES[lost.number]}; {TRUTHS[lost.value]}.")
        if ended is None or not self.chain.start_ns <= ended.time_ns <= self.chain.stop_ns:
            return
        done_ns = self.life.executed_ns(ended.time_ns)
        if ended.kind is Kind.STOP:
            of = f" of {length(self.life.work_ns)}" if self.life.work_ns >= done_ns else ""
            text = f"{self.who}, in good health, was terminated after {length(done_ns)}{of} of work."
            yield Fact(ended.time_ns, 9, text)
        elif ended.kind in (Kind.FINISH, Kind.CRASH):
            verb = "finished" if ended.kind is Kind.FINISH else "crashed"
            yield Fact(ended.time_ns, 9, f"{self.who} {verb} after executing for {length(done_ns)}.")

    def _slot_after(self) -> Iterator[Fact]:
        ended = self.life.ended
        if ended is None:
            return
        for time_ns, run, lease, in_use in self.reading.releases:
            if run == self.life.run and time_ns >= ended.time_ns:
                yield Fact(time_ns, 10, self._released(time_ns, lease, in_use))
                return
        tenure = self.chain.tenure
        if tenure is not None and tenure.stopped_ns is not None and tenure.stopped_ns > ended.time_ns:
            idle = length(tenure.stopped_ns - ended.time_ns)
            yield Fact(tenure.stopped_ns, 10, f"Its slot came free {idle} after it had stopped.")

    def _released(self, time_ns: int, lease: int, in_use: int) -> str:
        if lease >= 0:
            return f"Its release gave the slot back: {in_use} in use."
        executing = self.reading.executing().at(time_ns)
        books = f"the books say {in_use} in use, {plural(executing, 'run')} executing"
        return f"Its release found no lease: {books}."


def _mode(strike: Strike) -> str:
    fault = strike.fault
    return f"status {fault.status}" if fault.mode == "error" else fault.mode.replace("_", " ")


def _overlap(one: Span, other: Span) -> bool:
    return one.start_ns < other.stop_ns and other.start_ns < one.stop_ns


def _listed(names: list[str]) -> str:
    shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
