"""Estimates as data frames, as JSON and as CSV: one row a metric, bounds beside the estimate, the unit in the row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sim.stats import Estimate

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("metric", "unit", "estimate", "low", "high", "n")
Row = tuple[str, str, float, float, float, int]


def rows_of(estimates: Mapping[str, Estimate]) -> list[Row]:
    """Return one row a metric, in the order of `COLUMNS`."""
    return [(name, e.unit, e.value, e.low, e.high, e.n) for name, e in estimates.items()]


def of_metrics(estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    """Return one row a metric."""
    import pandas as pd

    return pd.DataFrame(rows_of(estimates), columns=list(COLUMNS))


def as_json(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return ``{"name": {"estimate", "low", "high", "unit", "n"}}``."""
    return {name: estimate.as_json() for name, estimate in estimates.items()}


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return CSV text; numbers to the last digit, so that equal results are equal files."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def _cell(value: object) -> object:
    return repr(value) if isinstance(value, float) else value
