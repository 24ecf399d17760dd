"""Windows: power events of the System log, as CSV, as text of ``wevtutil`` or of ``Get-WinEvent | Format-List``.

Kernel-Power 42 begins a sleep and 107 ends it; 506 and 507 do so for modern standby, which may turn into a sleep;
Power-Troubleshooter 1 names both times in its message, in UTC. Kernel-General 12 and Kernel-Power 41 are boots.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from typing import Final

from sim.errors import UsageError
from sim.fitting.dates import moment, order_of
from sim.fitting.notes import Clock, Lines, Notes, nanoseconds
from sim.fitting.sleeper import Sleeper
from sim.fitting.zones import zone_shown

KIND: Final = "Windows power events"
SHOWS: Final = "sleeps"
_SOURCES: Final = re.compile(r"Kernel-Power|Power-Troubleshooter|Kernel-General")
_BEGIN: Final = ("42", "506")
_END: Final = ("107", "507")
_BOOTS: Final = (("Kernel-General", "12"), ("Kernel-Power", "41"))
_FIELD: Final = re.compile(r"\s*(Source|ProviderName|Date|TimeCreated|Event ID|Id|Message|Description)\s*:\s*(.*)")
_HEADING: Final = re.compile(r"Event\[\d+\]|\s+Log Name:")
_LISTED: Final = re.compile(r"\w+\s+: ")
"""A field of Format-List; wevtutil writes no space before the colon."""
_TIMES: Final = re.compile(r":\s*(\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?Z)")
_EXPORTED: Final = (
    "export them with Get-WinEvent ... | Select TimeCreated,Id,ProviderName,Message | Export-Csv power.csv"
)
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
    "datum und uhrzeit": "time",
    "quelle": "source",
    "ereignis-id": "id",
    "aufgabenkategorie": "message",
}
Record = tuple[int, str, dict[str, str]]
"""The number and text of its first line, and its fields."""


def matches(line: str) -> bool:
    """Whether a line is of this kind beyond doubt."""
    return bool(re.search(r"Kernel-Power|Power-Troubleshooter", line)) or bool(re.match(r"Event\[\d+\]", line))


def read(lines: Lines, notes: Notes) -> None:
    """Note every sleep."""
    listed = list(lines)
    heading = next((text for _, text in listed if text.strip() and not text.startswith("#TYPE")), "")
    separator = max(",;\t", key=heading.count)
    is_table = {"time", "id"} <= {_KEYS.get(cell.strip().strip('"').lower(), "") for cell in heading.split(separator)}
    records = list(_rows(listed, heading, separator, notes) if is_table else _blocks(listed))
    if not records and not notes.bad:
        raise UsageError("it tells of events, and no field of them has a name that is known", _EXPORTED)
    records = [record for record in records if _tells_of_power(*record, notes)]
    order = _order(records, notes)
    if _is_newest_first(records, order):
        records.reverse()
    zone, events, clock = _zone(records, order, notes), [], Clock(notes)
    for number, text, record in records:
        try:
            time = moment(record.get("time", ""), order)
            time = time.replace(tzinfo=zone) if zone and not time.utcoffset() else time
            events.append((clock.at(time), number, text, record))
        except ValueError as error:
            notes.wrong(number, text, str(error))
    _followed(sorted(events, key=lambda event: event[0]), notes)


def _tells_of_power(number: int, text: str, record: dict[str, str], notes: Notes) -> bool:
    """Whether an event is of a source that matters; one that does not say its source or number is noted as wrong."""
    if "source" not in record or not record.get("id"):
        notes.wrong(number, text, f"an event without its {'number' if record.get('source') else 'source'}")
        return False
    if _SOURCES.search(record["source"]) is None:
        notes.other += 1
        return False
    return True


def _order(records: Sequence[Record], notes: Notes) -> str | None:
    """Return whether days or months come first in the dates of the file."""
    if notes.options.dates is not None:
        notes.remark(f"the dates are {notes.options.dates}, as was said")
        return notes.options.dates
    spans = [(record.get("time", ""), _span(record)) for _, _, record in records]
    found = order_of([time for time, _ in spans], [(time, span[1]) for time, span in spans if span])
    if found is None:
        return None
    notes.remark(f"the dates are {found[0]}: {found[1]} (else give --dates)")
    return found[0]


def _zone(records: Sequence[Record], order: str | None, notes: Notes) -> timezone | None:
    """Return the zone that the messages show: one that is not known would part what is told twice, in UTC and not."""
    pairs = []
    for _, _, record in records:
        with suppress(ValueError):
            if span := _span(record):
                pairs.append((moment(record.get("time", ""), order), span[1]))
    return zone_shown(pairs, notes)


def _followed(events: list[tuple[int, int, str, dict[str, str]]], notes: Notes) -> None:
    """Note sleeps: those of modern standby may hold one of the other kind, so each kind is paired by itself."""
    deep, standby = Sleeper(notes), Sleeper(notes)
    for now, number, text, record in events:
        source, event = record["source"], record["id"]
        deep.at(now)
        standby.at(now)
        if any(name in source and event == its for name, its in _BOOTS):
            notes.used += 1
            deep.boots()
            standby.boots()
            continue
        sleeper = standby if event in ("506", "507") else deep
        if "Troubleshooter" in source and event == "1":
            _from_message(number, text, record, notes)
        elif "Kernel-Power" in source and event in _BEGIN:
            notes.used += 1
            sleeper.begins(event)
        elif "Kernel-Power" in source and event in _END:
            notes.used += 1
            sleeper.ends(event, number, text)
        else:
            notes.other += 1
    deep.finish()
    standby.finish()


def _from_message(number: int, text: str, record: dict[str, str], notes: Notes) -> None:
    span = _span(record)
    if span is None or span[1] < span[0]:
        notes.wrong(number, text, "Power-Troubleshooter 1 without Sleep Time and Wake Time in its message")
        return
    notes.used += 1
    start, stop = map(nanoseconds, span)
    notes.seen(start)
    notes.seen(stop)
    notes.sleeps.append((start, stop - start))


def _span(record: dict[str, str]) -> tuple[datetime, datetime] | None:
    """Return when a sleep began and ended, where the event says so in its message, in that order in any language."""
    if "Troubleshooter" not in record.get("source", "") or record.get("id") != "1":
        return None
    try:
        times = [moment(value) for value in _TIMES.findall(record.get("message", "").replace("\u200e", ""))]
    except ValueError:
        return None
    return (times[0], times[1]) if len(times) == 2 else None


def _is_newest_first(records: Sequence[Record], order: str | None) -> bool:
    times = []
    for _, _, record in records:
        with suppress(ValueError):
            times.append(moment(record.get("time", ""), order))
    with suppress(TypeError):  # some times have a zone, others none
        return bool(times) and times[0] > times[-1]
    return False


def _rows(listed: list[tuple[int, str]], heading: str, separator: str, notes: Notes) -> Iterator[Record]:
    texts = iter([text for _, text in listed if not text.startswith("#TYPE")])
    first = next(number for number, text in listed if text == heading)
    rows = csv.reader(texts, delimiter=separator)
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
    """Yield events of wevtutil, each under a heading, or of Format-List, where a field that repeats begins one."""
    record: dict[str, str] = {}
    first, text, last = 0, "", ""
    for number, line in listed:
        found = _FIELD.match(line)
        key = _KEYS[found[1].lower()] if found else ""
        repeats = key in record and _LISTED.match(line)
        if _HEADING.match(line) or repeats:
            if "source" in record or repeats:
                yield first, text, record
            record, last = {}, ""
        if not record and line.strip():
            first, text = number, line
        if found is not None and key not in record:
            last = key
            record[last] = found[2].strip()
        elif last == "message":
            record["message"] = f"{record.get('message', '')} {line.strip()}"
    if record:
        yield first, text, record
