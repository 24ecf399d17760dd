"""Which key matters, and which fault: Sobol indices of every metric over a space, each with its interval."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.errors import Problem, UsageError
from sim.model.distributions import Constant, Lognormal
from sim.model.scenario import Scenario
from sim.model.systems.books import rules_of
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import HEADLINES, known
from sim.results.origins import Source, named
from sim.results.provenance import ENGINE_FOR_MANY, SEED, Provenance
from sim.results.tables import Table
from sim.sweeps.designs import unit_cube
from sim.sweeps.grid import AxesError, Point
from sim.sweeps.opening import manifest_of
from sim.sweeps.simulate import checked
from sim.sweeps.store import Store, folder_of
from sim.sweeps.study import Progress
from sim.tuning.bench import Bench, Refusals, Tallies, built, must
from sim.tuning.bounds import sides
from sim.tuning.goals import goals_of
from sim.tuning.indices import Index, Indices, Responses, indices_of
from sim.tuning.space import Knob, Over, space_of, spread
from sim.tuning.wording import short
from sim.units import format_duration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLES: Final = 64
"""Settings of each of the two samples; with k keys 2 + k times as many are simulated."""
REPLICATIONS: Final = 10
ROWS_MIN: Final = 8
"""Samples without a refused setting that there must be."""


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity:
    """Indices of every metric and key, as `sim.sensitivity` returns them. Evaluate it bare for a table."""

    scenario: Scenario
    knobs: tuple[Knob, ...]
    indices: dict[str, Indices]
    """By metric."""
    samples: int
    """Settings of each of the two samples that all of the estimate is from."""
    provenance: Provenance
    computed: int = 0
    reused: int = 0
    left_out: int = 0
    """Samples without which it had to do: a setting of theirs is refused."""
    refusals: Refusals = field(default_factory=Refusals)

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        metrics = {
            name: {
                "noise": found.noise,
                "constant": found.constant,
                "keys": {
                    knob.key: {"first": vars(first), "total": vars(total)}
                    for knob, first, total in zip(self.knobs, found.first, found.total, strict=True)
                },
                "sentence": self.sentence(name),
            }
            for name, found in self.indices.items()
        }
        over = {knob.key: knob.text for knob in self.knobs}
        counts = {"samples": self.samples, "left_out": self.left_out, "refused": self.refusals.count}
        counts |= {"computed": self.computed, "reused": self.reused}
        return {"over": over, "metrics": metrics, **counts, "provenance": self.provenance.as_json()}

    def sentence(self, metric: str) -> str:
        """Say what a metric depends on most, of what is set and of what befalls."""
        found, name = self.indices[metric], short(metric)
        if found.constant:
            return f"{name}: no key changes it over these ranges by more than the noise of the simulation"
        order = sorted(range(len(self.knobs)), key=lambda at: -found.total[at].value)
        top = order[0]
        if found.total[top].low <= 0:
            return (
                f"{name}: no key is shown to matter; {found.noise:.0%} of what varies is noise, more replications tell"
            )
        told = [f"{self.knobs[top].key} matters most for {name}: {_share(found.total[top])} of its variance"]
        told[0] += f" with what it does together with others, {_share(found.first[top])} alone"
        faulty = self.knobs[top].key.startswith("faults.")
        other = next((at for at in order if self.knobs[at].key.startswith("faults.") != faulty), None)
        if other is not None:
            kind = "settings" if faulty else "faults"
            told.append(f"of the {kind}, {self.knobs[other].key}: {_share(found.total[other])}")
        idle = [self.knobs[at].key for at in order if found.total[at].high < 0.05]
        if idle:
            told.append(f"next to nothing: {', '.join(idle)}")
        return "; ".join(told)

    def table(self) -> Table:
        """Return what `repr` shows."""
        p, settings = self.provenance, self.samples * (2 + len(self.knobs))
        heading = [
            in_words(p.title, self.scenario),
            faults_in_words(self.scenario),
            f"{settings:,} settings x {len(p.replications):,} replications on the same random numbers, seed {p.seed}, "
            f"engine {p.engine}",
        ]
        columns = ("metric", "key", "over", "alone", "95 % interval", "in all", "95 % interval")
        return Table(heading, columns, list(self._rows()), list(self._notes()), frozenset({3, 5}))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for metric, found in self.indices.items():
            if found.constant:
                yield (metric, "", "", "-", "", "-", "")
                continue
            for at in sorted(range(len(self.knobs)), key=lambda at: -found.total[at].value):
                knob, first, total = self.knobs[at], found.first[at], found.total[at]
                cells = (_percent(first.value), _interval(first), _percent(total.value), _interval(total))
                yield (metric, knob.key, knob.text, *cells)

    def _notes(self) -> Iterator[str]:
        noise = ", ".join(f"{short(name)} {found.noise:.0%}" for name, found in self.indices.items())
        refused: tuple[str, ...] = ()
        if self.left_out:
            asked = self.samples + self.left_out
            rules = "; ".join(self.refusals.lines())
            refused = (
                f"{self.left_out:,} of {asked:,} samples are left out, for a setting of theirs is refused: {rules}. "
                "What is said holds for the settings that can be",
            )
        for note in (
            *refused,
            *(self.sentence(name) for name in self.indices),
            "alone: first-order Sobol index; in all: total index, with interactions. Shares of the variance over these "
            "ranges, so other ranges give others; intervals from resampling settings and replications together",
            f"noise of the simulation, of the variance between settings: {noise}; it is taken out: each product takes "
            "its two factors from different halves of the replications",
        ):
            yield from textwrap.wrap(note, 116, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)

    def plot(self) -> Figure:
        """Draw the indices as bars, a panel for each metric."""
        from sim.report.influence import Bar, influence

        panels = {
            metric: [
                Bar(knob.key, first.value, (total.value, total.low, total.high), knob.key.startswith("faults."))
                for knob, first, total in zip(self.knobs, found.first, found.total, strict=True)
            ]
            for metric, found in self.indices.items()
            if not found.constant
        }
        return influence(panels)

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()


def sensitivity(
    scenario: Source,
    over: Over | None = None,
    metrics: Sequence[str] | str = HEADLINES,
    samples: int = SAMPLES,
    replications: int = REPLICATIONS,
    seed: int = SEED,
    engine: str = ENGINE_FOR_MANY,
    jobs: int = 1,
    out: str | os.PathLike[str] | None = None,
    resume: bool = True,
    progress: Progress | None = None,
) -> Sensitivity:
    """Estimate how much of each metric's variation over a space is due to which key: settings and faults alike.

    Args:
        scenario: a scenario, or the name or path of one.
        over: dotted keys and of each a range or values, as for `sim.tune`; by default the ttl, the renewal interval and
            the rate and length of every fault, from half to double.
        metrics: the names of what to explain.
        samples: settings of each of the two samples, a power of two; with k keys 2 + k times as many are simulated.
        replications: of each setting, the same random numbers for all.
        seed: same seed, same numbers.
        engine: "auto", the compiled one where it can run; all engines give the same results.
        jobs: processes; the result does not depend on it.
        out: a folder for what is computed, as it is computed.
        resume: reuse what is in that folder; else start it again.
        progress: called with the replications done and planned.
    """
    chosen, origin = named(scenario)
    checked(engine, seed=seed, replications=replications, jobs=jobs)
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    knobs = _checked(chosen, usual(chosen) if over is None else over, names, samples, replications)
    provenance = Provenance.of(chosen, origin, seed, tuple(range(replications)), engine)
    points, rows, refusals = _points(chosen, knobs, samples, seed)
    with ExitStack() as stack:
        store = None
        if out is not None:
            manifest = manifest_of(
                provenance, Path(origin.name).name, [axis for knob in knobs for axis in knob.described], "sensitivity"
            )
            store = stack.enter_context(Store(folder_of(out), manifest, fresh=not resume))
        total = len(points) * replications
        report = (lambda done: progress(done, total)) if progress else None
        bench = Bench(seed, engine, jobs, range(replications), store, report)
        found = [must(each, f"setting {at}") for at, each in enumerate(bench.run(points))]
        bench.seal()
    indices = {name: indices_of(_responses(name, found, rows, len(knobs)), seed) for name in names}
    return Sensitivity(chosen, knobs, indices, rows, provenance, bench.computed, bench.reused, samples - rows, refusals)


def usual(scenario: Scenario) -> dict[str, str]:
    """Return what is varied where nothing is named: ttl, interval and faults, from half to double."""
    ttl, every = scenario.lease.ttl, scenario.renewal.every
    over = {"lease.ttl": _around_duration(ttl)}
    if not any(
        rule.ties and rule.effect == "changed" and rule.follower == "renewal.every" for rule in rules_of(scenario)
    ):
        over["renewal.every"] = "0.2..0.95" if isinstance(every, float) else _around_duration(every)
    for fault in scenario.faults:
        if fault.when.rate:
            over[f"faults.{fault.name}.when.rate"] = f"{fault.when.rate / 2:g}/h..{fault.when.rate * 2:g}/h/log"
        if isinstance(fault.length, Lognormal):
            over[f"faults.{fault.name}.length.median"] = _around_duration(fault.length.median)
        elif isinstance(fault.length, Constant) and fault.length.value > 1:
            over[f"faults.{fault.name}.length.value"] = _around_duration(fault.length.value)
    return over


def _around_duration(ns: int) -> str:
    return f"{format_duration(max(1, ns // 2))}..{format_duration(2 * ns)}/log"


def _checked(scenario: Scenario, over: Over, names: Sequence[str], samples: int, replications: int) -> tuple[Knob, ...]:
    """Return the knobs; everything wrong is told at once."""
    knobs, problems = space_of(scenario, over)
    _, more = goals_of(names or None, ())
    problems += [replace(each, path="metric") for each in more if "neither less nor more" not in each.message]
    if samples < 8 or samples & (samples - 1) or samples > 2**14:
        problems.append(Problem("samples", f"must be a power of two from 8 to 16,384, got {samples:,}"))
    if replications < 4:
        problems.append(Problem("replications", f"must be at least 4, two for each half, got {replications}"))
    if problems:
        raise AxesError(problems)
    return knobs


def _points(scenario: Scenario, knobs: Sequence[Knob], samples: int, seed: int) -> tuple[list[Point], int, Refusals]:
    """Return the settings of A, of B, and of A with each column in turn from B; and how many rows these have.

    A row is left out whole where one of its settings is refused: the products are of settings of the same row.
    """
    cube = unit_cube("sobol", 2 * len(knobs), samples, seed)
    a, b = cube[:, : len(knobs)], cube[:, len(knobs) :]
    mixed = [np.where(np.arange(len(knobs)) == at, b, a) for at in range(len(knobs))]
    refusals = Refusals()
    rows: list[list[Point]] = []
    for row in zip(a, b, *mixed, strict=True):
        built_row = [_point(scenario, knobs, shares, refusals) for shares in row]
        whole = [point for point in built_row if point is not None]
        if len(whole) == len(built_row):
            rows.append(whole)
    if len(rows) < ROWS_MIN:
        rules = "; ".join(refusals.lines())
        raise UsageError(
            f"{refusals.count:,} of {samples * (2 + len(knobs)):,} settings are refused, {rules}; {len(rows)} of "
            f"{samples} rows of settings are left, and at least {ROWS_MIN} are needed",
            "narrow the ranges to where more combinations can be, or take more samples",
        )
    points = [row[block] for block in range(2 + len(knobs)) for row in rows]
    return [replace(point, index=index) for index, point in enumerate(points)], len(rows), refusals


def _point(scenario: Scenario, knobs: Sequence[Knob], shares: Sequence[float], refusals: Refusals) -> Point | None:
    """Return one setting; None where it is refused, which is noted."""
    labels = spread(knobs, [knob.at(float(share)) for knob, share in zip(knobs, shares, strict=True)])
    point = built(scenario, labels, 0)
    if isinstance(point, Point):
        return point
    refusals.note(labels, point)
    return None


def _responses(name: str, found: Sequence[Tallies], samples: int, keys: int) -> Responses:
    pairs = [sides(known(name), tallies) for tallies in found]
    shape = (2 + keys, samples, len(found[0]))
    over, under = (np.array([pair[which] for pair in pairs]).reshape(shape) for which in (0, 1))
    return Responses(over, under)


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _interval(index: Index) -> str:
    return f"{index.low:.0%} - {index.high:.0%}"


def _share(index: Index) -> str:
    return f"{index.value:.0%} ({_interval(index)})"
