"""The regions of the memory that grow: where they stand, and how they are moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.engines.kernel import layout as at

WORDS_MAX: Final = 2**31
"""16 GiB: what asks for more has gone wrong, or wants its numbers without its trace."""

_REGIONS = (
    (at.AGENDA, at.AGENDA_LIMIT, at.AGENDA_WORDS),
    (at.ROWS, at.ROWS_LIMIT, at.ROW_WORDS),
    (at.LEASES, at.LEASES_LIMIT, 1),
    (at.LANES, at.LANES_LIMIT, at.LANE_WORDS),
)


def laid_out(old: npt.NDArray[np.int64], limits: Mapping[int, int]) -> npt.NDArray[np.int64]:
    """Return the memory with other limits; what stood in it stands in it still."""
    new_limits = {limit: int(old[limit]) for _, limit, _ in _REGIONS} | dict(limits)
    records = limits.get(at.RECORDS_LIMIT, int(old[at.RECORDS_LIMIT]))
    new = np.zeros(records + sum(new_limits[limit] * words for _, limit, words in _REGIONS), dtype=np.int64)
    kept = int(old[at.RECORDS_LIMIT])
    new[:kept] = old[:kept]
    new[at.RECORDS_LIMIT] = base = records
    for where, limit, words in _REGIONS:
        length = int(old[limit]) * words
        start = int(old[where])
        new[where], new[limit] = base, new_limits[limit]
        if limit == at.LANES_LIMIT:
            new[base : base + new_limits[limit] * words].reshape(-1, words)[:, at.LANE_WORK] = -1
        new[base : base + length] = old[start : start + length]
        base += new_limits[limit] * words
    return new


def grown(old: npt.NDArray[np.int64], limit: int, words_max: int = WORDS_MAX) -> npt.NDArray[np.int64]:
    """Return the memory with one limit doubled; raise `MemoryError` where it would be longer than `words_max`."""
    if 2 * len(old) > words_max:
        raise MemoryError(f"{2 * len(old):,} words")
    return laid_out(old, {limit: 2 * int(old[limit])})
