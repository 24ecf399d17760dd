"""Field types of a scenario: text with a unit outside, plain numbers inside."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from sim.units import FOREVER, format_duration, parse_duration, parse_rate

UNLIMITED: Final = 2**31 - 1
"""What ``attempts = "unlimited"`` means inside."""

DURATION_PATTERN: Final = r"^\s*[+-]?\s*((\d+(\.\d+)?)\s*(ns|us|ms|s|m|h|d)\s*)+$|^forever$"


class Native(int):
    """An integer that already is in nanoseconds (from Python, not from text)."""


def _duration(value: Any) -> int:
    if isinstance(value, Native):
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(_no_unit(value))
    if not isinstance(value, str):
        raise ValueError(f'expected a duration such as "5m", got {str(value)[:40]!r}')
    return parse_duration(value)


def _no_unit(value: int | float) -> str:
    if not -1e9 < value < 1e9:
        return 'a number has no unit; write for example "5m"'
    as_seconds, shorter = f"{value}s", format_duration(round(value * 10**9))
    return f'{value} has no unit; write "{as_seconds}"' + (f' or "{shorter}"' if shorter != as_seconds else "")


def _not_negative(ns: int) -> int:
    if ns < 0:
        raise ValueError(f"must not be negative, got {format_duration(ns)}")
    return ns


def _positive(ns: int) -> int:
    if ns <= 0:
        raise ValueError(f"must be longer than zero, got {format_duration(ns)}")
    return ns


def _rate(value: Any) -> float:
    if isinstance(value, str):
        return parse_rate(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f'{value} has no unit; write "{value}/h"')
    raise ValueError(f'expected a rate such as "2/h", got {value!r}')


def _share(value: Any) -> int | float:
    """A duration stays whole nanoseconds (int); a bare number is a fraction (float)."""
    if isinstance(value, Native):
        return int(value)
    if isinstance(value, str):
        return _positive(parse_duration(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f'expected a fraction such as 0.75 or a duration such as "225s", got {value!r}')
    if not 0 < value <= 1000:
        raise ValueError(f"a fraction must be above 0 (and at most 1000), got {value}")
    return float(value)


def _attempts(value: Any) -> int:
    if value == "unlimited":
        return UNLIMITED
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f'expected a whole number of attempts or "unlimited", got {value!r}')
    if not 1 <= value <= UNLIMITED:
        raise ValueError(f"must be at least 1, got {value}")
    return value


_TEXT = PlainSerializer(format_duration, return_type=str)
_DURATION_SCHEMA = {"type": "string", "pattern": DURATION_PATTERN, "examples": ["5m", "1m30s", "250ms", "forever"]}

SignedDuration = Annotated[int, BeforeValidator(_duration), _TEXT, WithJsonSchema(_DURATION_SCHEMA)]
Duration = Annotated[
    int, BeforeValidator(lambda v: _not_negative(_duration(v))), _TEXT, WithJsonSchema(_DURATION_SCHEMA)
]
PositiveDuration = Annotated[
    int, BeforeValidator(lambda v: _positive(_duration(v))), _TEXT, WithJsonSchema(_DURATION_SCHEMA)
]
RatePerHour = Annotated[
    float,
    BeforeValidator(_rate),
    PlainSerializer(lambda rate: f"{rate!r}/h", return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*\d+(\.\d+)?([eE][+-]?\d+)?\s*/\s*[smhd]\s*$", "examples": ["2/h"]}
    ),
]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Share = Annotated[
    int | float,
    BeforeValidator(_share),
    PlainSerializer(lambda v: v if isinstance(v, float) else format_duration(v)),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _DURATION_SCHEMA], "examples": [0.75, "225s"]}
    ),
]
Attempts = Annotated[
    int,
    BeforeValidator(_attempts),
    PlainSerializer(lambda n: "unlimited" if n == UNLIMITED else n),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "unlimited"}]}),
]


def resolve_share(value: int | float, whole_ns: int) -> int:
    """Return nanoseconds: a duration as it is, a fraction of `whole_ns` rounded to the nearest nanosecond."""
    if isinstance(value, float):
        return min(FOREVER, max(1, round(value * whole_ns)))
    return value
