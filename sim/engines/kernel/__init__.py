"""The fast twin: the same worlds and the same traces as the reference, compiled."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from sim.model.scenario import Scenario
from sim.trace import Trace


def available() -> tuple[bool, str]:
    """Return whether this engine can run here, and one sentence that says why not."""
    try:
        importlib.import_module("sim.engines.kernel.driving")
    except Exception as error:  # noqa: BLE001 - a broken numba fails in many ways, and none may stop the others
        return False, f"The compiled engine needs numba, which cannot be imported: {error}."
    return True, ""


def simulate(scenario: Scenario, seed: int, replication: int, fast_forward: bool = False) -> Trace:
    """Run one replication and return its trace; with `fast_forward` routine events are left out of it."""
    from sim.engines.kernel.driving import simulate as drive

    return drive(scenario, seed, replication, fast_forward)


def stream(
    scenario: Scenario, seed: int, replication: int, consume: Callable[[Any], None], fast_forward: bool = False
) -> bool:
    """Run one replication and hand its rows to `consume` as they come, in arrays that are valid during the call.

    Return whether they are the whole replication: where fast-forward cannot go on, it has to be run again without.
    """
    from sim.engines.kernel.driving import stream as drive

    return drive(scenario, seed, replication, consume, fast_forward)


__all__ = ["available", "simulate", "stream"]
