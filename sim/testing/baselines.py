"""Baselines: what a scenario did when somebody last looked, in a file that people read and version control keeps.

Every replication's sums are kept, so that a scenario of today is compared replication by replication with the one of
then, on common random numbers: what both share cancels, and a small change shows in few replications.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from filelock import FileLock

from sim.errors import ScenarioError, UsageError, nearest
from sim.metrics import METRICS, Metric, Tally, estimate
from sim.model.load import dumps, loads
from sim.model.scenario import Scenario
from sim.model.wording import spelled, spelled_key
from sim.results.measures import HEADLINES, known, sides
from sim.results.origins import Source, difference, named
from sim.results.provenance import Provenance, sha256, version
from sim.results.tables import interval, number
from sim.stats import Estimate, paired_difference, paired_ratio_difference
from sim.sweeps.simulate import replicate
from sim.testing.session import session

REPLICATIONS: Final = 200
TOLERANCE: Final = "10%"
_ABOUT: Final = (
    "# Baselines of leasesim. Written by `pytest --lease-update`; compared with by every other run. For each metric\n"
    "# `over` and `under` are what each replication added above and below the line.\n"
)


@dataclass(frozen=True)
class Baseline:
    """One entry of the file."""

    name: str
    scenario: str
    """As TOML."""
    seed: int
    version: str
    sums: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]

    @property
    def replications(self) -> int:
        """How many replications it holds."""
        return len(next(iter(self.sums.values()))[0])


@dataclass(frozen=True)
class Change:
    """One metric now against then."""

    metric: Metric
    then: float
    now: float
    difference: Estimate
    """Worse is above zero."""
    margin: float
    same: bool = False
    """Whether no replication differs."""

    @property
    def outcome(self) -> str:
        """What was shown: ``no worse``, ``worse``, or ``undecided``."""
        if self.same or self.difference.high <= self.margin:
            return "no worse"
        return "worse" if self.difference.low > self.margin else "undecided"


class Baselines:
    """A file of baselines."""

    def __init__(self, path: Path, *, update: bool = False) -> None:
        self.path, self.update = path, update

    def check(
        self,
        name: str,
        scenario: Source,
        *metrics: str,
        tolerance: str | float = TOLERANCE,
        confidence: float = 0.99,
        replications: int = REPLICATIONS,
    ) -> None:
        """Fail unless the scenario is shown to be no worse than the baseline of that name.

        Args:
            name: of the baseline; letters, digits, ``-`` and ``_``.
            scenario: a scenario, or the name or path of one.
            metrics: those that must not get worse; by default false terminations and over-allocation.
            tolerance: by how much they may: ``"10%"`` of the baseline, or a number in the metric's unit.
            confidence: of each paired interval (Bonferroni over the metrics).
            replications: how many a new baseline is made of.
        """
        __tracebackhide__ = True
        try:
            self._check(name, scenario, metrics, tolerance, confidence, replications)
        except (ScenarioError, UsageError) as error:
            raise error.with_traceback(None) from None  # what was wrong stands in the test, not in here

    def _check(
        self,
        name: str,
        scenario: Source,
        metrics: Sequence[str],
        tolerance: str | float,
        confidence: float,
        replications: int,
    ) -> None:
        __tracebackhide__ = True
        wanted = [known(metric) for metric in metrics or HEADLINES]
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise UsageError(f"a baseline cannot be named '{name}'", "letters, digits, - and _")
        _margin(tolerance, 1.0)
        if self.update:
            self._write(name, scenario, wanted, replications)
        else:
            _compare(self._read(name), scenario, wanted, tolerance, confidence)

    def _read(self, name: str) -> Baseline:
        __tracebackhide__ = True
        there = self._all()
        if name not in there:
            near = nearest(name, there)
            hint = f"did you mean '{near}'?" if near else "write it: pytest --lease-update"
            raise AssertionError(f"there is no baseline '{name}' in {self.path.name}\n  hint: {hint}")
        return there[name]

    def _all(self) -> dict[str, Baseline]:
        if not self.path.exists():
            return {}
        try:
            data = tomllib.loads(self.path.read_text("utf-8"))
            return {name: _entry(name, table) for name, table in data.items()}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, StopIteration) as error:
            raise UsageError(
                f"cannot read the baselines in '{self.path}': {error}",
                "take the file from version control, or delete it and write all of them anew: pytest --lease-update",
            ) from None

    def _write(self, name: str, scenario: Source, metrics: Sequence[Metric], replications: int) -> None:
        chosen, _ = named(scenario)
        many = replicate(scenario, replications, seed=session().seed)
        sums = {metric.name: _sums(metric, many.tallies) for metric in metrics}
        new = Baseline(name, dumps(chosen), session().seed, version(), sums)
        shown = {name: [estimate(metric, many.tallies) for metric in metrics]}
        with _turn(self.path):
            entries = {**self._all(), name: new}
            parts = ("\n" + "\n".join(_spelled(entries[key], shown.get(key))) for key in sorted(entries))
            beside = self.path.with_name(f".{self.path.name}.new")
            beside.write_text(_ABOUT + "".join(parts), "utf-8", newline="\n")
            beside.replace(self.path)
        session().told += [
            {"scenario": name, "slo": metric, "outcome": "written", **found.as_json()}
            for metric, found in zip(sums, shown[name], strict=True)
        ]


def _turn(path: Path) -> FileLock:
    """Let one process at a time change a file: workers of pytest-xdist update baselines side by side.

    The lock stays, so it is not beside the file, where it would be committed with it.
    """
    whose = f"{os.path.expanduser('~')} {path.resolve()}"  # noqa: PTH111 - Path's raises without a home
    return FileLock(Path(tempfile.gettempdir(), f"leasesim-{hashlib.sha256(whose.encode()).hexdigest()[:16]}.lock"))


def assert_no_worse_than(
    baseline: str | Path,
    name: str,
    scenario: Source,
    *metrics: str,
    tolerance: str | float = TOLERANCE,
    confidence: float = 0.99,
    update: bool = False,
) -> None:
    """Fail unless a scenario is shown to be no worse than the baseline `name` in the file `baseline`.

    Args:
        baseline: the file; ``update=True``, or ``pytest --lease-update``, writes it.
        name: which of its baselines.
        scenario: a scenario, or the name or path of one.
        metrics: those that must not get worse; by default false terminations and over-allocation.
        tolerance: by how much they may: ``"10%"`` of the baseline, or a number in the metric's unit.
        confidence: of each paired interval (Bonferroni over the metrics).
        update: write the baseline instead of comparing with it.
    """
    __tracebackhide__ = True
    file = Baselines(Path(baseline), update=update or session().update)
    file.check(name, scenario, *metrics, tolerance=tolerance, confidence=confidence)


def _compare(
    old: Baseline, scenario: Source, metrics: Sequence[Metric], tolerance: str | float, confidence: float
) -> None:
    __tracebackhide__ = True
    missing = [metric.name for metric in metrics if metric.name not in old.sums]
    if missing:
        raise AssertionError(f"the baseline '{old.name}' has no {missing[0]}\n  hint: write it: pytest --lease-update")
    many = replicate(scenario, old.replications, seed=old.seed)
    each = 1 - (1 - confidence) / len(metrics)
    changes = [_change(metric, old.sums[metric.name], many.tallies, tolerance, each) for metric in metrics]
    session().told += [_told(old, change) for change in changes]
    if any(change.outcome != "no worse" for change in changes):
        raise AssertionError("\n".join(_lines(old, many.scenario, many.provenance, changes, many.tallies)))


def _change(
    metric: Metric,
    then: tuple[Sequence[float], Sequence[float]],
    tallies: Sequence[Tally],
    tolerance: str | float,
    confidence: float,
) -> Change:
    now = _sums(metric, tallies)
    old_value, new_value = _ratio(then), _ratio(now)
    if same := now == (tuple(then[0]), tuple(then[1])):
        none = Estimate(0.0, 0.0, 0.0, metric.unit, len(tallies), "no replication differs", confidence)
        margin = _margin(tolerance, old_value)
        return Change(metric, old_value, new_value, none, margin if math.isfinite(margin) else 0.0, same)
    found = (
        paired_ratio_difference(*now, *then, metric.unit, confidence)
        if metric.under
        else paired_difference(now[0], then[0], metric.unit, confidence)
    )
    if metric.better == "high":
        found = Estimate(-found.value, -found.high, -found.low, found.unit, found.n, found.method, found.confidence)
    return Change(metric, old_value, new_value, found, _margin(tolerance, old_value))


def _margin(tolerance: str | float, value: float) -> float:
    text = str(tolerance).strip()
    share = text.endswith("%")
    try:
        size = float(text.removesuffix("%"))
    except ValueError:
        size = math.nan
    if not 0 <= size < math.inf:
        raise UsageError(f"tolerance = {tolerance!r}: cannot be read", 'write "10%", or a number in the metric\'s unit')
    return size / 100 * abs(value) if share else size


def _told(old: Baseline, change: Change) -> dict[str, Any]:
    what = f"{change.metric.name} now - then <= {number(change.margin)}"
    outcome = {"no worse": "holds", "worse": "violated", "undecided": "undecided"}[change.outcome]
    return {"scenario": old.name, "slo": what, "outcome": outcome, **change.difference.as_json()}


def _lines(
    old: Baseline, scenario: Scenario, provenance: Provenance, changes: Sequence[Change], tallies: Sequence[Tally]
) -> Iterator[str]:
    yield f"not shown to be as good as the baseline '{old.name}'"
    for change in changes:
        unit = change.metric.unit
        both = f"{number(change.then)} then, {number(change.now)} now"
        yield f"  {change.outcome:<9}  {change.metric.name}: {both}, {unit}"
        bounds = f"{number(change.difference.value)} ({interval(change.difference)})"
        level = f"{change.difference.confidence:.6g}"
        yield f"    worse by           {bounds} {unit} at {level}; allowed {number(change.margin)}"
    worst = next(change.metric for change in changes if change.outcome != "no worse")
    number_of, by = _most_changed(worst, old, tallies)
    yield f"    replications       {old.replications:,} pairs on the same random numbers"
    yield f"    most changed       #{number_of}, by {number(by)}"
    yield f"    replay             {provenance.replay(number_of)}"
    yield from _what_changed(old, scenario)
    yield "  If the change is meant: pytest --lease-update"


def _most_changed(metric: Metric, old: Baseline, tallies: Sequence[Tally]) -> tuple[int, float]:
    sign = -1 if metric.better == "high" else 1
    change = sign * (np.array(_sums(metric, tallies)[0]) - np.array(old.sums[metric.name][0]))
    return int(change.argmax()), float(change.max())


def _what_changed(old: Baseline, scenario: Scenario) -> Iterator[str]:
    try:
        then = loads(old.scenario)
    except ScenarioError:
        yield "  the scenario of then cannot be read by this version"
        return
    if sha256(then) == sha256(scenario):
        yield f"  the scenario is the same: the simulator changed ({old.version} then, {version()} now)"
        return
    changes = difference(then, scenario) or {}
    yield f"  changed since: {', '.join(f'{key} = {value}' for key, value in changes.items()) or 'the scenario'}"


def _sums(metric: Metric, tallies: Sequence[Tally]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    over, under = zip(*(sides(tally, metric) for tally in tallies), strict=True)
    return tuple(map(float, over)), tuple(map(float, under))


def _ratio(sums: tuple[Sequence[float], Sequence[float]]) -> float:
    total = sum(sums[1])
    return sum(sums[0]) / total if total else math.nan


def _entry(name: str, table: Mapping[str, Any]) -> Baseline:
    sums = {
        metric: (tuple(map(float, row["over"])), tuple(map(float, row["under"])))
        for metric, row in table["metrics"].items()
        if metric in METRICS
    }
    sizes = {len(side) for both in sums.values() for side in both}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(f"[{name}] has lists of different lengths: {sorted(sizes)}")
    return Baseline(name, str(table["scenario"]), int(table["seed"]), str(table["version"]), sums)


def _spelled(entry: Baseline, estimates: Sequence[Estimate] | None) -> Iterator[str]:
    yield f"[{spelled_key(entry.name)}]"
    yield f"version = {spelled(entry.version)}"
    yield f"seed = {entry.seed}"
    literal = "'''" not in entry.scenario
    yield f"scenario = '''\n{entry.scenario}'''" if literal else f"scenario = {spelled(entry.scenario)}"
    for at, (metric, (over, under)) in enumerate(entry.sums.items()):
        yield f"\n[{spelled_key(entry.name)}.metrics.{metric}]"
        if estimates:
            found = estimates[at]
            yield f"# {number(found.value)} ({interval(found)}, 95 %) {found.unit}, n = {found.n}"
        else:
            yield f"# {number(_ratio((over, under)))} {METRICS[metric].unit}, n = {len(over)}"
        yield f"over = [{', '.join(map(_plain, over))}]"
        yield f"under = [{', '.join(map(_plain, under))}]"


def _plain(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)
