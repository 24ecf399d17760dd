"""Linux: suspend and resume in the journal, ``journalctl -o short-iso`` (or ``short-iso-precise``).

systemd-sleep writes "Entering sleep state 'suspend'..." and "System returned from sleep operation"; the kernel
"PM: suspend entry (deep)" and "PM: suspend exit". The kernel's entry is often stamped only after the wake, because the
journal was frozen with the rest; so the earliest sign of a sleep and the first of its end count. Between boots stands
"-- Boot 0123... --" (formerly "-- Reboot --"), and the kernel begins with "Linux version". With ``-r`` the newest line
stands first, and the same between boots.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Final

from sim.errors import UsageError
from sim.fitting.notes import Lines, Notes, nanoseconds
from sim.fitting.order import oldest_first
from sim.fitting.sleeper import Sleeper

KIND: Final = "Linux journal (journalctl -o short-iso)"
SHOWS: Final = "sleeps"
_LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[+-]\d\d:?\d\d|Z)) (\S+) ([^:]+?)(?:\[\d+\])?: (.*)"
)
_STARTS: Final = re.compile(r"\d{4}-\d\d-\d\dT")
_OTHERWISE: Final = re.compile(
    r"(?!\d{4}-)\S.* (kernel|systemd|systemd-sleep|systemd-logind)(\[\d+\])?: |\{.*__REALTIME_TIMESTAMP"
)
"""A line of the journal in one of its other forms, whose times are of any language, or count from the boot."""
_BEGINS: Final = re.compile(
    r"(PM: (suspend|hibernation: hibernation) entry|Entering sleep state|Performing sleep operation|Suspending system)"
)
_ENDS: Final = re.compile(
    r"(PM: (suspend|hibernation: hibernation) exit|System returned from sleep (state|operation)|System resumed)"
)
_OF_SLEEP: Final = ("kernel", "systemd-sleep")
_BOOT: Final = re.compile(r"-- (Boot|Reboot)\b")


def matches(line: str) -> bool:
    """Whether a line is of this kind beyond doubt."""
    found = _LINE.match(line)
    return bool(_OTHERWISE.match(line)) or (
        found is not None and found[3] in (*_OF_SLEEP, "systemd", "systemd-logind", "NetworkManager")
    )


def read(lines: Lines, notes: Notes) -> None:
    """Note every suspend."""
    sleeper = Sleeper(notes)
    booting = announced = False
    hosts: list[str] = []
    for number, line in oldest_first(lines, _time, notes):
        found = _LINE.match(line)
        if found is None:
            if _BOOT.match(line):
                booting = announced = True
            _undated(number, line, notes)
            continue
        try:
            now = _moment(found)
        except ValueError:
            notes.wrong(number, line, "there is no such time")
            continue
        process, message = found[3], found[4]
        starts = process == "kernel" and message.startswith("Linux version")
        begins = _BEGINS.match(message) if process in _OF_SLEEP else None
        ends = _ENDS.match(message) if process in _OF_SLEEP else None
        if (starts or begins or ends) and notes.again(line, now) is not None:
            continue
        if (begins or ends) and hosts[-1:] != [found[2]]:
            _refuse_several([*hosts, found[2]])
            hosts.append(found[2])
        sleeper.at(now)
        if booting or (starts and not announced):
            sleeper.boots()
        booting, announced = False, announced and not starts
        if begins:
            sleeper.begins(begins[0])
        elif ends:
            sleeper.ends(ends[0], number, line)
        if begins or ends or starts:
            notes.used += 1
        else:
            notes.other += 1
    sleeper.finish()


def _refuse_several(hosts: list[str]) -> None:
    """Refuse sleeps of several machines; one that was given another name does not get the old one back."""
    if len(set(hosts)) < len(hosts):
        names = ", ".join(dict.fromkeys(hosts))
        raise UsageError(
            f"it tells of sleeps of several machines, taken in turn: {names}",
            f"fit the log of each by itself: journalctl _HOSTNAME={hosts[-1]} -o short-iso",
        )


def _moment(found: re.Match[str]) -> int:
    return nanoseconds(datetime.fromisoformat(found[1].replace(",", ".")))


def _time(line: str) -> int | None:
    found = _LINE.match(line)
    with suppress(ValueError):
        return _moment(found) if found else None
    return None


def _undated(number: int, line: str, notes: Notes) -> None:
    if _OTHERWISE.match(line):
        notes.wrong(number, line, "a form without year, zone or both; write the log with journalctl -o short-iso")
    elif _STARTS.match(line) or not re.match(r"(-- |\s|$)", line):
        notes.wrong(number, line, "expected: time with offset, host, process: message")
    elif line.strip():
        notes.other += 1
