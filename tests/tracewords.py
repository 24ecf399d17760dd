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

    ``live`` stands for arrive, grant, hold and start at one instant. Lines need not be in order of time.
    """
    rows = [row for line in text.splitlines() if line.strip() for row in _rows(*line.split())]
    return Trace(sorted(rows, key=lambda row: row[0]), round(end * SECOND))


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
    run = (-1, -1) if who == "-" else (int(lane), int(generation or 0))
    if kind.startswith("fault"):
        run = (int(lane), int(generation or -1))
    at = round(float(time) * SECOND)
    kinds = LIVE if kind == "live" else (kind.replace("-", "_"),)
    return [(at, Kind[each.upper()], *run, columns["number"], columns["lease"], columns["value"]) for each in kinds]


OVERLAP = """
    0   live     0  lease=0 use=1
    100 arrive   1
    310 reap     0  lease=0 use=0
    320 grant    1  lease=1 use=1
    321 hold     1  lease=1
    330 start    1  lease=1
    400 lost     0  lease=0 revoked reassigned
    402 stop     0  revoked
    403 release  0  use=1
    404 done     0
    600 finish   1
    601 release  1  lease=1 use=0
    602 done     1
"""
"""Run 0 loses its lease at 310 s, its slot goes to run 1, and it works on until 402 s. Run 1 came at 100 s."""
BATCH = """
    0   live        0 lease=0 use=1
    0   live        1 lease=1 use=2
    0   live        2 lease=2 use=3
    290 fault_begin 0 number=0
    291 send        0 lease=0 number=0
    291 answer      0 lease=0 number=0 refused
    291 lost        0 lease=0 gave_up still_valid
    291 stop        0 gave_up
    292 send        1 lease=1 number=0
    292 answer      1 lease=1 number=0 refused
    292 lost        1 lease=1 gave_up still_valid
    292 stop        1 gave_up
    295 fault_end   0 number=0
    400 lost        2 lease=2 gave_up still_valid
    401 stop        2 gave_up
"""
OUTAGE = {"what": "outage", "when": "1/h"}
