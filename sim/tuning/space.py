"""What may be turned: the keys of a scenario and the values each may take, as a person wrote them.

A knob is a range between two ends, ``30s..20m`` (``/log`` for equal ratios), or a list of values, ``1,3,5,10``. Where a
value lies is a share from 0 to 1 for a range and the number of the value for a list; what it is called is its label,
rounded as a person would write it, and the label is what is simulated. Keys joined by ``+`` are one knob and always get
the same value: what a system has one setting for, as client-go's RetryPeriod for ``renewal.every+renewal.backoff``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sim.errors import Problem, ScenarioError, UsageError
from sim.model.load import options_of, override, parse_value
from sim.model.scenario import Scenario
from sim.model.wording import spelled
from sim.report.frames import sort_key
from sim.results.origins import settings
from sim.sweeps.axes import Axis
from sim.sweeps.designs import is_whole
from sim.sweeps.grid import AxesError, axis, doubtful
from sim.sweeps.ranges import Span, is_range, span_of
from sim.units import HOUR, MINUTE, SECOND, format_duration

Over = Mapping[str, Sequence[object] | str]
"""Dotted keys, and of each a range or values."""
KNOBS_MAX: Final = 12
_STEPS: Final = tuple(
    factor * unit
    for unit, factors in (
        *((10**power, (1, 2, 5)) for power in range(9)),
        (SECOND, (1, 2, 5, 10, 15, 30)),
        (MINUTE, (1, 2, 5, 10, 15, 30)),
        (HOUR, (1, 2, 3, 6, 12, 24)),
    )
    for factor in factors
)
"""Durations that people count in, in nanoseconds."""
_STEPPED: Final = re.compile(r"/(log)?\d+\s*$")


@dataclass(frozen=True)
class Knob:
    """A key and what it may be set to."""

    key: str
    text: str
    """The range or the values, as they were written."""
    labels: tuple[str, ...] = ()
    span: Span | None = None
    whole: bool = False
    tied: tuple[str, ...] = ()
    """More keys that get the same value."""

    @property
    def keys(self) -> tuple[str, ...]:
        """All the keys that it sets."""
        return (self.key, *self.tied)

    @property
    def name(self) -> str:
        """The keys, as they are written."""
        return "+".join(self.keys)

    @property
    def described(self) -> list[Axis]:
        """The knob as axes of a folder's manifest."""
        return [Axis(key, (), self.labels, self.text if self.span else "") for key in self.keys]

    @property
    def ordered(self) -> bool:
        """Whether neighbours in the list are alike: all are numbers, durations or rates, in rising order."""
        keys = [sort_key(label) for label in self.labels]
        return all(kind == 0 for kind, _, _ in keys) and keys == sorted(keys)

    @property
    def count(self) -> float:
        """How many values there are; infinite for a range, but for whole numbers."""
        if self.span is None:
            return len(self.labels)
        return self.span.high - self.span.low + 1 if self.whole else math.inf

    def label(self, place: float) -> str:
        """Return the value at a share of the range, or at a number of the list, as text."""
        if self.span is None:
            return self.labels[min(int(place), len(self.labels) - 1)]
        if self.whole:
            return self.span.at(place, whole=True)
        value = self.span.inner(place)
        if self.span.numbers:
            return _number(value, self.span) + self.span.unit
        return format_duration(_round_duration(value, self.span))

    def at(self, share: float) -> str:
        """Return the value at a share from 0 to 1 of all there are, as text."""
        return self.label(share if self.span else share * len(self.labels))

    @property
    def ends(self) -> tuple[str, ...]:
        """The first and the last value; all of a list."""
        return self.labels if self.span is None else (self.label(0.0), self.label(1.0))


def _number(value: float, span: Span) -> str:
    """To two digits, or to as many as tell fifty values of the range apart; within the range."""
    places = math.ceil(-math.log10((span.high - span.low) / 50))
    if span.log and value:
        places = max(places, 1 - math.floor(math.log10(abs(value))))
    rounded = min(max(round(value, places), span.low), span.high)
    return f"{rounded:.10g}"


def _round_duration(ns: float, span: Span) -> int:
    """To a step that a person would take, by at most two hundredths; within the range."""
    finest = abs(ns) / 25 if span.log else max(abs(ns) / 25, (span.high - span.low) / 100)
    most = min(finest, (span.high - span.low) / 20)
    step = max((step for step in _STEPS if step <= most), default=1)
    return round(min(max(round(ns / step) * step, span.low), span.high))


def space_of(scenario: Scenario, over: Over) -> tuple[tuple[Knob, ...], list[Problem]]:
    """Return the knobs, and all that is wrong with them."""
    knobs: list[Knob] = []
    problems: list[Problem] = []
    for key, values in over.items():
        try:
            knob = _knob(scenario, key, values)
        except AxesError as error:
            problems += error.problems
            continue
        except UsageError as error:
            problems.append(Problem(key, error.message, hint=error.hint))
            continue
        wrong = list(_wrong(scenario, knob))
        problems += wrong
        if not wrong:
            knobs.append(knob)
    keys = [Axis(key.strip(), ("",), ("",)) for name in over for key in name.split("+")]
    problems += doubtful(keys) if keys else [Problem("over", "names nothing to turn", hint='"lease.ttl": "1m..20m"')]
    if len(over) > KNOBS_MAX:
        problems.append(Problem("over", f"turns {len(over)} keys at once; at most {KNOBS_MAX}"))
    return tuple(knobs), problems


def spread(knobs: Sequence[Knob], labels: Sequence[str]) -> dict[str, str]:
    """Return the value of each key, from the value of each knob."""
    return {key: label for knob, label in zip(knobs, labels, strict=True) for key in knob.keys}


def _knob(scenario: Scenario, name: str, values: Sequence[object] | str) -> Knob:
    key, *rest = (part.strip() for part in name.split("+"))
    tied = tuple(rest)
    if isinstance(values, str) and is_range(values) and not _STEPPED.search(values):
        span = span_of(values)
        return Knob(key, values, span=span, whole=span.numbers and not span.unit and is_whole(scenario, key), tied=tied)
    made = axis(key, values)
    problems = list(doubtful([made]))
    if problems:
        raise AxesError(problems)
    text = values if isinstance(values, str) else ", ".join(made.labels)
    return Knob(key, text, made.labels, tied=tied)


def _wrong(scenario: Scenario, knob: Knob) -> Iterator[Problem]:
    """Yield what is wrong with values by themselves; that two fields do not go together is no fault of one."""
    told = set()
    for label in knob.ends:
        try:
            override(scenario, {key: parse_value(label) for key in knob.keys})
        except ScenarioError as error:
            for problem in error.problems:
                own = problem.value is not None or problem.message.startswith(("unknown key", "no fault", "cannot"))
                if own and str(problem) not in told:
                    told.add(str(problem))
                    yield problem


def today(scenario: Scenario, knobs: Sequence[Knob]) -> dict[str, str]:
    """Return what each knob stands at, as text; ``-`` where the scenario does not say it by that name."""
    found = dict(settings(scenario.model_dump(mode="json", exclude_none=True)))
    options = options_of(scenario)
    said: dict[str, Any] = {f"prefect.{name}": value for name, value in options.given.items()} if options else {}
    values = {key: said.get(key, found.get(key)) for knob in knobs for key in knob.keys}
    return {key: "-" if value is None else _plain(value) for key, value in values.items()}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else spelled(value)
