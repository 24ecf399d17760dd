"""Unlikely draws made likely, address by address, each with its likelihood ratio.

A draw is a uniform at an address, and a *tilt* moves it. A *strategy* tilts some addresses, knowing what went before in
the cycle: one fault begins in it and outlasts what is left of the lease, or messages are lost one after another.
Every sample is weighed by the mixture of all strategies, 1 / sum_j a_j L_j with L_j the product of densities under
strategy j (the balance heuristic: Veach & Guibas 1995; Owen & Zhou 2000). It is unbiased whatever the strategies, and
since one of them is the scenario's own law, drawn with share a_0, no weight exceeds 1 / a_0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from sim.model.scenario import Scenario
from sim.rarity.cycles import REQUESTS_BEFORE, Follower, failed_try_ns, time_out_ns
from sim.rarity.threats import Course, Threat, threats
from sim.rarity.tilts import Block, Both, Coin, Power, Sometimes, Start, Tilt
from sim.streams import Streams
from sim.vocabulary import Purpose

POWER: Final = 8.0
"""How far a power tilt reaches: a tail of 1e-9 gets probability 1e-9 ** (1/8) = 0.075."""
OFTEN: Final = 0.9
FAILING: Final = (1, 2, 3, 4, 6, 9, 14, 20)
"""How many requests in a row are made to fail, in strategies of their own."""
SOONER: Final = (0.75, 0.5, 0.25, 0.0)
"""Shares of the slack after which a holder may give up an authority that is away; 0: its first try is its last."""
SEVERAL: Final = 0.03
"""Faults expected in a cycle, from which on the third of them may be the one that outlasts the lease."""
MANY: Final = 0.3
"""Faults expected in a cycle, from which on any of them may be."""

Address = tuple[int, int, int, int]
"""Purpose, entity, part, index."""


class Strategy(Protocol):
    """What is made likely."""

    @property
    def name(self) -> str:
        """In a few words."""

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Return what it does at an address, given the cycle so far; None if nothing."""


class How(Enum):
    """How long an occurrence lasts."""

    AS_IT_IS = 1
    """Whether it really takes place is left to chance, too."""
    LONG = 2
    OUTLASTING = 3


@dataclass(frozen=True)
class Struck:
    """The first occurrences of a fault begin in this cycle, really take place, and last for so long."""

    name: str
    threat: Threat
    occurrences: tuple[How, ...]

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt gaps, chances and lengths of these occurrences."""
        purpose, entity, _, n = address
        threat = self.threat
        if entity != threat.name or n >= len(self.occurrences):
            return None
        how, course = self.occurrences[n], cycle.courses[entity]
        if purpose == Purpose.FAULT_GAP:
            ages = threat.deadly if how is How.OUTLASTING else threat.anywhere
            return Start(ages, course.age, threat.rate) if ages.after(course.age) > 0 else None
        if purpose == Purpose.FAULT_CHANCE:
            return None if how is How.AS_IT_IS else Coin(0, threat.fault.probability, 1.0)
        if how is How.OUTLASTING:
            return threat.enough(course, cycle.slept(entity))
        return Power(POWER) if how is How.LONG else None


@dataclass(frozen=True)
class AnyOf:
    """A fault comes as it does, and each occurrence may be the one that outlasts the lease."""

    name: str
    threat: Threat
    share: float

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt chances and lengths."""
        purpose, entity, _, _ = address
        chance = self.threat.fault.probability
        if entity != self.threat.name or purpose == Purpose.FAULT_GAP:
            return None
        if purpose == Purpose.FAULT_CHANCE:
            return Coin(0, chance, max(0.5, chance))
        enough = self.threat.enough(cycle.courses[entity], cycle.slept(entity))
        return None if enough is None else Sometimes(self.share, enough)


@dataclass(frozen=True)
class AtTheRequest:
    """A fault begins while the renewal's request may be under way, which it may break, however short it is.

    It may be the first occurrence in the cycle or a later one: each is moved there as often as not.
    """

    name: str
    threat: Threat

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt gaps, chances and lengths of every occurrence until the request."""
        purpose, entity, _, _ = address
        threat, chance = self.threat, self.threat.fault.probability
        if entity != threat.name:
            return None
        age = cycle.courses[entity].age
        if purpose == Purpose.FAULT_GAP:
            ages = threat.requesting
            return Sometimes(0.5, Start(ages, age, threat.rate)) if ages.after(age) > 0 else None
        if age >= threat.window:
            return None
        if purpose == Purpose.FAULT_CHANCE:
            return Coin(0, chance, max(0.5, chance))
        return Sometimes(0.5, Power(POWER))


@dataclass(frozen=True)
class Failing:
    """The first requests of the cycle fail; what comes after them is as it is, so that a lost lease is found out."""

    name: str
    requests: Mapping[int, Tilt]
    """By purpose."""
    failing: int

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt messages and service."""
        purpose, _, _, index = address
        first = cycle.follower.next_request
        return self.requests.get(purpose) if first <= index < first + self.failing else None


@dataclass(frozen=True)
class Together:
    """Some of everything."""

    at: Mapping[Address, Tilt]
    requests: Failing
    name: str = "all together"

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt the first occurrence of each fault, and requests."""
        return self.at.get(address) or self.requests.tilt(address, cycle)


@dataclass(frozen=True)
class AddingUp:
    """Other faults begin and requests fail, and the first occurrence of one fault outlasts what they leave."""

    others: Together
    last: Struck

    @property
    def name(self) -> str:
        """In a few words."""
        return f"{self.last.threat.fault.name}, outlasting what others leave"

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt the first occurrence of each of them, and a request."""
        return self.others.tilt(address, cycle) or self.last.tilt(address, cycle)


def strategies(scenario: Scenario) -> tuple[Strategy, ...]:
    """Return the scenario's own law, then strategies for each cause alone, then one for all together."""
    found: list[Strategy] = [Failing("as it is", {}, 0)]
    together: dict[Address, Tilt] = {}
    anyway = _losses(scenario, 0.5) | _errors(scenario, 0.5)
    for threat in threats(scenario):
        found += _struck(threat) + _retried(threat, scenario)
        if (together or anyway) and threat.outlasts and not threat.remote:
            found.append(_adding_up(threat, together, anyway, scenario))
        together |= _perhaps(threat, float(scenario.lease.ttl + scenario.expiry_grace_ns))
    for name, requests in _requests(scenario).items():
        found += [Failing(f"{name} {failing}", requests, failing) for failing in FAILING]
    if len(found) > 2 and (together or anyway):
        found.append(Together(together, Failing("", anyway, 3)))
    return tuple(found)


def _struck(threat: Threat) -> list[Strategy]:
    """Return what one fault may do: outlast the lease, add up to it, or last long if it is not clear how long."""
    name, long, enough = threat.fault.name, How.LONG, How.OUTLASTING
    ways = {"long": (long,), "long twice": (long, long), "long three times": (long, long, long)}
    if threat.outlasts:
        ways |= {
            "outlasting": (enough,),
            "the second outlasting": (How.AS_IT_IS, enough),
            "two adding up": (long, enough),
            "three adding up": (long, long, enough),
        }
    expected = threat.rate * threat.wait
    if threat.outlasts and expected > SEVERAL:
        ways["the third outlasting"] = (How.AS_IT_IS, How.AS_IT_IS, enough)
    found: list[Strategy] = [Struck(f"{name}, {way}", threat, occurrences) for way, occurrences in ways.items()]
    if threat.early:
        found.append(AtTheRequest(f"{name}, at the request", threat))
    if threat.early and not threat.frozen and not threat.remote and threat.before_the_answer().outlasts:
        found.append(Struck(f"{name}, before the answer", threat.before_the_answer(), (enough,)))
    if threat.outlasts and expected > MANY:
        found.append(AnyOf(f"{name}, any outlasting", threat, 1 / (1 + expected)))
    return found


def _adding_up(
    threat: Threat, others: Mapping[Address, Tilt], failing: Mapping[int, Tilt], scenario: Scenario
) -> AddingUp:
    """Return how one fault may outlast what faults before it in the file, or a failed request, leave of the lease."""
    failed = failed_try_ns(scenario) if failing else 0
    last = Struck("", threat.sooner(min(failed, threat.slack / 2)), (How.OUTLASTING,))
    return AddingUp(Together(dict(others), Failing("", failing, 1)), last)


def _retried(threat: Threat, scenario: Scenario) -> list[Strategy]:
    """Return what one fault may do while the holder tries again: outlast the last time-out, or its patience."""
    if not (threat.remote and threat.outlasts):
        return []
    sooner = {
        "the last time-out": time_out_ns(scenario),
        **{f"{share:.0%} of the slack": (1 - share) * threat.slack for share in SOONER},
    }
    return [
        Struck(f"{threat.fault.name}, outlasting {what}", threat.sooner(by), (How.OUTLASTING,))
        for what, by in sooner.items()
        if by <= threat.slack
    ]


def _perhaps(threat: Threat, window: float) -> dict[Address, Tilt]:
    """Let the first occurrence begin within `window` and last long, as often as not."""
    inside = -math.expm1(-threat.rate * window)
    chance = threat.fault.probability
    tilts: dict[Address, Tilt] = {(Purpose.FAULT_LENGTH, threat.name, 0, 0): Power(POWER / 2)}
    if inside < 1 - 1e-9:
        tilts[Purpose.FAULT_GAP, threat.name, 0, 0] = Coin(0, inside, max(0.5, inside))
    if chance < 1:
        tilts[Purpose.FAULT_CHANCE, threat.name, 0, 0] = Coin(0, chance, max(0.5, chance))
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


def answered(scenario: Scenario) -> dict[int, Tilt]:
    """Return the law of the requests before the cycle, which begins with an answer: none is lost or an error."""
    network, error = scenario.network, scenario.server.error_probability
    up, down = (Coin(word, p, 0.0) for word, p in ((2, network.loss_up), (3, network.loss_down)))
    return {Purpose.MESSAGE: Both(up, down), Purpose.SERVICE: Coin(2, error, 0.0)}


# ---- one sample -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bias:
    """All that is made likely in a scenario."""

    among: Sequence[Strategy]
    threats: Mapping[int, Threat] = field(default_factory=dict)
    answered: Mapping[int, Tilt] = field(default_factory=dict)

    @classmethod
    def of(cls, scenario: Scenario) -> Bias:
        """Choose strategies for a lone holder's scenario."""
        return cls(strategies(scenario), {t.name: t for t in threats(scenario)}, answered(scenario))


class Biased(Streams):
    """The draws of one world under one strategy, and what every strategy makes of them."""

    __slots__ = ("_bias", "_chosen", "_known", "courses", "follower", "likelihoods")

    def __init__(self, seed: int, sample: int, chosen: int, bias: Bias, follower: Follower) -> None:
        super().__init__(seed, sample)
        self._bias, self._chosen, self.follower = bias, bias.among[chosen], follower
        self._known: dict[Address, Block] = {}
        self.courses = {name: Course() for name in bias.threats}
        # of each strategy, against the scenario's own law
        self.likelihoods = [1.0] * len(bias.among)

    def slept(self, besides: int) -> float:
        """Return for how long the other faults so far have stopped the timers of the holder, or are bound to."""
        return sum(self._bias.threats[name].stopped(course) for name, course in self.courses.items() if name != besides)

    def block(self, purpose: int, entity: int, part: int, index: int) -> Block:
        """Return the four uniforms of this address."""
        address = purpose, entity, part, index
        if address not in self._known:
            drawn = super().block(*address)
            if purpose in _REQUEST:
                drawn = self._request(address, drawn)
            elif purpose in _FAULT:
                drawn = self._fault(address, drawn)
            self._known[address] = drawn
        return self._known[address]

    def _request(self, address: Address, drawn: Block) -> Block:
        purpose, _, _, index = address
        if index < REQUESTS_BEFORE:
            return self._bias.answered[purpose].push(drawn)
        return self._tilted(address, drawn)

    def _fault(self, address: Address, drawn: Block) -> Block:
        purpose, entity, _, _ = address
        threat, course = self._bias.threats[entity], self.courses[entity]
        if purpose == Purpose.FAULT_GAP:
            threat.ended(course)
        drawn = self._tilted(address, drawn)
        threat.drawn(purpose, drawn, course)
        return drawn

    def _tilted(self, address: Address, drawn: Block) -> Block:
        own = self._chosen.tilt(address, self)
        if own is not None:
            drawn = own.push(drawn)
        for j, strategy in enumerate(self._bias.among):
            tilt = strategy.tilt(address, self)
            if tilt is not None:
                self.likelihoods[j] *= tilt.density(drawn)
        return drawn


_REQUEST: Final = {Purpose.MESSAGE, Purpose.SERVICE}
_FAULT: Final = {Purpose.FAULT_GAP, Purpose.FAULT_LENGTH, Purpose.FAULT_CHANCE}
