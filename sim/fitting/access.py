"""Access logs of the endpoint that renews leases: the combined format of nginx and others, and uvicorn's.

Combined: ``10.0.0.7 - - [02/Mar/2026:08:15:02 +0100] "POST /api/.../renew HTTP/1.1" 204 0 "-" "agent"``, and after it
the request's time in seconds where the format has it, by name (``rt=0.012``, anywhere behind the agent) or else the
first number with decimals there. uvicorn by itself writes no times: then only the statuses can be used.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from sim.fitting.notes import Clock, Lines, Notes, duration_ns, nanoseconds
from sim.fitting.order import oldest_first
from sim.fitting.renewals import RENEW, Leases
from sim.units import SECOND

KIND: Final = "access log"
SHOWS: Final = "renewals"
_COMBINED: Final = re.compile(r'(?:\S+ ){3,6}?\[([^\]]+)\] "([^"]*)" (\d{3}) (\d+|-)(.*)')
_DATED: Final = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UVICORN: Final = re.compile(r'(.*?)(?:INFO:?\s+|uvicorn\.access - )\s*(?:\S+ - )?"([^"]*)" (\d{3})\b')
_ISO: Final = re.compile(r"\[?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,6}))?\s*([+-]\d\d:?\d\d|Z)?")
_QUOTED: Final = re.compile(r'(\s*"(?:[^"\\]|\\.)*"){0,2}')
"""Referer and agent, which come from outside and may hold anything."""
_NAMED: Final = re.compile(r'\b(?:rt|request_time)="?(\d+\.\d+)"?(?=[\s,;]|$)')
_BARE: Final = re.compile(r'(?:\s|^)"?(\d+\.\d+)"?(?=\s|$)')


def matches(line: str) -> bool:
    """Whether a line is of this kind beyond doubt."""
    return bool(_COMBINED.match(line) or (_UVICORN.match(line) and '"' in line and "HTTP/" in line))


def read(lines: Lines, notes: Notes) -> None:
    """Note every renewal."""
    clock, leases = Clock(notes), Leases(notes)
    for number, line in oldest_first(lines, _time, notes):
        combined, plain = _COMBINED.match(line), _UVICORN.match(line)
        if combined is None and plain is None:
            if "/renew" in line or re.match(r"(?:\S+ ){3,6}?\[", line):
                notes.wrong(number, line, "expected the combined format, or uvicorn's")
            elif line.strip():
                notes.other += 1
            continue
        try:
            now, request, status = _combined(combined) if combined else _plain(plain, clock)
        except ValueError:
            notes.wrong(number, line, "there is no such time")
            continue
        if now is not None:
            notes.seen(now)
        renewal = RENEW.match(request)
        if renewal is None:
            notes.other += 1
            continue
        if now is None:
            notes.remark("the log has no times: only the statuses were used")
        elif notes.again(line, now) is not None:
            continue
        try:
            took = _took(combined[5]) if combined else None
        except ValueError as error:
            notes.wrong(number, line, str(error))
            continue
        leases.renewed(renewal[2], status, now)
        if took is not None:
            notes.latencies.append(took)
        else:
            notes.counts["renewals without the time that the request took (nginx writes it as rt=$request_time)"] += 1


def _time(line: str) -> int | None:
    """Return the time of a line, local where no zone is named."""
    combined, plain = _COMBINED.match(line), _UVICORN.match(line)
    with suppress(ValueError):
        if combined is not None:
            return _combined(combined)[0]
        moment = _moment(plain[1]) if plain else None
        return nanoseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) if moment else None
    return None


def _combined(found: re.Match[str]) -> tuple[int, str, str]:
    return nanoseconds(_dated(found[1])), found[2], found[3]


def _dated(text: str) -> datetime:
    """Return the time of the combined format, or one in the form of ISO 8601; the months are English everywhere."""
    found = _DATED.fullmatch(text)
    if found is None:
        return _with_zone(datetime.fromisoformat(text))
    day, name, year, clock, zone = found.groups()
    return datetime.fromisoformat(f"{year}-{_MONTHS.index(name) + 1:02}-{day}T{clock}{zone}")


def _with_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment


def _took(rest: str) -> int | None:
    """Return the time of a request in nanoseconds, from what follows status and size."""
    behind = rest[_QUOTED.match(rest).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    found = _NAMED.search(behind) or _BARE.search(behind)
    return duration_ns(found[1], SECOND) if found else None


def _plain(found: re.Match[str] | None, clock: Clock) -> tuple[int | None, str, str]:
    assert found is not None
    moment = _moment(found[1])
    return clock.at(moment) if moment else None, found[2], found[3]


def _moment(text: str) -> datetime | None:
    time = _ISO.search(text)
    if time is None:
        return None
    return datetime.fromisoformat(f"{time[1]}T{time[2]}" + (f".{time[3]:0<6}" if time[3] else "") + (time[4] or ""))
