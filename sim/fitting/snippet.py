"""What is written for a scenario: TOML to paste, with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any, Final

from sim.errors import printable
from sim.fitting.reading import Source
from sim.model.wording import spelled
from sim.units import DAY, SECOND, format_duration

_WIDTH: Final = 116


def provenance(sources: Sequence[Source], version: str) -> Iterator[str]:
    """Yield comment lines: files, lines, dates, fingerprints, version."""
    yield f"# From leasesim fit {version}"
    for source in sources:
        notes = source.notes
        name = printable(source.name)
        yield f"#   {name} ({source.kind}), {source.lines:,} lines: {notes.used:,} used, {len(notes.bad):,} unreadable"
        if notes.first_ns is not None and notes.last_ns is not None and notes.last_ns >= DAY * 366:
            yield f"#     {moment(notes.first_ns)} to {moment(notes.last_ns)}"
        yield f"#     sha256 {source.sha256}"
        yield from (f"#     {remark}" for remark in notes.remarks)


def moment(ns: int) -> str:
    """Return a time since 1970 in words."""
    return f"{datetime.fromtimestamp(ns // SECOND, UTC):%Y-%m-%d %H:%M:%S} UTC"


def fault(rate: float | None, length: Any, trace: Sequence[tuple[int, int]] | None) -> Iterator[str]:
    """Yield a sleep of hosts: by rate and length, or as it was."""
    yield "[[faults]]"
    yield 'name = "sleep"'
    yield 'what = "sleep"'
    if trace is None:
        yield f'when = "{rate:.4g}/h"'
        yield from _law("length", length)
        return
    yield "when = { trace = ["
    yield from (f'  ["{format_duration(start)}", "{format_duration(length)}"],' for start, length in trace)
    yield "] }"


def traced(start_ns: int, end_ns: int) -> Iterator[str]:
    """Yield comments that say how to line a scenario up with a trace."""
    clock, rest = start_ns % DAY // SECOND * SECOND, (end_ns - start_ns) // SECOND * SECOND
    yield "# Times count from the first line of the log. To cover it all, at the top of the scenario:"
    yield f'#   duration = "{format_duration(max(SECOND, rest))}"'
    yield f'#   starts_at = "{format_duration(clock)}"   # UTC'


def network(length: Any) -> Iterator[str]:
    """Yield a round trip."""
    yield "# Round trips: all of it on the way up, so that its law stays as measured."
    yield "[network]"
    yield from _law("up", length)
    yield 'down = "0s"'


def _law(key: str, law: dict[str, Any] | str) -> Iterator[str]:
    """Yield a distribution; recorded values, of which there may be a thousand, over lines of their own."""
    if isinstance(law, str) or "values" not in law:
        yield f"{key} = {spelled(law)}"
        return
    yield f"{key} = {{ kind = {spelled(law['kind'])}, values = ["
    yield from wrap(", ".join(map(spelled, law["values"])), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    yield "] }"


def renewal(every_ns: int) -> Iterator[str]:
    """Yield an interval."""
    yield "[renewal]"
    yield f'every = "{format_duration(every_ns)}"'


def server(share: float, status: int) -> Iterator[str]:
    """Yield the errors of a server."""
    yield "[server]"
    yield f"error_probability = {share:.4g}"
    yield f"error_status = {status}"
