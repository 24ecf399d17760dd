"""Durations and rates as text: what is read, what is written, what is refused and how."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.units import (
    DAY,
    FOREVER,
    HOUR,
    MILLISECOND,
    MINUTE,
    RATE_MAX_PER_HOUR,
    SECOND,
    UNITS,
    format_duration,
    parse_duration,
    parse_rate,
    seconds,
)

WITHIN = st.integers(1 - FOREVER, FOREVER - 1)
UNIT = st.sampled_from(sorted(UNITS))


@given(WITHIN)
def test_a_duration_survives_its_text(ns: int) -> None:
    assert parse_duration(format_duration(ns)) == ns


@given(st.integers(FOREVER, 2**63))
def test_beyond_73_years_is_for_ever(ns: int) -> None:
    assert format_duration(ns) == "forever"
    assert parse_duration("forever") == parse_duration(" Forever ") == FOREVER


@given(st.integers(0, 10**6), UNIT, st.sampled_from(["", " ", "  "]), st.sampled_from(["", "+", "-", "- "]))
def test_one_number_with_a_unit(number: int, unit: str, space: str, sign: str) -> None:
    expected = number * UNITS[unit] * (-1 if "-" in sign else 1)
    if abs(expected) <= FOREVER:
        assert parse_duration(f" {sign}{number}{space}{unit} ") == expected


@given(st.lists(st.tuples(st.integers(0, 1000), UNIT), min_size=1, max_size=5))
def test_parts_add_up_in_any_order(parts: list[tuple[int, str]]) -> None:
    text = " ".join(f"{number}{unit}" for number, unit in parts)
    assert parse_duration(text) == sum(number * UNITS[unit] for number, unit in parts)


@given(st.integers(0, 10**4), st.integers(0, 10**9 - 1), st.integers(0, 9), UNIT)
def test_fractions_are_decimal_and_exact(whole: int, digits: int, zeros: int, unit: str) -> None:
    """What is less than a nanosecond is dropped."""
    fraction = "0" * zeros + str(digits)
    exact = (whole + Fraction(digits, 10 ** len(fraction))) * UNITS[unit]
    assert parse_duration(f"{whole}.{fraction}{unit}") == int(exact)


def test_durations_people_write() -> None:
    known = {
        "5m": 5 * MINUTE,
        "1m30s": 90 * SECOND,
        "250ms": 250 * MILLISECOND,
        "0.1s": 100 * MILLISECOND,
        "1.5 h": 90 * MINUTE,
        "2d 3h": 2 * DAY + 3 * HOUR,
        "-3s": -3 * SECOND,
        "0s": 0,
    }
    assert {text: parse_duration(text) for text in known} == known


def test_durations_the_way_a_person_writes_them() -> None:
    known = {90 * SECOND: "1m30s", 0: "0s", -1500: "-1us500ns", DAY + 1: "1d1ns", 25 * HOUR: "1d1h"}
    assert {ns: format_duration(ns) for ns in known} == known


BAD = [
    "",
    " ",
    "5",
    "m",
    "5 minutes",
    "5m 3",
    "1h-3m",
    "--5m",
    "1.s",
    ".5s",
    "1..5s",
    "1,5s",
    "5M",
    "1e3s",
    "nan",
    "∞",
    "5s;",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_duration_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match=r'cannot read .* write for example "5m"'):
        parse_duration(text)


def test_a_duration_too_long_is_refused() -> None:
    assert parse_duration(f"{FOREVER}ns") == FOREVER
    for text in (f"{FOREVER + 1}ns", "30000d", "999999999999999999999h"):
        with pytest.raises(ValueError, match=r'longer than 73 years; write "forever"'):
            parse_duration(text)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_duration, parse_rate):
        with contextlib.suppress(ValueError):
            assert abs(parse(text)) <= FOREVER


# ---- rates ------------------------------------------------------------------------------------------------


def test_rates_people_write() -> None:
    known = {"2/h": 2.0, "3/d": 0.125, "0/h": 0.0, "0.5 / s": 1800.0, "1e-3/h": 0.001, "6/m": 360.0, "2.5E1/H": 25.0}
    assert {text: parse_rate(text) for text in known} == known


@given(st.floats(0.0, RATE_MAX_PER_HOUR))
def test_a_rate_survives_its_text(rate: float) -> None:
    assert parse_rate(f"{rate!r}/h") == rate


@pytest.mark.parametrize("text", ["", "2", "/h", "2/", "-1/h", "2/w", "2 per h", "nan/h", "inf/h", "2/h/h", "1,5/h"])
def test_what_is_no_rate_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match=r'cannot read .* write for example "2/h"'):
        parse_rate(text)


def test_a_rate_too_high_is_refused() -> None:
    assert parse_rate("1000000000/s") == RATE_MAX_PER_HOUR
    for text in ("1000000001/s", "1e400/h"):
        with pytest.raises(ValueError, match="more than one a nanosecond"):
            parse_rate(text)


def test_seconds_are_for_people() -> None:
    assert seconds(1_500_000_000) == 1.5
