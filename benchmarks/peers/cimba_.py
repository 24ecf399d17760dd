"""The models in Cimba. Its queues keep statistics of their own; waits are summed by the model, as in the others."""

from __future__ import annotations

import cimba
from cimba import inputs

from benchmarks.peers import common


class Queue(cimba.Model):  # type: ignore[misc]  # untyped
    """M/M/c: one process that brings customers, one a server."""

    customers: cimba.Param[int]
    gap: cimba.Input[float] = inputs.dist.exponential(mean=1 / common.ARRIVAL_RATE)
    service: cimba.Input[float] = inputs.dist.exponential(mean=1.0)
    line: cimba.Store[float]
    served: cimba.Output[int]
    waited: cimba.Output[float]

    @cimba.on_start
    def begin(self) -> None:
        self.waited = 0.0

    @cimba.process
    def arrivals(self) -> None:
        for _ in range(self.customers):
            cimba.hold(self.gap.next())
            self.line.put(cimba.now())
        cimba.hold(100.0)
        cimba.end_trial()

    @cimba.process(copies=common.SERVERS)
    def server(self) -> None:
        while True:
            came = self.line.get()
            self.waited += cimba.now() - came
            self.served += 1
            cimba.hold(self.service.next())


class Loop(cimba.Model):  # type: ignore[misc]  # untyped
    """Holders that renew."""

    rounds: cimba.Param[int]
    up: cimba.Input[float] = inputs.dist.lognormal(mean=common.LATENCY_LOG, sigma=common.LATENCY_SIGMA)
    down: cimba.Input[float] = inputs.dist.lognormal(mean=common.LATENCY_LOG, sigma=common.LATENCY_SIGMA)
    renewed: cimba.Output[int]
    ended: cimba.Output[float]

    @cimba.process(copies=common.HOLDERS)
    def holder(self) -> None:
        for _ in range(self.rounds):
            cimba.hold(common.INTERVAL)
            cimba.hold(self.up.next())
            cimba.hold(self.down.next())
            self.renewed += 1
            self.ended = cimba.now()


QUEUE, LOOP = Queue(), Loop()


def mmc(size: int) -> tuple[float, float]:
    """Serve so many customers."""
    QUEUE.customers = size
    results = cimba.Experiment(QUEUE, replications=1, window=cimba.Window(duration=1e9), seed=1).run(workers=1)
    served = float(results[QUEUE].served.values[0][0])
    return served, float(results[QUEUE].waited.values[0][0]) / served


def loop(size: int) -> tuple[float, float]:
    """Renew so many times."""
    LOOP.rounds = size // common.HOLDERS
    results = cimba.Experiment(LOOP, replications=1, seed=1).run(workers=1)
    renewed = float(results[LOOP].renewed.values[0][0])
    return renewed, float(results[LOOP].ended.values[0][0]) * common.HOLDERS / renewed


if __name__ == "__main__":
    common.main({"mmc": mmc, "loop": loop})
