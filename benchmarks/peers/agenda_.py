"""M/M/c written straight on the kernel's agenda and addressed draws: a queue and no more, as the peers have it.

What the scenario of `leasesim_` adds is the lease model; what this one needs is what any simulator has to do.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from benchmarks.peers import common
from sim.engines.kernel import layout as at
from sim.engines.kernel.compiling import compiled, entry, pointer
from sim.engines.kernel.draws import block
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.storage import high, low, push, remove_first
from sim.samplers import EXPONENTIAL, nanoseconds, variate
from sim.units import HOUR

SERVERS: Final = common.SERVERS
MEAN_GAP: Final = HOUR / common.ARRIVAL_RATE
MEAN_WORK: Final = float(HOUR)
LINE: Final = 4096
"""Room for customers in line: when each came and how long it takes are kept in rings."""
(SIZE, CAME, BEGUN, BUSY, WAITED, TIMES) = range(at.HEADER_WORDS, at.HEADER_WORDS + 6)
WORKS: Final = TIMES + LINE
END_OF_RINGS: Final = WORKS + LINE
FOR_CUSTOMER: Final = 1
(ARRIVES, LEAVES) = range(2)


@compiled
def await_customer(m: Memory) -> None:
    """Let the next customer arrive, until as many have come as are wanted: one block has its gap and its work."""
    number = m[CAME]
    if number < m[SIZE]:
        gap, work, _, _ = block(m, FOR_CUSTOMER, 0, 0, number)
        m[WORKS + number % LINE] = nanoseconds(variate(EXPONENTIAL, MEAN_WORK, 0.0, work))
        comes = m[at.NOW] + nanoseconds(variate(EXPONENTIAL, MEAN_GAP, 0.0, gap))
        push(m, comes, high(0, 0, number), low(number), ARRIVES, 0, 0, 0)


@compiled
def begin_service(m: Memory) -> None:
    """Serve whoever came first of those in line."""
    number = m[BEGUN]
    m[BEGUN] += 1
    m[BUSY] += 1
    m[WAITED] += m[at.NOW] - m[TIMES + number % LINE]
    push(m, m[at.NOW] + m[WORKS + number % LINE], high(1, 0, number), low(number), LEAVES, 0, 0, 0)


@entry
def serve(address: Any) -> None:
    """Serve all customers of the memory at an address; stop early where the line does not fit its ring."""
    m = pointer(address)
    await_customer(m)
    while m[at.AGENDA_COUNT] > 0 and m[CAME] - m[BEGUN] < LINE - 1:
        first = m[at.AGENDA]
        m[at.NOW] = m[first + at.AT]
        what = m[first + at.WHAT]
        remove_first(m)
        if what == LEAVES:
            m[BUSY] -= 1
        else:
            m[TIMES + m[CAME] % LINE] = m[at.NOW]
            m[CAME] += 1
            await_customer(m)
        if m[BUSY] < SERVERS and m[BEGUN] < m[CAME]:
            begin_service(m)


def mmc(size: int) -> tuple[float, float]:
    """Serve so many customers."""
    memory = np.zeros(END_OF_RINGS + 64 * at.AGENDA_WORDS, dtype=np.int64)
    memory[at.AGENDA], memory[at.END], memory[SIZE] = END_OF_RINGS, at.FAR, size
    memory[at.KEY_0], memory[at.KEY_1] = 1, 0
    serve(memory.ctypes.data)
    assert memory[BEGUN] == size, "the line was too long for its ring"
    return size, float(memory[WAITED]) / HOUR / size


if __name__ == "__main__":
    common.main({"mmc": mmc})
