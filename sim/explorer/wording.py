"""What the live page says, as HTML; whatever comes from a scenario or a link is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from sim.explorer.answers import Answer, Rates
from sim.explorer.state import NOBODY, State, Subject
from sim.report.frames import number as short
from sim.results.describe import faults_in_words, in_words
from sim.results.single import Run
from sim.results.tables import interval, number
from sim.stats import Estimate


def heading(subject: Subject) -> str:
    """Return title and scenario in words."""
    scenario = subject.scenario
    title = scenario.title or subject.origin.title
    lines = (in_words(subject.origin.title, scenario), faults_in_words(scenario))
    return f"<h1>{escape(title)}</h1>" + "".join(f"<p>{escape(line)}</p>" for line in lines)


def numbers(answer: Answer, state: State) -> str:
    """Return both rates of what is shown, beside the scenario as given and the preset."""
    rows = [("now", answer.now)] if state.turned else []
    rows.append(("as the scenario says", answer.given))
    if answer.against is not None:
        rows.append((state.against, answer.against))
    body = "".join(_row(name, rates, first=not at) for at, (name, rates) in enumerate(rows))
    more = "" if answer.last else ", more to come"
    return (
        f'<table data-state="{escape(state.query())}"><caption>Both rates, with 95 % intervals</caption>'
        '<thead><tr><th scope="col">setting</th>'
        f'<th scope="col">false terminations [{escape(answer.now.kills.unit)}]</th>'
        f'<th scope="col">over-allocation [{escape(answer.now.excess.unit)}]</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
        f"{_changes(answer)}"
        f'<p role="status">{answer.replications} replications{more}.</p>'
    )


def _row(name: str, rates: Rates, first: bool) -> str:
    mark = ' class="now"' if first else ""
    cells = "".join(
        f"<td><b>{_value(e)}</b> <span>{escape(interval(e))}</span></td>" for e in (rates.kills, rates.excess)
    )
    return f'<tr{mark}><th scope="row">{escape(name)}</th>{cells}</tr>'


def _value(estimate: Estimate) -> str:
    return escape(number(estimate.value))


def _changes(answer: Answer) -> str:
    """What turning the knobs did, pair by pair of replications."""
    if answer.kills_change is None or answer.excess_change is None:
        return ""
    said = f"{_change('false terminations', answer.kills_change)}; {_change('over-allocation', answer.excess_change)}"
    return f"<p>Turning this changes, on the same random numbers: {escape(said)}.</p>"


def _change(what: str, change: Estimate) -> str:
    sign = "+" if change.value > 0 else ""
    bounds = f"{short(change.low)} to {short(change.high)}"
    if change.low <= 0 <= change.high:
        return f"no difference in {what} shown ({bounds} {change.unit})"
    return f"{what} {sign}{short(change.value)} {change.unit} ({bounds})"


def told(run: Run | None) -> str:
    """Return the story of the worst replication."""
    if run is None:
        return "<p>Nothing went wrong in any replication.</p>"
    kill = next(iter(run.terminations), None)
    which = "its first false termination" if kill else "its worst moment"
    items = "".join(f"<li>{escape(line)}</li>" for line in run.story(kill).splitlines())
    replay = run.provenance.replay(run.replication)
    return (
        f"<h2>The worst replication, #{run.replication}: {which}</h2><ol>{items}</ol>"
        f"<p>See it again: <code>{escape(replay)}</code></p>"
    )


def problems(lines: Iterable[str]) -> str:
    """Return what is wrong with what was asked for."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<div role="alert"><p>This cannot be simulated:</p><ul>{items}</ul></div>'


def link(subject: Subject, state: State, address: str) -> str:
    """Return the link that opens this state again, and the command that does."""
    return "".join(_links(subject, state, address))


def unusable(ignored: Iterable[str]) -> str:
    """Return what of a link could not be used."""
    return "".join(f'<p role="alert">Ignored: {escape(line.rstrip("."))}.</p>' for line in ignored)


def _links(subject: Subject, state: State, address: str) -> Iterator[str]:
    if address:
        whole = escape(address + state.query())
        yield f'<p>Link to this state: <a href="{whole}">{whole}</a></p>'
    yield f"<p>Or: <code>{escape(state.command(subject))}</code></p>"


def against(name: str) -> str:
    """Return how the choice to compare with is called."""
    return "nothing" if name == NOBODY else name
