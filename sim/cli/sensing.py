"""The command that says which key matters, and which fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from sim.cli import screen
from sim.cli.dotted import assignments
from sim.cli.interrupting import Counts, command, interrupted
from sim.cli.options import Dotted, Simulation, chosen, processors
from sim.errors import UsageError
from sim.results.measures import HEADLINES
from sim.results.origins import shell
from sim.tuning.sensing import REPLICATIONS, SAMPLES, Sensitivity
from sim.tuning.sensing import sensitivity as estimated

WHOLE: Final = "sensitivity.json"
PICTURE: Final = "influence.png"


def sensitivity(
    scenario: str,
    /,
    *,
    over: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    metric: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    samples: int = SAMPLES,
    reps: int = REPLICATIONS,
    out: Path | None = None,
    fresh: bool = False,
    simulation: Simulation | None = None,
    dotted: Dotted = None,
) -> None:
    """Say which key matters and which fault: shares of the variance of each metric, with intervals.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    over
        KEY=VALUES, once for each key: lease.ttl=1m..20m/log or faults.sleep.when.rate=0.1/h..1/h (default: ttl, renewal
        interval, rate and length of every fault, from half to double).
    metric
        What to explain, once for each (default: false terminations and over-allocation).
    samples
        Settings of each of the two samples, a power of two; with k keys 2 + k times as many are simulated.
    reps
        Replications of each setting.
    out
        Folder for results and picture. The same command again goes on where it was interrupted.
    fresh
        Start again in that folder.
    """
    simulation = simulation or Simulation()
    knobs = assignments(over, "--over") if over else None
    world = chosen(scenario, dotted, warn=False, turned=knobs or ())
    options = [*(f"--over {shell(text)}" for text in over), *(f"--metric {name}" for name in metric)]
    options += [f"--samples {samples}", f"--reps {reps}"]
    again = command("sensitivity", world, options, simulation, out)
    with screen.progress("replications") as bar:
        counts = Counts(bar)
        try:
            result = estimated(
                world, knobs, metric or HEADLINES, samples, reps, simulation.seed, simulation.engine_for_many,
                processors(), out, not fresh, counts,
            )  # fmt: skip
        except KeyboardInterrupt:
            raise KeyboardInterrupt(interrupted(out, counts.words, again)) from None
    written = _write(result, out) if out else []
    if simulation.json:
        screen.out_json(result.as_json() | {"written": [path.as_posix() for path in written]})
        return
    screen.out(repr(result))
    screen.out(f"\n  computed {result.computed:,}, reused {result.reused:,} replications")
    names = ", ".join(path.name for path in written)
    screen.out(f"  in {out}/: {names}, parts/" if out else f"  next: {again} --out DIR  draws it")


def _write(result: Sensitivity, out: Path) -> list[Path]:
    from sim.report.style import save

    whole = {key: value for key, value in result.as_json().items() if key not in ("computed", "reused")}
    path = out / WHOLE
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", "utf-8", newline="\n")
    try:
        return [path, save(result.plot(), out / PICTURE)]
    except UsageError as error:
        screen.aside(f"{PICTURE} is not drawn: {error.message}")
        return [path]
