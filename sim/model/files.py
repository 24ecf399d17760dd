"""Files that scenarios are read from: by name or path, and what is wrong with those that cannot be."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim.errors import Problem, ScenarioError, UsageError, nearest
from sim.model import shelf
from sim.model.locate import Document

SIZE_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A text to read, where its relative paths start, and what identifies it in a chain of `extends`."""

    document: Document
    folder: Path
    identity: str


def identity(path: str) -> str:
    """Return what tells a file from others, however its path is written."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def opened(name_or_path: str | os.PathLike[str], folder: Path) -> Source:
    """Read a packaged scenario by name, or a file by its path from `folder`."""
    text = os.fsdecode(name_or_path)
    if isinstance(name_or_path, str) and not (text.endswith(".toml") or "/" in text or os.sep in text):
        path = shelf.path_of(text)
    else:
        path = folder / os.path.expanduser(text)  # noqa: PTH111 - Path's own raises for an unknown user
    inside = path.is_absolute() and path.is_relative_to(Path.cwd())
    file = str(path.relative_to(Path.cwd()) if inside else path)
    return Source(Document(read(path, file), file), path.parent, identity(str(path)))


def read(path: Path, file: str = "") -> str:
    """Return the text of a file, unless it cannot be a scenario; messages call it `file`."""
    file = file or str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UsageError(f"'{file}' is a folder, not a scenario file", _scenarios_in(path))
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"'{file}' is not a regular file")
        if status.st_size > SIZE_MAX:
            size = f"{status.st_size / 1e6:,.1f} MB"
            raise UsageError(f"'{file}' has {size}: a scenario is a page of text, at most 1 MB")
        with path.open("rb") as stream:
            raw = stream.read(SIZE_MAX)
    except UsageError:
        raise
    except FileNotFoundError:
        raise UsageError(f"there is no file '{file}'", _missing_hint(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read '{file}': {reason}") from None
    return _decoded(raw, file)


def _decoded(raw: bytes, file: str) -> str:
    """Return UTF-8 text, with or without the mark some editors put first."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[start : error.start].decode("utf-8", "replace")) + 1
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8 text: it holds the byte 0x{raw[error.start]:02x}"
    raise ScenarioError([Problem("", message, file=file, line=line, column=column)])


def _scenarios_in(folder: Path) -> str | None:
    found = sorted(path.name for path in folder.glob("*.toml"))[:10]
    return f"scenario files in it: {', '.join(found)}" if found else None


def _missing_hint(path: Path) -> str:
    near = nearest(path.name, (other.name for other in path.parent.glob("*.toml")))
    if near:
        return f"did you mean '{path.parent / near}'?"
    if path.stem in (*shelf.names(), *shelf.systems()):
        return f"the scenario that comes along is called '{path.stem}', without .toml"
    return "scenarios that come along: leasesim list"
