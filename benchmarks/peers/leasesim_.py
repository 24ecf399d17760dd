"""The models as scenarios of our own: leases, messages, time-outs and every metric, where the others have a queue.

As in a sweep: no trace, fast-forward where it is exact.
"""

from __future__ import annotations

from benchmarks import worlds
from benchmarks.peers import common
from sim.metrics import tally_of
from sim.units import HOUR, SECOND


def mmc(size: int) -> tuple[float, float]:
    """Serve about so many customers; scenarios last 10 years at most, so there are several replications."""
    served, waited, replication = 0, 0, 0
    while served < size:
        hours = min(80_000, int((size - served) / common.ARRIVAL_RATE) + 10)
        tally = tally_of(worlds.queue(hours), 1, replication, engine="kernel")
        served, waited, replication = served + tally.queue_waits, waited + tally.queue_wait_ns, replication + 1
    return served, waited / HOUR / served


def loop(size: int) -> tuple[float, float]:
    """Renew about so many times."""
    hours = max(1, int(size / common.HOLDERS * common.INTERVAL / 3600))
    done = tally_of(worlds.renewals(common.HOLDERS, hours), 1, 0, engine="kernel").renewals_granted
    return done, hours * (HOUR // SECOND) * common.HOLDERS / done


if __name__ == "__main__":
    common.main({"mmc": mmc, "loop": loop})
