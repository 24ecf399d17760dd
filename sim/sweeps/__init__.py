"""Studies: simulate once or often, two scenarios or a grid; who does the work, and the folder that keeps it."""

from sim.sweeps.opening import open_sweep as open  # noqa: A004 - read as sim.open
from sim.sweeps.simulate import SimulationError, compare, replicate, run, sweep
from sim.sweeps.swept import Sweep

__all__ = ["SimulationError", "Sweep", "compare", "open", "replicate", "run", "sweep"]
