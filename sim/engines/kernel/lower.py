"""From a scenario to the arrays that the kernel works on."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from sim import samplers
from sim.engines.kernel import layout as at
from sim.engines.kernel import regions
from sim.errors import OutOfReach
from sim.model.distributions import Distribution, Empirical, Mixture, Part
from sim.model.faults import Fault
from sim.model.scenario import Backlog, Closed, Poisson, Scenario, Times
from sim.streams import stable_id
from sim.units import DAY
from sim.vocabulary import HELD, Outcome

DURATION_MAX: Final = 2**59
"""18 years: below it no sum of times overflows 64 bits."""
_WALL_MAX: Final = 2**60
_MASK: Final = 2**64 - 1

_COLLISIONS = {"enqueue": at.ENQUEUE, "cancel_new": at.CANCEL_NEW, "watch": at.WATCH}
_CHECKS = {
    "timer": at.CHECK_TIMER,
    "sweep": at.CHECK_SWEEP,
    "bucket": at.CHECK_BUCKET,
    "on_acquire": at.CHECK_ON_ACQUIRE,
}
_LATE = {
    "reject": at.LATE_REJECT,
    "until_reaped": at.LATE_UNTIL_REAPED,
    "if_untaken": at.LATE_IF_UNTAKEN,
    "resurrect": at.LATE_RESURRECT,
    "reject_locally": at.LATE_UNTIL_REAPED,
}
_RESTARTS = {
    "keep": at.RESTART_KEEP,
    "reset_full": at.RESTART_RESET_FULL,
    "reset_to": at.RESTART_RESET_TO,
    "lost_free": at.RESTART_LOST_FREE,
    "lost_leak": at.RESTART_LOST_LEAK,
}
_CADENCES = {"after_response": at.AFTER_RESPONSE, "after_send": at.AFTER_SEND, "fixed_rate": at.FIXED_RATE}
_PLACES = {"event_loop": at.IN_EVENT_LOOP, "thread": at.IN_THREAD, "process": at.IN_PROCESS, "none": at.IN_NONE}
_ENDS = {
    "terminate": at.THEN_TERMINATE,
    "continue": at.THEN_CONTINUE,
    "rejoin": at.THEN_REJOIN,
    "suspend": at.THEN_SUSPEND,
}
_ANCHORS = {
    "never": at.ANCHOR_NONE,
    "giveup": at.ANCHOR_NONE,
    "send": at.ANCHOR_SEND,
    "recv": at.ANCHOR_RECV,
    "loop_start": at.ANCHOR_LOOP_START,
}
_SHAPES = {"uniform": at.SHAPE_UNIFORM, "truncated_exponential": at.SHAPE_EXPONENTIAL}
_SUSPENDS = {"reset": at.SUSPEND_RESET, "black_hole": at.SUSPEND_BLACK_HOLE, "keep": at.SUSPEND_KEEP}
_FAULTS = {
    "sleep": at.SLEEP,
    "pause": at.PAUSE,
    "block": at.BLOCK,
    "gil_block": at.GIL_BLOCK,
    "crash": at.CRASH,
    "restart": at.RESTART,
    "outage": at.OUTAGE,
    "slow": at.SLOW,
    "clock_step": at.CLOCK_STEP,
    "clock_drift": at.CLOCK_DRIFT,
}
_TARGETS = {"hosts": at.ON_HOSTS, "runs": at.ON_RUNS, "server": at.ON_SERVER, "network": at.ON_NETWORK}
_MODES = {
    "refuse": int(Outcome.REFUSED),
    "reset": int(Outcome.RESET),
    "black_hole": int(Outcome.CONNECT_TIMEOUT),
    "stall": int(HELD),
}


def refuse_what_does_not_fit(scenario: Scenario) -> None:
    """Raise `OutOfReach` for values whose sums would not fit 64 bits."""
    hint = 'use engine="process", which counts without bounds'
    if scenario.duration > DURATION_MAX:
        raise OutOfReach(f"duration = {scenario.duration} ns: the kernel simulates at most 18 years", hint)
    if abs(scenario.hosts.wall_offset) > _WALL_MAX:
        raise OutOfReach("hosts.wall_offset: the kernel's wall clock shows at most 36 years", hint)
    for index, fault in enumerate(scenario.faults):
        if abs(fault.step) > _WALL_MAX:
            raise OutOfReach(f"faults[{index}].step: the kernel's wall clock shows at most 36 years", hint)


class Tables:
    """Collects what goes behind the header: laws, lists of times, faults."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.words: list[int] = [0] * at.HEADER_WORDS

    def table(self, values: list[int]) -> int:
        """Append values; return where they stand."""
        self.words += values
        return len(self.words) - len(values)

    def reals(self, values: list[float]) -> int:
        """Append numbers that are not whole; return where they stand."""
        return self.table([bits_of(value) for value in values])

    def law(self, distribution: Distribution) -> int:
        """Append a distribution; return where its law stands."""
        if not isinstance(distribution, Mixture):
            return self.table(self._simple(distribution))
        parts = [self._simple(part.of) for part in distribution.parts]
        first = self.table([word for part in parts for word in part])
        reached = self._cumulative(distribution.parts)
        return self.table([samplers.MIXTURE, 0, first, len(parts), reached])

    def _simple(self, distribution: Distribution) -> list[int]:
        assert not isinstance(distribution, Mixture)
        if isinstance(distribution, Empirical):
            return [samplers.EMPIRICAL, 0, self.table(list(distribution.values)), len(distribution.values), 0]
        kind, a, b = distribution.law()
        constant = samplers.nanoseconds(a) if kind == samplers.CONSTANT else 0
        return [kind, constant, 0, 0, self.reals([a, b])]

    def _cumulative(self, parts: tuple[Part, ...]) -> int:
        total, reached = sum(part.weight for part in parts), 0.0
        sums = []
        for part in parts:
            reached += part.weight / total
            sums.append(reached)
        return self.reals(sums)

    def faults(self) -> int:
        """Append all faults; return where the first stands."""
        built = [self._fault(index, fault) for index, fault in enumerate(self.scenario.faults)]
        return self.table([word for fault in built for word in fault])

    def _fault(self, index: int, fault: Fault) -> list[int]:
        when, skip = fault.when, 0
        if when.trace is not None:
            way, times = at.WHEN_TRACE, [word for pair in when.trace for word in pair]
        elif when.rate is not None:
            way, times = at.WHEN_RATE, []
        elif when.times is not None:
            way, times = at.WHEN_TIMES, sorted(when.times)
        else:
            way, times = at.WHEN_DAILY, sorted(when.daily or ())
            skip = sum(max(0, -((time - self.scenario.starts_at) // DAY)) for time in times)
        targets = self.scenario.hosts.count if fault.whom == "hosts" else 1
        count = len(times) // 2 if way == at.WHEN_TRACE else len(times)
        words = dict.fromkeys(range(at.FAULT_WORDS), 0)
        words |= {
            at.FAULT_WHAT: _FAULTS[fault.what],
            at.FAULT_WHOM: _TARGETS[fault.whom],
            at.FAULT_NAME: stable_id(fault.name),
            at.FAULT_INSTANT: fault.what in ("crash", "clock_step"),
            at.FAULT_LENGTH: self.law(fault.length),
            at.FAULT_WHEN: way,
            at.FAULT_FIRST: self.table(times),
            at.FAULT_TIMES: count,
            at.FAULT_SKIP: skip,
            at.FAULT_ONLY: self.table(sorted(fault.only)),
            at.FAULT_ONLY_COUNT: len(fault.only),
            at.FAULT_OUTCOME: _MODES.get(fault.mode, fault.status),
            at.FAULT_ADD: fault.add,
            at.FAULT_STEP: fault.step,
            at.FAULT_PPB: round(fault.ppm * 1000),
            at.FAULT_AFFLICTIONS: self.table([0] * (at.AFFLICTION_WORDS * targets)),
            at.FAULT_NUMBERS: self.reals([when.rate or 0.0, fault.probability, fault.factor]),
            at.FAULT_IMPOSSIBLE: fault.probability == 0,
            at.FAULT_INDEX: index,
        }
        return [int(words[field]) for field in range(at.FAULT_WORDS)]


def bits_of(number: float) -> int:
    """Return the bits of a double as a whole number."""
    return int(np.float64(number).view(np.int64))


def lower(scenario: Scenario, seed: int, replication: int) -> npt.NDArray[np.int64]:
    """Return the memory of one replication, ready to go."""
    memory = _lowered(_Same(scenario)).copy()
    memory[at.KEY_0], memory[at.KEY_1] = _signed(seed), _signed(replication)
    return memory


class _Same:
    """A scenario as a key: this very object, which is frozen: comparing all fields takes longer than a run."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __hash__(self) -> int:
        return id(self.scenario)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.scenario is self.scenario


@lru_cache(maxsize=8)
def _lowered(same: _Same) -> npt.NDArray[np.int64]:
    """Return the memory that all replications of a scenario begin with."""
    from sim.engines.kernel import settings

    scenario = same.scenario
    refuse_what_does_not_fit(scenario)
    tables = Tables(scenario)
    words = settings.words(scenario, tables) | {
        at.STATUS: at.BEGINNING,
        at.END: scenario.duration,
        at.WARMUP: scenario.warmup,
        at.INSTANT: -1,
        at.ROWS_BEFORE: -1,
        at.WALL_CLOCK + at.CLOCK_LOCAL: scenario.hosts.wall_offset,
        at.WALL_CLOCK + at.CLOCK_PPB: round(scenario.hosts.server_drift_ppm * 1000),
        at.WALL_CLOCK + at.CLOCK_DRIFTS: round(scenario.hosts.server_drift_ppm * 1000),
        at.WALL_CLOCK + at.CLOCK_RUNNING: 1,
        at.TRUE_TIME + at.CLOCK_RUNNING: 1,
        at.FAULT_COUNT: len(scenario.faults),
        at.RUN_FAULTS: sum(fault.whom == "runs" for fault in scenario.faults),
        at.FAULTS: tables.faults(),
        at.HOSTS: tables.table([0] * (at.HOST_WORDS * scenario.hosts.count)),
    }
    for where, value in words.items():
        tables.words[where] = int(value)
    for where, number in settings.numbers(scenario).items():
        tables.words[where] = bits_of(number)
    tables.words[at.TOP] = tables.words[at.RECORDS_LIMIT] = len(tables.words)
    clients, strikes = tables.words[at.CLIENTS], len(scenario.faults) * scenario.hosts.count
    return regions.laid_out(
        np.array(tables.words, dtype=np.int64),
        {
            at.RECORDS_LIMIT: len(tables.words) + at.ALARM_WORDS * strikes + 16_384,
            at.AGENDA_LIMIT: clients + strikes + 256,
            at.ROWS_LIMIT: 4096,
            at.LEASES_LIMIT: 1024,
            at.LANES_LIMIT: clients + 64,
        },
    )


def _signed(number: int) -> int:
    bits = number & _MASK
    return bits - 2**64 if bits >= 2**63 else bits


def arrivals(scenario: Scenario, tables: Tables) -> dict[int, int]:
    """Return the parameters of the arrivals."""
    how = scenario.runs.arrivals
    words = {at.THINK: 0, at.CLIENTS: 0}
    if isinstance(how, Closed):
        words |= {at.ARRIVALS: at.CLOSED, at.CLIENTS: how.clients, at.THINK: tables.law(how.think)}
    elif isinstance(how, Poisson):
        words |= {at.ARRIVALS: at.POISSON}
    elif isinstance(how, Times):
        words |= {at.ARRIVALS: at.TIMES, at.CLIENTS: len(how.times), at.TIMES_FIRST: tables.table(sorted(how.times))}
    elif isinstance(how, Backlog):
        words |= {at.ARRIVALS: at.BACKLOG, at.CLIENTS: how.waiting}
    return words | {at.BACKLOG_NEXT: words[at.CLIENTS]}


def sweep_phase(phase: int | str) -> int:
    """Return the time of the first sweep, NEVER where it is drawn."""
    if isinstance(phase, str):
        return 0 if phase == "start" else at.NEVER
    return phase
