"""Theory 1.6: from the crash of a holder to the grant of its slot to somebody who waits.

Each run is provisioned for a random time, several sweep intervals long, so that its renewals have any phase relative
to the sweeps; the first renewal goes out when it starts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sim import oracles
from sim.oracles import Uniform
from sim.units import SECOND
from sim.vocabulary import Kind
from tests.verification.checks import Case, Raw, Row, Simulated, case, law, parameters, per_second, verify, world
from tests.verification.reading import leases

L, C, P = 60.0, 40.0, 30.0
PROVISIONING = Uniform(0.0, 12 * P)
"""A multiple of the cycle, too."""


SWEPT = {"expiry_check": "sweep", "sweep_interval": f"{P}s", "late_renew": "until_reaped"}


def crashing(
    duration: float, crash: Raw, lease: Raw, slots: int = 1, warmup: str = "0s", replications: int = 1
) -> Simulated:
    """Somebody always waits for the slots of runs that crash."""
    return Simulated(
        world(
            duration,
            warmup=warmup,
            limit={"slots": slots, "collision": "watch", "poll": "forever"},
            lease={"ttl": f"{L}s", "initial_ttl": "1h", **lease},
            renewal={"every": f"{C}s"},
            runs={"provisioning": law(PROVISIONING), "arrivals": {"kind": "backlog", "waiting": slots}},
            faults=[{"what": "crash", **crash}],
        ),
        replications=replications,
    )


def latencies(simulated: Simulated) -> list[float]:
    """Seconds from each crash to the reaping of the lease, at which the slot is granted again."""
    crashed = {(event.lane, event.generation): event.time_ns for event in simulated.trace if event.kind is Kind.CRASH}
    found = []
    for events in leases(simulated.trace).values():
        name = events[0].lane, events[0].generation
        found += [(event.time_ns - crashed[name]) / SECOND for event in events if event.kind is Kind.REAP]
    return found


@case("1.6", "reclaim_latency", "reclaim_latency_bounds", rows=3)
def crashes_in_the_course_of_the_work() -> Iterator[Row]:
    rate = 1 / 60.0
    simulated = crashing(2000 * 340.0, {"whom": "runs", "when": per_second(rate)}, SWEPT)
    found = latencies(simulated)
    expected = oracles.reclaim_latency(L, C, P, rate)
    yield simulated.mean("reclaim_latency", "crash after Exp(60 s), reaper", expected, found)
    low, high = oracles.reclaim_latency_bounds(L, C, P)
    within = low <= min(found) and max(found) <= high
    yield simulated.exactly("reclaim_latency_bounds.low", "shortest (a bound)", low, min(found), len(found), within)
    yield simulated.exactly("reclaim_latency_bounds.high", "longest (a bound)", high, max(found), len(found), within)
    (tally,) = simulated.tallies
    assert tally.reclaims == len(found)
    assert tally.reclaim_ns == round(sum(found) * SECOND)
    assert tally.reclaim_max_ns == round(max(found) * SECOND)


@case("1.6", "reclaim_latency", "age_at_crash", rows=2)
def crashes_of_the_machine() -> Iterator[Row]:
    """All runs crash at once, at a time that has nothing to do with any of them: the age of each lease is uniform."""
    apart, slots = 450, 30
    crash = {"whom": "hosts", "when": {"times": [f"{apart * n}s" for n in range(1, 80)]}}
    simulated = crashing(80.0 * apart, crash, {}, slots)
    found = latencies(simulated)
    what = "crash of the machine"
    yield simulated.mean("reclaim_latency", what, oracles.reclaim_latency(L, C), found)
    yield simulated.mean("age_at_crash", what, oracles.age_at_crash(C), L - np.array(found))


@case("1.6", "zombie_share", rows=1)
def slots_of_the_dead() -> Iterator[Row]:
    """The books keep a slot that nobody alive has, while somebody waits for it."""
    rate = 1 / 60.0
    simulated = crashing(40 * 300.0, {"whom": "runs", "when": per_second(rate)}, SWEPT, warmup="1h", replications=50)
    latency = oracles.reclaim_latency(L, C, P, rate)
    crashes_per_second = 1 / (PROVISIONING.mean + 1 / rate + latency)
    expected = oracles.zombie_share(crashes_per_second, latency)
    crashes = int(simulated.column("runs_crashed").sum())
    vacancy, seconds = simulated.column("vacancy_ns") / SECOND, simulated.column("observed_ns") / SECOND
    yield simulated.ratio("zombie_share", "vacancy of one slot", expected, vacancy, seconds, crashes)
    assert np.isclose(simulated.column("reclaim_ns").sum(), vacancy.sum() * SECOND, rtol=0.05)


@pytest.mark.verification
@pytest.mark.parametrize("case", parameters(__name__))
def test_reclaim(case: Case) -> None:
    verify(case)
