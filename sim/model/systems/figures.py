"""A protocol in a few words: who judges, for how long, what the holder does. For lists and pages."""

from __future__ import annotations

from typing import Any, Final

from sim.model.distributions import Constant, Distribution, Uniform
from sim.model.fields import UNLIMITED
from sim.model.scenario import Scenario
from sim.units import MILLISECOND, MINUTE, SECOND, format_duration

COLUMNS: Final = {
    "ttl": "how long a lease lasts, and the authority's grace",
    "judge": "who decides that it is over, and how that is found",
    "reuse": "how long a reaped slot stays empty",
    "renewed": "from one renewal to the next",
    "tries": "attempts of a renewal, requests of an attempt, and the wait after a failed one",
    "gives up": "the holder's own deadline and what it is counted from",
    "then": "what the holder does when the lease is lost",
    "runs in": "where the renewals run; all wait on a clock that stands still in a suspend",
    "restart": "what a restart of the authority does to leases",
    "fencing": "whether a resource refuses the writes of an old holder",
}
"""What the columns say."""


def figures(scenario: Scenario) -> dict[str, str]:
    """Return a protocol's numbers, a text for each of `COLUMNS`."""
    renewal = scenario.renewal
    return {
        "ttl": _ttl(scenario),
        "judge": _judge(scenario),
        "reuse": format_duration(scenario.lease.reuse_delay),
        "renewed": _renewed(scenario),
        "tries": _tries(scenario),
        "gives up": _gives_up(scenario),
        "then": _then(scenario),
        "runs in": renewal.runs_in.replace("_", " "),
        "restart": scenario.lease.on_restart.replace("_", " "),
        "fencing": renewal.fencing.removeprefix("token_"),
    }


def plain(scenario: Scenario) -> dict[str, Any]:
    """Return the same for programs: durations in seconds, None where there is no such thing."""
    renewal, lease = scenario.renewal, scenario.lease
    renews = renewal.runs_in != "none"
    deadline = renewal.fence_anchor in ("send", "recv", "loop_start")
    return {
        "ttl_s": lease.ttl / 1e9,
        "expiry_grace_s": scenario.expiry_grace_ns / 1e9,
        "judge": lease.judge,
        "expiry_check": lease.expiry_check,
        "sweep_interval_s": lease.sweep_interval / 1e9 if lease.expiry_check in ("sweep", "bucket") else None,
        "reuse_delay_s": lease.reuse_delay / 1e9,
        "late_renew": lease.late_renew,
        "on_restart": lease.on_restart,
        "renew_every_s": scenario.renew_every_ns / 1e9 if renews else None,
        "attempts": None if not renews or renewal.attempts == UNLIMITED else renewal.attempts,
        "requests_per_attempt": scenario.http.max_retries + 1,
        "fence_after_s": scenario.fence_after_ns / 1e9 if renews and deadline else None,
        "fence_anchor": renewal.fence_anchor,
        "on_lost": renewal.on_lost,
        "on_giveup": renewal.on_giveup,
        "runs_in": renewal.runs_in,
        "fencing": renewal.fencing,
    }


def _ttl(scenario: Scenario) -> str:
    grace = scenario.expiry_grace_ns
    return format_duration(scenario.lease.ttl) + (f" + {format_duration(grace)}" if grace else "")


def _judge(scenario: Scenario) -> str:
    lease = scenario.lease
    if lease.judge == "contender":
        return f"contender, polls {_about(scenario.limit.poll)}"
    how = {
        "timer": "timer",
        "on_acquire": "when asked",
        "sweep": f"sweep {format_duration(lease.sweep_interval)}",
        "bucket": f"rounded up to {format_duration(lease.sweep_interval)}",
    }
    return f"authority, {how[lease.expiry_check]}"


def _renewed(scenario: Scenario) -> str:
    if scenario.renewal.runs_in == "none":
        return "never"
    low, high = scenario.renewal.jitter
    every = scenario.renew_every_ns
    if low == high:
        return _rounded(every * low)
    return f"{_rounded(every * low)}..{_rounded(every * high)}"


def _tries(scenario: Scenario) -> str:
    renewal, inside = scenario.renewal, scenario.http.max_retries + 1
    if renewal.runs_in == "none":
        return "-"
    count = "no end" if renewal.attempts == UNLIMITED else str(renewal.attempts)
    nested = f" x {inside}" if inside > 1 else ""
    wait = f", {format_duration(renewal.backoff)}" if renewal.attempts > 1 else ""
    return f"{count}{nested}{wait}"


def _gives_up(scenario: Scenario) -> str:
    anchor = scenario.renewal.fence_anchor
    words = {"send": "from sending", "recv": "from answer", "loop_start": "from first try"}
    if scenario.renewal.runs_in != "none" and anchor in words:
        return f"{_rounded(scenario.fence_after_ns)} {words[anchor]}"
    if scenario.renewal.runs_in == "none" or scenario.renewal.attempts == UNLIMITED:
        return "never"
    return "after the tries"


def _then(scenario: Scenario) -> str:
    words = {"terminate": "stops", "continue": "works on", "rejoin": "joins again", "suspend": "halts"}
    lost, giveup = words[scenario.renewal.on_lost], words[scenario.renewal.on_giveup]
    one = scenario.renewal.attempts == UNLIMITED or scenario.renewal.runs_in == "none"
    return lost if lost == giveup or one else f"{lost}; tries over: {giveup}"


def _rounded(ns: float) -> str:
    """A duration for reading: to the millisecond, from a minute on to the second."""
    grain = SECOND if ns >= MINUTE else MILLISECOND
    return format_duration(round(ns / grain) * grain)


def _about(law: Distribution) -> str:
    match law:
        case Constant(value=value):
            return format_duration(value)
        case Uniform(low=low, high=high):
            return f"{format_duration(low)}..{format_duration(high)}"
        case _:
            return f"{law.kind}"
