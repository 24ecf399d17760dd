"""Write what is made from the code: docs/reference/ and the pages about systems: ``python -m docs.generate``."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import textwrap
import typing
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import partial
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any

from cyclopts import Parameter

from docs import systems
from docs.layout import code, head, table
from docs.pages import ROOT
from sim.model.shelf import systems as names_of_systems

FOLDER = ROOT / "docs" / "reference"


# ---------------------------------------------------------------------- the source: what docstrings alone do not give


def tree_of(module: ModuleType) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(inspect.getsource(module))


def class_in(module: ModuleType, name: str) -> ast.ClassDef:
    """Return a class of a module as written."""
    return next(node for node in tree_of(module).body if isinstance(node, ast.ClassDef) and node.name == name)


def attribute_docs(node: ast.ClassDef) -> dict[str, str]:
    """Return the text under each attribute of a class."""
    found: dict[str, str] = {}
    for one, after in zip(node.body, [*node.body[1:], None], strict=True):
        target = one.target if isinstance(one, ast.AnnAssign) else getattr(one, "targets", [None])[0]
        if not isinstance(target, ast.Name) or target.id.startswith("_"):
            continue
        text = after.value if isinstance(after, ast.Expr) else None
        words = text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else ""
        found[target.id] = " ".join(inspect.cleandoc(words).split())
    return found


def signature(node: ast.FunctionDef) -> str:
    """Return ``name(arguments) -> result`` as written, without `self`."""
    arguments = ast.unparse(node.args).removeprefix("self").removeprefix("cls").removeprefix(", ")
    result = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return f"{node.name}({arguments}){result}"


# ---------------------------------------------------------------------- scenario.md

_SECTIONS = ("limit", "lease", "server", "renewal", "http", "runs", "hosts", "network")
_INNER = {"runs": ("retry", "pause", "cancel"), "network": ("bursts",)}
_REQUIRED = {"faults": ("what", "when"), "bursts": ("mean_good", "mean_bad")}
_LAWS = ("Constant", "Exponential", "Lognormal", "Uniform", "Pareto", "Weibull", "Normal", "Empirical", "Mixture")


def scenario_page() -> list[str]:
    """Every key of a scenario file."""
    from sim.model.schema import json_schema

    schema = json_schema()
    kinds: dict[str, Any] = schema["$defs"]
    lines = head(
        "Scenario files",
        "A scenario is a TOML file. Every key may be left out where a default is given; an unknown key is an error.",
        'A duration is text with a unit (`"1m30s"`, `"250ms"`; ns us ms s m h d), a rate is text (`"2/h"`), a share is',
        "a bare number (a fraction of `lease.ttl`) or a duration. `leasesim schema` prints the JSON Schema of it all;",
        "how to write a file is in [write a scenario](../how-to/write-a-scenario.md). A table `[prefect]` in Prefect's",
        "own names stands for many of these keys at once: [Prefect's names](prefect.md).",
    )
    top = {name: field for name, field in schema["properties"].items() if name not in (*_SECTIONS, "prefect")}
    lines += ["## At the top", "", *keys(top)]
    for name in _SECTIONS:
        lines += section(f"[{name}]", kinds[name.capitalize()])
        for inner in _INNER.get(name, ()):
            lines += section(f"[{name}.{inner}]", kinds[inner.capitalize()], _REQUIRED.get(inner, ()))
        if name == "runs":
            lines += arrivals(kinds)
    lines += section("[[faults]]", kinds["Fault"], _REQUIRED["faults"])
    lines += ["", *victims(), *section("when", kinds["When"])]
    return [*lines, *laws(kinds)]


def prefect_page() -> list[str]:
    """Every name of a [prefect] table, and every version that changed something, with sources."""
    from sim.model.presets.versions import book, changes

    data = book()
    lines = head(
        "Prefect's names",
        "The keys of the table `[prefect]` of a scenario, and of `--prefect KEY=VALUE`. They are translated as a file",
        "is loaded; `leasesim show NAME --translated` prints what became of each. What a file says itself goes before.",
        f"`version` is the one that is required: {data['first']} to {data['last']}; a version between two of those",
        "below behaves as the earlier one.",
    )
    lines += ["## Your situation", "", *prefect_keys(data["situation"])]
    lines += ["", "## Settings and arguments of Prefect", "", *prefect_keys(data["settings"])]
    lines += ["", "## What changed when", "", f"Read on {data['read']:%d %B %Y}.", ""]
    rows = [
        (change.version if first else "", change.what if first else "", f"`{name}`", code(str(fact.value)), fact.source)
        for change in changes()
        for first, (name, fact) in zip([True] + [False] * len(change.facts), change.facts.items(), strict=False)
    ]
    return [*lines, *table(("version", "what", "fact", "value", "source"), rows)]


def prefect_keys(rules: dict[str, Any]) -> list[str]:
    """The keys of one part of the table."""
    rows = []
    for name, rule in rules.items():
        values = ", ".join(f"`{choice}`" for choice in rule.get("choices", ())) or rule.get("unit", "whole number")
        bounds = f" ({rule['least']} to {rule['most']})" if "most" in rule else ""
        since = f" From {rule['since']}." if "since" in rule else ""
        default = code(str(rule["default"])) if rule["default"] != "" else ""
        rows.append((f"`{name}`", values + bounds, default, rule["meaning"] + since, rule["source"]))
    return table(("key", "value", "default", "meaning", "source"), rows)


def section(title: str, schema: dict[str, Any], required: Iterable[str] = ()) -> list[str]:
    """One table of the file."""
    about = textwrap.dedent(schema.get("description", "")).strip()
    return ["", f"## `{title}`", "", " ".join(about.split()), "", *keys(schema["properties"], required)]


def keys(properties: dict[str, Any], required: Iterable[str] = ()) -> list[str]:
    """The keys of a table with their types, defaults and meanings."""
    must = set(required)
    rows = [
        (f"`{name}`", kind_of(field), "required" if name in must else default_of(field), field.get("description", ""))
        for name, field in properties.items()
        if name != "kind"
    ]
    return table(("key", "value", "default", "meaning"), rows)


def default_of(field: dict[str, Any]) -> str:
    """The default as a file would write it."""
    from sim.model.wording import spelled

    return code(spelled(field["default"])) if "default" in field else ""


def kind_of(field: dict[str, Any]) -> str:
    """Say what a value may be."""
    if "enum" in field:
        return ", ".join(f'`"{value}"`' for value in field["enum"])
    if "const" in field:
        return code("true" if field["const"] is True else f'"{field["const"]}"')
    if "allOf" in field or "$ref" in field:
        name = (field.get("allOf", [field])[0])["$ref"].rpartition("/")[2]
        return {"Distribution": "distribution", "Arrivals": "arrivals"}.get(name, "table")
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(map(kind_of, field["anyOf"])))
    if field.get("type") == "array":
        return array_of(field)
    if field.get("type") == "string":
        return {"5m": "duration", "2/h": "rate"}.get(field.get("examples", [""])[0], "text")
    names = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    return names.get(field.get("type", ""), "table") + bounds(field)


def array_of(field: dict[str, Any]) -> str:
    """Say what a list holds."""
    if "prefixItems" in field:
        return f"[{', '.join(map(kind_of, field['prefixItems']))}]"
    return f"list: {kind_of(field['items'])}"


def bounds(field: dict[str, Any]) -> str:
    """Return the bounds of a number, in words."""
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    found = [f"{word} {field[key]:,.15g}" for key, word in words.items() if key in field]
    return f" {' '.join(found)}" if found else ""


def arrivals(kinds: dict[str, Any]) -> Iterator[str]:
    """How runs come."""
    yield from ("", "### `arrivals`", "", "One table, chosen by its `kind`.", "")
    yield from by_kind(kinds, ("Poisson", "Times", "Closed", "Backlog"))


def laws(kinds: dict[str, Any]) -> Iterator[str]:
    """Distributions."""
    yield from ("", "## Distributions", "", "A duration alone is always that value; else a table with a `kind`:", "")
    yield from by_kind(kinds, _LAWS)
    yield from ("", "A part of a mixture has:", "", *keys(kinds["Part"]["properties"], kinds["Part"]["required"]))


def by_kind(kinds: dict[str, Any], names: Iterable[str]) -> list[str]:
    """A row for each member of a union."""
    rows = []
    for name in names:
        schema = kinds[name]
        inside = [f"`{key}`: {kind_of(field)}" for key, field in schema["properties"].items() if key != "kind"]
        rows.append((f"`{schema['properties']['kind']['const']}`", "; ".join(inside), schema["description"]))
    return table(("kind", "keys", "meaning"), rows)


def victims() -> list[str]:
    """Which fault can befall whom."""
    from sim.model.faults import MAY_HIT

    rows = [(f"`{what}`", ", ".join(f"`{whom}`" for whom in all_of_them)) for what, all_of_them in MAY_HIT.items()]
    return ["Which fault can befall whom; the first is the default:", "", *table(("what", "whom"), rows)]


# ---------------------------------------------------------------------- metrics.md


def metrics_page() -> list[str]:
    """Every metric, and the sums it is made of."""
    from sim.metrics import METRICS, tally
    from sim.metrics.tally import LARGEST

    better = {"low": "lower", "high": "higher"}
    rows = [
        (
            *(f"`{m.name}`", m.unit, m.meaning, fraction(m.over, m.under)),
            *(m.estimator, better.get(m.better or "", "neither"), m.detector),
        )
        for m in METRICS.values()
    ]
    docs = attribute_docs(class_in(tally, "Tally"))
    sums = [(f"`{name}`", text + " (the largest, no sum)" * (name in LARGEST)) for name, text in docs.items()]
    return [
        *head(
            "Metrics",
            "Definitions, estimators and causes are explained in [metrics](../explanation/metrics.md). Every metric is",
            "made of the sums in the second table, which are exact over the trace and add up over replications.",
        ),
        *table(("metric", "unit", "meaning", "made of", "estimator", "better", "failure-detector term"), rows),
        *("", "## Sums of one replication", ""),
        *("Fields of `sim.metrics.Tally`; names ending in `_ns` are in nanoseconds.", ""),
        *table(("field", "meaning"), sums),
    ]


def fraction(over: Sequence[str], under: Sequence[str]) -> str:
    """Return ``a + b over c``."""
    top = " + ".join(code(field) for field in over)
    return f"{top} over {' + '.join(code(field) for field in under)}" if under else f"mean of {top}"


# ---------------------------------------------------------------------- events.md

_WORDS = {
    "Kind": "Kinds of events",
    "Outcome": "How a request ends at the client",
    "Loss": "Why a lease is taken for lost",
    "Truth": "What was true at the authority then",
    "Halt": "Why a run does not execute",
    "How": "How an expired lease was found",
    "Rank": "Ranks: who goes first at one instant",
    "Purpose": "Purposes of draws",
}


def events_page() -> list[str]:
    """What a trace and the addresses of draws are made of."""
    from sim import vocabulary

    lines = head(
        "Events, ranks, purposes",
        "An event is a row of seven whole numbers: `time_ns`, `kind`, `lane`, `generation`, `number`, `lease`,",
        "`value`. A run is named by its lane and generation, as `run 2.0`. Unused columns are -1 or 0.",
    )
    for name, title in _WORDS.items():
        members: type[IntEnum] = getattr(vocabulary, name)
        about = attribute_docs(class_in(vocabulary, name))
        rows = [(f"`{each.name}`", str(int(each)), about.get(each.name, "")) for each in members]
        width = 3 if any(row[2] for row in rows) else 2
        shown = table(("name", "number", "meaning")[:width], [row[:width] for row in rows])
        lines += [f"## {title}", "", inspect.cleandoc(members.__doc__ or ""), "", *shown, ""]
    return lines[:-1]


# ---------------------------------------------------------------------- command-line.md


def command_page() -> list[str]:
    """Every command with its arguments and options."""
    from sim.cli import exits
    from sim.cli.app import app

    lines = [*head("Command line", str(app.help), str(app.help_epilogue))]
    lines += [f"Exit codes: {inspect.cleandoc(exits.__doc__ or '').partition(': ')[2]}"]
    for name in (name for name in app if not name.startswith("-")):
        function = app[name].default_command
        assert function is not None, f"the command {name} has no function"
        summary, said = parsed(inspect.getdoc(function) or "")
        rows = list(options(function, said))
        lines += ["", f"## `leasesim {usage(name, rows)}`", "", summary]
        lines += ["", *table(("argument", "value", "default", "meaning"), rows)] if rows else []
    return lines


def parsed(doc: str) -> tuple[str, dict[str, str]]:
    """Take a docstring apart: its summary, and what it says of each parameter."""
    summary, _, rest = doc.partition("Parameters\n----------\n")
    said: dict[str, str] = {}
    name = ""
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            name = line.strip()
            said[name] = ""
        elif name:
            said[name] = f"{said[name]} {line.strip()}".strip()
    return " ".join(summary.split()), said


def options(function: Any, said: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, kind of value, default and meaning of what a command takes."""
    hints = typing.get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        hint, names = plain(hints[name])
        if name == "dotted":
            continue
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            home = importlib.import_module(hint.__module__)
            about = attribute_docs(class_in(home, hint.__name__))
            inner = typing.get_type_hints(hint)
            for field in dataclasses.fields(hint):
                option = "--" + field.name.replace("_", "-")
                yield f"`{option}`", value_of(inner[field.name]), default(field.default), about[field.name]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            several = parameter.kind is parameter.VAR_POSITIONAL
            needed = parameter.default is parameter.empty and not several
            yield f"`{name.upper()}{'...' * several}`", value_of(hint), "required" if needed else "", said.get(name, "")
        else:
            option = names[0] if names else "--" + name.replace("_", "-")
            yield f"`{option}`", value_of(hint), default(parameter.default), said.get(name, "")


def plain(hint: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a type without what annotates it or makes it optional, and the names that cyclopts is told."""
    names: tuple[str, ...] = ()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *notes = typing.get_args(hint)
        for note in notes:
            if isinstance(note, Parameter) and note.name:
                names = (note.name,) if isinstance(note.name, str) else tuple(note.name)
    inside = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, UnionType) else ()
    if type(None) in inside:
        hint = next(each for each in inside if each is not type(None))
    return hint, names


def value_of(hint: Any) -> str:
    """Say what an option takes."""
    hint, _ = plain(hint)
    if typing.get_origin(hint) is tuple:
        return "paths" if Path in typing.get_args(hint) else "text, repeatable"
    inside = typing.get_args(hint)
    if inside:
        return " or ".join(f"`{each}`" if isinstance(each, str) else value_of(each) for each in inside)
    return {bool: "flag", int: "whole number", float: "number", str: "text", Path: "path"}.get(hint, str(hint))


def default(value: object) -> str:
    """Return the default, where there is something to say."""
    return "" if value is None or value is False or value == () else f"`{value}`"


def usage(name: str, rows: Sequence[tuple[str, str, str, str]]) -> str:
    """Return ``run SCENARIO [OPTIONS]``."""
    arguments = [(row[0].strip("`"), row[2]) for row in rows if "-" not in row[0]]
    words = [word if needed == "required" else f"[{word}]" for word, needed in arguments]
    return " ".join([name, *words] + ["[OPTIONS]"] * any(row[0].startswith("`--") for row in rows))


# ---------------------------------------------------------------------- python.md

_API = (
    ("sim", ("load", "loads", "names", "systems", "mixes", "dumps")),
    ("sim", ("run", "replicate", "rare", "split", "compare", "sweep", "best", "tune", "sensitivity")),
    ("sim", ("bounds", "measured", "worst_case", "frontier", "compare_systems", "fit", "report_html", "explore")),
    ("sim", ("Scenario", "Run", "Replications", "Comparison", "Sweep", "SystemsCompared", "Tuned", "Sensitivity")),
    ("sim", ("Provenance", "Fit")),
    ("sim", ("ScenarioError", "UsageError", "SimulationError")),
    ("sim.stats", ("Estimate",)),
    ("sim.trace", ("Trace", "Event")),
    ("sim.metrics", ("measure", "estimates", "estimate", "causes_of", "conservation", "total")),
    ("sim.story", ("tell", "tolerances", "dangers", "worst_moment")),
    ("sim.report.charts", ("heatmap", "heatmap_pair", "curves", "tradeoff", "causes", "causes_pair", "comparison")),
    ("sim.report.timeline", ("timeline", "occupancy", "window_around")),
    ("sim.report.style", ("save",)),
    ("sim.testing", ("assert_slo", "judge", "assert_no_worse_than", "scenarios", "fault_schedules")),
    ("sim.testing", ("Judgement", "Verdict", "Goal")),
    ("sim.streams", ("Streams", "philox", "uniform", "stable_id")),
)


def python_page() -> list[str]:
    """Signatures and docstrings of what a program uses."""
    lines = head("Python", "`import sim` gives the names under `sim`; what is heavy is imported when it is first used.")
    headed = ""
    for home, names in _API:
        if home != headed:
            lines += ["" for _ in lines[-1:] if lines[-1]] + [f"## `{home}`"]
            headed = home
        for name in names:
            lines += described(home, name)
    return [*lines, *oracle_list()]


def described(home: str, name: str) -> list[str]:
    """One function or class."""
    thing = getattr(importlib.import_module(home), name)
    thing = inspect.unwrap(thing)
    module = importlib.import_module(thing.__module__)
    node = next(each for each in tree_of(module).body if getattr(each, "name", "") == name)
    about = prose(ast.get_docstring(node) or "") if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    if isinstance(node, ast.FunctionDef):
        written = textwrap.wrap(signature(node), 100, subsequent_indent="    ")
        return ["", f"### `{home}.{name}`", "", "```text", *written, "```", "", *about]
    assert isinstance(node, ast.ClassDef), f"{home}.{name} is neither function nor class"
    rows = members(node)
    return ["", f"### `{home}.{name}`", "", *about, *([""] if rows else []), *rows]


def members(node: ast.ClassDef) -> list[str]:
    """The public attributes, properties and methods of a class."""
    rows = [(f"`{name}`", text) for name, text in attribute_docs(node).items() if name != "model_config" and text]
    for each in node.body:
        if not isinstance(each, ast.FunctionDef) or each.name.startswith("_"):
            continue
        marks = {ast.unparse(mark) for mark in each.decorator_list}
        shown = each.name if marks & {"property", "cached_property"} else signature(each)
        rows.append((f"`{shown}`", " ".join((ast.get_docstring(each) or "").split("\n\n")[0].split())))
    return table(("member", "meaning"), rows) if rows else []


def prose(doc: str) -> list[str]:
    """A docstring as Markdown: sections of arguments and errors become lists."""
    lines: list[str] = []
    inside = False
    for line in doc.splitlines():
        if line.strip() in ("Args:", "Raises:", "Attributes:", "Returns:"):
            inside = True
            lines += [f"{line.strip()[:-1]}:", ""] if not lines or not lines[-1] else ["", f"{line.strip()[:-1]}:", ""]
        elif inside and line.startswith("    ") and not line.startswith("     "):
            lines.append(f"- {line.strip()}")
        elif inside and line.startswith("     "):
            lines[-1] += f" {line.strip()}"
        else:
            inside = inside and not line.strip()
            lines.append(line)
    return lines


def oracle_list() -> list[str]:
    """The closed forms, a line each."""
    from sim import oracles

    rows = [
        (f"`{name}`", (inspect.getdoc(getattr(oracles, name)) or "").split("\n\n")[0].replace("\n", " "))
        for name in oracles.__all__
    ]
    about = inspect.getdoc(oracles) or ""
    return ["", "## `sim.oracles`", "", about.split("\n\n")[0], "", *table(("name", "meaning"), rows)]


# ---------------------------------------------------------------------- all of them

PAGES = {
    "scenario.md": scenario_page,
    "prefect.md": prefect_page,
    "metrics.md": metrics_page,
    "events.md": events_page,
    "command-line.md": command_page,
    "python.md": python_page,
    f"../{systems.INDEX}": systems.index_page,
    **{f"../{systems.FOLDER}/{name}.md": partial(systems.system_page, name) for name in names_of_systems()},
}


def rendered(name: str) -> str:
    """Return a page as the code has it now."""
    return "\n".join(PAGES[name]()) + "\n"


def main() -> None:
    """Write every page."""
    for name in PAGES:
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(rendered(name), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
