"""The three worst replications of a result: told in sentences, drawn, and with the line that replays each."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sim.metrics import Tally, causes_of
from sim.pages.rows import Result, Row, replications_of, tallies_of
from sim.results.measures import badness, cause_lines
from sim.results.single import Run
from sim.story.words import plural
from sim.units import seconds

MOMENTS: Final = 3
_DOTS_PER_INCH: Final = 150.0


@dataclass(frozen=True)
class Moment:
    """A replication in which something went wrong."""

    title: str
    why_shown: str
    counts: str
    sentences: Sequence[str]
    causes: Sequence[str]
    replay: str
    picture: str
    """A PNG as a data URI."""
    alt: str


def moments_of(result: Result, rows: Sequence[Row]) -> list[Moment]:
    """Return the worst replications, today's worst first; fewer than three where less went wrong."""
    return [_moment(result, *chosen) for chosen in _chosen(result, rows)]


def _chosen(result: Result, rows: Sequence[Row]) -> Iterator[tuple[Row, int, str]]:
    """The row, the place of the replication in it, and why it is shown."""
    if len(rows) == 1:
        for nth, at in enumerate(_worst(tallies_of(result, rows[0].index))[:MOMENTS]):
            yield rows[0], at, "the worst replication" if not nth else f"the next worst ({nth + 1} of {MOMENTS})"
        return
    firsts = {row.index: worst[0] for row in rows if (worst := _worst(tallies_of(result, row.index)))}
    order = sorted(
        (row for row in rows if row.index in firsts),
        key=lambda row: (badness(tallies_of(result, row.index)[firsts[row.index]]), -row.index),
        reverse=True,
    )
    today = [row for row in order if row.today]
    yield from ((row, firsts[row.index], "the worst of today's setting") for row in today)
    rest = [row for row in order if not row.today][: MOMENTS - len(today)]
    for nth, row in enumerate(rest):
        which = "the worst" if not nth else "the next worst"
        yield row, firsts[row.index], f"{which} of {'the other' if today else 'all'} settings"


def _worst(tallies: Sequence[Tally]) -> list[int]:
    """The replications in which something went wrong, the worst first."""
    bad = [at for at, tally in enumerate(tallies) if any(badness(tally))]
    return sorted(bad, key=lambda at: (badness(tallies[at]), -at), reverse=True)


def _moment(result: Result, row: Row, at: int, why_shown: str) -> Moment:
    replications = replications_of(result, row.index)
    number = replications.provenance.replications[at]
    run = replications.replay(number)
    kill = next(iter(run.terminations), None)
    which = "the first false termination" if kill else "the worst moment"
    return Moment(
        title=f"{row.label}, replication {number}",
        why_shown=why_shown,
        counts=f"{_counts(run.tally)}; told is {which}",
        sentences=run.story(kill).splitlines(),
        causes=list(cause_lines(causes_of([run.tally]), causes_of([run.tally], of="over_allocation"))),
        replay=replications.provenance.replay(number),
        picture=_drawn(run),
        alt=f"Timeline of replication {number} around {which}: slots in use above, one row for each run below; "
        "what it shows is told in the sentences beside it.",
    )


def _drawn(run: Run) -> str:
    from sim.report.style import png

    figure = run.plot_timeline(next(iter(run.terminations), None))
    figure.set_dpi(_DOTS_PER_INCH)
    return data_uri("image/png", png(figure))


def data_uri(kind: str, content: bytes) -> str:
    """Return content as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _counts(tally: Tally) -> str:
    kills, excess = tally.false_terminations, seconds(tally.over_allocation_ns)
    return f"{plural(kills, 'false termination')} and {excess:,.1f} slot-seconds over-allocated in it"
