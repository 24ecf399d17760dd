"""What changed in Prefect's leases from 3.4.25 to 3.9.1, as keys of a scenario: the value, since when, and its source.

A protocol is `BASE` and then every change up to its version. Sources are Prefect's pull requests (#) and files; figures
marked *measured* come from a real server and client on one machine with loopback between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Version = tuple[int, int, int]

FIRST: Final[Version] = (3, 4, 25)
LAST: Final[Version] = (3, 9, 1)
"""The versions in between behave like one of the changes below; nobody looked at others."""

BASE: Final[Mapping[str, Any]] = {
    # concurrency/_leases.py: renew at once, then 0.75 of the lease after each answer; one attempt
    "renewal.every": 0.75,
    "renewal.first": "immediate",
    "renewal.cadence": "after_response",
    "renewal.attempts": 1,
    "renewal.on_lost": "terminate",  # strict
    "renewal.on_giveup": "terminate",
    # client/base.py and settings: PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, ..._RETRY_JITTER_FACTOR
    "http.connect_timeout": "60s",
    "http.read_timeout": "60s",
    "http.max_retries": 5,
    "http.backoff": "2s",
    "http.backoff_factor": 2.0,
    "http.jitter": 0.2,
    "http.jitter_shape": "truncated_exponential",
    "http.retry_codes": [408, 429, 502, 503],
    "http.retry_refused": False,
    "http.sleep_after_last": True,
    # httpcore: three more tries to connect, at once, after 0.5 s and after 1 s
    "http.connect_retries": 3,
    "http.connect_backoff": "500ms",
    # server/api/concurrency_limits_v2.py: average occupancy of 2 s at first, answered uncapped and unjittered
    "limit.slots": 1,
    "limit.collision": "enqueue",
    "limit.retry_after": "occupancy",
    "limit.average_occupancy": "2s",
    "limit.poll": "2s",
    # server/services/repossessor.py: an in-process loop that looks every second whether a pass is due. When a stopped
    # server goes on, its timers are overdue and the pass begins at once.
    "lease.expiry_check": "sweep",
    "lease.sweep_batch": 100,
    "lease.sweep_wakeup": "10ms",
    # It lists what has expired and revokes one by one, without a second look. Measured: a millisecond to 1.5 s later.
    "lease.sweep_revoke": {"kind": "lognormal", "median": "40ms", "p99": "1s"},
    "lease.sweep_recheck": False,
    "lease.late_renew": "until_reaped",
    "lease.books": "counter",
    # measured: renewals on a quiet server, p50 1.9 ms and p99 12 ms, of which the loopback is the smaller part
    "server.service": {"kind": "lognormal", "median": "1500us", "p99": "11500us"},
    "network.up": "200us",
    "network.down": "200us",
}

SLOWER_SERVER: Final = {"kind": "lognormal", "median": "2200us", "p99": "15500us"}
"""Measured with 3.9.1: p50 2.6 ms, p99 16 ms."""

TASKS: Final = {"kind": "lognormal", "median": "250ms", "p99": "1500ms"}
"""From the list to the task that revokes: one look of the scheduler, then its queue."""

CHANGES: Final[tuple[tuple[Version, str, Mapping[str, Any]], ...]] = (
    ((3, 6, 2), "#19428: the wait that a refusal asks for is capped", {"limit.retry_after_cap": "30s"}),
    (
        (3, 6, 7),
        "#19739: the sweep became tasks of a scheduler that looks every 250 ms",
        {"lease.sweep_wakeup": "250ms", "lease.sweep_revoke": TASKS, "server.service": SLOWER_SERVER},
    ),
    (
        (3, 6, 12),
        "#20276: a refused connection is retried, once a client has had an answer",
        {"http.retry_refused": True},
    ),
    (
        (3, 6, 22),
        "#21065: three attempts of a renewal, 1 s and 2 s apart, whatever the failure",
        {"renewal.attempts": 3, "renewal.backoff": "1s", "renewal.backoff_cap": "10s", "renewal.retry_gone": True},
    ),
    ((3, 6, 23), "#21156: and jittered", {"limit.retry_after_jitter": 0.3}),
    (
        (3, 7, 1),
        "#21925: a thread of its own renews; the waits between attempts are jittered",
        {"renewal.backoff_jitter": 0.3, "renewal.jitter_shape": "truncated_exponential"},
    ),
    ((3, 8, 7), "#22983: a second look before a lease is revoked", {"lease.sweep_recheck": True}),
)

OWN_THREAD: Final[Version] = (3, 7, 1)
"""Since #21925 an async body's renewals run in a thread too; a sync body's always did (the global event loop)."""
SCHEDULED_SWEEP: Final[Version] = (3, 6, 7)
"""Since #19739 passes are 0.11 s farther apart than asked for: measured, 15.11 s for 15 s."""
SWEEP_LATENESS_NS: Final = 110_000_000


def is_known(version: Version) -> bool:
    """Whether the rules of this version are known."""
    return FIRST <= version <= LAST


def nearest(version: Version) -> str:
    """Return the closest version whose rules are known."""
    return ".".join(map(str, min(max(version, FIRST), LAST)))


def protocol(version: Version, mode: str) -> dict[str, Any]:
    """Return the keys of a scenario for a version, for a body that is `async` or `sync`."""
    keys = dict(BASE)
    for since, _, changed in CHANGES:
        if version >= since:
            keys |= changed
    in_thread = mode == "sync" or version >= OWN_THREAD
    return keys | {"renewal.runs_in": "thread" if in_thread else "event_loop"}


def sweep_interval_ns(version: Version, asked_ns: int) -> int:
    """Return how far apart the passes really are."""
    return asked_ns + (SWEEP_LATENESS_NS if version >= SCHEDULED_SWEEP else 0)
