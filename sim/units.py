"""Time inside the simulator is an integer number of nanoseconds; text stands only at the edge."""

from __future__ import annotations

import re
from typing import Final

NANOSECOND: Final = 1
MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

UNITS: Final[dict[str, int]] = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
}
RATE_MAX_PER_HOUR: Final = 3.6e12
FOREVER: Final = 2**61
"""Longer than any simulation (73 years); twice of it still fits a signed 64-bit integer."""

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h|d)")
_WHOLE = re.compile(rf"\s*([+-]?)\s*((?:{_PART.pattern}\s*)+)")
_RATE = re.compile(r"\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*/\s*(s|m|h|d)\s*", re.IGNORECASE)
_HOW = 'write for example "5m", "1m30s" or "250ms" (units: ns us ms s m h d)'


def parse_duration(text: str) -> int:
    """Return the nanoseconds that `text` such as ``"1m30s"`` stands for; ValueError says how to write it."""
    if text.strip().lower() == "forever":
        return FOREVER
    whole = _WHOLE.fullmatch(text)
    if whole is None:
        raise ValueError(f'cannot read "{text}" as a duration; {_HOW}')
    total = sum(_nanoseconds(number, unit) for number, unit in _PART.findall(whole[2]))
    if total > FOREVER:
        raise ValueError(f'"{text}" is longer than 73 years; write "forever"')
    return -total if whole[1] == "-" else total


def _nanoseconds(number: str, unit: str) -> int:
    """Exact decimal arithmetic: ``"0.1s"`` is 100,000,000 ns, whatever binary fractions say."""
    whole, _, fraction = number.partition(".")
    scale = UNITS[unit]
    return int(whole) * scale + (int(fraction) * scale // 10 ** len(fraction) if fraction else 0)


def format_duration(ns: int) -> str:
    """Write nanoseconds the way a person would: ``"1m30s"``; `parse_duration` reads it back exactly."""
    if ns >= FOREVER:
        return "forever"
    if ns == 0:
        return "0s"
    sign, rest, parts = ("-" if ns < 0 else ""), abs(ns), []
    for unit in ("d", "h", "m", "s", "ms", "us", "ns"):
        count, rest = divmod(rest, UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return sign + "".join(parts)


def parse_rate(text: str) -> float:
    """Return events per hour for text such as ``"2/h"``, ``"3/d"`` or ``"0/h"``."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f'cannot read "{text}" as a rate; write for example "2/h" or "3/d" (per s, m, h or d)')
    rate = float(match[1]) * (HOUR / UNITS[match[2].lower()])
    if rate > RATE_MAX_PER_HOUR:
        raise ValueError(f'"{text}" is more than one a nanosecond')
    return rate


def seconds(ns: float) -> float:
    """Convert nanoseconds to seconds, for people and for statistics, never back into the simulation."""
    return ns / SECOND
