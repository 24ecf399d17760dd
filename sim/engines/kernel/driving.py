"""The Python side of a replication: make the arrays, let the loop run, give it longer arrays when it asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.engines.kernel import layout as at
from sim.engines.kernel.compiling import INTERPRETED
from sim.engines.kernel.loop import go_through
from sim.engines.kernel.lower import lower
from sim.engines.kernel.regions import grown
from sim.errors import OutOfReach, UsageError, time_stands_still
from sim.model.scenario import Scenario
from sim.trace import Trace

FORESIGHT: Final = 16
"""Alarms that fast-forward looks at for what will break a stretch. With 0 the results are the same, after more work."""

_LIMITS = {
    at.GROW_RECORDS: (at.RECORDS_LIMIT, "runs, requests and alarms at one time"),
    at.GROW_AGENDA: (at.AGENDA_LIMIT, "things to come at one time"),
    at.GROW_ROWS: (at.ROWS_LIMIT, "events in the trace"),
    at.GROW_LEASES: (at.LEASES_LIMIT, "leases granted"),
    at.GROW_LANES: (at.LANES_LIMIT, "arrivals"),
}
_COUNTS = (at.TOP, at.AGENDA_COUNT, at.ROW_COUNT, at.GRANTED, at.BACKLOG_NEXT)
"""How much of each is in use."""

Rows = npt.NDArray[np.int64]


def simulate(
    scenario: Scenario, seed: int, replication: int, fast_forward: bool = False, foresight: int = FORESIGHT
) -> Trace:
    """Run one replication and return its trace; with `fast_forward` routine events are left out of it."""
    memory = _went_through(_prepared(scenario, seed, replication, fast_forward, foresight), scenario)
    if memory is None:
        return simulate(scenario, seed, replication)
    return Trace(_rows(memory).copy(), scenario.duration)


def stream(
    scenario: Scenario, seed: int, replication: int, consume: Callable[[Rows], None], fast_forward: bool = False
) -> bool:
    """Run one replication and hand its rows over as they come; each array is valid only while `consume` looks at it.

    Return whether they are the whole replication: where fast-forward cannot go on, it has to be run again without.
    """
    memory = _went_through(_prepared(scenario, seed, replication, fast_forward, FORESIGHT), scenario, consume)
    if memory is None:
        return False
    consume(_rows(memory))
    return True


def _prepared(scenario: Scenario, seed: int, replication: int, fast_forward: bool, foresight: int) -> Rows:
    memory = lower(scenario, seed, replication)
    if fast_forward:
        memory[at.SKIPS_RENEWALS], memory[at.SKIPS_POLLS] = can_skip(scenario)
        memory[at.FORESIGHT] = foresight
    return memory


def _went_through(memory: Rows, scenario: Scenario, consume: Callable[[Rows], None] | None = None) -> Rows | None:
    """Let the loop run to the end; None where fast-forward cannot go on.

    What asks for room for more rows gets it, or a consumer of those that are there.
    """
    while True:
        go_through(memory if INTERPRETED else memory.ctypes.data)
        _refuse_overrun(memory, scenario)
        status = int(memory[at.STATUS])
        if status == at.FINISHED:
            return memory
        if status == at.CANNOT_SKIP:
            return None
        if status == at.STANDS_STILL:
            raise time_stands_still(int(memory[at.NOW]))
        if status == at.CLOCK_OUT_OF_RANGE:
            raise OutOfReach(
                "faults: steps or drifts add up to a clock that the kernel cannot follow",
                'use engine="process", or smaller faults[].step and faults[].ppm',
            )
        if status == at.GROW_ROWS and consume is not None and memory[at.ROW_COUNT] > 0:
            consume(_rows(memory))
            memory[at.ROWS_BEFORE] -= memory[at.ROW_COUNT]  # so many came before this instant
            memory[at.ROW_COUNT] = 0
            memory[at.STATUS] = at.RUNNING
        else:
            memory = _with_more_room(memory, status, scenario)


def _refuse_overrun(memory: Rows, scenario: Scenario) -> None:
    """Raise `UsageError` if one entry of the agenda wrote past the end of an array: such numbers are worth nothing."""
    for count, (limit, what) in zip(_COUNTS, _LIMITS.values(), strict=True):
        if memory[count] > memory[limit]:
            raise OutOfReach(
                f"scenario '{scenario.title}': the kernel ran out of room for {what} in the midst of an event",
                'use engine="process", and please report this scenario: it is a mistake of the kernel',
            )


def _rows(memory: Rows) -> Rows:
    first, count = int(memory[at.ROWS]), int(memory[at.ROW_COUNT])
    return memory[first : first + count * at.ROW_WORDS].reshape(-1, at.ROW_WORDS)


def _with_more_room(memory: Rows, status: int, scenario: Scenario) -> Rows:
    """Return a longer memory, or say which scenario is too large for this machine, and in what."""
    limit, what = _LIMITS[status]
    try:
        memory = grown(memory, limit)
    except MemoryError as error:
        raise UsageError(
            f"scenario '{scenario.title}': more than {int(memory[limit]):,} {what} do not fit into memory ({error})",
            "a shorter duration, fewer runs or shorter waits; metrics alone (replicate, sweep) keep no trace",
        ) from None
    memory[at.STATUS] = at.RUNNING
    return memory


def can_skip(scenario: Scenario) -> tuple[bool, bool]:
    """Return whether fast-forward may leave out renewals, and polls.

    Not where a link's state is drawn as messages pass, where others watch a lease's versions, where a renewal may
    reach a replica that does not know the lease; polls not where the authority remembers who asked, or how often.
    """
    lease, limit, server = scenario.lease, scenario.limit, scenario.server
    one_book = server.replicas == 1 or server.storage != "memory"
    renewals = scenario.network.bursts is None and lease.judge == "authority" and one_book
    unheard = limit.collision == "enqueue" and not limit.fifo and limit.retry_after == "none"
    return renewals, renewals and unheard and lease.expiry_check != "on_acquire"
