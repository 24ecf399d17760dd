"""Commands that estimate: one scenario, or two side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from cyclopts import Parameter

from sim.cli import dotted as overriding
from sim.cli import screen
from sim.cli.criteria import criterion
from sim.cli.exits import CRITERION, FINE
from sim.cli.options import Dotted, Effort, Simulation, chosen, tell_along
from sim.cli.precision import PRECISION, Sureness
from sim.errors import UsageError
from sim.rarity import BUDGET, RareEstimate, SplitEstimate, rare, second, split
from sim.results.many import Replications
from sim.results.measures import FALSE_TERMINATIONS
from sim.results.origins import shell
from sim.sweeps.simulate import compare as compare_scenarios
from sim.sweeps.simulate import replicate
from sim.units import format_duration


def run(
    scenario: str,
    /,
    *,
    simulation: Simulation | None = None,
    effort: Effort | None = None,
    sureness: Sureness | None = None,
    fail_if: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    method: Literal["count", "rare", "splitting"] = "count",
    dotted: Dotted = None,
) -> int:
    """Simulate a scenario many times: every metric with its interval, and what was to blame.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    fail_if
        Exit with 1 if "METRIC > NUMBER" (or >=, <, <=); may be given more than once.
    method
        `rare` estimates false terminations per lease-hour to 10 % by weighted renewal cycles, however few there are;
        `splitting` does so to 30 %, with no weights, as a second opinion.
    """
    simulation, effort, sure = simulation or Simulation(), effort or Effort(), sureness or Sureness()
    if method != "count":
        return _rare(method, scenario, simulation, effort, sure, fail_if, dotted)
    criteria = [criterion(text) for text in fail_if]
    wanted = sure.wanted()
    count = effort.replications() if wanted is None or effort.reps else None
    if wanted is None and count is None:
        wanted = PRECISION
    world = chosen(scenario, dotted)
    with screen.progress("replications") as progress:
        result = replicate(
            world,
            count,
            precision=wanted,
            confidence=sure.confidence,
            budget=sure.budget,
            seed=simulation.seed,
            engine=simulation.engine_for_many,
            jobs=effort.workers,
            progress=progress,
        )
    failed = any(each.failed(result.metrics) for each in criteria)
    if simulation.json:
        told = [
            {"criterion": text, "failed": c.failed(result.metrics)} for text, c in zip(fail_if, criteria, strict=True)
        ]
        screen.out_json(result.as_json() | ({"criteria": told} if told else {}))
    else:
        screen.out(result.table().text())
        for each in criteria:
            screen.out(f"  {each.words(result.metrics)}")
        screen.out("\n" + "\n".join(_next(result)))
    return CRITERION if failed else FINE


def _rare(
    method: Literal["rare", "splitting"],
    scenario: str,
    simulation: Simulation,
    effort: Effort,
    sure: Sureness,
    fail_if: tuple[str, ...],
    dotted: Dotted,
) -> int:
    """Estimate a rate of rare events."""
    criteria = [criterion(text) for text in fail_if]
    if simulation.engine not in (None, "process", "auto"):
        raise UsageError(f"--engine {simulation.engine}: method {method} runs on the engine 'process'")
    for each in criteria:
        if each.metric != FALSE_TERMINATIONS:
            raise UsageError(f"--fail-if {each.metric}: method {method} estimates {FALSE_TERMINATIONS} only")
    if effort.reps not in (None, "auto"):
        raise UsageError(f"--reps {effort.reps}: method {method} stops at a precision", "leave --reps out")
    wanted = sure.wanted()
    if isinstance(wanted, Mapping):
        if set(wanted) != {FALSE_TERMINATIONS}:
            raise UsageError(f"--precision {', '.join(wanted)}: method {method} estimates {FALSE_TERMINATIONS} only")
        wanted = wanted[FALSE_TERMINATIONS]
    world = chosen(scenario, dotted)
    way, share, most = (rare, PRECISION, BUDGET) if method == "rare" else (split, second.PRECISION, second.BUDGET)
    cycles = most if sure.budget is None else _cycles(sure.budget, method)
    result: RareEstimate | SplitEstimate
    with screen.progress("renewal cycles") as bar:
        result = way(world, FALSE_TERMINATIONS, wanted or share, sure.confidence, cycles, simulation.seed, bar)
    metrics = {FALSE_TERMINATIONS: result.estimate}
    if simulation.json:
        screen.out_json(result.as_json())
    else:
        screen.out(result.table().text())
        for each in criteria:
            screen.out(f"  {each.words(metrics)}")
    return CRITERION if any(each.failed(metrics) for each in criteria) else FINE


def _cycles(text: str, method: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"--budget {text}: with --method {method} it is a number of renewal cycles")
    return int(text)


def _next(result: Replications) -> list[str]:
    """What one types after a run."""
    p, ttl = result.provenance, result.scenario.lease.ttl
    ttls = ",".join(format_duration(ttl * factor // 2) for factor in (1, 2, 4))
    every = {key: f" --{key} {shell(value)}" for key, value in p.overrides.items()}
    others = "".join(text for key, text in every.items() if key != "lease.ttl")
    return [
        f"  next: leasesim explain {shell(p.name)}{''.join(every.values())} --worst",
        f"        leasesim sweep {shell(p.name)}{others} --vary lease.ttl={ttls} --out sweep-{p.title}",
    ]


def compare(
    a: str,
    b: str | None = None,
    /,
    *,
    changes: Annotated[tuple[str, ...], Parameter(name="--with", show_default=False)] = (),
    simulation: Simulation | None = None,
    effort: Effort | None = None,
    dotted: Dotted = None,
) -> None:
    """Compare two scenarios on the same random numbers: leasesim compare A B, or A --with lease.ttl=10m.

    Parameters
    ----------
    a
        A name (see: leasesim list) or the path of a TOML file.
    b
        Another; left out, it is A with the changes of --with.
    changes
        KEY=VALUE that holds in B only; may be given more than once.
    """
    simulation, effort = simulation or Simulation(), effort or Effort()
    count = effort.replications()
    if count is None:
        raise UsageError("--reps auto: a comparison needs a number", "for example --reps 100")
    if b is None and not changes:
        raise UsageError(
            "there is nothing to compare with", f"name a second scenario, or: leasesim compare {a} --with lease.ttl=10m"
        )
    first = chosen(a, dotted)
    second = overriding.apply(chosen(b or a, dotted, warn=b is not None), overriding.assignments(changes, "--with"))
    if changes:
        tell_along(second)
    with screen.progress("replications") as progress:
        result = compare_scenarios(
            first,
            second,
            replications=count,
            seed=simulation.seed,
            engine=simulation.engine_for_many,
            jobs=effort.workers,
            progress=progress,
        )
    if simulation.json:
        screen.out_json(result.as_json())
    else:
        screen.out(result.table().text())
