"""The folder of a sweep: what was asked, every tally as it came in, what failed. It can be resumed at any time.

`parts.jsonl` only ever grows while a sweep runs, one line a replication, and is on disk before the next chunk is
counted as done; a sweep that finishes puts its lines in order, so equal sweeps leave equal files. A line is filed
under the fingerprint of its point's scenario, so finer axes or more replications find the results that are there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

from sim.errors import UsageError
from sim.metrics import Tally
from sim.sweeps.grid import Point
from sim.sweeps.work import Outcome

MANIFEST: Final = "manifest.json"
PARTS: Final = "parts.jsonl"
FAILURES: Final = "failures.jsonl"
_REMEDY: Final = "--fresh starts again in that folder, another --out leaves it alone"
_LAYOUT: Final = 1
_SAME: Final = (("seed", "another seed"), ("engine", "another engine"), ("version", "another version of leasesim"))

Key = tuple[str, int]
"""A point's identity and a replication."""


class Store:
    """An open folder; use it as a context manager. Nobody else can write to it meanwhile."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.folder = folder
        self.tallies: dict[Key, Tally] = {}
        _prepare(folder)
        _same_sweep(folder, manifest, fresh=fresh)
        self._parts = _locked(folder / PARTS)
        try:
            if fresh:
                self._parts.truncate(0)
            else:
                self.tallies = _read(folder / PARTS)
            _mend(folder / PARTS)
            (folder / FAILURES).write_text("", "utf-8")
            whole = {"layout": _LAYOUT, "fingerprint": fingerprint(manifest), **manifest}
            _replace(folder / MANIFEST, json.dumps(whole, indent=1) + "\n")
        except OSError as error:
            self._parts.close()
            raise _unwritable(folder, error) from None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parts.close()

    def add(self, outcomes: Iterable[Outcome], points: Sequence[Point]) -> None:
        """Write outcomes down; when this returns they are on disk."""
        lines, failures = [], []
        for outcome in outcomes:
            point = points[outcome.point]
            if outcome.tally is None:
                failures.append(_failure(outcome, point))
            elif (point.identity, outcome.replication) not in self.tallies:
                self.tallies[point.identity, outcome.replication] = outcome.tally
                lines.append(_line(point.identity, outcome.replication, outcome.tally))
        self._parts.write("".join(lines))
        self._parts.flush()
        os.fsync(self._parts.fileno())
        if failures:
            with (self.folder / FAILURES).open("a", encoding="utf-8") as stream:
                stream.writelines(failures)

    def seal(self, points: Sequence[Point]) -> None:
        """Put the parts in order: the points of this sweep first, then what earlier ones left."""
        place = {point.identity: point.index for point in points}
        ordered = sorted(self.tallies, key=lambda key: (place.get(key[0], len(points)), *key))
        _replace(self.folder / PARTS, "".join(_line(*key, self.tallies[key]) for key in ordered))


def _line(identity: str, replication: int, tally: Tally) -> str:
    return _json(
        {
            "point": identity,
            "rep": replication,
            "tally": {key: value for key, value in tally.as_json().items() if value},
        }
    )


def _failure(outcome: Outcome, point: Point) -> str:
    where = {"index": point.index, "point": point.identity, "values": dict(point.values)}
    return _json({**where, "rep": outcome.replication, "error": outcome.error, "detail": outcome.detail})


def _json(data: object) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n"


def _read(path: Path) -> dict[Key, Tally]:
    """Return every tally on file; lines that cannot be read were torn by a crash and are simulated again."""
    tallies: dict[Key, Tally] = {}
    for line in path.read_bytes().splitlines():
        try:
            record = json.loads(line)
            tallies[record["point"], record["rep"]] = Tally.from_json(record["tally"])
        except (ValueError, KeyError, TypeError):
            continue
    return tallies


def _mend(path: Path) -> None:
    """End a torn last line, so that the next one begins on its own."""
    with path.open("r+b") as stream:
        whole = stream.read()
        if whole and not whole.endswith(b"\n"):
            stream.truncate(whole.rfind(b"\n") + 1)


def _prepare(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is a file, not a folder", "give --out a folder; it is made if it is not there")
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write to '{folder}': {error.strerror or error}", "give --out another folder")


def _locked(path: Path) -> TextIO:
    """Open the parts for appending, unless another process has."""
    try:
        stream = path.open("a", encoding="utf-8", newline="\n")
    except OSError as error:
        raise _unwritable(path.parent, error) from None
    try:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows
        pass
    except OSError:
        stream.close()
        raise UsageError(
            f"another sweep is writing to '{path.parent}'", "wait for it, or give --out another folder"
        ) from None
    return stream


def _replace(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)


# -------------------------------------------------------------------------------------- is it the same sweep?


def _same_sweep(folder: Path, manifest: Mapping[str, Any], *, fresh: bool) -> None:
    """Refuse a folder that holds other results than these would be."""
    path = folder / MANIFEST
    if not path.exists():
        if (folder / PARTS).exists():
            raise UsageError(
                f"'{folder}' has a {PARTS} and no {MANIFEST}: it is not a sweep's", "give --out another folder"
            )
        return
    try:
        old = json.loads(path.read_text("utf-8"))
        known = old["layout"] == _LAYOUT
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"cannot read '{path}'", "give --out another folder") from None
    if not known:
        raise UsageError(f"'{folder}' was written by another version of leasesim", "give --out another folder")
    difference = None if fresh else first_difference(old, manifest)
    if difference:
        raise UsageError(f"'{folder}' was made from {difference}", _REMEDY)


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """Return one word for what has to agree before results may be shared."""
    what = [manifest["sha256"], list(manifest["axes"]), *(manifest[key] for key, _ in _SAME)]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def first_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Return what makes two manifests two sweeps, in words, or None where results can be shared."""
    scenario = _first_unequal(old["scenario"], new["scenario"])
    if scenario:
        return f"another scenario ({scenario})"
    if list(old["axes"]) != list(new["axes"]):
        return f"other axes ({', '.join(old['axes'])} -> {', '.join(new['axes'])})"
    for key, word in _SAME:
        if old[key] != new[key]:
            return f"{word} ({old[key]} -> {new[key]})"
    return None


def _first_unequal(old: object, new: object, path: str = "") -> str | None:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**new, **old}:
            found = _first_unequal(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
            if found and path + str(key) not in ("title", "about"):
                return found
        return None
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next((found for at, (a, b) in pairs if (found := _first_unequal(a, b, f"{path}[{at}]"))), None)
    return None if old == new else f"{path}: {_short(old)} -> {_short(new)}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
