"""A CSV file of round trips: a column of numbers with a unit, in its heading (``latency_ms``) or in the cells."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sim.errors import UsageError, nearest
from sim.fitting.notes import Clock, Lines, Notes, duration_ns
from sim.units import UNITS

KIND: Final = "latency samples (CSV)"
SHOWS: Final = "latencies"
_NAMES: Final = re.compile(r"(latency|latencies|rtt|duration|elapsed|response_?time|round_?trip|took|time_total|ping)")
_UNIT: Final = re.compile(
    r"(?:_|\(|\[|\s)(ns|us|ms|s|sec|secs|seconds|milliseconds|msec|m|µs|μs|usec|microseconds|nanoseconds)[)\]]?$"
)
_TIMES: Final = re.compile(r"^(time|timestamp|when|at|date)$|^date|_at$|timestamp$")
_LONG: Final = {
    "sec": "s", "secs": "s", "seconds": "s", "milliseconds": "ms", "msec": "ms", "usec": "us", "microseconds": "us",
    "µs": "us", "μs": "us", "nanoseconds": "ns",
}  # fmt: skip
_CELL: Final = re.compile(r"\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)\s*(ns|us|µs|μs|ms|s)?\s*")
_COMMA: Final = re.compile(r"\s*(\d+),(\d+)\s*[a-zµμ]*\s*")


def matches(line: str) -> bool:
    """Whether a line is the heading of such a file, or a row of nothing but a number."""
    cells = [cell.strip().strip('"').lower() for cell in line.split(",")]
    return any(_NAMES.search(cell) and not re.search(r"[/:]", cell) for cell in cells) or (
        len(cells) == 1 and bool(_CELL.fullmatch(cells[0]))
    )


def read(lines: Lines, notes: Notes) -> None:
    """Note every latency."""
    filled = [(number, text) for number, text in lines if text.strip()]
    listed = [(number, text) for number, text in filled if not text.lstrip().startswith("#")]
    notes.other += len(filled) - len(listed)
    if not listed:
        return
    separator = max(",;\t", key=listed[0][1].count)
    header = next(csv.reader([listed[0][1]], delimiter=separator))
    bare = len(header) == 1 and _CELL.fullmatch(header[0]) is not None
    column = 0 if bare else _column(header, notes.options.column)
    unit = notes.options.unit or (None if bare else _unit(header[column]))
    when = next((at for at, cell in enumerate(header) if _TIMES.search(cell.strip().lower())), None)
    clock = Clock(notes)
    rows = [(n, text, next(csv.reader([text], delimiter=separator))) for n, text in listed[0 if bare else 1 :]]
    commas = _has_commas([cells[column] for _, _, cells in rows if column < len(cells)])
    for number, text, cells in rows:
        if any(cell.strip() for cell in cells[len(header) :]):
            notes.wrong(number, text, f"{len(cells)} columns, the heading has {len(header)}")
            continue
        cell = cells[column] if column < len(cells) else ""
        found = _CELL.fullmatch(cell.replace(",", ".", 1) if commas else cell)
        if found is None:
            notes.wrong(number, text, "no latency there: 12.5 with a unit in the heading, or 12.5ms")
            continue
        its = _LONG.get(found[2], found[2]) or unit
        if its is None:
            raise UsageError(
                f"line {number}: '{cells[column].strip()}' has no unit",
                "name the column with one, such as latency_ms, or give --unit ms",
            )
        try:
            notes.latencies.append(duration_ns(found[1], UNITS[its]))
        except ValueError as error:
            notes.wrong(number, text, str(error))
            continue
        notes.used += 1
        if when is not None and when != column and when < len(cells):
            _at(cells[when], clock, notes)


def _has_commas(cells: Sequence[str]) -> bool:
    """Whether numbers are written with a decimal comma; UsageError where 1,234 might be a thousand and more."""
    found = [match for cell in cells if (match := _COMMA.fullmatch(cell))]
    if not found or any("." in cell for cell in cells):
        return False
    if all(len(match[2]) == 3 and not match[1].startswith("0") for match in found):
        raise UsageError(
            f"'{found[0][0].strip()}' could be {found[0][1]}.{found[0][2]} or {found[0][1]}{found[0][2]}",
            "write the numbers with a decimal point, and with nothing between thousands",
        )
    return True


def _at(cell: str, clock: Clock, notes: Notes) -> None:
    """A time beside a latency says which days the file covers; one that cannot be read costs no sample."""
    try:
        notes.seen(clock.at(datetime.fromisoformat(cell.strip().replace("Z", "+00:00"))))
    except ValueError:
        notes.remark("some times beside the latencies cannot be read: the range of dates leaves them out")


def _column(header: list[str], wanted: str | None) -> int:
    names = [cell.strip() for cell in header]
    if wanted is not None:
        if wanted in names:
            return names.index(wanted)
        near = nearest(wanted, names)
        raise UsageError(
            f"there is no column '{wanted}'", f"did you mean '{near}'?" if near else f"columns: {', '.join(names)}"
        )
    found = [at for at, name in enumerate(names) if _NAMES.search(name.lower())]
    if len(found) == 1 or len(names) == 1:
        return found[0] if found else 0
    raise UsageError(
        f"which column holds the latencies? {', '.join(names)}", "name it: --column NAME (or call it latency_ms)"
    )


def _unit(name: str) -> str | None:
    found = _UNIT.search(name.strip().lower())
    if found is None or found[1] == "m":
        return None
    return _LONG.get(found[1], found[1])
