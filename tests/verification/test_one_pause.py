"""Theory 1.1: one pause at a uniform phase of the cycle, no latency.

The pauses of `running` worlds come at random execution times, one cycle or more apart, so that each has a cycle of its
own and any phase alike. `frozen` worlds sleep in Poisson time, and cycles with exactly one sleep are looked at: a
cycle holds `C` awake seconds whatever happens, so that sleep too has any phase alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from sim import oracles
from sim.model.scenario import Scenario
from sim.oracles import Deterministic, Exponential, Lognormal, Pause, Uniform
from sim.vocabulary import Kind
from tests.verification.checks import (
    Case,
    Row,
    Simulated,
    case,
    instants,
    law,
    named,
    parameters,
    per_second,
    verify,
    world,
)
from tests.verification.reading import Cycles, count

L, C, P = 60.0, 40.0, 30.0
EXPONENTIAL, CONSTANT, LOGNORMAL, UNIFORM = (
    Exponential(30.0),
    Deterministic(35.0),
    Lognormal(25.0, 1.0),
    Uniform(10, 70),
)
SWEPT: dict[str, Any] = {"expiry_check": "sweep", "sweep_interval": f"{P}s", "late_renew": "until_reaped"}


def running(pause: Pause, pauses: int, salt: int = 0, **lease: str) -> Scenario:
    """A process that is stopped at random phases; each cycle holds at most one stop."""
    stops = {"what": "pause", "whom": "runs", "when": {"times": instants(pauses, C, C, salt)}, "length": law(pause)}
    return world(
        pauses * (2 * C + pause.mean) + 1000,
        lease={"ttl": f"{L}s", **lease},
        renewal={"every": f"{C}s", "on_lost": "rejoin"},
        faults=[stops],
    )


def frozen(pause: Pause, duration: float, **lease: str) -> Scenario:
    """A machine that sleeps in Poisson time, once an awake cycle on average."""
    sleeps = {"what": "sleep", "when": per_second(1 / C), "length": law(pause)}
    return world(
        duration,
        lease={"ttl": f"{L}s", **lease},
        renewal={"every": f"{C}s", "on_lost": "rejoin"},
        faults=[sleeps],
    )


def strict_running(pause: Pause) -> Row:
    simulated = Simulated(running(pause, 2000))
    stops, lost = count(simulated.trace, Kind.FAULT_BEGIN), count(simulated.trace, Kind.LOST)
    return simulated.share("expiry_running", named(pause), oracles.expiry_running(pause, L, C), lost, stops)


def strict_frozen(pause: Pause) -> Row:
    simulated = Simulated(frozen(pause, 4000 * (C + pause.mean)))
    cycles = Cycles.of(simulated.trace)
    lost = cycles.lost[cycles.faults == 1]
    return simulated.share(
        "expiry_frozen", named(pause), oracles.expiry_frozen(pause, L, C), int(lost.sum()), lost.size
    )


@case("1.1", "expiry_running", rows=4)
def a_stop_of_any_length() -> Iterator[Row]:
    for pause in (EXPONENTIAL, CONSTANT, LOGNORMAL, UNIFORM):
        yield strict_running(pause)


@case("1.1", "expiry_frozen", rows=3)
def a_sleep_of_any_length() -> Iterator[Row]:
    for pause in (EXPONENTIAL, LOGNORMAL, UNIFORM):
        yield strict_frozen(pause)


@case("1.1", "expiry_running", rows=2)
def a_stop_with_a_reaper() -> Iterator[Row]:
    """The reaper's phase is drawn once a replication, so the replications are what is independent."""
    for pause in (EXPONENTIAL, CONSTANT):
        simulated = Simulated(partial(running, pause, 50, **SWEPT), replications=40)
        stops = [count(trace, Kind.FAULT_BEGIN) for trace in simulated.traces]
        lost = [count(trace, Kind.LOST) for trace in simulated.traces]
        expected = oracles.expiry_running(pause, L, C, P)
        yield simulated.ratio("expiry_running", f"{named(pause)}, reaper", expected, lost, stops, sum(stops))


@case("1.1", "expiry_frozen", rows=2)
def a_sleep_with_a_reaper() -> Iterator[Row]:
    for pause in (CONSTANT, LOGNORMAL):
        simulated = Simulated(frozen(pause, 100 * (C + pause.mean), **SWEPT), replications=50)
        cycles = [Cycles.of(trace) for trace in simulated.traces]
        single = np.array([(each.faults == 1).sum() for each in cycles])
        lost = np.array([each.lost[each.faults == 1].sum() for each in cycles])
        expected = oracles.expiry_frozen(pause, L, C, P)
        yield simulated.ratio("expiry_frozen", f"{named(pause)}, reaper", expected, lost, single, int(single.sum()))


@case("1.1", "expiry_outage", rows=1)
def an_outage_of_the_server() -> Iterator[Row]:
    """Four retries fit the slack, the last one just before the expiry, so that how often it retries does not matter."""
    outage, retries = Uniform(5.0, 70.0), 4
    outages = {"what": "outage", "mode": "refuse", "when": {"times": instants(2500, 3 * C, C)}, "length": law(outage)}
    simulated = Simulated(
        world(
            2500 * 4 * C + 1000,
            lease={"ttl": "60000000001ns"},
            renewal={
                "every": f"{C}s",
                "on_lost": "rejoin",
                "attempts": "unlimited",
                "backoff": f"{(L - C) / retries}s",
                "backoff_factor": 1.0,
            },
            faults=[outages],
        )
    )
    hits, trials = count(simulated.trace, Kind.LOST), count(simulated.trace, Kind.FAULT_BEGIN)
    yield simulated.share("expiry_outage", f"outage {named(outage)}", oracles.expiry_outage(outage, L, C), hits, trials)


@pytest.mark.verification
@pytest.mark.parametrize("case", parameters(__name__))
def test_one_pause(case: Case) -> None:
    verify(case)
