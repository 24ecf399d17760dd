"""Splitting on lease age: copies that are their originals up to the split, and rates that are the closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest

import sim
from sim.errors import ScenarioError, UsageError
from sim.model.distributions import Exponential, Lognormal, Mixture
from sim.model.distributions import Part as MixturePart
from sim.rarity.cycles import lone_holder
from sim.rarity.splitting import Copier, lasting, levels_for
from sim.streams import Streams
from sim.vocabulary import Kind
from tests.test_rare import CASES

SECOND = 10**9


def test_a_copy_is_its_original_up_to_the_split_and_has_its_own_luck_afterwards() -> None:
    scenario, _ = CASES["pause 1e-3"]
    copier = Copier(lone_holder(scenario), 1)
    parent = next(p for p in iter(copier.fresh, None) if p.cycle.length_ns > 130 * SECOND)
    age = 120 * SECOND
    copies = [copier.copy(parent, age) for _ in range(40)]
    split = parent.began_ns + age
    before = [(row[0], row[1]) for row in parent.rows if row[0] <= split]
    for copy in copies:
        assert copy.began_ns == parent.began_ns
        assert [(row[0], row[1]) for row in copy.rows if row[0] <= split] == before
        assert copy.cycle.length_ns >= age
    lengths = {copy.cycle.length_ns for copy in copies}
    assert len(lengths) == 40  # a pause that is under way goes on for a time of its own
    begun = [row for copy in copies for row in copy.rows if row[1] == Kind.FAULT_BEGIN and row[0] <= split]
    assert len(begun) == 40
    assert all(row[0] + row[6] > split for row in begun)


@pytest.mark.parametrize("law", ["exponential", "lognormal", "mixture"])
def test_what_is_left_of_a_law_is_its_tail(law: str) -> None:
    """P(longer than b | longer than a) by the law itself, against the share of redrawn durations longer than b."""
    from sim.engines.process.draws import Sampler

    short, long = Exponential(mean="10s"), Lognormal(median="20s", sigma=1.0)
    laws: dict[str, Any] = {
        "exponential": short,
        "lognormal": long,
        "mixture": Mixture(parts=(MixturePart(weight=3.0, of=short), MixturePart(weight=1.0, of=long))),
    }
    a, b, n = 40 * SECOND, 70 * SECOND, 4000
    sampler, streams = Sampler(laws[law]), Streams(3, 0)

    def longer(than: float) -> float:
        tails = {"exponential": math.exp(-than / 10), "lognormal": 0.5 * math.erfc(math.log(than / 20) / math.sqrt(2))}
        return tails.get(law, 0.75 * tails["exponential"] + 0.25 * tails["lognormal"])

    drawn = [lasting(laws[law], a, streams.block(1, 2, 3, index)) for index in range(n)]
    values = [sampler.of(block[0], block[1]) for block in drawn]
    assert min(values) > a
    expected = longer(70.0) / longer(40.0)
    found = sum(value > b for value in values) / n
    assert abs(found - expected) <= 4 * math.sqrt(expected * (1 - expected) / n)


def test_a_sleeper_is_copied_while_it_sleeps() -> None:
    """Its clock stands and it waits the interval out: the age that it will reach is known before it wakes."""
    scenario, _ = CASES["sleep 1e-3"]
    copier = Copier(lone_holder(scenario), 1)
    parent = next(p for p in iter(copier.fresh, None) if p.peak_ns > 120 * SECOND)
    (begin, end), age = parent.sleeps[0], 110 * SECOND
    at = parent.when(age)
    assert at is not None
    assert begin < at < end
    assert at == begin + 10 * SECOND or at == parent.began_ns + age
    assert len({copier.copy(parent, age).peak_ns for _ in range(20)}) == 20
    assert parent.when(10**15) is None


def test_levels_rise_and_are_reached() -> None:
    scenario, _ = CASES["sleep 1e-3"]
    levels = levels_for(Copier(lone_holder(scenario), 1), 100)
    ages = [level.age_ns for level in levels]
    assert ages == sorted(set(ages))
    assert ages[0] > 95 * SECOND
    assert ages[-1] < 310 * SECOND
    # one cycle in 25 has a sleep: so many more are played from the beginning
    assert 300 < levels[0].cycles <= 2000
    assert all(level.cycles >= 100 for level in levels)


def test_a_trial_goes_on_until_a_level_is_seen() -> None:
    """An outage is under way at one renewal in 200: of the first 50 cycles none is older than the others."""
    scenario, _ = CASES["outage 1e-6"]
    for seed in range(4):
        levels = levels_for(Copier(lone_holder(scenario), seed), 10)
        assert levels
        assert levels[0].age_ns > 100 * SECOND  # all reach 100 s: to split there is to split nothing


def agrees(name: str, precision: float, z: float, effort: int, budget: int) -> None:
    scenario, exact = CASES[name]
    found = sim.split(scenario, precision=precision, effort=effort, budget=budget)
    assert found.runs >= 5
    assert abs(found.estimate.value - exact) <= z / 1.96 * found.estimate.reach, (found.estimate, exact)
    assert 0.3 < found.estimate.value / exact < 3


def test_a_rate_by_splitting_is_the_closed_form() -> None:
    agrees("pause 1e-3", 1.0, 4.0, effort=20, budget=9000)


@pytest.mark.long
@pytest.mark.verification
@pytest.mark.parametrize("name", [name for name in CASES if not name.endswith("1e-9")])
def test_each_rate_by_splitting_is_the_closed_form(name: str) -> None:
    agrees(name, 0.3, 3.3, effort=250, budget=200_000)


@pytest.mark.long
@pytest.mark.verification
def test_both_methods_agree() -> None:
    scenario, _ = CASES["sleep 1e-6"]
    one, other = sim.rare(scenario), sim.split(scenario)
    assert one.estimate.low < other.estimate.high
    assert other.estimate.low < one.estimate.high


def test_the_same_seed_gives_the_same_numbers() -> None:
    scenario, _ = CASES["loss 1e-3"]
    a, b, c = (sim.split(scenario, budget=200, effort=20, seed=seed) for seed in (1, 1, 2))
    assert a.as_json() == b.as_json()
    assert a.as_json() != c.as_json()
    assert "method splitting" in repr(a)


def test_it_refuses_what_the_other_method_refuses() -> None:
    with pytest.raises(ScenarioError, match="must be a rate: set times make no cycle like another"):
        sim.split("laptop-own-server")
    with pytest.raises(UsageError, match="effort = 3: must be at least 10"):
        sim.split(CASES["loss 1e-3"][0], effort=3)
    with pytest.raises(UsageError, match="'splitting' does not estimate 'queue_wait_seconds'"):
        sim.split(CASES["loss 1e-3"][0], metric="queue_wait_seconds")
