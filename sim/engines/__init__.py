"""The engines, behind one door: whichever runs a scenario, the trace is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sim.engines import kernel
from sim.errors import OutOfReach, UsageError
from sim.model.scenario import Scenario
from sim.trace import Trace

ENGINES: Final = ("process", "kernel")


def run(
    scenario: Scenario, seed: int = 1, replication: int = 0, engine: str = "process", checks: bool = False
) -> Trace:
    """Simulate one replication and return its trace.

    `engine` is ``"process"`` (the readable reference), ``"kernel"`` (compiled; needs numba) or ``"auto"``: the kernel
    where it can run. With `checks` the reference asserts its invariants after every event. Raises `UsageError` for
    an unknown engine, and for the kernel where numba is missing.
    """
    if resolved(engine) == "kernel" and not checks:
        try:
            return kernel.simulate(scenario, seed, replication)
        except OutOfReach:
            if engine == "kernel":
                raise
    from sim.engines.process import simulate

    return simulate(scenario, seed, replication, checks)


def stream(
    scenario: Scenario, seed: int, replication: int, consume: Callable[[Any], None], fast_forward: bool = False
) -> bool:
    """Simulate one replication with the kernel, and hand its events to `consume` as they come: arrays of trace rows.

    Each array is valid during its call only; no trace is kept. With `fast_forward` routine events are left out; returns
    False where that turns out to be impossible for this replication: what came so far is then to be thrown away.
    Raises `UsageError` where numba is missing.
    """
    resolved("kernel")
    return kernel.stream(scenario, seed, replication, consume, fast_forward)


def resolved(engine: str) -> str:
    """Return which engine `engine` means here, ``"process"`` or ``"kernel"``; raises as `run` does."""
    if engine not in (*ENGINES, "auto"):
        raise UsageError(f"unknown engine '{engine}'; choose from: auto, {', '.join(ENGINES)}")
    if engine == "process":
        return engine
    can, why_not = kernel.available()
    if engine == "kernel" and not can:
        raise UsageError(why_not, 'pip install "leasesim[fast]", or use engine = "process"')
    return "kernel" if can else "process"
