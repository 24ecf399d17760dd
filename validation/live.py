"""Live processes: a server and its clients, each in a process group of its own that ends with the harness."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from validation.environment import INSIDE, plain
from validation.proxy import HOST

Event = dict[str, Any]
LIFE_S = 1500.0
"""No process lives longer than this, whatever happens."""
START_S = 240.0
NICENESS = 3


class Died(Exception):
    """A process that should be running is not."""


def free_port() -> int:
    """Return a port on which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass
class Live:
    """A process in its own group, under the guard."""

    process: asyncio.subprocess.Process
    _lifeline: int
    events: list[Event] = field(default_factory=list)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, python: Path, command: list[str], env: dict[str, str], log: Path) -> Live:
        """Start `command` (words after the interpreter) with errors into `log`."""
        read, write = os.pipe()
        guard = [str(python), "-S", str(INSIDE / "guard.py"), str(read), str(LIFE_S), "nice", "-n", str(NICENESS)]
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *guard,
                str(python),
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=env,
                pass_fds=(read,),
                start_new_session=True,
                limit=2**20,
            )
        os.close(read)
        live = cls(process, write)
        live._reader = asyncio.create_task(live._read())
        return live

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            with contextlib.suppress(ValueError):  # Prefect's own words on standard output are none of ours
                event = json.loads(line)
                if isinstance(event, dict) and "event" in event:
                    self.events.append(event)
            self._wake()
        self._wake()

    def _wake(self) -> None:
        heard, self._heard = self._heard, asyncio.Event()
        heard.set()

    @property
    def gone(self) -> bool:
        """Whether it has ended and everything it said was read."""
        return self._reader is None or self._reader.done()

    def find(self, event: str, since: float = 0.0, **details: Any) -> Event | None:
        """Return the first such event at or after `since` (wall clock, seconds)."""
        for one in self.events:
            if one["event"] == event and one["t"] >= since and details.items() <= one.items():
                return one
        return None

    async def until(self, done: Callable[[], Any], timeout: float) -> bool:
        """Wait until something is true of the events, at most `timeout` seconds; false when it never was."""
        end = time.monotonic() + timeout
        while not done():
            left = end - time.monotonic()
            if left <= 0 or self.gone:
                return bool(done())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), left)
        return True

    async def expect(self, event: str, timeout: float = START_S, **details: Any) -> Event:
        """Return the first such event, waiting for it."""
        await self.until(lambda: self.find(event, **details), timeout)
        if (found := self.find(event, **details)) is None:
            raise Died(f"no {event!r} within {timeout:g} s; heard {[one['event'] for one in self.events][-8:]}")
        return found

    def tell(self, *words: str) -> None:
        """Send a command."""
        assert self.process.stdin is not None
        if self.process.returncode is None:
            self.process.stdin.write((" ".join(words) + "\n").encode())

    async def end(self) -> None:
        """Kill the whole group, and wait for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        if self._reader is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reader, 5)


def client_settings(home: Path, port: int) -> dict[str, str]:
    """Return the environment of a Prefect client that speaks to `port`."""
    return plain(HOME=str(home), PREFECT_HOME=str(home / "prefect"), PREFECT_API_URL=f"http://{HOST}:{port}/api")
