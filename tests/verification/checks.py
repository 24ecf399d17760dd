"""Rows of the oracle table: simulate a world, compare a sample with a formula, say how to replay what fails."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats

from sim import engines, metrics, oracles
from sim.metrics import Tally
from sim.model.load import dumps
from sim.model.relations import contradictions
from sim.model.scenario import Scenario
from sim.oracles import Pause
from sim.trace import Trace
from sim.units import format_duration

LEVEL: Final = 1e-4
"""False-alarm rate of one row, two-sided."""
ROWS_MAX: Final = 100
"""With at most so many rows the whole table has a false-alarm rate of at most ROWS_MAX * LEVEL = 1 %."""
Z_MAX: Final = float(scipy.stats.norm.isf(LEVEL / 2))
_TEXT_MAX: Final = 6000

Array = npt.NDArray[np.float64]
Values = Sequence[float] | npt.NDArray[Any]
Raw = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One comparison. `z` is in standard errors (of an exact test: the same tail as a normal deviate)."""

    oracle: str
    what: str
    expected: float
    simulated: float
    n: int
    z: float
    replay: str = field(repr=False, compare=False)
    exact: bool = False
    """An identity or a bound, not a statistical comparison: z is 0 where it holds."""

    @property
    def ok(self) -> bool:
        return abs(self.z) <= Z_MAX


class Seeds:
    """The seeds of a case: fixed by its name, so that cases share no random numbers and repeat theirs."""

    def __init__(self) -> None:
        self.base = self.given = 0

    def of(self, name: str, salt: int = 0) -> None:
        """Begin a case."""
        self.base, self.given = zlib.crc32(name.encode()) + salt, 0

    def next(self) -> int:
        """The seed of the case's next world."""
        self.given += 1
        return self.base + self.given


SEEDS: Final = Seeds()


@dataclass(frozen=True)
class Simulated:
    """A scenario with its replications, which turns samples from them into rows."""

    scenario: Scenario | Callable[[int], Scenario]
    """A function of the replication where what it lists (times of faults) must be independent, too."""
    replications: int = 1
    seed: int = field(default_factory=SEEDS.next)

    def scenario_of(self, replication: int) -> Scenario:
        """The scenario of one replication."""
        return self.scenario if isinstance(self.scenario, Scenario) else self.scenario(replication)

    @cached_property
    def traces(self) -> list[Trace]:
        """One trace a replication."""
        numbers = range(self.replications)
        return [engines.run(self.scenario_of(number), self.seed, number) for number in numbers]

    @property
    def trace(self) -> Trace:
        """The only trace."""
        (trace,) = self.traces
        return trace

    @cached_property
    def tallies(self) -> list[Tally]:
        """One tally a replication."""
        return [metrics.measure(trace, self.scenario_of(number)) for number, trace in enumerate(self.traces)]

    def column(self, name: str) -> Array:
        """One field of the tallies, a number a replication."""
        return np.array([getattr(tally, name) for tally in self.tallies], dtype=float)

    def mean(self, oracle: str, what: str, expected: float, sample: Values, n: int | None = None) -> Row:
        """The mean of independent values; Student's t, as a normal deviate."""
        values = np.asarray(sample, dtype=float)
        return self.row(oracle, what, expected, float(values.mean()), n or values.size, _deviate(values - expected))

    def ratio(
        self, oracle: str, what: str, expected: float, tops: Values, bottoms: Values, n: int | None = None
    ) -> Row:
        """The ratio of two sums over independent pairs: under the formula, top - ratio x bottom has mean 0."""
        top, bottom = np.asarray(tops, dtype=float), np.asarray(bottoms, dtype=float)
        z = _deviate(top - expected * bottom)
        return self.row(oracle, what, expected, float(top.sum() / bottom.sum()), n or top.size, z)

    def share(self, oracle: str, what: str, expected: float, hits: int, trials: int) -> Row:
        """A share of independent trials: the exact binomial test."""
        law = scipy.stats.binom(trials, expected)
        tail = min(0.5, float(law.cdf(hits)), float(law.sf(hits - 1)))
        z = math.copysign(float(scipy.stats.norm.isf(tail)), hits - trials * expected)
        return self.row(oracle, what, expected, hits / trials, trials, z)

    def exactly(self, oracle: str, what: str, expected: float, simulated: float, n: int, holds: bool) -> Row:
        """Something that holds without exception."""
        return Row(oracle, what, expected, simulated, n, 0.0 if holds else math.inf, self._replay(), exact=True)

    def row(self, oracle: str, what: str, expected: float, simulated: float, n: int, z: float) -> Row:
        return Row(oracle, what, expected, simulated, n, z, self._replay())

    def _replay(self) -> str:
        text = dumps(self.scenario_of(0))
        if len(text) > _TEXT_MAX:
            text = f"{text[:_TEXT_MAX]} ... ({len(text)} characters in all)"
        return f"seed {self.seed}, replications 0 to {self.replications - 1} of\n{text}"


def _deviate(deviations: Array) -> float:
    """Student's t of a sample that should have mean 0, as the normal deviate with the same tail."""
    n, spread = deviations.size, float(deviations.std(ddof=1))
    if spread == 0:
        return 0.0 if deviations[0] == 0 else math.inf
    t = float(deviations.mean()) / spread * math.sqrt(n)
    tail = float(scipy.stats.t.sf(abs(t), n - 1))
    return math.copysign(float(scipy.stats.norm.isf(max(tail, 1e-300))), t)


# ---- cases ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A function that yields rows about these oracles."""

    section: str
    oracles: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]
    count: int
    """How many rows it has."""
    long: bool

    @property
    def name(self) -> str:
        return self.rows.__name__

    @property
    def file(self) -> str:
        return self.rows.__code__.co_filename

    def run(self, salt: int = 0) -> list[Row]:
        """Its rows; another `salt`, other random numbers."""
        SEEDS.of(self.name, salt)
        return list(self.rows())


CASES: Final[dict[str, Case]] = {}


def case(
    section: str, *names: str, rows: int, long: bool = False
) -> Callable[[Callable[[], Iterator[Row]]], Callable[[], Iterator[Row]]]:
    """Enter a function into the table: the section of the theory, the oracles that it is about, its number of rows."""
    assert all(hasattr(oracles, name) for name in names), names

    def enter(function: Callable[[], Iterator[Row]]) -> Callable[[], Iterator[Row]]:
        new = Case(section, names, function, rows, long)
        old = CASES.setdefault(new.name, new)
        assert old.file == new.file, f"two cases are named {new.name}"
        CASES[new.name] = new
        return function

    return enter


def parameters(module: str) -> list[Any]:
    """The cases of a module, for pytest; the long ones are marked."""
    own = [each for each in CASES.values() if each.rows.__module__ == module]
    return [pytest.param(each, id=each.name, marks=[pytest.mark.long] if each.long else []) for each in own]


def verify(case: Case) -> None:
    """Fail where a row of the case is off, or says nothing of an oracle that it names."""
    rows = case.run()
    assert len(rows) == case.count, f"{case.name} has {len(rows)} rows"
    assert {row.oracle.partition(".")[0] for row in rows} == set(case.oracles), f"{case.name} does not do what it says"
    for row in rows:
        assert row.ok, (
            f"{row.oracle}, {row.what}: expected {row.expected:.6g}, simulated {row.simulated:.6g} from {row.n}, "
            f"z = {row.z:.2f}; replay with: python -m tests.verification.table {case.name}\nor {row.replay}"
        )


# ---- worlds -----------------------------------------------------------------------------------------------


def law(pause: Pause) -> Raw:
    """A pause of the oracles as a distribution of a scenario."""
    match pause:
        case oracles.Exponential(mean):
            return {"kind": "exponential", "mean": span(mean)}
        case oracles.Deterministic(length):
            return {"kind": "constant", "value": span(length)}
        case oracles.Lognormal(median, sigma):
            return {"kind": "lognormal", "median": span(median), "sigma": sigma}
        case oracles.Uniform(low, high):
            return {"kind": "uniform", "low": span(low), "high": span(high)}
    raise TypeError(f"no distribution for {pause}")


def named(pause: Pause) -> str:
    """A pause in words."""
    match pause:
        case oracles.Exponential(mean):
            return f"exponential, mean {mean:g} s"
        case oracles.Deterministic(length):
            return f"always {length:g} s"
        case oracles.Lognormal(median, sigma):
            return f"lognormal, median {median:.3g} s, sigma {sigma:g}"
        case oracles.Uniform(low, high):
            return f"uniform, {low:g} to {high:g} s"
    raise TypeError(f"no words for {pause}")


def span(seconds: float) -> str:
    """Seconds as the text of a duration."""
    return format_duration(round(seconds * 1e9))


def per_second(rate: float) -> str:
    """A rate as text."""
    return f"{rate!r}/s"


QUIET: Final[Raw] = {
    "limit": {"slots": 1},
    "lease": {"expiry_check": "timer", "late_renew": "reject"},
    "renewal": {},
    "runs": {"work": "forever"},
    "network": {"up": "0s", "down": "0s"},
}
"""No latency, expiry to the instant, one slot, one client that works for ever."""


def world(duration: float, **tables: Any) -> Scenario:
    """A scenario: what `tables` say, the rest as in `QUIET`."""
    raw: Raw = {name: dict(table) for name, table in QUIET.items()}
    for name, table in tables.items():
        raw[name] = {**raw.get(name, {}), **table} if isinstance(table, Mapping) else table
    scenario = Scenario.model_validate({"duration": span(duration), **raw})
    assert not contradictions(scenario), contradictions(scenario)
    return scenario


def instants(count: int, least: float, spread: float, *salt: int) -> list[str]:
    """Times a random `least` to `least` + `spread` seconds apart: in a cycle of length `spread`, any phase."""
    rng = np.random.default_rng([SEEDS.base, *salt])
    return [span(time) for time in np.cumsum(least + spread * rng.random(count))]
