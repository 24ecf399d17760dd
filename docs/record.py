"""Run what the pages show, in full, and write down what it prints: ``python -m docs.record [PAGE ...]``.

Console blocks get the output of their commands, a block ``text output`` gets what the Python block before it printed,
and pictures are copied to where the pages have them. With ``--check`` nothing is written, and every line that
would change is told. This takes minutes; tests/test_docs.py runs the same blocks, made short, in seconds.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from docs.pages import ROOT, Block, Command, blocks, kept, pages, served

_SCRIPTS = Path(sys.executable).parent


def recorded(page: Path) -> tuple[str, list[tuple[Path, Path]]]:
    """Return the page as it should be, and the pictures to copy; its blocks are run in a folder of their own."""
    lines = page.read_text("utf-8").splitlines()
    changes: list[tuple[int, int, list[str]]] = []
    pictures: list[tuple[Path, Path]] = []
    namespace: dict[str, object] = {}
    printed: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="leasesim-docs-"))
    with contextlib.chdir(folder):
        for block in blocks(page):
            if "skip" in block.notes:
                continue
            if block.language == "python":
                printed = python(block, namespace)
            elif block.language == "toml":
                write_toml(block, folder)
            elif block.language == "console":
                changes.append((block.first + 1, block.last, console(block)))
            elif block.info == "output":
                changes.append((block.first + 1, block.last, kept(printed, block.notes.get("keep"))))
            if "copy" in block.notes:
                made, place = block.notes["copy"].split()
                pictures.append((folder / made, ROOT / "docs" / place))
    for first, last, new in reversed(changes):
        lines[first:last] = new
    return "\n".join(lines) + "\n", pictures


def python(block: Block, namespace: dict[str, object]) -> list[str]:
    """Run a Python block among the names of those before it; return what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, block.where, "exec"), namespace)
    return printed.getvalue().splitlines()


def write_toml(block: Block, folder: Path) -> None:
    """Save a TOML block whose first line is ``# name.toml`` under that name."""
    first = block.text.splitlines()[0]
    if first.startswith("# ") and first.endswith(".toml"):
        (folder / first[2:]).write_text(block.text + "\n", "utf-8")


def console(block: Block) -> list[str]:
    """Run the commands of a console block; return its lines with what they printed."""
    new: list[str] = []
    for command, shown in zip(block.commands, _shown(block), strict=True):
        new += shown
        new += kept(output(command, block), block.notes.get("keep"))
    return new


def _shown(block: Block) -> Iterator[list[str]]:
    """Yield the lines of each command as they stand on the page, continuations too."""
    lines: list[str] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if lines:
                yield lines
            lines = [line]
        elif lines and lines[-1].endswith("\\"):
            lines.append(line)
    if lines:
        yield lines


def output(command: Command, block: Block) -> list[str]:
    """Run a command as a person would in a shell of 100 columns."""
    path = f"{_SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    last = command == block.commands[-1]
    if last and "until" in block.notes:
        return served(["bash", "-c", f"exec {command.text}"], block.notes["until"], env=env)
    done = subprocess.run(
        ["bash", "-c", command.text],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=env,
    )  # fmt: skip
    expected = int(block.notes.get("exit", "0")) if last else 0
    assert done.returncode == expected, f"{block.where}: {command.text}\nexit code {done.returncode}\n{done.stdout}"
    return [line.rstrip() for line in done.stdout.splitlines()]


def main(words: list[str]) -> int:
    """Record, or with --check compare, the pages named, by default all."""
    check = "--check" in words
    chosen = [Path(word).resolve() for word in words if word != "--check"] or pages()
    differences = 0
    for page in chosen:
        name = page.relative_to(ROOT).as_posix()
        old = page.read_text("utf-8")
        new, pictures = recorded(page)
        changed = list(difflib.unified_diff(old.splitlines(), new.splitlines(), name, "as run now", lineterm="", n=0))
        stale = [place for made, place in pictures if not place.exists() or made.read_bytes() != place.read_bytes()]
        differences += bool(changed or stale)
        print("\n".join(changed or [f"{name}: nothing to change"]), flush=True)
        print("".join(f"{name}: {place.name} is another picture now\n" for place in stale), end="", flush=True)
        if not check:
            assert page.read_text("utf-8") == old, f"{name} was edited meanwhile"
            page.write_text(new, "utf-8", newline="\n")
            for made, place in pictures:
                shutil.copyfile(made, place)
    return 1 if check and differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
