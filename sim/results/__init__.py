"""Results: simulate, estimate, compare, sweep; and what can be asked of what came out."""

from sim.results.many import Replications
from sim.results.origins import load
from sim.results.pair import Comparison
from sim.results.provenance import Provenance
from sim.results.simulate import SimulationError, compare, replicate, run, sweep
from sim.results.single import Run
from sim.results.swept import Sweep

__all__ = [
    "Comparison",
    "Provenance",
    "Replications",
    "Run",
    "SimulationError",
    "Sweep",
    "compare",
    "load",
    "replicate",
    "run",
    "sweep",
]
