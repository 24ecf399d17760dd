"""A scenario in one line: who wants what, and how leases are held."""

from __future__ import annotations

from sim.model.faults import Fault, When
from sim.model.scenario import Backlog, Closed, Poisson, Scenario, Times
from sim.units import format_duration


def in_words(name: str, scenario: Scenario) -> str:
    """Return ``laptops: 50 clients on 3 machines, 10 slots, ttl 5m, renew every 3m45s (0.75 x ttl), 7d simulated``."""
    hosts = scenario.hosts.count
    where = f" on {_count(hosts, 'machine')}" if hosts > 1 else ""
    parts = [f"{_arrivals(scenario)}{where}", _count(scenario.limit.slots, "slot")]
    parts += [f"ttl {format_duration(scenario.lease.ttl)}", _renewal(scenario)]
    return f"{name}: {', '.join(parts)}, {format_duration(scenario.duration)} simulated"


def faults_in_words(scenario: Scenario) -> str:
    """Return ``faults: sleep 2/h, restart daily at 12h``."""
    return "faults: " + (", ".join(map(_fault, scenario.faults)) or "none")


def _arrivals(scenario: Scenario) -> str:
    match scenario.runs.arrivals:
        case Poisson(rate=rate):
            return f"{rate:g} runs/h"
        case Times(times=times):
            return f"{_count(len(times), 'run')} at set times"
        case Closed(clients=clients):
            return _count(clients, "client")
        case Backlog(waiting=waiting):
            return f"always {waiting} waiting"


def _renewal(scenario: Scenario) -> str:
    every = scenario.renewal.every
    if scenario.renewal.runs_in == "none":
        return "never renewed"
    share = f" ({every:g} x ttl)" if isinstance(every, float) else ""
    if scenario.renew_every_ns == scenario.renewal.every_max:
        share = ", its longest"
    return f"renew every {format_duration(scenario.renew_every_ns)}{share}"


def _fault(fault: Fault) -> str:
    chance = "" if fault.probability == 1 else f" (chance {fault.probability:g})"
    return f"{fault.name} {_when(fault.when)}{chance}"


def _when(when: When) -> str:
    if when.rate is not None:
        return f"{when.rate:g}/h" if when.rate >= 0.1 or not when.rate else f"{when.rate * 24:g}/d"
    if when.daily is not None:
        return f"{len(when.daily)}x a day" if len(when.daily) != 1 else "once a day"
    times = when.times if when.times is not None else when.trace or ()
    return f"{len(times)}x at set times" if len(times) != 1 else "once"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
