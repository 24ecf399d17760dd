"""Wait for slots on behalf of all trials of a server; commands: ``wait LIMIT``, ``release LIMIT``, ``finish``."""

from __future__ import annotations

import asyncio
import queue

from prefect.concurrency.asyncio import concurrency

from events import commands, say

LEASE_S = 60
AGAIN_S = 1.0


async def wait(limit: str) -> None:
    """Ask as the library does until the slot is ours, and keep it; ask anew after an error (a server that is down)."""
    while True:
        try:
            say("asked", limit=limit)
            async with concurrency(limit, occupy=1, lease_duration=LEASE_S, strict=True):
                say("granted", limit=limit)
                await asyncio.Event().wait()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and asked again
            say("error", limit=limit, error=type(error).__name__)
            await asyncio.sleep(AGAIN_S)


async def main() -> None:
    """Obey until told to finish."""
    heard = commands()
    say("started")
    waiting: dict[str, asyncio.Task[None]] = {}
    while True:
        try:
            command = heard.get_nowait()
        except queue.Empty:
            await asyncio.sleep(0.05)
            continue
        if command[0] == "finish":
            break
        if command[0] == "wait":
            waiting[command[1]] = asyncio.create_task(wait(command[1]))
        elif task := waiting.pop(command[1], None):
            task.cancel()
            await asyncio.wait([task], timeout=10)
            say("released", limit=command[1])
    for task in waiting.values():
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
