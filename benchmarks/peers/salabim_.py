"""The models in salabim, written with `yield`."""

from __future__ import annotations

import random
from typing import Any

import salabim

from benchmarks.peers import common


def mmc(size: int) -> tuple[float, float]:
    """Serve so many customers."""
    env, draw, waits = salabim.Environment(trace=False, yieldless=False, random_seed=1), random.Random(1), []
    servers = salabim.Resource("servers", capacity=common.SERVERS, env=env)

    class Customer(salabim.Component):  # type: ignore[misc]  # untyped
        def process(self) -> Any:
            came = env.now()
            yield self.request(servers)
            waits.append(env.now() - came)
            yield self.hold(draw.expovariate(1.0))
            self.release()

    class Arrivals(salabim.Component):  # type: ignore[misc]  # untyped
        def process(self) -> Any:
            for _ in range(size):
                yield self.hold(draw.expovariate(common.ARRIVAL_RATE))
                Customer(env=env)

    Arrivals(env=env)
    env.run()
    return len(waits), sum(waits) / len(waits)


def loop(size: int) -> tuple[float, float]:
    """Renew so many times."""
    env, draw, done = salabim.Environment(trace=False, yieldless=False, random_seed=1), random.Random(1), [0]

    class Holder(salabim.Component):  # type: ignore[misc]  # untyped
        def process(self) -> Any:
            for _ in range(size // common.HOLDERS):
                yield self.hold(common.INTERVAL)
                yield self.hold(draw.lognormvariate(common.LATENCY_LOG, common.LATENCY_SIGMA))
                yield self.hold(draw.lognormvariate(common.LATENCY_LOG, common.LATENCY_SIGMA))
                done[0] += 1

    for _ in range(common.HOLDERS):
        Holder(env=env)
    env.run()
    return done[0], env.now() * common.HOLDERS / done[0]


if __name__ == "__main__":
    common.main({"mmc": mmc, "loop": loop})
