"""Hypothesis strategies for people's own properties: fault schedules, and scenarios that they befall.

A schedule is a list of single faults at set times, in whole seconds. So what Hypothesis shrinks it to is what a person
wants to read: the fewest faults that break the rule, each as short as it can be, as early as it can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from sim.errors import UsageError, nearest
from sim.model.faults import MAY_HIT, Fault
from sim.model.relations import contradictions
from sim.model.scenario import Scenario
from sim.results.origins import Source, named
from sim.testing import anything
from sim.units import SECOND, format_duration, parse_duration

Schedule = tuple[Fault, ...]
Way = Mapping[str, Any]
"""The keys of a fault that say what it does and to whom."""

_INSTANT: Final = ("crash", "clock_step")
"""Faults without a length."""
_SIGNS: Final = ("", "-")
_FORMS: Final[Mapping[str, tuple[str, Sequence[object]]]] = {
    "outage": ("mode", ("refuse", "reset", "black_hole")),
    "clock_step": ("step", _SIGNS),
    "clock_drift": ("ppm", (1000.0, -1000.0)),
}
"""Kinds of faults that come in several forms, and the key that tells them apart. A clock steps by the length."""
_HORIZON: Final = "1h"


def fault_schedules(
    *kinds: str,
    within: str = _HORIZON,
    longest: str = "15m",
    most: int = 4,
    details: Mapping[str, Mapping[str, Any]] | None = None,
) -> st.SearchStrategy[Schedule]:
    """Schedules of single faults; they shrink to the fewest and shortest.

    Args:
        kinds: of faults, such as ``"sleep"``, ``"outage"``; by default all. ``"pause:server"`` names whom it befalls.
        within: faults begin before this time (for faults of runs: of their execution).
        longest: the longest fault.
        most: the number of faults at most.
        details: for a kind, keys that its faults have besides, such as ``{"outage": {"mode": "refuse"}}``.
    """
    ways = [way for kind in kinds or sorted(MAY_HIT) for way in _ways(*_kind(kind), details or {})]
    last, length = _seconds("within", within), _seconds("longest", longest)
    if most < 0:
        raise UsageError(f"most = {most}: must be at least 0")
    # A fault is three choices and no more: Hypothesis removes at most five neighbouring choices at a time, and where a
    # fault was longer than that, faults that do no harm would stay behind.
    single = st.tuples(st.sampled_from(ways), st.integers(0, last), st.integers(0, length))

    def schedule(singles: Sequence[tuple[Way, int, int]]) -> Schedule:
        return tuple(_fault(number, *one) for number, one in enumerate(singles, 1))

    return st.lists(single, max_size=most).map(schedule)


def scenarios(
    base: Source | None = None, faults: st.SearchStrategy[Schedule] | None = None
) -> st.SearchStrategy[Scenario]:
    """Valid scenarios.

    Args:
        base: a scenario, or the name or path of one, that meets other faults than its own; by default any scenario
            over the whole schema, small enough to be simulated by the hundred.
        faults: schedules; by default of all kinds, within the duration of `base`.
    """
    if base is None:
        found = anything.scenarios()
        return found if faults is None else st.builds(_befallen, found, faults).filter(_is_sound)
    chosen, _ = named(base)
    horizon = min(chosen.duration, parse_duration("7d"))
    whole = format_duration(max(SECOND, horizon // SECOND * SECOND))
    schedules = fault_schedules(within=whole) if faults is None else faults
    return schedules.map(lambda schedule: _befallen(chosen, schedule)).filter(_is_sound)


def _befallen(scenario: Scenario, faults: Schedule) -> Scenario:
    return scenario.model_copy(update={"faults": faults})


def _is_sound(scenario: Scenario) -> bool:
    return not contradictions(scenario)


def _fault(number: int, way: Way, start: int, length: int) -> Fault:
    what = way["what"]
    given = {**way, "name": f"{what}_{number}"}
    given["when"] = {"trace": [[f"{start}s", f"{0 if what in _INSTANT else length}s"]]}
    if what == "clock_step" and way.get("step") in _SIGNS:
        given["step"] = f"{way['step']}{length}s"
    return Fault.model_validate(given)


def _ways(what: str, whom: str, details: Mapping[str, Mapping[str, Any]]) -> list[Way]:
    """Return the forms of a fault; what `details` say comes in no other form."""
    own = details.get(what, {})
    key, values = _FORMS.get(what, ("", ()))
    forms = [{}] if key in own or not key else [{key: value} for value in values]
    return [{"what": what, "whom": whom, **form, **own} for form in forms]


def _kind(text: str) -> tuple[str, str]:
    what, _, whom = text.partition(":")
    if what not in MAY_HIT:
        near = nearest(what, MAY_HIT)
        hint = f"did you mean '{near}'?" if near else f"kinds: {', '.join(sorted(MAY_HIT))}"
        raise UsageError(f"there is no fault '{what}'", hint)
    if whom and whom not in MAY_HIT[what]:
        raise UsageError(f"a '{what}' can befall {' or '.join(MAY_HIT[what])}, not '{whom}'")
    return what, whom or MAY_HIT[what][0]


def _seconds(name: str, text: str) -> int:
    try:
        found = parse_duration(text) // SECOND
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
    if found < 1:
        raise UsageError(f"{name} = {text}: must be at least a second")
    return found
