"""macOS: the output of ``pmset -g log``.

Lines are ``2026-03-02 08:15:02 +0100 Sleep  Entering Sleep state due to 'Clamshell Sleep': ... 1234 secs``: time with
offset, domain, message, and how long the state lasted. Of the domains, Sleep, Wake and DarkWake count.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from sim.fitting.notes import Lines, Notes, nanoseconds

KIND: Final = "macOS power log (pmset -g log)"
SHOWS: Final = "sleeps"
_LINE: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})\s+(\S[^\t]*?)(?:\s{2,}|\t)(.*)")
_STARTS: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
_STATES: Final = ("Sleep", "Wake", "DarkWake")
_HEADINGS: Final = re.compile(
    r"(UUID: |Time stamp|Total Sleep/Wakes|Power Management Logs|PM Logs|Sleep/Wakes since boot|\s+\S|[-=\s]*$|"
    r"Assertion status|Listed by|No kernel|Kernel Assertions|Idle sleep preventers)"
)
_TAIL: Final = re.compile(r" : Showing all currently held")


def matches(line: str) -> bool:
    """Whether a line is of this kind beyond doubt."""
    found = _LINE.match(line)
    return found is not None and (found[2] in _STATES or found[2] in ("Assertions", "Notification", "Start"))


def read(lines: Lines, notes: Notes) -> None:
    """Note every sleep."""
    asleep_since: int | None = None
    dark = 0
    for number, line in lines:
        found = _LINE.match(line)
        if found is None:
            if _STARTS.match(line) and _TAIL.search(line):
                continue
            if _STARTS.match(line) or not _HEADINGS.match(line):
                notes.wrong(number, line, "expected: date time offset, domain, message")
            continue
        try:
            now = nanoseconds(datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S %z"))
        except ValueError:
            notes.wrong(number, line, "there is no such time")
            continue
        notes.seen(now)
        state = found[2]
        if state == "Start":
            notes.started(asleep_since)
            asleep_since = None
        if state not in _STATES or (state == "Sleep" and not found[3].startswith("Entering Sleep")):
            notes.other += 1
            continue
        notes.used += 1
        if state == "Sleep":
            asleep_since = now if asleep_since is None else asleep_since
        elif asleep_since is not None:
            if state == "DarkWake" and notes.options.dark_wakes == "asleep":
                dark += 1
                continue
            notes.slept(asleep_since, now, number, line)
            asleep_since = None
    if dark:
        notes.remark(f"{dark} maintenance wakes (DarkWake) count as part of the sleep around them (--dark-wakes awake)")
    if asleep_since is not None:
        notes.remark("the file ends during a sleep, which is left out: its length is not known")
