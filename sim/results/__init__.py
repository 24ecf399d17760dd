"""Results: what comes of one replication, of many, of two scenarios; and what can be asked of it."""

from sim.results.many import Replications
from sim.results.origins import load
from sim.results.pair import Comparison
from sim.results.provenance import Provenance
from sim.results.single import Run

__all__ = ["Comparison", "Provenance", "Replications", "Run", "load"]
