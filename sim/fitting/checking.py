"""What is refused before or after files are read, each with a word on what to do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sim.errors import UsageError, nearest
from sim.fitting import snippet
from sim.fitting.dates import ORDERS
from sim.fitting.laws import LAWS
from sim.fitting.reading import Source


def refuse_useless(sources: Sequence[Source]) -> None:
    """Refuse files of which nothing was understood."""
    for source in sources:
        bad = source.notes.bad
        if bad and not source.notes.used and not source.notes.other:
            first = f"line {bad[0].line}: {bad[0].why}"
            raise UsageError(f"{source.name}: none of its {source.lines:,} lines can be read as {source.kind}", first)


def refuse_the_same(sources: Sequence[Source]) -> None:
    """Refuse files that show the same: what they have in common would count twice."""
    for first, second in combinations(sources, 2):
        if first.sha256 == second.sha256:
            raise UsageError(f"{first.name} and {second.name} are the same, byte by byte", "give each file once")
        if common := set(first.notes.sleeps) & set(second.notes.sleeps):
            which = snippet.moment(min(common)[0])
            raise UsageError(
                f"{first.name} and {second.name} show the same sleeps, such as that of {which}",
                "join the files into one: lines that stand there twice count once then",
            )


def check(files: Sequence[object], law: str, dark_wakes: str, unit: str | None, dates: str | None) -> None:
    """Refuse words that are none of the choices."""
    if not files:
        raise UsageError("there is no file to read")
    for name, value, choices in (
        ("law", law, ("auto", "empirical", *LAWS)),
        ("dark_wakes", dark_wakes, ("asleep", "awake")),
        ("unit", unit, (None, "ns", "us", "ms", "s")),
        ("dates", dates, (None, *ORDERS)),
    ):
        if value not in choices:
            words = [choice for choice in choices if choice]
            near = nearest(str(value), words)
            hint = f"did you mean '{near}'?" if near else f"choose from: {', '.join(words)}"
            raise UsageError(f"{name} = '{value}' is not known", hint)


def zone_of(name: str | None) -> ZoneInfo | None:
    """Return a time zone by its name."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from zoneinfo import available_timezones

        near = nearest(name, available_timezones())
        raise UsageError(
            f"there is no time zone '{name}'", f"did you mean '{near}'?" if near else "for example Europe/Berlin"
        ) from None
