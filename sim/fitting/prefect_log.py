"""Prefect's own log at level DEBUG: ``22:14:05.123 | INFO    | httpx - HTTP Request: POST .../renew "HTTP/1.1 204``.

The console format has times of day only; one with dates is read too. Where httpcore logs as well, the time from sending
the request to its answer is a latency.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Final

from sim.fitting.notes import Clock, DayCounter, Lines, Notes
from sim.fitting.renewals import RENEW, Leases
from sim.units import HOUR, MILLISECOND, MINUTE, SECOND

KIND: Final = "Prefect log"
SHOWS: Final = "renewals"
_LINE: Final = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)[ T])?(\d\d):(\d\d):(\d\d)[.,](\d{3}) \| (\w+)\s*\| "
    r"(?:(?:Flow|Task) run '[^']*'|\S+) - (.*)"
)
_STARTS: Final = re.compile(r"(\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d[.,]")
_ANSWER: Final = re.compile(r'HTTP/[\d.]+"? (\d{3})')
_SENDS: Final = "send_request_headers.started request=<Request [b'POST']>"
_FAILED: Final = re.compile(r"Attempt \d+ of function '(?:concurrency lease renewal|renew)\S*' failed with (\w+)")


def matches(line: str) -> bool:
    """Whether a line is of this kind beyond doubt."""
    return _LINE.match(line) is not None


def read(lines: Lines, notes: Notes) -> None:
    """Note every renewal."""
    days, clock, leases = DayCounter(notes), Clock(notes), Leases(notes)
    refused: Counter[str] = Counter()
    sent: int | None = None
    for number, line in lines:
        found = _LINE.match(line)
        if found is None:
            if _STARTS.match(line) or "/renew" in line:
                notes.wrong(number, line, "expected: time | LEVEL | logger - message")
            else:
                notes.other += 1
            continue
        try:
            now = _time(found, days, clock)
        except ValueError:
            notes.wrong(number, line, "there is no such time")
            continue
        notes.seen(now)
        message = found[7]
        request, failed = RENEW.search(message), _FAILED.match(message)
        if _SENDS in message:
            sent = now
        if failed is not None:
            notes.used += 1
            refused[failed[1]] += 1
        elif request is None:
            notes.other += 1
        else:
            answer = _ANSWER.search(message)
            if answer is None:
                notes.wrong(number, line, "a renewal without a status")
                continue
            leases.renewed(request[2], answer[1], now)
            if sent is not None:
                notes.took(now - sent)
                sent = None
    if any(status[0] in "45" for status in notes.statuses):  # httpx told each of these by its status
        refused.pop("PrefectHTTPStatusError", None)
    notes.statuses += refused


def _time(found: re.Match[str], days: DayCounter, clock: Clock) -> int:
    hour, minute, second, millisecond = (int(found[at]) for at in (2, 3, 4, 5))
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError("no time of day")
    if found[1]:
        day = datetime.fromisoformat(f"{found[1]}T{found[2]}:{found[3]}:{found[4]}")
        return clock.at(day) + millisecond * MILLISECOND
    return days.at(hour * HOUR + minute * MINUTE + second * SECOND + millisecond * MILLISECOND)
