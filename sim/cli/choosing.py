"""The command that chooses: which of many settings is best, replications spent where they decide."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from sim.cli import screen
from sim.cli.dotted import assignments
from sim.cli.options import Dotted, Simulation, Workers, chosen
from sim.errors import UsageError
from sim.results.measures import FALSE_TERMINATIONS, known
from sim.sweeps.best import BUDGET
from sim.sweeps.best import best as best_of


def best(
    scenario: str,
    /,
    *,
    vary: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    metric: str = FALSE_TERMINATIONS,
    zone: Annotated[float | None, Parameter(show_default=False)] = None,
    confidence: float = 0.95,
    budget: int = BUDGET,
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
    metric
        What to judge by.
    zone
        The smallest difference that matters, in the metric's unit; required.
    confidence
        Probability of choosing the best where it leads by the zone.
    budget
        Replications at most, of all settings together.
    """
    simulation, workers = simulation or Simulation(), workers or Workers()
    if not vary:
        raise UsageError("the best of what? there is no --vary", "for example --vary lease.ttl=1m,2m,5m")
    if zone is None:
        unit = known(metric).unit
        raise UsageError(
            "--zone is missing: the smallest difference that matters", f"in {unit}, for example --zone 0.01"
        )
    axes = assignments(vary, "--vary")
    world = chosen(scenario, dotted, warn=False)
    with screen.progress("replications") as bar:
        result = best_of(
            world,
            axes,
            metric,
            zone,
            confidence,
            budget,
            simulation.seed,
            simulation.engine_for_many,
            bar,
            workers.count,
        )
    if simulation.json:
        screen.out_json(result.as_json())
    else:
        screen.out(result.table().text())
