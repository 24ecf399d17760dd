"""Metrics on traces written by hand (the arithmetic stands beside each), then identities on simulated ones."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim import engines
from sim.metrics import Tally, conservation, estimates, measure, total
from sim.metrics.causes import DEBT, WITHOUT_FAULT
from sim.model.scenario import Scenario
from sim.units import HOUR, SECOND
from sim.vocabulary import Kind
from tests.strategies import scenarios
from tests.tracewords import BATCH, OUTAGE, OVERLAP, trace, world


def measured(text: str, end: float = 1000, **tables) -> Tally:
    """Measure a hand-written trace, and check every identity."""
    tally = measure(trace(text, end), world(**tables))
    assert conservation(tally) == ()
    return tally


def in_seconds(tally: Tally, *names: str) -> list[float]:
    return [getattr(tally, name) / SECOND for name in names]


# ---- over-allocation --------------------------------------------------------------------------------------


def test_over_allocation_is_the_time_two_runs_execute_on_one_slot() -> None:
    tally = measured(OVERLAP)
    # Both execute from 330 to 402 s: 72 slot-seconds in one incident, all of it overlap.
    names = ("over_allocation_ns", "over_allocation_time_ns", "overlap_ns", "longest_ns", "incident_ns")
    assert in_seconds(tally, *names) == [72.0] * 5
    assert (tally.incidents, tally.peak_slots, tally.slotless_ns, tally.debt_ns) == (1, 1, 0, 0)
    assert tally.over_allocation_by_cause == {"(protocol)": 72 * SECOND}
    # Run 0 executes without a lease from 310 to 402 s; both believe from 321 to 400 s.
    assert in_seconds(tally, "missed_ns", "holding_over_allocation_ns") == [92.0, 79.0]


def test_rates_are_per_simulated_hour_and_shares_of_time() -> None:
    found = estimates([measured(OVERLAP)])
    # 72 s in 1000 s.
    assert found["over_allocation_slot_seconds_per_hour"].value == pytest.approx(72 / 1000 * 3600)
    assert found["over_allocation_time_fraction"].value == pytest.approx(0.072)
    assert found["over_allocation_incidents_per_hour"].value == pytest.approx(3.6)
    assert found["over_allocation_longest_seconds"].value == 72.0


def test_a_token_that_is_enforced_makes_overlap_harmless() -> None:
    assert measured(OVERLAP).harmful_over_allocation_ns == 72 * SECOND
    assert measured(OVERLAP, renewal={"fencing": "token_enforced"}).harmful_over_allocation_ns == 0


def test_a_start_after_the_lease_was_reaped_is_slotless() -> None:
    tally = measured("""
        0   arrive  0
        0   grant   0  lease=0 use=1
        0   hold    0  lease=0
        300 reap    0  lease=0 use=0
        310 live    1  lease=1 use=1
        350 start   0  lease=0
        420 finish  0
    """)
    # 350 to 420 s.
    assert in_seconds(tally, "over_allocation_ns", "slotless_ns", "overlap_ns") == [70.0, 70.0, 0.0]
    assert tally.over_allocation_by_cause == {"(provisioning)": 70 * SECOND}


@pytest.mark.parametrize(("why", "name"), [("retry", "(retry)"), ("paused", "(pause)")])
def test_a_return_without_a_lease_is_slotless(why: str, name: str) -> None:
    tally = measured(f"""
        0   live    0  lease=0 use=1
        100 halt    0  {why}
        101 release 0  lease=0 use=0
        110 live    1  lease=1 use=1
        200 go      0  {why}
        260 finish  0
    """)
    # 200 to 260 s: run 0 is back, and run 1 has the slot.
    assert in_seconds(tally, "over_allocation_ns", "slotless_ns") == [60.0, 60.0]
    assert tally.over_allocation_by_cause == {name: 60 * SECOND}


def test_a_return_from_sleep_without_a_lease_is_overlap() -> None:
    tally = measured("""
        0   live    0  lease=0 use=1
        100 halt    0  host
        310 reap    0  lease=0 use=0
        320 live    1  lease=1 use=1
        500 go      0  host
        530 finish  0
    """)
    # Asleep it does not execute: 500 to 530 s. It believes all the while: 320 to 530 s. Halted: 100 to 500 s.
    assert in_seconds(tally, "overlap_ns", "slotless_ns") == [30.0, 0.0]
    assert in_seconds(tally, "holding_over_allocation_ns", "holding_idle_ns", "missed_ns") == [210.0, 400.0, 30.0]


def test_two_leases_on_one_slot_are_debt() -> None:
    tally = measured("0 live 0 lease=0 use=1\n100 live 1 lease=1 use=1\n150 finish 1")
    assert in_seconds(tally, "over_allocation_ns", "debt_ns", "harmful_over_allocation_ns") == [50.0, 50.0, 50.0]
    assert tally.over_allocation_by_cause == {DEBT: 50 * SECOND}


def test_the_origin_is_first_overlap_then_slotless_then_debt() -> None:
    tally = measured("""
        0   live    0  lease=0 use=1
        0   arrive  1
        0   grant   1  lease=1 use=2
        0   hold    1  lease=1
        300 reap    0  lease=0 use=1
        300 reap    1  lease=1 use=0
        310 live    2  lease=2 use=1
        320 start   1  lease=1
        330 live    3  lease=3 use=2
        340 finish  0
        350 finish  1
        360 finish  2
    """)
    # One slot. 310-320 X=1, 320-330 X=2, 330-340 X=3, 340-350 X=2, 350-360 X=1.
    assert in_seconds(tally, "over_allocation_ns", "over_allocation_time_ns") == [90.0, 50.0]
    # Overlap: run 0 alone, 310-340. Slotless: run 1, 320-350. The rest: 330-340, 340-350 and 350-360 by one each.
    assert in_seconds(tally, "overlap_ns", "slotless_ns", "debt_ns") == [30.0, 30.0, 30.0]
    assert (tally.peak_slots, tally.incidents) == (3, 1)


def test_with_room_left_a_run_without_a_lease_is_missed_but_not_over_allocated() -> None:
    tally = measured("0 live 0 lease=0 use=1\n300 reap 0 lease=0 use=0\n420 finish 0")
    assert in_seconds(tally, "over_allocation_ns", "missed_ns") == [0.0, 120.0]


def test_a_change_of_holders_at_one_instant_is_no_incident() -> None:
    tally = measured("0 live 0 lease=0 use=1\n100 live 1 lease=1 use=1\n100 finish 0\n200 finish 1")
    assert (tally.over_allocation_ns, tally.incidents, tally.peak_slots) == (0, 0, 0)


def test_an_incident_that_stops_for_no_time_goes_on() -> None:
    tally = measured("""
        0   live 0 lease=0 use=1
        0   live 1 lease=1 use=1
        50  finish 1
        50  live 2 lease=2 use=1
        80  finish 2
        200 live 3 lease=3 use=1
        210 finish 3
    """)
    # 0 to 80 s without a gap, then 200 to 210 s.
    assert (tally.incidents, tally.longest_ns, tally.over_allocation_ns) == (2, 80 * SECOND, 90 * SECOND)


def test_an_incident_from_the_warmup_is_carried_in_and_clipped() -> None:
    tally = measured(OVERLAP, warmup="350s")
    # 350 to 402 s of it are seen; it began before.
    assert (tally.incidents, tally.carried_in) == (0, 1)
    assert in_seconds(tally, "over_allocation_ns", "incident_ns", "longest_ns", "observed_ns") == [52, 52, 52, 650]
    assert measured(OVERLAP, warmup="330s").incidents == 1, "one that begins with the window is its own"


def test_an_incident_under_way_at_the_end_counts_up_to_there() -> None:
    tally = measured("0 live 0 lease=0 use=1\n90 live 1 lease=1 use=1", end=100)
    assert (tally.incidents, tally.longest_ns, tally.over_allocation_ns) == (1, 10 * SECOND, 10 * SECOND)


def test_no_slots_at_all() -> None:
    tally = measured("0 arrive 0", limit={"slots": 0})
    assert (tally.capacity_ns, tally.waiting_ns) == (0, 1000 * SECOND)
    assert math.isnan(estimates([tally, tally])["utilisation"].value)


# ---- false terminations -----------------------------------------------------------------------------------


def test_a_stop_is_a_false_termination_split_by_reason_and_truth() -> None:
    tally = measured(OVERLAP)
    assert (tally.false_terminations, tally.terminated_revoked, tally.terminated_reassigned) == (1, 1, 1)
    assert (tally.runs_started, tally.runs_terminated, tally.runs_finished) == (2, 1, 1)
    # Run 0 holds or believes 0-400, run 1 is granted at 320 and gives back at 601: 681 s.
    assert tally.lease_ns == 681 * SECOND
    found = estimates([tally, tally])
    assert found["false_terminations_per_lease_hour"].value == pytest.approx(3600 / 681)
    assert found["false_terminations_reassigned_per_lease_hour"].value == pytest.approx(3600 / 681)
    assert found["false_termination_probability"].value == 0.5


def test_work_that_ends_before_the_stop_takes_effect_is_no_termination() -> None:
    tally = measured("""
        0   live    0  lease=0 use=1
        400 lost    0  lease=0 gave_up still_valid
        401 finish  0
    """)
    assert (tally.false_terminations, tally.runs_finished, tally.terminations_by_cause) == (0, 1, {})


@pytest.mark.parametrize("truth", ["still_valid", "expired_unclaimed", "reassigned", "forgotten"])
@pytest.mark.parametrize("reason", ["revoked", "gave_up", "fenced"])
def test_every_reason_and_truth_has_its_count(reason: str, truth: str) -> None:
    lost = f"0 live 0 lease=0 use=1\n400 lost 0 lease=0 {reason} {truth}\n401 stop 0 {reason}"
    tally = measured(lost)
    assert getattr(tally, f"terminated_{reason}") == getattr(tally, f"terminated_{truth}") == 1


def test_runs_at_work_at_the_end_are_not_among_those_that_ended() -> None:
    tally = measured("""
        0   live    0  lease=0 use=1
        0   live    1  lease=1 use=2
        0   live    2  lease=2 use=3
        0   live    3  lease=3 use=4
        400 lost    0  lease=0 gave_up still_valid
        401 stop    0  gave_up
        500 crash   1  number=0
        500 cancel  2
    """)
    # One terminated, one crashed, one cancelled; run 3 is at work: 1 of 3.
    assert estimates([tally, tally])["false_termination_probability"].value == pytest.approx(1 / 3)
    assert (tally.started_at_last, tally.runs_crashed, tally.runs_cancelled) == (1, 1, 1)


def test_terminations_before_the_warmup_do_not_count() -> None:
    assert measured(OVERLAP, warmup="402s").false_terminations == 1
    later = measured(OVERLAP, warmup="403s")
    assert (later.false_terminations, later.runs_terminated, later.terminations_by_cause) == (0, 0, {})


def test_runs_that_one_fault_kills_are_one_incident() -> None:
    tally = measured(BATCH, faults=[OUTAGE])
    # Two by the outage at 290 s, one alone.
    assert (tally.false_terminations, tally.false_termination_incidents) == (3, 2)
    assert tally.terminations_by_cause == {"outage": 2, "(protocol)": 1}
    found = estimates([tally, tally])
    hours = tally.lease_ns / HOUR
    assert found["false_termination_incidents_per_lease_hour"].value == pytest.approx(2 / hours)


def test_where_nobody_was_killed_one_incident_may_still_kill_as_many_as_there_are_slots() -> None:
    quiet = Tally(observed_ns=HOUR, capacity_ns=10 * HOUR, lease_ns=8 * HOUR, runs_granted=20)
    found = estimates([quiet] * 5)
    assert found["false_terminations_per_lease_hour"].high == pytest.approx(10 * -math.log(0.025) / 40)
    assert found["false_termination_incidents_per_lease_hour"].high == pytest.approx(-math.log(0.025) / 40)
    alone = estimates([replace(quiet, capacity_ns=HOUR)] * 5)
    assert alone["false_terminations_per_lease_hour"].high == pytest.approx(-math.log(0.025) / 40)
    ended = estimates([replace(quiet, runs_finished=20, runs_started=20)] * 5)["false_termination_probability"]
    assert ended.method == "no incident, Garwood x 10 runs that one can stop"
    assert ended.high == pytest.approx(10 * -math.log(0.025) / 100)


# ---- lease time -------------------------------------------------------------------------------------------


def test_lease_time_is_held_or_believed_and_ends_when_the_run_is_done() -> None:
    tally = measured("""
        0   live    0  lease=0 use=1
        100 finish  0
        103 done    0
        200 live    1  lease=1 use=2
        250 crash   1  number=0
        250 done    1
        300 reap    0  lease=0 use=1
        550 reap    1  lease=1 use=0
    """)
    # A release that never came: 0-103. A crash: 200-250, though the authority keeps its lease until 550 s.
    assert tally.lease_ns == 153 * SECOND


def test_a_lost_grant_is_a_lease_of_its_own_but_one_run() -> None:
    tally = measured("""
        0   arrive  0
        1   grant   0  lease=0 use=1
        31  grant   0  lease=1 use=2
        32  hold    0  lease=1
        32  start   0  lease=1
        301 reap    0  lease=0 use=1
        500 finish  0
        501 release 0  lease=1 use=0
        502 done    0
    """, limit={"slots": 2})  # fmt: skip
    # The run has a lease from 1 to 501 s, the wait ended with the first grant, no slot is leaked.
    assert in_seconds(tally, "lease_ns", "queue_wait_ns", "leaked_ns", "missed_ns") == [500.0, 1.0, 0.0, 0.0]


def test_a_late_renewal_that_brings_the_lease_back_ends_the_lapse() -> None:
    tally = measured("0 live 0 lease=0 use=1\n310 reap 0 lease=0 use=0\n330 grant 0 lease=0 use=1\n400 finish 0")
    assert tally.missed_ns == 20 * SECOND


def test_a_grant_to_a_run_that_is_over_belongs_to_nobody() -> None:
    tally = measured("""
        0   arrive      0
        5   turned_away 0
        5   done        0
        6   grant       0  lease=0 use=1
        6   arrive      1
        306 reap        0  lease=0 use=0
        320 grant       1  lease=1 use=1
    """)
    # Run 1 waits from 6 to 320 s while the slot is held for nobody from 6 to 306 s.
    assert in_seconds(tally, "lease_ns", "vacancy_ns", "queue_wait_ns") == [680.0, 300.0, 314.0]


# ---- slots ------------------------------------------------------------------------------------------------


def test_reclaim_latency_is_from_the_crash_to_the_next_grant_after_the_slot_is_free() -> None:
    text = """
        0   live    0  lease=0 use=1
        0   live    1  lease=1 use=2
        0   arrive  2
        0   arrive  3
        100 crash   0  number=0
        130 crash   1  number=0
        310 reap    0  lease=0 use=1
        320 reap    1  lease=1 use=0
        340 grant   2  lease=2 use=1
        345 grant   3  lease=3 use=2
    """
    tally = measured(text, limit={"slots": 2})
    # First in, first out: 340 - 100 = 240 s and 345 - 130 = 215 s.
    assert (tally.reclaims, tally.reclaim_ns, tally.reclaim_max_ns) == (2, 455 * SECOND, 240 * SECOND)
    assert measured(text, limit={"slots": 2}, warmup="342s").reclaim_ns == 215 * SECOND
    # Two wait; zombies hold one slot from 100 s, two from 130 s, one from 310 to 320 s: 30 + 360 + 10.
    assert tally.vacancy_ns == 400 * SECOND


def test_a_slot_in_its_reuse_delay_is_not_free_and_not_leaked() -> None:
    tally = measured("""
        0   live    0  lease=0 use=1
        0   arrive  1
        100 crash   0  number=0
        100 done    0
        310 reap    0  lease=0 use=1
        315 free    -  use=0
        318 grant   1  lease=1 use=1
    """, lease={"reuse_delay": "5s"})  # fmt: skip
    assert (tally.reclaim_ns, tally.leaked_ns) == (218 * SECOND, 0)
    # The slot is kept for nobody from 100 to 315 s, and run 1 waits.
    assert tally.vacancy_ns == 215 * SECOND


def test_slots_without_lease_or_believer_are_leaked() -> None:
    text = """
        0   live        0  lease=0 use=1
        100 fault_begin 0  number=0
        100 forget      0  lease=0 use={}
        105 fault_end   0  number=0
        225 lost        0  lease=0 revoked forgotten
        226 stop        0  revoked
    """
    restart: dict[str, Any] = {"faults": [{"what": "restart", "when": "1/h"}]}
    leak = measured(text.format(1), lease={"books": "counter", "on_restart": "lost_leak"}, **restart)
    # The run believes until 225 s; from then on the counter stands for nothing.
    assert in_seconds(leak, "leaked_ns") == [775.0]
    assert estimates([leak, leak])["leaked_slots"].value == pytest.approx(0.775)
    free = measured(text.format(0), lease={"on_restart": "lost_free"}, **restart)
    assert free.leaked_ns == 0
    assert leak.terminations_by_cause == free.terminations_by_cause == {"restart": 1}


def test_a_restart_that_loses_the_books_frees_slots_of_no_lease() -> None:
    lost: dict[str, Any] = {
        "lease": {"on_restart": "lost_free", "reuse_delay": "60s"},
        "faults": [{"what": "restart", "when": "1/h"}],
    }
    tally = measured("""
        0   live        0  lease=0 use=1
        50  crash       0  number=0
        50  done        0
        60  arrive      1
        310 reap        0  lease=0 use=1
        320 fault_begin 0  number=0
        330 grant       1  lease=1 use=1
    """, **lost)  # fmt: skip
    assert in_seconds(tally, "vacancy_ns", "reclaim_ns") == [260.0, 280.0]


# ---- work and waits ---------------------------------------------------------------------------------------


def test_work_is_wasted_or_finished_and_measured_against_the_slots() -> None:
    tally = measured("""
        0   live    0  lease=0 use=1
        0   live    1  lease=1 use=2
        100 halt    0  host
        150 go      0  host
        200 lost    0  lease=0 gave_up still_valid
        200 stop    0  gave_up
        300 finish  1
        900 live    2  lease=2 use=3
    """, limit={"slots": 2})  # fmt: skip
    # Executed: run 0 150 s (lost), run 1 300 s (finished), run 2 100 s (at work): 550 s of 2000.
    works = ("terminated_work_ns", "finished_work_ns", "unfinished_work_ns", "executing_ns")
    assert in_seconds(tally, *works) == [150.0, 300.0, 100.0, 550.0]
    found = estimates([tally, tally])
    assert found["wasted_work_fraction"].value == pytest.approx(150 / 550)
    assert found["goodput_work_fraction"].value == pytest.approx(0.15)
    assert found["goodput_runs_per_slot_hour"].value == pytest.approx(1 / (2000 / 3600))
    assert found["utilisation"].value == pytest.approx(0.275)


def test_over_allocation_makes_more_of_the_slots_than_there_is() -> None:
    """Two runs at work on one slot: used for more than 100 %, and the interval is where the value is."""
    both = "0 live 0 lease=0 use=1\n0 live 1 lease=1 use=1\n"
    tallies = [measured(f"{both}{end} finish 0\n{end} finish 1") for end in (700, 800, 900, 1000)]
    found = estimates(tallies)
    assert found["utilisation"].value == found["goodput_work_fraction"].value == pytest.approx(1.7)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in found.values() if estimate.value > 0)
    assert found["utilisation"].high < 2.5
    assert found["over_allocation_time_fraction"].high <= 1


def test_queue_waits_are_whole_and_their_integral_is_clipped() -> None:
    tally = measured("""
        0   arrive      0
        100 grant       0  lease=0 use=1
        100 arrive      1
        300 grant       1  lease=1 use=2
        400 arrive      2
        500 arrive      3
        700 turned_away 3
        700 done        3
    """, warmup="200s")  # fmt: skip
    # One grant after the warm-up, 200 s long. Waiting in [200, 1000): 100 + 600 (still waiting) + 200 (gone).
    assert (tally.queue_waits, tally.queue_wait_ns, tally.queue_wait_max_ns) == (1, 200 * SECOND, 200 * SECOND)
    assert in_seconds(tally, "waiting_ns", "waited_ns") == [900.0, 900.0]
    assert (tally.waiting_at_first, tally.runs_arrived, tally.runs_granted) == (1, 2, 1)
    assert (tally.runs_turned_away, tally.runs_left_queue, tally.waiting_at_last) == (1, 1, 1)


def test_renewals_are_counted_where_they_are_sent_and_where_they_arrive() -> None:
    tally = measured("""
        0   live    0  lease=0 use=1
        99  send    0  lease=0 number=0
        100 renewed 0  lease=0 number=0
        200 send    0  lease=0 number=1
        201 denied  0  lease=0 number=1
        300 send    0  lease=0 number=2
    """, warmup="100s")  # fmt: skip
    assert (tally.renewals_sent, tally.renewals_granted, tally.renewals_denied) == (2, 1, 1)
    assert estimates([tally, tally])["renewal_requests_per_second"].value == pytest.approx(2 / 900)


def test_holding_is_provisioning_working_and_idle() -> None:
    tally = measured("""
        0   arrive  0
        0   grant   0  lease=0 use=1
        10  hold    0  lease=0
        50  start   0  lease=0
        100 halt    0  host
        130 go      0  host
        400 lost    0  lease=0 revoked still_valid
        600 finish  0
    """)
    # Believes 10-400: 40 s provisioned, 30 s halted, the rest at work; works on without belief for 200 s.
    holding = ("holding_ns", "holding_provisioning_ns", "holding_idle_ns", "holding_working_ns", "executing_ns")
    assert in_seconds(tally, *holding) == [390.0, 40.0, 30.0, 320.0, 520.0]


# ---- identities -------------------------------------------------------------------------------------------

SPLITS = [
    "waited_ns", "finished_work_ns", "holding_idle_ns", "debt_ns", "incident_ns", "terminated_fenced",
    "terminated_still_valid", "runs_left_queue", "started_at_last", "queue_waits",
]  # fmt: skip


@pytest.mark.parametrize("field", SPLITS)
def test_conservation_notices_what_does_not_add_up(field: str) -> None:
    tally = measured(OVERLAP)
    assert conservation(replace(tally, **{field: getattr(tally, field) + 1}))


def test_conservation_names_both_sides() -> None:
    (found,) = conservation(Tally(waiting_ns=5, waited_ns=3))
    assert found == "Little's law: waiting runs over time = waits of runs: 5 is not = 3"


BUSY = Scenario.model_validate(
    {
        "duration": "12h",
        "warmup": "1h",
        "limit": {"slots": 3},
        "runs": {
            "arrivals": {"kind": "closed", "clients": 6},
            "work": {"kind": "exponential", "mean": "40m"},
            "provisioning": "20s",
        },
        "hosts": {"count": 2},
        "faults": [
            {"what": "sleep", "when": "1/h", "length": {"kind": "lognormal", "median": "3m", "sigma": 1.2}},
            {"what": "crash", "when": "0.2/h"},
            {"what": "outage", "when": "0.3/h", "length": "2m"},
        ],
    }
)


def test_identities_hold_on_simulated_traces() -> None:
    tallies = [measure(engines.run(BUSY, seed, 0), BUSY) for seed in range(4)]
    for tally in [*tallies, total(tallies)]:
        assert conservation(tally) == ()
    everything = total(tallies)
    assert everything.false_terminations > 20
    assert everything.overlap_ns > 0
    assert everything.reclaims > 0
    assert set(everything.terminations_by_cause) >= {"sleep", "outage"}


def test_over_allocation_is_what_counting_executing_runs_gives() -> None:
    """A second way to the same integral: ups and downs of each run, sorted, summed."""
    trace = engines.run(BUSY, 2, 0)
    ups = {Kind.START, Kind.GO}
    executing: dict[tuple[int, int], bool] = {}
    changes = []
    for time, kind, lane, generation, *_ in trace.rows.tolist():
        was = executing.get((lane, generation), False)
        if kind in ups or (was and kind in {Kind.HALT, Kind.STOP, Kind.FINISH, Kind.CRASH, Kind.CANCEL}):
            executing[lane, generation] = kind in ups
            changes.append((max(time, BUSY.warmup), 1 if kind in ups else -1))
    times, steps = np.array([*changes, (trace.end_ns, 0)]).T
    lasting, level = np.diff(times), np.cumsum(steps)[:-1]
    tally = measure(trace, BUSY)
    assert tally.executing_ns == int((level * lasting).sum())
    assert tally.over_allocation_ns == int((np.maximum(level - BUSY.limit.slots, 0) * lasting).sum()) > 0
    assert tally.peak_slots == int((level - BUSY.limit.slots)[lasting > 0].max())


def test_a_warmup_splits_time_and_events_without_loss() -> None:
    """What is seen before and after a cut adds up to what is seen without one."""
    trace = engines.run(BUSY, 1, 0)
    whole = measure(trace, BUSY.model_copy(update={"warmup": 0}))
    after = measure(trace, BUSY)
    rows = trace.rows[trace.rows[:, 0] < BUSY.warmup]
    before = measure(type(trace)(rows, BUSY.warmup), BUSY.model_copy(update={"warmup": 0}))
    parts = before + after
    for name in (
        "lease_ns", "over_allocation_ns", "overlap_ns", "missed_ns", "vacancy_ns", "executing_ns", "waiting_ns",
        "holding_ns", "false_terminations", "runs_started", "runs_finished", "renewals_sent", "reclaims",
        "incidents", "queue_wait_ns",
    ):  # fmt: skip
        assert getattr(parts, name) == getattr(whole, name), name


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.sampled_from([0.0, 0.3]))
def test_identities_hold_over_the_whole_schema(scenario: Scenario, warmup: float) -> None:
    scenario = scenario.model_copy(update={"warmup": int(scenario.duration * warmup)})
    tally = measure(engines.run(scenario, 1, 0), scenario)
    assert conservation(tally) == ()
    if scenario.lease.books == "leases":
        assert tally.leaked_ns == 0, "where leases are the books no slot leaks"
        assert tally.debt_ns == 0 or scenario.lease.late_renew == "resurrect"
    known = {fault.name for fault in scenario.faults} | set(WITHOUT_FAULT)
    assert set(tally.terminations_by_cause) | set(tally.over_allocation_by_cause) <= known


@pytest.mark.bench
def test_measuring_takes_at_most_two_microseconds_an_event() -> None:
    import timeit

    scenario = BUSY.model_copy(update={"duration": 48 * HOUR})
    trace = engines.run(scenario, 1, 0)
    seconds = min(timeit.repeat(lambda: measure(trace, scenario), number=1, repeat=3))
    assert seconds / len(trace) < 2e-6
    assert np.all(np.diff(trace.rows[:, 0]) >= 0)
