"""Where the rows of a folder are, by point and replication, over all parts; tallies are read only when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import UsageError
from sim.metrics import Tally
from sim.sweeps import parts

if TYPE_CHECKING:
    import pyarrow as pa


class Index:
    """The rows of some parts in the order of points, then replications, each once; other sweeps' points come last."""

    def __init__(self, paths: Sequence[Path], identities: Sequence[str]) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        self.paths = tuple(paths)
        tables = [parts.columns_of(path, (parts.POINT, parts.REPLICATION)) for path in paths]
        empty = pa.table({parts.POINT: pa.array([], pa.string()), parts.REPLICATION: pa.array([], pa.int64())})
        keys = pa.concat_tables([empty, *tables]).combine_chunks()
        ours = pa.array(identities, pa.string())
        lengths = [table.num_rows for table in tables]
        number = np.repeat(np.arange(len(tables)), lengths)
        row = np.concatenate([np.arange(0), *(np.arange(length) for length in lengths)])
        replication = keys[parts.REPLICATION].to_numpy()
        sealed = all(path.name.startswith(parts.SEALED) for path in paths)
        place = _in_order(keys[parts.POINT].combine_chunks(), replication, ours) if sealed else None
        if place is not None:
            self.place, self.replication, self.number, self.row = place, replication, number, row
            self.canonical = np.arange(len(ours))
            return
        there = pc.unique(keys[parts.POINT])
        strange = sorted(there.filter(pc.invert(pc.is_in(there, value_set=ours))).to_pylist())
        everything = pa.concat_arrays([ours, pa.array(strange, pa.string())])
        place = pc.index_in(keys[parts.POINT], value_set=everything).to_numpy().astype(np.int64)
        order = np.lexsort((number, replication, place))
        place, replication = place[order], replication[order]
        first = np.ones(len(order), bool)
        first[1:] = (place[1:] != place[:-1]) | (replication[1:] != replication[:-1])
        self.place, self.replication = place[first], replication[first]
        self.number, self.row = number[order][first], row[order][first]
        self.canonical = pc.index_in(ours, value_set=ours).to_numpy()
        """The first point of the same scenario as each point."""

    def __len__(self) -> int:
        return len(self.place)

    def starts(self, count: int) -> Any:
        """Return where the rows of each point begin; -1 where replications 0 to `count` - 1 are not all there."""
        import numpy as np

        start = np.searchsorted(self.place, self.canonical)
        last = start + count - 1
        if not len(self.place):
            return np.full(len(start), -1)
        at = np.minimum(last, len(self.place) - 1)
        there = (last == at) & (self.place[at] == self.canonical) & (self.replication[at] == count - 1)
        return np.where(there, start, -1)

    def tallies(self, start: int, count: int) -> tuple[Tally, ...]:
        """Return the tallies of `count` rows from `start`."""
        return tuple(self._tally(at) for at in range(start, start + count))

    def _tally(self, at: int) -> Tally:
        group, row = divmod(int(self.row[at]), parts.GROUP_ROWS)
        path = self.paths[self.number[at]]
        with _there(path):
            return parts.group_of(path, group)[row][1]

    def column(self, name: str) -> Any:
        """Return one field of every row, without reading the others."""
        import numpy as np

        found = []
        for path in self.paths:
            with _there(path):
                found.append(parts.column_of(path, name))
        begins = np.cumsum([0, *map(len, found[:-1])])
        return np.concatenate([np.arange(0), *found])[begins[self.number] + self.row]

    def table(self, start: int, stop: int) -> pa.Table:
        """Return rows from `start` to before `stop`, reading each part once."""
        import numpy as np

        number, row = self.number[start:stop], self.row[start:stop]
        pieces, places = [], []
        for each in np.unique(number):
            mine = np.flatnonzero(number == each)
            pieces.append(parts.rows_at(self.paths[each], row[mine].tolist()))
            places.append(mine)
        return parts.joined(pieces).take(np.argsort(np.concatenate(places)))


@contextmanager
def _there(path: Path) -> Iterator[None]:
    """Say why a part is not there any more."""
    try:
        yield
    except FileNotFoundError:
        raise UsageError(f"'{path}' is gone: a sweep has been writing to the folder", "open it again") from None


def _in_order(keys: pa.Array, replication: Any, ours: pa.Array) -> Any:
    """Return the place of each row where sealed parts hold just these points in their order; None where they do not.

    A finished sweep is so, and then nothing needs to be looked up: a million look-ups take a second.
    """
    import numpy as np
    import pyarrow.compute as pc

    if not len(keys):
        return None
    begins = np.ones(len(keys), bool)
    begins[1:] = pc.not_equal(keys[1:], keys[:-1]).to_numpy(zero_copy_only=False)
    if not keys.filter(begins).equals(ours) or (~begins[1:] & (replication[1:] <= replication[:-1])).any():
        return None
    return np.cumsum(begins) - 1


class Filed(Mapping[int, tuple[Tally, ...]]):
    """The tallies of each point that has all its replications on file, by its number; read when asked for."""

    def __init__(self, index: Index, count: int) -> None:
        self._index, self.count = index, count

    @cached_property
    def _starts(self) -> Any:
        return self._index.starts(self.count)

    def __getitem__(self, point: int) -> tuple[Tally, ...]:
        if point not in self:
            raise KeyError(point)
        return self.since(point, 0)

    def since(self, point: int, first: int) -> tuple[Tally, ...]:
        """Return the tallies of a point that is there, from replication `first` on."""
        return self._index.tallies(int(self._starts[point]) + first, self.count - first)

    def worst(self, names: Sequence[str]) -> tuple[int, int]:
        """Return the point, and which of its tallies, that has the most of these fields in turn; the first of equals.

        Only these are read: a million tallies would take minutes.
        """
        import numpy as np

        points = np.fromiter(self, int)
        rows = (self._starts[points][:, None] + np.arange(self.count)).ravel()
        left = np.arange(len(rows))
        for name in names:
            values = self._index.column(name)[rows[left]]
            left = left[values == values.max()]
        at, replication = divmod(int(left[0]), self.count)
        return int(points[at]), replication

    def __contains__(self, point: object) -> bool:
        return isinstance(point, int) and 0 <= point < len(self._starts) and bool(self._starts[point] >= 0)

    def __iter__(self) -> Iterator[int]:
        return (int(point) for point in (self._starts >= 0).nonzero()[0])

    def __len__(self) -> int:
        return int((self._starts >= 0).sum())
