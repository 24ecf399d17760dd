"""Bayes over simulated causes: how often each suspect alone brings about what was seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim import engines
from sim.diagnosis.suspects import Answers, Suspect, accused, suspects
from sim.model.scenario import Scenario
from sim.results.provenance import SEED
from sim.results.tables import Table, number
from sim.stats import Estimate, ratio_interval
from sim.story.words import length
from sim.trace import Trace
from sim.units import MINUTE
from sim.vocabulary import Kind, Outcome

Values = npt.NDArray[np.float64]
REPLICATIONS: Final = 40
LOGS: Final = ("410", "timeout", "refused", "reset", "5xx", "unknown")
_SHOWN: Final[dict[int, str]] = {
    Outcome.GONE: "410",
    Outcome.REFUSED: "refused",
    Outcome.RESET: "reset",
    Outcome.CONNECT_TIMEOUT: "timeout",
    Outcome.READ_TIMEOUT: "timeout",
}
_NEAR: Final = 0.25
"""A kill is as long after the start as the one seen, if it is so within this share of it, or within a minute."""


@dataclass(frozen=True)
class Kill:
    """A simulated termination, as its victim would report it."""

    shown: str
    after_ns: int


@dataclass(frozen=True)
class Verdict:
    """A suspect, and how much speaks for him."""

    suspect: Suspect
    probability: Estimate
    matching: int
    """Simulated kills that fit what was seen."""
    kills: int


@dataclass(frozen=True)
class Diagnosis:
    """A ranked list of suspects."""

    answers: Answers
    scenario: Scenario
    verdicts: tuple[Verdict, ...]
    replications: int
    seed: int

    def table(self) -> Table:
        """Return what `repr` shows."""
        a = self.answers
        seen = f"log: {a.log}" + (f", {length(a.after_ns)} after the start" if a.after_ns is not None else "")
        heading = [
            f"Prefect {a.version}, launch {a.launch}, server {a.server}, limit {a.limit}, {a.body} flow",
            f"seen: {seen}; sleeps: {a.sleeps}, blocks: {a.blocks}, restarts: {a.restarts}, retries: {a.retries}",
            f"each suspect alone, {self.replications} replications of 2 days, seed {self.seed}",
        ]
        rows = [
            (
                v.suspect.name,
                f"{v.probability.value:.1%}",
                f"[{v.probability.low:.1%}, {v.probability.high:.1%}]",
                f"{v.matching:,} of {v.kills:,}",
                number(v.suspect.prior),
                v.suspect.assumed,
            )
            for v in self.verdicts
        ]
        columns = ("suspect", "probability", "95 % interval", "kills that fit", "prior", "assumed")
        notes = [
            "prior: that it was there at all (yes 1, no 0, unknown 0.3; rare ones less); assumed: how often then",
            "probability: prior times kills that fit, over the sum; the interval is of the simulation alone,",
            "the assumptions may be wrong by more: replace them by your own in a scenario file",
            *(f"{v.suspect.name}: decided by: {v.suspect.decides}" for v in self.verdicts if v.matching),
        ]
        if not any(v.matching for v in self.verdicts):
            notes.insert(0, "no suspect brings about what was seen: check the answers, or ask without --after or --log")
        return Table(heading, columns, rows, notes, right=frozenset({1, 3, 4}))

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        causes = [
            {
                "cause": v.suspect.name,
                "probability": v.probability.as_json(),
                "matching_kills": v.matching,
                "kills": v.kills,
                "prior": v.suspect.prior,
                "assumed": v.suspect.assumed,
                "decided_by": v.suspect.decides,
            }
            for v in self.verdicts
        ]
        return {"answers": vars(self.answers), "causes": causes, "replications": self.replications, "seed": self.seed}


def diagnose(
    answers: Answers,
    base: Scenario,
    replications: int = REPLICATIONS,
    seed: int = SEED,
    engine: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Diagnosis:
    """Simulate each suspect alone in `base`, and weigh them by the kills that fit the answers.

    A suspect's weight is his prior times the number of his kills that fit; a probability is a weight over the sum of
    all. Two suspects at work at once are not considered. Its interval is a ratio's, over replications on common
    random numbers.
    """
    listed = [suspect for suspect in suspects(answers) if suspect.prior > 0]
    fitting = np.zeros((len(listed), replications))
    totals = [0] * len(listed)
    for index, suspect in enumerate(listed):
        scenario = accused(base, suspect)
        for replication in range(replications):
            found = list(kills(engines.run(scenario, seed, replication, engine=engine)))
            fitting[index, replication] = sum(fits(kill, answers) for kill in found)
            totals[index] += len(found)
        if progress:
            progress(index + 1, len(listed))
    weights = fitting * np.array([[suspect.prior * suspect.weight] for suspect in listed])
    together = weights.sum(axis=0)
    verdicts = [
        Verdict(
            suspect,
            _share(weights[index], together, suspect.prior * suspect.weight),
            int(fitting[index].sum()),
            totals[index],
        )
        for index, suspect in enumerate(listed)
    ]
    ranked = sorted(verdicts, key=lambda v: -v.probability.value if v.matching else 0.0)
    return Diagnosis(answers, base, tuple(ranked), replications, seed)


def _share(weights: Values, together: Values, prior: float) -> Estimate:
    """Return a suspect's share; of one without a fitting kill, what so many replications still leave open."""
    found = ratio_interval(weights, together, "fraction")
    if found.value == 0 and together.sum() > 0:
        unseen = prior * -math.log((1 - found.confidence) / 2)
        high = unseen / (unseen + float(together.sum()))
        return replace(found, low=0.0, high=high, method="no kill that fits, Garwood")
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def kills(trace: Trace) -> Iterator[Kill]:
    """Yield every termination of a trace with how its last renewal ended, and how long after the start it came."""
    started: dict[tuple[int, int], int] = {}
    ended: dict[tuple[int, int], int] = {}
    for event in trace:
        run = event.lane, event.generation
        if event.kind is Kind.START:
            started[run] = event.time_ns
        elif event.kind is Kind.ANSWER:
            ended[run] = event.value
        elif event.kind is Kind.STOP:
            outcome = ended.get(run, Outcome.GONE)
            shown = "5xx" if outcome >= 500 else _SHOWN.get(outcome, "unknown")
            yield Kill(shown, event.time_ns - started.get(run, event.time_ns))


def fits(kill: Kill, answers: Answers) -> bool:
    """Whether a simulated kill looks like the one that was seen."""
    if answers.log not in ("unknown", kill.shown):
        return False
    seen = answers.after_ns
    return seen is None or abs(kill.after_ns - seen) <= max(MINUTE, _NEAR * seen)
