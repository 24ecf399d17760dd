"""What the programs have in common: sizes, parameters, and how the outcome is told."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Final

SERVERS: Final = 3
ARRIVAL_RATE: Final = 2.4
HOLDERS: Final = 10
INTERVAL: Final = 225.0
LATENCY_LOG: Final = math.log(0.020)
LATENCY_SIGMA: Final = 0.8

Model = Callable[[int], tuple[float, float]]
"""Do about so many units of work; return how many it were, and the figure that is checked."""


def main(models: dict[str, Model]) -> None:
    """Run the model that the command line names: once small to warm up, once measured."""
    model, size = models[sys.argv[1]], int(sys.argv[2])
    start = time.process_time()
    model(max(100, size // 20))
    warm = time.process_time()
    units, figure = model(size)
    seconds = time.process_time() - warm
    print(json.dumps({"units": units, "seconds": seconds, "figure": figure, "first": warm - start}))
