"""Rates too small to count: the reference engine on one renewal cycle, with every cause of trouble made likely.

- `rare` estimates false terminations per lease-hour by multiple importance sampling over the draws of a cycle.
- `split` estimates the same by splitting cycles on the age of the lease: slower, and with no weights.
"""

from __future__ import annotations

from sim.rarity.estimating import BUDGET, RareEstimate, rare
from sim.rarity.second import SplitEstimate, split

__all__ = ["BUDGET", "RareEstimate", "SplitEstimate", "rare", "split"]
