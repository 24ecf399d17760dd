"""From candidates to one recommendation: a short list by what the search saw, decided on random numbers of its own.

What led the search partly had luck, so nothing is concluded from its numbers. They only make a short list of `SHORT`
settings; each of these meets replications that none has seen. A setting is confirmed if for every constraint the
one-sided bound at `alpha / SHORT` is within the limit. If a setting breaks a constraint in truth, its bound for that
constraint passes with probability alpha / SHORT at most, whatever the others do; there are at most SHORT settings, so
the chance that any setting is confirmed which breaks any constraint is alpha at most (Bonferroni over settings; over
the constraints of one setting nothing has to be corrected, for all have to pass: an intersection-union test). Which of
the confirmed is recommended may therefore be decided by the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sim.stats import Estimate
from sim.tuning.goals import Constraint
from sim.tuning.judging import Candidate, Judge, Scale, front_of

SHORT: Final = 5
"""Settings that are looked at on fresh random numbers."""
SIMULTANEOUS: Final = 1 - 0.05 / SHORT
"""Confidence of each interval on fresh random numbers: so those of all settings looked at hold at once with 95 %."""
_SAFE: Final = 2
"""Of these, how many should have a margin: their bounds are within already in the search."""


@dataclass(frozen=True, eq=False)
class Checked:
    """A candidate of the short list with what fresh random numbers show."""

    searched: Candidate
    fresh: Candidate
    bounds: tuple[float, ...]
    """Of each constraint, on the side of its limit."""
    confirmed: bool


@dataclass(frozen=True)
class Exclusion:
    """How a constraint stands among all candidates of the search."""

    constraint: Constraint
    kept: int
    """Candidates whose value is within the limit."""
    sure: int
    """Candidates whose bound would be within it with as many replications as the confirmation has."""
    closest: Candidate
    bound: float
    """Of the closest, with so many replications."""

    @property
    def estimate(self) -> Estimate:
        """The closest candidate's value with its interval."""
        return self.closest.estimates[self.constraint.metric]


def shortlist(candidates: Sequence[Candidate], judge: Judge) -> list[Candidate]:
    """Return the candidates worth a look on fresh random numbers, the best first."""
    goals = judge.goals
    usable = [each for each in candidates if all(math.isfinite(each.value(metric)) for metric in goals.minimise)]
    excess = {each.number: max([0.0, *judge.excess(each)]) for each in usable}
    likely = [each for each in usable if excess[each.number] == 0]
    if not likely:
        return sorted(usable, key=lambda each: (excess[each.number], each.number))[:SHORT]
    safe = [each for each in likely if max([0.0, *judge.excess(each, expected=False)]) == 0]
    best, margin = ranked(likely, judge), ranked(safe, judge)
    chosen = [*best[: SHORT - _SAFE], *margin[:_SAFE], *best[SHORT - _SAFE :], *margin[_SAFE:]]
    return list({each.number: each for each in chosen}.values())[:SHORT]


def ranked(candidates: Sequence[Candidate], judge: Judge) -> list[Candidate]:
    """Return candidates by how near they come to having the best of everything that is minimised."""
    metrics = judge.goals.minimise
    scale = scale_of(candidates, judge)
    place = {each.number: at for at, each in enumerate(front_of(candidates, metrics))}
    order = [(each.number not in place, scale.distance(each), each.number, each) for each in candidates]
    return [each for *_, each in sorted(order, key=lambda row: row[:3])]


def scale_of(candidates: Sequence[Candidate], judge: Judge) -> Scale:
    """Return how the minimised metrics are weighed over the front of these candidates."""
    return Scale.of(front_of(candidates, judge.goals.minimise), judge.goals.minimise)


def checked(searched: Sequence[Candidate], fresh: Sequence[Candidate], judge: Judge) -> list[Checked]:
    """Return what fresh random numbers make of each setting of the short list."""
    found = []
    for before, now in zip(searched, fresh, strict=True):
        bounds = tuple(judge.bound(now, constraint) for constraint in judge.goals.constraints)
        kept = all(each.kept(bound) for each, bound in zip(judge.goals.constraints, bounds, strict=True))
        there = all(math.isfinite(now.value(metric)) for metric in judge.goals.minimise)
        found.append(Checked(before, now, bounds, kept and there))
    return found


def recommended(found: Sequence[Checked], scale: Scale) -> Checked | None:
    """Return the best of those confirmed, by fresh random numbers; None where there is none."""
    confirmed = [each for each in found if each.confirmed]
    return min(confirmed, key=lambda each: (scale.distance(each.fresh), each.fresh.number), default=None)


def exclusions(candidates: Sequence[Candidate], judge: Judge) -> list[Exclusion]:
    """Return how each constraint by itself stands among the candidates."""
    found = []
    for at, constraint in enumerate(judge.goals.constraints):
        known = [each for each in candidates if math.isfinite(each.estimates[constraint.metric].value)]
        if not known:
            continue
        bounds = {each.number: judge.expected(each, constraint) for each in known}
        kept = sum(constraint.kept(each.estimates[constraint.metric].value) for each in known)
        sure = sum(constraint.kept(bounds[each.number]) for each in known)
        closest = min(known, key=lambda each: (_nearness(each, judge, at), each.number))
        found.append(Exclusion(constraint, kept, sure, closest, bounds[closest.number]))
    return found


def _nearness(candidate: Candidate, judge: Judge, at: int) -> float:
    constraint = judge.goals.constraints[at]
    return constraint.excess(candidate.estimates[constraint.metric].value)
