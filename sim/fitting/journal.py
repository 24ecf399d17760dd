"""Linux: suspend and resume in the journal, ``journalctl -o short-iso`` (or ``short-iso-precise``).

systemd-sleep writes "Entering sleep state 'suspend'..." and "System returned from sleep operation"; the kernel
"PM: suspend entry (deep)" and "PM: suspend exit". The kernel's entry is often stamped only after the wake, because the
journal was frozen with the rest; so the earliest sign of a sleep and the first of its end count.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from sim.fitting.notes import Lines, Notes, nanoseconds

KIND: Final = "Linux journal (journalctl -o short-iso)"
SHOWS: Final = "sleeps"
_LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[+-]\d\d:?\d\d|Z)) (\S+) ([^:]+?)(?:\[\d+\])?: (.*)"
)
_STARTS: Final = re.compile(r"\d{4}-\d\d-\d\dT")
_SHORT: Final = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ (kernel|systemd|systemd-sleep|systemd-logind)\b")
_BEGINS: Final = re.compile(
    r"(PM: (suspend|hibernation: hibernation) entry|Entering sleep state|Performing sleep operation|Suspending system)"
)
_ENDS: Final = re.compile(
    r"(PM: (suspend|hibernation: hibernation) exit|System returned from sleep (state|operation)|System resumed)"
)
_BOOT: Final = re.compile(r"-- (Boot|Reboot)\b")
_OF_SLEEP: Final = ("kernel", "systemd-sleep")


def matches(line: str) -> bool:
    """Whether a line is of this kind beyond doubt."""
    found = _LINE.match(line)
    return bool(_SHORT.match(line)) or (
        found is not None and found[3] in (*_OF_SLEEP, "systemd", "systemd-logind", "NetworkManager")
    )


def read(lines: Lines, notes: Notes) -> None:
    """Note every suspend."""
    since: int | None = None
    for number, line in lines:
        found = _LINE.match(line)
        if found is None:
            if _BOOT.match(line):
                notes.started(since)
                since = None
            if _SHORT.match(line):
                notes.wrong(number, line, "no year and no zone; write the log with journalctl -o short-iso")
            elif _STARTS.match(line) or not re.match(r"(-- |\s|$)", line):
                notes.wrong(number, line, "expected: time with offset, host, process: message")
            continue
        try:
            now = nanoseconds(datetime.fromisoformat(found[1].replace(",", ".")))
        except ValueError:
            notes.wrong(number, line, "there is no such time")
            continue
        notes.seen(now)
        if found[3] == "kernel" and found[4].startswith("Linux version"):
            notes.started(since)
            since = None
        begins = found[3] in _OF_SLEEP and _BEGINS.match(found[4])
        ends = found[3] in _OF_SLEEP and _ENDS.match(found[4])
        if not begins and not ends:
            notes.other += 1
            continue
        notes.used += 1
        if begins:
            since = now if since is None else since
        elif since is not None:
            notes.slept(since, now, number, line)
            since = None
    if since is not None:
        notes.remark("the file ends during a sleep, which is left out: its length is not known")
