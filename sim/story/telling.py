"""The story of one bad replication in plain sentences: only the chain around its worst moment."""

from __future__ import annotations

from collections.abc import Iterator

from sim.model.scenario import Scenario
from sim.story.chain import Chain, chain_at, worst_focus
from sim.story.facts import Fact, Teller
from sim.story.reader import read
from sim.story.reading import Reading
from sim.story.words import length, plural, time_of_day
from sim.trace import Trace
from sim.vocabulary import Kind, Truth


def worst_moment(scenario: Scenario, trace: Trace) -> int | None:
    """Return when the worst began: the longest over-allocation, else the first stop by lease logic.

    What was over before the warm-up ended does not count. None where nothing of the kind happened.
    """
    return worst_focus(read(scenario, trace), scenario.warmup)


def tell(scenario: Scenario, trace: Trace, focus_ns: int | None = None) -> list[str]:
    """Return the story of the chain around `focus_ns`, by default the worst moment, line by line."""
    reading = read(scenario, trace)
    focus_ns = worst_focus(reading, scenario.warmup) if focus_ns is None else focus_ns
    chain = chain_at(reading, focus_ns) if focus_ns is not None else None
    if chain is None:
        return [_quiet(reading)]
    facts = sorted(Teller(scenario, reading, chain).facts())
    return [*_dated(scenario, facts), *_moral(scenario, chain)]


def _quiet(reading: Reading) -> str:
    peak, limit = max(reading.executing.values), plural(reading.slots, "slot")
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
    """Why it came to that, in numbers."""
    tenure, lost = chain.tenure, chain.lost
    if chain.debt is not None:
        yield (
            f"In short: the slot of {chain.life.name} was counted free twice, when its lease ended and when it "
            "released; since then the books let in one run more than there are slots."
        )
    elif tenure is None or lost is None:
        return
    elif lost.value == Truth.STILL_VALID:
        gap, left = length(lost.time_ns - tenure.last_set_ns), length(tenure.expiry_ns - lost.time_ns)
        yield f"In short: it gave up {gap} after its last renewal, with {left} of the lease left."
    elif tenure.ended_by is Kind.REAP:
        gap_ns, term_ns = lost.time_ns - tenure.last_set_ns, tenure.expiry_ns - tenure.last_set_ns
        slack_ns = term_ns - scenario.renew_every_ns
        yield (
            f"In short: {length(gap_ns)} lay between the renewal that counted and the loss; the lease lasted "
            f"{length(term_ns)} and the next renewal was due after {length(scenario.renew_every_ns)}, "
            f"so it could be {length(slack_ns)} late."
        )
