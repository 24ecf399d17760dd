"""Local times without their zone, beside the same moments in UTC: they show how far from UTC the clock was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from sim.errors import UsageError
from sim.fitting.notes import Notes

_STEP: Final = timedelta(minutes=15)
"""All zones are a multiple of it from UTC."""
_SHARE: Final = 0.05
"""Fewer of the events than this were written late, or by another clock."""


def zone_shown(pairs: Sequence[tuple[datetime, datetime]], notes: Notes) -> timezone | None:
    """Return the zone that times without one are in, as far as the file shows it; None where it does not.

    Args:
        pairs: times of events as they stand in the file, and the moment shortly before them that their message names in
            UTC. Some programs write local times and say UTC; times of another zone show nothing.
        notes: told of what was found; its options may name a zone.

    Raises:
        UsageError: the clock was changed within the file and no zone was named, or another one was.
    """
    bare = [(local, moment) for local, moment in pairs if not local.utcoffset()]
    found = Counter(_offset(local, moment) for local, moment in bare)
    if not found:
        return None
    most = found.most_common()
    offsets = sorted(offset for offset, count in most if count >= max(2, _SHARE * found.total())) or [most[0][0]]
    words = " and ".join(map(_words, offsets))
    said = "say that they are UTC" if bare[0][0].tzinfo else "have no zone"
    named = notes.options.zone if said == "have no zone" else None
    if named is not None:
        if not {local.replace(tzinfo=named).utcoffset() for local, _ in bare} & set(offsets):
            raise UsageError(
                f"its times are not of {named.key}: beside the moments in the messages they are {words}",
                "give --zone that of the machine that wrote the log",
            )
        return None
    if len(offsets) > 1:
        raise UsageError(
            f"its times {said}, and the clock was changed: beside the moments in the messages they are {words}",
            "name the zone: --zone Europe/Berlin, for example"
            if said == "have no zone"
            else "export it in another form",
        )
    if said == "have no zone" or offsets[0]:
        notes.remark(f"the times {said}; beside the moments in the messages they are {words}, and so they were taken")
    return timezone(offsets[0])


def _offset(local: datetime, moment: datetime) -> timedelta:
    """Return how far the clock was from UTC."""
    return round((local.replace(tzinfo=UTC) - moment) / _STEP) * _STEP


def _words(offset: timedelta) -> str:
    minutes = round(offset / timedelta(minutes=1))
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
