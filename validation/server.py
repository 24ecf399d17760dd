"""A Prefect server on loopback, unmodified; its lease storage keeps a log of sweeps, renewals and revocations."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from validation.environment import INSIDE, plain
from validation.live import START_S, Died, Event, Live, free_port
from validation.proxy import HOST

STORAGES = ("memory", "filesystem")
_ASK_AGAIN_S = 0.2
_TRIES, _BUSY_S = 8, 0.4


@dataclass
class Server:
    """One server with its home folder, storage and port, through all its restarts."""

    python: Path
    home: Path
    storage: str = "memory"
    port: int = 0
    live: Live | None = None

    @property
    def lease_log(self) -> Path:
        """Where the storage notes what happens."""
        return self.home / "leases.jsonl"

    async def start(self) -> float:
        """Start it, wait until it answers, and return the moment (wall clock, seconds)."""
        self.port = self.port or free_port()
        env = plain(
            HOME=str(self.home),
            PREFECT_HOME=str(self.home / "prefect"),
            PREFECT_API_URL=f"http://{HOST}:{self.port}/api",
            PREFECT_SERVER_UI_ENABLED="false",
            PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=f"logged_{self.storage}",
            PYTHONPATH=str(INSIDE),
            VALIDATION_LEASE_LOG=str(self.lease_log),
        )
        command = ["-m", "prefect", "server", "start", "--host", HOST, "--port", str(self.port)]
        self.live = await Live.start(self.python, command, env, self.home / "server.log")
        end = time.monotonic() + START_S
        while time.monotonic() < end and not self.live.gone:
            if await asyncio.to_thread(self._answers):
                return time.time()
            await asyncio.sleep(_ASK_AGAIN_S)
        await self.kill()
        said = (self.home / "server.log").read_text("utf-8", "replace").splitlines()[-3:]
        raise Died(f"the server did not answer within {START_S:g} s; its last words: {' / '.join(said)}")

    async def kill(self) -> None:
        """Kill it with all its processes (SIGKILL): it says goodbye to nobody."""
        if self.live is not None:
            await self.live.end()
            self.live = None

    def _answers(self) -> bool:
        try:
            return self.call("GET", "/health") is True
        except OSError:
            return False

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make one request of the API, and return what it answers; busy (503: SQLite is locked) is asked again."""
        request = urllib.request.Request(
            f"http://{HOST}:{self.port}/api{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for left in reversed(range(_TRIES)):
            try:
                with opener.open(request, timeout=30) as answer:
                    text = answer.read()
                break
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or not left:
                    raise
                time.sleep(_BUSY_S)
        return json.loads(text) if text else None

    async def create_limit(self, name: str) -> str:
        """Create a limit of one slot, and return its id."""
        made = await asyncio.to_thread(self.call, "POST", "/v2/concurrency_limits/", {"name": name, "limit": 1})
        return str(made["id"])

    async def active_slots(self, name: str) -> int | None:
        """Return the limit's counter, or None where the server does not answer."""
        try:
            limit = await asyncio.to_thread(self.call, "GET", f"/v2/concurrency_limits/{name}")
        except OSError:
            return None
        return int(limit["active_slots"])

    def noted(self) -> list[Event]:
        """Return everything the storage noted so far."""
        if not self.lease_log.exists():
            return []
        lines = self.lease_log.read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]
