"""The pages about systems, made from their scenarios and from what is known of them: docs/explanation/systems/."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from docs.layout import code, head, table
from sim.model.load import load, source, systems
from sim.model.scenario import Scenario
from sim.model.systems.books import COVERAGE, GRADES, Book, book
from sim.model.systems.figures import COLUMNS, figures
from sim.model.wording import file_data, shortened, spelled

FOLDER = "explanation/systems"
INDEX = "explanation/systems.md"
_DOES = {
    "refused": "it refuses this",
    "changed": "it sets another value",
    "follows": "it has one number for both",
    "advised": "it advises against this",
}


def index_page() -> list[str]:
    """All systems in one table, and what its columns say."""
    lines = head(
        "Systems",
        "Lease protocols of real systems, each a scenario without faults that comes along: `leasesim show etcd`,",
        '`sim.load("etcd")`. All live in the same plain world (`leasesim show plain-world`), so that they can be',
        "[compared](comparing-systems.md). Each page says where every number is from, which settings the system itself",
        "would refuse, and what the model leaves out of it.",
    )
    rows = []
    for name in systems():
        told = figures(load(name))
        link = f"[{name}](systems/{name}.md)"
        rows.append((link, *(told[column] for column in COLUMNS), book(name).coverage, GRADES[book(name).certainty]))
    lines += table(("system", *COLUMNS, "model", "most of it"), rows)
    lines += ["", "What the columns say:", ""]
    lines += [f"- **{column}**: {meaning}" for column, meaning in COLUMNS.items()]
    lines += [f"- **model**: {word}: {meaning}" for word, meaning in COVERAGE.items()]
    lines += ["- **most of it**: how we know most of the numbers; each number's own grade is on the system's page"]
    return [*lines, "", "## Not among them", "", *(f"- {line}" for line in _ABSENT)]


_ABSENT = (
    "redlock-py and pottery have no file of their own: both are [redlock](systems/redlock.md).",
    "Dagster's run monitoring is no lease: it asks the launcher whether the worker lives.",
    "etcd's own and openraft's leader leases differ from [HashiCorp's](systems/hashicorp-raft.md) in numbers only, as "
    "far as one authority can stand for a quorum.",
    'Kafka\'s newer group protocol (KIP-848): [kafka](systems/kafka.md) with `renewal.every = "5s"`.',
)


def system_page(name: str) -> list[str]:
    """One system: its numbers with their sources, its rules, what is left out."""
    scenario, known = load(name), book(name)
    lines = head(known.product, " ".join(scenario.about.split()))
    lines += [f"Run it: `leasesim run {name} --faults cloud-vm`, change it: `leasesim show {name} > mine.toml`.", ""]
    lines += [f"The model is **{known.coverage}**: {COVERAGE[known.coverage]}."]
    lines += [f"How we know most of it: {GRADES[known.certainty]}."]
    told = figures(scenario)
    lines += ["", *table(("", "value", "meaning"), [(column, told[column], COLUMNS[column]) for column in COLUMNS])]
    lines += ["", "## Every number", "", *_numbers(name, scenario, known)]
    lines += ["", "## Its own rules", "", *_rules(known)]
    lines += ["", "## What the model leaves out", "", "And to which side its answers err for it:", ""]
    lines += table(("left out", "so"), known.left_out)
    read = [f"- read at {known.read_at}"] if known.read_at else []
    return [*lines, "", "## Sources", "", *(f"- {text}" for text in known.sources), *read]


def _numbers(name: str, scenario: Scenario, known: Book) -> Iterator[str]:
    base = tomllib.loads(source(name))["extends"]
    if not known.numbers:
        yield "They come from the table `[prefect]`; all are in [Prefect's names](../../reference/prefect.md)."
        return
    if base in systems():
        yield from (f"What is not named here is as in [{base}]({base}.md).", "")
    data = shortened(file_data(scenario))
    rows = [
        (code(key), code(_shown(_at(data, key))), number.words, GRADES[number.grade])
        for key, number in known.numbers.items()
    ]
    yield from table(("key", "value", "in the system", "how sure"), rows)


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else spelled(value)


def _at(data: Any, key: str) -> Any:
    for step in key.split("."):
        data = data[step]
    return data


def _rules(known: Book) -> list[str]:
    if not known.rules:
        return ["None that we know of: any setting is accepted."]
    told = (
        "Settings that break one are an error here; what it only advises against, or has one number for, is a warning."
    )
    rows = [(code(rule.text), _DOES[rule.effect], rule.says, rule.source) for rule in known.rules]
    return [told, "", *table(("rule", "else", "what it says", "source"), rows)]
