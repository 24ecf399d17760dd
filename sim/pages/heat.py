"""Heat maps as tables: every cell says its number, and on hover or focus its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sim.pages.rows import NAMES, Row, unit
from sim.report import frames
from sim.results.measures import HEADLINES
from sim.results.tables import interval, number
from sim.stats import Estimate

SHADES: Final = 8
"""Steps from the lightest, the best, to the darkest."""
_CELLS_MAX: Final = 400
_LINEAR: Final = 4.0


@dataclass(frozen=True)
class Cell:
    """One setting's place in a heat map."""

    text: str
    between: str
    """The interval alone, to be set small."""
    shade: int
    """0 is the lightest; the style sheet has a colour for each."""
    hint: str
    today: bool


@dataclass(frozen=True)
class HeatMap:
    """One metric over two keys; `cells` by line, None where there is no point."""

    title: str
    unit: str
    x: str
    y: str
    columns: Sequence[str]
    lines: Sequence[str]
    cells: Sequence[Sequence[Cell | None]]


def heat_maps(rows: Sequence[Row]) -> list[HeatMap]:
    """Return one map for each of the two rates, where two keys and nothing else were varied."""
    keys = list(rows[0].values)
    if len(keys) != 2:
        return []
    columns, lines = [frames.ordered(row.values[key] for row in rows) for key in keys]
    if len(columns) * len(lines) > _CELLS_MAX or 2 * len(rows) < len(columns) * len(lines):
        return []  # a design that fills the plane is no grid: most cells would be empty
    places = {(row.values[keys[0]], row.values[keys[1]]): row for row in rows}
    return [_heat_map(metric, keys, columns, lines, places) for metric in HEADLINES]


def _heat_map(
    metric: str, keys: Sequence[str], columns: Sequence[str], lines: Sequence[str], places: Mapping[Any, Row]
) -> HeatMap:
    shade = _shades([row.estimates[metric].value for row in places.values()])
    cells = [[_cell(places.get((column, line)), metric, shade) for column in columns] for line in lines]
    return HeatMap(NAMES[metric].capitalize(), unit(metric), keys[0], keys[1], columns, lines, cells)


def _cell(row: Row | None, metric: str, shade: Any) -> Cell | None:
    if row is None:
        return None
    estimate = row.estimates[metric]
    today = "; today's setting" if row.today else ""
    text = frames.estimate_text(estimate.value, estimate.high)
    between = interval(estimate) if estimate.value else f"n = {estimate.n:,}"
    return Cell(text, between, shade(estimate.value), f"{row.label}: {in_full(estimate)}{today}", row.today)


def in_full(estimate: Estimate) -> str:
    """Return an estimate with unit, interval and sample size."""
    return f"{number(estimate.value)} {estimate.unit}, 95 % interval {interval(estimate)}, n = {estimate.n:,}"


def _shades(values: Sequence[float]) -> Any:
    """Return what gives a value its shade: by ratio where values differ much, else by size."""
    positive = [value for value in values if math.isfinite(value) and value > 0]
    low, high = min(positive, default=0.0), max(positive, default=1.0)
    wide = low > 0 and high > _LINEAR * low

    def shade(value: float) -> int:
        if not value > 0:
            return 0
        share = math.log(value / low) / math.log(high / low) if wide else value / high
        return min(SHADES - 1, max(0, round(share * (SHADES - 1))))

    return shade
