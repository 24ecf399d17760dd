"""Theory 1.2: one pause, with a constant way up and down; phases count from the send of the last renewal.

After a loss the holder needs a round trip to get another lease, so pauses are far enough apart for that. A suspend
keeps what is in flight: an answer that comes meanwhile is handled at resume.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sim import oracles
from sim.oracles import Deterministic, Exponential, Lognormal, Pause, Uniform
from sim.vocabulary import Kind
from tests.verification.checks import Case, Row, Simulated, case, instants, law, named, parameters, verify, world
from tests.verification.reading import count

L, WAIT, UP, DOWN = 60.0, 28.0, 4.0, 8.0
RTT = UP + DOWN
C = WAIT + RTT


def delayed(pauses: int, duration: float, fault: dict[str, Any]) -> Simulated:
    """A holder on a slow network, with this fault."""
    return Simulated(
        world(
            duration,
            lease={"ttl": f"{L}s"},
            renewal={"every": f"{WAIT}s", "on_lost": "rejoin"},
            network={"up": f"{UP}s", "down": f"{DOWN}s", "on_suspend": "keep"},
            faults=[fault],
        )
    )


def stopped(pause: Pause, pauses: int = 2500) -> Row:
    apart = 2 * C + 2 * RTT
    fault = {"what": "pause", "whom": "runs", "when": {"times": instants(pauses, apart, C)}, "length": law(pause)}
    simulated = delayed(pauses, pauses * (apart + C + pause.mean) + 1000, fault)
    lost, stops = count(simulated.trace, Kind.LOST), count(simulated.trace, Kind.FAULT_BEGIN)
    expected = oracles.expiry_running_delayed(pause, L, WAIT, RTT)
    return simulated.share("expiry_running_delayed", named(pause), expected, lost, stops)


def asleep(pause: Pause, longest: float, sleeps: int = 2500) -> Row:
    apart = longest + 2 * C + 2 * RTT
    fault = {"what": "sleep", "when": {"times": instants(sleeps, apart, C)}, "length": law(pause)}
    simulated = delayed(sleeps, sleeps * (apart + C) + 1000, fault)
    lost, begun = count(simulated.trace, Kind.LOST), count(simulated.trace, Kind.FAULT_BEGIN)
    expected = oracles.expiry_frozen_delayed(pause, L, WAIT, RTT)
    return simulated.share("expiry_frozen_delayed", named(pause), expected, lost, begun)


@case("1.2", "expiry_running_delayed", rows=2)
def a_stop_with_delays() -> Iterator[Row]:
    for pause in (Exponential(30.0), Lognormal(25.0, 1.0)):
        yield stopped(pause)


@case("1.2", "expiry_running_delayed", rows=2, long=True)
def more_stops_with_delays() -> Iterator[Row]:
    for pause in (Deterministic(35.0), Uniform(10.0, 70.0)):
        yield stopped(pause, 8000)


@case("1.2", "expiry_frozen_delayed", rows=1)
def a_sleep_with_delays() -> Iterator[Row]:
    yield asleep(Uniform(5.0, 65.0), longest=65.0)


@case("1.2", "expiry_frozen_delayed", rows=1, long=True)
def more_sleeps_with_delays() -> Iterator[Row]:
    yield asleep(Deterministic(25.0), longest=25.0, sleeps=8000)


@pytest.mark.verification
@pytest.mark.parametrize("case", parameters(__name__))
def test_delays(case: Case) -> None:
    verify(case)
