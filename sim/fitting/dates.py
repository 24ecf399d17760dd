"""Dates as Windows writes them in many countries, and which of day and month comes first: decided for a whole file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from sim.errors import UsageError

ORDERS: Final = ("day-first", "month-first")
_TIME: Final = r"(\d{1,2})[:.](\d\d)[:.](\d\d)(?:\s*([AP])\.?\s?M\.?)?"
_EITHER: Final = re.compile(rf"(\d{{1,2}})([/-])(\d{{1,2}})\2(\d{{4}}),? {_TIME}", re.IGNORECASE)
_DOTTED: Final = re.compile(rf"(\d{{1,2}})\. ?(\d{{1,2}})\. ?(\d{{4}}),? {_TIME}", re.IGNORECASE)
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}})([/-]|\. ?)(\d{{1,2}})\2(\d{{1,2}})\.?,? {_TIME}", re.IGNORECASE)
_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*(Z|[+-]\d\d:?\d\d)?")
_HALVES: Final = {"오전": "AM", "午前": "AM", "上午": "AM", "오후": "PM", "午後": "PM", "下午": "PM"}
"""The halves of a day in Korean, Japanese and Chinese, where they stand before the time."""
_HALF_FIRST: Final = re.compile(rf"({'|'.join(_HALVES)})\s*(\d{{1,2}}[:.]\d\d[:.]\d\d)")
_ZONES_APART: Final = timedelta(hours=27)
"""No zone is further from UTC than 14 hours; an event is written soon after the wake that it tells of."""
_HINT: Final = f"say which comes first: --dates {ORDERS[0]} or --dates {ORDERS[1]}"


def moment(text: str, order: str | None = None) -> datetime:
    """Read a time as Windows writes it; ValueError says why it cannot be.

    Args:
        text: such as "3/2/2026 8:15:02 AM", "02.03.2026 08:15:02" or "2026-03-02T08:15:02.1234567Z".
        order: of day and month, where slashes or dashes leave that open; without it, such a date is refused unless one
            of the two is greater than 12 or both are the same.
    """
    text = _plain(text)
    either, dotted, year_first, iso = (kind.fullmatch(text) for kind in (_EITHER, _DOTTED, _YEAR_FIRST, _ISO))
    if iso is not None:
        return datetime.fromisoformat(iso[1] + (iso[2] or ""))
    if year_first is not None:
        return _built(year_first[1], year_first[3], year_first[4], year_first.groups()[4:])
    if dotted is not None:
        return _built(dotted[3], dotted[2], dotted[1], dotted.groups()[3:])
    if either is None:
        raise ValueError(f"cannot read the time '{text[:40]}'")
    first, second = int(either[1]), int(either[3])
    if order is None and first != second and max(first, second) <= 12:
        raise ValueError("day and month could be either way round; say which with --dates day-first or month-first")
    day_first = order == ORDERS[0] if order else first > 12
    month, day = (second, first) if day_first else (first, second)
    if month > 12:
        raise ValueError(f"there is no month {month}, and its dates are {ORDERS[0] if day_first else ORDERS[1]}")
    return _built(either[4], month, day, either.groups()[4:])


def order_of(texts: Sequence[str], wakes: Sequence[tuple[str, datetime]] = ()) -> tuple[str, str] | None:
    """Return which of day and month comes first in a file, and what shows it; None where no date leaves it open.

    Args:
        texts: all times of the file, in its order.
        wakes: times of events, each with the time in UTC that its message names.

    Raises:
        UsageError: the dates contradict each other, or nothing in the file tells; the hint names the option.
    """
    ways = [(text, found) for text in map(_plain, texts) if (found := _ways(text))]
    open_ones = [(text, found) for text, found in ways if len(found) == 1 or len(set(found.values())) == 2]
    if not open_ones:
        return None
    forced = {order: text for text, found in reversed(open_ones) if len(found) == 1 for order in found}
    if len(forced) == 2:
        said = ", ".join(f"'{forced[order]}' can only be {order}" for order in ORDERS)
        raise UsageError(f"its dates contradict each other: {said}", _HINT)
    if forced:
        ((order, text),) = forced.items()
        return order, f"'{text}' can be nothing else"
    standing = [order for order in ORDERS if _in_order([found[order] for _, found in ways])]
    agreeing = [order for order in ORDERS if _agrees(order, wakes)]
    for possible, why in (
        (standing, "only so do they stand in the order of time"),
        (agreeing, "only so do they agree with the times in the messages"),
    ):
        if len(possible) == 1:
            return possible[0], why
    text, found = open_ones[0]
    which = " or ".join(f"{found[order]:%Y-%m-%d}" for order in ORDERS)
    raise UsageError(f"'{text}' could be {which}, and nothing in the file tells which", _HINT)


def _ways(text: str) -> dict[str, datetime]:
    """Return what a date can mean in each order; nothing where its form leaves nothing open, or it means nothing."""
    found = {}
    for order in ORDERS if _EITHER.fullmatch(text) else ():
        with suppress(ValueError):
            found[order] = moment(text, order)
    return found


def _in_order(times: Sequence[datetime]) -> bool:
    """Whether days only rise or only fall; hours may go back when summer time ends."""
    steps = [then.date() - now.date() for now, then in pairwise(times)]
    return all(step >= timedelta(0) for step in steps) or all(step <= timedelta(0) for step in steps)


def _agrees(order: str, wakes: Sequence[tuple[str, datetime]]) -> bool:
    found = [(ways[order], wake) for text, wake in wakes if order in (ways := _ways(_plain(text)))]
    return all(abs(way.replace(tzinfo=UTC) - wake) <= _ZONES_APART for way, wake in found)


def _built(year: str, month: str | int, day: str | int, clock: Sequence[str | None]) -> datetime:
    hour, minute, second = (int(part or 0) for part in clock[:3])
    if clock[3]:
        if not 1 <= hour <= 12:
            raise ValueError("there is no such time")
        hour = hour % 12 + (12 if clock[3].upper() == "P" else 0)
    try:
        return datetime(int(year), int(month), int(day), hour, minute, second)
    except ValueError:
        raise ValueError("there is no such time") from None


def _plain(text: str) -> str:
    text = text.replace("\u200e", "").replace("\u202f", " ").replace("\xa0", " ").strip()
    return _HALF_FIRST.sub(lambda found: f"{found[2]} {_HALVES[found[1]]}", text)
