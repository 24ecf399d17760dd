"""Unlikely draws made likely, address by address, each with its likelihood ratio.

A draw is a uniform at an address, and a *tilt* moves it. A *strategy* tilts some addresses, knowing what went before in
the cycle: one fault begins in it and outlasts what is left of the lease, or messages are lost one after another.
Every sample is weighed by the mixture of all strategies, 1 / sum_j a_j L_j with L_j the product of densities under
strategy j (the balance heuristic: Veach & Guibas 1995; Owen & Zhou 2000). It is unbiased whatever the strategies, and
since one of them is the scenario's own law, drawn with share a_0, no weight exceeds 1 / a_0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from sim.model.scenario import Scenario
from sim.rarity.choosing import answered, strategies
from sim.rarity.cycles import REQUESTS_BEFORE, Follower
from sim.rarity.strategies import FAULT, Address, Strategy
from sim.rarity.threats import REMOTE, Course, Others, Threat, threats
from sim.rarity.tilts import Block, Tilt
from sim.streams import Streams
from sim.vocabulary import Purpose


@dataclass(frozen=True)
class Bias:
    """All that is made likely in a scenario."""

    among: Sequence[Strategy]
    threats: Mapping[int, Threat] = field(default_factory=dict)
    answered: Mapping[int, Tilt] = field(default_factory=dict)
    remote: Set[int] = frozenset()
    """Places in the file of the faults during which every request fails; one that is stalled may still be lost."""

    @classmethod
    def of(cls, scenario: Scenario) -> Bias:
        """Choose strategies for a lone holder's scenario."""
        remote = {
            index for index, fault in enumerate(scenario.faults) if fault.what in REMOTE and fault.mode != "stall"
        }
        return cls(strategies(scenario), {t.name: t for t in threats(scenario)}, answered(scenario), remote)


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

    @property
    def away(self) -> bool:
        """Whether a request fails now whatever is drawn for it."""
        return not self._bias.remote.isdisjoint(self.follower.under_way)

    def others(self, besides: int) -> Others:
        """Return what the faults but one have done so far."""
        courses = [(self._bias.threats[name], course) for name, course in self.courses.items() if name != besides]
        holding = [threat.holds_until(course) for threat, course in courses if not (threat.frozen or threat.remote)]
        return Others(sum(threat.stopped(course) for threat, course in courses), max(holding, default=0.0))

    def block(self, purpose: int, entity: int, part: int, index: int) -> Block:
        """Return the four uniforms of this address."""
        address = purpose, entity, part, index
        if address not in self._known:
            drawn = super().block(*address)
            if purpose in _REQUEST:
                drawn = self._request(address, drawn)
            elif purpose in FAULT:
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
