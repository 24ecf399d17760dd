"""The facts of one chain, each as a sentence with its time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from sim.model.scenario import Scenario
from sim.story.chain import Chain, failing_tries, successors
from sim.story.reading import Excess, Reading, Release, Strike, Tenure, Try
from sim.story.words import LOSSES, TRUTHS, fate, length, plural, time_of_day
from sim.units import FOREVER, SECOND
from sim.vocabulary import How, Kind, Loss, Outcome

_FAULTS_MAX: Final = 6
_OVERLAPS_MAX: Final = 3
_IMMUNE: Final[dict[str, tuple[str, ...]]] = {"thread": ("block",), "process": ("block", "gil_block")}
"""Where the renewer runs: the faults that cannot stop it."""


class Fact(NamedTuple):
    """One sentence and when it happened; `order` settles what comes first at one instant."""

    time_ns: int
    order: int
    text: str


class Teller:
    """Finds the facts of a chain."""

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
        elif self.life.started_ns is not None:
            yield Fact(self.life.started_ns, 0, f"{self.who} began to execute without a lease.")
        yield from self._faults()
        yield from self._tries()
        yield from self._overlaps()
        yield from self._end()
        yield from self._slot()

    def _at(self, time_ns: int, beside_ns: int) -> str:
        """A time of day within a sentence about another; the day is said only where it is another day."""
        text, beside = time_of_day(self.scenario, time_ns), time_of_day(self.scenario, beside_ns)
        same_day = text.rsplit(" ", 1)[:-1] == beside.rsplit(" ", 1)[:-1]
        return text.rsplit(" ", 1)[-1] if same_day else text

    # --------------------------------------------------------------------- the lease

    def _beginning(self, tenure: Tenure) -> Iterator[Fact]:
        started_ns = self.life.started_ns
        text = f"{self.who} was granted lease {tenure.lease}"
        text += f" for {length(self.life.work_ns)} of work" if 0 < self.life.work_ns < FOREVER // 2 else ""
        if started_ns is not None and started_ns - tenure.granted_ns >= SECOND:
            text += f"; it began after {length(started_ns - tenure.granted_ns)} of provisioning"
        yield Fact(tenure.granted_ns, 0, f"{text}.")
        if len(tenure.expiries) < 2:
            return
        until = self._at(tenure.expiry_ns, tenure.last_set_ns)
        text = f"The lease of {self.life.name} was renewed for the last time: good until {until}."
        last = next((t for t in self.life.tries if t.renewed and t.arrived_ns == tenure.last_set_ns), None)
        if last is None:
            text = f"A restart gave the lease of {self.life.name} a new term, until {until}."
        elif last.outcome != Outcome.OK:
            text += f" The answer was lost: at {self.life.name} the request {fate(last.outcome)}."
        yield Fact(tenure.last_set_ns, 1, text)

    def _authority(self, tenure: Tenure) -> Iterator[Fact]:
        lease, stopped_ns = f"The lease of {self.life.name}", tenure.stopped_ns
        if tenure.ended_by is Kind.REAP and stopped_ns is not None:
            yield Fact(min(tenure.expiry_ns, stopped_ns), 4, f"{lease} expired at the authority{self._reaped(tenure)}.")
        elif tenure.ended_by is Kind.FORGET and stopped_ns is not None:
            yield Fact(stopped_ns, 4, f"{lease} was lost: the authority restarted without it.")
        elif tenure.expiry_ns <= min(self.chain.stop_ns, stopped_ns or self.reading.end_ns):
            yield Fact(tenure.expiry_ns, 4, f"{lease} expired at the authority, but nobody took the slot.")

    def _reaped(self, tenure: Tenure) -> str:
        assert tenure.stopped_ns is not None, "a reaped lease has an end"
        if tenure.how is How.TIMER or tenure.how is None:
            return ", which gave the slot back"
        by = {How.SWEEP: "the sweep", How.ACQUIRE: "another run's request", How.TAKEN: "a contender"}[tenure.how]
        at = self._at(tenure.stopped_ns, tenure.expiry_ns)
        done = "took it over" if tenure.how is How.TAKEN else "gave the slot back"
        return f"; {by} at {at} {done}"

    # ------------------------------------------------------------- what came between

    def _faults(self) -> Iterator[Fact]:
        strikes = [strike for strike in self.reading.strikes if self._mattered(strike)]
        longest = sorted(strikes, key=lambda strike: -strike.span.length_ns)[:_FAULTS_MAX]
        for strike in longest:
            yield Fact(strike.span.start_ns, 2, self._fault(strike))
        if len(strikes) > len(longest):
            more = plural(len(strikes) - len(longest), "shorter fault")
            yield Fact(max(strike.span.start_ns for strike in longest), 3, f"Beside these there were {more}.")

    def _mattered(self, strike: Strike) -> bool:
        """What can have kept a renewal from arriving between the last that counted and the loss."""
        server_host = 0 if self.scenario.server.host == "shared" else None
        what, span = strike.fault.what, strike.span
        if not span.meets(self.chain.start_ns, self.chain.over_ns) or not strike.concerns(self.life, server_host):
            return False
        if what in _IMMUNE.get(self.scenario.renewal.runs_in, ()):
            return False
        if any(span.meets(tried.sent_ns, tried.answered_ns or tried.sent_ns) for tried in failing_tries(self.chain)):
            return True
        if what == "restart":
            return self.chain.tenure is not None and span.start_ns == self.chain.tenure.stopped_ns
        slack_ns = self.scenario.lease.ttl - self.scenario.renew_every_ns
        return what not in ("outage", "slow") and (span.length_ns == 0 or span.length_ns >= slack_ns // 10)

    def _fault(self, strike: Strike) -> str:
        fault, lasted = strike.fault, length(strike.span.length_ns)
        whom = {"server": "The authority", "network": "The network"}.get(fault.whom, self.who)
        if fault.whom == "hosts":
            shares = self.scenario.server.host == "shared" and strike.target == 0
            whom = f"The machine of {self.life.name} (host {strike.target})" + (" and the authority on it" * shares)
            if strike.target != self.life.host:
                whom = "The authority's machine"
        details = [f"status {fault.status}" if fault.mode == "error" else fault.mode.replace("_", " ")]
        details = (details if fault.what == "outage" else []) + [f"fault '{fault.name}'"] * (fault.name != fault.what)
        until = f"for {lasted}, until {self._at(strike.span.stop_ns, strike.span.start_ns)}"
        sentence = {
            "sleep": f"{whom} fell asleep {until}",
            "pause": f"{whom} was paused {until}",
            "block": f"{whom}'s event loop was blocked {until}",
            "gil_block": f"{whom}'s interpreter lock was held {until}",
            "crash": f"{whom} crashed",
            "restart": f"{whom} went down for a restart {until}",
            "outage": f"{whom} was cut off {until}",
            "slow": f"{whom} was slow {until}",
            "clock_step": f"{whom}'s clock jumped by {length(fault.step)}",
            "clock_drift": f"{whom}'s clock drifted by {fault.ppm:g} ppm {until}",
        }[fault.what]
        return f"{sentence} ({', '.join(details)})." if details else f"{sentence}."

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
            until = self._at(last.sent_ns, first.sent_ns)
            how = fate(first.outcome, many=True)
            return f"{len(tries)} tries to renew it, the last at {until}, {how}{although}."
        after = ""
        if first.outcome in (Outcome.CONNECT_TIMEOUT, Outcome.READ_TIMEOUT) and first.answered_ns:
            after = f" after {length(first.answered_ns - first.sent_ns)}"
        return f"{self.who}'s renewal {fate(first.outcome)}{after}{although}."

    # ------------------------------------------------------------- the consequences

    def _overlaps(self) -> Iterator[Fact]:
        """The over-allocation in question, and others that this run had a part in."""
        own = [
            excess
            for excess in self.reading.excesses
            if excess.span.meets(self.chain.start_ns, self.chain.over_ns if self.chain.debt else self.chain.stop_ns)
            and any(excess.span.shares(span) for span in self.life.executing)
        ]
        if self.chain.excess is not None and self.chain.excess not in own:
            own.append(self.chain.excess)
        for excess in sorted(own, key=lambda excess: -excess.span.length_ns)[:_OVERLAPS_MAX]:
            yield Fact(excess.span.start_ns, 7, self._overlapped(excess))

    def _overlapped(self, excess: Excess) -> str:
        start_ns = excess.span.start_ns
        executing = self.reading.executing_at(start_ns)
        newcomer = max(executing, key=lambda life: (life.started_ns or 0, life.run))
        subject = self.life if self.life in executing else newcomer
        woke = any(span.stop_ns == start_ns for span, _ in subject.halted)
        verb = "executed on"
        if woke or subject.started_ns == start_ns:
            verb = "executed again" if woke else "began to execute"
        others = _listed([life.name for life in executing if life is not subject])
        peak = self.reading.slots + max(above for _, above in excess.steps)
        runs = f"{plural(peak, 'run')} on {plural(self.reading.slots, 'slot')}"
        lasted = f"over-allocated for {length(excess.span.length_ns)}"
        beside = f" beside {others}" if others else ""
        return f"{subject.name.capitalize()} {verb}{beside}: {runs}, {lasted}."

    def _end(self) -> Iterator[Fact]:
        lost, ended = self.chain.lost, self.life.ended
        if lost is not None:
            yield Fact(lost.time_ns, 8, f"{self.who} {LOSSES[lost.number]}; {TRUTHS[lost.value]}.")
        if ended is None or not self.chain.start_ns <= ended.time_ns <= self.chain.stop_ns:
            return
        done_ns = self.life.executed_ns(ended.time_ns)
        if ended.kind is Kind.STOP:
            of = f" of {length(self.life.work_ns)}" if done_ns <= self.life.work_ns < FOREVER // 2 else ""
            text = f"{self.who}, in good health, was terminated after {length(done_ns)}{of} of work."
            yield Fact(ended.time_ns, 9, text)
        elif ended.kind in (Kind.FINISH, Kind.CRASH):
            verb = "finished" if ended.kind is Kind.FINISH else "crashed"
            yield Fact(ended.time_ns, 9, f"{self.who} {verb} after executing for {length(done_ns)}.")

    def _slot(self) -> Iterator[Fact]:
        """What became of the slot: given to another, released, idle."""
        ended, tenure = self.life.ended, self.chain.tenure
        for successor in successors(self.reading, tenure)[:1] if tenure else ():
            yield Fact(successor.granted_ns, 6, self._succeeded(successor))
        release = next((each for each in self.reading.releases if each.run == self.life.run), None)
        if ended is not None and release is not None and release.time_ns >= ended.time_ns:
            yield Fact(release.time_ns, 10, self._released(release))

    def _succeeded(self, tenure: Tenure) -> str:
        name = self.reading.lives[tenure.run].name.capitalize()
        text = f"{name} was granted {'the' if self.reading.slots == 1 else 'a'} slot (lease {tenure.lease})"
        ended = self.life.ended
        if ended is not None and tenure.granted_ns - ended.time_ns >= SECOND:
            text += f", {length(tenure.granted_ns - ended.time_ns)} after {self.life.name} had ended"
        return f"{text}."

    def _released(self, release: Release) -> str:
        executing = plural(self.reading.executing.at(release.time_ns), "run")
        if release.counted_twice:
            books = f"the counter went from {release.before} down to {release.after} in use"
            return f"Its release found no lease, and yet {books}, with {executing} executing."
        if release.lease < 0:
            return f"Its release found no lease: {release.after} in use, {executing} executing."
        return f"Its release gave the slot back: {release.after} in use."


def _listed(names: list[str]) -> str:
    shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""
