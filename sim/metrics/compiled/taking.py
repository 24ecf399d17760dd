"""The Python side: hand rows to the compiled loop, give it more memory when it asks, read off the result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.engines.kernel.compiling import INTERPRETED
from sim.metrics.compiled import layout as at
from sim.metrics.compiled.loop import take_rows_in
from sim.metrics.compiled.lower import grown, lower
from sim.model.scenario import Scenario


@dataclass(frozen=True)
class Totals:
    """What a stream of rows has come to; causes are those without a fault, then the faults by number."""

    fields: dict[str, int]
    """Counts and integrals by the name that they have in a tally."""
    terminations_by_cause: tuple[int, ...]
    over_allocation_by_cause: tuple[int, ...]


class Taking:
    """Takes the rows of one replication in, in any portions, and keeps of them what may still matter."""

    def __init__(self, scenario: Scenario, end_ns: int) -> None:
        self._memory = lower(scenario)
        self._memory[at.END] = end_ns

    @property
    def words(self) -> int:
        """How many words of memory it has."""
        return len(self._memory)

    def take(self, rows: npt.NDArray[np.int64]) -> None:
        """Take in rows that follow those before; they may be overwritten afterwards."""
        for start in range(0, len(rows), at.PORTION):
            portion = rows[start : start + at.PORTION].ravel()
            first = int(self._memory[at.ROWS])
            self._memory[first : first + len(portion)] = portion
            self._memory[at.CURSOR], self._memory[at.COUNT] = 0, len(portion) // at.ROW_WORDS
            self._go_on()

    def finish(self) -> Totals:
        """Bring everything to a close; no rows can follow."""
        self._memory[at.STATUS] = at.ENDING
        self._call()
        memory = self._memory
        fields = dict(zip(at.COUNTS, memory[at.STATE_END : at.COUNTS_END].tolist(), strict=True))
        fields |= dict(zip(at.SUMS, _long(memory[at.COUNTS_END : at.SUMS_END]), strict=True))
        over, stops = int(memory[at.OVER_BY_CAUSE]), int(memory[at.STOPS_BY_CAUSE])
        causes = (stops - over) // 2
        return Totals(fields, tuple(memory[stops : stops + causes].tolist()), tuple(_long(memory[over:stops])))

    def _go_on(self) -> None:
        while True:
            self._memory[at.STATUS] = at.TAKING
            self._call()
            status = int(self._memory[at.STATUS])
            if status == at.TAKEN:
                return
            if status != at.TOO_SHORT:
                raise ValueError("the rows are no trace: they speak of a run or a lease that has not begun")
            self._memory = grown(self._memory)

    def _call(self) -> None:
        take_rows_in(self._memory if INTERPRETED else self._memory.ctypes.data)


def _long(words: npt.NDArray[np.int64]) -> list[int]:
    """Return sums of two words each as whole numbers."""
    return [low + high * at.CARRY for low, high in words.reshape(-1, 2).tolist()]
