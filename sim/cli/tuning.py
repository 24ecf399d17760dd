"""The command that recommends a setting."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from sim.cli import screen
from sim.cli.dotted import assignments
from sim.cli.exits import CRITERION, FINE
from sim.cli.interrupting import Counts, command, interrupted
from sim.cli.options import Dotted, Simulation, chosen, processors
from sim.errors import UsageError
from sim.results.origins import shell
from sim.tuning.tuned import Tuned
from sim.tuning.tuning import BUDGET, CONFIRM, REPLICATIONS
from sim.tuning.tuning import tune as tuned

RESULTS: Final = "candidates.csv"
WHOLE: Final = "tuned.json"
SNIPPET: Final = "recommended.toml"
PICTURE: Final = "front.png"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is wanted, and how long to look."""

    minimise: Annotated[tuple[str, ...], Parameter(show_default=False)] = ()
    """A metric to make small, once for each (default: false terminations, over-allocation, reclaim latency and renewal
    load, weighed over their front)."""
    subject_to: Annotated[tuple[str, ...], Parameter(show_default=False)] = ()
    """A limit that has to be kept, "METRIC <= LIMIT", once for each."""
    confidence: float = 0.95
    """A setting that breaks a limit is recommended with a probability of at most one less this."""
    budget: int = BUDGET
    """Settings to look at."""
    reps: int = REPLICATIONS
    """Replications of each of them."""
    confirm: int = CONFIRM
    """Replications of each of the few best, on fresh random numbers."""

    def words(self) -> list[str]:
        """Return the options as they are typed."""
        words = [f"--minimise {name}" for name in self.minimise]
        words += [f"--subject-to {shell(text)}" for text in self.subject_to]
        usual = {"confidence": 0.95, "budget": BUDGET, "reps": REPLICATIONS, "confirm": CONFIRM}
        return words + [f"--{name} {getattr(self, name)}" for name in usual if getattr(self, name) != usual[name]]


def tune(
    scenario: str,
    /,
    *,
    over: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    wanted: Wanted | None = None,
    jobs: int | Literal["auto"] = "auto",
    out: Path | None = None,
    fresh: bool = False,
    simulation: Simulation | None = None,
    dotted: Dotted = None,
) -> int:
    """Search for the best setting, confirm it on fresh random numbers, and say why it is recommended.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    over
        KEY=VALUES, once for each key that may be turned: lease.ttl=30s..20m, lease.ttl=30s..20m/log (equal ratios) or
        renewal.attempts=1,3,5,10. Keys joined by + get the same value: renewal.every+renewal.backoff=1s..10s.
    jobs
        Processes; `auto` takes as many as there are processors.
    out
        Folder for results and picture. The same command again goes on where it was interrupted.
    fresh
        Start again in that folder.
    """
    simulation, wanted = simulation or Simulation(), wanted or Wanted()
    if not over:
        raise UsageError("nothing may be turned: there is no --over", "for example --over lease.ttl=30s..20m/log")
    knobs = assignments(over, "--over")
    world = chosen(scenario, dotted, warn=False, turned=knobs)
    options = [*(f"--over {shell(text)}" for text in over), *wanted.words()]
    again = command("tune", world, options, simulation, out)
    with screen.progress("replications") as bar:
        counts = Counts(bar)
        try:
            result = tuned(
                world, knobs, wanted.minimise, wanted.subject_to, wanted.confidence,
                wanted.budget, wanted.reps, wanted.confirm,
                seed=simulation.seed,
                engine=simulation.engine_for_many,
                jobs=processors() if jobs == "auto" else jobs,
                out=out,
                resume=not fresh,
                progress=counts,
            )  # fmt: skip
        except KeyboardInterrupt:
            raise KeyboardInterrupt(interrupted(out, counts.words, again)) from None
    written = _write(result, out) if out else []
    if simulation.json:
        screen.out_json(result.as_json() | {"written": [path.as_posix() for path in written]})
    else:
        screen.out(repr(result))
        screen.out(f"\n  computed {result.computed:,}, reused {result.reused:,} replications")
        screen.out(_last(out, written, again))
    return FINE if result.chosen else CRITERION


def _write(result: Tuned, out: Path) -> list[Path]:
    """Write the table of candidates, everything as JSON, the recommended setting and the picture."""
    from sim.report.style import save

    whole = {key: value for key, value in result.as_json().items() if key not in ("computed", "reused")}
    texts = {RESULTS: result.to_csv(), WHOLE: json.dumps(whole, indent=1, ensure_ascii=False) + "\n"}
    texts |= {SNIPPET: result.toml()} if result.chosen else {}
    written = []
    for name, text in texts.items():
        (out / name).write_text(text, "utf-8", newline="\n")
        written.append(out / name)
    if not result.chosen:
        (out / SNIPPET).unlink(missing_ok=True)
    try:
        written.append(save(result.plot_front(), out / PICTURE))
    except UsageError as error:
        screen.aside(f"{PICTURE} is not drawn: {error.message}")
    return written


def _last(out: Path | None, written: list[Path], again: str) -> str:
    if out is None:
        return f"  next: {again} --out DIR  keeps the results and draws the front"
    return f"  in {out}/: {', '.join(path.name for path in written)}, search/, fresh/"
