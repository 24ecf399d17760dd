"""The folder of a sweep: what was asked, every tally as it came in, what failed. It can be resumed at any time.

What comes of tasks is on disk, as a part, two seconds later, so a kill costs at most that; many parts are joined.
A sweep that finishes puts everything in order, so equal sweeps leave equal files. Rows are filed under the fingerprint
of their point's scenario, so finer axes or more replications find the results that are there.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from filelock import FileLock, Timeout

from sim.errors import UsageError
from sim.sweeps import manifest as manifests
from sim.sweeps import parts
from sim.sweeps.grid import Point, identities, labels_of
from sim.sweeps.index import Filed, Index
from sim.sweeps.manifest import PARTS
from sim.sweeps.parts import Key, Row
from sim.sweeps.roster import POINTS, content_of
from sim.sweeps.work import Outcome

REMARKS: Final = "remarks.json"
FAILURES: Final = "failures.jsonl"
_OURS: Final = (PARTS, POINTS, REMARKS, FAILURES)
_LOCK: Final = ".lock"
_MANY: Final = 256
"""Parts beyond which they are joined."""
_SEALED_ROWS: Final = 32 * parts.GROUP_ROWS


class Store:
    """An open folder; use it as a context manager. Nobody else can write to it meanwhile."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.folder, self._parts = folder, folder / PARTS
        self._owner = manifests.fingerprint(manifest)
        self._known: dict[str, int] = {}
        """The replications on file of each point, as the bits of a number: small, however many there are."""
        self._small: list[Path] = []
        self.damaged = 0
        """Parts that were not what was written: they are simulated again."""
        _prepare(folder)
        self._refuse_another(manifest, fresh=fresh)
        self._lock = _locked(folder / _LOCK)
        with ExitStack() as unless_it_opens:
            unless_it_opens.callback(self._lock.release)
            self._refuse_another(manifest, fresh=fresh)  # somebody may have been there before the lock was ours
            try:
                if fresh:
                    _emptied(folder)
                parts.replaced(folder / manifests.MANIFEST, manifests.text(manifest).encode())
                (folder / REMARKS).unlink(missing_ok=True)  # an earlier sweep's
                self._parts.mkdir(exist_ok=True)
                (folder / FAILURES).write_text("", "utf-8")
                self._take_stock()
            except OSError as error:
                raise _unwritable(folder, error) from None
            unless_it_opens.pop_all()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def _refuse_another(self, manifest: Mapping[str, Any], *, fresh: bool) -> None:
        """Refuse a folder that is another's; where its manifest is lost or damaged, whole parts say whose it is."""
        there = (self.folder / manifests.MANIFEST).exists()
        ours = [name for name in _OURS if (self.folder / name).exists()]
        if there and fresh:
            manifests.refuse_foreign(self.folder)
        elif there or ours:
            self._refuse_unless_same(manifest, there, ours)

    def _refuse_unless_same(self, manifest: Mapping[str, Any], there: bool, ours: Sequence[str]) -> None:
        try:
            manifests.refuse_another(self.folder, manifest)
        except manifests.Damaged as error:
            if not any(parts.whole(path, self._owner) for path in parts.listed(self._parts)):
                also = f"{error.message}; and no part in '{self._parts}' is of this sweep"
                raise UsageError(also, manifests.REMEDY if there else "give --out another folder") from None
        except UsageError:
            if there:
                raise
            raise UsageError(
                f"'{self.folder}' has {ours[0]} and no {manifests.MANIFEST}: it is not a sweep's",
                "give --out another folder",
            ) from None

    def _take_stock(self) -> None:
        for path in self._parts.glob(".*.new"):
            path.unlink()  # a crash came before its name
        for path in parts.listed(self._parts):
            if not parts.whole(path, self._owner):
                self.damaged += 1
                path.unlink()
                continue
            table = parts.columns_of(path, (parts.POINT, parts.REPLICATION))
            for identity, replication in zip(*(column.to_pylist() for column in table.columns), strict=True):
                self._known[identity] = self._known.get(identity, 0) | 1 << replication
            if path.name.startswith(parts.LOOSE):
                self._small.append(path)

    def __contains__(self, key: Key) -> bool:
        return bool(self._known.get(key[0], 0) >> key[1] & 1)

    def plan(self, points: Sequence[Point]) -> None:
        """Write down which points there are, so that the folder can be opened by itself."""
        keys = list(labels_of(points, 0))
        labels = [[labels_of(points, index)[key] for index in range(len(points))] for key in keys]
        content = content_of(identities(points), keys, labels)
        self._write(lambda: parts.replaced(self.folder / POINTS, content))

    def add(self, outcomes: Iterable[Outcome], points: Sequence[Point]) -> None:
        """Write outcomes down; when this returns they are on disk."""
        rows: list[Row] = []
        failures = []
        for outcome in outcomes:
            point = points[outcome.point]
            key = (point.identity, outcome.replication)
            if outcome.tally is None:
                failures.append(_failure(outcome, point))
            elif key not in self:
                rows.append((key, outcome.tally))
        if rows:
            self._write(lambda: self._small.append(self._filed(parts.LOOSE, parts.encoded(rows))))
            for (identity, replication), _ in rows:
                self._known[identity] = self._known.get(identity, 0) | 1 << replication
        if failures:
            self._write(lambda: _appended(self.folder / FAILURES, failures))
        if len(self._small) > _MANY:
            self._write(self._join)

    def remark(self, remarks: Sequence[str]) -> None:
        """Write down what there is to say about how the points were chosen."""
        text = json.dumps(list(remarks), indent=1) + "\n"
        self._write(lambda: parts.replaced(self.folder / REMARKS, text.encode()))

    def _join(self) -> None:
        """Make one part of many small ones; a crash in between leaves some rows twice, which does no harm."""
        small, self._small = self._small, []
        made = self._filed(parts.LOOSE, parts.merged(small))
        for path in small:
            if path != made:
                path.unlink()

    def seal(self, points: Sequence[Point]) -> None:
        """Put the parts in order: the points of this sweep first, then what earlier ones left."""
        self._write(lambda: self._seal(points))

    def _seal(self, points: Sequence[Point]) -> None:
        before = parts.listed(self._parts)
        index = Index(before, identities(points))
        kept = set()
        for block, start in enumerate(range(0, len(index), _SEALED_ROWS)):
            content = parts.table_bytes(index.table(start, start + _SEALED_ROWS))
            kept.add(self._filed(f"{parts.SEALED}-{block:05d}", content))
        for path in before:
            if path not in kept:
                path.unlink()
        self._small = []

    def _filed(self, prefix: str, content: bytes) -> Path:
        return parts.filed(self._parts, prefix, content, self._owner)

    def tallies(self, points: Sequence[Point], count: int) -> Filed:
        """Return the tallies of points that have replications 0 to `count` - 1."""
        return Filed(Index(parts.listed(self._parts), identities(points)), count)

    def _write(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            count = sum(bits.bit_count() for bits in self._known.values())
            why = error.strerror or str(error)
            full = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "see to it that it can be written to"
            raise UsageError(
                f"cannot write to '{self.folder}': {why}; {_counted(count)} kept",
                f"{full}, and the same command goes on",
            ) from None


def _counted(replications: int) -> str:
    return "1 replication is" if replications == 1 else f"{replications:,} replications are"


def _failure(outcome: Outcome, point: Point) -> str:
    where = {"index": point.index, "point": point.identity, "values": dict(point.values)}
    record = {**where, "rep": outcome.replication, "error": outcome.error, "detail": outcome.detail}
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n"


def _appended(path: Path, lines: Sequence[str]) -> None:
    with path.open("a", encoding="utf-8", newline="\n") as stream:
        stream.writelines(lines)
        stream.flush()
        os.fsync(stream.fileno())


def _emptied(folder: Path) -> None:
    """Take away what an earlier sweep computed; its manifest stays until it is replaced, so a crash changes nothing."""
    for path in (*parts.listed(folder / PARTS), *(folder / name for name in manifests.MADE)):
        path.unlink(missing_ok=True)


def folder_of(out: str | os.PathLike[str], called: str = "out") -> Path:
    """Return the folder that was asked for; no name at all would be where one happens to be."""
    if not isinstance(out, str | bytes | os.PathLike):
        raise UsageError(f"{called} = {out!r}: must be a path", "give a folder; '.' is the one that you are in")
    name = os.fsdecode(out)
    if not name:
        raise UsageError(f"{called} is empty", "give a folder; '.' is the one that you are in")
    if "\0" in name or name != name.encode(errors="replace").decode():
        raise UsageError(f"{called} = {name!r}: must be the name of a folder, in UTF-8")
    return Path(name)


def _prepare(folder: Path) -> None:
    probe = folder / f".probe-{os.getpid()}"
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError(
                f"'{folder}' is a file, not a folder", "give --out a folder; it is made if it is not there"
            )
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write to '{folder}': {error.strerror or error}", "give --out another folder")


def _locked(path: Path) -> FileLock:
    """Hold the file that says somebody is writing, unless another process does."""
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise UsageError(
            f"another sweep is writing to '{path.parent}'", "wait for it, or give --out another folder"
        ) from None
    except OSError as error:
        raise _unwritable(path.parent, error) from None
    return lock
