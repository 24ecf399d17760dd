"""A recorded trial as an ordinary scenario: a version's protocol, one holder, whoever waits, one fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sim.model.fields import Native
from sim.model.scenario import Scenario
from sim.replaying.trials import ON_FILES, Trial
from sim.replaying.versions import protocol, sweep_interval_ns
from sim.units import FOREVER, MILLISECOND, SECOND

HOLDER: Final = 0
"""The lane, and the host, of the run that the fault is about."""

ROUND_TRIP_NS: Final = 2 * MILLISECOND
"""A request and its answer on the loopback, at the median."""
LAUNCH_NS: Final = 4 * SECOND
"""From the grant to the run's first renewal where a runner has to start a process for it."""
START_UP_NS: Final = 4 * SECOND
"""From starting a server's process to its first answer; assumed, since it depends on the machine."""
AFTERWARDS_NS: Final = 300 * SECOND
"""How long a world goes on after its fault: the longest back-offs, and then another renewal."""
BODY_STEP_NS: Final = 250 * MILLISECOND
"""A sync body is stopped between two calls: its sleeps last so long."""

_CHANNELS: Final = {"refuse": "refuse", "drop": "reset", "stall": "stall"}
_PROCESS: Final = {"block": "block", "blocksync": "block", "blockgil": "gil_block"}


def origin_ns(trial: Trial) -> int:
    """Return when, after the start of the world, the renewal is granted from which the trial counts its times."""
    return 2 * ROUND_TRIP_NS + (LAUNCH_NS if trial.deployment else 0)


def world(trial: Trial) -> Scenario:
    """Return the trial's scenario."""
    origin = origin_ns(trial)
    later = trial.ttl_ns + 2 * trial.added_latency_ns + AFTERWARDS_NS
    keys = protocol(trial.version, trial.body) | {
        "title": f"{trial.name}: Prefect {trial.version_text}, {trial.fault}",
        "duration": Native(origin + max(trial.fault_end_ns, trial.ttl_ns) + later),
        "lease.ttl": Native(trial.ttl_ns),
        "lease.sweep_interval": Native(sweep_interval_ns(trial.version, trial.sweep_interval_ns)),
        "lease.sweep_phase": "random" if trial.first_sweep_ns is None else Native(origin + trial.first_sweep_ns),
        "lease.on_restart": "keep" if _keeps(trial) else "lost_leak",
        "lease.release_fallback": trial.deployment,
        "server.storage": "filesystem" if _keeps(trial) else "memory",
        "runs.arrivals": {"kind": "times", "times": [Native(start) for start in _arrivals(trial)]},
        "runs.work": Native(FOREVER),
        "hosts.count": 3,
        "network.on_suspend": "keep",  # the loopback does not break
    }
    if trial.body == "sync":
        keys["renewal.stop_delay"] = {"kind": "uniform", "low": Native(0), "high": Native(BODY_STEP_NS)}
    if trial.deployment:
        keys |= _deployment()
    return Scenario.model_validate(_nested(keys) | {"faults": list(_faults(trial))})


def _keeps(trial: Trial) -> bool:
    return trial.storage == "filesystem" or trial.fault in ON_FILES


def _arrivals(trial: Trial) -> list[int]:
    if trial.deployment:
        return [0, SECOND, SECOND]  # the next two ask as soon as the holder has its slot
    return [0] if trial.waiter_start_ns is None else [0, origin_ns(trial) + trial.waiter_start_ns]


def _deployment() -> dict[str, Any]:
    """What is different where the server acquires for a deployment's run: it is scheduled anew when refused."""
    return {
        "limit.retry_after": "none",
        # PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS, fetched 10 s ahead by polls 7.5 to 13 s apart
        "limit.poll": {"kind": "uniform", "low": "20s", "high": "33s"},
        "runs.provisioning": Native(LAUNCH_NS),
    }


def _faults(trial: Trial) -> list[dict[str, Any]]:
    """Return the faults of the scenario that one fault of a trial amounts to.

    What befalls the way to the server befalls the holder's: the others do not go through its proxy.
    """
    start, length, fault = origin_ns(trial) + trial.fault_start_ns, trial.fault_length_ns, trial.fault
    if fault == "none" or length == 0:
        return []
    if fault in _PROCESS:
        begins = ROUND_TRIP_NS + trial.fault_start_ns  # counted from the holder's start, just before its first renewal
        return [_fault(fault, _PROCESS[fault], begins, length, whom="runs", only=[HOLDER])]
    if fault in ("sigstop", "suspend"):
        what = "pause" if fault == "sigstop" else "sleep"
        return [_fault(fault, what, start, length, whom="hosts", only=[HOLDER])]
    if fault in _CHANNELS:
        return [_fault(fault, "outage", start, length, whom="hosts", only=[HOLDER], mode=_CHANNELS[fault])]
    if fault == "delay":
        added = Native(trial.added_latency_ns)
        return [_fault(fault, "slow", start, length, whom="hosts", only=[HOLDER], factor=1.0, add=added)]
    if fault.startswith("server_stop"):
        return [_fault(fault, "pause", start, length, whom="server")]
    down = length + START_UP_NS
    # The holder reaches the server through a proxy, which is up: a dead server shows as a connection that breaks.
    return [
        _fault("proxy", "outage", start, down, whom="hosts", only=[HOLDER], mode="reset"),
        _fault(fault, "restart", start, down, whom="server"),
    ]


def _fault(name: str, what: str, start: int, length: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "what": what, "when": {"trace": ((Native(start), Native(length)),)}, **more}


def _nested(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted keys as tables."""
    tables: dict[str, Any] = {}
    for key, value in keys.items():
        *path, last = key.split(".")
        table = tables
        for step in path:
            table = table.setdefault(step, {})
        table[last] = value
    return tables
