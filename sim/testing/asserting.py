"""`assert_slo`: a service level as an assertion, with a failure message that says what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sim.errors import ScenarioError, UsageError
from sim.results.describe import faults_in_words, in_words
from sim.results.origins import Source
from sim.results.provenance import ENGINE_FOR_MANY
from sim.results.tables import number
from sim.testing.judging import PILOT, Judgement, Verdict, as_told, judge
from sim.testing.session import session

_ORDER: Final = ("violated", "undecided", "holds")


def assert_slo(
    scenario: Source,
    *slos: str,
    confidence: float = 0.99,
    budget: int | None = None,
    seed: int | None = None,
    engine: str = ENGINE_FOR_MANY,
    jobs: int = 1,
    ceilings: Mapping[str, float] | None = None,
) -> Judgement:
    """Fail unless every service level is shown to hold; one that stays undecided fails too.

    Args:
        scenario: a scenario, or the name or path of one.
        slos: such as ``"false_terminations_per_lease_hour <= 1e-3"``; several are judged on the same replications.
        confidence: one minus the chance that any of the verdicts is wrong (Bonferroni), whenever it was reached.
        budget: replications at most; by default the session's (``--lease-budget``), else 2,000.
        seed: same seed, same verdicts; by default the session's (``--lease-seed``), else 1.
        engine: "auto", the compiled one where it can run; all engines give the same results.
        jobs: processes; the verdict does not depend on it.
        ceilings: for a metric, what one replication adds above the line at most (kills, seconds), instead of the rule.
    """
    __tracebackhide__ = True
    try:
        judgement = judge(
            scenario,
            *slos,
            confidence=confidence,
            budget=budget,
            seed=seed,
            engine=engine,
            jobs=jobs,
            ceilings=ceilings,
        )
    except (ScenarioError, UsageError) as error:
        raise error.with_traceback(None) from None  # what was wrong stands in the test, not in here
    session().told += as_told(judgement)
    if not judgement.holds:
        raise AssertionError(message(judgement))
    return judgement


def message(judgement: Judgement) -> str:
    """Return every verdict with its figures, the worst first, and the line that replays the worst replication."""
    return "\n".join(_lines(judgement))


def _lines(judgement: Judgement) -> Iterator[str]:
    verdicts = sorted(judgement.verdicts, key=lambda verdict: _ORDER.index(verdict.outcome))
    first = verdicts[0]
    yield f"{first.goal} {_is(first)}"
    yield f"  {in_words(judgement.provenance.title, judgement.scenario)}"
    yield f"  {faults_in_words(judgement.scenario)}"
    for verdict in verdicts:
        yield from _figures(judgement, verdict)
    yield from (f"  {line}" for line in judgement.causes())


def _is(verdict: Verdict) -> str:
    return {"violated": "is violated", "undecided": "is undecided", "holds": "holds"}[verdict.outcome]


def _figures(judgement: Judgement, verdict: Verdict) -> Iterator[str]:
    estimate = verdict.estimate
    yield f"  {verdict.outcome:<9}  {verdict.goal}"
    bounds = f"{number(estimate.low)} to {number(estimate.high)}, either bound at {1 - verdict.alpha:.6g}"
    yield f"    estimate           {number(estimate.value)} {estimate.unit} ({bounds})"
    ceiling = f"{PILOT} before them for the ceiling, {number(verdict.ceiling)} each"
    yield f"    replications       {estimate.n:,}, and {ceiling}"
    if verdict.exceeded:
        yield f"                       {verdict.exceeded} exceeded it: give a higher one with ceilings="
    if verdict.worst_value != 0:
        yield f"    worst replication  #{verdict.worst} with {number(verdict.worst_value)} {estimate.unit}"
        yield f"    replay             {judgement.replay(verdict)}"
    if verdict.outcome == "undecided":
        yield f"    to decide it       {_needs(judgement, verdict)}"


def _needs(judgement: Judgement, verdict: Verdict) -> str:
    if verdict.needed is None:
        return (
            f"the estimate is too near the limit for any budget to be foreseen from {judgement.budget:,} replications; "
            "move the limit or the settings apart"
        )
    way = "hold" if (verdict.estimate.value <= verdict.goal.limit) == verdict.goal.at_most else "be violated"
    rounded = round(verdict.needed, 1 - len(str(verdict.needed)) + 1)
    rounded += 0 if rounded >= verdict.needed else 10 ** max(0, len(str(verdict.needed)) - 2)
    return f"about budget={rounded:_} (now {judgement.budget:_}), if the others are like these; it would {way}"
