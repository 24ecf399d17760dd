"""From the words that were typed to an exit code."""

from __future__ import annotations

import atexit
import os
import re
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sim.cli.exits import BAD_INPUT, FINE, INTERRUPTED, SOME_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACES: Final = ("--out", "--picture")
"""Options that name where files go."""
_WHOLE: Final = ("--seed", "--budget", "--reps", "--rep", "--jobs", "--samples", "--confirm", "--port")
"""Options that take a whole number; what reads them would round another."""
_FRACTION: Final = re.compile(r"\s*[+-]?(\d[\d_]*\.[\d_]*|\.\d[\d_]*)(e[+-]?\d+)?\s*", re.IGNORECASE)


def main(words: Sequence[str] | None = None) -> int:
    """Run a command as if typed; bad input is told in words, with ``--debug`` by a traceback too."""
    given = list(sys.argv[1:] if words is None else words)
    debug = "--debug" in given
    try:
        return _guarded([word for word in given if word != "--debug"], debug)
    except KeyboardInterrupt as stop:
        if words is None:
            _clear_up_undisturbed()
        if debug:
            raise
        print(str(stop) or "interrupted", file=sys.stderr, flush=True)
        return INTERRUPTED
    except BrokenPipeError:
        from sim.cli import screen

        screen.hush()
        return FINE


def _clear_up_undisturbed() -> None:
    """Let a second interrupt end the process at once, with the same exit code: everything is written down and said.

    Once no thread is waited for any more it is not heard: the interpreter, about to go, would pass it on as a signal.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def _guarded(words: list[str], debug: bool) -> int:
    from cyclopts import CycloptsError

    from sim.cli import screen
    from sim.errors import ScenarioError, UsageError
    from sim.sweeps.simulate import SimulationError

    screen.prepare()
    try:
        code = _dispatched(words)
        print(end="", flush=True)
        return code
    except (ScenarioError, UsageError, CycloptsError) as error:
        if debug:
            raise
        screen.complain(error)
        return BAD_INPUT
    except BrokenPipeError:
        raise
    except OSError as error:
        if debug:
            raise
        where = f"'{error.filename}': " if error.filename else ""
        screen.complain(UsageError(f"{where}{error.strerror or error}"))
        return BAD_INPUT
    except SimulationError as error:
        if debug:
            raise
        screen.complain(error)
        return SOME_FAILED


def _dispatched(words: list[str]) -> int:
    """Find the command, hand it the keys of the scenario that were given as options, and run it."""
    from sim.cli import dotted
    from sim.cli.app import app
    from sim.errors import UsageError

    _refuse_no_place(words)
    _refuse_fractions(words)
    rest, overrides = dotted.split(words)
    command: Callable[..., int | None]
    command, bound, ignored = app.parse_args(rest, exit_on_error=False, print_error=False)
    if "dotted" in ignored:
        bound.arguments["dotted"] = overrides
    elif overrides:
        raise UsageError(
            f"--{next(iter(overrides))} changes a scenario, and this command simulates none",
            "it goes with: run sweep compare best tune sensitivity report explain frontier explore "
            "remedies diagnose show check",
        )
    return command(*bound.args, **bound.kwargs) or FINE


def _refuse_no_place(words: Sequence[str]) -> None:
    """Refuse an empty name, as of a variable that is not set: files would go where one happens to be."""
    from sim.errors import UsageError

    for option in _PLACES:
        if f"{option}=" in words or (option, "") in pairwise(words):
            raise UsageError(f"{option} is empty", "name a place; '.' is the folder that you are in")


def _refuse_fractions(words: Sequence[str]) -> None:
    """Refuse 1.7 where a whole number belongs: rounded, it would be another seed."""
    from sim.errors import UsageError

    for option, value in (*pairwise(words), *(word.split("=", 1) for word in words if "=" in word)):
        if option in _WHOLE and _FRACTION.fullmatch(value):
            raise UsageError(f"{option} {value}: expected a whole number")
