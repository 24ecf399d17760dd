"""The pieces of advice, each as a change of a scenario, or why it does not apply to this one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sim.errors import ScenarioError
from sim.model.load import options_of
from sim.model.presets.options import STORAGE, Options
from sim.model.presets.versions import at_least, book, changes
from sim.model.scenario import Scenario
from sim.units import SECOND, format_duration

_TIMEOUT: Final = 120 * SECOND
_RETRIES: Final = 10
_CODES: Final = (502, 503, 504)
_SEVERAL_SWEEPS: Final = 300 * SECOND
_NO_LIMIT: Final = 100_000
_LOOP: Final = {
    *("attempts", "retry_gone", "retry_refused", "async_loop", "retry_lease", "at_start", "sweep_recheck"),
    *("deployment_strict", "deployment_initial_ttl_s", "tag_ttl_s"),
}
"""Facts of a version that decide whether a lease is lost, or what follows."""


@dataclass(frozen=True)
class Remedy:
    """One piece of advice for one scenario."""

    name: str
    world: Scenario | None
    """The scenario with it; None where it cannot be followed, or changes nothing."""
    why_not: str = ""
    unlimited: bool = False
    """It takes the limit away: over-allocation is counted against the slots of the scenario without it."""


def advice(s: Scenario) -> list[Remedy]:
    """Return every piece of advice for a scenario, in a fixed order."""
    return [*_client(s), *_upgrades(s), *_habits(s), *_server(s), _no_limit(s), *_timing(s)]


def _try(name: str, s: Scenario, changes: dict[str, Any], why_same: str) -> Remedy:
    """The scenario with `changes`; `why_same` is said where they change nothing, a rule where a system forbids them."""
    try:
        world = s.with_(changes) if changes else s
    except ScenarioError as error:
        if not s.system:
            raise
        return Remedy(name, None, "; ".join(f"{problem.path} {problem.message}" for problem in error.problems))
    return Remedy(name, None, why_same) if world == s else Remedy(name, world)


# ---------------------------------------------------------------------------------- the client


def _client(s: Scenario) -> Iterator[Remedy]:
    longer = max(s.http.connect_timeout, s.http.read_timeout, _TIMEOUT)
    keys = ("http.connect_timeout", "http.read_timeout")
    yield _try("time-out 120 s", s, dict.fromkeys(keys, format_duration(longer)), "the time-out is as long already")
    retries = max(s.http.max_retries, _RETRIES)
    yield _try("10 retries", s, {"http.max_retries": retries}, "there are as many retries already")
    codes = sorted({*s.http.retry_codes, *_CODES})
    yield _try("retry 502, 503, 504", s, {"http.retry_codes": codes}, "these statuses are retried already")


def _upgrades(s: Scenario) -> Iterator[Remedy]:
    options = options_of(s)
    if options is None:
        yield Remedy("upgrade", None, "the scenario has no [prefect] table, so its version is not known")
        return
    before = s
    last = book()["last"]
    versions = [change.version for change in changes() if change.facts.keys() & _LOOP]
    for version in dict.fromkeys((*versions, last)):
        if at_least(options.version, version):
            continue
        world = s.with_({"prefect.version": version})
        name = f"upgrade to {version}"
        yield _version(name, world, before)
        before = world
    if options.version == last:
        yield Remedy("upgrade", None, f"{last} is the newest version that is known here")


def _version(name: str, world: Scenario, before: Scenario) -> Remedy:
    if _active(world) == _active(before):
        return Remedy(name, None, "beyond the version before, it changes nothing that this scenario has")
    return Remedy(name, world)


def _active(s: Scenario) -> dict[str, Any]:
    """Everything that can make a difference: what a retry, pause or cancellation does counts only if there are any."""
    data = s.model_dump(mode="json")
    idle = {"retry": s.runs.retry.attempts == 0, "pause": s.runs.pause.rate == 0, "cancel": s.runs.cancel.rate == 0}
    for name, is_idle in idle.items():
        data["runs"][name] = None if is_idle else data["runs"][name]
    return data


# ---------------------------------------------------------------------------------- habits


def _habits(s: Scenario) -> Iterator[Remedy]:
    options = options_of(s)
    yield _without(s, "heavy work out of the event loop", "block", "no fault here blocks the event loop")
    yield _worker(s, options)
    yield _without(s, "keep the machine awake", "sleep", "no machine sleeps here")
    yield _without(s, "no restart during runs", "restart", "the server is not restarted here")


def _without(s: Scenario, name: str, what: str, why_same: str) -> Remedy:
    gone = {f"faults.{fault.name}.probability": 0.0 for fault in s.faults if fault.what == what}
    return _try(name, s, gone, why_same)


def _worker(s: Scenario, options: Options | None) -> Remedy:
    name = "worker instead of serve()"
    if options is None:
        return Remedy(name, None, "the scenario has no [prefect] table, so how its runs are launched is not known")
    if options["launch"] != "serve":
        return Remedy(name, None, "the runs are launched by a worker already")
    why = "on the same machine a process worker renews from the same place: nothing that matters to a lease differs"
    return _try(name, s, {"prefect.launch": "worker"}, why)


# ---------------------------------------------------------------------------------- the server


def _server(s: Scenario) -> Iterator[Remedy]:
    options = options_of(s)
    durable = "durable lease storage"
    if options is not None and options["server"] == "cloud":
        yield Remedy(durable, None, "Prefect Cloud is taken to keep its leases")
    else:
        how = {"lease.on_restart": "keep", "server.storage": "filesystem"}
        kept = s.server.storage != "memory" and s.lease.on_restart == "keep"
        named = {f"prefect.{STORAGE}": "filesystem"} if options is not None else how
        yield _try(durable, s, {} if kept else named, "leases survive a restart already")
    name = "sweep every 5 min"
    if s.lease.expiry_check != "sweep":
        yield Remedy(name, None, "the authority does not sweep")
    elif options is not None and options["server"] == "cloud":
        yield Remedy(name, None, "a setting of your own server does not reach Prefect Cloud")
    else:
        seldom = {"lease.sweep_interval": format_duration(max(s.lease.sweep_interval, _SEVERAL_SWEEPS))}
        yield _try(name, s, seldom, "sweeps are as rare already")


def _no_limit(s: Scenario) -> Remedy:
    free = {"limit.slots": _NO_LIMIT, "renewal.runs_in": "none", "lease.ttl": "1000d", "lease.initial_ttl": 1.0}
    free |= {"system": ""}  # no system has that
    if s.lease.on_restart != "keep":
        free |= {"lease.on_restart": "keep"}
    return Remedy("no limit", s.with_(free), unlimited=True)


# ---------------------------------------------------------------------------------- timing


def _timing(s: Scenario) -> Iterator[Remedy]:
    options = options_of(s)
    deployment = options is not None and options["limit"] == "deployment"
    yield _grace(s, options)
    constant = "ttl (300 s) and interval (0.75 of it) of a deployment run are constants of Prefect's client"
    if options is not None and options["limit"] == "tag":
        constant, deployment = "ttl (60 s) and interval (0.75 of it) of a task's tag are constants", True
    for name, factor in (("ttl / 2", 0.5), ("ttl x 4", 4.0)):
        ttl = round(s.lease.ttl * factor)
        short = options is not None and not 60 * SECOND <= ttl <= 86400 * SECOND
        if deployment or short:
            yield Remedy(name, None, constant if deployment else "lease_duration is 60 s to 86400 s in Prefect")
        else:
            yield _try(name, s, {"lease.ttl": format_duration(ttl)}, "the ttl is that already")
    if options is not None:
        yield Remedy("interval / 2", None, "the interval (0.75 of the ttl) is a constant of Prefect's client")
    elif s.renewal.runs_in == "none":
        yield Remedy("interval / 2", None, "nothing is renewed")
    else:
        half = {"renewal.every": format_duration(max(1, s.renew_every_ns // 2))}
        yield _try("interval / 2", s, half, "it is as short as can be")


def _grace(s: Scenario, options: Options | None) -> Remedy:
    name = "longer grace (15 min)"
    longer = {"lease.initial_ttl": format_duration(max(s.initial_ttl_ns, 900 * SECOND))}
    if options is not None and options["limit"] != "deployment":
        return Remedy(name, None, "there is no provisioning between grant and start of a block or a task")
    if options is not None and not at_least(options.version, "3.4.21"):
        return Remedy(name, None, f"the first lease is a constant before 3.4.21, and this is {options.version}")
    return _try(name, s, longer, "the first lease is as long already")
