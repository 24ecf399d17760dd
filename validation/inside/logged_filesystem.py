"""Prefect's filesystem storage, with a log."""

from __future__ import annotations

from prefect.server.concurrency.lease_storage.filesystem import ConcurrencyLeaseStorage as _Stock

from storage_log import Logged


class ConcurrencyLeaseStorage(Logged, _Stock):
    """Leases in files under PREFECT_HOME: a restart keeps them."""
