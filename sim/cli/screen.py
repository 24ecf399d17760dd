"""What goes to the terminal: results to stdout, everything else to stderr; quiet where nobody watches."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sim.errors import Problem, ScenarioError, render
from sim.sweeps.study import Progress


def prepare() -> None:
    """Let no character that the terminal cannot show end a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def out(text: str) -> None:
    """Print a part of the result."""
    print(text)


def flush() -> None:
    """Hand over what was printed so far: a command that does not end has to say this itself."""
    if sys.stdout is not None:
        sys.stdout.flush()


def out_json(data: object) -> None:
    """Print the result for a program."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def aside(text: str) -> None:
    """Print what is not the result."""
    if sys.stdout is not None:
        sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


def complain(error: Exception) -> None:
    """Print what was wrong with the input, in red where somebody watches."""
    text = str(error)
    if not isinstance(error, ScenarioError) and not text.startswith("error: "):
        text = f"error: {text}"
    if coloured():
        text = text.replace("error:", "\x1b[1;31merror:\x1b[0m")
    aside(text)


def warn(problems: tuple[Problem, ...]) -> None:
    """Print warnings about a scenario."""
    if problems:
        aside(render(problems))


def watched() -> bool:
    """Whether a person watches stderr on a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def coloured() -> bool:
    """Whether messages may have colours (https://no-color.org)."""
    return watched() and not os.environ.get("NO_COLOR")


@contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """Show a bar on stderr while replications are simulated, if somebody watches."""
    if not watched():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def report(done: int, planned: int) -> None:
            bar.update(task, completed=done, total=planned)

        yield report


def hush() -> None:
    """Stop writing to a pipe that nobody reads any more."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
