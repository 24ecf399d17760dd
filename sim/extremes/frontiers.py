"""The border between safe and unsafe along any parameter: exact for one fault, with intervals for a random world."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sim.errors import ScenarioError, UsageError, nearest
from sim.extremes.measuring import Measured, measured
from sim.model.load import override
from sim.model.scenario import Scenario
from sim.results.origins import Source, named
from sim.results.tables import number
from sim.story.bounds import Bound, bounds
from sim.sweeps.grid import axis
from sim.sweeps.refining import limit_of
from sim.sweeps.simulate import SWEEP_REPLICATIONS, sweep
from sim.units import FOREVER, SECOND

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Progress = Callable[[int, int], None]
COLUMNS: Final = ("value", "key", "unit", "closed", "searched", "low", "high", "n", "verdict", "replay")
BUDGET: Final = 24
"""Points at most where a rate of a random world is followed to its limit."""


@dataclass(frozen=True)
class FrontierRow:
    """One figure at one value of the parameter."""

    value: str
    key: str
    unit: str
    closed: float | None = None
    """Seconds, requests or a share; None where there is none, infinity where there is no bound."""
    searched: float | None = None
    low: float | None = None
    """The 95 % interval of a rate, and of how many replications it is."""
    high: float | None = None
    n: int | None = None
    verdict: str = ""
    """`same` or `DIFFERENT` after a search; `safe`, `unsafe` or `open` for a rate; or why there is no figure."""
    replay: str = ""

    @property
    def interval(self) -> str:
        """The interval in words."""
        if self.low is None or self.high is None:
            return ""
        return f"[{number(self.low)}, {number(self.high)}] n={self.n}"

    @property
    def cells(self) -> tuple[object, ...]:
        """The row as it is written into a table."""
        return tuple(getattr(self, name) for name in COLUMNS)


@dataclass(frozen=True)
class Frontier:
    """The figures along one parameter, as `sim.frontier` returns them."""

    scenario: str
    parameter: str
    metric: str
    rows: tuple[FrontierRow, ...]
    current: str
    """The value in use."""
    remark: str = ""

    def text(self) -> str:
        """Return the table as aligned lines, with the line that replays each row."""
        lines = [("", self.parameter, "", "closed", "searched", "", "")]
        for row in self.rows:
            cells = (_said(row.closed, row.unit), _said(row.searched, row.unit), row.interval, row.verdict)
            lines.append(("*" if row.value == self.current else "", row.value, row.key, *cells))
        widths = [max(len(line[column]) for line in lines) for column in range(7)]
        table = [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        replays = list(dict.fromkeys(f"  {row.value}: {row.replay}" for row in self.rows if row.replay))
        title = f"{self.scenario}: {self.metric} along {self.parameter}"
        return "\n".join(
            [title, *table, *([self.remark] if self.remark else []), *(["replay", *replays] if replays else [])]
        )

    __str__ = text

    def to_csv(self) -> str:
        """Return the rows as CSV."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(["" if cell is None else cell for cell in row.cells] for row in self.rows)
        return out.getvalue()

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for each value and figure."""
        import pandas as pd

        return pd.DataFrame([row.cells for row in self.rows], columns=list(COLUMNS))

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object; what has no bound is null and says so."""
        rows = []
        for row in self.rows:
            cells = dict(zip(COLUMNS, row.cells, strict=True))
            cells |= {name: None for name in ("closed", "searched") if cells[name] == float("inf")}
            rows.append(cells | {"bounded": float("inf") not in (row.closed, row.searched)})
        return {"scenario": self.scenario, "parameter": self.parameter, "metric": self.metric} | {
            "current": self.current, "rows": rows, "remark": self.remark
        }  # fmt: skip

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the figures along the parameter: where a fault is survived at any phase, at some, at none."""
        from sim.report.frontier import frontier as draw

        return draw(self.to_pandas(), self.parameter, self.metric, self.scenario, self.current, ax)


def frontier(
    scenario: Source,
    vary: Mapping[str, Sequence[object] | str],
    metric: str = "pause",
    search: bool = False,
    replications: int = SWEEP_REPLICATIONS,
    budget: int = BUDGET,
    seed: int = 1,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Frontier:
    """Follow a figure along one parameter.

    Args:
        scenario: a scenario, or the name or path of one.
        vary: one dotted key and its values, ``{"lease.ttl": "10s..10m/20"}``.
        metric: the beginning of a closed form's key, such as "pause", "outage.refused", "overlap.sleep" or
            "crash.worst" (see `sim.bounds`); or a rate of the random world with its limit, such as
            "false_terminations_per_lease_hour<=1e-2": then points are added where it crosses the limit.
        search: look for each closed form's worst case too (see `sim.measured`), and give the line that replays it.
        replications: of each point, for a rate.
        budget: points at most, for a rate.
        seed: same seed, same numbers, for a rate.
        jobs: processes, for a rate.
        progress: called with the points done and planned.
    """
    chosen, origin = named(scenario)
    if len(vary) != 1:
        raise UsageError(
            f"a frontier follows one parameter, and there are {len(vary)}", "for example lease.ttl=10s..10m/20"
        )
    (key, values), *_ = vary.items()
    if "<" in metric or ">" in metric:
        return _of_a_rate(chosen, key, values, metric, replications, budget, seed, jobs, progress)
    _known(chosen, metric)
    line = axis(key, values)
    rows: list[FrontierRow] = []
    refused: list[ScenarioError] = []
    for index, (value, label) in enumerate(zip(line.values, line.labels, strict=True)):
        try:
            world = override(chosen, {key: value})
        except ScenarioError as error:
            refused.append(error)
            rows.append(FrontierRow(label, metric, "", verdict=_refusal(error)))
            continue
        replay = f"leasesim explain {origin.also({key: label}).words()}"
        rows += _rows(world, label, metric, search, replay)
        if progress:
            progress(index + 1, len(line.values))
    if refused and len(refused) == len(line.values):
        raise refused[0]
    return Frontier(origin.title, key, metric, tuple(rows), _current(chosen, key))


def _refusal(error: ScenarioError) -> str:
    problem = error.problems[0]
    return f"refused: {problem.path} {problem.message}"


def _rows(world: Scenario, label: str, metric: str, search: bool, replay: str) -> list[FrontierRow]:
    if not search:
        found = [Measured(row, None, 0) for row in bounds(world) if _belongs(row.key, metric)]
    else:
        found = [each for each in measured(world, [metric]) if _belongs(each.bound.key, metric)]
    return [
        FrontierRow(
            label,
            each.bound.key,
            "s" if each.bound.unit == "ns" else each.bound.unit,
            _plain(each.bound.value, each.bound),
            _plain(each.value if each.value is None or each.value < each.upto_ns else FOREVER, each.bound),
            verdict=each.verdict,
            replay=(each.replay or replay) if search else replay,
        )
        for each in found
    ]


def _plain(value: float | None, bound: Bound) -> float | None:
    if value is None:
        return None
    if bound.unit == "requests":
        return float(value) if value < 2**31 - 1 else float("inf")
    if value >= FOREVER:
        return float("inf")
    return value / SECOND if bound.unit == "ns" else value


def _belongs(key: str, metric: str) -> bool:
    return key == metric or key.startswith(metric + ".")


def _known(scenario: Scenario, metric: str) -> None:
    keys = [row.key for row in bounds(scenario)]
    if any(_belongs(key, metric) for key in keys):
        return
    near = nearest(metric, {*keys, *(key.rpartition(".")[0] for key in keys)} - {""})
    hint = f"did you mean '{near}'?" if near else f"choose from: {', '.join(keys)}; or a rate with a limit"
    raise UsageError(f"no figure '{metric}' of this scenario", hint)


def _current(scenario: Scenario, key: str) -> str:
    """Return the value in use, as text, where it is one value."""
    found: Any = scenario.model_dump(mode="json")
    for step in key.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, dict) and found.get("kind") == "constant":
        found = found["value"]
    return str(found) if isinstance(found, str | int | float) else ""


def _of_a_rate(
    scenario: Scenario,
    key: str,
    values: Sequence[object] | str,
    metric: str,
    replications: int,
    budget: int,
    seed: int,
    jobs: int,
    progress: Progress | None,
) -> Frontier:
    limit = limit_of(metric)
    swept = sweep(
        scenario, {key: values}, replications, seed, jobs=jobs, refine=metric, budget=budget, progress=progress
    )
    origin = named(scenario)[1]
    rows: list[tuple[float, FrontierRow]] = []
    from sim.report.frames import sort_key

    for point in swept.points:
        if point.index not in swept.tallies:
            continue
        found = swept.replications(point)
        estimate = found.metrics[limit.metric]
        side = {-1: "safe", 0: "open", 1: "unsafe"}[limit.side(estimate)]
        label = point.values[key]
        replay = f"leasesim run {origin.also({key: label}).words()} --reps {replications} --seed {seed}"
        figures = (None, estimate.value, estimate.low, estimate.high, estimate.n)
        rows.append((sort_key(label)[1], FrontierRow(label, limit.metric, estimate.unit, *figures, side, replay)))
    ordered = tuple(row for _, row in sorted(rows, key=lambda each: each[0]))
    remark = _crossings(ordered, key, metric)
    return Frontier(origin.title, key, metric, ordered, _current(scenario, key), remark)


def _crossings(rows: Sequence[FrontierRow], key: str, metric: str) -> str:
    """Say between which values the limit is crossed: where one side is certain, and where the other is."""
    told, last = [], None
    for row in rows:
        if row.verdict == "open":
            continue
        if last is not None and last.verdict != row.verdict:
            told.append(f"between {key} = {last.value} ({last.verdict}) and {row.value} ({row.verdict})")
        last = row
    if told:
        return f"{metric} is crossed {'; '.join(told)}; each by its 95 % interval"
    sides = {row.verdict for row in rows} - {"open"}
    return f"{metric}: no crossing; {f'every decided point is {sides.pop()}' if sides else 'no point is decided'}"


def _said(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if value == float("inf"):
        return "no bound"
    return f"{value:.6g} {unit}" if unit else f"{value:.6g}"
