"""Tidy data frames, one row a point and metric, made ready to draw: sorted values, labels, numbers as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sim.errors import UsageError, nearest
from sim.units import parse_duration, parse_rate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

OVER_ALLOCATION: Final = "over_allocation_slot_seconds_per_hour"
FALSE_TERMINATIONS: Final = "false_terminations_per_lease_hour"
ESTIMATE: Final = ("estimate", "low", "high")
NOT_PARAMETERS: Final = frozenset(
    {"metric", "title", "unit", "estimate", "low", "high", "n", "point", "method", "confidence", "identity"}
)

_TITLES: Final = {
    OVER_ALLOCATION: "Over-allocation",
    FALSE_TERMINATIONS: "False terminations",
}
_SHARES: Final = {
    "renewal.every": "lease.ttl",
    "renewal.fence_after": "lease.ttl",
    "lease.initial_ttl": "lease.ttl",
    "lease.expiry_grace": "lease.ttl",
}
"""Parameters whose plain numbers are fractions, and of what."""

Sortable = tuple[int, float, str]


def sort_key(value: object) -> Sortable:
    """Return what orders values of one parameter: numbers, durations and rates by size, then words by letters."""
    if isinstance(value, bool):
        return 1, 0.0, str(value)
    if isinstance(value, (int, float)) or hasattr(value, "__float__"):
        return _numeric(float(value))
    return _key_of(str(value).strip())


def _numeric(number: float) -> Sortable:
    """Not a number is a word: it has no size, and would not equal itself."""
    return (1, 0.0, "nan") if math.isnan(number) else (0, number, "")


@lru_cache(maxsize=1 << 16)  # a sweep has few values and many points
def _key_of(text: str) -> Sortable:
    for read in (float, lambda text: parse_duration(text) / 1e9, lambda text: parse_rate(text)):
        try:
            return _numeric(read(text))
        except ValueError:
            continue
    return 1, 0.0, text


def is_duration(value: object) -> bool:
    """Whether a value is text such as ``"5m"``."""
    if not isinstance(value, str) or value.strip().lower() == "forever":
        return False
    try:
        parse_duration(value)
    except ValueError:
        return False
    return True


def ordered(values: Iterable[object]) -> list[Any]:
    """Return the different values, in order of size."""
    different = {sort_key(value): value for value in values}
    return [different[key] for key in sorted(different)]


def ranked(column: pd.Series[Any]) -> tuple[list[Any], np.ndarray[Any, Any]]:
    """Return the different values of a column in order of size, and for each row which of them it has."""
    import numpy as np

    codes, different = column.factorize(use_na_sentinel=False)
    values = ordered(different)
    places = {sort_key(value): place for place, value in enumerate(values)}
    return values, np.array([places[sort_key(value)] for value in different], dtype=int)[codes]


def text_of(value: object) -> str:
    """Return a parameter's value as a tick's label."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def short_name(values: Mapping[Any, Any], parameters: Iterable[str]) -> str:
    """Return a point by its parameters: ``"ttl 5m, every 0.75"``; a scenario is its name alone."""
    named = ((name.rsplit(".", 1)[-1], text_of(values[name])) for name in parameters)
    return ", ".join(text if name == "scenario" else f"{name} {text}" for name, text in named)


def axis_label(parameter: str, values: Sequence[object]) -> str:
    """Return an axis label with its unit."""
    if values and all(is_duration(value) for value in values):
        return f"{parameter}  [time]"
    if parameter in _SHARES and all(sort_key(value)[0] == 0 for value in values):
        mixed = " or time" if any(is_duration(value) for value in values) else ""
        return f"{parameter}  [fraction of {_SHARES[parameter]}{mixed}]"
    return parameter


def rows_of(frame: pd.DataFrame, metric: str, needed: Iterable[str]) -> pd.DataFrame:
    """Return the rows of one metric; UsageError where it or a needed column is missing."""
    for column in ("metric", *ESTIMATE, *needed):
        if column not in frame.columns:
            known = [name for name in frame.columns if name not in NOT_PARAMETERS]
            raise UsageError(f"the data have no column '{column}'", _instead(column, known))
    chosen = frame[frame["metric"] == metric]
    if chosen.empty:
        names = [str(name) for name in frame["metric"].unique()]
        raise UsageError(f"the data have no metric '{metric}'", _instead(metric, names))
    return chosen


def _instead(word: str, known: Sequence[str]) -> str | None:
    guess = nearest(word, known)
    if guess is not None:
        return f"did you mean '{guess}'?"
    return f"known: {', '.join(known)}" if known else None


def parameters_of(frame: pd.DataFrame) -> list[str]:
    """Return the columns that are swept parameters and take more than one value."""
    return [
        str(column)
        for column in frame.columns
        if column not in NOT_PARAMETERS and len(ordered(frame[column].unique())) > 1
    ]


def one_row_each(rows: pd.DataFrame, drawn: Sequence[str]) -> None:
    """Raise UsageError where two rows would be drawn at one place."""
    import numpy as np

    places = np.zeros(len(rows), dtype=int)
    for name in drawn:
        values, ranks = ranked(rows[name])
        places = places * len(values) + ranks
    if np.diff(np.sort(places)).all():
        return
    others = [name for name in parameters_of(rows) if name not in drawn]
    hint = f"choose one value of {' and of '.join(others)} first" if others else "does the table hold a point twice?"
    raise UsageError(f"several points have the same {' and '.join(drawn)}", hint)


def matches(row: Mapping[Any, Any], current: Mapping[str, object] | None) -> bool:
    """Whether a row is the current setting, as far as the two name the same parameters."""
    if not current:
        return False
    common = [name for name in current if name in row]
    return bool(common) and all(sort_key(row[name]) == sort_key(current[name]) for name in common)


def unit_of(rows: pd.DataFrame) -> str:
    """Return the unit of a metric's rows."""
    return str(rows["unit"].iloc[0]) if "unit" in rows.columns and len(rows) else ""


def title_of(metric: str) -> str:
    """Return what a metric is called in a title."""
    if metric in _TITLES:
        return _TITLES[metric]
    for ending in ("_per_lease_hour", "_per_hour", "_per_run", "_slot_seconds"):
        metric = metric.removesuffix(ending)
    return metric.replace("_", " ").capitalize()


def with_unit(metric: str, unit: str) -> str:
    """Return title and unit: ``"False terminations [1/lease-h]"``."""
    return f"{title_of(metric)}  [{unit}]" if unit else title_of(metric)


def number(value: float, digits: int = 2) -> str:
    """Return a number to a few digits, short enough for a cell."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    if not 10 ** (-digits - 1) <= size < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{value:,.{decimals}f}"


def estimate_text(estimate: float, high: float) -> str:
    """Return an estimate for a cell; where nothing was seen, the bound that the data give."""
    if estimate == 0:
        return f"≤ {number(high)}" if math.isfinite(high) else "0 seen"
    return number(estimate)
