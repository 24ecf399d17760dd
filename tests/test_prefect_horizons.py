"""How long a renewal goes on failing before the holder gives up: each kind of failure, two versions of Prefect.

An outage begins between two renewals and never ends. The expected times are not taken from the simulator: they are
added up here from the rules of Prefect's client (``client/base.py``, ``concurrency/_leases.py``, ``utilities/math.py``)
in plain seconds, once for the shortest waits that the jitter allows, once for the longest, once for the nominal ones.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest

from sim.engines import kernel
from sim.model.load import loads
from sim.model.scenario import Scenario
from sim.units import SECOND
from sim.vocabulary import Kind

pytestmark = pytest.mark.skipif(not kernel.available()[0], reason=kernel.available()[1] or "it is available")

REPLICATIONS = 20
OUTAGE_S = 100
"""After the first renewal, which is immediate, and before the second, 225 s later."""
OLD, NEW = "3.4.25", "3.9.1"

HTTP_WAITS_S = (2, 4, 8, 16, 32)
"""Between the six requests of one call; each is jittered by 0.2."""
WAIT_AFTER_THE_LAST_STATUS_S = 64
"""A retried status is slept on once more before it is raised; an exception is not."""
ROUND_WAITS_S = {OLD: (), NEW: (1, 2)}
"""Between the rounds of one renewal, each of which is a whole call; jittered by 0.3."""
TIMEOUT_S = 60.0
TRANSPORT_S = 0.5 + 1.0
"""The transport connects four times: at once, at once again, then after these waits, which are not jittered."""
ROUND_TRIP_S = 0.05
"""More than an answer takes here, on loopback."""


class Failure(NamedTuple):
    """How the outage shows itself, and what one request costs in it."""

    outage: dict[str, object]
    request_s: float = 0.0
    retried: bool = True
    status: bool = False


def status(code: int, retried: bool) -> Failure:
    return Failure({"mode": "error", "status": code}, retried=retried, status=True)


REFUSED = Failure({"mode": "refuse"}, TRANSPORT_S)
FAILURES = {
    **{str(code): status(code, retried=False) for code in (410, 404, 500, 504)},
    **{str(code): status(code, retried=True) for code in (408, 429, 502, 503)},
    "refused": REFUSED,
    "reset": Failure({"mode": "reset"}),
    "read time-out": Failure({"mode": "stall"}, TIMEOUT_S),
    "black hole": Failure({"mode": "black_hole"}, 4 * TIMEOUT_S + TRANSPORT_S),
}

NOMINAL_S: dict[str, dict[str, float]] = {
    **{code: {OLD: 0, NEW: 3} for code in ("410", "404", "500", "504")},
    **{code: {OLD: 126, NEW: 381} for code in ("408", "429", "502", "503")},
    "refused": {OLD: 1.5, NEW: 216},
    "reset": {OLD: 62, NEW: 189},
    "read time-out": {OLD: 422, NEW: 1269},
    "black hole": {OLD: 1511, NEW: 4536},
}
"""The same sums without jitter, done by hand."""


def bounds(factor: float) -> tuple[float, float]:
    """Return by how much the client's jitter can shorten and lengthen a wait: 0.2 gives 0.824 to 1.2."""
    most = 1 + factor
    return math.log2(2**most / (2**most - 1)), most


def horizon(failure: Failure, version: str, http: float = 1.0, between: float = 1.0) -> float:
    """Return when the loop gives up, in s from the first request, the waits multiplied by these factors."""
    retried = failure.retried and not (failure is REFUSED and version == OLD)
    waits = HTTP_WAITS_S if retried else ()
    requests = len(waits) + 1
    slept: float = sum(waits) + (WAIT_AFTER_THE_LAST_STATUS_S if retried and failure.status else 0)
    rounds = ROUND_WAITS_S[version]
    return (len(rounds) + 1) * (requests * failure.request_s + slept * http) + sum(rounds) * between


def cut_off(failure: Failure, version: str) -> Scenario:
    """A run of a deployment whose API fails for good after its first renewal."""
    scenario = loads(f"""
        duration = "2h"
        [prefect]
        version = "{version}"
        [runs]
        provisioning = "0s"
        work = "1d"
    """)
    outage = {"what": "outage", "when": {"times": [f"{OUTAGE_S}s"]}, "length": "1d", **failure.outage}
    return scenario.with_({"faults": [outage]})


def measured_s(scenario: Scenario, replication: int) -> float:
    """Return the time from the first renewal sent in the outage until the loss."""
    trace = kernel.simulate(scenario, 1, replication)
    (lost,) = [event for event in trace if event.kind is Kind.LOST]
    sent = next(e for e in trace if e.kind is Kind.SEND and e.time_ns > OUTAGE_S * SECOND)
    assert sent.time_ns == pytest.approx(225 * SECOND, abs=5 * SECOND)
    assert sent.lease == lost.lease
    return (lost.time_ns - sent.time_ns) / SECOND


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize("name", FAILURES)
def test_a_renewal_gives_up_when_prefects_rules_say(name: str, version: str) -> None:
    failure = FAILURES[name]
    nominal = horizon(failure, version)
    assert nominal == NOMINAL_S[name][version]
    (http_low, http_high), (low, high) = bounds(0.2), bounds(0.3)
    shortest, longest = horizon(failure, version, http_low, low), horizon(failure, version, http_high, high)
    answers = ROUND_TRIP_S * 18

    scenario = cut_off(failure, version)
    times = [measured_s(scenario, replication) for replication in range(REPLICATIONS)]
    assert min(times) >= shortest
    assert max(times) <= longest + answers
    jittered = longest - shortest
    mean = sum(times) / len(times)
    assert mean == pytest.approx(nominal, abs=0.2 * jittered + answers)
    assert max(times) - min(times) >= 0.1 * jittered, "the waits are not jittered"


def test_bounds_are_those_of_the_client() -> None:
    assert bounds(0.2) == pytest.approx((0.824, 1.2), abs=0.001)
    assert bounds(0.3) == pytest.approx((0.752, 1.3), abs=0.001)
