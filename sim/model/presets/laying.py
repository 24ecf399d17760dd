"""Where a ``[prefect]`` table takes effect: above what a file extends, below what the file itself says.

Over a file that has such a table already, only what the new one changes is laid: the other file's own fields stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sim.errors import Problem
from sim.model.locate import Node, Table, laid_over
from sim.model.presets import options as reading
from sim.model.presets.options import Options
from sim.model.presets.translate import translated

NAME: Final = "prefect"


def under(base: Table, own: Table) -> Table:
    """Return `base` with what the ``[prefect]`` table of `own` means laid over it; a bad table changes nothing."""
    written = own.data.get(NAME)
    if not isinstance(written, dict):
        return base
    before = base.data.get(NAME)
    kept = _without(before, written) if isinstance(before, dict) else {}
    after, _ = reading.read({**kept, **written})
    if after is None:
        return base
    old: dict[str, Any] = {}
    if isinstance(before, dict) and (read := reading.read(before)[0]) is not None:
        old = {field.key: field.value for field in translated(read)}
    fresh = {field.key: field.value for field in translated(after) if old.get(field.key) != field.value}
    data = {**base.data, NAME: kept} if kept else {key: value for key, value in base.data.items() if key != NAME}
    return laid_over(Table(data, base.node), _table(fresh, own.part(NAME).node))


def _without(before: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the table below keeps of its own: a name may be written in more than one way."""
    changed = {reading.canonical(name) for name in written}
    return {name: value for name, value in before.items() if reading.canonical(name) not in changed}


def _table(fields: Mapping[str, Any], place: Node) -> Table:
    """Dotted keys as nested tables, all of which stand where the ``[prefect]`` table does."""
    data: dict[str, Any] = {}
    node = Node(place.document, place.key, place.value)
    for key, value in fields.items():
        *tables, last = key.split(".")
        inner, at = data, node
        for step in tables:
            inner = inner.setdefault(step, {})
            at = at.children.setdefault(step, Node(place.document, place.key, place.value))
        inner[last] = value
        at.children[last] = Node(place.document, place.key, place.value)
    return Table(data, node)


def taken(table: Table) -> tuple[Table, Options | None, list[Problem]]:
    """Return the table without its ``[prefect]``, what that says, and what is wrong with it."""
    if NAME not in table.data:
        return table, None, []
    written = table.data[NAME]
    rest = Table({key: value for key, value in table.data.items() if key != NAME}, table.node)
    if not isinstance(written, dict):
        problem = Problem(NAME, "expected a table", hint='[prefect] with version = "3.9.1" below it')
        return rest, None, [table.part(NAME).node.mark(problem)]
    options, problems = reading.read(written)
    return rest, options, [marked(problem, table.node) for problem in problems]


def marked(problem: Problem, node: Node) -> Problem:
    """Return a problem of a ``[prefect]`` table as one that stands where it was written, if that is known."""
    inside = node.children.get(NAME, Node())
    key = problem.path.removeprefix(f"{NAME}.")
    names = {reading.canonical(str(step)): child for step, child in inside.children.items()}
    found = names.get(reading.canonical(key))
    if found is None:
        return inside.mark(problem, key=True)
    return found.mark(problem, key=problem.value is None)
