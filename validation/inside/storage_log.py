"""What the two storages below write down: sweeps, grants, renewals and revocations, each when it happens.

Prefect takes the module of its lease storage from a setting, so that a storage that also keeps a log changes nothing in
Prefect itself. The file is named by ``VALIDATION_LEASE_LOG``.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


def note(event: str, **details: Any) -> None:
    """Append one line to the log."""
    with Path(os.environ["VALIDATION_LEASE_LOG"]).open("a") as log:
        log.write(json.dumps({"event": event, "t": time.time(), **details}) + "\n")


class Logged:
    """Put before a storage class of Prefect: what happens there is noted, and then done as ever."""

    async def create_lease(self, resource_ids: Any, *args: Any, **kwargs: Any) -> Any:
        lease = await super().create_lease(resource_ids, *args, **kwargs)
        note("granted", lease=str(lease.id), limits=[str(one) for one in resource_ids])
        return lease

    async def renew_lease(self, lease_id: Any, *args: Any, **kwargs: Any) -> Any:
        renewed = await super().renew_lease(lease_id, *args, **kwargs)
        note("renewed" if renewed else "gone", lease=str(lease_id))
        return renewed

    async def revoke_lease(self, lease_id: Any) -> Any:
        note("revoked", lease=str(lease_id))
        return await super().revoke_lease(lease_id)

    async def read_expired_lease_ids(self, *args: Any, **kwargs: Any) -> Any:
        expired = await super().read_expired_lease_ids(*args, **kwargs)
        note("sweep", expired=[str(one) for one in expired])
        return expired
