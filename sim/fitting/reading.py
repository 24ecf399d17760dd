"""Open a file, find out by its content what it is, and let the reader of that kind go through it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from sim.errors import UsageError, nearest
from sim.fitting import access, journal, latencies, pmset, prefect_log, windows
from sim.fitting.notes import Notes, Options

KINDS: Final[Mapping[str, ModuleType]] = {
    "pmset": pmset,
    "journal": journal,
    "windows": windows,
    "prefect": prefect_log,
    "access": access,
    "latency": latencies,
}
_LOOKED_AT: Final = 2000
_LINE_MAX: Final = 20_000
_BYTES_MAX: Final = 300_000_000


@dataclass(frozen=True)
class Source:
    """A file that was read."""

    name: str
    kind: str
    how_known: str
    sha256: str
    lines: int
    notes: Notes


def read(path: Path, options: Options, kind: str | None = None) -> Source:
    """Read one file; UsageError where it cannot be, with what to do."""
    raw = _bytes(path)
    lines = [line[:_LINE_MAX] for line in _decoded(raw, path).splitlines()]
    if not any(line.strip() for line in lines):
        raise UsageError(f"'{path}' is empty")
    if kind is not None and kind not in KINDS:
        near = nearest(kind, KINDS)
        raise UsageError(
            f"there is no kind '{kind}'", f"did you mean '{near}'?" if near else f"kinds: {', '.join(KINDS)}"
        )
    found, why = (kind, "as was said") if kind is not None else detected(lines, path)
    notes = Notes(options)
    try:
        KINDS[found].read(iter(enumerate(lines, 1)), notes)
        notes.close()
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.hint) from None
    except csv.Error as error:
        raise UsageError(f"{path}: cannot be read as CSV: {error}") from None
    return Source(path.name, found, why, hashlib.sha256(raw).hexdigest(), len(lines), notes)


def detected(lines: list[str], path: Path) -> tuple[str, str]:
    """Return the kind of a file and what gave it away: how many of its first lines only that kind has."""
    some = [line for line in lines[:_LOOKED_AT] if line.strip()]
    matches: dict[str, Callable[[str], bool]] = {name: module.matches for name, module in KINDS.items()}
    counts = {name: sum(map(matched, some)) for name, matched in matches.items() if name != "latency"}
    best = max(counts, key=lambda name: counts[name])
    if counts[best] > 0:
        return best, f"{counts[best]:,} of the first {len(some):,} lines look like it"
    if latencies.matches(some[0]):
        return "latency", "its heading names latencies" if "," in some[0] or not some[0][0].isdigit() else "all numbers"
    raise UsageError(
        f"cannot tell what '{path}' is: no line looks like a log that is known",
        f"say so with --kind: {', '.join(KINDS)}; its first line: {some[0].strip()[:80]}",
    )


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise UsageError(f"'{path}' is a folder", "give the files in it")
        if path.stat().st_size > _BYTES_MAX:
            raise UsageError(f"'{path}' has more than {_BYTES_MAX:,} bytes", "give the part of it that matters")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror}") from None


def _decoded(raw: bytes, path: Path) -> str:
    """Return the text; PowerShell writes UTF-16."""
    if b"\0" in raw[:4000] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"'{path}' is no text file", "an .evtx file is exported first: wevtutil qe System /f:text")
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return raw.decode(encoding, errors="replace")
