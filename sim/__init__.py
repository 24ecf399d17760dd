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
    from sim.extremes import Frontier, Measured, WorstCase, frontier, measured, worst_case
    from sim.fitting import Fit, fit
    from sim.model.load import dumps, loads, names, systems
    from sim.model.scenario import Scenario
    from sim.model.shelf import mixes
    from sim.pages import report_html
    from sim.rarity import RareEstimate, SplitEstimate, rare, split
    from sim.results import Comparison, Provenance, Replications, Run, load
    from sim.story.bounds import Bound, bounds
    from sim.sweeps import SimulationError, Sweep, compare, open, replicate, run, sweep  # noqa: A004 - read as sim.open
    from sim.sweeps.best import Best, best
    from sim.sweeps.systems import SystemsCompared, compare_systems
    from sim.tuning import Sensitivity, Tuned, sensitivity, tune

_HOMES = {
    "sim.errors": ("ScenarioError", "UsageError"),
    "sim.explorer": ("explore",),
    "sim.fitting": ("Fit", "fit"),
    "sim.model.load": ("dumps", "loads", "names", "systems"),
    "sim.extremes": ("Frontier", "Measured", "WorstCase", "frontier", "measured", "worst_case"),
    "sim.model.scenario": ("Scenario",),
    "sim.model.shelf": ("mixes",),
    "sim.pages": ("report_html",),
    "sim.rarity": ("RareEstimate", "SplitEstimate", "rare", "split"),
    "sim.results": ("Comparison", "Provenance", "Replications", "Run", "load"),
    "sim.story.bounds": ("Bound", "bounds"),
    "sim.sweeps.best": ("Best", "best"),
    "sim.sweeps.systems": ("SystemsCompared", "compare_systems"),
    "sim.sweeps": ("SimulationError", "Sweep", "compare", "open", "replicate", "run", "sweep"),
    "sim.tuning": ("Sensitivity", "Tuned", "sensitivity", "tune"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Best",
    "Bound",
    "Comparison",
    "Fit",
    "Frontier",
    "Measured",
    "Provenance",
    "RareEstimate",
    "Replications",
    "Run",
    "Scenario",
    "ScenarioError",
    "Sensitivity",
    "SimulationError",
    "SplitEstimate",
    "Sweep",
    "SystemsCompared",
    "Tuned",
    "UsageError",
    "WorstCase",
    "best",
    "bounds",
    "compare",
    "compare_systems",
    "dumps",
    "explore",
    "fit",
    "frontier",
    "load",
    "loads",
    "measured",
    "mixes",
    "names",
    "open",
    "rare",
    "replicate",
    "report_html",
    "run",
    "sensitivity",
    "split",
    "sweep",
    "systems",
    "tune",
    "worst_case",
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
