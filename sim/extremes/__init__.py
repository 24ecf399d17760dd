"""The worst that can happen, exactly: one fault on one holder, at any time and of any length."""

from sim.extremes.frontiers import Frontier, frontier
from sim.extremes.measuring import Measured, measured
from sim.extremes.worst import WorstCase, struck, worst_case

__all__ = ["Frontier", "Measured", "WorstCase", "frontier", "measured", "struck", "worst_case"]
