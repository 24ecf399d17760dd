"""The public strategies: what they give is valid, and a planted bug shrinks to one fault of minimal length."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

import sim
from sim.errors import UsageError
from sim.model.faults import MAY_HIT, Fault
from sim.model.relations import contradictions
from sim.model.scenario import Scenario
from sim.testing import fault_schedules, scenarios

BASE = sim.loads(
    """
duration = "1h"
lease = { ttl = "1m", expiry_check = "timer", late_renew = "reject" }
renewal = { every = 0.5, runs_in = "event_loop", attempts = 3 }
runs = { arrivals = { kind = "closed", clients = 2 }, work = "30m" }
"""
)
FINDING = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def kills(scenario: Scenario) -> int:
    return sim.run(scenario).tally.false_terminations


def length_s(fault: Fault) -> int:
    assert fault.when.trace is not None
    ((_, length),) = fault.when.trace
    return length // 10**9


def with_one(start_s: int, length_s: int, what: str = "pause") -> Scenario:
    trace = [[f"{start_s}s", f"{length_s}s"]]
    fault = Fault.model_validate({"what": what, "when": {"trace": trace}})
    return BASE.model_copy(update={"faults": (fault,)})


def test_a_planted_bug_shrinks_to_one_fault_of_minimal_length() -> None:
    """The rule "nobody is killed" is broken by one pause just long enough, and by none that is shorter."""
    schedules = fault_schedules("pause", "outage", "slow", within="30m", longest="10m")
    shrunk = find(scenarios(BASE, schedules), lambda s: kills(s) > 0, settings=FINDING)
    (fault,) = shrunk.faults
    assert kills(shrunk) > 0
    assert fault.when.trace is not None
    start = fault.when.trace[0][0] // 10**9
    shorter = [kills(with_one(start, length, fault.what)) for length in range(length_s(fault))]
    assert not any(shorter), f"{fault} could have been shorter"
    assert length_s(fault) > 0


def test_a_bug_that_needs_two_faults_shrinks_to_two() -> None:
    """A property of the schedule itself, so that the answer is known: an outage and a sleep that touch."""

    def broken(faults: tuple[Fault, ...]) -> bool:
        found = {fault.what: fault for fault in faults if length_s(fault) >= 7}
        return {"outage", "sleep"} <= set(found)

    shrunk = find(fault_schedules(most=6), broken, settings=settings(FINDING, max_examples=5000))
    assert sorted((fault.what, length_s(fault)) for fault in shrunk) == [("outage", 7), ("sleep", 7)]
    assert all(fault.when.trace is not None and fault.when.trace[0][0] == 0 for fault in shrunk)


@settings(max_examples=30)
@given(scenarios(BASE, fault_schedules(most=6)))
def test_every_schedule_can_be_simulated(scenario: Scenario) -> None:
    assert not contradictions(scenario)
    assert len({fault.name for fault in scenario.faults}) == len(scenario.faults)
    assert sim.loads(sim.dumps(scenario)) == scenario
    sim.run(scenario)


@settings(max_examples=30)
@given(fault_schedules("pause:server", "outage", longest="2m", details={"outage": {"mode": "stall"}}))
def test_a_schedule_keeps_to_what_was_asked(faults: tuple[Fault, ...]) -> None:
    for fault in faults:
        assert (fault.what, fault.whom) in {("pause", "server"), ("outage", "network")}
        assert length_s(fault) <= 120
        assert fault.what != "outage" or fault.mode == "stall"


@settings(max_examples=20)
@given(scenarios())
def test_without_a_base_any_scenario_comes(scenario: Scenario) -> None:
    assert not contradictions(scenario)


@pytest.mark.parametrize(
    ("kinds", "options", "says"),
    [
        (("slepe",), {}, "did you mean 'sleep'"),
        (("sleep:runs",), {}, "can befall hosts or server"),
        ((), {"within": "5"}, 'within: cannot read "5" as a duration'),
        ((), {"longest": "10ms"}, "must be at least a second"),
        ((), {"most": -1}, "must be at least 0"),
    ],
)
def test_wrong_words_are_met_with_the_right_ones(kinds, options, says) -> None:
    with pytest.raises(UsageError) as caught:
        fault_schedules(*kinds, **options)
    assert says in str(caught.value)


def test_all_kinds_are_drawn() -> None:
    for what in MAY_HIT:

        def drawn(faults: tuple[Fault, ...], what: str = what) -> bool:
            return any(fault.what == what for fault in faults)

        find(fault_schedules(), drawn, settings=FINDING)
