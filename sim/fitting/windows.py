"""Windows: power events of the System log, as CSV, as text of ``wevtutil`` or of ``Get-WinEvent | Format-List``.

Kernel-Power 42 begins a sleep and 107 ends it; 506 and 507 do so for modern standby; Power-Troubleshooter 1 names both
times in its message, in UTC.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from sim.fitting.notes import Clock, Lines, Notes, merged

KIND: Final = "Windows power events"
SHOWS: Final = "sleeps"
_BEGIN: Final = ("42", "506")
_END: Final = ("107", "507")
_FIELD: Final = re.compile(r"\s*(Source|ProviderName|Date|TimeCreated|Event ID|Id|Message)\s*:\s*(.*)")
_NEXT: Final = re.compile(r"Event\[\d+\]|TimeCreated\s*:")
_SPAN: Final = re.compile(r"(Sleep|Wake) Time:\s*\W?(\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?Z)")
_KEYS: Final[Mapping[str, str]] = {
    "date": "time",
    "timecreated": "time",
    "date and time": "time",
    "source": "source",
    "providername": "source",
    "id": "id",
    "event id": "id",
    "eventid": "id",
    "message": "message",
    "description": "message",
    "task category": "message",
}
_US: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}),? (\d{1,2}):(\d\d):(\d\d)\s*([AP]M)?", re.IGNORECASE)
_DOTTED: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4}),? (\d{1,2}):(\d\d):(\d\d)")
Record = tuple[int, str, dict[str, str]]


def matches(line: str) -> bool:
    """Whether a line is of this kind beyond doubt."""
    return bool(re.search(r"Kernel-Power|Power-Troubleshooter", line)) or bool(re.match(r"Event\[\d+\]", line))


def read(lines: Lines, notes: Notes) -> None:
    """Note every sleep."""
    listed = list(lines)
    heading = next((text for _, text in listed if text.strip() and not text.startswith("#TYPE")), "")
    is_table = {"time", "id"} <= {_KEYS.get(cell.strip().strip('"').lower(), "") for cell in heading.split(",")}
    records = list(_rows(listed, heading, notes) if is_table else _blocks(listed))
    events, clock = [], Clock(notes)
    if records and len(records) > 1 and _is_newest_first(records):
        records.reverse()
    for number, text, record in records:
        if not re.search(r"Kernel-Power|Power-Troubleshooter", record.get("source", "")):
            notes.other += 1
            continue
        try:
            now = clock.at(moment(record.get("time", "")))
        except ValueError as error:
            notes.wrong(number, text, str(error))
            continue
        notes.seen(now)
        events.append((now, number, text, record))
    _paired(sorted(events, key=lambda event: event[0]), notes)


def _paired(events: list[tuple[int, int, str, dict[str, str]]], notes: Notes) -> None:
    since: int | None = None
    for now, number, text, record in events:
        event = record.get("id", "")
        if "Troubleshooter" in record["source"] and event == "1":
            _from_message(number, text, record.get("message", ""), notes)
        elif "Kernel-Power" in record["source"] and event in _BEGIN:
            notes.used += 1
            since = now
        elif "Kernel-Power" in record["source"] and event in _END:
            notes.used += 1
            if since is not None:
                notes.slept(since, now, number, text)
            since = None
        else:
            notes.other += 1
    if since is not None:
        notes.remark("the file ends during a sleep, which is left out: its length is not known")
    notes.sleeps[:] = merged(notes.sleeps)


def _from_message(number: int, text: str, message: str, notes: Notes) -> None:
    times = {name: moment(value) for name, value in _SPAN.findall(message.replace("\u200e", ""))}
    if set(times) != {"Sleep", "Wake"} or times["Wake"] < times["Sleep"]:
        notes.wrong(number, text, "Power-Troubleshooter 1 without Sleep Time and Wake Time in its message")
        return
    notes.used += 1
    start, stop = (Clock(notes).at(times[name]) for name in ("Sleep", "Wake"))
    notes.seen(start)
    notes.sleeps.append((start, stop - start))


def moment(text: str) -> datetime:
    """Read a time as Windows writes it; ValueError says why it cannot be."""
    text = text.replace("\u200e", "").replace("\u202f", " ").strip()
    us, dotted = _US.fullmatch(text), _DOTTED.fullmatch(text)
    if us is not None:
        month, day, year, hour, minute, second = map(int, us.groups()[:6])
        if us[7]:
            if not 1 <= hour <= 12:
                raise ValueError("there is no such time")
            hour = hour % 12 + (12 if us[7].upper() == "PM" else 0)
        elif month <= 12 and day <= 12 and month != day:
            raise ValueError("day and month could be either way round; export times as 2026-03-02T08:15:02")
        elif month > 12:
            month, day = day, month
        return datetime(year, month, day, hour, minute, second)
    if dotted is not None:
        day, month, year, hour, minute, second = map(int, dotted.groups())
        return datetime(year, month, day, hour, minute, second)
    shortened = re.sub(r"(\.\d{6})\d+", r"\1", text.replace("Z", "+00:00"))
    try:
        return datetime.fromisoformat(shortened)
    except ValueError:
        raise ValueError(f"cannot read the time '{text[:40]}'") from None


def _is_newest_first(records: list[Record]) -> bool:
    try:
        return moment(records[0][2].get("time", "")) > moment(records[-1][2].get("time", ""))
    except (ValueError, TypeError):
        return False


def _rows(listed: list[tuple[int, str]], heading: str, notes: Notes) -> Iterator[Record]:
    texts = iter([text for _, text in listed if not text.startswith("#TYPE")])
    first = next(number for number, text in listed if text == heading)
    rows = csv.reader(texts)
    header = [_KEYS.get(cell.strip().lower(), cell) for cell in next(row for row in rows if row)]
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        number = first + rows.line_num - 1
        if len(row) < len(header) and len(row) != len(header) - 1:
            notes.wrong(number, ",".join(row), f"{len(row)} columns, the heading has {len(header)}")
            continue
        record: dict[str, str] = {}
        for name, cell in zip(header, row, strict=False):
            record[name] = f"{record[name]} {cell}" if name in record else cell
        if len(row) > len(header):  # Event Viewer leaves the message without a heading
            record["message"] = f"{record.get('message', '')} {row[-1]}"
        yield number, ",".join(row), record


def _blocks(listed: list[tuple[int, str]]) -> Iterator[Record]:
    record: dict[str, str] = {}
    first, text, last = 0, "", ""
    for number, line in listed:
        if _NEXT.match(line):
            if record:
                yield first, text, record
            record, first, text, last = {}, number, line, ""
        found = _FIELD.match(line)
        if found is not None and _KEYS.get(found[1].lower()) not in record:
            last = _KEYS[found[1].lower()]
            record[last] = found[2].strip()
        elif last == "message" or re.match(r"\s*Description:|\s*(Sleep|Wake) Time:", line):
            record["message"] = f"{record.get('message', '')} {line.strip()}"
    if record:
        yield first, text, record
