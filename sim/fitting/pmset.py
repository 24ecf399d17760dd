"""macOS: the output of ``pmset -g log``.

Lines are ``2026-03-02 08:15:02 +0100 Sleep  Entering Sleep state due to 'Clamshell Sleep': ... 1234 secs``: time with
offset, domain, message, and how long the state lasted. Of the domains, Sleep, Wake and DarkWake count, and Start, which
is a boot. Lines need not stand in the order of time. At the end comes what keeps the machine awake at the moment.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from typing import Final

from sim.fitting.notes import Lines, Notes, nanoseconds
from sim.fitting.sleeper import Sleeper

KIND: Final = "macOS power log (pmset -g log)"
SHOWS: Final = "sleeps"
_LINE: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})\s+(\S[^\t]*?)(?:\s{2,}|\t)(.*)")
_TAIL: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})\s+: Showing all ")
_STARTS: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
_STATES: Final = ("Sleep", "Wake", "DarkWake")
_HEADINGS: Final = re.compile(
    r"(UUID: |Time stamp|PM ASL data store|Total Sleep/Wakes|Power Management Logs|PM Logs|Sleep/Wakes since boot|"
    r"\s+\S|[-=\s]*$)"
)


def matches(line: str) -> bool:
    """Whether a line is of this kind beyond doubt."""
    found = _LINE.match(line)
    return found is not None and (found[2] in _STATES or found[2] in ("Assertions", "Notification", "Start"))


def read(lines: Lines, notes: Notes) -> None:
    """Note every sleep."""
    events: list[tuple[int, int, str, str]] = []
    in_tail = False
    for number, line in lines:
        found, tail = _LINE.match(line), _TAIL.match(line)
        dated = found or tail
        if dated is None:
            if _STARTS.match(line) or not (in_tail or _HEADINGS.match(line)):
                notes.wrong(number, line, "expected: date time offset, domain, message")
            elif line.strip():
                notes.other += 1
            continue
        try:
            now = nanoseconds(datetime.strptime(dated[1], "%Y-%m-%d %H:%M:%S %z"))
        except ValueError:
            notes.wrong(number, line, "there is no such time")
            continue
        in_tail = tail is not None
        state = found[2] if found and not (found[2] == "Sleep" and not found[3].startswith("Entering Sleep")) else ""
        if state not in (*_STATES, "Start"):
            state = ""
        if not state or notes.again(line, now) is None:
            events.append((now, number, line, state))
    _followed(events, notes)


def _followed(events: list[tuple[int, int, str, str]], notes: Notes) -> None:
    late = sum(then[0] < now[0] for now, then in pairwise(events))
    if late:
        notes.counts["lines that come after one of a later time, put in order"] += late
    sleeper = Sleeper(notes)
    dark = 0
    for now, number, line, state in sorted(events, key=lambda event: event[0]):
        sleeper.at(now)
        if state:
            notes.used += 1
        else:
            notes.other += 1
        if state == "Start":
            sleeper.boots()
        elif state == "Sleep":
            sleeper.begins(state)
        elif state == "DarkWake" and notes.options.dark_wakes == "asleep":
            dark += sleeper.stirs()
        elif state:
            sleeper.ends(state, number, line)
    if dark:
        notes.remark(f"{dark} maintenance wakes (DarkWake) count as part of the sleep around them (--dark-wakes awake)")
    sleeper.finish()
