"""A version of Prefect in a recorded trial's world: the presets' facts, and what was measured of its machine.

Figures marked *measured* come from a real server and client on one machine with loopback between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from sim.model.presets import options
from sim.model.presets.translate import translated

Version = tuple[int, int, int]

FIRST: Final[Version] = (3, 4, 25)
LAST: Final[Version] = (3, 9, 1)
"""The versions in between behave like one of the changes below; nobody looked at others."""

_SHARED: Final = (
    *("renewal.every", "renewal.first", "renewal.cadence", "renewal.attempts", "renewal.on_lost", "renewal.on_giveup"),
    *("renewal.backoff", "renewal.backoff_cap", "renewal.backoff_jitter", "renewal.jitter_shape"),
    *("renewal.retry_gone", "renewal.runs_in"),
    *("http.connect_timeout", "http.read_timeout", "http.max_retries", "http.backoff", "http.jitter"),
    *("http.jitter_shape", "http.retry_codes", "http.retry_refused", "http.sleep_after_last", "http.connect_retries"),
    *("limit.collision", "limit.retry_after", "limit.retry_after_cap", "limit.retry_after_jitter"),
    *("limit.average_occupancy", "lease.expiry_check", "lease.sweep_batch", "lease.sweep_recheck"),
    *("lease.late_renew", "lease.books"),
)
"""What the presets say of a version, with their sources (sim/model/presets/prefect.toml)."""

BASE: Final[Mapping[str, Any]] = {
    "http.backoff_factor": 2.0,
    # httpcore: tries to connect again at once, after 0.5 s and after 1 s
    "http.connect_backoff": "500ms",
    "limit.slots": 1,
    "limit.poll": "2s",
    # server/services/repossessor.py: an in-process loop. When a stopped server goes on, its timers are overdue and the
    # pass begins at once.
    "lease.sweep_wakeup": "10ms",
    # It lists what has expired and revokes one by one. Measured: a millisecond to 1.5 s later.
    "lease.sweep_revoke": {"kind": "lognormal", "median": "40ms", "p99": "1s"},
    # measured: renewals on a quiet server, p50 1.9 ms and p99 12 ms, of which the loopback is the smaller part
    "server.service": {"kind": "lognormal", "median": "1500us", "p99": "11500us"},
    "network.up": "200us",
    "network.down": "200us",
}
"""What was measured of the recordings' own machine, or is the same in every version."""

SLOWER_SERVER: Final = {"kind": "lognormal", "median": "2200us", "p99": "15500us"}
"""Measured with 3.9.1: p50 2.6 ms, p99 16 ms."""

TASKS: Final = {"kind": "lognormal", "median": "250ms", "p99": "1500ms"}
"""From the list to the task that revokes: one look of the scheduler, then its queue."""

SCHEDULED_SWEEP: Final[Version] = (3, 6, 7)
"""Since #19739 the sweep is tasks of a scheduler that looks every 250 ms, and passes are 0.11 s
farther apart than asked for: measured, 15.11 s for 15 s."""
SWEEP_LATENESS_NS: Final = 110_000_000


def is_known(version: Version) -> bool:
    """Whether the rules of this version are known."""
    return FIRST <= version <= LAST


def nearest(version: Version) -> str:
    """Return the closest version whose rules are known."""
    return ".".join(map(str, min(max(version, FIRST), LAST)))


@cache
def _preset(version: Version, mode: str) -> dict[str, Any]:
    """Return every key that the presets set for a strict `concurrency()` of a version."""
    text = ".".join(map(str, version))
    read, _ = options.read({"version": text, "limit": "concurrency", "strict": True, "body": mode})
    assert read is not None, f"the presets know {text}"
    return {field.key: field.value for field in translated(read)}


def protocol(version: Version, mode: str) -> dict[str, Any]:
    """Return the keys of a scenario for a version, for a body that is `async` or `sync`."""
    preset = _preset(version, mode)
    keys = {key: preset[key] for key in _SHARED} | dict(BASE)
    if version >= SCHEDULED_SWEEP:
        keys |= {"lease.sweep_wakeup": "250ms", "lease.sweep_revoke": TASKS, "server.service": SLOWER_SERVER}
    return keys


def sweep_interval_ns(version: Version, asked_ns: int) -> int:
    """Return how far apart the passes really are."""
    return asked_ns + (SWEEP_LATENESS_NS if version >= SCHEDULED_SWEEP else 0)
