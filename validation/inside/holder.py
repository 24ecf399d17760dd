"""Hold one slot with strict renewal: ``python holder.py LIMIT LEASE_SECONDS async|sync``.

Commands on standard input: ``block SECONDS`` (a blocking sleep in the body) and ``finish``.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import time

from prefect.concurrency.asyncio import concurrency as aconcurrency
from prefect.concurrency.sync import concurrency

from events import commands, listen_to_requests, say

TICK_S = 0.05


def obey(heard: queue.Queue[list[str]]) -> bool:
    """Do what the harness asks for; false when it asks to finish."""
    try:
        command = heard.get_nowait()
    except queue.Empty:
        return True
    if command[0] == "block":
        say("fault_began")
        time.sleep(float(command[1]))
        say("fault_ended")
    return command[0] != "finish"


async def hold_async(limit: str, lease_s: float, heard: queue.Queue[list[str]]) -> None:
    """Work in short awaits until told to finish, or cancelled."""
    async with aconcurrency(limit, occupy=1, lease_duration=lease_s, strict=True):
        say("acquired")
        try:
            while obey(heard):
                await asyncio.sleep(TICK_S)
        except BaseException as stop:
            say("stopped", how=type(stop).__name__)
            raise
        say("stopped", how="finished")


def hold_sync(limit: str, lease_s: float, heard: queue.Queue[list[str]]) -> None:
    """Work in short sleeps until told to finish, or cancelled."""
    with concurrency(limit, occupy=1, lease_duration=lease_s, strict=True):
        say("acquired")
        try:
            while obey(heard):
                time.sleep(TICK_S)
        except BaseException as stop:
            say("stopped", how=type(stop).__name__)
            raise
        say("stopped", how="finished")


def main() -> None:
    """Hold, and tell how it ended."""
    limit, lease_s, mode = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    heard = commands()
    listen_to_requests()
    say("started", pid=os.getpid())
    try:
        if mode == "async":
            asyncio.run(hold_async(limit, lease_s, heard))
        else:
            hold_sync(limit, lease_s, heard)
    except BaseException as end:  # noqa: BLE001 - a cancellation is what this is about
        say("left", how=type(end).__name__, why=str(end)[:200])
    else:
        say("left", how="")


if __name__ == "__main__":
    main()
