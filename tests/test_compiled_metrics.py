"""The compiled tally is the reference's, field by field, however the rows are cut; and it keeps little.

A failure prints the fields that differ, the scenario and the seed.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sim import engines
from sim.engines import kernel
from sim.engines.kernel.driving import simulate
from sim.errors import TimeStandsStill
from sim.metrics import WITHOUT_FAULT, Tally, measure, tally_of
from sim.metrics.streaming import measure_in_portions
from sim.model.load import dumps, load, loads
from sim.model.scenario import Scenario
from sim.trace import Trace
from sim.vocabulary import Kind
from tests.squeezing import squeezed
from tests.strategies import scenarios
from tests.tracewords import BATCH, OUTAGE, OVERLAP, trace, world

if not kernel.available()[0]:
    pytest.skip(kernel.available()[1], allow_module_level=True)

from sim.metrics.compiled import layout
from sim.metrics.compiled.taking import Taking

HERE = Path(__file__).parent
GOLDENS = sorted((HERE / "goldens").glob("*.txt"))
SHIPPED = sorted((HERE.parent / "scenarios").glob("*.toml"))
PORTIONS = (1, 7, 10**9)
ROW_BY_ROW_MAX = 2_000
"""Longer traces take too long row by row."""
ROWS_MAX = 10_000
SWEEPS = """
duration = "1d"
limit = { slots = 4 }
renewal = { every = "50s" }
runs = { arrivals = { kind = "closed", clients = 4 }, work = "1h" }
faults = [{ what = "pause", whom = "hosts", when = "6/h", length = "20s" }]
[lease]
ttl = "1m"
expiry_check = "sweep"
sweep_interval = "15s"
sweep_revoke = "10s"
sweep_recheck = false
late_renew = "until_reaped"
"""
SEEDS = st.integers(0, 2**64 - 1)


def assert_equal(ours: Tally, reference: Tally, told: str) -> None:
    if ours != reference:
        differ = [
            f"{field.name}: compiled {getattr(ours, field.name)}, reference {getattr(reference, field.name)}"
            for field in fields(Tally)
            if getattr(ours, field.name) != getattr(reference, field.name)
        ]
        pytest.fail("\n".join([*differ, told]))


def agree(events: Trace, scenario: Scenario, told: str, portions: tuple[int, ...] = PORTIONS) -> Tally:
    reference = measure(events, scenario)
    for portion in portions if len(events) < ROW_BY_ROW_MAX else portions[1:] or portions:
        assert_equal(measure_in_portions(events, scenario, portion), reference, f"portions of {portion}\n{told}")
    return reference


def agree_if_small(scenario: Scenario, seed: int) -> None:
    try:
        events = kernel.simulate(scenario, seed, 0)
    except TimeStandsStill:
        reject()
    if len(events) > ROWS_MAX:
        reject()
    told = f"seed = {seed}\n{dumps(scenario)}"
    reference = agree(events, scenario, told)
    assert_equal(tally_of(scenario, seed, 0, "kernel"), reference, f"as a fast-forward stream\n{told}")
    fast = simulate(scenario, seed, 0, fast_forward=True)
    assert_equal(agree(fast, scenario, f"fast-forward\n{told}", (7,)), reference, f"fast-forward, measured\n{told}")
    short = squeezed(events, scenario)
    assert_equal(measure(short, scenario), reference, f"the reference, routine left out\n{told}")
    assert_equal(agree(short, scenario, f"routine left out\n{told}", (7,)), reference, told)


def with_warmups() -> st.SearchStrategy[Scenario]:
    """Scenarios of which some are observed late."""
    return st.builds(
        lambda scenario, tenths: scenario.model_copy(update={"warmup": scenario.duration * tenths // 10}),
        scenarios(),
        st.sampled_from((0, 0, 3, 9)),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(with_warmups(), SEEDS)
def test_generated_scenarios(scenario: Scenario, seed: int) -> None:
    agree_if_small(scenario, seed)


@pytest.mark.long
@settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(with_warmups(), SEEDS)
def test_many_generated_scenarios(scenario: Scenario, seed: int) -> None:
    agree_if_small(scenario, seed)


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_goldens(path: Path) -> None:
    scenario = loads(path.read_text(encoding="utf-8").split("\n\n--- scenario\n")[1].split("\n\n--- trace\n")[0])
    agree(kernel.simulate(scenario, 1, 0), scenario, path.stem)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios(path: Path) -> None:
    scenario = load(path)
    for replication in range(3):
        agree(kernel.simulate(scenario, 11, replication), scenario, f"replication {replication}")


def test_traces_written_by_hand() -> None:
    assert agree(trace(OVERLAP), world(), "overlap").over_allocation_ns > 0
    assert agree(trace(OVERLAP), world(warmup="350s"), "overlap, observed late").carried_in == 1
    assert agree(trace(BATCH), world(faults=[OUTAGE]), "a batch").false_termination_incidents == 2


LISTED = """
    0    live    0 lease=0 use=1
    300  sweep   - lease=0 number=1
    301  renewed 0 lease=0 number=1
    316  reap    0 lease=0 number=2 use=0
    316  {then}
    540  denied  0 lease=0 number=2
    541  lost    0 lease=0 revoked expired_unclaimed
    541  stop    0 revoked
"""


@pytest.mark.parametrize("then", ["sweep - lease=-1 number=1", "sweep - lease=1 number=1"])
def test_a_list_that_is_made_after_the_end_is_not_to_blame(then: str) -> None:
    """Not even at the instant of the end, where only the order of the rows tells which came first."""
    unchecked = world(lease={"sweep_recheck": False, "sweep_revoke": "1s"})
    assert agree(trace(LISTED.format(then=then)), unchecked, "listed").terminations_by_cause == {"(sweep)": 1}
    assert agree(trace(LISTED.format(then=then)), world(), "rechecked").terminations_by_cause == {"(protocol)": 1}


def test_a_full_server() -> None:
    """What timed out is put down to it only where no message can be lost."""
    text = """
        0   live   0 lease=0 use=1
        225 send   0 lease=0 number=1
        285 answer 0 lease=0 number=1 read_timeout
        315 reap   0 lease=0 number=2 use=0
        400 denied 0 lease=0 number=2
        401 lost   0 lease=0 revoked expired_unclaimed
        401 stop   0 revoked
    """
    for lossy, cause in ((0.0, "(congestion)"), (0.1, "(loss)")):
        scenario = world(server={"requests_max": 100}, network={"loss_up": lossy})
        assert agree(trace(text), scenario, cause).terminations_by_cause == {cause: 1}


def test_sweeps_that_list_first() -> None:
    """Paused machines renew when a sweep has listed the lease already: too rare in generated scenarios."""
    scenario, found = loads(SWEEPS), 0
    for replication in range(3):
        plain = kernel.simulate(scenario, 1, replication)
        tally = agree(plain, scenario, f"replication {replication}")
        found += tally.terminations_by_cause.get("(sweep)", 0)
        assert_equal(tally_of(scenario, 1, replication, "kernel"), tally, f"fast-forward, replication {replication}")
    assert found > 10


def test_causes_without_a_fault_are_numbered_as_they_are_listed() -> None:
    """By name and order: a tally takes the numbers for places in `WITHOUT_FAULT`, and faults for what follows."""
    names = [name.strip("()").upper() for name in WITHOUT_FAULT]
    assert [getattr(layout, name) for name in names] == list(range(len(names)))
    assert len(names) == layout.FIRST_FAULT


def test_sums_outgrow_a_word() -> None:
    """Thirty runs that wait for 17 years: 2^64 ns and more."""
    arrivals = "\n".join(f"0 arrive {lane}" for lane in range(30))
    assert agree(trace(arrivals, end=17 * 365 * 86400), world(), "waiting").waiting_ns > 2**63


def test_routine_is_left_out_of_what_is_squeezed() -> None:
    """Else equality of what is left says nothing."""
    scenario, kinds = load("laptop-remote-server"), set[int]()
    for replication in range(20):
        plain = kernel.simulate(scenario, 1, replication)
        short = squeezed(plain, scenario)
        assert len(short) < len(plain) / 2
        kinds |= set(short.rows[:, 1].tolist())
        assert agree(short, scenario, f"replication {replication}", (10**9,)) == measure(plain, scenario)
    assert {Kind.SKIPPED, Kind.SENT_EARLIER, Kind.RENEWED_EARLIER} <= kinds


@pytest.mark.parametrize("name", ["laptop-own-server", "crash-and-reclaim", "leader-election"])
def test_memory_does_not_grow_with_the_duration(name: str) -> None:
    """What is kept is what lives, and what can still be to blame: ten times as long a stream needs no more."""
    words = []
    for factor in (1, 10):
        scenario = load(name)
        longer = scenario.model_copy(update={"duration": factor * scenario.duration})
        taking = Taking(longer, longer.duration)
        engines.stream(longer, 1, 0, taking.take)
        words.append(taking.words)
    assert words[0] == words[1] < 20_000


def test_rows_that_do_not_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="speak of a run or a lease that has not begun"):
        measure_in_portions(trace("0 hold 0 lease=0"), world(), 1)


def test_a_stream_is_the_trace() -> None:
    """In portions far smaller than the trace, none of them longer than the first room for rows."""
    scenario, portions = load("laptop-own-server"), []
    engines.stream(scenario, 1, 0, lambda rows: portions.append(rows.copy()))
    assert len(portions) > 2
    assert np.array_equal(np.concatenate(portions), kernel.simulate(scenario, 1, 0).rows)


def test_time_that_stands_still_in_a_stream() -> None:
    scenario = loads(
        'duration = "1h"\nnetwork = { up = "0s", down = "0s" }\n'
        'runs = { arrivals = { kind = "closed", clients = 1 }, work = "0s" }\n'
    )
    with pytest.raises(TimeStandsStill):
        tally_of(scenario, 1, 0, "kernel")
