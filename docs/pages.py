"""The Markdown pages taken apart: fenced blocks, the commands in them, and what the comment before a block says.

A comment on the line before a fence steers how its block is run, in parts separated by semicolons:

- ``skip: REASON``      it is not run;
- ``save: REASON``      a scenario that is saved for the commands after it and not loaded;
- ``until: TEXT``       its last command serves something: it is stopped once it has printed a line with this text;
- ``exit: 2``           its last command ends with this code (0 where nothing is said);
- ``keep: A .. B | C``  only the lines from the first that holds A to the next that holds B, and the next that holds C,
                        of each output are printed; ``...`` stands for the others;
- ``copy: FROM TO``     a picture that its commands wrote, and where the page has it (from `docs/`).
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ELIDED = "..."

_FENCE = re.compile(r"^```(\S*)(?: (.*))?$")
_COMMENT = re.compile(r"^<!-- (.*) -->$")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    language: str
    info: str
    """What follows the language in the opening fence."""
    text: str
    first: int
    """Index of the opening fence among the lines of the page; `last` is that of the closing one."""
    last: int
    notes: dict[str, str]

    @property
    def where(self) -> str:
        """The place of the block, for a message."""
        return f"{self.page.relative_to(ROOT)}:{self.first + 1}"

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands of a console block."""
        return tuple(_commands(self.text.splitlines()))


@dataclass(frozen=True)
class Command:
    """A line after ``$`` with the output recorded under it."""

    text: str
    output: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """The command as a shell would split it, without a redirection."""
        words = shlex.split(self.text, comments=True)
        return words[: words.index(">")] if ">" in words else words

    @property
    def target(self) -> str | None:
        """The file that its output goes to."""
        words = shlex.split(self.text, comments=True)
        return words[words.index(">") + 1] if ">" in words else None


def pages() -> list[Path]:
    """Return every page that a person wrote, in a fixed order; the reference is made by `docs/generate.py`."""
    written = (path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "reference")
    return [ROOT / "README.md", *written]


def blocks(page: Path, text: str | None = None) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    lines = (page.read_text("utf-8") if text is None else text).splitlines()
    fences = [(at, fence) for at, line in enumerate(lines) if (fence := _FENCE.match(line))]
    assert len(fences) % 2 == 0, f"{page}: a block is opened and never closed"
    for (first, opening), (last, _) in zip(fences[::2], fences[1::2], strict=True):
        text = "\n".join(lines[first + 1 : last])
        yield Block(page, opening[1], opening[2] or "", text, first, last, _notes(lines, first))


def _notes(lines: list[str], first: int) -> dict[str, str]:
    comment = _COMMENT.match(lines[first - 1]) if first else None
    if comment is None:
        return {}
    parts = (part.partition(":") for part in comment[1].split(";"))
    return {name.strip(): value.strip() for name, _, value in parts}


def _commands(lines: list[str]) -> Iterator[Command]:
    command: list[str] = []
    output: list[str] = []
    for line in lines:
        if command and command[-1].endswith("\\") and not output:
            command[-1] = command[-1][:-1]
            command.append(line.strip())
        elif line.startswith("$ "):
            if command:
                yield Command("".join(command), tuple(output))
            command, output = [line[2:]], []
        else:
            output.append(line)
    if command:
        yield Command("".join(command), tuple(output))


def kept(output: list[str], wanted: str | None) -> list[str]:
    """Return the lines of an output that a page prints."""
    if wanted is None:
        return output
    shown: list[str] = []
    at = 0
    for part in wanted.split("|"):
        first, _, last = (text.strip() for text in part.partition(".."))
        start = _find(first, output, at)
        stop = _find(last, output, start) if last else start
        shown += [ELIDED] * (start > at) + output[start : stop + 1]
        at = stop + 1
    return shown + [ELIDED] * (at < len(output))


def _find(text: str, lines: list[str], since: int) -> int:
    found = next((at for at, line in enumerate(lines[since:], start=since) if text in line), None)
    assert found is not None, f"'{text}' is not in the output:\n" + "\n".join(lines)
    return found


def served(command: Sequence[str], until: str, **options: Any) -> list[str]:
    """Start a command that does not end by itself, stop it after a line with `until`; return its lines so far."""
    printed: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options) as process:
        assert process.stdout is not None
        for line in process.stdout:
            printed.append(line.rstrip())
            if until in line:
                break
        process.terminate()
    assert any(until in line for line in printed[-1:]), f"'{until}' was not printed:\n" + "\n".join(printed)
    return printed
