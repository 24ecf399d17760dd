"""Unlikely draws made likely, address by address, each with its likelihood ratio.

A draw is a uniform at an address. A *tilt* moves that uniform (`push`) and knows the density of where it lands
(`density`). A *strategy* tilts some addresses: one fault forced into the cycle and made long, or messages lost often.
Every sample is weighed by the mixture of all strategies, 1 / sum_j a_j L_j with L_j the product of densities under
strategy j (the balance heuristic: Veach & Guibas 1995; Owen & Zhou 2000). It is unbiased whatever the strategies, and
since one of them is the scenario's own law, drawn with share a_0, no weight exceeds 1 / a_0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from sim.engines.process.draws import Sampler
from sim.model.distributions import Constant, Distribution, Mixture
from sim.model.faults import Fault
from sim.model.scenario import Scenario
from sim.rarity.cycles import longest_wait_ns
from sim.streams import Streams, stable_id
from sim.units import HOUR
from sim.vocabulary import PART_OF_MIXTURE, Purpose

Block = tuple[float, float, float, float]
_TOP: Final = 1.0 - 2.0**-53
POWER: Final = 8.0
"""How far a power tilt reaches: a tail of 1e-9 gets probability 1e-9 ** (1/8) = 0.075."""
_TAIL_MIN: Final = 1e-15
MARGIN: Final = 0.95
"""Conditional tails begin at this share of the slack: latencies shorten it a little."""
OFTEN: Final = 0.9
FAILING: Final = (1, 2, 3, 4, 6, 9, 14, 20)
"""How many requests in a row are made to fail, in strategies of their own."""
REQUESTS_BEFORE: Final = 2
"""Request 0 acquires, request 1 renews at once: then the cycle begins."""


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
        return _with(block, self.word, min(u, _TOP))

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
        return _with(block, 0, min(1.0 - block[0] ** self.power, _TOP))

    def density(self, block: Block) -> float:
        tail = max(1.0 - block[0], 2.0**-53)
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
                inside = min(max((v - before) / share, 0.0), _TOP) if share > 0 else 0.5
                return (min(1.0 - (1.0 - block[0]) * s, _TOP), start + inside * w, block[2], block[3])
            before, start = before + share, start + w
        raise AssertionError("the parts of a mixture make up the whole")

    def density(self, block: Block) -> float:
        reached = 0.0
        for w, s in zip(self.weights, self.tails, strict=True):
            reached += w
            if block[PART_OF_MIXTURE] < reached or reached >= 1 - 1e-12:
                return 1 / self.total if 1.0 - block[0] <= s else 0.0
        raise AssertionError("the parts of a mixture make up the whole")


def _with(block: Block, word: int, u: float) -> Block:
    changed = list(block)
    changed[word] = u
    return changed[0], changed[1], changed[2], changed[3]


# ---- strategies -------------------------------------------------------------------------------------------

Address = tuple[int, int, int, int]
"""Purpose, entity, part, index."""


@dataclass(frozen=True)
class Strategy:
    """What is made likely, by the addresses of its draws."""

    name: str
    at: Mapping[Address, Tilt] = field(default_factory=dict)
    requests: Mapping[int, Tilt] = field(default_factory=dict)
    """By purpose, for the first requests of the cycle."""
    failing: int = 0
    """How many requests: what comes after them is as it is, so that a lost lease is found out."""

    def tilt(self, purpose: int, entity: int, part: int, index: int) -> Tilt | None:
        """Return what it does at an address, if anything."""
        if purpose in self.requests and REQUESTS_BEFORE <= index < REQUESTS_BEFORE + self.failing:
            return self.requests[purpose]
        return self.at.get((purpose, entity, part, index))


PLAIN: Final = Strategy("as it is")


def strategies(scenario: Scenario) -> tuple[Strategy, ...]:
    """Return the scenario's own law, then strategies for each cause alone, then one for all together."""
    window = longest_wait_ns(scenario) * 1.05
    deadline = scenario.lease.ttl + scenario.expiry_grace_ns
    own = scenario.fence_after_ns if scenario.renewal.fence_anchor != "never" else deadline
    slack = max(0.0, (min(own, deadline) - longest_wait_ns(scenario)) * MARGIN)
    found = [PLAIN]
    together: dict[Address, Tilt] = {}
    for fault in scenario.faults:
        if fault.probability == 0 or not fault.when.rate:
            continue
        beyond = None if isinstance(fault.length, Constant) else tail_beyond(fault.length, slack)
        if beyond is not None:
            found.append(Strategy(f"{fault.name}, long", _forced(fault, window, 1, beyond)))
        found.append(Strategy(f"{fault.name}", _forced(fault, window, 1, Power(POWER))))
        # pauses that add up: the tail of a sum is not that of its largest part
        found.append(Strategy(f"{fault.name}, twice", _forced(fault, window, 2, Power(POWER))))
        found.append(Strategy(f"{fault.name}, three times", _forced(fault, window, 3, Power(POWER * 2 / 3))))
        together |= _forced(fault, float(deadline), 1, Power(POWER / 2), share=0.5)
    for name, requests in _requests(scenario).items():
        found += [Strategy(f"{name} {failing}", {}, requests, failing) for failing in FAILING]
    anyway = _losses(scenario, 0.5) | _errors(scenario, 0.5)
    if len(found) > 2 and (together or anyway):
        found.append(Strategy("all together", together, anyway, 3))
    return tuple(found)


def _forced(fault: Fault, window_ns: float, times: int, length: Tilt, share: float = 1.0) -> dict[Address, Tilt]:
    """Let the first occurrences begin within `window_ns`, really take place, and last long."""
    assert fault.when.rate is not None
    inside = -math.expm1(-fault.when.rate * window_ns / HOUR)
    name = stable_id(fault.name)
    tilts: dict[Address, Tilt] = {}
    for n in range(times):
        if 0 < inside < 1 - 1e-9:
            tilts[Purpose.FAULT_GAP, name, 0, n] = Coin(0, inside, max(share, inside))
        if fault.probability < 1:
            tilts[Purpose.FAULT_CHANCE, name, 0, n] = Coin(0, fault.probability, max(share, fault.probability))
        tilts[Purpose.FAULT_LENGTH, name, 0, n] = length
    return tilts


def _requests(scenario: Scenario) -> dict[str, dict[int, Tilt]]:
    """Return the ways in which requests fail on their own."""
    network = scenario.network
    ways = {
        "request lost": _losses(scenario, OFTEN, down=False),
        "answer lost": _losses(scenario, OFTEN, up=False),
        "request or answer lost": _losses(scenario, 0.5) if network.loss_up and network.loss_down else {},
        "error": _errors(scenario, OFTEN),
    }
    return {name: tilts for name, tilts in ways.items() if tilts}


def _losses(scenario: Scenario, often: float, up: bool = True, down: bool = True) -> dict[int, Tilt]:
    legs = ((2, scenario.network.loss_up, up), (3, scenario.network.loss_down, down))
    coins = [Coin(word, p, max(p, often)) for word, p, chosen in legs if chosen and 0 < p < 1]
    if not coins:
        return {}
    return {Purpose.MESSAGE: coins[0] if len(coins) == 1 else Both(coins[0], coins[1])}


def _errors(scenario: Scenario, often: float) -> dict[int, Tilt]:
    p = scenario.server.error_probability
    return {Purpose.SERVICE: Coin(2, p, max(p, often))} if 0 < p < 1 else {}


def tail_beyond(law: Distribution, ns: float) -> Tail | None:
    """Return the law of a duration given that it is at least `ns`; None where that says nothing or never happens."""
    total = sum(part.weight for part in law.parts) if isinstance(law, Mixture) else 1.0
    parts = [(part.weight / total, part.of) for part in law.parts] if isinstance(law, Mixture) else [(1.0, law)]
    tail = Tail(tuple(w for w, _ in parts), tuple(_survival(Sampler(of), ns) for _, of in parts))
    return tail if _TAIL_MIN < tail.total < 0.5 else None


def _survival(sampler: Sampler, ns: float) -> float:
    """Return how likely a duration is to be at least `ns`, from its quantiles by bisection over orders of magnitude."""
    low, high = math.log(_TAIL_MIN), 0.0
    if sampler.of(min(1.0 - _TAIL_MIN, _TOP), 0.5) < ns:
        return 0.0
    if sampler.of(2.0**-53, 0.5) >= ns:
        return 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if sampler.of(1.0 - math.exp(middle), 0.5) < ns else (middle, high)
    return math.exp(low)


# ---- one sample -------------------------------------------------------------------------------------------


class Biased(Streams):
    """The draws of one world under one strategy, and what every strategy makes of them."""

    __slots__ = ("_among", "_chosen", "_known", "likelihoods")

    def __init__(self, seed: int, sample: int, chosen: int, among: Sequence[Strategy]) -> None:
        super().__init__(seed, sample)
        self._chosen, self._among = among[chosen], among
        self._known: dict[Address, Block] = {}
        # of each strategy, against the scenario's own law
        self.likelihoods = [1.0] * len(among)

    def block(self, purpose: int, entity: int, part: int, index: int) -> Block:
        """Return the four uniforms of this address."""
        address = purpose, entity, part, index
        if address in self._known:
            return self._known[address]
        drawn = super().block(*address)
        if purpose in _TILTED:
            tilt = self._chosen.tilt(*address)
            if tilt is not None:
                drawn = tilt.push(drawn)
            for j, strategy in enumerate(self._among):
                other = strategy.tilt(*address)
                if other is not None:
                    self.likelihoods[j] *= other.density(drawn)
        self._known[address] = drawn
        return drawn


_TILTED: Final = {Purpose.FAULT_GAP, Purpose.FAULT_LENGTH, Purpose.FAULT_CHANCE, Purpose.MESSAGE, Purpose.SERVICE}
