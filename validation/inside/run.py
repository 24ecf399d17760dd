"""Execute a flow run that was made Pending: ``python run.py FLOW_RUN KIND``, as the engine does in its own process.

Kinds: ``work`` (short sleeps until told to finish), ``pause`` and ``pause_async`` (a flow that pauses in place),
``retry`` (fails once, and has a retry after RETRY_DELAY_S).
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import time
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.flow_runs import pause_flow_run

from events import commands, listen_to_requests, say

RETRY_DELAY_S = 250
HEARD = commands()
TRIED: list[float] = []


@flow
def work() -> None:
    """Work until told to finish."""
    say("running")
    try:
        while True:
            try:
                if HEARD.get_nowait()[0] == "finish":
                    break
            except queue.Empty:
                time.sleep(0.05)
    except BaseException as stop:
        say("stopped", how=type(stop).__name__)
        raise
    say("stopped", how="finished")


@flow
def pause() -> None:
    """Pause in place."""
    say("running")
    time.sleep(2)
    try:
        say("pausing")
        pause_flow_run(timeout=600, poll_interval=5)
    except BaseException as stop:
        say("stopped", how=type(stop).__name__)
        raise
    say("stopped", how="resumed")


@flow
async def pause_async() -> None:
    """Pause in place, in a flow that is a coroutine."""
    say("running")
    await asyncio.sleep(2)
    try:
        say("pausing")
        await pause_flow_run(timeout=600, poll_interval=5)
    except BaseException as stop:
        say("stopped", how=type(stop).__name__)
        raise
    say("stopped", how="resumed")


KINDS: dict[str, Any] = {"work": work, "pause": pause, "pause_async": pause_async}


@flow(retries=1, retry_delay_seconds=RETRY_DELAY_S)
def retry() -> None:
    """Fail once."""
    TRIED.append(time.time())
    say("running", attempt=len(TRIED))
    if len(TRIED) == 1:
        raise ValueError("the first attempt fails")
    say("stopped", how="finished")


def main() -> None:
    """Execute the run, and tell how it ended."""
    listen_to_requests()
    say("started", pid=os.getpid())
    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_run(UUID(sys.argv[1]))
    try:
        ended = run_flow({**KINDS, "retry": retry}[sys.argv[2]], flow_run=flow_run)
        if asyncio.iscoroutine(ended):
            asyncio.run(ended)
    except BaseException as end:  # noqa: BLE001 - how it ends is what is asked
        say("left", how=type(end).__name__, why=str(end)[:200])
    else:
        say("left", how="")


if __name__ == "__main__":
    main()
