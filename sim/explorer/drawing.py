"""The worst replication, told and drawn by a process of its own: no number waits for a picture."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Final

from sim import engines
from sim.explorer import wording
from sim.explorer.answers import MEMORY, Memory
from sim.explorer.state import State, Subject
from sim.results.measures import badness, worst_index
from sim.results.origins import Origin
from sim.results.provenance import Provenance
from sim.results.single import Run
from sim.sweeps.runner import pool_of

_DOTS_PER_INCH: Final = 90.0


@dataclass(frozen=True)
class Moment:
    """What went wrong: as HTML and as a PNG, none where nothing did."""

    story: str
    picture: bytes | None


def worst_of(subject: Subject, state: State, count: int, memory: Memory = MEMORY) -> int | None:
    """Return the worst of the first replications; None where nothing went wrong in any."""
    tallies = memory.tallies(state.scenario(subject), subject.seed, subject.engine, count)
    at = worst_index(tallies)
    return at if any(badness(tallies[at])) else None


def again(subject: Subject, state: State, at: int) -> Run:
    """Return one replication with its events."""
    scenario = state.scenario(subject)
    origin = Origin(subject.origin.name, {**subject.origin.overrides, **state.turned}, subject.origin.known)
    provenance = Provenance.of(scenario, origin, subject.seed, (at,), subject.engine)
    return Run(scenario, at, engines.run(scenario, subject.seed, at, engine=subject.engine), provenance)


def told(subject: Subject, state: State, at: int | None) -> Moment:
    """Tell and draw a replication, here and now."""
    from sim.report.style import png

    if at is None:
        return Moment(wording.told(None), None)
    run = again(subject, state, at)
    figure = run.plot_timeline(next(iter(run.terminations), None))
    figure.set_dpi(_DOTS_PER_INCH)
    return Moment(wording.told(run), png(figure))


async def told_apart(subject: Subject, state: State, at: int | None) -> Moment:
    """Do the same in the other process."""
    if at is None:
        return told(subject, state, at)
    return await asyncio.wrap_future(_apart().submit(told, subject, state, at))


def get_ready(subject: Subject) -> None:
    """Start the other process and let it load what it needs, while nobody waits."""
    _apart().submit(told, subject, State(), 0)


_LENT: Final = ExitStack()


@cache
def _apart() -> Executor:
    pool = _LENT.enter_context(pool_of(1))
    if hasattr(os, "nice"):  # not on Windows
        pool.submit(os.nice, 10)
    return pool
