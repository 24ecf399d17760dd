"""Which setting to choose, and what matters for it: search under constraints, confirmation, sensitivity."""

from sim.tuning.sensing import Sensitivity, sensitivity
from sim.tuning.tuned import Tuned
from sim.tuning.tuning import tune

__all__ = ["Sensitivity", "Tuned", "sensitivity", "tune"]
