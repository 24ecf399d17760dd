"""The functions a study is made of: one replication, many, two scenarios side by side, a grid of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from sim import engines
from sim.errors import UsageError, nearest
from sim.metrics import Tally
from sim.results.asked import fit_to_seed, sure, text, whole
from sim.results.many import Replications
from sim.results.measures import HEADLINES
from sim.results.origins import Origin, Source, named
from sim.results.pair import Comparison
from sim.results.provenance import ENGINE, ENGINE_FOR_MANY, SEED, Provenance
from sim.results.single import Run
from sim.sweeps.grid import Point
from sim.sweeps.manifest import REPLICATIONS_MAX
from sim.sweeps.opening import manifest_of
from sim.sweeps.planning import planned, worked_through
from sim.sweeps.runner import JOBS_MAX, pool_for
from sim.sweeps.sequential import sample
from sim.sweeps.store import Store, folder_of
from sim.sweeps.study import Collected, Failure, Progress, Study
from sim.sweeps.swept import Sweep
from sim.sweeps.wanting import Precision, budget_of, looked_at, wanted_of

REPLICATIONS: Final = 30
"""Replications where neither a number nor a precision is asked for."""
SWEEP_REPLICATIONS: Final = 20
"""Replications of each point of a sweep."""

Axes = Mapping[str, Sequence[object] | str]


class SimulationError(RuntimeError):
    """A replication could not be simulated: a defect of the simulator. The message holds the line that replays it."""


def run(scenario: Source, seed: int = SEED, replication: int = 0, engine: str = ENGINE) -> Run:
    """Simulate one replication.

    Args:
        scenario: a scenario, or the name or path of one.
        seed: same seed, same numbers, on any machine.
        replication: which of the seed's replications; each is independent of the others.
        engine: "process", the reference; all engines give the same events.
    """
    chosen, origin = named(scenario)
    checked(engine, seed=seed, replications=1)
    if replication < 0:
        raise UsageError(f"replication = {replication}: they are counted from 0")
    trace = engines.run(chosen, seed, replication, engine=engine)
    return Run(chosen, replication, trace, Provenance.of(chosen, origin, seed, (replication,), engine))


def replicate(
    scenario: Source,
    replications: int | None = None,
    precision: Precision | None = None,
    seed: int = SEED,
    engine: str = ENGINE_FOR_MANY,
    jobs: int = 1,
    metric: str | Sequence[str] = HEADLINES,
    progress: Progress | None = None,
    confidence: float = 0.95,
    budget: int | str | None = None,
) -> Replications:
    """Simulate independent replications and estimate every metric with its interval.

    Args:
        scenario: a scenario, or the name or path of one.
        replications: how many; 30 where neither this nor `precision` is given; with `precision`, at most so many.
        precision: go on until the half-width of each `metric` is at most this share of its value, such as 0.1; or a
            share by metric, ``{"false_terminations_per_lease_hour": 0.1, "queue_wait_seconds": 0.2}``.
        seed: same seed, same numbers.
        engine: "auto", the compiled one where it can run; all engines give the same results.
        jobs: processes; the result does not depend on it.
        metric: the name or names of what has to be precise.
        progress: called with the replications done and planned.
        confidence: nominal coverage of every interval.
        budget: with `precision`, replications at most, or simulated lease-hours as in "1e6h"; 1,000 where not given.
    """
    chosen, origin = named(scenario)
    wanted = wanted_of(precision, metric)
    most = budget_of(budget, replications) if wanted else None
    count = REPLICATIONS if replications is None else replications
    checked(engine, seed=seed, replications=count, jobs=jobs, confidence=confidence)
    if budget is not None and not wanted:
        raise UsageError(f"budget = {budget}: there is nothing to stop for before it", "give a precision too")
    with ExitStack() as stack:
        executor = stack.enter_context(pool_for(engine, jobs)) if jobs > 1 and wanted else None
        study = Study((Point(0, {}, chosen),), seed, engine, jobs, executor, progress=progress)
        collected = Collected()

        def upto(number: int) -> tuple[Tally, ...]:
            collected.tallies |= all_or_raise(study.collect(range(len(collected.tallies), number)), origin, study)
            return collected.of(study.points[0], range(number))

        stop = None
        if most:
            stop = sample(
                lambda number: looked_at(upto(number), wanted, confidence),
                wanted,
                lambda number: most.room(upto(max(1, number))),
            )
            count = stop.replications
        provenance = Provenance.of(chosen, origin, seed, tuple(range(count)), engine)
        why, reached = (stop.words, stop.reached) if stop else ("", ())
        return Replications(chosen, upto(count), provenance, why, confidence, reached)


def compare(
    a: Source,
    b: Source,
    replications: int = REPLICATIONS,
    seed: int = SEED,
    engine: str = ENGINE_FOR_MANY,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Comparison:
    """Simulate two scenarios on the same random numbers, and say in what they differ.

    Args:
        a: a scenario, or the name or path of one.
        b: another, often ``a.with_({"lease.ttl": "10m"})``.
        replications: how many of each.
        seed: same seed, same numbers.
        engine: "auto", the compiled one where it can run; all engines give the same results.
        jobs: processes; the result does not depend on it.
        progress: called with the replications done and planned.
    """
    checked(engine, seed=seed, replications=replications, jobs=jobs)
    (first, origin_a), (second, origin_b) = named(a), named(b)
    study = Study((Point(0, {}, first), Point(1, {}, second)), seed, engine, jobs, progress=progress)
    numbers = tuple(range(replications))
    collected = study.collect(numbers)
    all_or_raise(collected, origin_a, study)
    done = [
        Replications(s, collected.of(point, numbers), Provenance.of(s, origin, seed, numbers, engine))
        for s, origin, point in zip((first, second), (origin_a, origin_b), study.points, strict=True)
    ]
    return Comparison(*done)


def sweep(
    scenario: Source,
    axes: Axes,
    replications: int = SWEEP_REPLICATIONS,
    seed: int = SEED,
    engine: str = ENGINE_FOR_MANY,
    jobs: int = 1,
    out: str | os.PathLike[str] | None = None,
    resume: bool = True,
    executor: Executor | None = None,
    progress: Progress | None = None,
    on_failure: Callable[[Failure], None] | None = None,
    on_damage: Callable[[int], None] | None = None,
    chunk: int | None = None,
    design: str = "grid",
    refine: str | None = None,
    budget: int | None = None,
) -> Sweep:
    """Simulate every combination of values, each with the same random numbers.

    Args:
        scenario: a scenario, or the name or path of one.
        axes: dotted keys and their values, ``{"lease.ttl": ["1m", "5m"], "renewal.every": "0.2..0.9/8"}``.
        replications: how many of each point.
        seed: same seed, same numbers.
        engine: "auto", the compiled one where it can run; all engines give the same results.
        jobs: processes; the result does not depend on it.
        out: a folder for what is computed, as it is computed.
        resume: reuse what is in that folder; else start it again.
        executor: who does the work instead of `jobs` processes; any `concurrent.futures.Executor`.
        progress: called with the replications done and planned.
        on_failure: called at once with each replication that could not be simulated; the others go on.
        on_damage: called with the number of parts on file that were not what was written; they are simulated again.
        chunk: replications handed out at a time; by default as many as take a quarter of a second, or longer where an
            executor has many workers.
        design: "grid" for every combination, "list" for the first values together, then the second ones and so on;
            "lhs:64" and "sobol:64" for so many points that fill ranges such as "1m..20m" or "1m..20m/log" evenly.
        refine: a metric and a limit, "false_terminations_per_lease_hour<=1e-2": points are added to the grid where the
            metric crosses the limit, or may.
        budget: points at most, where there is something to refine; 200 where not given.
    """
    chosen, origin = named(scenario)
    checked(engine, seed=seed, replications=replications, jobs=jobs, chunk=chunk)
    text(design=design, refine="" if refine is None else refine)
    _instance(executor)
    numbers = tuple(range(replications))
    provenance = Provenance.of(chosen, origin, seed, numbers, engine)
    plan = planned(chosen, axes, design, seed, refine, budget)
    with ExitStack() as stack:
        store = None
        if out is not None:
            manifest = manifest_of(provenance, Path(origin.name).name, plan.axes, plan.text)
            store = stack.enter_context(Store(folder_of(out), manifest, fresh=not resume))
            if store.damaged and on_damage:
                on_damage(store.damaged)
        study = Study(plan.points, seed, engine, jobs, executor, store, progress, on_failure, chunk)
        return worked_through(plan, study, numbers, chosen, provenance)


def checked(
    engine: str,
    *,
    seed: int,
    replications: int,
    jobs: int = 1,
    confidence: float = 0.95,
    chunk: int | None = None,
) -> None:
    """Refuse what means nothing, before anything is computed."""
    choices = (*engines.ENGINES, "auto")
    text(engine=engine)
    if engine not in choices:
        near = nearest(engine, choices)
        hint = f"did you mean '{near}'?" if near else f"choose from: {', '.join(choices)}"
        raise UsageError(f"unknown engine '{engine}'", hint)
    whole(seed=seed, replications=replications, jobs=jobs, chunk=1 if chunk is None else chunk)
    fit_to_seed(seed)
    if not 1 <= replications <= REPLICATIONS_MAX:
        most = f", and at most {REPLICATIONS_MAX:,}" if replications > 1 else ""
        raise UsageError(f"replications = {replications}: must be at least 1{most}")
    if not 1 <= jobs <= JOBS_MAX:
        raise UsageError(f"jobs = {jobs}: must be between 1 and {JOBS_MAX:,}")
    if chunk is not None and chunk < 1:
        raise UsageError(f"chunk = {chunk}: must be at least 1")
    sure(confidence)


def _instance(executor: object) -> None:
    if not (executor is None or isinstance(executor, Executor)):
        raise UsageError(
            f"executor = {executor!r}: must be a concurrent.futures.Executor",
            "ThreadPoolExecutor(4), say, or a Dask client's get_executor(): an instance, not the class",
        )


def all_or_raise(collected: Collected, origin: Origin, study: Study) -> Mapping[Any, Any]:
    """Without a grid there are no other points to go on with: a failure is the result."""
    if collected.failures:
        first = collected.failures[0]
        replay = Provenance.of(study.points[first.point].scenario, origin, study.seed, (), study.engine)
        line = replay.replay(first.replication)
        error = SimulationError(f"replication {first.replication} failed: {first.error}\n  replay: {line}")
        error.add_note(first.detail)
        raise error
    return collected.tallies
