"""The command that sweeps: a table, charts, and a folder that can be gone on with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from sim.cli import screen
from sim.cli.dotted import assignments
from sim.cli.exits import FINE, SOME_FAILED
from sim.cli.interrupting import Counts, command, interrupted
from sim.cli.options import Dotted, Effort, Layout, Simulation, chosen
from sim.errors import UsageError
from sim.model.scenario import Scenario
from sim.results.origins import named, shell
from sim.results.provenance import Provenance
from sim.sweeps.manifest import CHARTS, MADE, MANIFEST, PARTS, RESULTS
from sim.sweeps.parts import replaced
from sim.sweeps.simulate import SWEEP_REPLICATIONS
from sim.sweeps.simulate import sweep as sweep_grid
from sim.sweeps.study import Failure
from sim.sweeps.swept import Sweep


def sweep(
    scenario: str,
    /,
    *,
    vary: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    out: Path | None = None,
    fresh: bool = False,
    layout: Layout | None = None,
    simulation: Simulation | None = None,
    effort: Effort | None = None,
    dotted: Dotted = None,
) -> int:
    """Simulate every combination of values, each with the same random numbers.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    vary
        KEY=VALUES, once for each key: lease.ttl=1m,2m,5m or renewal.every=0.2..0.9/8 or lease.ttl=30s..30m/log8.
    out
        Folder for results and charts. The same command again goes on where it was interrupted.
    fresh
        Start again in that folder.
    """
    layout, simulation, effort = layout or Layout(), simulation or Simulation(), effort or Effort()
    count = _replications(effort)
    axes = _axes(vary)
    _refuse_strange(out, fresh)
    world = chosen(scenario, dotted, warn=False, turned=axes)
    options = [*(f"--vary {shell(text)}" for text in vary), *layout.words(), f"--reps {count}"]
    again = command("sweep", world, options, simulation, out)
    counts = Counts()
    try:
        with screen.progress("replications") as counts.bar:
            result = sweep_grid(
                world,
                axes,
                replications=count,
                seed=simulation.seed,
                engine=simulation.engine_for_many,
                jobs=effort.workers,
                out=out,
                **asdict(layout),
                resume=not fresh,
                progress=counts,
                on_failure=lambda failure: screen.aside(_told(world, simulation, failure)),
                on_damage=lambda count: screen.aside(_damaged(out, count)),
            )
        written = _write(result, out) if out else []
    except KeyboardInterrupt:
        raise KeyboardInterrupt(interrupted(out, counts.words, again)) from None
    if simulation.json:
        screen.out_json(result.as_json() | {"written": [path.as_posix() for path in written]})
    else:
        counted = f"  computed {result.computed:,}, reused {result.reused:,} replications"
        screen.out(f"{result.table().text()}\n\n{counted}")
        screen.out("\n".join(_last(result, out, written, again)))
    return SOME_FAILED if result.failures else FINE


def _replications(effort: Effort) -> int:
    count = effort.replications(SWEEP_REPLICATIONS)
    if count is None:
        raise UsageError("--reps auto: a sweep needs a number", "for example --reps 20")
    return count


def _axes(vary: tuple[str, ...]) -> dict[str, str]:
    if not vary:
        raise UsageError("a sweep varies something, and there is no --vary", "for example --vary lease.ttl=1m,2m,5m")
    return assignments(vary, "--vary")


def _refuse_strange(out: Path | None, fresh: bool) -> None:
    """Refuse a folder that is no sweep's and has a file of a name that would be written."""
    if out is None:
        if fresh:
            raise UsageError("--fresh starts again in a folder, and there is no --out", "name it, or leave this out")
        return
    try:
        strange = [name for name in MADE if (out / name).is_file()]
        own = any((out / name).exists() for name in (MANIFEST, PARTS))
    except OSError:
        return  # who is to write there says it better
    if strange and not own:
        raise UsageError(
            f"'{out}' has {strange[0]} and no {MANIFEST}: it is not a sweep's", "give --out another folder"
        )


def _write(result: Sweep, out: Path) -> list[Path]:
    """Write table and charts; a chart that cannot be drawn of these data is left out, also an earlier one."""
    from sim.report.style import save

    try:
        replaced(out / RESULTS, result.to_csv().encode())
        written = [out / RESULTS]
        for name in CHARTS:
            path, figure = out / f"{name}.png", _drawn(result, name)
            if figure is None:
                path.unlink(missing_ok=True)
            else:
                written.append(save(figure, path))
    except OSError as error:
        raise UsageError(
            f"cannot write to '{out}': {error.strerror or error}; every replication is kept",
            "see to it that it can be written to, and the same command goes on",
        ) from None
    return written


def _drawn(result: Sweep, name: str) -> Any:
    """Return a chart; None where it cannot be drawn of these data, which is told."""
    try:
        return getattr(result, f"plot_{name}")() if result.tallies else None
    except UsageError as error:
        screen.aside(f"{name}.png is not drawn: {error.message}")
        return None


def _last(result: Sweep, out: Path | None, written: list[Path], again: str) -> list[str]:
    if out is None:
        return [f"  next: {again} --out DIR  keeps the results and draws charts"]
    there = f"  in {out}/: {', '.join(path.name for path in written)}, parts/, manifest.json"
    return [there, *(["  the same command tries again what failed"] if result.failures else [])]


def _damaged(out: Path | None, count: int) -> str:
    parts = "a part is" if count == 1 else f"{count} parts are"
    return f"warning: {out}: {parts} not what was written; what was in there is simulated again"


def _told(world: Scenario, simulation: Simulation, failure: Failure) -> str:
    """A failure and the command that replays it."""
    origin = named(world)[1]
    provenance = Provenance.of(world, origin, simulation.seed, (), simulation.engine_for_many)
    where = ", ".join(f"{key}={value}" for key, value in failure.values.items())
    return (
        f"error: point {failure.point} ({where}), replication {failure.replication} failed: {failure.error}\n"
        f"  replay: {provenance.replay(failure.replication, failure.values)}    (other points go on)"
    )
