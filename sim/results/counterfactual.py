"""Which fault did it need: the same replication again with each fault taken away in turn.

Draws are addressed, so taking a fault away shifts no other draw: what differs, differs because of that fault. A
termination *needs* a fault when it does not happen without it. It may need several (a sleep that met an outage), or
none of them alone (either would have done it), or none at all (the protocol itself).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sim import engines, metrics
from sim.metrics import Tally
from sim.model.faults import Fault
from sim.model.scenario import Scenario
from sim.trace import Event, Trace
from sim.units import SECOND, format_duration
from sim.vocabulary import Kind

LOSS: Final = "message loss"
ERRORS: Final = "server errors"
ALL: Final = "all of them"


@dataclass(frozen=True)
class Without:
    """The same replication without one cause."""

    cause: str
    """A fault's name, `LOSS`, `ERRORS`, or `ALL` for no cause at all left."""
    tally: Tally
    still: bool
    """Whether the termination in question happens all the same: to the same run, and no later."""
    later_ns: int = 0
    """Where it does not: how much later the same run is terminated for another reason; 0 if it never is."""


@dataclass(frozen=True)
class Attribution:
    """What a replication would have been without each cause."""

    stop: Event | None
    """The termination in question; None where no run was terminated."""
    actual: Tally
    without: tuple[Without, ...]

    @property
    def needed(self) -> tuple[str, ...]:
        """The causes without any one of which the termination does not happen."""
        return tuple(each.cause for each in self.without if not each.still and each.cause != ALL)

    def sentences(self) -> list[str]:
        """Return it for people."""
        if not self.without:
            return ["The scenario has no faults and no losses to take away: it is the protocol itself."]
        lines = [self._verdict()] if self.stop is not None else []
        lines.append(f"As it was: {_counts(self.actual)}.")
        return lines + [f"Without {_quoted(each.cause)}: {_counts(each.tally)}." for each in self.without]

    def _verdict(self) -> str:
        assert self.stop is not None
        what = f"The termination of run {self.stop.lane}.{self.stop.generation}"
        if self.needed:
            needed = " and ".join(_quoted(cause) for cause in self.needed)
            return f"{what} needed {needed}: without, it does not happen{self._reprieve()}."
        if self.without[-1].still:
            return f"{what} needed no fault: it happens without any of them. The protocol itself does it."
        return f"{what} needed no single fault: it happens without any one of them, but not without all."

    def _reprieve(self) -> str:
        """Say that the same run was terminated after all, later and for another reason."""
        later = [each.later_ns for each in self.without if each.cause in self.needed and each.later_ns]
        return f", though the run is terminated {format_duration(max(later) // SECOND * SECOND)} later" if later else ""


def attribute(
    scenario: Scenario, trace: Trace, seed: int, replication: int, engine: str, stop: Event | None = None
) -> Attribution:
    """Simulate a replication again without each of its causes; `stop` is the termination in question."""
    without = []
    for cause, changed in _worlds(scenario):
        other = engines.run(changed, seed, replication, engine=engine)
        after = None if stop is None else _stopped_after(stop, other)
        still, later = after is not None and after <= 0, max(0, after or 0)
        without.append(Without(cause, metrics.measure(other, changed), still, later))
    return Attribution(stop, metrics.measure(trace, scenario), tuple(without))


def _worlds(scenario: Scenario) -> Iterator[tuple[str, Scenario]]:
    """Yield the scenario without each cause, then without all where there are several."""
    faults = scenario.faults
    for index, fault in enumerate(faults):
        if fault.probability > 0:
            rest = (*faults[:index], _never(fault), *faults[index + 1 :])
            yield fault.name, scenario.model_copy(update={"faults": rest})
    live = sum(fault.probability > 0 for fault in faults)
    network, server = scenario.network, scenario.server
    lossless = network.model_copy(update={"loss_up": 0.0, "loss_down": 0.0, "bursts": None})
    faultless = server.model_copy(update={"error_probability": 0.0})
    if lossless != network:
        yield LOSS, scenario.model_copy(update={"network": lossless})
    if faultless != server:
        yield ERRORS, scenario.model_copy(update={"server": faultless})
    if live + (lossless != network) + (faultless != server) > 1:
        never = tuple(map(_never, faults))
        yield ALL, scenario.model_copy(update={"faults": never, "network": lossless, "server": faultless})


def _never(fault: Fault) -> Fault:
    return fault.model_copy(update={"probability": 0.0})


def _stopped_after(stop: Event, other: Trace) -> int | None:
    """Return how much later that run is terminated in the other world; None if it never is."""
    rows = other.rows
    named = (rows[:, 1] == Kind.STOP) & (rows[:, 2] == stop.lane) & (rows[:, 3] == stop.generation)
    return int(rows[named, 0][0]) - stop.time_ns if named.any() else None


def _counts(tally: Tally) -> str:
    count = tally.false_terminations
    return (
        f"{count} false termination{'' if count == 1 else 's'}, {tally.over_allocation_ns / 1e9:,.1f} s over-allocated"
    )


def _quoted(cause: str) -> str:
    return cause if cause in (LOSS, ERRORS, ALL) else f"'{cause}'"
