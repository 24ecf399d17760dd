"""The counter of active slots, which an interface shows, against the runs that really execute: exact shares of time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sim.model.scenario import Scenario
from sim.story.reader import read
from sim.story.reading import Reading
from sim.story.words import length, time_of_day
from sim.trace import Trace


def compared(scenario: Scenario, trace: Trace) -> dict[str, Any]:
    """Return for how long (ns) the counter told the truth, too little or too much; and what it hid."""
    reading = read(scenario, trace)
    sums = {"equal_ns": 0, "below_ns": 0, "above_ns": 0, "free_shown_but_full_ns": 0, "over_limit_ns": 0}
    worst_ns, worst = 0, 0
    for start_ns, stop_ns, counted, executing in _pieces(reading):
        span = stop_ns - start_ns
        which = "equal_ns" if counted == executing else "below_ns" if counted < executing else "above_ns"
        sums[which] += span
        if counted < reading.slots <= executing:
            sums["free_shown_but_full_ns"] += span
        if executing > reading.slots:
            sums["over_limit_ns"] += span
        if executing - counted > worst:
            worst, worst_ns = executing - counted, start_ns
    return {**sums, "observed_ns": reading.end_ns, "most_hidden": worst, "most_hidden_at_ns": worst_ns}


def _pieces(reading: Reading) -> Iterator[tuple[int, int, int, int]]:
    """Yield (start, stop, counter, executing) wherever neither changes."""
    times = sorted({*reading.in_use.times, *reading.executing.times, reading.end_ns})
    for start_ns, stop_ns in pairwise(times):
        if stop_ns <= reading.end_ns:
            yield start_ns, stop_ns, reading.in_use.at(start_ns), reading.executing.at(start_ns)


def in_words(scenario: Scenario, found: dict[str, Any]) -> list[str]:
    """Return the comparison as sentences; one replication, so exact and without intervals."""
    whole = found["observed_ns"]

    def of(name: str) -> str:
        return f"{length(found[name])} of {length(whole)} ({found[name] / whole:.1%})"

    lines = [
        f"The counter of active slots equals the runs that execute for {of('equal_ns')}.",
        f"It is higher for {of('above_ns')}: a slot is held by a run that is provisioned, asleep, or gone.",
        f"It is lower for {of('below_ns')}: runs execute that it does not count.",
        f"It shows a free slot although every slot has a run for {of('free_shown_but_full_ns')}.",
        f"More runs execute than there are slots for {of('over_limit_ns')}.",
    ]
    if found["most_hidden"]:
        at = time_of_day(scenario, found["most_hidden_at_ns"])
        lines.append(f"At most it misses {found['most_hidden']} runs at once, first at {at}.")
    return lines
