"""The command that draws what an interface shows beside what really runs."""

from __future__ import annotations

from pathlib import Path

from sim.cli import screen
from sim.cli.options import Dotted, Simulation, chosen
from sim.errors import UsageError
from sim.results.provenance import ENGINE
from sim.story import occupancy as comparing
from sim.sweeps import simulate
from sim.units import parse_duration


def occupancy(
    scenario: str,
    /,
    *,
    rep: int = 0,
    start: str | None = None,
    stop: str | None = None,
    out: Path | None = None,
    text: bool = False,
    simulation: Simulation | None = None,
    dotted: Dotted = None,
) -> None:
    """Draw active slots over time, as an interface shows them, beside the runs that really execute.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    rep
        Which replication.
    start
        Where the picture begins, such as 2h; the sentences are about the whole.
    stop
        Where it ends.
    out
        The picture's file; occupancy-NAME.png by default.
    text
        No picture.
    """
    simulation = simulation or Simulation()
    if rep < 0:
        raise UsageError(f"--rep {rep}: replications are counted from 0")
    window = {f"{name}_ns": _time(name, value) for name, value in (("start", start), ("stop", stop)) if value}
    run = simulate.run(chosen(scenario, dotted), simulation.seed, rep, simulation.engine or ENGINE)
    found = comparing.compared(run.scenario, run.trace)
    path = out or Path(f"occupancy-{run.provenance.title}.png")
    if not text:
        from sim.report.style import save

        save(run.plot_occupancy(**window), path)
    if simulation.json:
        files = [] if text else [path.as_posix()]
        screen.out_json(found | {"pictures": files, "provenance": run.provenance.as_json()})
        return
    screen.out(f"replication {rep}, seed {simulation.seed}")
    screen.out("\n".join(f"  {line}" for line in comparing.in_words(run.scenario, found)))
    if not text:
        screen.out(f"  picture: {path}")


def _time(name: str, text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--{name} {text}: {error}", f"for example --{name} 2h") from None
