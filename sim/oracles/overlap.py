"""Two holders of one slot, and slots held by the dead.

Overlap is counted per pause, in seconds, for a slot that a waiter takes as soon as the lease reaches the age
`regrant` = R >= L. *Belief* overlap lasts until the old holder learns of its loss; *execution* overlap counts
only the part in which it is awake and at work. When the work goes on during the fault (a blocked event loop
beside working threads, a partition, a server outage), execution overlap equals belief overlap with running
timers.

With latency, `request_leg` and `response_leg` are constant one-way delays in seconds and R counts from the
server's receipt of the last renewal; phases count from its send. Two things are then left out. Pauses that
begin with a reply in flight (a share rtt/c of them) are treated as if it had arrived: exact where the interval
counts from the send; where it counts from the response, the holder waits a whole interval after such a pause,
which adds about as much again to `execution_overlap_running` and little to the rest. And renewals that leave
less than `response_leg` before R count as refused, which is exact when R >= L + response_leg and slightly too
high otherwise.
"""

from collections.abc import Callable
from math import expm1

from sim.oracles._checks import require_lease, require_nonnegative, require_positive
from sim.oracles.expiry import RenewalCycle, running_cycle_exponential
from sim.oracles.pauses import Pause


def belief_overlap_running(pause: Pause, cycle: float, regrant: float, response_leg: float = 0.0) -> float:
    """Mean seconds per pause in which the old holder still believes; timers run.

    E(x + S - R)^+ with x uniform on [0, c): [J(R-c) - J(R)] / c, R replaced by R - response_leg because the
    refusal travels back. Derived here.
    """
    require_nonnegative(response_leg=response_leg)
    heard = regrant - response_leg
    require_lease(heard, cycle)
    return (pause.excess2(heard - cycle) - pause.excess2(heard)) / cycle


def belief_overlap_frozen(pause: Pause, cycle: float, regrant: float, response_leg: float = 0.0) -> float:
    """Mean seconds per pause in which the old holder still believes; timers stop: I(R - response_leg - c).

    The attempt comes at age c + S whatever the phase. Derived here.
    """
    require_nonnegative(response_leg=response_leg)
    heard = regrant - response_leg
    require_lease(heard, cycle)
    return pause.excess(heard - cycle)


def execution_overlap_running(
    pause: Pause, cycle: float, regrant: float, request_leg: float = 0.0, response_leg: float = 0.0
) -> float:
    """Mean seconds per pause in which both holders execute; the pause stops the work, timers run.

    Belief overlap minus the time still asleep after the regrant. The overdue renewal leaves at resume, so
    only its round trip is left: 0 without latency. Derived here.
    """
    asleep = belief_overlap_running(pause, cycle, regrant + request_leg)
    return belief_overlap_running(pause, cycle, regrant, response_leg) - asleep


def execution_overlap_frozen(
    pause: Pause, cycle: float, regrant: float, request_leg: float = 0.0, response_leg: float = 0.0
) -> float:
    """Mean seconds per pause in which both holders execute; the pause stops the work, timers stop too.

    A holder that resumes at phase x works on for the c - x seconds its timer still has to wait:
    (1/c) int_0^c [I(R-c) - I(R-x)] dx = I(R-c) - [J(R-c) - J(R)] / c, for long pauses c/2. Checking the lease
    at resume brings it down to `execution_overlap_running`. Derived here.
    """
    asleep = belief_overlap_running(pause, cycle, regrant + request_leg)
    return belief_overlap_frozen(pause, cycle, regrant, response_leg) - asleep


def averaged_over_sweep(overlap: Callable[[float], float], ttl: float, sweep: float, intervals: int = 200) -> float:
    """Mean of `overlap(regrant)` when a reaper regrants at R = L + U(0, sweep).

    Simpson's rule on `intervals` (even) pieces. Example: `averaged_over_sweep(lambda r:
    belief_overlap_running(pause, 225, r), ttl=300, sweep=15)`.
    """
    require_nonnegative(sweep=sweep)
    if intervals < 2 or intervals % 2:
        raise ValueError(f"intervals = {intervals}: must be even and at least 2")
    h = sweep / intervals
    odd = sum(overlap(ttl + j * h) for j in range(1, intervals, 2))
    even = sum(overlap(ttl + j * h) for j in range(2, intervals, 2))
    return (overlap(ttl) + 4 * odd + 2 * even + overlap(ttl + sweep)) / (3 * intervals)


def lenient_overlap(work: Pause) -> float:
    """Mean overlap in seconds per regrant of a holder that never stops: the rest of its work.

    E S^2 / (2 E S) for work S that loses its lease at a random moment (residual life, renewal theory).
    """
    return work.excess2(0.0) / work.mean


def saturated_slot_exponential(pause_mean: float, regrant: float, cycle: float, pause_rate: float) -> RenewalCycle:
    """A slot with a waiter always ready, exponential pauses, running timers: exact.

    Read `.over_allocation` (slot-seconds per second) and `.displacements` (false terminations, and incidents,
    per second). For K slots multiply by K; for unsaturated slots this is an upper bound. For other pauses use
    `running_cycle` or `frozen_cycle` with the regrant age as deadline. Renewal-reward, derived here.
    """
    return running_cycle_exponential(pause_mean, regrant, cycle, pause_rate)


def fence_deadline(ttl: float, drift: float, margin: float = 0.0) -> float:
    """Longest local lease, in seconds from the *send* of a renewal, that ends before the server's.

    (L - margin) / (1 + drift): `drift` bounds how much slower than the server's the holder's clock may
    run (0.3 = 30 %). The clock must run during pauses. Gray & Cheriton 1989 give the argument; with a drift
    of 0.3 it is 77 % of the ttl.
    """
    require_nonnegative(drift=drift, margin=margin)
    require_positive(ttl=ttl)
    if margin >= ttl:
        raise ValueError(f"margin = {margin} and ttl = {ttl}: the margin must be shorter than the ttl")
    return (ttl - margin) / (1 + drift)


def fenced_overlap_bound(longest_action: float, kill_latency: float) -> float:
    """Longest overlap in seconds of a holder that stops at its `fence_deadline`.

    Only check-then-act is left: one action that cannot be interrupted, plus the time to kill.
    """
    require_nonnegative(longest_action=longest_action, kill_latency=kill_latency)
    return longest_action + kill_latency


# ---- reclaiming the slot of a dead holder ------------------------------------------------------------------


def age_at_crash(cycle: float, crash_rate: float = 0.0) -> float:
    """Mean age in seconds of the lease when its holder crashes.

    Crashes come at `crash_rate` per second from the start of the run, whose first renewal is at 0:
    1/k - c / (e^{kc} - 1), the mean of an exponential time modulo c. At rate 0, a uniform phase: c/2. Derived
    here.
    """
    require_positive(cycle=cycle)
    require_nonnegative(crash_rate=crash_rate)
    if crash_rate * cycle < 1e-5:
        return cycle * (0.5 - crash_rate * cycle / 12)
    return 1 / crash_rate - cycle / expm1(crash_rate * cycle)


def reclaim_latency(ttl: float, cycle: float, sweep: float = 0.0, crash_rate: float = 0.0) -> float:
    """Mean seconds from a crash to the slot being grantable: L - `age_at_crash` + P/2.

    The detection time T_D of a failure detector (Chen, Toueg & Aguilera 2002) plus the reaper's delay.
    """
    require_lease(ttl, cycle, sweep)
    return ttl - age_at_crash(cycle, crash_rate) + sweep / 2


def reclaim_latency_bounds(ttl: float, cycle: float, sweep: float = 0.0) -> tuple[float, float]:
    """Shortest and longest reclaim latency in seconds: (L - c, L + P)."""
    require_lease(ttl, cycle, sweep)
    return ttl - cycle, ttl + sweep


def zombie_share(crash_rate: float, latency: float) -> float:
    """Slots held by dead holders on average (slot-seconds per second): crashes per second times mean latency.

    Little's law. Multiply by 3600 for slot-seconds per hour.
    """
    require_nonnegative(crash_rate=crash_rate, latency=latency)
    return crash_rate * latency
