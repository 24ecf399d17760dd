"""What tuning came to, as `sim.tune` returns it: one recommendation, why, how it was confirmed, and all candidates."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.results import frames
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import difference, known
from sim.results.provenance import Provenance
from sim.results.tables import Table, interval, number
from sim.stats import Estimate
from sim.tuning.bench import Refusals, label_of
from sim.tuning.choosing import SHORT, SIMULTANEOUS, Checked, Exclusion
from sim.tuning.goals import Goals
from sim.tuning.judging import Candidate, front_of
from sim.tuning.snippet import snippet
from sim.tuning.space import Knob
from sim.tuning.wording import excluded_in_words, reason, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_FRONT_ROWS = 12
_WIDE = 116


@dataclass(frozen=True, eq=False, repr=False)
class Tuned:
    """A search and its end. Evaluate it bare for a table."""

    knobs: tuple[Knob, ...]
    goals: Goals
    confidence: float
    candidates: tuple[Candidate, ...]
    """Everything looked at; the first is today's setting."""
    checked: tuple[Checked, ...]
    """The short list, on fresh random numbers."""
    today: Candidate
    """Today's setting on the same fresh random numbers."""
    limits: tuple[float, ...]
    """The bound of each constraint at today's setting."""
    chosen: Checked | None
    """The recommended one; None where none is confirmed."""
    exclusions: tuple[Exclusion, ...]
    """How each constraint stands, where none is confirmed."""
    refusals: Refusals
    now: Mapping[str, str]
    """What each knob stands at today."""
    standing: Mapping[str, str]
    """What the preset says of knobs that it knows."""
    remarks: tuple[str, ...]
    provenance: Provenance
    fresh: Provenance
    """Of the confirmation: another seed."""
    computed: int = 0
    reused: int = 0
    out: Path | None = field(default=None)

    @property
    def recommended(self) -> dict[str, str] | None:
        """The recommended value of each key as text; None where no setting is confirmed."""
        return dict(self.chosen.searched.point.values) if self.chosen else None

    @property
    def front(self) -> list[Candidate]:
        """The candidates within the limits that no other of these betters in all of its metrics, by the first of them.

        Within the limits by what the search saw; where it saw none within, the front is over all candidates.
        """
        found = front_of(self.within or self.candidates, self.metrics_of_front)
        return sorted(found, key=lambda each: (each.value(self.metrics_of_front[0]), each.number))

    @property
    def within(self) -> list[Candidate]:
        """The candidates whose values in the search are within all limits."""
        return [
            each
            for each in self.candidates
            if all(limit.kept(each.estimates[limit.metric].value) for limit in self.goals.constraints)
        ]

    @property
    def metrics_of_front(self) -> tuple[str, ...]:
        """What the front is over: the usual trade-off, of it what has a value here."""
        first = self.candidates[0]
        return tuple(name for name in self.goals.front if not math.isnan(first.estimates[name].value))

    def differences(self) -> dict[str, Estimate]:
        """Return recommended less today of each metric, on the same fresh random numbers."""
        if self.chosen is None:
            return {}
        after, before = self.chosen.fresh.tallies, self.today.tallies
        return {name: difference(name, after, before, SIMULTANEOUS) for name in self.goals.metrics}

    def toml(self) -> str:
        """Return the recommended setting as a scenario file that extends the one tuned; empty where there is none."""
        if self.chosen is None:
            return ""
        return snippet(self.provenance, self.chosen.searched.point, self.goals)

    @property
    def sentence(self) -> str:
        """Why this setting, with the numbers put in; or why none."""
        if self.chosen is None:
            return excluded_in_words(self.exclusions, self.checked, self.goals)
        return reason(self.chosen, self.today, self.limits, self.goals, self.differences(), len(self.candidates))

    # ---------------------------------------------------------------------- tables

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield number, values, whether on the front, metric, unit, estimate, low, high, n of every candidate."""
        best = {each.number for each in self.front}
        for each in self.candidates:
            where = (each.number, *(self.values_of(each)[knob.key] for knob in self.knobs), each.number in best)
            yield from ((*where, *row) for row in frames.rows_of(each.estimates))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what `rows` yields."""
        return ("candidate", *(knob.key for knob in self.knobs), "front", *frames.COLUMNS)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for each candidate and metric."""
        import pandas as pd

        return pd.DataFrame(list(self.rows()), columns=list(self.columns))

    def to_csv(self) -> str:
        """Return the same as CSV text."""
        return frames.csv_text(self.columns, self.rows())

    def values_of(self, candidate: Candidate) -> Mapping[str, str]:
        """Return the values of a candidate; those of today where it is today's."""
        return self.now if candidate.number == 0 else candidate.point.values

    def as_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        best = {each.number for each in self.front}
        return {
            "recommended": self.recommended,
            "sentence": self.sentence,
            "toml": self.toml() or None,
            "today": dict(self.now),
            "goals": {"minimise": list(self.goals.minimise), "subject_to": [c.text for c in self.goals.constraints]},
            "confidence": self.confidence,
            "differences": {name: each.as_json() for name, each in self.differences().items()},
            "checked": [self._check_json(each) for each in self.checked],
            "today_on_fresh_numbers": frames.as_json(self.today.estimates),
            "candidates": [
                {
                    "number": each.number,
                    "values": dict(self.values_of(each)),
                    "front": each.number in best,
                    "metrics": frames.as_json(each.estimates),
                }
                for each in self.candidates
            ],
            "front_over": list(self.metrics_of_front),
            "excluded_by": [self._exclusion_json(each) for each in self.exclusions],
            "refused": {"settings": self.refusals.count, "rules": self.refusals.lines()},
            "knobs": {knob.name: {"values": knob.text, "note": self.standing.get(knob.key)} for knob in self.knobs},
            "remarks": list(self.remarks),
            "computed": self.computed,
            "reused": self.reused,
            "provenance": self.provenance.as_json(),
            "fresh": {"seed": self.fresh.seed, "replications": len(self.fresh.replications)},
        }

    def _check_json(self, each: Checked) -> dict[str, Any]:
        limits = zip(self.goals.constraints, each.bounds, strict=True)
        return {
            "number": each.searched.number,
            "values": dict(self.values_of(each.searched)),
            "confirmed": each.confirmed,
            "bounds": {c.text: bound if math.isfinite(bound) else None for c, bound in limits},
            "search": frames.as_json(each.searched.estimates),
            "fresh": frames.as_json(each.fresh.estimates),
        }

    def _exclusion_json(self, each: Exclusion) -> dict[str, Any]:
        return {
            "constraint": each.constraint.text,
            "kept_by": each.kept,
            "surely_kept_by": each.sure,
            "closest": dict(self.values_of(each.closest)),
            "value": each.estimate.as_json(),
            "bound": each.bound if math.isfinite(each.bound) else None,
        }

    # ---------------------------------------------------------------------- text

    def table(self) -> Table:
        """Return what `repr` shows first: today's setting and the recommended one, searched and fresh."""
        p, n = self.provenance, len(self.fresh.replications)
        count = len(self.candidates) - 1
        heading = [
            in_words(p.title, self.candidates[0].point.scenario),
            faults_in_words(self.candidates[0].point.scenario),
            f"{count:,} settings x {len(p.replications):,} replications on the same random numbers, seed {p.seed}; "
            f"{len(self.checked)} of them x {n:,} on fresh ones, seed {self.fresh.seed}; engine {p.engine}",
            *(f"  {knob.name} from {knob.text}, today {self.now[knob.key]}" for knob in self.knobs),
        ]
        if self.chosen is None:
            return Table(heading, *self._short_list(), list(self._notes()), frozenset({0}))
        columns = (
            "metric",
            "today",
            "interval",
            "recommended",
            "interval",
            "change",
            "interval",
            "in the search",
            "unit",
        )
        return Table(heading, columns, list(self._compared()), list(self._notes()), frozenset({1, 3, 5, 7}))

    def _compared(self) -> Iterator[tuple[str, ...]]:
        assert self.chosen is not None
        for name, change in self.differences().items():
            before, after = self.today.estimates[name], self.chosen.fresh.estimates[name]
            if math.isnan(before.value) and math.isnan(after.value):
                continue
            searched = self.chosen.searched.estimates[name].value
            cells = [cell for each in (before, after) for cell in (number(each.value), interval(each))]
            same = change.value == 0 and math.isinf(change.high)
            changed = ("0", "all alike") if same else (f"{change.value:+.3g}", interval(change))
            yield (name, *cells, *changed, number(searched), before.unit)

    def _short_list(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """The settings that came nearest, each with the bound that decided."""
        constraints = self.goals.constraints
        head = (
            "no.",
            "setting",
            *(cell for c in constraints for cell in (short(c.metric), f"bound (limit {c.limit:g})")),
        )
        rows = []
        for each in self.checked:
            pairs = zip(constraints, each.bounds, strict=True)
            cells = [cell for c, b in pairs for cell in (number(each.fresh.estimates[c.metric].value), number(b))]
            rows.append((str(each.searched.number), label_of(self.values_of(each.searched)), *cells))
        return head, rows

    def _notes(self) -> Iterator[str]:
        for note in self._sayings():
            yield from textwrap.wrap(
                note, _WIDE, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
            )

    def _sayings(self) -> Iterator[str]:
        yield self.sentence
        if self.goals.constraints:
            yield (
                f"a setting that breaks a constraint is recommended with a probability of at most "
                f"{1 - self.confidence:.2g}: each bound is one-sided at {1 - self.confidence:.2g} / {SHORT}, "
                f"for up to {SHORT} settings looked at on fresh random numbers"
            )
        if self.chosen is not None:
            yield (
                f"intervals: {SIMULTANEOUS:.0%} each, so that those of {SHORT} settings hold at once with 95 %; "
                "change: recommended less today, on the same random numbers"
            )
        if self.refusals.count:
            yield f"{self.refusals.count:,} settings were refused and are no part of the search:"
            yield from (f"  {line}" for line in self.refusals.lines()[:5])
        yield from self.remarks
        yield from (f"{key}: {words}" for key, words in self.standing.items())

    def front_table(self) -> Table:
        """Return the front: the settings that no other betters in all its metrics."""
        names = self.metrics_of_front
        found = self.front
        step = max(1, math.ceil(len(found) / _FRONT_ROWS))
        shown = [each for at, each in enumerate(found) if at % step == 0 or self._is_marked(each)]
        there = {each.number for each in shown}
        shown += [each for each in self.candidates if self._is_marked(each) and each.number not in there]
        heads = [cell for name in names for cell in (f"{short(name)} [{known(name).unit}]", "95 % interval")]
        columns = ("no.", *(knob.key for knob in self.knobs), *heads, "")
        rows = [tuple(self._front_row(each, names)) for each in shown]
        first = 1 + len(self.knobs)
        right = frozenset({0, *range(first, first + 2 * len(names), 2)})
        some = f", {len(shown)} shown" if step > 1 else ""
        within = len(self.within) if self.goals.constraints else 0
        those = f"{within} within the limits" if within else f"{len(self.candidates)} settings"
        title = f"the front: {len(found)} of {those} that no other betters in everything{some}"
        return Table([title], columns, rows, (), right)

    def _front_row(self, each: Candidate, names: Sequence[str]) -> Iterator[str]:
        yield str(each.number)
        yield from (self.values_of(each)[knob.key] for knob in self.knobs)
        for name in names:
            yield number(each.estimates[name].value)
            yield interval(each.estimates[name])
        marks = [word for word, there in (("today", each.number == 0), ("recommended", self._is_chosen(each))) if there]
        yield ", ".join(marks)

    def _is_chosen(self, each: Candidate) -> bool:
        return self.chosen is not None and each.number == self.chosen.searched.number

    def _is_marked(self, each: Candidate) -> bool:
        return each.number == 0 or self._is_chosen(each)

    def __repr__(self) -> str:
        toml = f"\n\n{self.toml()}" if self.chosen else ""
        return f"{self.table().text()}\n\n{self.front_table().text()}{toml}".rstrip()

    def _repr_html_(self) -> str:
        return self.table().html() + self.front_table().html()

    # ---------------------------------------------------------------------- charts

    def plot_front(self, **options: Any) -> Figure:
        """Draw every candidate by the metrics of the front, today's setting and the recommended one marked."""
        from sim.report.fronts import fronts

        recommended = self.chosen.searched.number if self.chosen else None
        return fronts(self.to_pandas(), self.metrics_of_front, recommended, **options)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDE, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
