"""The Python side of a replication: make the arrays, let the loop run, give it longer arrays when it asks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sim.engines.kernel import layout as at
from sim.engines.kernel.compiling import INTERPRETED
from sim.engines.kernel.loop import go_through
from sim.engines.kernel.lower import lower
from sim.engines.kernel.regions import grown
from sim.errors import UsageError, time_stands_still
from sim.model.scenario import Scenario
from sim.trace import Trace

_LIMITS = {
    at.GROW_RECORDS: at.RECORDS_LIMIT,
    at.GROW_AGENDA: at.AGENDA_LIMIT,
    at.GROW_ROWS: at.ROWS_LIMIT,
    at.GROW_LEASES: at.LEASES_LIMIT,
    at.GROW_LANES: at.LANES_LIMIT,
}


Rows = npt.NDArray[np.int64]


def simulate(scenario: Scenario, seed: int, replication: int) -> Trace:
    """Run one replication and return its trace."""
    memory = _went_through(lower(scenario, seed, replication))
    return Trace(_rows(memory).copy(), scenario.duration)


def stream(scenario: Scenario, seed: int, replication: int, consume: Callable[[Rows], None]) -> None:
    """Run one replication and hand its rows over as they come; each array is valid only while `consume` looks at it."""
    consume(_rows(_went_through(lower(scenario, seed, replication), consume)))


def _went_through(memory: Rows, consume: Callable[[Rows], None] | None = None) -> Rows:
    """Let the loop run to the end; what asks for room for more rows gets it, or a consumer of those that are there."""
    while True:
        go_through(memory if INTERPRETED else memory.ctypes.data)
        status = int(memory[at.STATUS])
        if status == at.FINISHED:
            return memory
        if status == at.STANDS_STILL:
            raise time_stands_still(int(memory[at.NOW]))
        if status == at.CLOCK_OUT_OF_RANGE:
            raise UsageError(
                "faults: steps or drifts add up to a clock that the kernel cannot follow",
                'use engine="process", or smaller faults[].step and faults[].ppm',
            )
        if status == at.GROW_ROWS and consume is not None and memory[at.ROW_COUNT] > 0:
            consume(_rows(memory))
            memory[at.ROWS_BEFORE] -= memory[at.ROW_COUNT]  # so many came before this instant
            memory[at.ROW_COUNT] = 0
        else:
            memory = grown(memory, _LIMITS[status])
        memory[at.STATUS] = at.RUNNING


def _rows(memory: Rows) -> Rows:
    first, count = int(memory[at.ROWS]), int(memory[at.ROW_COUNT])
    return memory[first : first + count * at.ROW_WORDS].reshape(-1, at.ROW_WORDS)
