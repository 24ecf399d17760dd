"""The reference engine: SimPy, one readable generator an actor, checked by assertions."""

from __future__ import annotations

from sim.engines.process.world import World
from sim.model.scenario import Scenario
from sim.streams import Streams
from sim.trace import Trace


def simulate(scenario: Scenario, seed: int, replication: int, checks: bool = False) -> Trace:
    """Run one replication and return its trace."""
    return World(scenario, Streams(seed, replication)).simulate(checks)


__all__ = ["simulate"]
