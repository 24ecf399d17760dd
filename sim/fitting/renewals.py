"""Renewals in logs: what the requests of all formats have in common."""

from __future__ import annotations

import re
from typing import Final

from sim.fitting.notes import Notes

RENEW: Final = re.compile(r"POST (\S*?/concurrency_limits/leases/([0-9a-zA-Z-]+)/renew)\S*")
"""The request that renews a lease, and the lease."""


class Leases:
    """Remembers the last renewal of each lease, so that the next one gives an interval."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._last: dict[str, int] = {}

    def renewed(self, lease: str, status: str, now_ns: int | None) -> None:
        """Note a renewal that was answered."""
        self._notes.used += 1
        self._notes.statuses[status] += 1
        if now_ns is None:
            return
        self._notes.seen(now_ns)
        if status.startswith("2"):
            before = self._last.get(lease, now_ns)
            if lease in self._last and now_ns >= before:
                self._notes.intervals.append(now_ns - before)
            elif now_ns < before:
                self._notes.counts["renewals after a later one of the same lease: no interval is taken"] += 1
            self._last[lease] = now_ns
