"""The Python side of a replication: make the arrays, let the loop run, give it longer arrays when it asks."""

from __future__ import annotations

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


def simulate(scenario: Scenario, seed: int, replication: int) -> Trace:
    """Run one replication and return its trace."""
    memory = lower(scenario, seed, replication)
    while True:
        go_through(memory if INTERPRETED else memory.ctypes.data)
        status = int(memory[at.STATUS])
        if status == at.FINISHED:
            break
        if status == at.STANDS_STILL:
            raise time_stands_still(int(memory[at.NOW]))
        if status == at.CLOCK_OUT_OF_RANGE:
            raise UsageError(
                "faults: steps or drifts add up to a clock that the kernel cannot follow",
                'use engine="process", or smaller faults[].step and faults[].ppm',
            )
        memory = grown(memory, _LIMITS[status])
        memory[at.STATUS] = at.RUNNING
    first, count = int(memory[at.ROWS]), int(memory[at.ROW_COUNT])
    rows = memory[first : first + count * at.ROW_WORDS]
    return Trace(rows.copy().reshape(-1, at.ROW_WORDS), scenario.duration)
