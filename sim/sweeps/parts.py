"""Parts: Parquet files of tallies, one row a replication; never changed, and named so that damage shows.

The name ends in the first 16 digits of the SHA-256 of the sweep's fingerprint and the bytes: a torn or altered part
gives itself away, and so does one of another seed. Columns are the fields of `Tally`; a column of zeros is left out,
for a field that is not there is zero.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.metrics import Tally

if TYPE_CHECKING:
    import pyarrow as pa

Key = tuple[str, int]
"""A point's identity and a replication."""
Row = tuple[Key, Tally]

POINT: Final = "point"
REPLICATION: Final = "rep"
GROUP_ROWS: Final = 4_096
"""Rows that are read together."""
SEALED: Final = "sealed"
LOOSE: Final = "part"
_DIGITS: Final = 16
_OURS: Final = re.compile(rf"({LOOSE}|{SEALED}-\d+)-[0-9a-f]{{{_DIGITS}}}\.parquet")
_EMPTY: Final = Tally()


def encoded(rows: Sequence[Row]) -> bytes:
    """Return the bytes of a part: equal rows, equal bytes."""
    import pyarrow as pa

    columns = {
        POINT: pa.array([key[0] for key, _ in rows], pa.string()),
        REPLICATION: pa.array([key[1] for key, _ in rows], pa.int64()),
    }
    for each in fields(Tally):
        values = [getattr(tally, each.name) for _, tally in rows]
        if any(values):
            columns[each.name] = _column(values)
    return table_bytes(pa.table(columns))


def _column(values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    if isinstance(values[0], Mapping):
        return pa.array([json.dumps(value, sort_keys=True) if value else "" for value in values], pa.string())
    kind = pa.float64() if any(isinstance(value, float) for value in values) else pa.int64()
    return pa.array(values, kind)


def table_bytes(table: pa.Table, told: Mapping[str, str] | None = None) -> bytes:
    """Return a table as Parquet; text is stored once for each of its values, numbers as they are.

    What is `told` of it stands at the end of the file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = [field.name for field in table.schema if pa.types.is_string(field.type)]
    sink = pa.BufferOutputStream()
    options: dict[str, Any] = {"compression": "zstd", "write_statistics": False, "store_schema": False}
    with pq.ParquetWriter(sink, table.schema, use_dictionary=words, **options) as writer:
        writer.write_table(table.combine_chunks(), row_group_size=GROUP_ROWS)
        if told:
            writer.add_key_value_metadata(told)
    return bytes(sink.getvalue())


def filed(folder: Path, prefix: str, content: bytes, owner: str) -> Path:
    """Write a part under its own fingerprint; when this returns it is on disk, and before that it is not there."""
    path = folder / f"{prefix}-{hashlib.sha256(owner.encode() + content).hexdigest()[:_DIGITS]}.parquet"
    replaced(path, content)
    return path


def replaced(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    _settled(path.parent)


def _settled(folder: Path) -> None:
    """Put the folder's list of names on disk too; where a folder cannot be opened (Windows) the system sees to it."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def listed(folder: Path) -> list[Path]:
    """Return the parts in a folder, the sealed ones last and in order."""
    return sorted((path for path in folder.glob("*.parquet") if _OURS.fullmatch(path.name)), key=lambda path: path.name)


def whole(path: Path, owner: str) -> bool:
    """Whether the bytes are those that were written, and for this sweep."""
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, lambda: hashlib.sha256(owner.encode())).hexdigest()
    return path.stem.rpartition("-")[2] == found[:_DIGITS]


def columns_of(path: Path, names: Sequence[str]) -> pa.Table:
    """Return some columns of a part; one that is not there is left out."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        there = [name for name in names if name in file.schema_arrow.names]
        return file.read(there, use_threads=False)


def column_of(path: Path, name: str) -> Any:
    """Return one number of every row of a part; zeros where it is not there."""
    import numpy as np

    table = columns_of(path, (REPLICATION, name))
    return table[name].to_numpy() if name in table.column_names else np.zeros(table.num_rows, int)


@lru_cache(maxsize=8)
def group_of(path: Path, group: int) -> tuple[Row, ...]:
    """Return one group of rows; the last few are kept."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return tuple(_rows(file.read_row_group(group, use_threads=False)))


def _rows(table: pa.Table) -> Iterator[Row]:
    names = [name for name in table.column_names if name not in (POINT, REPLICATION)]
    columns = [_values(name, table[name].to_pylist()) for name in names]
    keys = zip(table[POINT].to_pylist(), table[REPLICATION].to_pylist(), strict=True)
    for key, *values in zip(keys, *columns, strict=True):
        yield key, Tally(**dict(zip(names, values, strict=True)))


def _values(name: str, values: list[Any]) -> list[Any]:
    if isinstance(getattr(_EMPTY, name), Mapping):
        return [json.loads(value) if value else {} for value in values]
    return values


def rows_at(path: Path, rows: Sequence[int]) -> pa.Table:
    """Return some rows of a part in the given order."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False).take(rows)


def joined(tables: Iterable[pa.Table]) -> pa.Table:
    """Return all rows of several tables; what one of them leaves out is zero there, what is zero throughout goes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.concat_tables(tables, promote_options="permissive")
    columns = {POINT: table[POINT], REPLICATION: table[REPLICATION]}
    for each in fields(Tally):
        if each.name in table.column_names:
            zero = "" if isinstance(getattr(_EMPTY, each.name), Mapping) else 0
            column = table[each.name].fill_null(zero)
            if pc.any(pc.not_equal(column, zero)).as_py():
                columns[each.name] = column
    return pa.table(columns)


def merged(paths: Iterable[Path]) -> bytes:
    """Return one part that holds what several do."""
    import pyarrow.parquet as pq

    return table_bytes(joined(pq.read_table(path, use_threads=False, memory_map=False) for path in paths))
