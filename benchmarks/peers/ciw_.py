"""The models in Ciw: its networks are queues, so the loop is three nodes without a queue in a ring."""

from __future__ import annotations

import ciw

from benchmarks.peers import common


def mmc(size: int) -> tuple[float, float]:
    """Serve so many customers."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(common.ARRIVAL_RATE)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        number_of_servers=[common.SERVERS],
    )
    ciw.seed(1)
    world = ciw.Simulation(network)
    world.simulate_until_max_customers(size)
    waits = [record.waiting_time for record in world.get_all_records()]
    return len(waits), sum(waits) / len(waits)


def loop(size: int) -> tuple[float, float]:
    """Renew about so many times: one lap of the ring is one renewal."""
    latency = ciw.dists.Lognormal(common.LATENCY_LOG, common.LATENCY_SIGMA)
    infinite = float("inf")
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([0.001] * common.HOLDERS + [infinite]), None, None],
        service_distributions=[ciw.dists.Deterministic(common.INTERVAL), latency, latency],
        number_of_servers=[infinite] * 3,
        routing=[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
    )
    ciw.seed(1)
    world = ciw.Simulation(network)
    end = size / common.HOLDERS * (common.INTERVAL + 0.055)
    world.simulate_until_max_time(end)
    done = sum(record.node == 3 for record in world.get_all_records())
    return done, end * common.HOLDERS / done


if __name__ == "__main__":
    common.main({"mmc": mmc, "loop": loop})
