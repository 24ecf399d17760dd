"""leasesim: simulate lease renewal under faults.

    >>> import sim
    >>> sim.names()                      # scenarios that come along
    >>> laptop = sim.load("laptop-own-server")
    >>> sim.replicate(laptop)            # every metric with its interval
    >>> sim.compare(laptop, laptop.with_({"lease.ttl": "10m"}))

What is heavy is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.errors import ScenarioError, UsageError
    from sim.explorer import explore
    from sim.model.load import dumps, loads, names
    from sim.model.scenario import Scenario
    from sim.pages import report_html
    from sim.rarity import RareEstimate, rare
    from sim.results import Comparison, Provenance, Replications, Run, load
    from sim.sweeps import SimulationError, Sweep, compare, open, replicate, run, sweep  # noqa: A004 - read as sim.open
    from sim.sweeps.best import Best, best

_HOMES = {
    "sim.errors": ("ScenarioError", "UsageError"),
    "sim.explorer": ("explore",),
    "sim.model.load": ("dumps", "loads", "names"),
    "sim.model.scenario": ("Scenario",),
    "sim.pages": ("report_html",),
    "sim.rarity": ("RareEstimate", "rare"),
    "sim.results": ("Comparison", "Provenance", "Replications", "Run", "load"),
    "sim.sweeps.best": ("Best", "best"),
    "sim.sweeps": ("SimulationError", "Sweep", "compare", "open", "replicate", "run", "sweep"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Best",
    "Comparison",
    "Provenance",
    "RareEstimate",
    "Replications",
    "Run",
    "Scenario",
    "ScenarioError",
    "SimulationError",
    "Sweep",
    "UsageError",
    "best",
    "compare",
    "dumps",
    "explore",
    "load",
    "loads",
    "names",
    "open",
    "rare",
    "replicate",
    "report_html",
    "run",
    "sweep",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from sim.results.provenance import version

        return version()
    if name not in _HOME:
        raise AttributeError(f"module 'sim' has no attribute '{name}'")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
