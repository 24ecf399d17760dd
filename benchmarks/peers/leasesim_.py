"""The models as scenarios of our own: leases, messages, time-outs and a whole trace, where the others have none."""

from __future__ import annotations

import numpy as np

from benchmarks import worlds
from benchmarks.peers import common
from sim.engines import kernel
from sim.units import HOUR, SECOND
from sim.vocabulary import Kind


def mmc(size: int) -> tuple[float, float]:
    """Serve about so many customers; the kernel simulates 18 years at most, so there are several replications."""
    served, waited, replication = 0, 0.0, 0
    while served < size:
        hours = min(140_000, int((size - served) / common.ARRIVAL_RATE) + 10)
        rows = kernel.simulate(worlds.queue(hours), 1, replication).rows
        came, held = rows[rows[:, 1] == Kind.ARRIVE], rows[rows[:, 1] == Kind.HOLD]
        began = np.zeros(int(rows[:, 2].max()) + 1, dtype=np.int64)
        began[came[:, 2]] = came[:, 0]
        served, replication = served + len(held), replication + 1
        waited += float((held[:, 0] - began[held[:, 2]]).sum()) / HOUR
    return served, waited / served


def loop(size: int) -> tuple[float, float]:
    """Renew about so many times."""
    hours = max(1, int(size / common.HOLDERS * common.INTERVAL / 3600))
    rows = kernel.simulate(worlds.renewals(common.HOLDERS, hours), 1, 0).rows
    done = int((rows[:, 1] == Kind.RENEWED).sum())
    return done, hours * (HOUR // SECOND) * common.HOLDERS / done


if __name__ == "__main__":
    common.main({"mmc": mmc, "loop": loop})
