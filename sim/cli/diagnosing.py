"""The command that asks what happened, and names the suspects."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from sim.cli import dotted as overriding
from sim.cli import screen
from sim.cli.options import Dotted, Simulation
from sim.diagnosis.suspects import Answer, Answers, world
from sim.diagnosis.weighing import LOGS, REPLICATIONS
from sim.diagnosis.weighing import diagnose as weigh
from sim.errors import Problem, ScenarioError, UsageError, nearest
from sim.model.load import warnings_of
from sim.model.presets.options import known
from sim.model.presets.versions import book
from sim.units import parse_duration

Log = Literal["410", "timeout", "refused", "reset", "5xx", "unknown"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen."""

    sleeps: Answer = "unknown"
    """Does the machine sleep?"""
    blocks: Answer = "unknown"
    """Does the flow make long blocking calls?"""
    restarts: Answer = "unknown"
    """Is the server restarted now and then?"""
    retries: Answer = "unknown"
    """Does the flow retry by itself?"""
    log: Log = "unknown"
    """How the last renewal ended."""
    after: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    """How long after the start of the run, such as 26m."""


def diagnose(
    *,
    prefect_version: str | None = None,
    launch: str = "serve",
    server: str = "local",
    limit: str = "deployment",
    body: str = "async",
    seen: Seen | None = None,
    reps: int = REPLICATIONS,
    simulation: Simulation | None = None,
    dotted: Dotted = None,
) -> None:
    """My run was terminated: what happened? Ranked suspects with probabilities, and what would decide each.

    Without options it asks, if there is a terminal. Every answer may be left out.

    Parameters
    ----------
    prefect_version
        Version of Prefect, such as 3.4.25; the newest known if left out.
    launch
        serve, worker, or worker_elsewhere (another host, a pod).
    server
        local (the runs' own machine), remote, or cloud.
    limit
        What was lost: deployment, concurrency (strict), or tag.
    body
        async or sync flow.
    reps
        Replications of each suspect.
    """
    simulation, seen = simulation or Simulation(), seen or Seen()
    if not 2 <= reps <= 100_000:
        raise UsageError(f"--reps {reps}: expected a number from 2 to 100,000")
    overrides = dict(dotted or {})
    version = prefect_version or overrides.pop("prefect.version", None)
    given: dict[str, Any] = {"launch": launch, "server": server, "limit": limit, "body": body}
    said: dict[str, Any] = {name: value for name, value in vars(seen).items() if name != "after"}
    after, silent = seen.after, version is None and seen == Seen() and not overrides and not simulation.json
    if silent and sys.stdin is not None and sys.stdin.isatty():
        version, after = interview(given, said)
    answers = Answers(str(version or book()["last"]), **given, **said, after_ns=_after(after))
    base = overriding.apply(world(answers), overrides)
    screen.warn(warnings_of(base))
    with screen.progress("suspects") as progress:
        result = weigh(answers, base, reps, simulation.seed, simulation.engine_for_many, progress)
    if simulation.json:
        screen.out_json(result.as_json())
    else:
        screen.out(result.table().text())


def _after(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        ns = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--after {text}: {error}", "for example --after 26m") from None
    if ns < 0:
        raise UsageError(f"--after {text}: must not be negative")
    return ns


def interview(
    given: dict[str, str], said: dict[str, str], ask: Callable[[str], str] = input
) -> tuple[str | None, str | None]:
    """Ask on the terminal; an empty answer keeps what stands in brackets. Changes `given` and `said`."""
    screen.aside("Answer what you know; Enter leaves a question open.")
    version = ask(f"Version of Prefect [{book()['last']}]: ").strip() or None
    questions = {
        "launch": "How are runs launched",
        "server": "Where is the server",
        "limit": "Which limit",
        "body": "Flow",
    }
    for name, question in questions.items():
        given[name] = _answer(ask, question, list(known()[name]["choices"]), given[name])
    asked = {
        "sleeps": "Does the machine sleep",
        "blocks": "Does the flow make long blocking calls",
        "restarts": "Is the server restarted now and then",
        "retries": "Does the flow retry by itself",
    }
    for name, question in asked.items():
        said[name] = _answer(ask, question, ["yes", "no", "unknown"], "unknown")
    said["log"] = _answer(ask, "How did the last renewal end", list(LOGS), "unknown")
    return version, ask("How long after the start, such as 26m []: ").strip() or None


def _answer(ask: Callable[[str], str], question: str, choices: list[str], default: str) -> str:
    text = ask(f"{question}? {', '.join(choices)} [{default}]: ").strip().lower()
    if not text:
        return default
    near = next((choice for choice in choices if choice.startswith(text)), None) or nearest(text, choices)
    if near is None:
        raise ScenarioError([Problem(question, f"expected one of {', '.join(choices)}, got '{text}'")])
    return near
