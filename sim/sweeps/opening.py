"""A folder of a sweep, described when it is written and given back as a result when it is opened."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, overload

from pydantic import ValidationError

from sim.errors import UsageError
from sim.model.load import derived, parse_value
from sim.model.scenario import Scenario
from sim.results.provenance import Provenance, version
from sim.sweeps import manifest as manifests
from sim.sweeps import parts, roster
from sim.sweeps.axes import Axis
from sim.sweeps.grid import Points
from sim.sweeps.index import Filed, Index
from sim.sweeps.manifest import PARTS
from sim.sweeps.store import FAILURES, REMARKS, folder_of
from sim.sweeps.study import Failure
from sim.sweeps.swept import Sweep

_LOOKS: Final = 10
"""Times that a folder is read in which somebody is writing."""


def manifest_of(provenance: Provenance, name: str, axes: Sequence[Axis], design: str) -> dict[str, Any]:
    """Return what a sweep's folder says about itself."""
    return {
        **provenance.as_json(),
        "name": name,
        "design": design,
        "axes": {axis.key: axis.described for axis in axes},
    }


class Parsed(Sequence[Any]):
    """The values that labels stand for, each read when it is asked for."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels

    def __len__(self) -> int:
        return len(self._labels)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return tuple(map(parse_value, self._labels[index]))
        return parse_value(self._labels[index])


def open_sweep(path: str | os.PathLike[str]) -> Sweep:
    """Return the sweep that a folder holds, as far as it got; tallies are read when they are asked for.

    Args:
        path: the folder that was given as `out`, or ``--out``.
    """
    folder = folder_of(path, "path")
    for _ in range(_LOOKS):
        try:
            return _opened(folder)
        except FileNotFoundError:
            continue  # a sweep at work has just joined parts, or put them in order
        except OSError as error:
            where = error.filename or folder
            raise UsageError(f"cannot read '{where}': {error.strerror or error}", "may you read it?") from None
    raise UsageError(f"'{folder}' changes all the time: a sweep is writing to it", "open it again in a moment")


def _opened(folder: Path) -> Sweep:
    manifest = manifests.read(folder)
    files = parts.listed(folder / PARTS)
    owner = manifests.fingerprint(manifest)
    damaged = [file.name for file in files if not parts.whole(file, owner)]
    if damaged:
        raise UsageError(
            f"'{folder}': {len(damaged)} of {len(files)} parts are damaged: {', '.join(damaged[:3])}",
            "the command that made the folder, given again, simulates what they held",
        )
    scenario = _scenario(folder, manifest)
    failures = _failures(folder)  # before the points: a sweep that refines adds some
    axes, points = _points(folder, scenario, list(manifest["axes"]))
    provenance = _provenance(manifest)
    tallies = Filed(Index(files, points.identities), len(provenance.replications))
    failures = tuple(failure for failure in failures if failure.point in range(len(points)))
    rows, remarks = _rows(tallies), _remarks(folder)
    return Sweep(scenario, axes, points, tallies, failures, provenance, reused=rows, out=folder, remarks=remarks)


def _scenario(folder: Path, manifest: Mapping[str, Any]) -> Scenario:
    try:
        made = Scenario.model_validate(manifest["scenario"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"'{folder / manifests.MANIFEST}' holds a scenario that cannot be read here: {where}: {first['msg']}",
            f"leasesim {manifest['version']} wrote it, this is {version()}",
        ) from None
    return derived(made, made, manifest["overrides"])


def _rows(tallies: Filed) -> int:
    return len(tallies) * tallies.count


def _points(folder: Path, scenario: Scenario, keys: Sequence[str]) -> tuple[tuple[Axis, ...], Points]:
    import numpy as np

    known, columns = roster.read(folder, keys)
    axes = tuple(Axis(key, Parsed(column.labels), column.labels) for key, column in zip(keys, columns, strict=True))
    codes: Any = np.column_stack([column.codes for column in columns])
    points = Points(scenario, axes, codes)
    points.identities = known
    return axes, points


def _provenance(manifest: Mapping[str, Any]) -> Provenance:
    count = manifest["replications"]
    own = {key: manifest[key] for key in ("overrides", "scenario", "sha256", "seed", "engine", "named", "version")}
    return Provenance(name=manifest["name"], replications=tuple(range(count)), versions=manifest["versions"], **own)


def _remarks(folder: Path) -> tuple[str, ...]:
    try:
        found = json.loads((folder / REMARKS).read_text("utf-8"))
    except (OSError, ValueError):
        return ()  # the sweep did not get to its end, or an earlier version made it
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _failures(folder: Path) -> tuple[Failure, ...]:
    try:
        lines = (folder / FAILURES).read_text("utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        found = [Failure(r["index"], r["values"], r["rep"], r["error"], r["detail"]) for r in records]
        return tuple(sorted(found, key=lambda failure: (failure.point, failure.replication)))
    except (OSError, ValueError, KeyError, TypeError):
        return ()  # a list for people: what is not there is simulated again anyhow
