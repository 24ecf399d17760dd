"""The command that tries what people advise."""

from __future__ import annotations

from sim.cli import screen
from sim.cli.options import Dotted, Effort, Simulation, chosen
from sim.errors import UsageError
from sim.remedies.trial import remedies as tried


def remedies(
    scenario: str,
    /,
    *,
    simulation: Simulation | None = None,
    effort: Effort | None = None,
    dotted: Dotted = None,
) -> None:
    """Try every popular remedy on a scenario, one at a time on the same random numbers: what helps, what does nothing.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    """
    simulation, effort = simulation or Simulation(), effort or Effort()
    count = effort.replications()
    if count is None:
        raise UsageError("--reps auto: a comparison needs a number", "for example --reps 100")
    world = chosen(scenario, dotted)
    with screen.progress("replications") as progress:
        result = tried(
            world,
            count,
            seed=simulation.seed,
            engine=simulation.engine_for_many,
            jobs=effort.workers,
            progress=progress,
        )
    if simulation.json:
        screen.out_json(result.as_json())
    else:
        screen.out(result.table().text())
