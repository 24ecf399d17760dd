"""The models in SimPy."""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import simpy

from benchmarks.peers import common

Steps = Generator[Any, Any, None]


def mmc(size: int) -> tuple[float, float]:
    """Serve so many customers."""
    env, draw, waits = simpy.Environment(), random.Random(1), []
    servers = simpy.Resource(env, common.SERVERS)

    def customer() -> Steps:
        came = env.now
        with servers.request() as turn:
            yield turn
            waits.append(env.now - came)
            yield env.timeout(draw.expovariate(1.0))

    def arrivals() -> Steps:
        for _ in range(size):
            yield env.timeout(draw.expovariate(common.ARRIVAL_RATE))
            env.process(customer())

    env.process(arrivals())
    env.run()
    return len(waits), sum(waits) / len(waits)


def loop(size: int) -> tuple[float, float]:
    """Renew so many times."""
    env, draw, done = simpy.Environment(), random.Random(1), [0]

    def holder() -> Steps:
        for _ in range(size // common.HOLDERS):
            yield env.timeout(common.INTERVAL)
            yield env.timeout(draw.lognormvariate(common.LATENCY_LOG, common.LATENCY_SIGMA))
            yield env.timeout(draw.lognormvariate(common.LATENCY_LOG, common.LATENCY_SIGMA))
            done[0] += 1

    for _ in range(common.HOLDERS):
        env.process(holder())
    env.run()
    return done[0], env.now * common.HOLDERS / done[0]


if __name__ == "__main__":
    common.main({"mmc": mmc, "loop": loop})
