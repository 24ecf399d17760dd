"""How often a lease expires because its holder pauses.

Three views, from one pause to a life of them: the probability that a single pause at a random moment costs
the lease, the same with constant network delays, and exact rates when pauses form a Poisson process.
"""

from dataclasses import dataclass
from math import exp, expm1, floor, inf
from operator import mul

from sim.oracles._checks import require_count, require_lease, require_nonnegative, require_positive
from sim.oracles.pauses import Pause, SummablePause, poisson_pmf

# ---- one pause --------------------------------------------------------------------------------------------


def expiry_running(pause: Pause, ttl: float, cycle: float, sweep: float = 0.0) -> float:
    """Probability that one pause expires the lease; timers run during the pause.

    A pause at age x of the lease, x uniform on [0, c), is survived when x + S <= L, so
    P = (1/c) int_{L-c}^{L} P(S > s) ds = [I(L-c) - I(L)] / c. With `sweep` = P > 0 the lease stays renewable
    until a reaper finds it, uniformly 0 to P seconds after L; averaging over that gives
    [J(L-c) - J(L) - J(L+P-c) + J(L+P)] / (cP).

    Assumes no latency, one pause per cycle, and a renewal at once after resume. Derived here by integrating
    over the phase. Raises ValueError unless 0 < cycle < ttl.
    """
    require_lease(ttl, cycle, sweep)
    slack, spread = ttl - cycle, pause.excess2
    if sweep == 0:
        return (pause.excess(slack) - pause.excess(ttl)) / cycle
    return (spread(slack) - spread(ttl) - spread(slack + sweep) + spread(ttl + sweep)) / (cycle * sweep)


def expiry_frozen(pause: Pause, ttl: float, cycle: float, sweep: float = 0.0) -> float:
    """Probability that one pause expires the lease; timers stop during the pause.

    The renewal is late by S whatever the phase, so P = P(S > L - c); with a reaper of period `sweep` = P,
    [I(L-c) - I(L-c+P)] / P. Assumptions and errors as `expiry_running`. Derived here.
    """
    require_lease(ttl, cycle, sweep)
    slack = ttl - cycle
    if sweep == 0:
        return pause.survival(slack)
    return (pause.excess(slack) - pause.excess(slack + sweep)) / sweep


def expiry_outage(outage: Pause, ttl: float, cycle: float) -> float:
    """Probability that one server outage expires a given lease.

    Leases are kept and their clock runs; the holder lives and retries often compared with the slack L - c, so
    the outage acts as a pause with running timers: `expiry_running` with S = outage. Holders of one server
    share the outage; their expiries are not independent.
    """
    return expiry_running(outage, ttl, cycle)


def expiry_running_delayed(pause: Pause, ttl: float, wait: float, rtt: float) -> float:
    """`expiry_running` with a constant round trip `rtt` and a wait of `wait` seconds after each response.

    Phase counts from the send. A pause that begins while the response is in flight delays its handling to
    resume, and the whole wait follows: P = (1/c)[int_0^rtt P(S > L-wait-x) dx + int_rtt^c P(S > L-x) dx] with
    c = wait + rtt. Only the round trip matters, not how it splits. Exact; derived here.
    Raises ValueError unless 0 < wait + rtt < ttl.
    """
    require_nonnegative(wait=wait, rtt=rtt)
    cycle = wait + rtt
    require_lease(ttl, cycle)
    in_flight = pause.excess(ttl - cycle) - pause.excess(ttl - wait)
    waiting = pause.excess(ttl - cycle) - pause.excess(ttl - rtt)
    return (in_flight + waiting) / cycle


def expiry_frozen_delayed(pause: Pause, ttl: float, wait: float, rtt: float) -> float:
    """`expiry_frozen` with a constant round trip, as `expiry_running_delayed`.

    P = (1/c)[I(L-c) - I(L-wait) + wait P(S > L-c)]. Exact; derived here.
    """
    require_nonnegative(wait=wait, rtt=rtt)
    cycle = wait + rtt
    require_lease(ttl, cycle)
    in_flight = pause.excess(ttl - cycle) - pause.excess(ttl - wait)
    return (in_flight + wait * pause.survival(ttl - cycle)) / cycle


def first_order_rate(expiry: float, pause_rate: float, pause_mean: float) -> float:
    """Approximate expiries per second when a pause expires the lease with probability `expiry`.

    rate * P / (1 + rate * E S): pauses start only while awake, `pause_rate` per awake second. Ignores that
    several pauses may fall in one cycle. With L = 300, c = 225, exponential pauses of 60 s and 0.375 of them
    a cycle it is 1.6 % too high for running timers and 3 % too low for frozen ones, whose pauses add up: with
    30 s pauses 21 % too low. Use `running_cycle` and `frozen_cycle` there. Renewal-reward, first order.
    """
    require_nonnegative(pause_rate=pause_rate, pause_mean=pause_mean)
    return pause_rate * expiry / (1 + pause_rate * pause_mean)


# ---- Poisson pauses, exact --------------------------------------------------------------------------------


@dataclass(frozen=True)
class RenewalCycle:
    """One cycle of a holder: from a successful renewal (age 0, awake) to the next success at age G.

    Cycles are independent, so every long-run rate is a ratio of means over one cycle (renewal-reward theorem,
    e.g. Ross 1996). The deadline D is the ttl L when expiry is asked for, the regrant age R for overlap.

    Attributes: `mean` = E G, seconds; `late` = P(G > D); `late_mean` = E(G - D)^+, seconds.
    """

    mean: float
    late: float
    late_mean: float

    @property
    def rate(self) -> float:
        """Deadlines missed per second of wall time, when a late renewal still revives the lease."""
        return self.late / self.mean

    @property
    def mean_to_deadline(self) -> float:
        """E min(G, D), seconds."""
        return self.mean - self.late_mean

    @property
    def time_to_first(self) -> float:
        """Mean seconds from a fresh renewal to the first missed deadline (MTTF); inf if there is none."""
        return self.mean_to_deadline / self.late if self.late > 0 else inf

    @property
    def over_allocation(self) -> float:
        """Surplus holders per saturated slot (slot-seconds per second): E(G - R)^+ / E min(G, R).

        A waiter takes the slot at age R, while the old holder believes until G. Several slots: multiply.
        """
        return self.late_mean / self.mean_to_deadline

    @property
    def displacements(self) -> float:
        """Holders that lose a saturated slot, per second and slot: P(G > R) / E min(G, R)."""
        return self.late / self.mean_to_deadline


def frozen_cycle(pause: SummablePause, deadline: float, cycle: float, pause_rate: float) -> RenewalCycle:
    """The cycle of a holder with frozen timers: G = c + S1 + ... + SN, N ~ Poisson(pause_rate * c).

    `pause_rate` counts pauses per awake second, and a cycle holds exactly c awake seconds. Exact for pauses
    whose sum is known (`Exponential`, `Erlang`, `Deterministic`); compound Poisson sum, no latency.
    """
    require_lease(deadline, cycle)
    require_nonnegative(pause_rate=pause_rate)
    count, slack = pause_rate * cycle, deadline - cycle
    late = late_mean = 0.0
    n = 1
    while n <= count or poisson_pmf(n, count) > 1e-300:
        weight, asleep = poisson_pmf(n, count), pause.total(n)
        late += weight * asleep.survival(slack)
        late_mean += weight * asleep.excess(slack)
        n += 1
    return RenewalCycle(cycle * (1 + pause_rate * pause.mean), late, late_mean)


def running_cycle_exponential(pause_mean: float, deadline: float, cycle: float, pause_rate: float) -> RenewalCycle:
    """The cycle of a holder with running timers and exponential pauses.

    Awake or asleep is then a two-state Markov chain. The renewal goes out at age c, or at resume if asleep
    then: P(asleep at c) = r/(r+m) (1 - e^{-(r+m)c}) with r = pause_rate and m = 1/pause_mean, and the
    remainder is again exponential. No latency. Derived here.
    """
    require_lease(deadline, cycle)
    require_positive(pause_mean=pause_mean)
    require_nonnegative(pause_rate=pause_rate)
    turnover = pause_rate + 1 / pause_mean
    asleep = -pause_rate / turnover * expm1(-turnover * cycle)
    late = asleep * exp(-(deadline - cycle) / pause_mean)
    return RenewalCycle(cycle + asleep * pause_mean, late, late * pause_mean)


def outage_cycle_exponential(
    outage_mean: float, deadline: float, cycle: float, retry: float, outage_rate: float
) -> RenewalCycle:
    """The cycle of a holder that meets exponential outages, and tries again every `retry` seconds without end.

    Up or down is a two-state Markov chain, looked at when the holder tries: at c, c + d, c + 2d ... with d = retry.
    With r = outage_rate and m = 1/outage_mean, P(down at c) = r/(r+m) (1 - e^{-(r+m)c}), and who was down is down at
    the next try with b = (r + m e^{-(r+m)d}) / (r+m): the next outage may have begun before that try. To call
    outages pauses that end the cycle (`running_cycle_exponential`) leaves that out. No latency. Derived here.
    """
    require_lease(deadline, cycle)
    require_positive(outage_mean=outage_mean, retry=retry)
    require_nonnegative(outage_rate=outage_rate)
    turnover = outage_rate + 1 / outage_mean
    down = -outage_rate / turnover * expm1(-turnover * cycle)
    again = (outage_rate + exp(-turnover * retry) / outage_mean) / turnover
    retries = floor((deadline - cycle) / retry)
    late = down * again**retries
    beyond = cycle + (retries + 1) * retry - deadline
    return RenewalCycle(cycle + retry * down / (1 - again), late, late * (beyond + retry * again / (1 - again)))


def running_cycle(pause: Pause, deadline: float, cycle: float, pause_rate: float, steps: int = 400) -> RenewalCycle:
    """The cycle of a holder with running timers and any pause law.

    With r = pause_rate and A(x) = P(awake at age x): P(G > D) = int_0^c r A(x) P(S > D-x) dx,
    E(G - D)^+ = int_0^c r A(x) I(D-x) dx and E G = c + int_0^c r A(x) I(c-x) dx: sum over the pause that
    covers age c. A solves the Volterra renewal equation, here on `steps` intervals with an error of the order
    of 1/steps^2. No latency; derived here.
    """
    require_lease(deadline, cycle)
    require_nonnegative(pause_rate=pause_rate)
    require_count(steps=steps)
    h = cycle / steps
    awake = _awake_probabilities(pause, cycle, pause_rate, steps)
    cells = [_cell_weights(pause, deadline - (j + 1) * h, h) for j in range(steps)]
    late = sum(early * awake[j] + end * awake[j + 1] for j, (early, end) in enumerate(cells))

    def mean_beyond(age: float) -> float:
        values = [a * pause.excess(age - j * h) for j, a in enumerate(awake)]
        return pause_rate * h * (sum(values) - (values[0] + values[-1]) / 2)

    return RenewalCycle(cycle + mean_beyond(cycle), pause_rate * late, mean_beyond(deadline))


def _awake_probabilities(pause: Pause, cycle: float, pause_rate: float, steps: int) -> list[float]:
    """A at 0, h, ..., cycle from A(x) = 1 - rate int_0^x A(u) P(S > x-u) du, taking A linear in cells."""
    h = cycle / steps
    cells = [_cell_weights(pause, m * h, h) for m in range(steps)]
    start = [early for early, _ in cells]
    inner = [start[m] + cells[m + 1][1] for m in range(steps - 1)]
    awake = [1.0]
    for i in range(1, steps + 1):
        asleep = start[i - 1] * awake[0] + sum(map(mul, inner, reversed(awake[1:])))
        awake.append((1 - pause_rate * asleep) / (1 + pause_rate * cells[0][1]))
    return awake


def _cell_weights(pause: Pause, lag: float, h: float) -> tuple[float, float]:
    """Weights of f(0), f(h) in int_0^h f(u) P(S > lag + h - u) du, exact for linear f and any law of S."""
    near, far = pause.excess(lag), pause.excess(lag + h)
    mean_excess = (pause.excess2(lag) - pause.excess2(lag + h)) / h
    return mean_excess - far, near - mean_excess
