"""The worlds that are measured."""

from __future__ import annotations

from sim.model.load import load, loads, override
from sim.model.scenario import Scenario


def reported(duration: str) -> Scenario:
    """Return the reported case as it comes along: three clients, two slots, nights."""
    return load("laptop-own-server").with_({"duration": duration})


def busy(duration: str) -> Scenario:
    """Return the reported case with four clients on four slots and without its nights."""
    base = load("laptop-own-server")
    four = base.with_({"runs.arrivals.clients": 4, "limit.slots": 4, "duration": duration})
    return four.model_copy(update={"faults": tuple(fault for fault in four.faults if fault.name != "night")})


def quiet(duration: str) -> Scenario:
    """Return the reported case with jobs of 8 hours (median) on a machine with a tenth of the faults and no nights."""
    base = load("laptop-own-server").with_({"duration": duration, "runs.work.median": "8h"})
    rarer = tuple(
        fault.model_copy(update={"when": fault.when.model_copy(update={"rate": fault.when.rate / 10})})
        for fault in base.faults
        if fault.when.rate is not None
    )
    return base.model_copy(update={"faults": rarer})


def many(holders: int, slots: int, duration: str) -> Scenario:
    """Return `holders` clients on so many slots, on a machine each, without faults; the server takes any number."""
    return override(
        load("no-faults"),
        {
            "duration": duration,
            "limit.slots": slots,
            "hosts.count": holders,
            "server.requests_max": "unlimited",
            "runs.arrivals": {"kind": "closed", "clients": holders, "think": {"kind": "exponential", "mean": "30m"}},
            "runs.work": {"kind": "exponential", "mean": "1h"},
        },
    )


def queue(hours: int) -> Scenario:
    """Return M/M/3 with 2.4 arrivals and 1 departure an hour and slot: leases that outlast everything, no renewals."""
    return loads(
        f"""
duration = "{hours}h"
limit = {{ slots = 3, collision = "watch", poll = "100h" }}
lease = {{ ttl = "6000d", expiry_check = "on_acquire" }}
renewal = {{ runs_in = "none" }}
network = {{ up = "0s", down = "0s" }}
[runs]
arrivals = {{ kind = "poisson", rate = "2.4/h" }}
work = {{ kind = "exponential", mean = "1h" }}
"""
    )


def renewals(holders: int, hours: int) -> Scenario:
    """Return holders that do nothing but renew, 225 s after each answer."""
    return loads(
        f"""
duration = "{hours}h"
limit = {{ slots = {holders} }}
lease = {{ ttl = "5m", expiry_check = "on_acquire" }}
renewal = {{ every = "225s", cadence = "after_response" }}
hosts = {{ count = {holders} }}
[network]
up = {{ kind = "lognormal", median = "20ms", sigma = 0.8 }}
down = {{ kind = "lognormal", median = "20ms", sigma = 0.8 }}
[runs]
arrivals = {{ kind = "closed", clients = {holders} }}
work = "6000d"
"""
    )
