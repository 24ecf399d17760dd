"""Slots as a queue, without faults and with crashes.

Offered load is arrivals per second times mean holding in seconds, in erlangs.
"""

from math import comb, exp

from sim.oracles._checks import require_count, require_nonnegative, require_positive
from sim.oracles.overlap import age_at_crash
from sim.oracles.pauses import Pause


def _require_stable(load: float, servers: int) -> None:
    if load >= servers:
        raise ValueError(f"load = {load} and servers = {servers}: a stable queue needs load < servers")


def erlang_b(servers: int, load: float) -> float:
    """Probability that a request finds all slots taken and is refused (M/G/c/c).

    B_0 = 1, B_k = a B_{k-1} / (k + a B_{k-1}) (Erlang 1917). The law of the holding time does not matter,
    only its mean.
    """
    require_count(minimum=0, servers=servers)
    require_nonnegative(load=load)
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Probability that a request has to wait (M/M/c, first come first served): c B / (c - a (1 - B)).

    Erlang 1917. Raises ValueError unless load < servers.
    """
    require_count(servers=servers)
    _require_stable(load, servers)
    blocked = erlang_b(servers, load)
    return servers * blocked / (servers - load * (1 - blocked))


def erlang_c_wait(servers: int, arrival_rate: float, service_mean: float) -> float:
    """Mean wait in seconds, those that do not wait included (M/M/c): C / (c/E S - arrival_rate)."""
    require_positive(arrival_rate=arrival_rate, service_mean=service_mean)
    waits = erlang_c(servers, arrival_rate * service_mean)
    return waits / (servers / service_mean - arrival_rate)


def erlang_c_wait_tail(t: float, servers: int, arrival_rate: float, service_mean: float) -> float:
    """P(wait > t), t >= 0 in seconds (M/M/c, first come first served): C e^{-(c/E S - arrival_rate) t}."""
    require_nonnegative(t=t)
    require_positive(arrival_rate=arrival_rate, service_mean=service_mean)
    waits = erlang_c(servers, arrival_rate * service_mean)
    return waits * exp(-(servers / service_mean - arrival_rate) * t)


def mg1_wait(arrival_rate: float, service: Pause) -> float:
    """Mean wait in seconds for a single slot with any holding law: rate E S^2 / (2 (1 - load)).

    Pollaczek 1930, Khinchine 1932. `service` is any distribution of this package.
    """
    require_nonnegative(arrival_rate=arrival_rate)
    load = arrival_rate * service.mean
    _require_stable(load, 1)
    return arrival_rate * service.excess2(0.0) / (1 - load)


def engset_time(holders: int, slots: int, intensity: float) -> float:
    """Share of time all slots are taken when `holders` runs ask again after each stay (Engset 1918).

    `intensity` is the request rate of one idle holder times the mean holding. Refused requests are dropped.
    """
    require_count(minimum=0, holders=holders, slots=slots)
    require_nonnegative(intensity=intensity)
    weights = [comb(holders, k) * intensity**k for k in range(min(slots, holders) + 1)]
    return weights[slots] / sum(weights) if slots <= holders else 0.0


def engset_call(holders: int, slots: int, intensity: float) -> float:
    """Share of requests refused: what one holder sees is the system without itself (Engset 1918)."""
    require_count(holders=holders)
    return engset_time(holders - 1, slots, intensity)


def retrial_wait(arrival_rate: float, service_mean: float, retry_rate: float) -> float:
    """Mean wait in seconds for one slot that is polled, not queued for (M/M/1 retrial queue).

    Each waiter tries again after exponential times, `retry_rate` per second:
    load E S / (1 - load) + load / ((1 - load) retry_rate) (Falin & Templeton 1997). Fast polling gives the
    mean of M/M/1, not its distribution: the order is random.
    """
    require_nonnegative(arrival_rate=arrival_rate)
    require_positive(service_mean=service_mean, retry_rate=retry_rate)
    load = arrival_rate * service_mean
    _require_stable(load, 1)
    return load / (1 - load) * (service_mean + 1 / retry_rate)


def holding_with_crashes(work_mean: float, crash_rate: float, ttl: float, cycle: float, sweep: float = 0.0) -> float:
    """Mean seconds a slot is held by a run that may crash: 1/q + (k/q)(L + P/2 - E x), q = k + 1/work_mean.

    Exponential work, crashes at k = `crash_rate` per second of work. A run ends, by work or crash, after
    Exp(q); a crash leaves the slot taken until the lease of age x is reaped, and x is an Exp(q) time modulo
    c. Derived here.
    """
    require_positive(work_mean=work_mean, cycle=cycle, ttl=ttl)
    require_nonnegative(crash_rate=crash_rate, sweep=sweep)
    end_rate = crash_rate + 1 / work_mean
    reclaim = ttl + sweep / 2 - age_at_crash(cycle, end_rate)
    return (1 + crash_rate * reclaim) / end_rate


def blocking_with_crashes(
    slots: int,
    arrival_rate: float,
    work_mean: float,
    crash_rate: float,
    ttl: float,
    cycle: float,
    sweep: float = 0.0,
) -> float:
    """Probability that a request is refused when crashed runs keep their slot until reaped.

    `erlang_b` stays exact with the longer holding, because it does not depend on the holding law.
    """
    holding = holding_with_crashes(work_mean, crash_rate, ttl, cycle, sweep)
    return erlang_b(slots, arrival_rate * holding)
