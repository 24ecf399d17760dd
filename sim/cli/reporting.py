"""The command that makes a page to hand on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from sim.cli import screen
from sim.cli.dotted import assignments
from sim.cli.options import Dotted, Effort, Simulation, chosen
from sim.errors import UsageError
from sim.pages.rows import Result
from sim.story.words import plural
from sim.sweeps.opening import open_sweep
from sim.sweeps.simulate import REPLICATIONS, SWEEP_REPLICATIONS, replicate
from sim.sweeps.simulate import sweep as sweep_grid
from sim.sweeps.swept import Sweep

PAGE: Final = Path("report.html")


def report(
    result: str,
    /,
    *,
    out: Path = PAGE,
    vary: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    simulation: Simulation | None = None,
    effort: Effort | None = None,
    dotted: Dotted = None,
) -> None:
    """Write a sweep, or a scenario simulated now, as one HTML page that needs no network: to be sent, printed, kept.

    Parameters
    ----------
    result
        The folder of a sweep (its --out), or a scenario: a name (see: leasesim list) or the path of a TOML file.
    out
        The page.
    vary
        KEY=VALUES, once for each key, as in a sweep; for a scenario only.
    """
    simulation, effort = simulation or Simulation(), effort or Effort()
    _refuse_place(out)
    if result.strip() and Path(result).is_dir():
        _refuse_options(result, vary, simulation, effort, dotted)
        found: Result = open_sweep(result)
    else:
        found = _simulated(result, vary, simulation, effort, dotted)
    from sim.pages.making import report_html

    written = report_html(found, out)
    for line in _lacking(found):
        screen.aside(f"warning: {line}")
    if simulation.json:
        screen.out_json({"written": Path(str(written)).as_posix(), "lacking": list(_lacking(found))})
    else:
        screen.out(f"  report: {written}")


def _refuse_place(out: Path) -> None:
    """Before anything is simulated."""
    if out.is_dir():
        raise UsageError(f"--out {out}: that is a folder", f"name the page in it: --out {out / PAGE}")
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: the report is an HTML page", f"name it so: --out {out.with_suffix('.html')}")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder '{out.parent}'", f"for example --out {out.name}")


def _refuse_options(folder: str, vary: Sequence[str], simulation: Simulation, effort: Effort, dotted: Dotted) -> None:
    """A folder holds what was simulated: nothing about that can be asked for any more."""
    given = [f"--vary {vary[0]}"] if vary else []
    given += [f"--{key}" for key in dotted or {}]
    given += [f"--reps {effort.reps}"] if effort.reps is not None else []
    given += [f"--engine {simulation.engine}"] if simulation.engine else []
    given += [f"--seed {simulation.seed}"] if simulation.seed != Simulation().seed else []
    if given:
        raise UsageError(
            f"{given[0]}: '{folder}' is a sweep that was simulated already",
            "leave it out, or name the scenario instead of the folder",
        )


def _simulated(name: str, vary: Sequence[str], simulation: Simulation, effort: Effort, dotted: Dotted) -> Result:
    count = effort.replications(SWEEP_REPLICATIONS if vary else REPLICATIONS)
    if count is None:
        raise UsageError("--reps auto: a report needs a number", "for example --reps 100")
    axes = assignments(vary, "--vary")
    world = chosen(_scenario(name), dotted, turned=axes)
    engine, jobs = simulation.engine_for_many, effort.workers
    with screen.progress("replications") as bar:
        if axes:
            return sweep_grid(world, axes, count, seed=simulation.seed, engine=engine, jobs=jobs, progress=bar)
        return replicate(world, count, seed=simulation.seed, engine=engine, jobs=jobs, progress=bar)


def _scenario(name: str) -> str:
    """Return `name`, unless it can only have been meant as a folder."""
    if not name.strip():
        raise UsageError("report of what?", "name the folder of a sweep, or a scenario")
    if Path(name).name == "manifest.json" and Path(name).is_file():
        raise UsageError(f"'{name}' is a part of a sweep's folder", f"give the folder: {Path(name).parent}")
    if name.endswith("/") or Path(name).name == "manifest.json":
        raise UsageError(f"there is no folder '{name.rstrip('/')}' of a sweep", "give the --out of a sweep")
    return name


def _lacking(result: Result) -> list[str]:
    if not isinstance(result, Sweep):
        return []
    failed = len({failure.point for failure in result.failures} - set(result.tallies))
    missing = len(result.points) - len(result.tallies) - failed
    lines = [f"{missing:,} of {plural(len(result.points), 'point')} are not simulated yet"] if missing else []
    return lines + ([f"{failed:,} of {plural(len(result.points), 'point')} failed and are left out"] if failed else [])
