"""Draws by address, and the formulas from uniforms to variates."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from sim import samplers
from sim.model.distributions import LEAST, Pareto, Weibull
from sim.samplers import CONSTANT, EXPONENTIAL, LOGNORMAL, NORMAL, PARETO, UNIFORM, WEIBULL, variate
from sim.streams import Streams, philox, stable_id, uniform
from sim.vocabulary import Purpose

WORDS = st.integers(0, 2**64 - 1)
OPEN_UNIT = st.floats(2.0**-53, 1.0 - 2.0**-53)
SHARES = [2.0**-53, 1e-12, 1e-6, 0.001, 0.02, 0.074, 0.076, 0.3, 0.5, 0.7, 0.93, 0.999, 1 - 1e-9, 1.0 - 2.0**-53]

# ---- the generator ----------------------------------------------------------------------------------------


@given(st.tuples(WORDS, WORDS), st.tuples(st.integers(1, 2**64 - 1), WORDS, WORDS, WORDS))
def test_philox_is_numpys(key: tuple[int, int], counter: tuple[int, int, int, int]) -> None:
    """NumPy steps its counter before the first block."""
    before = [counter[0] - 1, *counter[1:]]
    theirs = np.random.Philox(key=np.array(key, dtype=np.uint64), counter=np.array(before, dtype=np.uint64))
    assert philox(key, counter) == tuple(theirs.random_raw(4).tolist())


def test_philox_gives_the_published_words() -> None:
    """The known answers that come with Random123 1.09 for philox4x64, 10 rounds."""
    ones = 2**64 - 1
    assert philox((0, 0), (0, 0, 0, 0)) == (
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B,
    )  # fmt: skip
    assert philox((ones, ones), (ones,) * 4) == (
        0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0,
    )  # fmt: skip


@given(WORDS, WORDS, st.sampled_from(Purpose), st.integers(0, 2**62), st.integers(0, 2**62), st.integers(0, 2**62))
def test_a_draw_is_found_by_its_address(
    seed: int, replication: int, purpose: Purpose, entity: int, part: int, index: int
) -> None:
    key = np.array([seed, replication], dtype=np.uint64)
    theirs = np.random.Philox(key=key, counter=np.array([index, part, entity, purpose], dtype=np.uint64))
    block = Streams(seed, replication).block(purpose, entity, part, index)
    assert block == tuple(uniform(word) for word in theirs.random_raw(4).tolist())
    assert block == Streams(seed, replication).block(purpose, entity, part, index)


def test_neighbouring_addresses_have_nothing_in_common() -> None:
    """Each word of the address counts: 4 x 500 blocks, no word twice."""
    streams = Streams(1, 2)
    along = [
        [streams.block(n, 1000, 1001, 1002) for n in range(500)],
        [streams.block(1000, n, 1001, 1002) for n in range(500)],
        [streams.block(1000, 1001, n, 1002) for n in range(500)],
        [streams.block(1000, 1001, 1002, n) for n in range(500)],
    ]
    drawn = [u for blocks in along for block in blocks for u in block]
    assert len(set(drawn)) == len(drawn)
    assert {Streams(seed, 0).block(1, 1, 1, 1) for seed in range(100)}.isdisjoint(
        {Streams(0, replication).block(1, 1, 1, 1) for replication in range(1, 100)}
    )


@pytest.mark.verification
def test_uniforms_are_uniform() -> None:
    """Each of the four words along each part of the address; 16 Kolmogorov-Smirnov tests at 1e-4, fixed seed."""
    streams, n = Streams(20240229, 0), 5000
    walks: list[Callable[[int], tuple[float, float, float, float]]] = [
        lambda k: streams.block(k, 0, 0, 0),
        lambda k: streams.block(1, k, 0, 0),
        lambda k: streams.block(1, 0, k, 0),
        lambda k: streams.block(1, 0, 0, k),
    ]
    for walk in walks:
        blocks = np.array([walk(k) for k in range(n)])
        for word in range(4):
            assert scipy.stats.kstest(blocks[:, word], "uniform").pvalue > 1e-4
        assert np.abs(np.corrcoef(blocks.T) - np.eye(4)).max() < 3.9 / math.sqrt(n)


@given(WORDS)
def test_uniform_lies_inside_and_is_symmetric(word: int) -> None:
    u = uniform(word)
    assert 0.0 < u < 1.0
    assert uniform(2**64 - 1 - word) == 1.0 - u
    assert u * 2**53 == int(u * 2**53), "exact in binary: 1 - u loses nothing"


def test_uniform_at_its_ends() -> None:
    assert uniform(0) == 2.0**-53
    assert uniform(2**64 - 1) == 1.0 - 2.0**-53
    assert uniform(2**63) > 0.5 > uniform(2**63 - 1)


@given(st.text(max_size=60))
def test_stable_ids_fit_an_address(name: str) -> None:
    assert 0 <= stable_id(name) < 2**62


def test_stable_ids_are_stable() -> None:
    """The numbers are part of what a seed means: a change of them changes every result."""
    assert stable_id("sleep") == 1_571_900_533_023_572_028
    assert len({stable_id(f"fault_{n}") for n in range(10_000)}) == 10_000


# ---- the formulas -----------------------------------------------------------------------------------------

LAWS = [
    # kind, a, b, the same law in SciPy
    (EXPONENTIAL, 6e10, 0.0, scipy.stats.expon(scale=6e10)),
    (LOGNORMAL, math.log(3e10), 1.3, scipy.stats.lognorm(s=1.3, scale=3e10)),
    (UNIFORM, 2e9, 9e9, scipy.stats.uniform(2e9, 7e9)),
    (PARETO, 5e9, 2.5, scipy.stats.pareto(2.5, scale=5e9)),
    (WEIBULL, 4e9, 0.8, scipy.stats.weibull_min(0.8, scale=4e9)),
    (NORMAL, 7e9, 2e9, scipy.stats.norm(7e9, 2e9)),
]
NAMES = ["exponential", "lognormal", "uniform", "pareto", "weibull", "normal"]


@pytest.mark.parametrize(("kind", "a", "b", "law"), LAWS, ids=NAMES)
@pytest.mark.parametrize("u", SHARES)
def test_variates_are_quantiles(kind: int, a: float, b: float, law: scipy.stats.rv_continuous, u: float) -> None:
    """At a `u` that `uniform` can give; in the upper tail SciPy is asked for the share above, which is exact there."""
    u = uniform(int(u * 2**64) & (2**64 - 1))
    theirs = law.ppf(u) if u <= 0.5 else law.isf(1.0 - u)
    assert variate(kind, a, b, u) == pytest.approx(theirs, rel=2e-13)


@pytest.mark.parametrize(("kind", "a", "b"), [each[:3] for each in LAWS], ids=NAMES)
@given(one=OPEN_UNIT, other=OPEN_UNIT)
def test_variates_grow_with_their_uniform(kind: int, a: float, b: float, one: float, other: float) -> None:
    """Up to the last bits of the logarithm, far below a nanosecond."""
    low, high = sorted((one, other))
    least, most = variate(kind, a, b, low), variate(kind, a, b, high)
    assert least <= most + 1e-15 * abs(most)
    assert samplers.nanoseconds(least) <= samplers.nanoseconds(most) + 1


@pytest.mark.parametrize(("made", "longest", "key"), [(Pareto, "minimum", "alpha"), (Weibull, "scale", "shape")])
def test_the_heaviest_tail_has_no_draw_that_a_float_does_not_hold(
    made: type[Pareto | Weibull], longest: str, key: str
) -> None:
    """Beyond it the reference would fail where the kernel goes on with infinity."""
    kind, a, b = made.model_validate({longest: "10000d", key: LEAST}).law()
    assert all(math.isfinite(variate(kind, a, b, uniform(word))) for word in (0, 2**64 - 1))
    with pytest.raises(ValueError, match=f"{key}\n.*greater than or equal to {LEAST}"):
        made.model_validate({longest: "10000d", key: 0.99 * LEAST})


@given(OPEN_UNIT)
def test_the_normal_quantile_is_scipys(u: float) -> None:
    theirs = scipy.special.ndtri(u)
    assert samplers.normal_quantile(u) == pytest.approx(theirs, rel=3e-15, abs=2e-16)
    if u > 2.0**-53:
        assert samplers.normal_quantile(1.0 - u) == -samplers.normal_quantile(1.0 - (1.0 - u))


@given(OPEN_UNIT)
def test_variates_are_scalar_maths_to_the_bit(u: float) -> None:
    """The formulas as they stand in the documentation, from Python's `math`: equal, not close."""
    assert variate(CONSTANT, 5e9, 0.0, u) == 5e9
    assert variate(EXPONENTIAL, 6e10, 0.0, u) == -6e10 * math.log(1.0 - u)
    assert variate(UNIFORM, 2e9, 9e9, u) == 2e9 + 7e9 * u
    assert variate(PARETO, 5e9, 2.5, u) == 5e9 * math.pow(1.0 - u, -1.0 / 2.5)
    assert variate(WEIBULL, 4e9, 0.8, u) == 4e9 * math.pow(-math.log(1.0 - u), 1.0 / 0.8)
    z = samplers.normal_quantile(u)
    assert variate(NORMAL, 7e9, 2e9, u) == 7e9 + 2e9 * z
    assert variate(LOGNORMAL, 24.0, 1.3, u) == math.exp(24.0 + 1.3 * z)


def test_a_seed_means_the_same_nanoseconds_everywhere() -> None:
    """Rounded to nanoseconds, so that the last bit of a C library does not matter here."""
    u = Streams(1, 0).block(Purpose.WORK, 0, 0, 0)
    drawn = [samplers.nanoseconds(variate(kind, a, b, u[n % 4])) for n, (kind, a, b, _) in enumerate(LAWS)]
    assert drawn == [22_336_313_930, 29_205_594_535, 7_519_496_510, 5_038_406_607, 1_163_148_887, 6_958_712_158]


@given(st.floats(-1e30, 1e30))
def test_nanoseconds_round_half_up_within_bounds(value: float) -> None:
    ns = samplers.nanoseconds(value)
    assert 0 <= ns <= samplers.DRAW_MAX_NS
    if 0 <= value <= 2**52:
        assert ns == math.floor(value + 0.5)


def test_nanoseconds_at_the_edges() -> None:
    assert [samplers.nanoseconds(value) for value in (0.49, 0.5, 1.5, 2.5)] == [0, 1, 2, 3]
    assert samplers.nanoseconds(math.inf) == samplers.DRAW_MAX_NS
    assert samplers.nanoseconds(-math.inf) == 0


# ---- jitter -----------------------------------------------------------------------------------------------


@given(OPEN_UNIT, st.floats(0.0, 1.0))
def test_uniform_jitter_stays_around_one(u: float, factor: float) -> None:
    assert 1.0 - factor <= samplers.uniform_factor(u, factor) <= 1.0 + factor
    assert samplers.uniform_factor(0.5, factor) == 1.0


@given(OPEN_UNIT, st.floats(1e-3, 1.0))
def test_truncated_exponential_jitter_is_the_exponential_between_its_bounds(u: float, factor: float) -> None:
    """An exponential of mean 1, given that it lies between the bounds: its quantile, from SciPy."""
    k = 1.0 + factor
    low = math.log2(2.0**k / (2.0**k - 1.0))
    law = scipy.stats.truncexpon(b=k - low, loc=low)
    assert samplers.truncated_exponential_factor(u, factor) == pytest.approx(law.ppf(u), rel=1e-9)
    assert low * (1 - 1e-12) <= samplers.truncated_exponential_factor(u, factor) <= k * (1 + 1e-12)


def test_no_jitter_is_exactly_one() -> None:
    assert samplers.truncated_exponential_factor(0.123, 0.0) == 1.0
    assert samplers.uniform_factor(0.123, 0.0) == 1.0
    low, high = (samplers.truncated_exponential_factor(u, 0.2) for u in (1e-9, 1 - 1e-9))
    assert (low, high) == pytest.approx((0.824, 1.2), abs=5e-4)
