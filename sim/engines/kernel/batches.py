"""Many draws at once: what a stretch needs for its next requests.

The formulas and their order are those of single draws (`draws`), so the values are too, to the last bit. But loops that
do one thing to neighbouring numbers keep the processor busy: two blocks of random numbers are computed abreast, and the
compiler turns the polynomials into wide instructions. A *column* is the address of such neighbours.
"""

from __future__ import annotations

import math

import numpy as np

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.compiling import compiled, real, set_real, wide_product
from sim.engines.kernel.draws import M0, M1, W0, W1, Words, duration, of_part, to_unit
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.network import legs
from sim.samplers import (
    CENTRAL,
    CONSTANT,
    LOGNORMAL,
    MIXTURE,
    UNIFORM,
    central_quantile,
    nanoseconds,
    normal_quantile,
    variate,
)


@compiled
def fill(
    m: Memory, law: int, purpose: int, lane: int, generation: int, first: int, many: int, column: int, spare: int
) -> None:
    """Draw durations for `many` requests of a run, from number `first` on, into a column."""
    if m[law + at.LAW_KIND] == MIXTURE:
        for n in range(many):
            m[column + n] = duration(m, law, purpose, lane, generation, first + n)
        return
    if m[law + at.LAW_KIND] != CONSTANT:
        uniforms(m, purpose, lane, generation, first, many, column, spare)
    turn(m, law, many, column, spare)


@compiled
def fill_legs(m: Memory, lane: int, generation: int, first: int, many: int, up: int, down: int, spare: int) -> None:
    """Draw how long requests take each way into two columns."""
    if m[at.MIXED_LEGS] != 0:
        for n in range(many):
            m[up + n], m[down + n], _, _ = legs(m, lane, generation, first + n)
        return
    if m[at.CONSTANT_LEGS] == 0:
        uniforms(m, word.FOR_MESSAGE, lane, generation, first, many, up, down)
    turn(m, m[at.UP], many, up, spare)
    turn(m, m[at.DOWN_LEG], many, down, spare)


@compiled
def turn(m: Memory, law: int, many: int, column: int, spare: int) -> None:
    """Turn a column of uniforms into nanoseconds by a law that is no mixture."""
    kind, first = m[law + at.LAW_KIND], m[law + at.LAW_NUMBERS]
    if kind == CONSTANT:
        for n in range(many):
            m[column + n] = m[law + at.LAW_CONSTANT]
    elif kind == LOGNORMAL:
        a, b = real(m, first), real(m, first + 1)
        normal_quantiles(m, many, column, spare)
        for n in range(many):
            m[column + n] = nanoseconds(math.exp(a + b * real(m, spare + n)))
    elif kind == UNIFORM:
        a, b = real(m, first), real(m, first + 1)
        for n in range(many):
            m[column + n] = nanoseconds(variate(UNIFORM, a, b, real(m, column + n)))
    else:
        for n in range(many):
            m[column + n] = of_part(m, law, real(m, column + n))


@compiled
def normal_quantiles(m: Memory, many: int, column: int, result: int) -> None:
    """Write the normal quantiles of a column of uniforms to another: as if all were in the middle, then the tails."""
    for n in range(many):
        set_real(m, result + n, central_quantile(real(m, column + n) - 0.5))
    for n in range(many):
        u = real(m, column + n)
        if abs(u - 0.5) > CENTRAL:
            set_real(m, result + n, normal_quantile(u))


@compiled
def uniforms(m: Memory, purpose: int, lane: int, generation: int, first: int, many: int, one: int, other: int) -> None:
    """Write the first two uniforms of a run's addresses from `first` on to two columns, an even number of them."""
    for pair in range((many + 1) >> 1):
        n = 2 * pair
        a, b, c, d = two_blocks(m, purpose, lane, generation, first + n)
        set_real(m, one + n, to_unit(a))
        set_real(m, other + n, to_unit(b))
        set_real(m, one + n + 1, to_unit(c))
        set_real(m, other + n + 1, to_unit(d))


@compiled
def two_blocks(m: Memory, purpose: int, lane: int, generation: int, index: int) -> Words:
    """Return the first two words of a block of Philox4x64-10, and those of the next."""
    k0, k1 = np.uint64(m[at.KEY_0]), np.uint64(m[at.KEY_1])
    a0, a1, a2, a3 = np.uint64(index + 1), np.uint64(generation), np.uint64(lane), np.uint64(purpose)
    b0, b1, b2, b3 = np.uint64(index + 2), a1, a2, a3
    for _ in range(10):
        high_0, low_0 = wide_product(M0, a0)
        high_1, low_1 = wide_product(M1, a2)
        high_2, low_2 = wide_product(M0, b0)
        high_3, low_3 = wide_product(M1, b2)
        a0, a1, a2, a3 = high_1 ^ a1 ^ k0, low_1, high_0 ^ a3 ^ k1, low_0
        b0, b1, b2, b3 = high_3 ^ b1 ^ k0, low_3, high_2 ^ b3 ^ k1, low_2
        k0 = k0 + W0
        k1 = k1 + W1
    return a0, a1, b0, b1
