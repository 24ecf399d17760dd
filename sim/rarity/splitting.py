"""Splitting on lease age: the second opinion on a rare rate, with no weights and no likelihood ratios.

A cycle that loses its lease has to grow old first: to be without a granted renewal for longer and longer. Cycles that
reach the first *level* of age are copied, the copies go on with fresh luck, those that reach the second level are
copied again, and so on (Kahn and Harris 1951; fixed effort: Garvels 2000). P(a cycle ends in a stop) is the product of
the shares that reached each level and the share of stops beyond the last. Nothing is made likely, so no cause can be
forgotten; what never reaches a level in its own time stays unseen, as in any simulation.

A copy is made by going back to the beginning and drawing the same up to the moment of the split: draws have addresses,
so what was drawn by then is kept and the rest comes from another replication. The length of a fault that is under way
was drawn when it began; copies draw it anew from what is left of its law, given that it has lasted so long. That the
events up to the split come out the same is checked at every copy.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.engines.process import faults, population
from sim.engines.process.draws import Sampler
from sim.engines.process.world import World
from sim.model.distributions import Distribution, Mixture
from sim.model.scenario import Scenario
from sim.rarity.cycles import Cycle, Follower, longest_wait_ns
from sim.streams import Streams, stable_id
from sim.trace import Row
from sim.vocabulary import PART_OF_MIXTURE, Kind, Purpose

Block = tuple[float, float, float, float]
Address = tuple[int, int, int, int]

SHARE: Final = 0.25
"""About this share of cycles should reach the next level."""
LEVELS_MAX: Final = 60
MORE: Final = 20
"""Where fewer reach the next level, more cycles are played, but not more than so many times more: seldom does anything
begin in a cycle."""
_TRIAL: Final = 5
"""In the trial so many times more cycles are played from the beginning."""
_REACHING: Final = 10
"""The trial goes on, up to `MORE` times longer, until so many cycles are older than most: without them there would be
no level, and the runs would see nothing."""
_STEP: Final = 50
"""Levels are at least a fiftieth of the ttl apart."""
_TOP: Final = 1.0 - 2.0**-53


class Kept(Streams):
    """The draws of a copy: some are kept from the cycle that it was split from, the rest are its own."""

    __slots__ = ("kept", "made", "now")

    def __init__(self, seed: int, number: int, kept: Mapping[Address, Block]) -> None:
        super().__init__(seed, number)
        self.kept = kept
        self.made: dict[Address, tuple[int, Block]] = {}
        """Every draw so far, and when it was first made."""
        self.now: Callable[[], int] = int

    def block(self, purpose: int, entity: int, part: int, index: int) -> Block:
        """Return the four uniforms of this address."""
        address = purpose, entity, part, index
        if address not in self.made:
            drawn = self.kept[address] if address in self.kept else super().block(*address)
            self.made[address] = self.now(), drawn
        return self.made[address][1]


@dataclass(frozen=True)
class Particle:
    """One cycle, played to its end, with all that is needed to split it anywhere."""

    cycle: Cycle
    began_ns: int
    rows: Sequence[Row]
    made: Mapping[Address, tuple[int, Block]]
    sleeps: Sequence[tuple[int, int]]
    """When sleeps began and ended within the cycle."""
    wait_ns: int
    """The interval between renewals: a sleep stops the holder's clock, so it is still to be waited out afterwards."""

    @property
    def peak_ns(self) -> int:
        """How old the lease became, or was bound to become: see `when`."""
        asleep = sum(end - begin for begin, end in self.sleeps)
        return max(self.cycle.length_ns, self.wait_ns + asleep if asleep else 0)

    def when(self, age_ns: int) -> int | None:
        """Return when the lease had this age, or was bound to reach it, having been asleep for so long; None if never.

        Of a sleeper it is known early: who has slept an hour renews an interval and an hour after the last time.
        """
        found = self.began_ns + age_ns if age_ns <= self.cycle.length_ns else None
        left = age_ns - self.wait_ns
        for begin, end in self.sleeps if left > 0 else ():
            if left <= end - begin:
                return begin + left if found is None else min(found, begin + left)
            left -= end - begin
        return found


def play(scenario: Scenario, draws: Kept) -> Particle:
    """Let a lone holder's world run until its first cycle is over."""
    world = World(scenario, draws)
    env, rows, follower = world.schedule.env, world.rows, Follower()
    draws.now = lambda: int(env.now)
    faults.begin(world)
    population.begin(world)
    seen = 0
    while env.peek() < scenario.duration:
        env.step()
        while seen < len(rows):
            cycle = follower.after(rows[seen])
            seen += 1
            if cycle is not None:
                return _particle(scenario, cycle, follower.began, rows[:seen], draws)
    return _particle(scenario, follower.ended(scenario.duration, killed=False), follower.began, rows[:seen], draws)


def _particle(scenario: Scenario, cycle: Cycle, began: int, rows: Sequence[Row], draws: Kept) -> Particle:
    over = began + cycle.length_ns
    sleeping = {index for index, fault in enumerate(scenario.faults) if fault.what == "sleep"}
    sleeps = [
        (max(row[0], began), min(row[0] + row[6], over))
        for row in rows
        if row[1] == Kind.FAULT_BEGIN and row[4] in sleeping and row[0] < over and row[0] + row[6] > began
    ]
    return Particle(cycle, began, rows, draws.made, sleeps, longest_wait_ns(scenario))


class Copier:
    """Copies cycles at an age."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self._laws = {stable_id(fault.name): fault.length for fault in scenario.faults}
        self._index = {stable_id(fault.name): at for at, fault in enumerate(scenario.faults)}
        self.played = 0

    def fresh(self) -> Particle:
        """Play a cycle from its beginning."""
        return self._played({})

    def copy(self, parent: Particle, age_ns: int) -> Particle:
        """Play a cycle that is `parent` until its lease has this age, and has luck of its own from then on."""
        at = parent.when(age_ns)
        assert at is not None, "only what reached an age is copied there"
        fresh = Streams(self.seed, self.played)
        kept = {}
        for address, (when, block) in parent.made.items():
            if when > at:
                continue
            if address[0] == Purpose.FAULT_LENGTH:
                again = self._again(address, block, parent, at, fresh)
                if again is None:
                    continue
                block = again
            kept[address] = block
        made = self._played(kept)
        _alike(parent.rows, made.rows, at)
        return made

    def _played(self, kept: Mapping[Address, Block]) -> Particle:
        number, self.played = self.played, self.played + 1
        return play(self.scenario, Kept(self.seed, number, kept))

    def _again(self, address: Address, block: Block, parent: Particle, at: int, fresh: Streams) -> Block | None:
        """Return the uniforms of a fault's length: kept where it is over, None where it has not begun, else given
        that it has lasted until now.
        """
        law, index = self._laws[address[1]], self._index[address[1]]
        length = Sampler(law).of(block[0], block[PART_OF_MIXTURE])
        begun = [
            row[0] for row in parent.rows
            if row[1] == Kind.FAULT_BEGIN and row[4] == index and row[6] == length and row[0] <= at
        ]  # fmt: skip
        if not begun:
            return None
        lasted = at - begun[-1]
        return block if length <= lasted else lasting(law, lasted, fresh.block(*address))


def _alike(before: Sequence[Row], after: Sequence[Row], until: int) -> None:
    """Assert that a copy's events up to the split are those of the cycle that it was split from."""
    for one, other in zip(before, after, strict=False):
        if one[0] >= until or other[0] >= until:
            return
        same = one[:6] == other[:6] and (one[6] == other[6] or one[1] == Kind.FAULT_BEGIN)
        assert same, f"a copy differs from its original before it was split: {one} and {other}"


def lasting(law: Distribution, ns: int, block: Block) -> Block:
    """Move the uniforms of a duration to where it is longer than `ns`: its law, given that it has lasted so long."""
    if not isinstance(law, Mixture):
        return (_beyond(Sampler(law), ns, block[0]), block[1], block[2], block[3])
    total = sum(part.weight for part in law.parts)
    starts = [_first(Sampler(part.of), ns) for part in law.parts]
    shares = [part.weight / total * (1 - start) for part, start in zip(law.parts, starts, strict=True)]
    reached, ends = 0.0, []
    for share in shares:
        reached += share
        ends.append(reached)
    assert reached > 0
    chosen = min(bisect_right(ends, block[PART_OF_MIXTURE] * reached), len(ends) - 1)
    before = sum(part.weight for part in law.parts[:chosen]) / total
    middle = before + law.parts[chosen].weight / total / 2
    u = min(starts[chosen] + block[0] * (1 - starts[chosen]), _TOP)
    return u, middle, block[2], block[3]


def _beyond(sampler: Sampler, ns: int, u: float) -> float:
    start = _first(sampler, ns)
    return min(start + u * (1 - start), _TOP)


def _first(sampler: Sampler, ns: int) -> float:
    """Return where the quantiles of a duration begin to be longer than `ns`; 1 where they never are."""
    if sampler.of(_TOP, 0.5) <= ns:
        return 1.0
    low, high = 0.0, _TOP
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sampler.of(middle, 0.5) <= ns else (low, middle)
    return high


@dataclass
class Run:
    """One run of all levels: P(a cycle ends in a stop), and what share reached each level."""

    probability: float = 0.0
    shares: list[float] = field(default_factory=list)
    hours_ns: list[int] = field(default_factory=list)
    """Lengths of the cycles that were not split: their mean is the cycle's."""
    causes: dict[tuple[int, ...], float] = field(default_factory=dict)
    """Probability by the faults that began."""


@dataclass(frozen=True)
class Level:
    """An age of the lease, and how many cycles of a run are played towards it from the level below."""

    age_ns: int
    cycles: int


def run_levels(copier: Copier, levels: Sequence[Level], effort: int) -> Run:
    """Play each level's cycles towards it, and `effort` from the last."""
    result, weight = Run(), 1.0
    sizes = [*(level.cycles for level in levels), effort]
    particles = [copier.fresh() for _ in range(sizes[0])]
    result.hours_ns = [p.cycle.length_ns for p in particles]
    for at in range(len(levels) + 1):
        level = levels[at].age_ns if at < len(levels) else None
        stopped = [p for p in particles if p.cycle.killed and (level is None or p.peak_ns < level)]
        for p in stopped:
            share = weight / len(particles)
            result.probability += share
            result.causes[p.cycle.suspects] = result.causes.get(p.cycle.suspects, 0.0) + share
        if level is None:
            break
        old = [p for p in particles if p.peak_ns >= level]
        result.shares.append(len(old) / len(particles))
        if not old:
            break
        weight *= len(old) / len(particles)
        particles = _copies(copier, old, level, sizes[at + 1])
    return result


def _copies(copier: Copier, old: Sequence[Particle], age_ns: int, count: int) -> list[Particle]:
    """Copy the old at an age, each as often as the others but for one."""
    return [copier.copy(old[number % len(old)], age_ns) for number in range(count)]


def levels_for(copier: Copier, effort: int) -> list[Level]:
    """Choose levels by a run that is thrown away: about `SHARE` of `effort` cycles reach the next one, or else as many
    do of more cycles.
    """
    step = copier.scenario.lease.ttl // _STEP
    levels: list[Level] = []
    age = 0
    particles = _trial(copier, effort)
    while len(levels) < LEVELS_MAX:
        ages = sorted(p.peak_ns for p in particles)
        stops = sum(p.cycle.killed for p in particles)
        if stops > SHARE * len(particles):
            break
        most = ages[int(len(ages) * (1 - SHARE))]
        level = min(max(most + 1, age + step), ages[-1])
        if level <= max(age, most):
            break
        old = [p for p in particles if p.peak_ns >= level]
        levels.append(Level(level, round(effort * min(MORE, max(1.0, SHARE * len(particles) / len(old))))))
        age, particles = level, _copies(copier, old, level, effort)
    return levels


def _trial(copier: Copier, effort: int) -> list[Particle]:
    """Play cycles from their beginning until some are older than most."""
    particles: list[Particle] = []
    while len(particles) < MORE * _TRIAL * effort:
        particles += [copier.fresh() for _ in range(_TRIAL * effort)]
        ages = sorted(p.peak_ns for p in particles)
        if ages[-_REACHING] > ages[int(len(ages) * (1 - SHARE))]:
            break
    return particles
