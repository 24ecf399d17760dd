"""Theory 1.3: pauses in Poisson time, several a cycle; exact rates by renewal-reward.

One holder that loses its lease gets another at once, so every renewal regenerates the world: age 0, awake, and the
time to the next pause, which counts awake (executing) time, starts anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sim import oracles
from sim.oracles import Deterministic, Exponential, Lognormal, Pause, RenewalCycle, SummablePause, Uniform
from sim.vocabulary import Kind
from tests.verification.checks import Case, Row, Simulated, case, law, named, parameters, per_second, verify, world
from tests.verification.reading import Cycles, lapses, times

L, C = 60.0, 40.0
CYCLES = 2500


def simulate(what: str, pause: Pause, rate: float, cycle: RenewalCycle, cycles: int = CYCLES) -> Simulated:
    """A holder that is stopped, or whose machine sleeps, at `rate` per awake second, for some cycles."""
    fault = {
        "what": what,
        "whom": "hosts" if what == "sleep" else "runs",
        "when": per_second(rate),
        "length": law(pause),
    }
    return Simulated(
        world(
            cycles * cycle.mean,
            lease={"ttl": f"{L}s"},
            renewal={"every": f"{C}s", "on_lost": "rejoin"},
            faults=[fault],
        )
    )


def rows_of(oracle: str, what: str, simulated: Simulated, expected: RenewalCycle) -> Iterator[Row]:
    """Every number of a `RenewalCycle`, and that the lease is lost exactly where the renewal is late."""
    cycles = Cycles.of(simulated.trace)
    late = cycles.lengths > L
    assert np.array_equal(late, cycles.lost), "a lease is lost iff its renewal is late"
    hits = int(late.sum())
    yield simulated.share(f"{oracle}.late", what, expected.late, hits, late.size)
    yield simulated.mean(f"{oracle}.mean", what, expected.mean, cycles.lengths)
    yield simulated.mean(f"{oracle}.late_mean", what, expected.late_mean, (cycles.lengths - L).clip(0))


@case("1.3", "running_cycle_exponential", rows=5)
def stops_of_exponential_length() -> Iterator[Row]:
    expected = oracles.running_cycle_exponential(30.0, L, C, 1 / C)
    simulated = simulate("pause", Exponential(30.0), 1 / C, expected, 2 * CYCLES)
    what = named(Exponential(30.0))
    yield from rows_of("running_cycle_exponential", what, simulated, expected)
    lengths = Cycles.of(simulated.trace).lengths
    yield simulated.ratio("running_cycle_exponential.rate", what, expected.rate, lengths > L, lengths)
    yield simulated.mean(
        "running_cycle_exponential.time_to_first", what, expected.time_to_first, _until_expiry(simulated)
    )


def _until_expiry(simulated: Simulated) -> list[float]:
    """From each first renewal of a lease to its expiry."""
    expiries = times(simulated.trace, Kind.REAP)
    fresh = np.concatenate([[0.0], times(simulated.trace, Kind.GRANT)[1:]])
    return list(expiries - fresh[: len(expiries)])


@case("1.3", "outage_cycle_exponential", rows=3)
def outages_that_are_found_out_by_trying() -> Iterator[Row]:
    """In 7 % of the late cycles another outage began between the end of one and the next try."""
    retry, outage = 3.0, Exponential(10.0)
    expected = oracles.outage_cycle_exponential(outage.mean, L, C, retry, 1 / C)
    tries = {"attempts": "unlimited", "backoff": f"{retry}s", "backoff_factor": 1.0}
    cuts = {"what": "outage", "mode": "refuse", "when": per_second(1 / C), "length": law(outage)}
    simulated = Simulated(
        world(
            4 * CYCLES * expected.mean,
            lease={"ttl": f"{L}s"},
            renewal={"every": f"{C}s", "on_lost": "rejoin", **tries},
            faults=[cuts],
        )
    )
    yield from rows_of("outage_cycle_exponential", named(outage), simulated, expected)


@case("1.3", "running_cycle", rows=3)
def stops_of_lognormal_length() -> Iterator[Row]:
    pause = Lognormal(25.0, 1.0)
    expected = oracles.running_cycle(pause, L, C, 1 / C)
    yield from rows_of("running_cycle", named(pause), simulate("pause", pause, 1 / C, expected), expected)


@case("1.3", "running_cycle", rows=6, long=True)
def stops_of_other_lengths() -> Iterator[Row]:
    for pause in (Deterministic(27.0), Uniform(10.0, 70.0)):
        expected = oracles.running_cycle(pause, L, C, 2 / C)
        yield from rows_of("running_cycle", named(pause), simulate("pause", pause, 2 / C, expected, 8000), expected)


def sleeping(pause: SummablePause, cycles: int) -> Iterator[Row]:
    expected = oracles.frozen_cycle(pause, L, C, 1 / C)
    yield from rows_of("frozen_cycle", named(pause), simulate("sleep", pause, 1 / C, expected, cycles), expected)


@case("1.3", "frozen_cycle", rows=3)
def sleeps_that_add_up() -> Iterator[Row]:
    yield from sleeping(Exponential(15.0), CYCLES)


@case("1.3", "frozen_cycle", rows=3, long=True)
def sleeps_of_one_length() -> Iterator[Row]:
    yield from sleeping(Deterministic(8.0), 8000)


@case("1.3", "first_order_rate", rows=1)
def rare_stops() -> Iterator[Row]:
    """A pause in twenty cycles: the first-order rate is then 0.2 % too high, far less than can be seen here."""
    pause, rate = Exponential(30.0), 0.05 / C
    expected = oracles.first_order_rate(oracles.expiry_running(pause, L, C), rate, pause.mean)
    simulated = simulate("pause", pause, rate, oracles.running_cycle_exponential(30.0, L, C, rate), 8000)
    lengths = Cycles.of(simulated.trace).lengths
    yield simulated.ratio("first_order_rate", "a pause in 20 cycles", expected, lengths > L, lengths)
    assert lapses(simulated.trace, Kind.LOST).size > 50


@pytest.mark.verification
@pytest.mark.parametrize("case", parameters(__name__))
def test_poisson_pauses(case: Case) -> None:
    verify(case)
