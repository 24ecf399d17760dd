"""The compiled twin of `sim.metrics.measure`: the same tally from the same rows, in portions and in bounded memory.

It needs numba; nothing here is imported before it is used.
"""

from __future__ import annotations
