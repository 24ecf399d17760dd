"""CPU time, interleaved: what is compared is measured in turns, so that a slow minute slows all of it."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time that `work` takes."""
    before = time.process_time()
    work()
    return time.process_time() - before


def interleaved(rounds: int, work: Mapping[str, Callable[[int], object]]) -> dict[str, list[float]]:
    """Return the CPU seconds of each kind of work, round by round."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds):
        for name, one in work.items():
            spent[name].append(cpu_seconds(partial(one, number)))
    return spent


def ratio(one: list[float], other: list[float]) -> tuple[float, float, float]:
    """Return the median of the rounds' ratios, the least and the greatest."""
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def pin() -> str:
    """Keep this process, and what it starts, on one core; return what was done."""
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return f"pinned to core {core}"
