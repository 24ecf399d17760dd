"""The one table: a row says what was measured, the figure, its unit, and how it stands to something else."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table; a row that could not be measured has a reason instead of a figure."""

    part: str
    what: str
    figure: float | None
    unit: str
    note: str = ""


def missing(part: str, what: str, reason: str) -> Row:
    """Return the row of something that is not there."""
    return Row(part, what, None, "", reason)


def show(rows: list[Row]) -> str:
    """Return rows as lines of a Markdown table."""
    lines = ["| part | what | figure | unit | note |", "| --- | --- | ---: | --- | --- |"]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    figure = "-" if row.figure is None else f"{row.figure:,.0f}" if row.figure >= 100 else f"{row.figure:.3g}"
    return f"| {row.part} | {row.what} | {figure} | {row.unit} | {row.note} |"
