"""Charts of estimates over the points of a sweep, every one with its 95 % interval.

A frame is tidy: one row a point and metric, a column for each swept parameter (``"lease.ttl"`` with ``"5m"``,
``"renewal.every"`` with 0.75), and the columns `metric`, `unit`, `estimate`, `low`, `high`, `n`. `current` is the
setting in use today, as ``{"lease.ttl": "5m"}``; where the frame holds it, it is marked.
"""

from __future__ import annotations

from sim.report.bars import causes, causes_pair, comparison
from sim.report.curves import curves
from sim.report.heatmaps import heatmap, heatmap_pair, systems_map
from sim.report.tradeoff import tradeoff

__all__ = ["causes", "causes_pair", "comparison", "curves", "heatmap", "heatmap_pair", "systems_map", "tradeoff"]
