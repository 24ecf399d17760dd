"""The file that says which points a sweep has: their values and whose rows are theirs, with a checksum of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.errors import UsageError
from sim.sweeps import parts

if TYPE_CHECKING:
    import pyarrow as pa

POINTS: Final = "points.parquet"
_IDENTITY: Final = "identity"
_SHA256: Final = "sha256"


@dataclass(frozen=True)
class Column:
    """The values of an axis: each once, and which of them a point has."""

    labels: tuple[str, ...]
    codes: Any


def content_of(identities: Sequence[str], keys: Sequence[str], labels: Sequence[Sequence[str]]) -> bytes:
    """Return the file of some points: their identities, and under each key the label of every point."""
    import pyarrow as pa

    columns = {_IDENTITY: pa.array(identities, pa.string())}
    columns |= {key: pa.array(values, pa.string()) for key, values in zip(keys, labels, strict=True)}
    table = pa.table(columns)
    digest = _digest(identities, keys, [_column(table[key]) for key in keys])
    return parts.table_bytes(table, {_SHA256: digest})


def read(folder: Path, keys: Sequence[str]) -> tuple[list[str], list[Column]]:
    """Return the identities of the points in a folder, and the column of each key; UsageError where it was damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / POINTS
    try:
        with pq.ParquetFile(path) as file:
            table, told = file.read(use_threads=False), file.metadata.metadata or {}
        identities, columns = table[_IDENTITY].to_pylist(), [_column(table[key]) for key in keys]
        whole = told.get(_SHA256.encode()) == _digest(identities, keys, columns).encode()
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException):
        whole = False
    if not whole:
        raise UsageError(
            f"cannot read '{path}': it is not what was written" if path.exists() else f"there is no '{path}'",
            "a sweep that has just begun will write it; else the command that made the folder does, given again",
        )
    return identities, columns


def _column(values: pa.ChunkedArray) -> Column:
    column = values.combine_chunks().dictionary_encode()
    return Column(tuple(column.dictionary.to_pylist()), column.indices.to_numpy())


def _digest(identities: Sequence[str], keys: Sequence[str], columns: Sequence[Column]) -> str:
    digest = hashlib.sha256(" ".join(identities).encode())
    for key, column in zip(keys, columns, strict=True):
        digest.update(json.dumps([key, column.labels]).encode() + column.codes.astype("<i4").tobytes())
    return digest.hexdigest()
