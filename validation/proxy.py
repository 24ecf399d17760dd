"""A small TCP proxy on loopback whose network can be made to fail: what it carries it does not read."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Literal

Weather = Literal["fair", "refuse", "drop", "stall", "delay"]
WEATHERS: tuple[Weather, ...] = ("fair", "refuse", "drop", "stall", "delay")
HOST = "127.0.0.1"
_CHUNK = 65536


@dataclass
class Proxy:
    """Carries connections to `target` (a port of this machine) as the weather allows.

    - ``refuse``: nobody listens, and connections that stood are aborted;
    - ``drop``: what a client sends is read, and its connection then closed;
    - ``stall``: what a client sends is kept until the weather changes, and then passed on;
    - ``delay``: what a client sends arrives `latency` seconds later.
    """

    target: int
    port: int = 0
    """Where it listens; 0 lets the system choose, once, and the choice is kept."""
    weather: Weather = "fair"
    latency: float = 0.0
    _server: asyncio.Server | None = None
    _carrying: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._carry, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def turn(self, weather: Weather, latency: float = 0.0) -> None:
        """Change the weather now."""
        self.weather, self.latency = weather, latency
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if weather == "refuse":
            self._stop_listening()
        elif self._server is None:
            await self.open()

    async def close(self) -> None:
        """Stop, and end what is being carried."""
        self._stop_listening()
        for task in self._carrying:
            task.cancel()
        if self._carrying:
            await asyncio.wait(self._carrying, timeout=5)

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        self._writers.add(writer)
        try:
            onward = await asyncio.open_connection(HOST, self.target)
        except OSError:  # the server behind us is down: the client's connection ends unanswered
            writer.transport.abort()
        else:
            self._writers.add(onward[1])
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._both_ways((reader, writer), onward)
            self._writers.discard(onward[1])
            onward[1].transport.abort()
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._carrying.discard(task)

    async def _both_ways(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Carry until either side ends, or a dropped request ends it."""
        up = asyncio.create_task(self._upward(client[0], server[1]))
        down = asyncio.create_task(self._downward(server[0], client[1]))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _upward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what the client sends; the order is kept, and latency does not add up over the parts of a request."""
        loop = asyncio.get_running_loop()
        parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sending = asyncio.create_task(_deliver(parts, writer))
        try:
            while chunk := await reader.read(_CHUNK):
                if self.weather == "drop":
                    return
                while self.weather == "stall":
                    await self._changed.wait()
                parts.put_nowait((loop.time() + (self.latency if self.weather == "delay" else 0.0), chunk))
        finally:
            sending.cancel()

    async def _downward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()


async def _deliver(parts: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due, chunk = await parts.get()
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        writer.write(chunk)
        await writer.drain()
