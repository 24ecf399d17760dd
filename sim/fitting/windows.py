"""Windows: power events of the System log, as CSV, as text of ``wevtutil`` or of ``Get-WinEvent | Format-List``.

Kernel-Power 42 begins a sleep and 107 ends it; 506 and 507 do so for modern standby; Power-Troubleshooter 1 names both
times in its message, in UTC.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Final

from sim.fitting.notes import Clock, Lines, Notes, merged

KIND: Final = "Windows power events"
SHOWS: Final = "sleeps"
_ENDS: Final = {"107": "42", "507": "506"}
"""What ends a sleep, and what began it; where a modern standby goes on to hibernate, one pair lies in the other."""
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
    day_first = days_come_first([record.get("time", "") for _, _, record in records])
    if day_first is not None:
        notes.remark(f"dates are read {'day' if day_first else 'month'} first, as all of them together show")
    if len(records) > 1 and _is_newest_first(records, day_first):
        records.reverse()
    for number, text, record in records:
        if not re.search(r"Kernel-Power|Power-Troubleshooter", record.get("source", "")):
            notes.other += 1
            continue
        try:
            now = clock.at(moment(record.get("time", ""), day_first))
        except ValueError as error:
            notes.wrong(number, text, str(error))
            continue
        notes.seen(now)
        events.append((now, number, text, record))
    _paired(sorted(events, key=lambda event: event[0]), notes)


def _paired(events: list[tuple[int, int, str, dict[str, str]]], notes: Notes) -> None:
    since: dict[str, int] = {}
    for now, number, text, record in events:
        event = record.get("id", "")
        if "Troubleshooter" in record["source"] and event == "1":
            _from_message(number, text, record.get("message", ""), notes)
        elif "Kernel-Power" in record["source"] and event in _ENDS.values():
            notes.used += 1
            since[event] = now
        elif "Kernel-Power" in record["source"] and event in _ENDS:
            notes.used += 1
            if (start := since.pop(_ENDS[event], None)) is not None:
                notes.slept(start, now, number, text)
        else:
            notes.other += 1
    if since:
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


def days_come_first(texts: Iterable[str]) -> bool | None:
    """Return the order of dates such as 3/2/2026, where all together show it; None where they do not.

    A part above 12 is a day. Failing that, an order by which the same dates lie a quarter as far apart is the true one:
    a week of one month, read the wrong way, is one day in each of seven months.
    """
    slashed = [found for text in texts if (found := _US.fullmatch(_plain(text)))]
    dates = {(int(found[1]), int(found[2]), int(found[3])) for found in slashed}
    dates = {parts for parts in dates if all(parts)}
    first, second = any(a > 12 for a, _, _ in dates), any(b > 12 for _, b, _ in dates)
    if first or second or not dates:
        return first if first != second else None
    by_month = _spread(date(year, a, b) for a, b, year in dates)
    by_day = _spread(date(year, b, a) for a, b, year in dates)
    return by_day < by_month if 4 * min(by_day, by_month) < max(by_day, by_month) else None


def _spread(dates: Iterable[date]) -> int:
    found = sorted(dates)
    return (found[-1] - found[0]).days


def _plain(text: str) -> str:
    return text.replace("\u200e", "").replace("\u202f", " ").strip()


def moment(text: str, day_first: bool | None = None) -> datetime:
    """Read a time as Windows writes it; ValueError says why it cannot be."""
    text = _plain(text)
    us, dotted = _US.fullmatch(text), _DOTTED.fullmatch(text)
    if us is not None:
        month, day, year, hour, minute, second = map(int, us.groups()[:6])
        if us[7]:
            if not 1 <= hour <= 12:
                raise ValueError("there is no such time")
            hour = hour % 12 + (12 if us[7].upper() == "PM" else 0)
        if day_first is not None:
            month, day = (day, month) if day_first else (month, day)
        elif not us[7] and month <= 12 and day <= 12 and month != day:
            raise ValueError("day and month could be either way round; export times as 2026-03-02T08:15:02")
        elif not us[7] and month > 12:
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


def _is_newest_first(records: list[Record], day_first: bool | None) -> bool:
    try:
        first, last = [moment(records[at][2].get("time", ""), day_first) for at in (0, -1)]
        return first > last
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
