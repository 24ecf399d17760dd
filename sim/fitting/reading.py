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
from sim.fitting.decoding import content, lines_of
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
    raw = content(path)
    lines = [line[:_LINE_MAX] for line in lines_of(raw, path)]
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
