"""Values of an axis, as a person writes them: ``1m,2m,5m``, ``0.2..0.9/8`` or ``30s..30m/log8``."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Final

from sim.errors import UsageError
from sim.units import DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, format_duration, parse_duration

COUNT_MAX: Final = 1000

_RANGE = re.compile(r"\s*(?P<low>[^.,]+(?:\.\d[^.,]*)?)\.\.(?P<high>.+?)(?:/(?P<log>log)?(?P<count>\d+))?\s*")
_SPAN = re.compile(r"\s*(?P<low>[^.,]+(?:\.\d[^.,]*)?)\.\.(?P<high>[^/]+(?:/\s*[smhd])?)(?P<log>/log)?\s*")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_QUANTITY = re.compile(rf"\s*({_NUMBER.pattern})\s*(/\s*[smhd])?\s*")
_HOW: Final = 'write values "1m,2m,5m", a range "0.2..0.9/8" or one in equal ratios "30s..30m/log8"'
_STEPS: Final = (DAY, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND)


def values_of(text: str) -> tuple[str, ...]:
    """Return the values that the text of an axis stands for, in order; UsageError says how to write it."""
    parts = [part.strip() for part in split_at_commas(text)]
    if parts == [""]:
        return ()
    if "" in parts:
        raise UsageError(f"an empty value in '{text}'", _HOW)
    return tuple(value for part in parts for value in (_range(part) if _is_range(part) else (part,)))


@dataclass(frozen=True)
class Span:
    """Everything between two ends: durations, or numbers and rates."""

    low: float
    high: float
    log: bool
    numbers: bool
    """Else durations in nanoseconds."""
    unit: str = ""
    """Of a rate, such as ``/h``."""

    def at(self, share: float, *, whole: bool = False) -> str:
        """Return the value at a share from 0 to below 1, as text."""
        if whole:
            return str(min(int(self._value(share, self.high + 1)), int(self.high)))
        value = self._value(share, self.high)
        if self.numbers:
            return f"{value:.6g}{self.unit}"
        return format_duration(_rounded(value, abs(self.high - self.low) / 200))

    def inner(self, share: float) -> float:
        """Return the value at a share as a number."""
        return self._value(share, self.high)

    def _value(self, share: float, high: float) -> float:
        return float(self.low * (high / self.low) ** share) if self.log else self.low + (high - self.low) * share


def span_of(text: str) -> Span:
    """Read a range without a number of values, ``1m..20m`` or, in equal ratios, ``1m..20m/log``."""
    match = _SPAN.fullmatch(text)
    if match is None or _RANGE.fullmatch(text) is None or re.search(r"/(log)?\d+\s*$", text):
        raise UsageError(f"cannot read '{text}' as a range to sample", 'write "1m..20m", or "1m..20m/log"')
    try:
        low, high, unit, numbers = _ends(match["low"], match["high"])
    except ValueError as error:
        raise UsageError(f"cannot read the range '{text}': {error}", _HOW) from None
    if not low < high:
        raise UsageError(f"the range '{text}' is empty", "lower end first")
    if match["log"] and low <= 0:
        raise UsageError(f"cannot read the range '{text}': equal ratios need both ends above zero", _HOW)
    return Span(low, high, bool(match["log"]), numbers, unit)


def _ends(low: str, high: str) -> tuple[float, float, str, bool]:
    first, last = _QUANTITY.fullmatch(low), _QUANTITY.fullmatch(high)
    if first is None or last is None:
        return parse_duration(low), parse_duration(high), "", False
    unit, other = first[2] or "", last[2] or ""
    if unit and other and unit != other:
        raise ValueError(f"its ends have two units, '{unit}' and '{other}'")
    return float(first[1]), float(last[1]), unit or other, True


def is_range(text: str) -> bool:
    """Whether the text of an axis is one range."""
    return len(split_at_commas(text)) == 1 and bool(text.strip()) and _is_range(text.strip())


def split_at_commas(text: str) -> list[str]:
    """Split at the commas outside of brackets and quotes: a value may itself be a table or a list."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in "[{") - (character in "]}")
            if character == "," and depth <= 0:
                parts.append("")
                continue
        parts[-1] += character
    return parts


def _is_range(part: str) -> bool:
    return ".." in part and part[0] not in "\"'[{"


def _range(part: str) -> tuple[str, ...]:
    match = _RANGE.fullmatch(part)
    if match is None:
        raise UsageError(f"cannot read '{part}' as a range", _HOW)
    low, high, count = match["low"], match["high"], match["count"]
    if count is None:
        return _whole_numbers(part, low, high)
    if not 2 <= int(count) <= COUNT_MAX:
        raise UsageError(f"the range '{part}' has {count} values", f"from 2 to {COUNT_MAX}")
    try:
        if _QUANTITY.fullmatch(low) and _QUANTITY.fullmatch(high):
            return _numbers(low, high, int(count), log=bool(match["log"]))
        return _durations(low, high, int(count), log=bool(match["log"]))
    except ValueError as error:
        raise UsageError(f"cannot read the range '{part}': {error}", _HOW) from None


def _whole_numbers(part: str, low: str, high: str) -> tuple[str, ...]:
    if not (re.fullmatch(r"\s*\d+\s*", low) and re.fullmatch(r"\s*\d+\s*", high)):
        ends = part if _SPAN.fullmatch(part) and not part.endswith("/log") else f"{low}..{high.partition('/')[0]}"
        raise UsageError(f"the range '{part}' does not say how many values", f'for example "{ends}/8" or "{ends}/log8"')
    first, last = int(low), int(high)
    if not 0 < last - first < COUNT_MAX:
        raise UsageError(f"the range '{part}' has no or too many values", f"at most {COUNT_MAX}, lower end first")
    return tuple(str(value) for value in range(first, last + 1))


def _numbers(low: str, high: str, count: int, *, log: bool) -> tuple[str, ...]:
    """Numbers, and rates such as ``1/h``."""
    first, last = _QUANTITY.fullmatch(low), _QUANTITY.fullmatch(high)
    assert first is not None
    assert last is not None
    unit, other = (match[2] or "" for match in (first, last))
    if unit and other and unit != other:
        raise ValueError(f"its ends have two units, '{unit}' and '{other}'")
    inner = [f"{value:.6g}" for value in _spaced(float(first[1]), float(last[1]), count, log=log)[1:-1]]
    return tuple(text + (unit or other) for text in (first[1], *inner, last[1]))


def _durations(low: str, high: str, count: int, *, log: bool) -> tuple[str, ...]:
    first, last = parse_duration(low), parse_duration(high)
    exact = _spaced(first, last, count, log=log)
    inner = [_rounded(value, abs(value - before)) for before, value in itertools.pairwise(exact[:-1])]
    return tuple(format_duration(value) for value in (first, *inner, last))


def _spaced(low: float, high: float, count: int, *, log: bool) -> list[float]:
    if low == high:
        raise ValueError("its two ends are the same")
    if log and min(low, high) <= 0:
        raise ValueError("equal ratios need both ends above zero")
    shares = [step / (count - 1) for step in range(count)]
    if log:
        return [float(low * (high / low) ** share) for share in shares]
    return [low + (high - low) * share for share in shares]


def _rounded(ns: float, gap_ns: float) -> int:
    """To what a person would write: whole units that are small beside the value and beside the gap to the next."""
    step = next((unit for unit in _STEPS if abs(ns) >= 20 * unit and gap_ns >= 5 * unit), 1)
    return round(ns / step) * step
