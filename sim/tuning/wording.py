"""The one sentence: why this setting, or why none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sim.results.measures import known
from sim.results.tables import interval, number
from sim.stats import Estimate
from sim.tuning.bench import label_of
from sim.tuning.choosing import Checked, Exclusion
from sim.tuning.goals import WORDS, Constraint, Goals
from sim.tuning.judging import Candidate


def short(metric: str) -> str:
    """Return what a metric is called in a sentence."""
    return WORDS.get(metric, metric)


def reason(
    chosen: Checked,
    today: Candidate,
    limits: Sequence[float],
    goals: Goals,
    changes: Mapping[str, Estimate],
    looked_at: int,
) -> str:
    """Say why a setting is recommended, with its figures on fresh random numbers."""
    bounds = zip(goals.constraints, chosen.bounds, limits, strict=True)
    kept = [f"{short(c.metric)} {_at_most(c)} {c.limit:g} {_bounds(c, mine, now)}" for c, mine, now in bounds]
    within = f" that keeps {listed(kept)}" if kept else ""
    best = f"of {looked_at:,} settings {_best(goals)}{within}"
    if chosen.searched.number == 0:
        return f"Keep today's setting: it has {best}."
    told = [_changed(name, today, chosen.fresh, changes[name]) for name in _told(goals, today)]
    setting = label_of(chosen.searched.point.values)
    return f"Set {setting}: {best}. On fresh random numbers: {'; '.join(told)}."


def _best(goals: Goals) -> str:
    names = [short(name) for name in goals.minimise]
    if len(names) > 1:
        return f"the best balance of {listed(names)}"
    return f"the {'most' if known(goals.minimise[0]).better == 'high' else 'least'} {names[0]}"


def _at_most(constraint: Constraint) -> str:
    return "at most" if constraint.upper else "at least"


def _bounds(constraint: Constraint, mine: float, today: float) -> str:
    """The bound that decided, and today's where it does not keep the limit."""
    also = "" if constraint.kept(today) else f"; today's, {number(today)}, is not within"
    return f"(bound {number(mine)}{also})"


def _told(goals: Goals, today: Candidate) -> list[str]:
    return [name for name in goals.metrics if not math.isnan(today.estimates[name].value)]


def _changed(name: str, today: Candidate, after: Candidate, change: Estimate) -> str:
    before, now = today.estimates[name].value, after.estimates[name].value
    sure = change.high < 0 or change.low > 0
    if before == now:
        return f"{short(name)} {number(now)} {known(name).unit} as today"
    how = "" if sure else ", no difference shown"
    ratio = f" ({number(now / before)}x)" if sure and before > 0 and now > 0 else ""
    return f"{short(name)} {number(now)} {known(name).unit} instead of {number(before)}{ratio}{how}"


def excluded_in_words(exclusions: Sequence[Exclusion], checked: Sequence[Checked], goals: Goals) -> str:
    """Say which constraint leaves no setting, and by how much."""
    if not goals.constraints:
        return "No setting can be recommended: what is to be minimised has no value at any."
    alone = [each for each in exclusions if each.kept == 0]
    if alone:
        return " ".join(_alone(each) for each in alone)
    unsure = [each for each in exclusions if each.sure == 0]
    if unsure:
        return " ".join(_unsure(each) for each in unsure)
    counts = listed([f"{each.constraint.text} by {each.kept:,}" for each in exclusions])
    if len(exclusions) > 1 and not _together(checked, goals):
        return f"No setting keeps all constraints at once, each alone is kept ({counts}).{_nearest(checked, goals)}"
    return (
        f"No setting is confirmed on fresh random numbers, though some keep each constraint in the search ({counts}): "
        f"their bounds pass the limit.{_nearest(checked, goals)} More replications to confirm with narrow the bounds."
    )


def _alone(each: Exclusion) -> str:
    c, estimate = each.constraint, each.estimate
    return (
        f"No setting keeps {c.words}: the closest is {_where(each.closest)} with {number(estimate.value)} "
        f"({interval(estimate)}), {_beyond(c.excess(estimate.value))}."
    )


def _unsure(each: Exclusion) -> str:
    c, estimate = each.constraint, each.estimate
    seen = f"the closest, {_where(each.closest)}, has {number(estimate.value)} ({interval(estimate)})"
    if math.isinf(each.bound):
        return (
            f"No setting can be shown to keep {c.words}: {seen}, and where it was zero in every replication at every "
            "setting its size has no bound; limit a rate of incidents instead, whose bound is known."
        )
    return (
        f"No setting is shown to keep {c.words}: {seen}, and as many replications as there are to confirm it "
        f"bound it by {number(each.bound)}, {_beyond(c.excess(each.bound))}; more of them would narrow it."
    )


def _together(checked: Sequence[Checked], goals: Goals) -> bool:
    """Whether some setting of the short list keeps every limit by its value on fresh numbers."""
    return any(all(c.kept(each.fresh.estimates[c.metric].value) for c in goals.constraints) for each in checked)


def _nearest(checked: Sequence[Checked], goals: Goals) -> str:
    if not checked:
        return ""
    near = min(checked, key=lambda each: max(_excesses(each, goals)))
    seen = [
        f"{short(c.metric)} {number(near.fresh.estimates[c.metric].value)} "
        f"({interval(near.fresh.estimates[c.metric])}), bound {number(bound)}, limit {c.limit:g}"
        for c, bound in zip(goals.constraints, near.bounds, strict=True)
    ]
    return f" The nearest is {_where(near.searched)}: {'; '.join(seen)}."


def _excesses(each: Checked, goals: Goals) -> list[float]:
    found = [c.excess(bound) for c, bound in zip(goals.constraints, each.bounds, strict=True)]
    return [math.inf if math.isnan(value) else value for value in found]


def _where(candidate: Candidate) -> str:
    return label_of(candidate.point.values) if candidate.number else "today's setting"


def _beyond(excess: float) -> str:
    return f"{excess:.0%} beyond the limit" if excess < 10 else f"{1 + excess:,.3g} times the limit"


def listed(words: Sequence[str]) -> str:
    """Return words with commas and an `and`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 2 else list(words))
