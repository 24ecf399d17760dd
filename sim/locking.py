"""One process at a time: files that are locked until they are closed or their process ends, on Windows as elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def lock(stream: IO[str], *, wait: bool) -> None:
    """Lock an open file; another who holds it is waited for, or, without `wait`, gives an OSError."""
    try:
        import fcntl
    except ImportError:
        _lock_on_windows(stream.fileno(), wait=wait)
    else:
        fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _lock_on_windows(handle: int, *, wait: bool) -> None:
    import msvcrt

    while True:
        try:
            os.lseek(handle, 0, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # there
        except OSError:  # LK_LOCK gives up after ten seconds
            if not wait:
                raise
        else:
            return


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold the file `path` as the sign of whose turn it is; others wait. It is made for that, and taken away after it.

    A file that was taken away while somebody waited for it is nobody's sign any more: he makes another.
    """
    held = False
    while not held:
        with path.open("a", encoding="utf-8") as stream:
            lock(stream, wait=True)
            held = _is_still(path, stream)
            if held:
                try:
                    yield
                finally:
                    taken_away = _without(path)
    if not taken_away:  # Windows keeps what is open
        _without(path)


def _is_still(path: Path, stream: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _without(path: Path) -> bool:
    with suppress(OSError):
        path.unlink()
        return True
    return False
