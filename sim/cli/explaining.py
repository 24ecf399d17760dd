"""The command that explains: what a protocol rides out, what happened in one replication, and what it took."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sim import story
from sim.cli import bounding, screen
from sim.cli.options import Dotted, Effort, Simulation, chosen
from sim.errors import UsageError
from sim.metrics import causes_of
from sim.model.load import options_of
from sim.model.presets.versions import facts_at
from sim.model.scenario import Scenario
from sim.results.counterfactual import Attribution
from sim.results.describe import faults_in_words, in_words
from sim.results.measures import cause_lines
from sim.results.origins import named
from sim.results.provenance import ENGINE
from sim.results.single import Run
from sim.story.log import log as story_log
from sim.sweeps import simulate
from sim.units import seconds
from sim.vocabulary import Kind


def explain(
    scenario: str,
    /,
    *,
    rep: int | None = None,
    worst: bool = False,
    out: Path | None = None,
    text: bool = False,
    trace: bool = False,
    log: bool = False,
    measure: bool = False,
    only: str | None = None,
    strike: str | None = None,
    simulation: Simulation | None = None,
    effort: Effort | None = None,
    dotted: Dotted = None,
) -> None:
    """Say what a lease rides out, as closed forms; or tell the story of one replication, and which fault it needed.

    Without further options nothing is simulated. Any of --rep, --worst, --strike, --seed, --out, --text, --trace and
    --log asks for a story.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    rep
        The story of this replication.
    worst
        Search --reps replications for the one with most false terminations, then most over-allocation.
    out
        Folder for the timeline; ./explain-NAME by default.
    text
        No picture.
    trace
        Print every event too.
    measure
        Search all phases and lengths of one fault for each closed form, and print both side by side.
    only
        These rows of the table: the keys that --json shows, or their beginnings, such as pause,outage.refused,crash.
    strike
        The story of one fault on one holder with one contender: `pause at 41s for 12s` (see the output of --measure).
    log
        Print the lines that runner and server would log around the first false termination (else the first loss).
    """
    simulation, effort = simulation or Simulation(), effort or Effort()
    count = _searches(rep, worst, effort)
    asked = (rep, worst or None, out, text or None, trace or None, log or None, strike)
    world = chosen(scenario, dotted)
    if measure or (all(each is None for each in asked) and simulation == Simulation(json=simulation.json)):
        _bound(world, measure, only, simulation)
        return
    world = world if strike is None else _struck(world, strike)
    if worst:
        run, how = _searched(world, simulation, count, effort.workers)
    else:
        run, how = simulate.run(world, simulation.seed, rep or 0, simulation.engine or ENGINE), ""
    _tell(run, how, simulation.json, log, trace, [] if text else _draw(run, out or Path(f"explain-{_title(run)}")))


def _searches(rep: int | None, worst: bool, effort: Effort) -> int:
    """Return how many replications a search goes through; refuse what makes no sense together."""
    count = effort.replications()
    if count is None:
        raise UsageError("--reps auto: a search needs a number", "for example --reps 100")
    if rep is not None and worst:
        raise UsageError("--rep and --worst exclude each other", "--worst searches for the replication itself")
    if rep is not None and rep < 0:
        raise UsageError(f"--rep {rep}: replications are counted from 0")
    return count


def _title(run: Run) -> str:
    return run.provenance.title


def _tell(run: Run, how: str, json: bool, log: bool, trace: bool, written: list[Path]) -> None:
    """Print the story of one replication."""
    bad = run.tally.false_terminations > 0 or run.tally.over_allocation_ns > 0
    attribution = run.counterfactual() if bad else None
    logged = _log(run) if log else []
    if json:
        screen.out_json(_as_json(run, attribution, written) | ({"log": logged} if log else {}))
        return
    screen.out("\n".join([*_page(run, how, attribution), *(["\nlog"] if log else []), *(f"  {x}" for x in logged)]))
    if trace:
        screen.out("\n" + run.trace.text())
    if written:
        screen.out("\n  " + "\n  ".join(f"timeline: {path}" for path in written))


def _bound(world: Scenario, measure: bool, only: str | None, simulation: Simulation) -> None:
    """Print the closed forms; with `measure`, what a search finds beside them."""
    title = named(world)[1].title
    keys = bounding.chosen_keys(world, only)
    if not measure:
        page = bounding.as_json(world, title, keys) if simulation.json else bounding.page(world, title, keys)
    else:
        from sim.extremes.measuring import measured

        with screen.progress("searching") as progress:
            found = measured(world, keys, progress)
        page = (
            {"scenario": title, "bounds": [each.as_json() for each in found]}
            if simulation.json
            else bounding.measured_page(world, title, found)
        )
    if isinstance(page, dict):
        screen.out_json(page)
    else:
        screen.out("\n".join(page))


def _struck(world: Scenario, strike: str) -> Scenario:
    from sim.extremes.worst import struck

    return struck(world, strike)


def _log(run: Run) -> list[str]:
    """The log around the first termination, or the first loss, in the words of the scenario's version."""
    lost = [event for event in run.trace if event.kind is Kind.LOST and event.time_ns >= run.scenario.warmup]
    around = next(iter([*run.terminations, *lost]), None)
    if around is None:
        return ["Nothing to log: no run lost its lease."]
    options = options_of(run.scenario)
    facts = facts_at(options.version) if options else {}
    words = {"gone": facts["gone_status"].value, "form": facts["log_gone"].value} if facts else {}
    return story_log(run.scenario, run.trace, (around.lane, around.generation), around.time_ns, **words)


def _searched(world: Scenario, simulation: Simulation, count: int, jobs: int) -> tuple[Run, str]:
    with screen.progress("searching") as progress:
        found = simulate.replicate(
            world, count, seed=simulation.seed, engine=simulation.engine_for_many, jobs=jobs, progress=progress
        )
    return found.worst(), f", the worst of {count:,}"


def _draw(run: Run, folder: Path) -> list[Path]:
    """Draw the moments that are told: a false termination if there is one, the worst over-allocation if there is."""
    from sim.report.style import save

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write to '{folder}': {error.strerror}", "give --out another folder, or --text"
        ) from None
    kills = run.terminations
    pictures = {"timeline.png": run.plot_timeline(kills[0] if kills else None)}
    if kills and run.tally.over_allocation_ns:
        pictures["over-allocation.png"] = run.plot_timeline()
    return [save(picture, folder / name) for name, picture in pictures.items()]


def _page(run: Run, how: str, attribution: Attribution | None) -> Iterator[str]:
    """The whole explanation: closed forms first, then what happened, then why."""
    p = run.provenance
    yield in_words(p.title, run.scenario)
    yield faults_in_words(run.scenario)
    yield ""
    rows = story.tolerances(run.scenario)
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    yield from (f"  {name:<{widths[0]}}  {value:<{widths[1]}}  {formula}".rstrip() for name, value, formula in rows)
    yield from (f"  => {sentence}" for sentence in story.dangers(run.scenario))
    yield f"\nreplication {run.replication}{how}, seed {p.seed}: {_counts(run)}"
    yield from _stories(run)
    if attribution is not None:
        yield "\nwhy"
        yield from (
            f"  {line}" for line in cause_lines(causes_of([run.tally]), causes_of([run.tally], of="over_allocation"))
        )
        yield from (f"  {sentence}" for sentence in attribution.sentences())


def _stories(run: Run) -> Iterator[str]:
    """The first false termination, and the worst over-allocation; or that there was neither."""
    kills = run.terminations
    if kills:
        yield f"\nthe first false termination{f' of {len(kills)}' if len(kills) > 1 else ''}"
        yield from (f"  {line}" for line in run.story(kills[0]).splitlines())
    if run.tally.over_allocation_ns or not kills:
        yield "\nthe worst over-allocation" if run.tally.over_allocation_ns else ""
        yield from (f"  {line}" for line in run.story().splitlines())


def _counts(run: Run) -> str:
    tally = run.tally
    kills, excess = tally.false_terminations, seconds(tally.over_allocation_ns)
    return f"{kills} false termination{'' if kills == 1 else 's'}, {excess:,.1f} slot-s over-allocated"


def _as_json(run: Run, attribution: Attribution | None, written: list[Path]) -> dict[str, Any]:
    rows = story.tolerances(run.scenario)
    without = attribution.without if attribution else ()
    return run.as_json() | {
        "replication": run.replication,
        "tolerances": [{"quantity": name, "value": value, "formula": formula} for name, value, formula in rows],
        "dangers": story.dangers(run.scenario),
        "story": [line for line in _stories(run) if line],
        "causes": dict(run.tally.terminations_by_cause),
        "needed": list(attribution.needed) if attribution else [],
        "without": [
            {"cause": each.cause, "false_terminations": each.tally.false_terminations, "still": each.still}
            for each in without
        ],
        "written": [path.as_posix() for path in written],
    }
