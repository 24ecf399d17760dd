"""Tilts: a uniform moved to where trouble is (`push`), with the density of where it lands (`density`).

Whatever a tilt favours, 1 / density undoes it: so a rough idea of what is dangerous costs efficiency and nothing else.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Protocol

from sim import samplers
from sim.model.distributions import Distribution, Empirical, Mixture
from sim.vocabulary import PART_OF_MIXTURE

Block = tuple[float, float, float, float]
TOP: Final = 1.0 - 2.0**-53
BOTTOM: Final = 2.0**-53


class Tilt(Protocol):
    """A change of the law of one block of uniforms."""

    def push(self, block: Block) -> Block:
        """Move uniforms to where the tilted law has them."""

    def density(self, block: Block) -> float:
        """Return the tilted density there, against that of uniforms."""


@dataclass(frozen=True)
class Coin:
    """The uniform `word` falls below `p` with probability `q`, and is even on either side."""

    word: int
    p: float
    q: float

    def push(self, block: Block) -> Block:
        v = block[self.word]
        u = v / self.q * self.p if v < self.q else self.p + (v - self.q) / (1 - self.q) * (1 - self.p)
        return _with(block, self.word, min(u, TOP))

    def density(self, block: Block) -> float:
        below = block[self.word] < self.p
        return self.q / self.p if below else (1 - self.q) / (1 - self.p)


@dataclass(frozen=True)
class Both:
    """Two tilts of different words of one block."""

    first: Tilt
    second: Tilt

    def push(self, block: Block) -> Block:
        return self.second.push(self.first.push(block))

    def density(self, block: Block) -> float:
        return self.first.density(block) * self.second.density(block)


@dataclass(frozen=True)
class Power:
    """The upper tail of the first uniform gets the probability v ** (1 / power) for v."""

    power: float

    def push(self, block: Block) -> Block:
        return _with(block, 0, min(1.0 - block[0] ** self.power, TOP))

    def density(self, block: Block) -> float:
        tail = max(1.0 - block[0], BOTTOM)
        return float(tail ** (1 / self.power - 1) / self.power)


@dataclass(frozen=True)
class Tail:
    """A duration given that it is at least so long: exactly the conditional law, a mixture's part included."""

    weights: tuple[float, ...]
    tails: tuple[float, ...]
    """Of each part: how likely it is to be so long."""

    @property
    def total(self) -> float:
        """How likely the duration is to be so long."""
        return sum(w * s for w, s in zip(self.weights, self.tails, strict=True))

    def push(self, block: Block) -> Block:
        v, total, before = block[PART_OF_MIXTURE], self.total, 0.0
        start = 0.0
        for w, s in zip(self.weights, self.tails, strict=True):
            share = w * s / total
            if v < before + share or start + w >= 1 - 1e-12:
                inside = min(max((v - before) / share, 0.0), TOP) if share > 0 else 0.5
                return (min(1.0 - (1.0 - block[0]) * s, TOP), start + inside * w, block[2], block[3])
            before, start = before + share, start + w
        raise AssertionError("the parts of a mixture make up the whole")

    def density(self, block: Block) -> float:
        reached = 0.0
        for w, s in zip(self.weights, self.tails, strict=True):
            reached += w
            if block[PART_OF_MIXTURE] < reached or reached >= 1 - 1e-12:
                return 1 / self.total if 1.0 - block[0] <= s else 0.0
        raise AssertionError("the parts of a mixture make up the whole")


@dataclass(frozen=True)
class Sometimes:
    """Another tilt with probability `share`, and nothing otherwise."""

    share: float
    tilt: Tilt

    def push(self, block: Block) -> Block:
        v, share = block[0], self.share
        if v < share:
            return self.tilt.push(_with(block, 0, v / share))
        return _with(block, 0, min((v - share) / (1 - share), TOP))

    def density(self, block: Block) -> float:
        return 1 - self.share + self.share * self.tilt.density(block)


@dataclass(frozen=True)
class Either:
    """One tilt or another, as often."""

    first: Tilt
    second: Tilt

    def push(self, block: Block) -> Block:
        v = 2 * block[0]
        chosen, v = (self.first, v) if v < 1 else (self.second, v - 1)
        return chosen.push(_with(block, 0, v))

    def density(self, block: Block) -> float:
        return (self.first.density(block) + self.second.density(block)) / 2


class Ages:
    """At which age of the lease a fault should begin: a density in steps over `start` .. `window`."""

    def __init__(self, window: float, danger: Callable[[float], float], steps: int, start: float = 0.0) -> None:
        self.window = window
        self._start, self._step = start, (window - start) / steps
        self._height = [danger(start + (k + 0.5) * self._step) for k in range(steps)]
        self._reached = [0.0, *accumulate(height * self._step for height in self._height)]

    def after(self, age: float) -> float:
        """Return how much of it lies beyond an age; 0 if nothing."""
        return self._reached[-1] - self._upto(age) if age < self.window else 0.0

    def at(self, age: float) -> float:
        """Return its height at an age."""
        return self._height[self._number(age)] if self._start <= age < self.window else 0.0

    def draw(self, age: float, v: float) -> float:
        """Return the `v`-quantile of what lies beyond an age."""
        wanted = self._upto(age) + v * self.after(age)
        k = min(bisect_right(self._reached, wanted), len(self._height)) - 1
        while self._height[k] == 0:
            k -= 1
        return max(age, self._start + k * self._step + (wanted - self._reached[k]) / self._height[k])

    def _number(self, age: float) -> int:
        return min(int((age - self._start) / self._step), len(self._height) - 1)

    def _upto(self, age: float) -> float:
        if age <= self._start:
            return 0.0
        k = self._number(age)
        return self._reached[k] + (age - self._start - k * self._step) * self._height[k]


@dataclass(frozen=True)
class Start:
    """The exponential gap before a fault, so that it begins at one of `ages`; the lease is `age` old now."""

    ages: Ages
    age: float
    rate: float
    """Of the gap, on the clock of ages."""

    def push(self, block: Block) -> Block:
        gap = self.ages.draw(self.age, block[0]) - self.age
        return _with(block, 0, min(max(-math.expm1(-self.rate * gap), BOTTOM), TOP))

    def density(self, block: Block) -> float:
        gap = -math.log1p(-block[0]) / self.rate
        return self.ages.at(self.age + gap) / self.ages.after(self.age) / (self.rate * (1.0 - block[0]))


def _with(block: Block, word: int, u: float) -> Block:
    changed = list(block)
    changed[word] = u
    return changed[0], changed[1], changed[2], changed[3]


# ---- tails of durations -----------------------------------------------------------------------------------


def beyond(law: Distribution, ns: float) -> Tail:
    """Return the law of a duration given that it is at least `ns`."""
    if not isinstance(law, Mixture):
        return Tail((1.0,), (_survival(law, ns),))
    total = sum(part.weight for part in law.parts)
    return Tail(tuple(part.weight / total for part in law.parts), tuple(_survival(p.of, ns) for p in law.parts))


def _survival(law: Distribution, ns: float) -> float:
    """Return how likely a duration is to be at least `ns`."""
    if ns <= 0:
        return 1.0
    if isinstance(law, Empirical):
        return sum(value >= ns for value in law.values) / len(law.values)
    assert not isinstance(law, Mixture)
    kind, a, b = law.law()
    match kind:
        case samplers.EXPONENTIAL:
            return math.exp(-ns / a) if a else 0.0
        case samplers.LOGNORMAL:
            return _normal_tail((math.log(ns) - a) / b) if b else float(math.log(ns) <= a)
        case samplers.UNIFORM:
            return min(max((b - ns) / (b - a), 0.0), 1.0) if b > a else float(ns <= a)
        case samplers.PARETO:
            return float(min(1.0, (a / ns) ** b))
        case samplers.WEIBULL:
            return math.exp(-((ns / a) ** b))
        case samplers.NORMAL:
            return _normal_tail((ns - a) / b) if b else float(ns <= a)
    return float(ns <= a)


def _normal_tail(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2
