"""A result as one HTML page that asks no network for anything; the same result gives the same bytes."""

from __future__ import annotations

import base64
import hashlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from sim import story
from sim.errors import UsageError
from sim.model.load import dumps
from sim.pages import heat, moments, reproducing, rows, verdict
from sim.pages.rows import Result, Row
from sim.report import frames
from sim.results import frames as tables
from sim.results.describe import faults_in_words
from sim.results.many import Replications
from sim.results.measures import CORE, HEADLINES
from sim.results.tables import interval, number
from sim.story.assumptions import assumptions
from sim.story.words import plural
from sim.sweeps.opening import open_sweep
from sim.sweeps.swept import Sweep

ROWS_MAX: Final = 1000
"""Settings that the table shows; the rest are in the file to download."""
CSV_MAX: Final = 300
"""Settings up to which the file to download has every metric; beyond, those of the table."""
_FAILURES_MAX: Final = 20


def report_html(result: Result | str | os.PathLike[str], out: str | os.PathLike[str] | None = None) -> str | Path:
    """Return a result as one self-contained HTML page, or write it to `out` and return that path.

    Args:
        result: what `sim.sweep`, `sim.open` or `sim.replicate` returned, or the folder of a sweep.
        out: a file; what is there is replaced.

    Raises:
        UsageError: no setting has all its replications, or the file cannot be written.
    """
    found = result if isinstance(result, (Sweep, Replications)) else open_sweep(result)
    text = _rendered(_content(_without_folders(found)))
    if out is None:
        return text
    target = Path(out)
    try:
        target.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            f"cannot write the report '{target}': {error.strerror or error}",
            "is there such a folder, and is it no folder itself?",
        ) from None
    return target


def _without_folders(result: Result) -> Result:
    """A page that is handed on says what the scenario's file is called, and not where somebody keeps it."""
    p = result.provenance
    return replace(result, provenance=replace(p, name=Path(p.name).name))


# ---------------------------------------------------------------------- content


def _content(result: Result) -> dict[str, Any]:
    settings = rows.rows_of(result)
    if not settings:
        raise UsageError("no setting has all its replications: there is nothing to report", _cause(result))
    csv, whole = _csv(result, settings)
    sentences = verdict.verdict(result, settings)
    return {
        "title": result.scenario.title or result.provenance.title,
        "name": result.provenance.title,
        "about": " ".join(result.scenario.about.split()),
        "heading": [rows.heading_of(result), faults_in_words(result.scenario), _effort(result, settings)],
        "answer": sentences[0],
        "numbers": sentences[1:],
        "remarks": list(_remarks(result)),
        "failures": list(_failures(result)),
        "tradeoff": _tradeoff(result, settings),
        "maps": heat.heat_maps(settings),
        "table": _table(result, settings),
        "csv": moments.data_uri("text/csv;charset=utf-8", csv.encode()),
        "csv_name": f"{result.provenance.title}.csv",
        "csv_whole": whole,
        "moments": moments.moments_of(result, settings),
        "tolerances": story.tolerances(result.scenario),
        "dangers": story.dangers(result.scenario),
        "assumptions": assumptions(result.scenario),
        "manifest": list(_manifest(result, settings, csv)),
        "toml": dumps(result.scenario),
        "saved_as": None if result.provenance.named else result.provenance.name,
        "commands": reproducing.commands(result),
        "version": result.provenance.version,
    }


def _cause(result: Result) -> str:
    if isinstance(result, Sweep) and result.failures:
        return f"{plural(len(result.failures), 'replication')} failed; the first: {result.failures[0].error}"
    return "the command that made the folder, given again, goes on with it"


def _effort(result: Result, settings: list[Row]) -> str:
    p = result.provenance
    many = f"{plural(len(settings), 'setting')}, each " if isinstance(result, Sweep) else ""
    shared = ", the same random numbers at each" if isinstance(result, Sweep) else ""
    return f"{many}{plural(len(p.replications), 'replication')}{shared}, seed {p.seed}, engine {p.engine}"


def _remarks(result: Result) -> Iterator[str]:
    """What a reader has to know before anything else: what is missing."""
    if isinstance(result, Replications):
        if result.stopped:
            yield f"Replications: {result.stopped}."
        return
    failed = {failure.point for failure in result.failures} - set(result.tallies)
    missing = len(result.points) - len(result.tallies) - len(failed)
    if missing > 0:
        yield (
            f"This sweep is not finished: {missing:,} of {len(result.points):,} settings are missing. "
            "The same command goes on with it; what is said here holds for the others."
        )
    if failed:
        yield f"{len(failed):,} of {len(result.points):,} settings failed and are left out."
    yield from result.remarks


def _failures(result: Result) -> Iterator[dict[str, str]]:
    for failure in result.failures[:_FAILURES_MAX] if isinstance(result, Sweep) else ():
        where = ", ".join(f"{key} {value}" for key, value in failure.values.items())
        replay = result.provenance.replay(failure.replication, failure.values)
        yield {"where": f"{where}, replication {failure.replication}", "error": failure.error, "replay": replay}


def _tradeoff(result: Result, settings: list[Row]) -> dict[str, str]:
    """The picture of both rates, and what it shows in words."""
    from sim.report import charts
    from sim.report.style import figure_of, svg

    today = rows.today_of(result) if isinstance(result, Sweep) else {}
    axes = charts.tradeoff(_frame(settings), current=today)
    best = verdict.best_rows(settings)
    listed = "; ".join(f"{row.label} ({number(row.kills.value)} and {number(row.excess.value)})" for row in best[:6])
    more = f" and {len(best) - 6} more" if len(best) > 6 else ""
    which = "It is" if len(settings) == 1 else "Not bettered by any other"
    alt = (
        f"{plural(len(settings), 'setting')} by false terminations per lease-hour, along the bottom, and "
        f"over-allocated slot-seconds per hour, up the side. {which}: {listed}{more}."
    )
    return {"picture": moments.data_uri("image/svg+xml", svg(figure_of(axes)).encode()), "alt": alt}


def _frame(settings: list[Row]) -> Any:
    import pandas as pd

    columns = [*settings[0].values, *tables.COLUMNS]
    found = [
        (*row.values.values(), *numbers)
        for row in settings
        for numbers in tables.rows_of({name: row.estimates[name] for name in HEADLINES})
    ]
    return pd.DataFrame(found, columns=columns)


def _csv(result: Result, settings: list[Row]) -> tuple[str, bool]:
    """The file to download, and whether it has every metric."""
    if isinstance(result, Replications):
        return tables.csv_text(tables.COLUMNS, tables.rows_of(result.metrics)), True
    if len(settings) <= CSV_MAX:
        return result.to_csv(), True
    lines = ((row.index, *row.values.values(), *cells) for row in settings for cells in tables.rows_of(row.estimates))
    return tables.csv_text(result.columns, lines), False


# ---------------------------------------------------------------------- tables


def _table(result: Result, settings: list[Row]) -> dict[str, Any]:
    """Columns and rows; a cell is its text and what it is sorted by."""
    if isinstance(result, Replications):
        order = [*CORE, *(name for name in result.metrics if name not in CORE)]
        body = [_metric_cells(name, result.metrics[name]) for name in order]
        return {
            "columns": ["metric", "estimate", "95 % interval", "unit", "n"],
            "rows": body,
            "left_out": 0,
            "first": 1,
        }
    keys = [axis.key for axis in result.axes]
    names = [name for name in rows.SHOWN if any(math.isfinite(row.estimates[name].value) for row in settings)]
    heads = [head for name in names for head in (f"{rows.NAMES[name]} [{rows.unit(name)}]", "95 % interval")]
    body = [_setting_cells(row, names) for row in settings[:ROWS_MAX]]
    left_out = max(0, len(settings) - ROWS_MAX)
    return {"columns": ["point", *keys, *heads, "n"], "rows": body, "left_out": left_out, "first": 1 + len(keys)}


def _metric_cells(name: str, estimate: Any) -> dict[str, Any]:
    cells = [
        (name, name), (number(estimate.value), _key(estimate.value)), (interval(estimate), _key(estimate.low)),
        (estimate.unit, estimate.unit), (f"{estimate.n:,}", estimate.n),
    ]  # fmt: skip
    return {"cells": cells, "today": False}


def _setting_cells(row: Row, names: Sequence[str]) -> dict[str, Any]:
    cells: list[tuple[str, object]] = [(f"{row.index}{' ★ today' if row.today else ''}", row.index)]
    cells += [(value, _sorted_by(value)) for value in row.values.values()]
    for name in names:
        estimate = row.estimates[name]
        cells += [(number(estimate.value), _key(estimate.value)), (interval(estimate), _key(estimate.low))]
    cells.append((f"{row.kills.n:,}", row.kills.n))
    return {"cells": cells, "today": row.today}


def _key(value: float) -> str:
    """What a number is sorted by; nothing where it is none, which comes last."""
    return repr(value) if math.isfinite(value) else ""


def _sorted_by(value: str) -> object:
    kind, size, text = frames.sort_key(value)
    return text if kind else repr(size)


def _manifest(result: Result, settings: list[Row], csv: str) -> Iterator[tuple[str, str]]:
    p = result.provenance
    yield "scenario", p.name
    if p.overrides:
        yield "changed", ", ".join(f"{key} = {value}" for key, value in p.overrides.items())
    yield "scenario, sha256", p.sha256
    yield "seed", str(p.seed)
    yield "replications", f"{len(p.replications):,} of each setting"
    yield "engine", p.engine
    if isinstance(result, Sweep):
        yield "settings", f"{len(settings):,} done of {len(result.points):,}"
        about = reproducing.described(result)
        yield from ((key, str(about[key])) for key in ("design", "fingerprint") if key in about)
        for key, value in dict(about.get("environment", {})).items():
            yield key, str(value)
    yield from p.versions.items()
    yield "CSV, sha256", hashlib.sha256(csv.encode()).hexdigest()


# ---------------------------------------------------------------------- the page


@cache
def _asset(name: str) -> str:
    return files("sim.pages").joinpath("templates", name).read_text("utf-8").strip()


def _allowed(text: str) -> str:
    """The source expression of a policy that lets exactly this text act."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") + "'"


def _rendered(content: Mapping[str, Any]) -> str:
    """Fill the template; scenarios are data, and whatever they say is escaped."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    css, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_allowed(css)}; script-src {_allowed(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    page = made.from_string(_asset("report.html.j2"))
    return page.render(css=Markup(css), script=Markup(script), policy=policy, **content) + "\n"
