"""Both rates of a state, soon and then better: a few replications first, more as long as nobody turns on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sim.explorer.state import NOBODY, State, Subject
from sim.metrics import METRICS, Tally, estimate, tally_of
from sim.model.load import load
from sim.model.scenario import Scenario
from sim.results.measures import FALSE_TERMINATIONS, OVER_ALLOCATION, difference
from sim.results.provenance import sha256
from sim.stats import Estimate

ROUNDS: Final = (4, 8, 16, 32, 64)
"""Replications after each round: the first is soon there, and an answer that nobody waits for stops at the next."""
_KEPT: Final = 128


@dataclass(frozen=True)
class Rates:
    """Both rates of one scenario."""

    kills: Estimate
    excess: Estimate


@dataclass(frozen=True)
class Answer:
    """What is known about a state so far."""

    now: Rates
    given: Rates
    """The scenario with no knob turned."""
    against: Rates | None
    """The preset to compare with."""
    kills_change: Estimate | None
    """Now against given, on the same random numbers; None where nothing is turned."""
    excess_change: Estimate | None
    replications: int
    last: bool


class Memory:
    """The replications of what was looked at lately, so that turning back costs nothing; shared by all pages."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._tallies: OrderedDict[tuple[str, int, str], list[Tally]] = OrderedDict()
        self._lock = threading.Lock()

    def tallies(
        self, scenario: Scenario, seed: int, engine: str, count: int, wanted: Callable[[], bool] = lambda: True
    ) -> list[Tally]:
        """Return the first replications of a scenario, simulating those that are missing; fewer once none is wanted."""
        key = sha256(scenario), seed, engine
        with self._lock:
            known = list(self._tallies.get(key, ()))
        for at in range(len(known), count):
            if not wanted():
                break
            known.append(tally_of(scenario, seed, at, engine))
        with self._lock:
            self._tallies[key] = max(known, self._tallies.get(key, []), key=len)
            self._tallies.move_to_end(key)
            while len(self._tallies) > self._kept:
                self._tallies.popitem(last=False)
        return known[:count]


MEMORY: Final = Memory()


def answers(
    subject: Subject,
    state: State,
    memory: Memory = MEMORY,
    rounds: Sequence[int] = ROUNDS,
    wanted: Callable[[], bool] = lambda: True,
) -> Iterator[Answer]:
    """Yield ever better answers, as long as they are wanted: that is asked before each replication.

    Raises:
        ScenarioError: the values contradict each other.
    """
    now = state.scenario(subject)
    other = load(state.against) if state.against != NOBODY else None
    for count in rounds:
        shown = (now, subject.scenario, *([other] if other else []))
        found = [memory.tallies(scenario, subject.seed, subject.engine, count, wanted) for scenario in shown]
        if not wanted():
            return
        mine, given, *theirs = found
        turned = bool(state.turned)
        yield Answer(
            _rates(mine),
            _rates(given),
            _rates(theirs[0]) if theirs else None,
            difference(FALSE_TERMINATIONS, mine, given) if turned else None,
            difference(OVER_ALLOCATION, mine, given) if turned else None,
            count,
            count == rounds[-1],
        )


def _rates(tallies: Sequence[Tally]) -> Rates:
    kills, excess = (estimate(METRICS[name], tallies) for name in (FALSE_TERMINATIONS, OVER_ALLOCATION))
    return Rates(kills, excess)
