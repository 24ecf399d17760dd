"""The command that chooses: which of many settings is best, replications spent where they decide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sim.cli import screen
from sim.cli.dotted import assignments
from sim.cli.interrupting import command, interrupted
from sim.cli.options import Dotted, Simulation, Workers, chosen
from sim.errors import UsageError
from sim.results.measures import FALSE_TERMINATIONS, known
from sim.results.origins import shell
from sim.sweeps.best import BUDGET
from sim.sweeps.best import best as best_of


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Question:
    """What "best" means, and what an answer may cost."""

    metric: str = FALSE_TERMINATIONS
    """What to judge by."""
    zone: Annotated[float | None, Parameter(show_default=False)] = None
    """The smallest difference that matters, in the metric's unit; required."""
    confidence: float = 0.95
    """Probability of choosing the best where it leads by the zone."""
    budget: int = BUDGET
    """Replications at most, of all settings together."""

    @property
    def indifference(self) -> float:
        """The zone; UsageError where it was left out."""
        if self.zone is None:
            unit = known(self.metric).unit
            message = "--zone is missing: the smallest difference that matters"
            raise UsageError(message, f"in {unit}, for example --zone 0.01")
        return self.zone

    def words(self) -> list[str]:
        """Return the options as they are typed."""
        return [f"--{name} {value}" for name, value in vars(self).items()]


def best(
    scenario: str,
    /,
    *,
    vary: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    question: Question | None = None,
    out: Path | None = None,
    fresh: bool = False,
    simulation: Simulation | None = None,
    workers: Workers | None = None,
    dotted: Dotted = None,
) -> None:
    """Find the best of many settings by one metric: those that are clearly behind get no more replications.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    vary
        KEY=VALUES, once for each key, as for sweep.
    out
        Folder for what is simulated. The same command again goes on where it was interrupted.
    fresh
        Start again in that folder.
    """
    simulation, workers, question = simulation or Simulation(), workers or Workers(), question or Question()
    if not vary:
        raise UsageError("the best of what? there is no --vary", "for example --vary lease.ttl=1m,2m,5m")
    zone, axes = question.indifference, assignments(vary, "--vary")
    world = chosen(scenario, dotted, warn=False, turned=axes)
    options = [*(f"--vary {shell(text)}" for text in vary), *question.words()]
    with screen.progress("replications") as bar:
        try:
            result = best_of(
                world, axes, question.metric, zone, question.confidence, question.budget,
                simulation.seed, simulation.engine_for_many, bar, workers.count, out, resume=not fresh,
            )  # fmt: skip
        except KeyboardInterrupt as stop:
            again = command("best", world, options, simulation, out)
            raise KeyboardInterrupt(interrupted(out, str(stop), again)) from None
    if simulation.json:
        screen.out_json(result.as_json())
        return
    screen.out(result.table().text())
    if out:
        screen.out(f"\n  computed {result.computed:,}, reused {result.reused:,} replications\n  in {out}/: parts/")
