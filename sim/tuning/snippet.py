"""The recommended setting as text to paste: a scenario file that extends the one tuned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.model.load import moved_of, parse_value
from sim.model.wording import spelled, spelled_key
from sim.results.provenance import Provenance
from sim.sweeps.grid import Point
from sim.tuning.goals import Goals


def snippet(provenance: Provenance, point: Point, goals: Goals) -> str:
    """Return the TOML; loaded, it is the scenario that was confirmed."""
    tables: dict[str, Any] = {}
    for key, label in {**provenance.overrides, **point.values}.items():
        *path, last = key.split(".")
        inner = tables
        for step in path:
            inner = inner.setdefault(step, {})
        inner[last] = parse_value(label)
    mix = tables["faults"] if isinstance(tables.get("faults"), str) else None
    faults: Mapping[str, Mapping[str, Any]] = {} if mix else tables.pop("faults", {})
    base = spelled(provenance.name) if provenance.named else f"{spelled(provenance.name)} # sim.dumps(scenario) in it"
    wanted = ", ".join((*goals.minimise, *(c.text for c in goals.constraints)))
    lines = [f"# tuned for {wanted}", f"extends = {base}"]
    moved = ", ".join(f"{key} = {spelled(value)}" for key, value in moved_of(point.scenario).items())
    lines += [f"# and what follows, as in {point.scenario.system}: {moved}"] if moved else []
    lines += [f"{spelled_key(key)} = {spelled(value)}" for key, value in tables.items() if not isinstance(value, dict)]
    for key, value in tables.items():
        if isinstance(value, dict):
            lines += ["", f"[{spelled_key(key)}]", *_entries(value)]
    for name, fault in faults.items():
        lines += ["", "[[faults]]", f"name = {spelled(name)}", *_entries(fault)]
    return "\n".join(lines) + "\n"


def _entries(table: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The values of a table, inner tables by dotted keys."""
    lines = []
    for key, value in table.items():
        name = f"{prefix}{spelled_key(key)}"
        if isinstance(value, dict) and "kind" not in value:
            lines += _entries(value, f"{name}.")
        else:
            lines.append(f"{name} = {spelled(value)}")
    return lines
