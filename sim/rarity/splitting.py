"""Splitting on lease age: the same rate without weights, from worlds that are selected and varied.

A cycle's score is the lease age that it reached before it was renewed; a lost lease has passed every age. Cycles that
were renewed on time are told apart by how far into the cycle a fault lasted, or how soon one would have come. The rare
P(killed) is a product of not so rare P(age > l_k | age > l_{k-1}). Worlds that pass a level are copied and varied by
a Markov chain that keeps the law of their draws given that they pass: each uniform, as a normal deviate z, moves to
sqrt(1 - b^2) z + b e. With levels fixed beforehand the product of the shares is unbiased (Botev & Kroese 2012), and
independent repetitions give its interval. Nothing here knows which faults there are or what they do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from scipy.special import ndtr, ndtri

from sim.errors import ScenarioError
from sim.rarity.biasing import Address, Block
from sim.rarity.cycles import Cycle, cycle_of, lone_holder, longest_wait_ns, reasons_against
from sim.results.measures import FALSE_TERMINATIONS, known
from sim.results.origins import Source, named
from sim.results.provenance import SEED
from sim.stats import Estimate, mean_interval
from sim.streams import Streams
from sim.units import HOUR
from sim.vocabulary import Purpose

PASS: Final = 0.15
"""Share of worlds that a level of the pilot lets pass."""
LEVELS_MAX: Final = 40
MOVES: Final = 4
STEPS: Final = (0.1, 0.3, 0.6, 1.0)
"""The b of the moves, in turn: from a nudge to a fresh draw."""
_EDGE: Final = 2.0**-53


class Varied(Streams):
    """Draws that are remembered; what was never drawn is new."""

    __slots__ = ("known",)

    def __init__(self, seed: int, number: int, known: dict[Address, Block]) -> None:
        super().__init__(seed, number)
        self.known = known

    def block(self, purpose: int, entity: int, part: int, index: int) -> Block:
        """Return the four uniforms of this address."""
        address = purpose, entity, part, index
        if address not in self.known:
            self.known[address] = super().block(*address)
        return self.known[address]


class Particle(NamedTuple):
    """A world by its draws, with what came of it."""

    known: dict[Address, Block]
    score: float
    length_ns: int


class _Splitter:
    """One scenario, one seed; worlds are numbered as they come."""

    def __init__(self, source: Source, seed: int) -> None:
        chosen, _ = named(source)
        problems = reasons_against(chosen)
        if problems:
            raise ScenarioError(problems)
        self.scenario, self.seed, self.number = lone_holder(chosen), seed, 0
        self.on_time_ns = longest_wait_ns(self.scenario) * 1.01

    def world(self, known: dict[Address, Block]) -> Particle:
        """Simulate the world of these draws."""
        self.number += 1
        draws = Varied(self.seed, self.number, known)
        cycle = cycle_of(self.scenario, draws)
        return Particle(draws.known, self._score(cycle, draws.known), cycle.length_ns)

    def _score(self, cycle: Cycle, known: dict[Address, Block]) -> float:
        if cycle.killed:
            return math.inf
        if cycle.length_ns > self.on_time_ns:
            return float(cycle.length_ns)
        if cycle.trouble_ns >= 0:
            return float(min(cycle.trouble_ns, self.on_time_ns))
        return -min((block[0] for address, block in known.items() if address[0] == Purpose.FAULT_GAP), default=1.0)

    def varied(self, particle: Particle, level: float, step: float) -> Particle:
        """Vary a world; keep it as it was where that would not pass the level."""
        noise = Streams(self.seed, self.number + 1)
        # a purpose of its own: no draw of a world has its top bit set
        moved = {
            address: _moved(block, noise.block(address[0] | 1 << 40, *address[1:]), step)
            for address, block in particle.known.items()
        }
        candidate = self.world(moved)
        return candidate if candidate.score > level else particle

    def passed(self, particles: Sequence[Particle], level: float) -> list[Particle]:
        """Return as many worlds again, all past the level."""
        survivors = [each for each in particles if each.score > level]
        count = len(particles)
        chosen = [survivors[at * len(survivors) // count] for at in range(count)] if survivors else []
        for step in STEPS[:MOVES]:
            chosen = [self.varied(each, level, step) for each in chosen]
        return chosen

    def levels(self, size: int) -> list[float]:
        """Find levels that about the same share of worlds passes."""
        found: list[float] = []
        particles = [self.world({}) for _ in range(size)]
        while len(found) < LEVELS_MAX:
            scores = sorted(each.score for each in particles)
            level = scores[min(size - 1, int(size * (1 - PASS)))]
            if level == math.inf:
                break
            higher = [score for score in scores if score > level]
            if not higher:  # many alike: the highest level that some pass
                lower = [score for score in scores if score < level]
                if not lower or (found and lower[-1] <= found[-1]):
                    break
                level = lower[-1]
            found.append(level)
            particles = self.passed(particles, level)
        return found

    def chance(self, levels: Sequence[float], size: int) -> tuple[float, float]:
        """Return P(killed) in one repetition, and the mean length of its unselected cycles in hours."""
        particles = [self.world({}) for _ in range(size)]
        hours = sum(each.length_ns for each in particles) / size / HOUR
        chance = 1.0
        for level in levels:
            chance *= sum(each.score > level for each in particles) / size
            particles = self.passed(particles, level)
            if not particles:
                return 0.0, hours
        return chance * sum(each.score == math.inf for each in particles) / size, hours


def split(
    scenario: Source, size: int = 300, repetitions: int = 10, confidence: float = 0.95, seed: int = SEED
) -> Estimate:
    """Estimate false terminations per lease-hour by splitting on lease age.

    Args:
        scenario: a scenario, or the name or path of one.
        size: worlds at each level.
        repetitions: independent ones, at least 2; the interval is Student's t over them.
        confidence: nominal coverage of the interval.
        seed: same seed, same numbers.

    A check on `sim.rare`, and slower: it knows of no cause, and it has no weights. Refuses what that refuses.
    """
    if size < 20 or repetitions < 2:
        raise ValueError(f"size = {size} and repetitions = {repetitions}: must be at least 20 and 2")
    splitter = _Splitter(scenario, seed)
    levels = splitter.levels(size)
    found = [splitter.chance(levels, size) for _ in range(repetitions)]
    hours = sum(each for _, each in found) / repetitions
    unit = known(FALSE_TERMINATIONS).unit
    return mean_interval([chance / hours for chance, _ in found], unit, confidence)


def _moved(block: Block, noise: Block, step: float) -> Block:
    keep = math.sqrt(1 - step * step)
    a, b, c, d = (
        min(max(float(ndtr(keep * float(ndtri(u)) + step * float(ndtri(v)))), _EDGE), 1 - _EDGE)
        for u, v in zip(block, noise, strict=True)
    )
    return a, b, c, d
