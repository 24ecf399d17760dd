"""Addressed randomness: a draw is a pure function of where it is used, so nothing consumes a shared stream.

The generator is Philox4x64-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
Anybody can recompute a block with NumPy (which steps its counter before the first block, hence the -1)::

    np.random.Philox(key=[seed, replication], counter=[index - 1, part, entity, purpose]).random_raw(4)

``index`` counts from 1; ``part`` tells apart what shares an entity and a purpose (a run's generation on its lane).
"""

from __future__ import annotations

import hashlib
from typing import Final

_M0: Final = 0xD2E7470EE14C6C93
_M1: Final = 0xCA5A826395121157
_W0: Final = 0x9E3779B97F4A7C15
_W1: Final = 0xBB67AE8584CAA73B
_MASK: Final = 0xFFFFFFFFFFFFFFFF
_UNIT: Final = 2.0**-52

Block = tuple[int, int, int, int]


def philox(key: tuple[int, int], counter: Block) -> Block:
    """Return the four 64-bit words of one Philox4x64-10 block, in plain integers."""
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0, c1, c2, c3 = (p1 >> 64) ^ c1 ^ k0, p1 & _MASK, (p0 >> 64) ^ c3 ^ k1, p0 & _MASK
        k0 = (k0 + _W0) & _MASK
        k1 = (k1 + _W1) & _MASK
    return c0, c1, c2, c3


def uniform(word: int) -> float:
    """Map a 64-bit word to the open interval (0, 1): symmetric, never 0, never 1, exact in binary."""
    return ((word >> 12) + 0.5) * _UNIT


class Streams:
    """The draws of one replication, each found by its address."""

    __slots__ = ("key",)

    def __init__(self, seed: int, replication: int) -> None:
        self.key = (seed & _MASK, replication & _MASK)

    def block(self, purpose: int, entity: int, part: int, index: int) -> tuple[float, float, float, float]:
        """Return four uniforms in (0, 1) for this address; `index` counts from 0."""
        a, b, c, d = philox(self.key, (index + 1, part, entity, purpose))
        return uniform(a), uniform(b), uniform(c), uniform(d)


def stable_id(name: str) -> int:
    """Return a 62-bit number for a name, the same on every machine: a fault's place in a file does not matter."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 2
