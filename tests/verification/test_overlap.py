"""Theory 1.5: two holders of one slot, per pause and in the long run; local deadlines; holders that never stop.

`contended` worlds have three clients for one slot, woken in order. Who loses its lease is halted until it has the slot
again, and each client is blocked or stopped at random phases of its own execution, so a waiter is always ready.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sim import oracles
from sim.oracles import Exponential, Lognormal, Pause, Uniform
from sim.units import SECOND
from sim.vocabulary import Kind
from tests.verification.checks import (
    Case,
    Raw,
    Row,
    Simulated,
    case,
    instants,
    law,
    named,
    parameters,
    per_second,
    span,
    verify,
    world,
)
from tests.verification.reading import Cycles, count, lapses, leases, times

L, C = 60.0, 40.0
LANES = 3


# ---- per pause --------------------------------------------------------------------------------------------


def contended(what: str, pause: Pause, apart: float, pauses: int, reuse_delay: float = 0.0) -> Simulated:
    """Clients that take the slot from each other whenever one is late."""
    faults = [
        {
            "name": f"{what}_{lane}",
            "what": what,
            "whom": "runs",
            "only": [lane],
            "when": {"times": instants(pauses, apart, C, lane)},
            "length": law(pause),
        }
        for lane in range(LANES)
    ]
    return Simulated(
        world(
            LANES * pauses * (apart + C / 2) * 0.97,
            limit={"collision": "watch", "poll": "forever"},
            lease={"ttl": f"{L}s", "reuse_delay": span(reuse_delay)},
            renewal={"every": f"{C}s", "on_lost": "suspend"},
            runs={"arrivals": {"kind": "closed", "clients": LANES}},
            faults=faults,
        )
    )


def displacements(simulated: Simulated) -> list[float]:
    """Seconds from each grant of a slot to a waiter until the old holder learns of it."""
    trace, after = simulated.trace, simulated.scenario_of(0).lease.reuse_delay / SECOND
    found = []
    for events in leases(trace).values():
        reaped = [event.time_ns / SECOND for event in events if event.kind is Kind.REAP]
        lost = [event.time_ns / SECOND for event in events if event.kind is Kind.LOST]
        if reaped and lost:
            found.append(max(0.0, lost[0] - reaped[0] - after))
    return found


def overlap_rows(oracle: str, what: str, expected: float, simulated: Simulated, integral: str) -> Iterator[Row]:
    """The mean overlap a pause, and the metric that must be the sum of all."""
    overlaps, pauses = displacements(simulated), count(simulated.trace, Kind.FAULT_BEGIN)
    yield simulated.mean(oracle, what, expected, overlaps + [0.0] * (pauses - len(overlaps)))
    measured, total = simulated.column(integral).sum() / SECOND, sum(overlaps)
    assert measured == pytest.approx(total, abs=L + C), f"{integral}: {measured}, lease by lease {total}"


@case("1.5", "belief_overlap_running", rows=1)
def blocked_holders_work_on() -> Iterator[Row]:
    """A blocked event loop renews nothing while the work goes on: execution overlap is belief overlap."""
    pause = Uniform(10.0, 70.0)
    simulated = contended("block", pause, 70.0 + C, 800)
    expected = oracles.belief_overlap_running(pause, C, L)
    yield from overlap_rows(
        "belief_overlap_running", f"{named(pause)}, blocked loop", expected, simulated, "over_allocation_ns"
    )


@case("1.5", "belief_overlap_running", rows=1)
def stopped_holders_believe_on() -> Iterator[Row]:
    """Regranted 8 s after the expiry; who is stopped does not execute, and learns of its loss at resume."""
    pause = Lognormal(25.0, 0.8)
    simulated = contended("pause", pause, C, 800, reuse_delay=8.0)
    expected = oracles.belief_overlap_running(pause, C, L + 8)
    yield from overlap_rows(
        "belief_overlap_running", f"{named(pause)}, lock-delay", expected, simulated, "holding_over_allocation_ns"
    )
    assert simulated.column("over_allocation_ns").sum() == 0, "without latency nobody executes beside another"


def single(
    fault: Raw, duration: float, renewal: Raw | None = None, lease: Raw | None = None, network: Raw | None = None
) -> Simulated:
    """One holder, which gets another lease at once when it loses one."""
    return Simulated(
        world(
            duration,
            lease={"ttl": f"{L}s", **(lease or {})},
            renewal={"every": f"{C}s", "on_lost": "rejoin", **(renewal or {})},
            network=network or {},
            faults=[fault],
        )
    )


@case("1.5", "belief_overlap_frozen", "execution_overlap_frozen", rows=2)
def a_sleeper_works_on_after_the_wake() -> Iterator[Row]:
    """Cycles with exactly one sleep, whose phase is then uniform; no latency, the slot is free again at the expiry."""
    pause = Exponential(30.0)
    simulated = single({"what": "sleep", "when": per_second(1 / C), "length": law(pause)}, 4000 * 70.0)
    trace = simulated.trace
    cycles = Cycles.of(trace)
    once = cycles.faults == 1
    believed = (cycles.lengths - L).clip(0)[once]
    yield simulated.mean("belief_overlap_frozen", named(pause), oracles.belief_overlap_frozen(pause, C, L), believed)
    ends = times(trace, Kind.RENEWED)
    woke = times(trace, Kind.FAULT_END)
    last = np.searchsorted(woke, ends[1:][once]) - 1
    executed = np.minimum(believed, ends[1:][once] - woke[last])
    expected = oracles.execution_overlap_frozen(pause, C, L)
    yield simulated.mean("execution_overlap_frozen", named(pause), expected, executed)


@case("1.5", "belief_overlap_running", "execution_overlap_running", rows=2)
def a_stopped_process_on_a_slow_network() -> Iterator[Row]:
    """Counted from the send, the next renewal is due in time even if a pause begins with the answer in flight."""
    pause, up, down = Exponential(30.0), 0.4, 0.6
    pauses, apart = 3000, 2 * C + 2 * (up + down)
    fault = {"what": "pause", "whom": "runs", "when": {"times": instants(pauses, apart, C)}, "length": law(pause)}
    network = {"up": f"{up}s", "down": f"{down}s"}
    simulated = single(fault, pauses * (apart + C + 20), {"cadence": "after_send"}, network=network)
    expiries, lost = times(simulated.trace, Kind.REAP), times(simulated.trace, Kind.LOST)
    expiries = expiries[: len(lost)]
    halted, resumed = times(simulated.trace, Kind.HALT), times(simulated.trace, Kind.GO)
    awake = np.maximum(expiries, resumed[np.searchsorted(halted, expiries) - 1])
    padding = np.zeros(count(simulated.trace, Kind.FAULT_BEGIN) - len(lost))
    what = f"{named(pause)}, way {up} s up, {down} s down"
    believed = np.concatenate([lost - expiries, padding])
    expected = oracles.belief_overlap_running(pause, C, L, down)
    yield simulated.mean("belief_overlap_running", what, expected, believed)
    executed = np.concatenate([lost - awake, padding])
    expected = oracles.execution_overlap_running(pause, C, L, up, down)
    yield simulated.mean("execution_overlap_running", what, expected, executed)


@case("1.5", "execution_overlap_frozen", rows=1, long=True)
def a_sleeper_works_on_beside_the_next_holder() -> Iterator[Row]:
    """Two clients for one slot; the machine of the first sleeps now and then. The second gets the slot, and crashes
    long after the first has learnt of its loss; its lease expires, and the first is woken.
    """
    pause, sleeps, alive = Exponential(30.0), 1500, 220.0
    apart = 300 + alive + L + 2 * C
    simulated = Simulated(
        world(
            sleeps * (apart + C / 2) + 2 * apart,
            limit={"collision": "watch", "poll": "forever"},
            lease={"ttl": f"{L}s"},
            renewal={"every": f"{C}s", "on_lost": "suspend"},
            runs={"arrivals": {"kind": "closed", "clients": 2}},
            hosts={"count": 2},
            faults=[
                {"what": "sleep", "only": [0], "when": {"times": instants(sleeps, apart, C)}, "length": law(pause)},
                {"what": "crash", "whom": "runs", "only": [1], "when": {"times": [f"{alive}s"]}},
            ],
        )
    )
    trace = simulated.trace
    expiries = [event.time_ns / SECOND for event in trace if event.kind is Kind.REAP and event.lane == 0]
    lost, woke = times(trace, Kind.LOST), times(trace, Kind.FAULT_END)
    assert len(lost) == len(expiries), "only the sleeper loses its lease alive"
    woke = woke[np.searchsorted(woke, lost, side="right") - 1]
    executed = lost - np.maximum(expiries, woke)
    assert simulated.column("over_allocation_ns").sum() / SECOND == pytest.approx(executed.sum(), rel=1e-6)
    padding = np.zeros(sleeps - len(lost))
    expected = oracles.execution_overlap_frozen(pause, C, L)
    what = f"{named(pause)}, over-allocation"
    yield simulated.mean("execution_overlap_frozen", what, expected, np.concatenate([executed, padding]))


@case("1.5", "averaged_over_sweep", rows=1)
def a_reaper_gives_the_slot_away() -> Iterator[Row]:
    """The reaper's phase is drawn once a replication, so the replications are what is independent."""
    pause, sweep = Exponential(30.0), 30.0
    lease = {"expiry_check": "sweep", "sweep_interval": f"{sweep}s", "late_renew": "until_reaped"}

    def scenario(number: int) -> Simulated:
        stops = {"what": "pause", "whom": "runs", "when": {"times": instants(50, C, C, number)}, "length": law(pause)}
        return single(stops, 50 * (2 * C + 30), lease=lease)

    simulated = Simulated(lambda number: scenario(number).scenario_of(0), replications=50)
    overlaps = [lapses(trace, Kind.LOST).sum() for trace in simulated.traces]
    pauses = [count(trace, Kind.FAULT_BEGIN) for trace in simulated.traces]
    expected = oracles.averaged_over_sweep(lambda r: oracles.belief_overlap_running(pause, C, r), L, sweep)
    what = f"belief overlap, {named(pause)}, reaper"
    yield simulated.ratio("averaged_over_sweep", what, expected, overlaps, pauses, sum(pauses))


@case("1.5", "lenient_overlap", rows=1)
def holders_that_never_stop() -> Iterator[Row]:
    """Restarts forget the lease at moments that have nothing to do with the work: the rest of it is done without."""
    work = Uniform(0.0, 20.0)
    restarts = instants(1200, 6 * work.mean, 2 * work.mean)
    simulated = Simulated(
        world(
            1200 * 7 * work.mean,
            lease={"ttl": "1h", "on_restart": "lost_free"},
            renewal={"on_lost": "continue", "runs_in": "none"},
            runs={"work": law(work), "arrivals": {"kind": "closed", "clients": 1}},
            faults=[{"what": "restart", "when": {"times": restarts}, "length": "0s"}],
        )
    )
    lost, finished = times(simulated.trace, Kind.FORGET), times(simulated.trace, Kind.FINISH)
    lost = lost[lost < finished[-1]]
    rests = finished[np.searchsorted(finished, lost)] - lost
    yield simulated.mean("lenient_overlap", f"work {named(work)}", oracles.lenient_overlap(work), rests)


# ---- the long run -----------------------------------------------------------------------------------------


def saturated(what: str, pause: Pause, rate: float, slots: int = 1) -> Simulated:
    """Somebody always waits, and takes a slot at the expiry of its lease."""
    return Simulated(
        world(
            60 * C,
            warmup="10m",
            limit={"slots": slots, "collision": "watch", "poll": "forever"},
            lease={"ttl": f"{L}s"},
            renewal={"every": f"{C}s"},
            runs={"arrivals": {"kind": "backlog", "waiting": slots}},
            faults=[{"what": what, "whom": "runs", "when": per_second(rate), "length": law(pause)}],
        ),
        replications=60,
    )


@case("1.5", "saturated_slot_exponential", rows=2)
def a_slot_that_is_always_wanted() -> Iterator[Row]:
    """Two slots; blocked loops, so that the old holder executes as long as it believes."""
    simulated = saturated("block", Exponential(30.0), 1 / C, slots=2)
    expected = oracles.saturated_slot_exponential(30.0, L, C, 1 / C)
    seconds = simulated.column("observed_ns") / SECOND
    excess, kills = simulated.column("over_allocation_ns") / SECOND, simulated.column("false_terminations")
    yield simulated.ratio(
        "saturated_slot_exponential.over_allocation",
        "two slots, blocked loops",
        2 * expected.over_allocation,
        excess,
        seconds,
        int(kills.sum()),
    )
    yield simulated.ratio(
        "saturated_slot_exponential.displacements",
        "two slots, blocked loops",
        2 * expected.displacements,
        kills,
        seconds,
        int(kills.sum()),
    )


@case("1.5", "running_cycle", rows=2, long=True)
def a_slot_that_is_always_wanted_lognormal() -> Iterator[Row]:
    pause = Lognormal(20.0, 0.8)
    simulated = saturated("pause", pause, 1 / C)
    expected = oracles.running_cycle(pause, L, C, 1 / C)
    seconds = simulated.column("observed_ns") / SECOND
    excess, kills = simulated.column("holding_over_allocation_ns") / SECOND, simulated.column("false_terminations")
    what = f"saturated slot, {named(pause)}"
    n = int(kills.sum())
    yield simulated.ratio("running_cycle.over_allocation", what, expected.over_allocation, excess, seconds, n)
    yield simulated.ratio("running_cycle.displacements", what, expected.displacements, kills, seconds, n)


# ---- local deadlines --------------------------------------------------------------------------------------

DRIFT, BLOCK, KILL = 0.3, 8.0, 2.0


def fenced(deadline: float, *faults: Raw) -> Simulated:
    """Holders on slow clocks, stopped, asleep and cut off again and again, with a local deadline."""
    cuts = {"what": "outage", "when": per_second(1 / 300), "length": law(Exponential(60.0))}
    stops = {"what": "pause", "whom": "runs", "when": per_second(1 / 100), "length": law(Exponential(30.0))}
    sleeps = {"what": "sleep", "when": per_second(1 / 400), "length": law(Exponential(60.0))}
    return Simulated(
        world(
            20_000,
            limit={"slots": 2, "poll": "2s"},
            lease={"ttl": f"{L}s"},
            renewal={
                "every": "15s",
                "attempts": "unlimited",
                "backoff": "5s",
                "fence_after": span(deadline),
                "fence_anchor": "send",
            },
            http={"connect_timeout": "5s", "read_timeout": "5s"},
            runs={"arrivals": {"kind": "closed", "clients": 4}},
            hosts={"count": 4, "monotonic_counts_suspend": True, "drift_ppm": (1 / (1 + DRIFT) - 1) * 1e6},
            network={
                "up": law(Exponential(0.3)),
                "down": law(Exponential(0.3)),
                "loss_up": 0.1,
                "loss_down": 0.1,
            },
            faults=[cuts, stops, sleeps, *faults],
        )
    )


@case("1.5", "fence_deadline", rows=1)
def a_local_deadline_never_overlaps() -> Iterator[Row]:
    """With the deadline of the formula nobody ever executes beside the next holder; a tenth longer, and some do."""
    deadline = oracles.fence_deadline(L, DRIFT)
    simulated, later = fenced(deadline), fenced(deadline * 1.1)
    lost = int(simulated.column("terminated_fenced").sum())
    excess = float(simulated.column("over_allocation_ns").sum())
    assert later.column("over_allocation_ns").sum() > 0, "the world must be able to over-allocate"
    what = "over-allocation in seconds, clocks 30 % slow"
    yield simulated.exactly("fence_deadline", what, 0.0, excess / SECOND, lost, excess == 0 < lost)


@case("1.5", "fenced_overlap_bound", rows=1)
def check_then_act() -> Iterator[Row]:
    """Besides, the event loop is blocked for up to 8 s, and killing takes up to 2 s."""
    blocks = {"what": "block", "whom": "runs", "when": per_second(1 / 20), "length": law(Uniform(0.0, BLOCK))}
    kill = {"renewal.stop_delay": law(Uniform(0.0, KILL))}
    base = fenced(oracles.fence_deadline(L, DRIFT), blocks)
    simulated = Simulated(base.scenario_of(0).with_(kill))
    bound = oracles.fenced_overlap_bound(BLOCK, KILL)
    longest = float(simulated.column("longest_ns").max()) / SECOND
    incidents = int(simulated.column("incidents").sum())
    what = "longest overlap (a bound), blocks to 8 s, kill to 2 s"
    yield simulated.exactly("fenced_overlap_bound", what, bound, longest, incidents, 0 < longest <= bound)


@pytest.mark.verification
@pytest.mark.parametrize("case", parameters(__name__))
def test_overlap(case: Case) -> None:
    verify(case)
