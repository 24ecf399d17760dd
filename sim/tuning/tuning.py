"""Which setting to choose: search over the keys of a scenario, and confirmation on random numbers not seen before."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sim.errors import Problem
from sim.model.scenario import Scenario
from sim.results.origins import Source, named
from sim.results.provenance import ENGINE_FOR_MANY, SEED, Provenance
from sim.sweeps.axes import Axis
from sim.sweeps.grid import AxesError, Point
from sim.sweeps.opening import manifest_of
from sim.sweeps.simulate import checked as checked_arguments
from sim.sweeps.store import Store, folder_of
from sim.sweeps.study import Progress
from sim.tuning.bench import Bench, Tallies, must
from sim.tuning.choosing import SHORT, SIMULTANEOUS, checked, exclusions, recommended, scale_of, shortlist
from sim.tuning.goals import Goals, goals_of
from sim.tuning.judging import Candidate, Judge
from sim.tuning.search import Search
from sim.tuning.space import Knob, Over, space_of, today
from sim.tuning.tuned import Tuned
from sim.tuning.turning import standing

BUDGET: Final = 100
"""Settings looked at, besides today's."""
REPLICATIONS: Final = 20
"""Of each setting in the search."""
CONFIRM: Final = 200
"""Of each setting of the short list, on fresh random numbers."""
FRESH: Final = 1_000_000
"""How far the seed of the confirmation is from that of the search."""
SEARCH_FOLDER: Final = "search"
FRESH_FOLDER: Final = "fresh"


@dataclass(frozen=True)
class Plan:
    """What was asked, checked."""

    scenario: Scenario
    knobs: tuple[Knob, ...]
    goals: Goals
    confidence: float
    budget: int
    confirm: int

    @property
    def axes(self) -> list[Axis]:
        """The keys and their ranges, for the manifest of a folder."""
        return [axis for knob in self.knobs for axis in knob.described]

    @property
    def replications(self) -> int:
        """Replications of the confirmation at most."""
        return (SHORT + 1) * self.confirm


def tune(
    scenario: Source,
    over: Over,
    minimise: Sequence[str] | str | None = None,
    subject_to: Sequence[str] | str = (),
    confidence: float = 0.95,
    budget: int = BUDGET,
    replications: int = REPLICATIONS,
    confirm: int = CONFIRM,
    seed: int = SEED,
    engine: str = ENGINE_FOR_MANY,
    jobs: int = 1,
    out: str | os.PathLike[str] | None = None,
    resume: bool = True,
    progress: Progress | None = None,
) -> Tuned:
    """Search for the best setting under constraints, and confirm it on fresh random numbers.

    Args:
        scenario: a scenario, or the name or path of one.
        over: dotted keys, and of each a range (``"30s..20m"``, ``"1m..20m/log"`` for equal ratios) or values; keys
            joined by ``+`` always get the same value.
        minimise: metrics to make small, or large where more is better; by default false terminations, over-allocation,
            reclaim latency and renewal load, weighed over their front.
        subject_to: limits, such as ``"false_terminations_per_lease_hour <= 1e-2"``.
        confidence: a setting that breaks a constraint is recommended with a probability of at most one less this.
        budget: settings to look at.
        replications: of each of them, the same random numbers for all.
        confirm: replications of each of the few best, on random numbers of their own.
        seed: same seed, same numbers, same settings.
        engine: "auto", the compiled one where it can run; all engines give the same results.
        jobs: processes; the result does not depend on it.
        out: a folder for what is computed, as it is computed.
        resume: reuse what is in that folder; else start it again.
        progress: called with the replications done and planned.
    """
    chosen, origin = named(scenario)
    checked_arguments(engine, seed=seed, replications=replications, jobs=jobs)
    plan = planned(chosen, over, minimise, subject_to, confidence, budget, confirm)
    provenance = Provenance.of(chosen, origin, seed, tuple(range(replications)), engine)
    later = (seed + FRESH) % 2**63
    fresh = Provenance.of(chosen, origin, later, tuple(range(confirm)), engine)
    total = (budget + 1) * replications + plan.replications
    with ExitStack() as stack:
        benches = []
        for each, folder, before in (
            (provenance, SEARCH_FOLDER, 0),
            (fresh, FRESH_FOLDER, (budget + 1) * replications),
        ):
            store = None
            if out is not None:
                manifest = manifest_of(each, Path(origin.name).name, plan.axes, "tune")
                store = stack.enter_context(Store(folder_of(out) / folder, manifest, fresh=not resume))
            counted = _counted(progress, before, total)
            benches.append(Bench(each.seed, engine, jobs, range(len(each.replications)), store, counted))
        found = _tuned(plan, benches[0], benches[1], provenance, fresh)
        for bench in benches:
            bench.seal()
    return replace(found, out=Path(out) if out is not None else None)


def planned(
    scenario: Scenario,
    over: Over,
    minimise: Sequence[str] | str | None,
    subject_to: Sequence[str] | str,
    confidence: float,
    budget: int,
    confirm: int,
) -> Plan:
    """Return what was asked; everything wrong with it is told at once, before anything is simulated."""
    knobs, problems = space_of(scenario, over)
    goals, more = goals_of(minimise, subject_to)
    problems += more
    if not 0.5 <= confidence < 1:
        problems.append(Problem("confidence", f"must be from 0.5 to below 1, got {confidence:g}", hint="0.95 is usual"))
    if not 1 <= budget <= 100_000:
        problems.append(Problem("budget", f"must be from 1 to 100,000 settings, got {budget:,}"))
    if not 2 <= confirm <= 1_000_000:
        problems.append(Problem("confirm", f"must be from 2 to 1,000,000 replications, got {confirm:,}"))
    if problems:
        raise AxesError(problems)
    return Plan(scenario, knobs, goals, confidence, budget, confirm)


def _tuned(plan: Plan, bench: Bench, later: Bench, provenance: Provenance, fresh: Provenance) -> Tuned:
    now = today(plan.scenario, plan.knobs)
    here = Point(0, now, plan.scenario)
    tallies = must(bench.run([here])[0], "today's setting")
    alpha = (1 - plan.confidence) / SHORT
    judge, remarks = _judge(plan, here, tallies, alpha)
    search = Search(plan.scenario, plan.knobs, judge, bench, plan.budget, provenance.seed)
    search.today(here, tallies)
    search.run()
    short = shortlist(search.candidates, judge)
    again, before = _afresh(short, here, judge, later)
    looked = [each for each in short if each.number in again]
    found = checked(looked, [again[each.number] for each in looked], judge)
    limits = tuple(judge.bound(before, constraint) for constraint in judge.goals.constraints)
    best = recommended(found, scale_of(search.candidates, judge))
    remarks += _at_the_end(best.searched if best else None, plan.knobs)
    return Tuned(
        plan.knobs, judge.goals, plan.confidence, tuple(search.candidates), tuple(found), before, limits, best,
        tuple(exclusions(search.candidates, judge)) if best is None else (), search.refusals, now,
        standing(plan.scenario, [axis.key for axis in plan.axes]), tuple(remarks), provenance, fresh,
        bench.computed + later.computed, bench.reused + later.reused,
    )  # fmt: skip


def _afresh(
    short: Sequence[Candidate], here: Point, judge: Judge, bench: Bench
) -> tuple[dict[int, Candidate], Candidate]:
    """Simulate the short list and today's setting on random numbers that the search has not seen."""
    own = [each for each in short if each.number]
    points = [Point(at, each.point.values, each.point.scenario) for at, each in enumerate(own, start=1)]
    first, *others = bench.run([here, *points])
    before = judge.candidate(0, here, must(first, "today's setting"), SIMULTANEOUS)
    again = {0: before}
    for each, point, tallies in zip(own, points, others, strict=True):
        if not isinstance(tallies, str):
            again[each.number] = judge.candidate(each.number, point, tallies, SIMULTANEOUS)
    return again, before


def _judge(plan: Plan, here: Point, tallies: Tallies, alpha: float) -> tuple[Judge, list[str]]:
    """Return who judges; a usual metric that has no value in this scenario is left out and said."""
    judge = Judge(plan.goals, alpha, plan.confirm)
    seen = judge.candidate(0, here, tallies).estimates
    missing = [name for name in plan.goals.minimise if math.isnan(seen[name].value)]
    if missing and (plan.goals.asked or len(missing) == len(plan.goals.minimise)):
        raise AxesError([Problem("minimise", f"'{name}' has no value here", hint=_NEVER.get(name)) for name in missing])
    lacking = [c for c in plan.goals.constraints if math.isnan(seen[c.metric].value)]
    if lacking:
        problems = [
            Problem("subject_to", f"'{c.metric}' has no value here", hint=_NEVER.get(c.metric)) for c in lacking
        ]
        raise AxesError(problems)
    if not missing:
        return judge, []
    kept = tuple(name for name in plan.goals.minimise if name not in missing)
    remarks = [f"{name} is left out: it has no value here; {_NEVER.get(name, 'simulate longer')}" for name in missing]
    return replace(judge, goals=replace(plan.goals, minimise=kept)), remarks


_NEVER: Final = {
    "reclaim_latency_seconds": "nothing crashes in this scenario, so a long lease costs nothing; add a fault 'crash'",
}


def _at_the_end(best: Candidate | None, knobs: Sequence[Knob]) -> Iterator[str]:
    """Say where the recommended value is at an end of its range: there may be better beyond."""
    if best is None or best.number == 0:
        return
    for knob in knobs:
        if knob.span is not None and best.point.values[knob.key] in knob.ends:
            yield f"{knob.key} = {best.point.values[knob.key]} is an end of its range: beyond it may be a better one"


def _counted(progress: Progress | None, before: int, total: int) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda done: progress(before + done, total)
