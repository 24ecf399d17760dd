"""Addressed draws in compiled code: Philox4x64-10 written anew, and durations from the scenario's distributions.

In numba ``uint64 * int64`` is an int64, so every operand here is an explicit ``np.uint64``.
"""

from __future__ import annotations

import numpy as np

from sim.engines.kernel.compiling import compiled, real, wide_product
from sim.engines.kernel.layout import (
    KEY_0,
    KEY_1,
    LAW_CONSTANT,
    LAW_COUNT,
    LAW_FIRST,
    LAW_KIND,
    LAW_NUMBERS,
    LAW_WORDS,
    Memory,
)
from sim.samplers import CONSTANT, EMPIRICAL, EXPONENTIAL, MIXTURE, nanoseconds, variate

M0 = np.uint64(0xD2E7470EE14C6C93)
M1 = np.uint64(0xCA5A826395121157)
W0 = np.uint64(0x9E3779B97F4A7C15)
W1 = np.uint64(0xBB67AE8584CAA73B)
_DROPPED = np.uint64(12)
_UNIT = 2.0**-52

Uniforms = tuple[float, float, float, float]
Words = tuple[np.uint64, np.uint64, np.uint64, np.uint64]


@compiled
def philox(k0: np.uint64, k1: np.uint64, c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64) -> Words:
    """Return one block of Philox4x64-10."""
    for _ in range(10):
        high_0, low_0 = wide_product(M0, c0)
        high_1, low_1 = wide_product(M1, c2)
        c0, c1, c2, c3 = high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0
        k0 = k0 + W0
        k1 = k1 + W1
    return c0, c1, c2, c3


@compiled
def block(m: Memory, purpose: int, entity: int, part: int, index: int) -> Uniforms:
    """Return the four uniforms of an address."""
    a, b, c, d = philox(
        np.uint64(m[KEY_0]),
        np.uint64(m[KEY_1]),
        np.uint64(index + 1),
        np.uint64(part),
        np.uint64(entity),
        np.uint64(purpose),
    )
    return to_unit(a), to_unit(b), to_unit(c), to_unit(d)


@compiled
def to_unit(random: np.uint64) -> float:
    """Map 64 random bits to the open interval (0, 1)."""
    return (np.float64(random >> _DROPPED) + 0.5) * _UNIT


@compiled
def uniform(m: Memory, purpose: int, entity: int, part: int, index: int) -> float:
    """Return the first uniform of an address."""
    return block(m, purpose, entity, part, index)[0]


@compiled
def of_part(m: Memory, law: int, value: float) -> int:
    """Return the `value`-quantile of a law that is no mixture."""
    kind = m[law + LAW_KIND]
    if kind == CONSTANT:
        return m[law + LAW_CONSTANT]
    if kind == EMPIRICAL:
        return m[m[law + LAW_FIRST] + int(value * m[law + LAW_COUNT])]
    first = m[law + LAW_NUMBERS]
    return nanoseconds(variate(kind, real(m, first), real(m, first + 1), value))


@compiled
def of_law(m: Memory, law: int, value: float, part: float) -> int:
    """Return the `value`-quantile of a law; of a mixture, that of the component which `part` chooses."""
    if m[law + LAW_KIND] != MIXTURE:
        return of_part(m, law, value)
    component = 0
    while component < m[law + LAW_COUNT] - 1 and part >= real(m, m[law + LAW_NUMBERS] + component):
        component += 1
    return of_part(m, m[law + LAW_FIRST] + component * LAW_WORDS, value)


@compiled
def duration(m: Memory, law: int, purpose: int, entity: int, part: int, index: int) -> int:
    """Draw from a law; a constant costs no draw."""
    if m[law + LAW_KIND] == CONSTANT:
        return m[law + LAW_CONSTANT]
    uniforms = block(m, purpose, entity, part, index)
    return of_law(m, law, uniforms[0], uniforms[1])


@compiled
def exponential(m: Memory, per_hour: float, purpose: int, entity: int, part: int, index: int) -> int:
    """Draw the gap to the next event of a Poisson process."""
    return nanoseconds(variate(EXPONENTIAL, 3.6e12 / per_hour, 0.0, uniform(m, purpose, entity, part, index)))
