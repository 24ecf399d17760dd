"""From an engine straight to a tally: nothing of a replication is kept but what may still matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim import engines
from sim.errors import OutOfReach
from sim.metrics.causes import WITHOUT_FAULT
from sim.metrics.measuring import measure
from sim.metrics.tally import Tally

if TYPE_CHECKING:
    from sim.metrics.compiled.taking import Totals
    from sim.model.scenario import Scenario
    from sim.trace import Trace


def tally_of(scenario: Scenario, seed: int, replication: int, engine: str = "auto") -> Tally:
    """Simulate one replication and return its tally: as `measure` makes it of the trace, with either engine.

    The compiled engine hands its events over as they come, so memory does not grow with them, and leaves out what it
    can foresee (fast-forward); the other one makes a trace. `engine` as in `sim.engines.run`.
    """
    if engines.resolved(engine) == "kernel":
        try:
            return _streamed(scenario, seed, replication)
        except OutOfReach:
            if engine == "kernel":
                raise
    return measure(engines.run(scenario, seed, replication, engine="process"), scenario)


def _streamed(scenario: Scenario, seed: int, replication: int) -> Tally:
    from sim.metrics.compiled.taking import Taking

    taking = Taking(scenario, scenario.duration)
    if not engines.stream(scenario, seed, replication, taking.take, fast_forward=True):
        taking = Taking(scenario, scenario.duration)
        engines.stream(scenario, seed, replication, taking.take)
    return _tally(taking.finish(), scenario, scenario.duration)


def measure_in_portions(trace: Trace, scenario: Scenario, portion: int) -> Tally:
    """Return what `measure` does, by the compiled way: the rows are handed over `portion` at a time."""
    from sim.metrics.compiled.taking import Taking

    taking = Taking(scenario, trace.end_ns)
    for start in range(0, len(trace), portion):
        taking.take(trace.rows[start : start + portion])
    return _tally(taking.finish(), scenario, trace.end_ns)


def _tally(totals: Totals, scenario: Scenario, end_ns: int) -> Tally:
    observed_ns = max(0, end_ns - scenario.warmup)
    held = ("holding_provisioning_ns", "holding_working_ns", "holding_idle_ns")
    return Tally(
        observed_ns=observed_ns,
        capacity_ns=scenario.limit.slots * observed_ns,
        terminations_by_cause=_by_name(totals.terminations_by_cause, scenario),
        over_allocation_by_cause=_by_name(totals.over_allocation_by_cause, scenario),
        holding_ns=sum(totals.fields[name] for name in held),
        **totals.fields,
    )


def _by_name(by_cause: tuple[int, ...], scenario: Scenario) -> dict[str, int]:
    names = (*WITHOUT_FAULT, *(fault.name for fault in scenario.faults))
    found: dict[str, int] = {}
    for name, amount in zip(names, by_cause, strict=True):
        if amount:
            found[name] = found.get(name, 0) + amount
    return dict(sorted(found.items()))
