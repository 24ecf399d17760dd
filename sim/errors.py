"""What is wrong with what a person wrote: the place, the value, the rule and the way out, all at once."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning"]

_SOURCE_WIDTH: Final = 100
_MESSAGE_WIDTH: Final = 400
_CARET_HINT: Final = 80
"""A hint up to this length stands beside the caret, a longer one on a line of its own."""
_VERB: Final = re.compile(r"\(|(is|has|must|needs|names) ")
"""A message that begins so makes a sentence with the path before it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong (or doubtful) in the input; `str()` is the text a person reads."""

    path: str
    """Where in the scenario: ``"faults[0].probability"``; empty when it concerns the whole text."""
    message: str
    value: str | None = None
    """The value received, as its author wrote it or would write it."""
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    """Counted from 1, like `column`; None when the value came from elsewhere than a text."""
    column: int | None = None
    length: int = 1
    source: str | None = None
    """The whole line of the text at `line`."""
    severity: Severity = "error"

    def __str__(self) -> str:
        return "\n".join(_rendered(self))

    @property
    def sentence(self) -> str:
        """Path and message, on one line."""
        joint = " " if _VERB.match(self.message) else ": "
        return (printable(self.path) + joint if self.path else "") + printable(self.message)


class ScenarioError(ValueError):
    """A scenario that cannot be simulated: `problems` holds everything found wrong, `str()` is their text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return render(self.problems)


class UsageError(ValueError):
    """Other bad input: the command line, an axis of a sweep, a folder for output."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message, self.hint = message, hint
        super().__init__(message, hint)

    def __str__(self) -> str:
        return printable(self.message) + (f"\n  hint: {printable(self.hint)}" if self.hint else "")


def render(problems: Iterable[Problem]) -> str:
    """Return the text of all `problems`, and their number where there is more than one."""
    listed = list(problems)
    lines = [line for problem in listed for line in _rendered(problem)]
    if len(listed) > 1:
        errors = sum(problem.severity == "error" for problem in listed)
        lines.append(", ".join(_counted(errors, "error") + _counted(len(listed) - errors, "warning")))
    return "\n".join(lines)


def _counted(count: int, what: str) -> list[str]:
    return [f"{count} {what}{'s' if count > 1 else ''}"] if count else []


def _rendered(problem: Problem) -> list[str]:
    lines = [f"{problem.severity}: {problem.sentence}"]
    hint = printable(problem.hint) if problem.hint else ""
    if problem.file is not None:
        at = f":{problem.line}:{problem.column}" if problem.line is not None else ""
        lines.append(f"  --> {printable(problem.file)}{at}")
    if problem.line is not None and problem.column is not None and problem.source is not None:
        beside = hint if len(hint) <= _CARET_HINT else ""
        lines += _pointed(problem.line, problem.source, problem.column, problem.length, beside)
        hint = "" if beside else hint
    return [*lines, f"  hint: {hint}"] if hint else lines


def _pointed(line: int, source: str, column: int, length: int, beside: str) -> list[str]:
    """The line of the text, carets under the `length` characters from `column`, a word beside them."""
    start = max(0, min(column - 1, len(source)))
    end = max(start, min(start + length, len(source)))
    first = max(0, start - _SOURCE_WIDTH // 2) if len(source) > _SOURCE_WIDTH else 0
    last = first + _SOURCE_WIDTH
    before, under = _flat(source[first:start]), _flat(source[start : min(end, start + _SOURCE_WIDTH)])
    after = _flat(source[end:last])
    lead, tail = "..." if first else "", "..." if last < len(source) else ""
    carets = " " * _width(lead + before) + "^" * max(1, _width(under))
    text = f"{lead}{before}{under}{after}{tail}".rstrip()
    return ["   |", f"{line:>3}| {text}", f"   | {carets} {beside}".rstrip()]


def _flat(text: str) -> str:
    """Every character as one that takes its place on a line and steers no terminal."""
    return "".join(
        character if character.isprintable() else " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def _width(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def printable(text: str) -> str:
    """`text` on one line, without characters that steer a terminal, and not longer than anyone would read."""
    flat = _flat(text)
    return flat if len(flat) <= _MESSAGE_WIDTH else f"{flat[: _MESSAGE_WIDTH - 3]}..."


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most likely meant by `word`, or None; case, ``_`` and ``-`` do not count."""
    known: dict[str, str] = {}
    for candidate in candidates:
        known.setdefault(_folded(candidate), candidate)
    meant = _folded(word[:200])
    close = difflib.get_close_matches(meant, known, n=1, cutoff=0.6)
    longer = [name for name in known if len(meant) >= 4 and name.startswith(meant)]
    found = longer if len(longer) == 1 else close or longer  # what was only cut off beats what was misspelt
    return known[found[0]] if found else None


def _folded(word: str) -> str:
    return word.casefold().replace("_", "").replace("-", "").replace(" ", "")


class OutOfReach(UsageError):
    """What the compiled engine cannot count, and the reference can: ``engine="auto"`` takes the reference for it."""


class TimeStandsStill(UsageError):
    """Events follow each other without end and without any time passing: the scenario has a loop of length zero."""


def time_stands_still(now_ns: int) -> TimeStandsStill:
    """Return the error for a loop of length zero, `now_ns` after the start."""
    return TimeStandsStill(
        f"time stands still {now_ns / 1e9:.3f} s after the start: events follow each other and none takes any time",
        "give a latency (network.up), the work, the provisioning or a client's think time a length",
    )
