"""How to compute a result again: the commands, and what to compare."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from sim.pages.rows import Result
from sim.results.many import Replications
from sim.results.origins import Origin, shell
from sim.results.provenance import ENGINE_FOR_MANY
from sim.sweeps import manifest as manifests
from sim.sweeps.grid import labels_of
from sim.sweeps.swept import Sweep

_SEP: Final = ","
INSTALL: Final = "pip install '.[fast]'"
"""In the folder of the source: an index of packages may not have it."""


def commands(result: Result) -> list[str]:
    """Return what to type, line by line."""
    p = result.provenance
    origin = Origin(p.name, p.overrides).words()
    engine = f" --engine {p.engine}" if p.engine != ENGINE_FOR_MANY else ""
    how = f" --reps {len(p.replications)} --seed {p.seed}{engine}"
    if isinstance(result, Replications):
        return [INSTALL, f"leasesim run {origin}{how} --json"]
    return [INSTALL, f"leasesim sweep {origin}{''.join(_laid_out(result))}{how} --out again"]


def described(sweep: Sweep) -> dict[str, Any]:
    """Return what the folder of a sweep says about itself; nothing where it has none."""
    return manifests.read(sweep.out) if sweep.out is not None else {}


def _laid_out(sweep: Sweep) -> Iterator[str]:
    """Options that make the same points in the same order."""
    design = str(described(sweep).get("design", ""))
    axes = {axis.key: axis.labels for axis in sweep.axes}
    if design.startswith(("lhs:", "sobol:")):
        for key, text in described(sweep)["axes"].items():
            yield f" --vary {shell(f'{key}={text}')}"
        yield f" --design {design}"
    elif len(sweep.points) == math.prod(map(len, axes.values())):
        for key, labels in axes.items():
            yield f" --vary {shell(f'{key}={_SEP.join(labels)}')}"
    else:
        for key in axes:
            listed = (labels_of(sweep.points, at)[key] for at in range(len(sweep.points)))
            yield f" --vary {shell(f'{key}={_SEP.join(listed)}')}"
        yield " --design list"
