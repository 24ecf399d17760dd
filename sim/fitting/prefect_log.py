"""Prefect's own log at level DEBUG: ``22:14:05.123 | INFO    | httpx - HTTP Request: POST .../renew "HTTP/1.1 204``.

The console format has times of day only; one with dates is read too. Where httpcore logs as well, the time from sending
the request to its answer is a latency. A server's log, with uvicorn's lines in the same format, is read too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from sim.fitting.notes import Clock, DayCounter, Lines, Notes, nanoseconds
from sim.fitting.order import oldest_first
from sim.fitting.renewals import RENEW, Leases
from sim.units import HOUR, MILLISECOND, MINUTE, SECOND

KIND: Final = "Prefect log"
SHOWS: Final = "renewals"
_BEFORE: Final = r"(?:[\w.-]+\s+\| |\d{4}-\d\d-\d\dT[\d:.]+Z )?"
"""What containers put before a line: the name of a service, or the time at which it came."""
_LINE: Final = re.compile(
    _BEFORE + r"(?:(\d{4}-\d\d-\d\d)[ T])?(\d\d):(\d\d):(\d\d)[.,](\d{3}) \| (\w+)\s*\| "
    r"(?:(?:Flow|Task) run '[^']*'|\S+) - (.*)"
)
_STARTS: Final = re.compile(_BEFORE + r"(\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d[.,]")
_ANSWER: Final = re.compile(r'HTTP/[\d.]+("?) (\d{3})\b')
"""The client's line has the status within the quotes, the server's behind them."""
_GIVEN_UP: Final = 2 * MINUTE
"""A request that has no answer by then gets none: clients give up sooner."""
_POSTED: Final = "HTTP Request: POST "
_SENDS: Final = "send_request_headers.started request=<Request [b'POST']>"
_FAILED: Final = re.compile(
    r"Attempt \d+ of function '(?:concurrency lease renewal|renew)[^']*' failed with (\w+)(?:.*? error '(\d{3})\b)?"
)


def matches(line: str) -> bool:
    """Whether a line is of this kind beyond doubt."""
    return _LINE.match(line) is not None


def read(lines: Lines, notes: Notes) -> None:
    """Note every renewal."""
    days, clock = DayCounter(notes), Clock(notes)
    reader = _Reader(notes, days)
    for number, line in oldest_first(lines, _roughly, notes):
        found = _LINE.match(line)
        if found is None:
            if _STARTS.match(line) or "/renew" in line:
                notes.wrong(number, line, "expected: time | LEVEL | logger - message")
            elif line.strip():
                notes.other += 1
            continue
        try:
            now = _time(found, days, clock)
        except ValueError:
            notes.wrong(number, line, "there is no such time")
            continue
        notes.seen(now)
        reader.take(now, number, line, found[7])
    reader.finish()


class _Reader:
    """Goes through messages; holds back what may be told elsewhere in the file as well, until its end is seen."""

    def __init__(self, notes: Notes, days: DayCounter) -> None:
        self._notes, self._days, self._leases, self._posts = notes, days, Leases(notes), _Posts()
        self._answered = False
        self._served: list[tuple[str, str, int]] = []
        self._failed: list[str] = []

    def take(self, now: int, number: int, line: str, message: str) -> None:
        """Note what one message says of renewals."""
        renewal, failed = RENEW.search(message), _FAILED.match(message)
        if _SENDS in message:
            self._posts.send(now)
        first = self._notes.again(line, now) if renewal or failed else None
        if first is not None:
            self._days.back_to(first)
            return
        if failed and "HTTPStatusError" not in failed[1]:
            self._posts.answer(now)
        sent, mixed = self._posts.answer(now) if _POSTED in message else (None, False)
        if failed is not None:
            self._fails(failed[1], failed[2])
        elif renewal is None:
            self._notes.other += 1
        else:
            self._renews(now, number, line, renewal[2], sent, mixed)

    def _renews(self, now: int, number: int, line: str, lease: str, sent: int | None, mixed: bool) -> None:
        answer = _ANSWER.search(line)
        if answer is None:
            self._notes.wrong(number, line, "a renewal without a status")
        elif answer[1]:
            self._served.append((lease, answer[2], now))
        else:
            self._answered = True
            self._leases.renewed(lease, answer[2], now)
            if sent is not None:
                self._notes.latencies.append(now - sent)
            if mixed:
                self._notes.counts["renewals answered while several POST were under way: no round trip is taken"] += 1

    def finish(self) -> None:
        """Note what was held back, unless the client's own lines tell of it."""
        if self._answered:
            self._known("renewals that a server in the same file tells of as well, not counted again", self._served)
        else:
            for lease, status, now in self._served:
                self._leases.renewed(lease, status, now)
        if self._answered or self._served:
            self._known("failed attempts that were counted by the answers to them, not again", self._failed)
        else:
            self._notes.used += len(self._failed)
            self._notes.statuses.update(self._failed)

    def _known(self, text: str, held_back: Sequence[object]) -> None:
        self._notes.other += len(held_back)
        self._notes.counts[text] += len(held_back)

    def _fails(self, kind: str, status: str | None) -> None:
        if "HTTPStatusError" in kind:
            self._failed.append(status or kind)
        else:
            self._notes.used += 1
            self._notes.statuses[kind] += 1


class _Posts:
    """The POST requests under way; httpcore does not say which of them an answer belongs to."""

    def __init__(self) -> None:
        self._sent: list[int] = []
        self._mixed = False

    def send(self, now: int) -> None:
        """Note that one is sent."""
        self._sent.append(now)

    def answer(self, now: int) -> tuple[int | None, bool]:
        """Return when the one that is answered now was sent, if known; and whether there are several it could be."""
        self._sent = [sent for sent in self._sent if sent <= now < sent + _GIVEN_UP]
        if not self._sent:
            self._mixed = False
            return None, False
        sent = self._sent.pop(0)
        mixed = self._mixed or bool(self._sent)
        self._mixed = mixed and bool(self._sent)
        return (None, True) if mixed else (sent, False)


def _time(found: re.Match[str], days: DayCounter, clock: Clock) -> int:
    millisecond = int(found[5]) * MILLISECOND
    if found[1]:
        return clock.at(_dated(found)) + millisecond
    return days.at(_of_day(found) + millisecond)


def _roughly(line: str) -> int | None:
    """Return the time of a line, local where no zone is named, or since midnight where it has no date."""
    found = _LINE.match(line)
    with suppress(ValueError):
        if found is not None:
            second = nanoseconds(_dated(found).replace(tzinfo=UTC)) if found[1] else _of_day(found)
            return second + int(found[5]) * MILLISECOND
    return None


def _dated(found: re.Match[str]) -> datetime:
    return datetime.fromisoformat(f"{found[1]}T{found[2]}:{found[3]}:{found[4]}")


def _of_day(found: re.Match[str]) -> int:
    hour, minute, second = (int(found[at]) for at in (2, 3, 4))
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError("no time of day")
    return hour * HOUR + minute * MINUTE + second * SECOND
