"""Metrics: from a trace to its tally, from tallies to numbers with intervals.

- `measure` walks over one trace and returns its `Tally`, whole numbers that add up over replications.
- `tally_of` simulates a replication and returns its tally; with the compiled engine no trace is made.
- `estimates` turns tallies into every metric of `METRICS`; `causes_of` splits two of them by cause;
  `contributing` tells of how many replications one is made.
- `conservation` names the identities that a tally breaks.
"""

from __future__ import annotations

from sim.metrics.causes import WITHOUT_FAULT, Cause, Causes, LeaseLife
from sim.metrics.checks import conservation
from sim.metrics.estimating import causes_of, contributing, estimate, estimates
from sim.metrics.measuring import measure
from sim.metrics.spec import METRICS, Metric
from sim.metrics.streaming import tally_of
from sim.metrics.tally import Tally, total

__all__ = [
    "METRICS",
    "WITHOUT_FAULT",
    "Cause",
    "Causes",
    "LeaseLife",
    "Metric",
    "Tally",
    "causes_of",
    "conservation",
    "contributing",
    "estimate",
    "estimates",
    "measure",
    "tally_of",
    "total",
]
