"""From a file to lines: text of several encodings, packed by gzip or not; what is no text is named for what it is."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from pathlib import Path
from typing import Final

from sim.errors import UsageError

BYTES_MAX: Final = 300_000_000
_GZIP: Final = b"\x1f\x8b"
_NO_TEXT: Final = (
    (b"ElfFile\0", "an event log of Windows is exported first: wevtutil qe power.evtx /lf:true /f:text > power.txt"),
    (b"LPKSHHRH", "a journal is printed first: journalctl --file FILE -o short-iso > power.txt"),
    (b"PK\x03\x04", "it is a ZIP archive: unpack it first"),
    (b"\xfd7zXZ", "it is packed by xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is packed by zstd: unpack it first"),
    (b"BZh", "it is packed by bzip2: unpack it first"),
)
_MARKS: Final = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""Colours of a terminal that was recorded."""


def content(path: Path) -> bytes:
    """Return the bytes of a file; UsageError where it cannot be read, or is larger than any log that is fitted."""
    try:
        if path.is_dir():
            raise UsageError(f"'{path}' is a folder", "give the files in it")
        if path.stat().st_size > BYTES_MAX:
            raise _too_large(path)
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror}") from None


def lines_of(raw: bytes, path: Path) -> list[str]:
    """Return the lines of a text, without their ends and without colours."""
    text = _decoded(_unpacked(raw, path), path)
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    lines = io.StringIO(text, newline=None).read().split("\n")  # only line ends end a line: no form feed does
    return lines[:-1] if lines[-1] == "" else lines


def _unpacked(raw: bytes, path: Path) -> bytes:
    if not raw.startswith(_GZIP):
        return raw
    try:
        with gzip.open(io.BytesIO(raw)) as stream:
            found = stream.read(BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"cannot unpack '{path}': {error}", "gzip -t tells whether it is whole") from None
    if len(found) > BYTES_MAX:
        raise _too_large(path)
    return found


def _too_large(path: Path) -> UsageError:
    return UsageError(f"'{path}' has more than {BYTES_MAX:,} bytes", "give the part of it that matters")


def _decoded(raw: bytes, path: Path) -> str:
    for magic, hint in _NO_TEXT:
        if raw.startswith(magic):
            raise UsageError(f"'{path}' is no text file", hint)
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace")
    start = raw[:4000]
    if start[1::2].count(0) > 0.4 * len(start):  # PowerShell's, without its mark
        return raw.decode("utf-16-le", errors="replace")
    if start[::2].count(0) > 0.4 * len(start):
        return raw.decode("utf-16-be", errors="replace")
    if 0 in start:
        raise UsageError(f"'{path}' is no text file", "logs are read as text, packed by gzip or not")
    return raw.decode("utf-8", errors="replace")
