"""Prefect's memory storage, with a log."""

from __future__ import annotations

from prefect.server.concurrency.lease_storage.memory import ConcurrencyLeaseStorage as _Stock

from storage_log import Logged


class ConcurrencyLeaseStorage(Logged, _Stock):
    """The default storage: a restart forgets every lease."""
