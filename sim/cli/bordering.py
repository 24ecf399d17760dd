"""The command that follows the border between safe and unsafe along a parameter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from sim.cli import screen
from sim.cli.dotted import assignments
from sim.cli.options import Dotted, Effort, Simulation, chosen
from sim.errors import UsageError
from sim.sweeps.simulate import SWEEP_REPLICATIONS

if TYPE_CHECKING:
    from sim.extremes.frontiers import Frontier


def frontier(
    scenario: str,
    /,
    *,
    vary: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    metric: str = "pause",
    search: bool = False,
    budget: int = 24,
    out: Path | None = None,
    simulation: Simulation | None = None,
    effort: Effort | None = None,
    dotted: Dotted = None,
) -> None:
    """Follow what is survived, or a rate to its limit, along one parameter.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    vary
        KEY=VALUES: lease.ttl=1m,2m,5m or lease.ttl=10s..10m/20 or lease.ttl=10s..10m/log20.
    metric
        pause, sleep, outage.refused, overlap.pause, overlap.black_hole, crash.worst, clock.renewals and so on, as in
        the JSON of `explain`; or a rate with a limit, "false_terminations_per_lease_hour<=1e-2".
    search
        Search for each figure's worst case too, and print the line that replays it.
    budget
        Points at most, where a rate is followed to its limit.
    out
        Folder for frontier.csv, frontier.json and frontier.png.
    """
    simulation, effort = simulation or Simulation(), effort or Effort()
    count = effort.replications(SWEEP_REPLICATIONS)
    if count is None:
        raise UsageError("--reps auto: a frontier needs a number", "for example --reps 20")
    if not vary:
        raise UsageError(
            "a frontier varies something, and there is no --vary", "for example --vary lease.ttl=10s..10m/20"
        )
    axes = assignments(vary, "--vary")
    world = chosen(scenario, dotted, warn=False, turned=axes)
    from sim.extremes.frontiers import frontier as follow

    with screen.progress("points") as progress:
        found = follow(world, axes, metric, search, count, budget, simulation.seed, effort.workers, progress)
    written = _write(found, out) if out else []
    if simulation.json:
        data: dict[str, Any] = found.as_json() | {"written": [path.as_posix() for path in written]}
        screen.out_json(data)
        return
    screen.out(found.text())
    if written:
        screen.out(f"in {out}/: {', '.join(path.name for path in written)}")


def _write(found: Frontier, out: Path) -> list[Path]:
    from sim.report.style import save

    try:
        out.mkdir(parents=True, exist_ok=True)
        table, data = out / "frontier.csv", out / "frontier.json"
        table.write_text(found.to_csv(), "utf-8", newline="\n")
        data.write_text(json.dumps(found.as_json(), indent=2) + "\n", "utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write to '{out}': {error.strerror}", "give --out another folder") from None
    return [table, data, save(found.plot(), out / "frontier.png")]
