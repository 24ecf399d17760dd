"""Traces written by hand, one event a line: ``330 lost 0 lease=0 revoked reassigned``."""

from __future__ import annotations

from typing import Any, Final

from sim.model.scenario import Scenario
from sim.trace import Row, Trace
from sim.units import SECOND
from sim.vocabulary import Halt, Kind, Loss, Outcome, Truth

WORDS: Final = {
    **{each.name.lower(): ("number", each) for each in Loss},
    **{each.name.lower(): ("number", each) for each in Halt},
    **{each.name.lower(): ("value", each) for each in Truth},
    **{each.name.lower(): ("value", each) for each in Outcome},
}
LIVE: Final = ("arrive", "grant", "hold", "start")


def world(**tables: Any) -> Scenario:
    """A scenario of one slot and a 300 s lease without grace; what is traced is written by hand."""
    return Scenario.model_validate({"duration": "1000s", **tables})


def trace(text: str, end: float = 1000) -> Trace:
    """Read lines of ``<seconds> <kind> <lane[.generation]> <word or column=integer> ...``; `use` is the value.

    ``live`` stands for arrive, grant, hold and start at one instant.
    """
    rows = [row for line in text.splitlines() if line.strip() for row in _rows(*line.split())]
    return Trace(rows, round(end * SECOND))


def _rows(time: str, kind: str, who: str = "-", *words: str) -> list[Row]:
    lane, _, generation = who.partition(".")
    columns: dict[str, int] = {"number": -1, "lease": -1, "value": 0}
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            columns["value" if name == "use" else name] = int(value)
        else:
            column, number = WORDS[word]
            columns[column] = number
    name = (-1, -1) if who == "-" else (int(lane), int(generation or 0))
    if kind.startswith("fault"):
        name = (int(lane), int(generation or -1))
    at = round(float(time) * SECOND)
    kinds = LIVE if kind == "live" else (kind.replace("-", "_"),)
    return [(at, Kind[each.upper()], *name, columns["number"], columns["lease"], columns["value"]) for each in kinds]
