"""One table, twice: as text for a terminal and as HTML for a notebook, from the same cells."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from sim.stats import Estimate


@dataclass(frozen=True)
class Table:
    """A heading, columns, rows, and what has to be said under them."""

    heading: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    right: frozenset[int] = frozenset()
    """Columns set flush right."""

    def text(self) -> str:
        """Return it for a terminal or a log: no colours, and plain ASCII where the cells are."""
        grid = [self.columns, *self.rows]
        widths = [max(len(row[at]) for row in grid) for at in range(len(self.columns))]
        lines = ["  " + "  ".join(self._padded(row, widths)).rstrip() for row in grid]
        return "\n".join(
            [*self.heading, "", *lines, *([""] if self.notes else []), *(f"  {note}" for note in self.notes)]
        )

    def _padded(self, row: Sequence[str], widths: Sequence[int]) -> list[str]:
        cells = enumerate(zip(row, widths, strict=True))
        return [cell.rjust(width) if at in self.right else cell.ljust(width) for at, (cell, width) in cells]

    def html(self) -> str:
        """Return it for a notebook."""
        head = "".join(f"<th{self._align(at)}>{html.escape(cell)}</th>" for at, cell in enumerate(self.columns))
        body = "".join(
            "<tr>" + "".join(f"<td{self._align(at)}>{html.escape(cell)}</td>" for at, cell in enumerate(row)) + "</tr>"
            for row in self.rows
        )
        above = "".join(f"<div>{html.escape(line)}</div>" for line in self.heading)
        below = "".join(f"<div><small>{html.escape(note)}</small></div>" for note in self.notes)
        return f"<div>{above}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}</div>"

    def _align(self, column: int) -> str:
        return f' style="text-align:{"right" if column in self.right else "left"}"'


def number(value: float) -> str:
    """Return a number to three digits, as a person would write it."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    size = abs(value)
    if size and not 1e-4 <= size < 1e6:
        return f"{value:.2e}"
    text = f"{value:.{max(0, 2 - math.floor(math.log10(size)))}f}" if size else "0"
    return (
        f"{float(text):,.0f}" if size >= 1000 else text.rstrip("0").rstrip(".") if "." in text and size >= 100 else text
    )


def interval(estimate: Estimate) -> str:
    """Return the bounds; what the data do not bound is said, not invented."""
    low, high = math.isfinite(estimate.low), math.isfinite(estimate.high)
    if low and high:
        return f"{number(estimate.low)} - {number(estimate.high)}"
    if low and estimate.value == 0:
        return "no upper bound"
    if low:
        return f"{number(estimate.low)} or more"
    if high:
        return f"{number(estimate.high)} or less"
    return "not known"
