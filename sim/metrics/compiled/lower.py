"""From a scenario to the memory of its tally; and more memory where the records need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from sim.metrics.compiled import layout as at
from sim.metrics.compiled.storage import place_of_life, place_of_run
from sim.model.distributions import Constant
from sim.model.faults import Fault
from sim.model.fields import UNLIMITED
from sim.model.scenario import Scenario
from sim.units import FOREVER

Words = npt.NDArray[np.int64]

_RECORDS: Final = 4096
"""Words for records to begin with."""
_PLACES: Final = 64
"""Places in each hash table to begin with; doubled with the records."""

_ROLES: Final = {
    "sleep": at.DELAYS | at.CUTS,
    "slow": at.DELAYS | at.CUTS,
    "pause": at.DELAYS | at.STOPS,
    "block": at.DELAYS | at.STOPS,
    "gil_block": at.DELAYS | at.STOPS,
    "clock_step": at.DELAYS,
    "clock_drift": at.DELAYS,
    "outage": at.CUTS,
    "restart": at.CUTS,
}
_IMMUNE: Final = {"thread": ("block",), "process": ("block", "gil_block")}
_WHAT: Final = {
    "sleep": at.SLEEP,
    "slow": at.SLOW,
    "clock_step": at.CLOCK_STEP,
    "clock_drift": at.CLOCK_DRIFT,
    "restart": at.RESTART,
}
_WHOM: Final = {"runs": at.ON_RUNS, "hosts": at.ON_HOSTS}


def lower(scenario: Scenario) -> Words:
    """Return a memory in which nothing has happened yet."""
    faults, causes = scenario.faults, at.FIRST_FAULT + len(scenario.faults)
    words, places = _parameters(scenario), {}
    top = at.HEADER_WORDS
    for where, length in (
        (at.FAULTS, at.FAULT_WORDS * len(faults)),
        (at.LINES, scenario.hosts.count + 1),
        (at.FLOORS, scenario.hosts.count),
        (at.OVER_BY_CAUSE, 2 * causes),
        (at.STOPS_BY_CAUSE, causes),
        (at.ROWS, at.PORTION * at.ROW_WORDS),
    ):
        places[where] = top
        top += length
    limit = top + _RECORDS
    words |= places | {at.LISTED_AT: -1, at.TOP: top, at.LIMIT: limit, at.TABLE_MASK: _PLACES - 1}
    words |= {at.RUN_TABLE: limit, at.LIFE_TABLE: limit + _PLACES}
    memory = np.zeros(limit + 2 * _PLACES, dtype=np.int64)
    for where, value in words.items():
        memory[where] = value
    for index, fault in enumerate(faults):
        first = places[at.FAULTS] + index * at.FAULT_WORDS
        memory[first : first + at.FAULT_WORDS] = _fault(scenario, fault)
    return memory


def _parameters(scenario: Scenario) -> dict[int, int]:
    lease, renewal, server, network = scenario.lease, scenario.renewal, scenario.server, scenario.network
    slack = scenario.fence_after_ns - scenario.renew_every_ns
    reconnect, lossless = network.reconnect, network.loss_up == network.loss_down == 0 and network.bursts is None
    return {
        at.SLOTS: scenario.limit.slots,
        at.WARMUP: scenario.warmup,
        at.FENCED_WRITES: renewal.fencing == "token_enforced",
        at.LOST_FREE: lease.on_restart == "lost_free",
        at.REUSE_DELAY: lease.reuse_delay > 0,
        at.HOST_COUNT: scenario.hosts.count,
        at.SHARED: server.host == "shared",
        at.REPLICATED: server.replicas > 1 and server.storage == "memory",
        at.NO_RENEWER: renewal.runs_in == "none",
        at.TTL: min(lease.ttl, FOREVER),
        at.INITIAL_TTL: min(scenario.initial_ttl_ns, FOREVER),
        at.GRACE: min(scenario.expiry_grace_ns, FOREVER),
        at.REFUSED_WHEN_EXPIRED: lease.late_renew in ("reject", "reject_locally"),
        at.REVIVES: lease.late_renew in ("if_untaken", "resurrect"),
        at.FENCE_SLACK: min(slack if slack > 0 else scenario.fence_after_ns, FOREVER),
        at.RESTART_SHORTENS: lease.on_restart == "reset_to" and lease.restart_ttl < lease.ttl,
        at.RECONNECT: min(reconnect.value, FOREVER) if isinstance(reconnect, Constant) else -1,
        at.LISTS_FIRST: not lease.sweep_recheck,
        at.TIMED_OUT: at.CONGESTION if lossless and server.requests_max < UNLIMITED else at.LOSS,
    }


def _fault(scenario: Scenario, fault: Fault) -> list[int]:
    immune = fault.what in _IMMUNE.get(scenario.renewal.runs_in, ())
    what = "slow" if fault.what == "outage" and fault.mode == "stall" else fault.what  # a stall holds requests up
    wrong_way = fault.ppm if fault.whom == "server" else -fault.ppm
    words = {
        at.FAULT_WHAT: _WHAT.get(what, at.OTHER),
        at.FAULT_WHOM: _WHOM.get(fault.whom, at.ON_ALL),
        at.FAULT_ROLES: 0 if immune else _ROLES.get(what, 0),
        at.FAULT_INSTANT: fault.what in ("crash", "clock_step"),
        at.FAULT_STEP: fault.step,
        at.FAULT_WRONG_WAY: int(np.float64(wrong_way).view(np.int64)),
        at.FAULT_RANK: 0,
        at.FAULT_SPELL: 0,
    }
    return [int(words[field]) for field in range(at.FAULT_WORDS)]


def grown(old: Words) -> Words:
    """Return the memory with twice the room for records and twice the places in the hash tables."""
    old_limit, old_places = int(old[at.LIMIT]), int(old[at.TABLE_MASK]) + 1
    room = old_limit - int(old[at.ROWS]) - at.PORTION * at.ROW_WORDS
    limit, places = old_limit + room, 2 * old_places
    new = np.zeros(limit + 2 * places, dtype=np.int64)
    new[:old_limit] = old[:old_limit]
    new[at.LIMIT], new[at.TABLE_MASK] = limit, places - 1
    new[at.RUN_TABLE], new[at.LIFE_TABLE] = limit, limit + places
    for run in _chained(old, int(old[at.RUN_TABLE]), old_places):
        lane, generation = int(old[run + at.RUN_LANE]), int(old[run + at.RUN_GENERATION])
        _chain(new, limit + _plain(place_of_run)(lane, generation, places - 1), run)
    for life in _chained(old, int(old[at.LIFE_TABLE]), old_places):
        _chain(new, limit + places + _plain(place_of_life)(int(old[life + at.LIFE_LEASE]), places - 1), life)
    return new


def _chained(memory: Words, table: int, places: int) -> list[int]:
    """Return every record of a hash table, those of one place in reverse order, so that chaining restores it."""
    found = []
    for place in range(table, table + places):
        chain, record = [], int(memory[place])
        while record:
            chain.append(record)
            record = int(memory[record])
        found += chain[::-1]
    return found


def _chain(memory: Words, place: int, record: int) -> None:
    memory[record] = memory[place]
    memory[place] = record


def _plain(function: Callable[..., int]) -> Callable[..., int]:
    """Return the Python function behind one that only compiled code can call."""
    return cast(Callable[..., int], getattr(function, "py_func", function))
