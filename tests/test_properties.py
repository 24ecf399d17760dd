"""What is true of every scenario, and of every seed: invariants, replay, draws that nobody else can shift, scaling.

A failure prints the scenario as TOML with its seed: `engines.run(loads(text), seed, replication)` replays it. For more
examples than the default run has: ``pytest tests/test_properties.py --hypothesis-profile=explore``.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from sim import engines, metrics, oracles
from sim.errors import TimeStandsStill
from sim.model.distributions import Constant, Distribution, Empirical, Exponential, Lognormal, Mixture, Normal, Pareto
from sim.model.distributions import Uniform as UniformLaw
from sim.model.load import dumps, loads
from sim.model.relations import contradictions
from sim.model.scenario import Backlog, Closed, Poisson, Scenario
from sim.streams import Streams
from sim.trace import Trace
from sim.units import SECOND, format_duration, parse_duration, parse_rate
from sim.vocabulary import Kind
from tests import strategies as draw_from
from tests.strategies import Raw, one

SEEDS = st.integers(0, 2**64 - 1)

# ---- scenarios --------------------------------------------------------------------------------------------


def least(law: Distribution) -> int:
    """A short but not unusual draw."""
    match law:
        case Mixture():
            return min(least(part.of) for part in law.parts)
        case Empirical():
            return min(law.values)
        case Constant():
            return law.value
        case Exponential() | Normal():
            return law.mean
        case Lognormal():
            return law.median
        case UniformLaw():
            return (law.low + law.high) // 2
        case Pareto():
            return law.minimum
        case _:
            return law.scale


def restless(scenario: Scenario) -> bool:
    """Whether runs follow each other with nothing but latency between them: legal, but millions of events."""
    if scenario.lease.judge == "contender" and scenario.limit.fifo:
        return True  # who is not first in line asks without end while a free slot is kept for the first
    arrivals, brief = scenario.runs.arrivals, least(scenario.runs.work) < SECOND
    if isinstance(arrivals, Closed):
        return least(arrivals.think) < SECOND and (brief or scenario.limit.collision == "cancel_new")
    return isinstance(arrivals, Backlog) and brief


TABLES = {
    "duration": draw_from.durations("10m", "30m"),
    "limit": draw_from.LIMIT,
    "lease": draw_from.LEASE,
    "server": draw_from.SERVER,
    "renewal": draw_from.RENEWAL,
    "http": draw_from.HTTP,
    "runs": draw_from.RUNS,
    "hosts": draw_from.HOSTS,
    "network": draw_from.NETWORK,
}


@st.composite
def busy_raw(draw: st.DrawFn) -> Raw:
    """Scenarios in which every table stands and much goes wrong."""
    raw: Raw = draw(st.fixed_dictionaries(TABLES))
    raw["limit"]["slots"] = draw(st.integers(1, 3))
    raw["faults"] = [draw(draw_from.faults(number)) for number in range(draw(st.integers(1, 5)))]
    return draw_from.mended(raw)


def valid(raw: Raw) -> Scenario:
    scenario = Scenario.model_validate(raw)
    assume(not contradictions(scenario) and not restless(scenario))
    return scenario


def scenarios() -> st.SearchStrategy[Scenario]:
    """Anything that the schema allows, small or busy."""
    return st.one_of(draw_from.scenarios().filter(lambda s: not restless(s)), busy_raw().map(valid))


def replay(scenario: Scenario, seed: int, replication: int = 0) -> str:
    """How to see it again."""
    return f"replay: seed {seed}, replication {replication} of\n{dumps(scenario)}"


def simulate(scenario: Scenario, seed: int, replication: int = 0, checks: bool = False) -> Trace:
    """A trace; scenarios in which time stands still are none."""
    try:
        return engines.run(scenario, seed, replication, checks=checks)
    except TimeStandsStill:
        reject()
    except AssertionError as broken:
        raise AssertionError(f"{broken}\n{replay(scenario, seed, replication)}") from broken


def assert_same(one: Trace, other: Trace, about: str) -> None:
    index = one.first_difference(other)
    if index is not None:
        raise AssertionError(
            f"event {index}: {one.text(index, index + 1)!r}, {other.text(index, index + 1)!r}; {about}"
        )
    assert one.digest == other.digest


def with_faults(scenario: Scenario, faults: Iterable[Any]) -> Scenario:
    return scenario.model_copy(update={"faults": tuple(faults)})


def of_kind(trace: Trace, *kinds: Kind) -> np.ndarray[Any, np.dtype[np.int64]]:
    return trace.rows[np.isin(trace.rows[:, 1], kinds)]


# ---- invariants, replay, observation ----------------------------------------------------------------------


@given(scenarios(), SEEDS)
def test_invariants_hold_after_every_event(scenario: Scenario, seed: int) -> None:
    """With checks the engine asserts them; looking changes nothing, and neither does having run before."""
    checked = simulate(scenario, seed, checks=True)
    assert_same(checked, simulate(scenario, seed), replay(scenario, seed))
    assert_same(checked, simulate(scenario, seed), f"a third run; {replay(scenario, seed)}")


@given(scenarios(), SEEDS)
def test_a_scenario_survives_its_text(scenario: Scenario, seed: int) -> None:
    again = loads(dumps(scenario))
    assert again == scenario
    assert_same(simulate(scenario, seed), simulate(again, seed), replay(scenario, seed))


@given(scenarios(), SEEDS, st.integers(1, 20))
def test_a_shorter_simulation_is_the_beginning_of_a_longer_one(scenario: Scenario, seed: int, twentieths: int) -> None:
    end = max(1, scenario.duration * twentieths // 20)
    whole = simulate(scenario, seed)
    part = simulate(scenario.model_copy(update={"duration": end}), seed)
    assert_same(part, Trace(whole.rows[whole.rows[:, 0] < end], end), replay(scenario, seed))


@given(scenarios(), SEEDS, st.integers(1, 2**64 - 1))
def test_only_draws_tell_replications_apart(scenario: Scenario, seed: int, replication: int) -> None:
    """Without a draw, seed and replication mean nothing; Poisson arrivals are at other times in another replication."""
    drawn: list[tuple[int, ...]] = []
    block = Streams.block

    def noted(self: Streams, *address: int) -> tuple[float, float, float, float]:
        drawn.append(address)
        return block(self, *address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Streams, "block", noted)
        first = simulate(scenario, seed)
    other = simulate(scenario, seed, replication)
    if not drawn:
        assert_same(first, other, replay(scenario, seed, replication))
        assert_same(first, simulate(scenario, seed ^ 1), replay(scenario, seed ^ 1))
    if isinstance(scenario.runs.arrivals, Poisson):
        arrived = of_kind(first, Kind.ARRIVE)[:, 0], of_kind(other, Kind.ARRIVE)[:, 0]
        assert not len(arrived[0]) or not np.array_equal(*arrived), replay(scenario, seed, replication)


def test_another_process_gives_the_same_bytes() -> None:
    """Also with other hash seeds, so that no set or dict decides anything."""
    texts: list[str] = []

    @settings(max_examples=40)
    @given(scenarios())
    def collect(scenario: Scenario) -> None:
        simulate(scenario, 5)
        texts.append(dumps(scenario))

    collect()
    here = [engines.run(loads(text), 5).digest for text in texts]
    code = (
        "import json, sys; from sim import engines; from sim.model.load import loads; "
        "print(json.dumps([engines.run(loads(text), 5).digest for text in json.load(sys.stdin)]))"
    )
    for hash_seed in ("0", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", code], input=json.dumps(texts), env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        differ = [text for text, one, other in zip(texts, here, json.loads(done.stdout), strict=True) if one != other]
        assert not differ, f"another process gives another trace; replay: seed 5 of\n{differ[0]}"


# ---- faults and draws -------------------------------------------------------------------------------------


@st.composite
def idle_faults(draw: st.DrawFn) -> Raw:
    """A fault that never comes: no rate, no times, no chance, nobody to befall."""
    fault: Raw = draw(draw_from.faults(99))
    how = draw(one("rate", "times", "trace", "chance", "nobody"))
    if how == "rate":
        fault["when"] = "0/h"
    elif how in ("times", "trace"):
        fault["when"] = {how: []}
    elif how == "chance" or fault["whom"] != "runs":
        fault["probability"] = 0.0
    else:
        fault["only"] = [999_999]
    return fault


def renumbered(trace: Trace, place: int) -> Trace:
    """The trace as it would be with one more fault listed at `place`: later faults have the next number."""
    rows = trace.rows.copy()
    kinds, numbers = rows[:, 1], rows[:, 4]
    numbers[np.isin(kinds, (Kind.FAULT_BEGIN, Kind.FAULT_END, Kind.CRASH)) & (numbers >= place)] += 1
    return Trace(rows, trace.end_ns)


@given(scenarios(), SEEDS, idle_faults(), st.integers(0, 5))
def test_a_fault_that_never_comes_changes_nothing(scenario: Scenario, seed: int, raw: Raw, place: int) -> None:
    """Wherever it stands in the list: only the numbers of the faults after it are greater by one."""
    place = min(place, len(scenario.faults))
    idle = Scenario.model_validate({"faults": [raw]}).faults[0]
    more = with_faults(scenario, [*scenario.faults[:place], idle, *scenario.faults[place:]])
    assume(not contradictions(more))
    plain = simulate(scenario, seed)
    assert_same(renumbered(plain, place), simulate(more, seed), replay(more, seed))


HARMLESS = [
    {"what": "slow", "factor": 1.0, "add": "0s"},
    {"what": "clock_step", "step": "0s"},
    {"what": "clock_drift", "whom": "server", "ppm": 0.0},
    {"what": "clock_drift", "whom": "hosts", "ppm": 0.0},
]


@given(scenarios(), SEEDS, one(*HARMLESS), one("3/h", "60/h"), draw_from.distributions("0s", "2m"))
def test_a_fault_without_effect_leaves_only_its_own_lines(
    scenario: Scenario, seed: int, fault: Raw, when: str, length: Any
) -> None:
    """Of clocks that already drift this is true but for the last nanosecond, so they do not."""
    level = scenario.hosts.model_copy(update={"drift_ppm": 0.0, "server_drift_ppm": 0.0})
    kept = [each for each in scenario.faults if each.what != "clock_drift"]
    scenario = with_faults(scenario.model_copy(update={"hosts": level}), kept)
    raw = {"name": "harmless", "when": when, "length": length, **fault}
    more = with_faults(scenario, [*kept, Scenario.model_validate({"faults": [raw]}).faults[0]])
    plain, noted = simulate(scenario, seed), simulate(more, seed)
    faulty = np.isin(noted.rows[:, 1], (Kind.FAULT_BEGIN, Kind.FAULT_END))
    own = faulty & (noted.rows[:, 4] == len(kept))
    assert_same(plain, Trace(noted.rows[~own], noted.end_ns), replay(more, seed))


def lengths_of(trace: Trace, scenario: Scenario) -> dict[tuple[str, int, int], list[tuple[int, int]]]:
    """(start, length) of each occurrence, by the fault's name and target."""
    found: dict[tuple[str, int, int], list[tuple[int, int]]] = {}
    for time, _, lane, generation, number, _, length in of_kind(trace, Kind.FAULT_BEGIN).tolist():
        found.setdefault((scenario.faults[number].name, lane, generation), []).append((time, length))
    return found


@given(scenarios(), SEEDS, draw_from.faults(99), st.booleans())
def test_another_fault_shifts_nobody_elses_draws(scenario: Scenario, seed: int, raw: Raw, in_front: bool) -> None:
    """Arrivals, work and other faults stay what they were: gaps that count a machine's or a run's time in its time."""
    extra = Scenario.model_validate({"faults": [raw]}).faults
    more = with_faults(scenario, [*extra, *scenario.faults] if in_front else [*scenario.faults, *extra])
    assume(not contradictions(more))
    plain, shifted = simulate(scenario, seed), simulate(more, seed)
    about = replay(more, seed)
    assert_same_draws(plain, shifted, scenario, about)
    before, after = lengths_of(plain, scenario), lengths_of(shifted, more)
    on_time = {fault.name for fault in scenario.faults if fault.when.rate is None or fault.whom == "network"}
    for (name, lane, generation), strikes in before.items():
        others = after.get((name, lane, generation), [])
        if generation < 0 and name in on_time:
            assert others == strikes, f"{name} on {lane} came at other times; {about}"
        same = min(len(strikes), len(others))
        assert [each[1] for each in others[:same]] == [each[1] for each in strikes[:same]], f"{name}; {about}"


def assert_same_draws(one: Trace, other: Trace, scenario: Scenario, about: str) -> None:
    """Runs of the same name have the same work; runs that arrive by themselves arrive at the same times."""
    if scenario.runs.rerun:
        return
    arrived = [of_kind(trace, Kind.ARRIVE) for trace in (one, other)]
    work = [{(lane, part): value for _, _, lane, part, _, _, value in rows.tolist()} for rows in arrived]
    assert all(work[1].get(name, value) == value for name, value in work[0].items()), f"other work; {about}"
    if not isinstance(scenario.runs.arrivals, Closed | Backlog):
        assert np.array_equal(arrived[0], arrived[1]), f"other arrivals; {about}"


# ---- scaling of time --------------------------------------------------------------------------------------

FACTOR = 4
"""A power of two: it scales binary fractions exactly."""
TIMED = (Kind.ARRIVE, Kind.RENEWED, Kind.RESET, Kind.FAULT_BEGIN, Kind.REFUSE)
"""Kinds whose value is a time."""


def slowed(value: Any) -> Any:
    """A table with every duration `FACTOR` times as long and every rate as much smaller."""
    if isinstance(value, Mapping):
        return {
            name: each / FACTOR if name == "slot_decay_per_second" else slowed(each) for name, each in value.items()
        }
    if isinstance(value, list):
        return [slowed(each) for each in value]
    return slower_text(value) if isinstance(value, str) else value


def slower_text(text: str) -> str:
    if text == "forever":
        return text
    with contextlib.suppress(ValueError):
        return format_duration(FACTOR * parse_duration(text))
    with contextlib.suppress(ValueError):
        return f"{parse_rate(text) / FACTOR!r}/h"
    return text


def scaled(scenario: Scenario) -> Scenario:
    return Scenario.model_validate(slowed(scenario.model_dump(mode="json", exclude_none=True)))


def scaled_rows(trace: Trace) -> np.ndarray[Any, np.dtype[np.int64]]:
    rows = trace.rows.copy()
    rows[:, 0] *= FACTOR
    rows[np.isin(rows[:, 1], TIMED), 6] *= FACTOR
    return rows


@given(scenarios(), SEEDS)
def test_time_has_no_scale(scenario: Scenario, seed: int) -> None:
    """All times four times as long, all rates a quarter: the same events, four times as late.

    Each draw is rounded to a nanosecond, so times agree up to a few of them; what is due every day has a scale.
    """
    assume(not any(fault.when.daily for fault in scenario.faults))
    assume(not scenario.limit.denied_slots)  # whole refusals decay: one nanosecond decides whether one has
    plain, slow = simulate(scenario, seed), simulate(scaled(scenario), seed)
    expected, about = scaled_rows(plain), replay(scenario, seed)
    same = min(len(expected), len(slow))
    columns = [1, 2, 3, 4, 5]
    unequal = np.flatnonzero((expected[:same, columns] != slow.rows[:same, columns]).any(axis=1))
    assert not len(unequal), f"event {unequal[0]}: {plain.text(unequal[0] - 2, unequal[0] + 3)}\n{about}"
    assert len(plain) == len(slow), about
    late = np.abs(expected - slow.rows).max(initial=0)
    assert late <= 10 * FACTOR * (1 + len(plain)), f"up to {late} ns apart; {about}"


# ---- more is not worse: theorems on common random numbers -------------------------------------------------

STOPS = [("pause", "runs"), ("pause", "hosts"), ("sleep", "hosts"), ("block", "runs"), ("gil_block", "runs")]
CHECKS = [
    {"expiry_check": "timer", "late_renew": "reject"},
    {"expiry_check": "timer", "late_renew": "until_reaped", "expiry_grace": "5s"},
    {"expiry_check": "sweep", "late_renew": "until_reaped", "sweep_interval": "20s"},
    {"expiry_check": "bucket", "late_renew": "until_reaped", "sweep_interval": "20s"},
    {"expiry_check": "on_acquire", "late_renew": "reject"},
]


@st.composite
def stopped_holders(draw: st.DrawFn) -> Raw:
    """One run for ever, no latency, faults that stop it; when it loses its lease it gets another at once."""
    faults = []
    for number in range(draw(st.integers(1, 3))):
        what, whom = draw(one(*STOPS))
        when, length = draw(draw_from.whens(for_runs=True)), draw(draw_from.distributions("0s", "3m"))
        faults.append({"name": f"fault_{number}", "what": what, "whom": whom, "when": when, "length": length})
    return {
        "duration": "1h",
        "limit": {"slots": 1000},
        "lease": draw(one(*CHECKS)),
        "renewal": {
            "every": draw(draw_from.durations("10s", "2m")),
            "first": draw(one("immediate", "after_interval")),
            "cadence": draw(one("after_response", "after_send")),
            "runs_in": draw(one("event_loop", "thread")),
            "on_lost": "rejoin",
        },
        "runs": {"work": "forever"},
        "network": {"up": "0s", "down": "0s"},
        "faults": faults,
    }


@given(stopped_holders(), SEEDS, st.lists(draw_from.durations("10s", "4m"), min_size=2, max_size=2, unique=True))
def test_a_longer_ttl_loses_no_more(raw: Raw, seed: int, ttls: list[str]) -> None:
    """A renewal comes when the interval and the faults let it, whatever the ttl; where it is refused another lease is
    granted at that instant. So renewals come at the same times, and each that is late for the longer ttl is late for
    the shorter: what is lost at the longer is lost at the shorter, at the same times.
    """
    short, long = sorted(ttls, key=parse_duration)
    lost = {}
    for ttl in (short, long):
        scenario = Scenario.model_validate({**raw, "lease": {**raw["lease"], "ttl": ttl}})
        lost[ttl] = set(of_kind(simulate(scenario, seed), Kind.LOST)[:, 0].tolist())
    assert lost[long] <= lost[short], f"ttl {long} loses more than {short}; {replay(scenario, seed)}"


@given(
    draw_from.table(loss_up=draw_from.CHANCES, loss_down=draw_from.CHANCES, up=draw_from.distributions("0s", "9s")),
    st.lists(one(1, 2, 3, 5, "unlimited"), min_size=2, max_size=2, unique=True),
    SEEDS,
)
def test_more_attempts_give_up_no_earlier(network: Raw, attempts: list[int | str], seed: int) -> None:
    """Until the loop with fewer attempts gives up, both do the same; the other goes on where it stops."""
    fewer, more = sorted(attempts, key=lambda count: 99 if count == "unlimited" else count)
    gave_up, traces = [], []
    for count in (fewer, more):
        scenario = Scenario.model_validate(
            {
                "duration": "1h",
                "lease": {"ttl": "1000h"},
                "renewal": {"every": "30s", "attempts": count, "backoff_jitter": 0.3},
                "http": {"read_timeout": "5s", "max_retries": 1, "jitter": 0.2},
                "runs": {"work": "forever", "arrivals": {"kind": "times", "times": ["0s"]}},
                "network": network,
            }
        )
        traces.append(simulate(scenario, seed))
        lost = of_kind(traces[-1], Kind.LOST)[:, 0]
        gave_up.append(int(lost[0]) if len(lost) else scenario.duration)
    assert gave_up[0] <= gave_up[1], f"{more} attempts give up earlier than {fewer}; {replay(scenario, seed)}"
    before = [Trace(trace.rows[trace.rows[:, 0] < gave_up[0]], gave_up[0]) for trace in traces]
    assert_same(before[0], before[1], replay(scenario, seed))


@given(one("60/h", "200/h"), draw_from.distributions("0s", "3m"), st.integers(1, 4), st.integers(1, 3), SEEDS)
def test_more_slots_make_nobody_wait_longer(rate: str, work: Any, slots: int, extra: int, seed: int) -> None:
    """First come, first served: the workload that an arrival finds decreases in the slots (Kiefer & Wolfowitz 1955)."""
    granted = []
    for count in (slots, slots + extra):
        scenario = Scenario.model_validate(
            {
                "duration": "30m",
                "limit": {"slots": count, "collision": "watch", "poll": "forever"},
                "lease": {"ttl": "1000h"},
                "renewal": {"runs_in": "none"},
                "runs": {"work": work, "arrivals": {"kind": "poisson", "rate": rate}},
                "network": {"up": "0s", "down": "0s"},
            }
        )
        rows = of_kind(simulate(scenario, seed), Kind.GRANT)
        granted.append(dict(zip(rows[:, 2].tolist(), rows[:, 0].tolist(), strict=True)))
    few, many = granted
    late = [lane for lane, time in few.items() if many.get(lane, scenario.duration) > time]
    assert not late, f"with {slots + extra} slots runs {late} wait longer than with {slots}; {replay(scenario, seed)}"


OTHERS = [("outage", "network"), ("slow", "network"), ("crash", "runs"), ("restart", "server"), ("pause", "server")]


@st.composite
def fenced(draw: st.DrawFn) -> Raw:
    """Holders that stop by themselves in time, on any network, with any fault but a blocked loop and a wrong clock."""
    drift, server_drift = draw(one(0.0, -200_000.0, 50_000.0)), draw(one(0.0, 30_000.0))
    ttl = draw(st.integers(20, 120))
    faults = []
    for number in range(draw(st.integers(1, 4))):
        what, whom = draw(one(*STOPS[:3], *OTHERS))
        when, length = draw(draw_from.whens(for_runs=whom == "runs")), draw(draw_from.distributions("0s", "3m"))
        faults.append({"name": f"fault_{number}", "what": what, "whom": whom, "when": when, "length": length})
    slower = (1 + server_drift / 1e6) / (1 + drift / 1e6) - 1
    deadline = oracles.fence_deadline(ttl, max(slower, 0.0), margin=1e-3)
    network = draw(draw_from.NETWORK)
    return {
        "duration": "20m",
        "limit": {"slots": draw(st.integers(1, 2)), "poll": "10s", "fifo": draw(st.booleans())},
        "lease": {**draw(one(*CHECKS)), "ttl": f"{ttl}s", "on_restart": draw(one("keep", "reset_full"))},
        "renewal": {
            "every": draw(one(0.2, 0.5, 0.9)),
            "attempts": draw(one(1, 3, "unlimited")),
            "runs_in": draw(one("event_loop", "thread")),
            "fence_anchor": "send",
            "fence_after": f"{deadline:.9f}s",
            "on_lost": draw(one("terminate", "suspend")),
            "on_giveup": draw(one("terminate", "suspend")),
        },
        "http": {"read_timeout": "3s", "connect_timeout": "3s"},
        "runs": {"arrivals": {"kind": "closed", "clients": 4, "think": "1s"}, "work": draw(one("forever", "3m"))},
        "hosts": {
            "count": 2,
            "monotonic_counts_suspend": True,
            "drift_ppm": drift,
            "server_drift_ppm": server_drift,
        },
        "network": network,
        "faults": faults,
    }


@given(fenced(), SEEDS)
def test_a_deadline_from_the_send_never_over_allocates(raw: Raw, seed: int) -> None:
    """The authority counts the ttl from the receipt of a renewal, the holder from its send, on a clock that is at most
    as slow as the deadline allows for; so the holder is out before the lease is (Gray & Cheriton 1989).
    """
    scenario = Scenario.model_validate(raw)
    assume(not contradictions(scenario))
    tally = metrics.measure(simulate(scenario, seed), scenario)
    assert tally.over_allocation_ns == 0, replay(scenario, seed)


# ---- metrics ----------------------------------------------------------------------------------------------

ADDITIVE = """
    observed_ns capacity_ns lease_ns over_allocation_ns over_allocation_time_ns overlap_ns slotless_ns debt_ns incidents
    incident_ns holding_over_allocation_ns harmful_over_allocation_ns missed_ns vacancy_ns leaked_ns waiting_ns
    executing_ns holding_ns holding_provisioning_ns holding_working_ns holding_idle_ns false_terminations
    terminated_revoked terminated_gave_up terminated_fenced runs_arrived runs_granted runs_started runs_finished
    runs_terminated runs_crashed runs_cancelled runs_turned_away reclaims queue_waits queue_wait_ns renewals_sent
    renewals_granted renewals_denied
"""
"""Fields of which a stretch of time has the sum of its parts."""


@given(scenarios(), SEEDS, st.integers(0, 20))
def test_metrics_conserve_and_add_up(scenario: Scenario, seed: int, twentieths: int) -> None:
    """Before and after any moment: together what there is in all."""
    scenario = scenario.model_copy(update={"warmup": 0})
    trace = simulate(scenario, seed)
    moment = scenario.duration * twentieths // 20
    before = metrics.measure(Trace(trace.rows[trace.rows[:, 0] < moment], moment), scenario)
    after = metrics.measure(trace, scenario.model_copy(update={"warmup": moment}))
    whole = metrics.measure(trace, scenario)
    for tally in (before, after, whole):
        assert not (broken := metrics.conservation(tally)), f"{broken}; {replay(scenario, seed)}"
    for name in ADDITIVE.split():
        parts, total = (getattr(before, name), getattr(after, name)), getattr(whole, name)
        assert sum(parts) == total, f"{name}: {parts} of {total}, cut at {moment} ns; {replay(scenario, seed)}"


@given(scenarios(), SEEDS)
def test_metrics_do_not_depend_on_how_the_trace_is_read(scenario: Scenario, seed: int) -> None:
    trace = simulate(scenario, seed)
    first = metrics.measure(trace, scenario)
    digest = trace.digest
    copies = [
        Trace(np.array(list(trace)), trace.end_ns),
        Trace(np.asfortranarray(trace.rows), trace.end_ns),
        Trace(trace.rows.tolist(), trace.end_ns),
    ]
    text, frame = trace.text(), trace.to_pandas()
    assert len(frame) == len(trace) == len(text.splitlines())
    assert metrics.measure(trace, scenario) == first, f"a second reading differs; {replay(scenario, seed)}"
    for copy in copies:
        assert (copy.digest, metrics.measure(copy, scenario)) == (digest, first), replay(scenario, seed)
    assert metrics.Tally.from_json(json.loads(json.dumps(first.as_json()))) == first
