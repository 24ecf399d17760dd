"""What can be turned on a scenario: ttl, interval, retries, and how often each fault strikes; values to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sim.model.faults import Fault
from sim.model.scenario import Scenario
from sim.report.frames import ordered, sort_key
from sim.results.origins import settings
from sim.units import parse_rate

_TTLS: Final = [
    "10s",
    "15s",
    "20s",
    "30s",
    "45s",
    "1m",
    "90s",
    "2m",
    "3m",
    "4m",
    "5m",
    "7m30s",
    "10m",
    "15m",
    "20m",
    "30m",
    "45m",
    "1h",
]
_SHARES: Final = [f"{step / 20:g}" for step in range(2, 20)]
_INTERVALS: Final = [
    "1s",
    "2s",
    "3s",
    "5s",
    "7s",
    "10s",
    "15s",
    "20s",
    "30s",
    "45s",
    "1m",
    "90s",
    "2m",
    "3m",
    "5m",
    "10m",
]
_RETRIES: Final = [str(count) for count in range(11)]
_ATTEMPTS: Final = ["1", "2", "3", "4", "5", "6", "8", "10", "15", "20"]
_TIMES: Final = (0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_CHANCES: Final = ["0", "0.1", "0.25", "0.5", "0.75", "1"]
FAULTS_MAX: Final = 12
"""Faults that get a knob of their own."""


@dataclass(frozen=True)
class Knob:
    """One key of the scenario, and the texts that it can be set to, in order."""

    key: str
    title: str
    choices: tuple[str, ...]
    as_given: str
    """What the scenario says; one of the choices."""

    def meant(self, text: str) -> str | None:
        """Return the choice that a text means, however it is written; None if there is none."""
        return next((choice for choice in self.choices if sort_key(choice) == sort_key(text)), None)

    def spans(self, text: str) -> bool:
        """Whether a text lies between the smallest and the largest choice: beyond, an answer may take for ever."""
        least, most = sort_key(self.choices[0]), sort_key(self.choices[-1])
        return least <= sort_key(text) <= most

    def with_choice(self, text: str) -> Knob:
        """Return the same knob with one more value to choose."""
        return Knob(self.key, self.title, _choices([*self.choices, text]), self.as_given)


def knobs_of(scenario: Scenario) -> tuple[Knob, ...]:
    """Return what can be turned on a scenario, in the order in which people ask."""
    given = dict(settings(scenario.model_dump(mode="json")))
    return tuple(_protocol(given)) + tuple(_faults(scenario, given))


def _protocol(given: Mapping[str, Any]) -> Iterator[Knob]:
    share = isinstance(given["renewal.every"], float)
    yield _knob("lease.ttl", "Lease duration (ttl)", _TTLS, given)
    every = "Renew every (share of ttl)" if share else "Renew every"
    yield _knob("renewal.every", every, _SHARES if share else _INTERVALS, given)
    yield _knob("http.max_retries", "Retries of a request", _RETRIES, given)
    yield _knob("renewal.attempts", "Attempts at a renewal", _ATTEMPTS, given)


def _faults(scenario: Scenario, given: Mapping[str, Any]) -> Iterator[Knob]:
    for fault in scenario.faults[:FAULTS_MAX]:
        rate = fault.when.rate
        if rate:
            key = f"faults.{fault.name}.when.rate"
            rates = [f"{rate * times:.4g}/h" for times in _TIMES]
            yield _knob(key, f"Fault '{fault.name}': {_what(fault)}, times an hour", rates, given)
        elif rate is None:
            key = f"faults.{fault.name}.probability"
            yield _knob(key, f"Fault '{fault.name}': {_what(fault)}, chance each time", _CHANCES, given)


def _what(fault: Fault) -> str:
    return f"{fault.what.replace('_', ' ')} of {fault.whom}"


def _knob(key: str, title: str, choices: Iterable[str], given: Mapping[str, Any]) -> Knob:
    own = _text(given[key])
    return Knob(key, title, _choices([*choices, own]), own)


def _choices(texts: Iterable[str]) -> tuple[str, ...]:
    """In order of size, each once; of two ways to write one value the later."""
    return tuple(ordered(texts))


def _text(value: object) -> str:
    if isinstance(value, str) and value.endswith("/h"):
        return f"{parse_rate(value):g}/h"
    return f"{value:g}" if isinstance(value, float) else str(value)
