"""Run a command that cannot outlive the harness: ``python guard.py LIFELINE SECONDS COMMAND...``.

LIFELINE is the read end of a pipe whose other end only the harness holds. When the harness is gone, however it went,
the pipe ends and the guard kills its own process group; so it does after SECONDS.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading


def watch(lifeline: int, seconds: float) -> None:
    """Kill this process group when the pipe ends or the time is up."""
    select.select([lifeline], [], [], seconds)
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Start the command and wait for it."""
    lifeline, seconds = int(sys.argv[1]), float(sys.argv[2])
    threading.Thread(target=watch, args=(lifeline, seconds), daemon=True).start()
    return subprocess.call(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
