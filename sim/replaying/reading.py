"""Reading a table of recorded trials: the set-up columns only, and everything that is wrong with them at once."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sim.errors import Problem, ScenarioError, UsageError, nearest
from sim.replaying.trials import FAULTS, Trial
from sim.replaying.versions import FIRST, LAST, Version, is_known
from sim.replaying.versions import nearest as nearest_version

SIZE_MAX: Final = 50_000_000
LONGEST_S: Final = 86_400.0
"""A day: the longest lease that Prefect's API allows, and longer than any trial."""
SHORTEST_S: Final = 0.001
"""Leases and sweeps that are shorter would be rounded to nothing."""

Rule = Callable[[str], Any]


@dataclass(frozen=True)
class Recording:
    """The trials of a file, and what could not be read in it."""

    trials: tuple[Trial, ...]
    problems: tuple[Problem, ...]
    rows: tuple[Mapping[str, str], ...]
    """The rows of `trials` as they stand in the file."""


# ---------------------------------------------------------------------------------- what a cell may hold


def _seconds(text: str, least: float = 0.0) -> int:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number of seconds") from None
    if not math.isfinite(value) or value < least or value > LONGEST_S:
        raise ValueError(f"must be at least {least:g} and at most {LONGEST_S:,.0f} seconds")
    return round(value * 1e9)


def _positive(text: str) -> int:
    return _seconds(text, least=SHORTEST_S)


def _maybe(text: str) -> int | None:
    return _seconds(text) if text.strip() else None


def _or_zero(text: str) -> int:
    return _maybe(text) or 0


def _word(*choices: str) -> Rule:
    def rule(text: str) -> str:
        if text.strip() not in choices:
            near = nearest(text.strip(), choices)
            meant = f"did you mean '{near}'?" if near else f"choose from: {', '.join(choices)}"
            raise ValueError(f"is none of those known; {meant}")
        return text.strip()

    return rule


def _version(text: str) -> Version:
    match = re.fullmatch(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", text.strip())
    span = f"known are {'.'.join(map(str, FIRST))} to {'.'.join(map(str, LAST))}"
    if match is None:
        raise ValueError(f"must be a version of Prefect such as 3.4.25; {span}")
    version = (int(match[1]), int(match[2]), int(match[3] or 0))
    if not is_known(version):
        raise ValueError(f"is a version whose rules are not known; {span}, the nearest is {nearest_version(version)}")
    return version


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("must name the trial")
    return text.strip()


SINGLE: Final[dict[str, tuple[str, Rule]]] = {
    "trial": ("name", _name),
    "version": ("version", _version),
    "fault": ("fault", _word(*FAULTS)),
    "storage": ("storage", _word("memory", "filesystem")),
    "mode": ("mode", _word("async", "sync")),
    "ttl_s": ("ttl_ns", _positive),
    "sweep_interval_s": ("sweep_interval_ns", _positive),
    "fault_start_s": ("fault_start_ns", _seconds),
    "fault_length_s": ("fault_length_ns", _seconds),
    "added_latency_s": ("added_latency_ns", _or_zero),
    "first_sweep_s": ("first_sweep_ns", _maybe),
    "waiter_start_s": ("waiter_start_ns", _maybe),
}
"""The set-up columns of trials of one lease: the field each fills, and what it may hold."""

DEPLOYMENTS: Final[dict[str, tuple[str, Rule]]] = {
    "trial": ("name", _name),
    "version": ("version", _version),
    "fault": ("fault", _word(*FAULTS)),
    "ttl": ("ttl_ns", _positive),
    "sweep": ("sweep_interval_ns", _positive),
    "mode": ("mode", _word("async", "sync")),
    "fault_len": ("fault_length_ns", _seconds),
    "tau": ("fault_start_ns", _seconds),
}
"""The set-up columns of trials of whole deployments."""

# ---------------------------------------------------------------------------------- files


def read(path: str | Path) -> Recording:
    """Return what a file of trials holds; raises `UsageError` or `ScenarioError` where it is no such file."""
    text = _text(Path(path))
    lines = text.splitlines()
    try:
        table = list(csv.reader(lines, strict=True))
    except csv.Error as error:
        raise UsageError(f"'{path}' is not a CSV file: {error}", _FORMAT) from None
    header = [name.strip() for name in table[0]] if table else []
    if not any(header):
        raise UsageError(f"'{path}' is empty: its first line has to name the columns", _FORMAT)
    columns = DEPLOYMENTS if {"tau", "fault_len"} & set(header) else SINGLE
    _check_header(str(path), header, columns, lines[0])
    return _rows(str(path), header, columns, table[1:], lines)


_FORMAT: Final = f"columns of a trial: {', '.join(SINGLE)}"


def _text(path: Path) -> str:
    with path.open("rb") as stream:
        raw = stream.read(SIZE_MAX + 1)
    if len(raw) > SIZE_MAX:
        raise UsageError(f"'{path}' is larger than {SIZE_MAX / 1e6:.0f} MB: no table of trials is")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"'{path}' is not a CSV file: byte {error.start} is not UTF-8 text", _FORMAT) from None


def _check_header(file: str, header: list[str], columns: Mapping[str, Any], line: str) -> None:
    """Name every missing column, each with the one that it may be called here."""
    missing = [name for name in columns if name not in header]
    spare = [name for name in header if name not in columns]
    problems = [
        Problem(
            name,
            "is missing: a set-up column of every trial",
            hint=f"is it called '{near}' here?" if (near := nearest(name, spare)) else None,
            file=file,
            line=1,
            column=1,
            length=len(line),
            source=line,
        )
        for name in missing
    ]
    if len(missing) == len(columns) and {"trial", "version"} <= set(re.split("[;\\t]", line)):
        raise UsageError(f"'{file}' does not separate its cells by commas", "save it with ',' between the cells")
    if len(missing) == len(columns):
        raise UsageError(f"'{file}' is not a table of trials: it has none of their columns", _FORMAT)
    twice = sorted({name for name in header if name in columns and header.count(name) > 1})
    problems += [Problem(name, "is there twice", file=file, line=1, column=1, source=line) for name in twice]
    if problems:
        raise ScenarioError(problems)


def _rows(
    file: str, header: list[str], columns: Mapping[str, tuple[str, Rule]], table: list[list[str]], lines: list[str]
) -> Recording:
    trials, problems, kept = [], [], []
    for number, cells in enumerate(table, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        source = lines[number - 1] if number <= len(lines) else ""
        if len(cells) != len(header):
            message = f"has {len(cells)} cells, the header names {len(header)}"
            problems.append(
                Problem("row", message, file=file, line=number, column=1, length=len(source), source=source)
            )
            continue
        row = dict(zip(header, cells, strict=True))
        fields: dict[str, Any] = {}
        wrong = list(_wrong(row, columns, fields, file, number, source))
        problems += wrong
        if not wrong:
            if columns is DEPLOYMENTS:
                fields |= {"storage": "memory", "deployment": True}
            trials.append(Trial(**fields, line=number))
            kept.append(row)
    if not trials and not problems:
        raise UsageError(f"'{file}' holds no trials: there is nothing under its header")
    return Recording(tuple(trials), tuple(problems), tuple(kept))


def _wrong(
    row: Mapping[str, str],
    columns: Mapping[str, tuple[str, Rule]],
    fields: dict[str, Any],
    file: str,
    number: int,
    source: str,
) -> Iterator[Problem]:
    """Fill in the fields of a row; yield what cannot be read."""
    for column, (field, rule) in columns.items():
        text = row[column]
        try:
            fields[field] = rule(text)
        except ValueError as error:
            at = _place(source, list(row).index(column))
            told = f"{column} = {text.strip() or '(empty)'}"
            yield Problem(told, str(error), text, None, file, number, at, max(1, len(text)), source)


def _place(source: str, index: int) -> int:
    """Return the column of the text at which a cell begins, 1 where quotes make that hard to say."""
    return 1 if '"' in source else len(",".join(source.split(",")[:index])) + (2 if index else 1)
