"""The engines, behind one door: whichever runs a scenario, the trace is the same."""

from __future__ import annotations

from sim.errors import UsageError
from sim.model.scenario import Scenario
from sim.trace import Trace

ENGINES = ("process",)


def run(
    scenario: Scenario, seed: int = 1, replication: int = 0, engine: str = "process", checks: bool = False
) -> Trace:
    """Simulate one replication and return its trace.

    `engine` is one of `ENGINES`; ``"auto"`` takes the fastest that is there. With `checks` the reference engine
    asserts its invariants after every event. Raises `UsageError` for an unknown engine.
    """
    if engine not in (*ENGINES, "auto"):
        raise UsageError(f"unknown engine '{engine}'; choose from: auto, {', '.join(ENGINES)}")
    from sim.engines.process import simulate

    return simulate(scenario, seed, replication, checks)
