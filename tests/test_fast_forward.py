"""Fast-forward leaves routine events out, and nothing else: what remains is what the plain kernel records."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sim.engines import kernel
from sim.engines.kernel import driving
from sim.engines.kernel.driving import FORESIGHT, simulate
from sim.errors import TimeStandsStill
from sim.model import crowd
from sim.model.load import dumps, load, loads
from sim.model.scenario import Scenario
from sim.trace import Event, Trace
from sim.units import MINUTE
from sim.vocabulary import Kind, Outcome
from tests.strategies import scenarios
from tests.test_engines_agree import A_THOUSAND, GOLDENS, ROWS_MAX, SEEDS, SHIPPED, outcome

pytestmark = pytest.mark.skipif(not kernel.available()[0], reason=kernel.available()[1] or "it is available")

LEFT_OUT = {Kind.SEND, Kind.RENEWED, Kind.ASK, Kind.REFUSE}
BOOKKEEPING = {Kind.SKIPPED, Kind.SENT_EARLIER, Kind.RENEWED_EARLIER}


def is_routine(event: Event) -> bool:
    """Whether fast-forward may leave an event out."""
    return event.kind in LEFT_OUT or (event.kind is Kind.ANSWER and event.value == Outcome.OK)


def renewals(trace: Trace) -> Counter[tuple[str, int]]:
    """How many renewals of each lease were sent and granted, and when the last was granted, whatever tells it."""
    found: Counter[tuple[str, int]] = Counter()
    for event in trace:
        if event.kind in (Kind.SEND, Kind.SENT_EARLIER):
            found["sent", event.lease] += 1
        elif event.kind in (Kind.RENEWED, Kind.RENEWED_EARLIER):
            found["granted", event.lease] += 1
            found["last", event.lease] = event.time_ns if event.kind is Kind.RENEWED else event.value
        elif event.kind is Kind.SKIPPED:
            found["sent", event.lease] += event.number
            found["granted", event.lease] += event.number
            found["last", event.lease] = event.value
    return found


def sent_in_vain(trace: Trace) -> set[tuple[int, int, int]]:
    """The renewals whose answer was no success, by run and request."""
    return {
        (event.lane, event.generation, event.number)
        for event in trace
        if event.kind is Kind.ANSWER and event.value != Outcome.OK
    }


def assert_same(scenario: Scenario, seed: int, replication: int, foresight: int = FORESIGHT) -> Trace | None:
    try:
        plain = simulate(scenario, seed, replication)
    except TimeStandsStill:
        with pytest.raises(TimeStandsStill):
            simulate(scenario, seed, replication, fast_forward=True, foresight=foresight)
        return None
    fast = simulate(scenario, seed, replication, fast_forward=True, foresight=foresight)
    told = f"seed = {seed}, replication = {replication}\n{dumps(scenario)}"
    left = [event for event in plain if not is_routine(event)]
    kept = [event for event in fast if not is_routine(event) and event.kind not in BOOKKEEPING]
    for ours, theirs in zip(kept, left, strict=False):
        assert ours == theirs, f"{told}\nfast-forward: {ours}\nplain: {theirs}"
    assert len(kept) == len(left), told
    assert renewals(fast) == renewals(plain), told
    told_of = {(e.lane, e.generation, e.number) for e in fast if e.kind in (Kind.SEND, Kind.SENT_EARLIER)}
    assert sent_in_vain(plain) <= told_of, told
    times = fast.rows[:, 0]
    assert (times[1:] >= times[:-1]).all(), told
    return fast


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios(path: Path) -> None:
    for replication in range(5):
        assert_same(load(path), 11, replication)
        assert_same(load(path), 11, replication, foresight=0)


def test_goldens() -> None:
    for path in GOLDENS:
        _, rest = path.read_text(encoding="utf-8").split("\n\n--- scenario\n")
        assert_same(loads(rest.split("\n\n--- trace\n")[0]), 1, 0, foresight=0)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), SEEDS, st.sampled_from((FORESIGHT, 0)))
def test_generated_scenarios(scenario: Scenario, seed: int, foresight: int) -> None:
    assert_same_if_small(scenario, seed, foresight)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), SEEDS, st.sampled_from((FORESIGHT, 0)))
def test_many_generated_scenarios(scenario: Scenario, seed: int, foresight: int) -> None:
    assert_same_if_small(scenario, seed, foresight)


def assert_same_if_small(scenario: Scenario, seed: int, foresight: int) -> None:
    plain = outcome(scenario, seed, "kernel")
    if isinstance(plain, Trace) and len(plain) > ROWS_MAX:
        reject()
    assert_same(scenario, seed, 0, foresight)


def test_something_is_left_out_and_caught_up_with() -> None:
    """The comparisons above mean something only if stretches are formed, and broken with exchanges under way."""
    scenario = load("laptop-own-server").with_({"network.up": "2s", "network.down": "2s", "server.service": "3s"})
    found: Counter[Kind] = Counter()
    for replication in range(10):
        fast = assert_same(scenario, 3, replication, foresight=0)
        assert fast is not None
        found.update(event.kind for event in fast)
    assert found[Kind.SKIPPED] > 1000
    assert found[Kind.SENT_EARLIER] > 20
    assert found[Kind.RENEWED_EARLIER] > 0
    assert found[Kind.ASK] == found[Kind.REFUSE] == 0


def test_ties_are_simulated_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that begins at the very nanosecond of an arrival: only the agenda knows the order."""
    again: list[int] = []
    simulated = driving.simulate

    def counted(scenario: Scenario, seed: int, replication: int) -> Trace:
        again.append(replication)
        return simulated(scenario, seed, replication)

    monkeypatch.setattr(driving, "simulate", counted)
    scenario = loads(
        'duration = "20m"\nnetwork = { up = "1ms", down = "1ms" }\nlease = { ttl = "1m" }\n'
        'runs = { arrivals = { kind = "closed", clients = 1 }, provisioning = "0s", work = "1h" }\n'
        'faults = [{ what = "pause", whom = "hosts", when = { times = ["3ms"] }, length = "5s" }]\n'
    )
    fast = simulated(scenario, 1, 0, fast_forward=True, foresight=0)
    assert again == [0]
    assert fast == simulated(scenario, 1, 0)


def test_the_warm_up_is_not_straddled() -> None:
    """What a bookkeeping row stands for lies on one side of the warm-up: metrics leave out what came before."""
    scenario = load("no-faults").with_({"warmup": "90m", "duration": "6h"})
    plain, fast = simulate(scenario, 1, 0), simulate(scenario, 1, 0, fast_forward=True)
    before = sum(e.kind is Kind.RENEWED and e.time_ns < scenario.warmup for e in plain)
    told = sum(e.number for e in fast if e.kind is Kind.SKIPPED and e.value < scenario.warmup)
    told += sum(e.kind is Kind.RENEWED and e.time_ns < scenario.warmup for e in fast)
    assert told == before > 0


def test_jittered_intervals_may_be_shorter_than_expected() -> None:
    """Draws are made for as many renewals as intervals fit in; jitter makes room for more, which once had none."""
    jittered = loads(
        """
        duration = "1h"
        limit = { slots = 1 }
        lease = { ttl = "5m" }
        renewal = { every = "60s", jitter = [0.5, 1.0] }
        network = { up = "1ms", down = "1ms" }
        [runs]
        arrivals = { kind = "closed", clients = 1 }
        work = "50m"
        """
    )
    for seed in range(20):
        assert assert_same(jittered, seed, 0) is not None


def test_a_thousand_holders() -> None:
    fast = assert_same(loads(A_THOUSAND), 1, 0)
    assert fast is not None
    assert sum(event.kind is Kind.SKIPPED for event in fast) > 1000


def test_what_was_left_out_does_not_crowd_an_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault stops 200 runs whose renewals were left out: a row each to halt, and one for what was left out."""
    world = loads(
        'duration = "12m"\nlimit = { slots = 1000 }\nlease = { ttl = "3m", expiry_check = "timer" }\n'
        'runs = { arrivals = { kind = "poisson", rate = "20/m" }, work = "1h" }\n'
        '[[faults]]\nwhat = "pause"\nwhom = "hosts"\nwhen = { times = ["10m"] }\nlength = "5s"\n'
    )
    monkeypatch.setattr(crowd, "_ROWS", 300)
    monkeypatch.setattr(crowd, "_ROWS_EACH", 0)
    skipping = assert_same(world, 1, 0)
    assert skipping is not None
    then = [event.kind for event in skipping if event.time_ns == 10 * MINUTE]
    assert then.count(Kind.SKIPPED) > 100
    assert len(then) > 300
