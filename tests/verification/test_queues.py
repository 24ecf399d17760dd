"""Theory 1.7: slots as a queue, without faults and with crashes.

Leases are long and nobody renews where nothing goes wrong, so a run is a customer. Long-run means are taken after a
warm-up, replication by replication.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sim import oracles
from sim.oracles import Deterministic, Exponential, Lognormal, Pause, Uniform
from sim.trace import Trace
from sim.units import SECOND
from sim.vocabulary import Kind
from tests.verification.checks import Case, Raw, Row, Simulated, case, law, named, parameters, per_second, verify, world
from tests.verification.reading import first, leases, share_of_time

WARMUP = 30.0
REPLICATIONS = 20


def queue(slots: int, work: Pause, arrivals: Raw, duration: float, **limit: Any) -> Simulated:
    """Customers for `slots` servers."""
    return Simulated(
        world(
            WARMUP + duration,
            warmup=f"{WARMUP}s",
            limit={"slots": slots, "poll": "forever", **limit},
            lease={"ttl": "100h"},
            renewal={"runs_in": "none"},
            runs={"work": law(work), "arrivals": arrivals},
        ),
        replications=REPLICATIONS,
    )


def poisson(rate: float) -> Raw:
    return {"kind": "poisson", "rate": per_second(rate)}


# ---- refused ----------------------------------------------------------------------------------------------


def blocking(work: Pause, duration: float) -> Row:
    slots, load = 5, 4.0
    simulated = queue(slots, work, poisson(load / work.mean), duration, collision="cancel_new")
    refused, arrived = simulated.column("runs_turned_away"), simulated.column("runs_arrived")
    what = f"5 slots, 4 erlang, {type(work).__name__.lower()} work"
    return simulated.ratio("erlang_b", what, oracles.erlang_b(slots, load), refused, arrived, int(arrived.sum()))


@case("1.7", "erlang_b", rows=2)
def refused_when_full() -> Iterator[Row]:
    """The law of the work does not matter."""
    yield blocking(Exponential(1.0), 60.0)
    yield blocking(Deterministic(1.0), 60.0)


@case("1.7", "erlang_b", rows=1, long=True)
def refused_when_full_heavy_tail() -> Iterator[Row]:
    """As before with lognormal work of the same mean, whose variance is large."""
    yield blocking(Lognormal(float(np.exp(-0.5)), 1.0), 200.0)


@case("1.7", "engset_time", "engset_call", rows=2)
def a_few_clients() -> Iterator[Row]:
    clients, slots, intensity = 12, 5, 0.5
    think = {"kind": "exponential", "mean": "2s"}
    arrivals = {"kind": "closed", "clients": clients, "think": think}
    simulated = queue(slots, Exponential(1.0), arrivals, 60.0, collision="cancel_new")
    full = [share_of_time(trace, slots, WARMUP) for trace in simulated.traces]
    refused, asked = simulated.column("runs_turned_away"), simulated.column("runs_arrived")
    what, n = "12 clients, 5 slots", int(asked.sum())
    yield simulated.mean("engset_time", what, oracles.engset_time(clients, slots, intensity), full, n)
    yield simulated.ratio("engset_call", what, oracles.engset_call(clients, slots, intensity), refused, asked, n)


# ---- waiting ----------------------------------------------------------------------------------------------


def waits(trace: Trace, until: float) -> list[float]:
    """Seconds that each arrival in [warm-up, `until`) waits; infinite where the trace ends before."""
    arrived: dict[int, float] = {}
    waited: dict[int, float] = {}
    for event in trace:
        if event.kind is Kind.ARRIVE:
            arrived[event.lane] = event.time_ns / SECOND
        elif event.kind is Kind.GRANT:
            waited[event.lane] = event.time_ns / SECOND - arrived[event.lane]
    return [waited.get(lane, np.inf) for lane, time in arrived.items() if WARMUP <= time < until]


def mean_wait(simulated: Simulated, oracle: str, what: str, expected: float, rate: float) -> Row:
    """By Little's law, from the runs that wait on average: every replication then has the same weight."""
    waiting = simulated.column("waiting_ns") / simulated.column("observed_ns") / rate
    return simulated.mean(oracle, what, expected, waiting, int(simulated.column("runs_arrived").sum()))


@case("1.7", "erlang_c", "erlang_c_wait", "erlang_c_wait_tail", rows=3)
def woken_in_order() -> Iterator[Row]:
    slots, rate, t, duration = 3, 1.5, 0.5, 150.0
    simulated = queue(slots, Exponential(1.0), poisson(rate), duration, collision="watch")
    waited = [np.array(waits(trace, WARMUP + duration - t)) for trace in simulated.traces]
    arrived = np.array([len(each) for each in waited])
    what, n = "3 slots, 1.5 erlang", int(arrived.sum())
    some = [(each > 0).sum() for each in waited]
    yield simulated.ratio("erlang_c", what, oracles.erlang_c(slots, rate), some, arrived, n)
    yield mean_wait(simulated, "erlang_c_wait", what, oracles.erlang_c_wait(slots, rate, 1.0), rate)
    tail = oracles.erlang_c_wait_tail(t, slots, rate, 1.0)
    beyond = [(each > t).sum() for each in waited]
    yield simulated.ratio("erlang_c_wait_tail", f"{what}, beyond {t} s", tail, beyond, arrived, n)


@case("1.7", "mg1_wait", rows=1)
def one_slot_any_work() -> Iterator[Row]:
    work, rate = Uniform(0.0, 2.0), 0.6
    simulated = queue(1, work, poisson(rate), 250.0, collision="watch")
    yield mean_wait(simulated, "mg1_wait", f"1 slot, work {named(work)}", oracles.mg1_wait(rate, work), rate)


@case("1.7", "mg1_wait", rows=1, long=True)
def one_slot_lognormal_work() -> Iterator[Row]:
    work, rate = Lognormal(0.7, 0.8), 0.5
    simulated = queue(1, work, poisson(rate), 1000.0, collision="watch")
    yield mean_wait(simulated, "mg1_wait", f"1 slot, work {named(work)}", oracles.mg1_wait(rate, work), rate)


@case("1.7", "retrial_wait", rows=1)
def polled_not_queued_for() -> Iterator[Row]:
    rate, retry = 0.5, 1.0
    poll = {"kind": "exponential", "mean": f"{1 / retry}s"}
    simulated = queue(1, Exponential(1.0), poisson(rate), 250.0, collision="enqueue", poll=poll)
    expected = oracles.retrial_wait(rate, 1.0, retry)
    yield mean_wait(simulated, "retrial_wait", "1 slot, 0.5 erlang, poll Exp(1 s)", expected, rate)


# ---- crashes ----------------------------------------------------------------------------------------------


@case("1.7", "holding_with_crashes", "blocking_with_crashes", rows=2)
def refused_while_the_dead_hold_slots() -> Iterator[Row]:
    slots, rate, work, crash, ttl, cycle, sweep = 8, 0.09, 80.0, 1 / 240, 60.0, 40.0, 30.0
    simulated = Simulated(
        world(
            6000,
            warmup="1000s",
            limit={"slots": slots, "collision": "cancel_new"},
            lease={
                "ttl": f"{ttl}s",
                "expiry_check": "sweep",
                "sweep_interval": f"{sweep}s",
                "late_renew": "until_reaped",
            },
            renewal={"every": f"{cycle}s"},
            runs={"work": law(Exponential(work)), "arrivals": poisson(rate)},
            faults=[{"what": "crash", "whom": "runs", "when": per_second(crash)}],
        ),
        replications=8,
    )
    held = []
    for trace in simulated.traces:
        for events in leases(trace).values():
            granted, ended = first(events, Kind.GRANT), first(events, Kind.RELEASE, Kind.REAP)
            if granted is not None and granted < 5000:  # long before the end, so that none is cut off
                assert ended is not None
                held.append(ended - granted)
    what = "8 slots, crashes, reaper"
    expected = oracles.holding_with_crashes(work, crash, ttl, cycle, sweep)
    yield simulated.mean("holding_with_crashes", what, expected, held)
    refused, arrived = simulated.column("runs_turned_away"), simulated.column("runs_arrived")
    blocked = oracles.blocking_with_crashes(slots, rate, work, crash, ttl, cycle, sweep)
    yield simulated.ratio("blocking_with_crashes", what, blocked, refused, arrived, int(arrived.sum()))


@pytest.mark.verification
@pytest.mark.parametrize("case", parameters(__name__))
def test_queues(case: Case) -> None:
    verify(case)
