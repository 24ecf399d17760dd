"""Rates too small to count: the reference engine on one renewal cycle, with every cause of trouble made likely.

- `rare` estimates false terminations per lease-hour by multiple importance sampling over the draws of a cycle.
"""

from __future__ import annotations

from sim.rarity.estimating import BUDGET, RareEstimate, rare

__all__ = ["BUDGET", "RareEstimate", "rare"]
