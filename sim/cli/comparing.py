"""The command that holds systems against each other, all under the same fault mixes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from sim.cli import screen
from sim.cli.options import Dotted, Effort, Simulation
from sim.errors import UsageError
from sim.model.load import parse_value
from sim.results import frames
from sim.sweeps.systems import CELL_REPLICATIONS
from sim.sweeps.systems import compare_systems as compared

PICTURE: Final = "systems.png"
RESULTS: Final = "systems.csv"


def compare_systems(
    *systems: str,
    faults: Annotated[str | None, Parameter(show_default=False)] = None,
    out: Path | None = None,
    simulation: Simulation | None = None,
    effort: Effort | None = None,
    dotted: Dotted = None,
) -> None:
    """Compare systems under the same fault mixes: false terminations and over-allocation, each with its interval.

    Parameters
    ----------
    systems
        Names (see: leasesim list systems), other scenarios or files; left out, all systems.
    faults
        Fault mixes with commas between them (see: leasesim list faults); left out, all of them.
    out
        Folder for a picture and a CSV file.
    """
    simulation, effort = simulation or Simulation(), effort or Effort()
    count = effort.replications(CELL_REPLICATIONS)
    if count is None:
        raise UsageError("--reps auto: a comparison needs a number", "for example --reps 100")
    given = {key: parse_value(value) for key, value in (dotted or {}).items()}
    mixes = str(given.pop("faults", faults or ""))
    with screen.progress("replications") as progress:
        result = compared(
            systems,
            tuple(word.strip() for word in mixes.split(",") if word.strip()),
            replications=count,
            seed=simulation.seed,
            engine=simulation.engine_for_many,
            jobs=effort.workers,
            changes=given,
            progress=progress,
        )
    if simulation.json:
        screen.out_json(result.as_json())
        for line in result.followed:
            screen.aside(f"note: {line}")
    else:
        screen.out(repr(result))
    if out is not None:
        from sim.report.style import save

        out.mkdir(parents=True, exist_ok=True)
        frame = result.to_pandas()
        rows = frame.itertuples(index=False)
        (out / RESULTS).write_text(frames.csv_text(list(frame.columns), rows), "utf-8")
        save(result.plot(), out / PICTURE)
        screen.aside(f"\n  written: {out / RESULTS}, {out / PICTURE}")
