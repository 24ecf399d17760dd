"""What `leasesim explain` says without simulating: closed forms with the numbers put in; and what a search finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sim import story
from sim.errors import UsageError, nearest
from sim.model.scenario import Scenario
from sim.results.describe import in_words
from sim.results.origins import named
from sim.story.bounds import Bound, bounds

if TYPE_CHECKING:
    from sim.extremes.measuring import Measured


def chosen_keys(scenario: Scenario, only: str | None) -> tuple[str, ...] | None:
    """Return the beginnings of keys that were asked for; None for all. Refuse what no row begins with."""
    if only is None:
        return None
    keys = [row.key for row in bounds(scenario)]
    asked = tuple(word.strip() for word in only.split(","))
    for word in asked:
        if not word or not any(key.startswith(word) for key in keys):
            near = nearest(word, {*keys, *(key.split(".")[0] for key in keys)})
            hint = f"did you mean '{near}'?" if near else f"choose from: {', '.join(keys)}"
            raise UsageError(f"--only {word}: no row begins with it", hint)
    return asked


def rows_of(scenario: Scenario, keys: tuple[str, ...] | None) -> list[Bound]:
    """Return the closed forms that were asked for."""
    return [row for row in bounds(scenario) if keys is None or row.key.startswith(keys)]


def page(scenario: Scenario, title: str, keys: tuple[str, ...] | None) -> Iterator[str]:
    """Yield the lines of the table of closed forms."""
    yield in_words(title, scenario)
    yield ""
    yield from table(rows_of(scenario, keys))
    yield from (f"  => {sentence}" for sentence in story.dangers(scenario))
    yield ""
    yield f"  measured by a search: leasesim explain {named(scenario)[1].words()} --measure"
    yield f"  one replication's story: leasesim explain {named(scenario)[1].words()} --rep 0"


def table(rows: Sequence[Bound]) -> Iterator[str]:
    """Yield each figure with its value and, under it, formula and numbers."""
    names, values = max(len(row.quantity) for row in rows), max(len(row.text) for row in rows)
    for row in rows:
        numbers = f"  [{row.numbers}]" if row.numbers else ""
        yield f"  {row.quantity:<{names}}  {row.text:>{values}}  = {row.formula}{numbers}"


def as_json(scenario: Scenario, title: str, keys: tuple[str, ...] | None) -> dict[str, Any]:
    """Return the table for a program."""
    return {
        "scenario": title,
        "bounds": [row.as_json() for row in rows_of(scenario, keys)],
        "dangers": story.dangers(scenario),
    }


def measured_page(scenario: Scenario, title: str, found: Sequence[Measured]) -> Iterator[str]:
    """Yield the table with what the search found beside each closed form."""
    yield in_words(title, scenario)
    yield ""
    head = ("", "closed form", "searched")
    cells = [head, *((each.bound.quantity, each.bound.text, each.text) for each in found)]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    for row, each in zip(cells, (None, *found), strict=True):
        line = f"  {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}"
        yield line if each is None else f"{line}  {each.verdict}".rstrip()
    yield ""
    trials = sum(each.trials for each in found)
    yield f"  {trials:,} trials; every searched figure holds for all phases and lengths it names, to 1 ns"
    for each in found:
        if each.note:
            yield f"  {each.bound.quantity}: {each.note}"
    yield from (f"  {each.bound.quantity}: {each.replay}" for each in found if each.replay)
