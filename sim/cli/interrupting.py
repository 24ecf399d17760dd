"""What an interrupted command says: how far it got, what is kept, how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.cli.options import Simulation
from sim.model.scenario import Scenario
from sim.results.origins import named, shell
from sim.sweeps.study import Progress


class Counts:
    """Remembers how far it got, for the bar and for the last line of an interrupted command."""

    def __init__(self, bar: Progress | None = None) -> None:
        self.done, self.planned, self.bar = 0, 0, bar

    def __call__(self, done: int, planned: int) -> None:
        self.done, self.planned = done, planned
        if self.bar:
            self.bar(done, planned)

    @property
    def words(self) -> str:
        """How far it got."""
        if not self.planned:
            return "interrupted after 0 replications"  # while points were laid out
        return f"interrupted after {self.done:,} of {self.planned:,} replications"


def command(name: str, world: Scenario, options: Sequence[str], simulation: Simulation, out: Path | None) -> str:
    """Return the command that asks for the same again, and so goes on with it where `out` is given."""
    words = [f"leasesim {name} {named(world)[1].words()}", *options, f"--seed {simulation.seed}"]
    words += [f"--engine {simulation.engine}"] if simulation.engine else []
    words += [f"--out {shell(str(out))}"] if out else []
    return " ".join(words)


def interrupted(out: Path | None, how_far: str, again: str) -> str:
    """Return the last lines of a command that was interrupted."""
    if out is None:
        return f"{how_far}: nothing is kept without a folder\n  next time: {again} --out DIR"
    return f"{how_far}: they are kept in {out}\n  to go on: {again}"
