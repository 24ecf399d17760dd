"""The command that lists what comes along: scenarios, systems with their numbers, fault mixes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

from sim.cli import screen
from sim.errors import ScenarioError, UsageError
from sim.model.load import load, names, systems
from sim.model.mixing import mixture
from sim.model.shelf import mixes
from sim.model.systems.books import book
from sim.model.systems.figures import COLUMNS, figures, plain
from sim.results.describe import faults_in_words

_SHOWN: Final = ("ttl", "judge", "renewed", "tries", "gives up", "then", "fencing")


def catalogue(what: Literal["scenarios", "systems", "faults"] = "scenarios", /, *, json: bool = False) -> None:
    """List the scenarios that come along and those in this folder and in ./scenarios; or systems, or fault mixes.

    Parameters
    ----------
    what
        `systems`: real lease protocols with their numbers, each a scenario without faults; `faults`: mixes of faults
        for any scenario, `--faults NAME`.
    json
        Print as JSON.
    """
    {"scenarios": _scenarios, "systems": _systems, "faults": _mixes}[what](json)


def _scenarios(json: bool) -> None:
    here = sorted([*Path().glob("*.toml"), *Path("scenarios").glob("*.toml")])
    own = [path.as_posix() for path in here if path.stem not in names()]
    found = [(name, _title(name)) for name in names()]
    found += [(path, title) for path in own if (title := _title(path)) is not None]
    if json:
        screen.out_json([{"name": name, "title": title or ""} for name, title in found])
        return
    _print([(name, title or "") for name, title in found])
    if found:
        screen.out(f"\n  next: leasesim show {found[0][0]}    leasesim run {found[0][0]}")
        screen.out(f"  {len(systems())} real systems: leasesim list systems")
        screen.out(f"  {len(mixes())} fault mixes: leasesim list faults")


def _title(name: str) -> str | None:
    """The one line about a scenario; None for a file that is none."""
    try:
        return load(name).title
    except (ScenarioError, UsageError):
        return None


def _systems(json: bool) -> None:
    found = {name: load(name) for name in systems()}
    if json:
        screen.out_json(
            [
                {
                    "name": name,
                    "title": scenario.title,
                    "product": book(name).product,
                    "coverage": book(name).coverage,
                    "certainty": book(name).certainty,
                    "rules": [rule.text for rule in book(name).rules],
                    **plain(scenario),
                }
                for name, scenario in found.items()
            ]
        )
        return
    rows = []
    for name, scenario in found.items():
        told = figures(scenario)
        mark = "" if book(name).coverage == "exact" else "~"
        rows.append((name, *(told[column] for column in _SHOWN), mark))
    _print([("system", *_SHOWN, ""), *rows])
    screen.out("\n" + "\n".join(f"  {column}: {COLUMNS[column]}" for column in _SHOWN))
    screen.out("  ~: the model simplifies something that matters; its page says what, and to which side that errs")
    screen.out("\n  next: leasesim show etcd    leasesim run etcd --faults cloud-vm")


def _mixes(json: bool) -> None:
    found = {name: mixture(name) for name in mixes()}
    if json:
        screen.out_json([{"name": mix.name, "title": mix.title, "about": mix.about} for mix in found.values()])
        return
    _print([(name, mix.title) for name, mix in found.items()])
    screen.out("")
    _print([(name, faults_in_words(load("plain-world").with_({"faults": name}))) for name in found])
    screen.out("\n  next: leasesim run etcd --faults cloud-vm")


def _print(rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns as wide as they need."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        screen.out(f"  {'  '.join(cells)}".rstrip())
