"""Events of a client process: one JSON object a line on standard output, with the wall clock's time in seconds."""

from __future__ import annotations

import json
import logging
import queue
import sys
import threading
import time
from typing import Any

_LOCK = threading.Lock()


def say(event: str, **details: Any) -> None:
    """Tell the harness that something happened now."""
    line = json.dumps({"event": event, "t": time.time(), **details})
    with _LOCK:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def commands() -> queue.Queue[list[str]]:
    """Return the queue of commands that the harness writes, one a line, read by a thread of its own."""
    heard: queue.Queue[list[str]] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            heard.put(line.split())
        heard.put(["finish"])

    threading.Thread(target=listen, daemon=True).start()
    return heard


class RequestLog(logging.Handler):
    """Tells what the HTTP libraries log: answers to renewals, and attempts that failed."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.name.startswith("httpx") and "/renew" in text:
            say("answer", status=text.rpartition('"HTTP/')[2].split()[1])
        elif record.name.startswith("httpcore") and ".failed exception=" in text:
            step, _, error = text.partition(".failed exception=")
            say("failed", step=step, error=error.partition("(")[0])


def listen_to_requests() -> None:
    """Have every request of this process told, without changing how it is made."""
    for name, level in (("httpx", logging.INFO), ("httpcore", logging.DEBUG)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.addHandler(RequestLog())
        logger.propagate = False
