"""What a result says, in a few sentences: the first is the answer, the others are its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sim.pages.rows import Result, Row, tallies_of
from sim.report.tradeoff import undominated
from sim.results.measures import FALSE_TERMINATIONS, OVER_ALLOCATION, difference
from sim.results.tables import interval, number
from sim.stats import Estimate
from sim.story.words import plural

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rival:
    """Another setting against today's, on the same random numbers: its difference in both rates."""

    row: Row
    kills: Estimate
    excess: Estimate

    @property
    def fewer(self) -> bool:
        """Whether it is shown to kill less."""
        return self.kills.high < 0

    @property
    def no_worse(self) -> bool:
        """Whether nothing shows that it over-allocates more."""
        return not self.excess.low > 0


def best_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that no other betters in both rates, fewest false terminations first."""
    known = [row for row in rows if math.isfinite(row.kills.value) and math.isfinite(row.excess.value)]
    return [known[at] for at in undominated([(row.kills.value, row.excess.value) for row in known])]


def verdict(result: Result, rows: Sequence[Row]) -> list[str]:
    """Return the answer in sentences."""
    today = next((row for row in rows if row.today), None)
    if len(rows) == 1:
        return [*_alone(rows[0]), *_numbers(rows[0])]
    best = best_rows(rows)
    if today is None:
        return _without_today(best, rows)
    rivals = _rivals(result, today, [row for row in best if row is not today], 2 * (len(rows) - 1))
    return [*_compared(today, rivals, len(rows)), *_numbers(today, f"Today's setting ({today.label}): ")]


def _alone(row: Row) -> Iterator[str]:
    kills, excess = row.kills, row.excess
    if kills.value > 0 and excess.value > 0:
        yield f"Healthy runs are killed{_every(kills)}, and more runs execute than there are slots."
    elif kills.value > 0:
        yield f"Healthy runs are killed{_every(kills)}; never did more runs execute than there are slots."
    elif excess.value > 0:
        yield "No healthy run was killed, but more runs executed than there are slots."
    else:
        yield "No healthy run was killed, and never did more runs execute than there are slots."


def _every(kills: Estimate) -> str:
    return f", about once in {number(1 / kills.value)} lease-hours" if math.isfinite(1 / kills.value) else ""


def _numbers(row: Row, before: str = "") -> Iterator[str]:
    yield before + "; ".join(_rate(name, estimate) for name, estimate in _rates(row)) + "."


def _rates(row: Row) -> tuple[tuple[str, Estimate], ...]:
    return ("false terminations", row.kills), ("over-allocation", row.excess)


def _rate(name: str, estimate: Estimate) -> str:
    seen = "none seen, which only shows" if estimate.value == 0 and math.isfinite(estimate.high) else ""
    if seen:
        return f"{name}: {seen} a rate below {number(estimate.high)} {estimate.unit} (95 %, n = {estimate.n:,})"
    if estimate.value == 0 and math.isinf(estimate.high):
        return f"{name}: none seen, which gives no upper bound (n = {estimate.n:,})"
    return f"{name}: {number(estimate.value)} {estimate.unit} (95 % interval {interval(estimate)}, n = {estimate.n:,})"


def _without_today(best: Sequence[Row], rows: Sequence[Row]) -> list[str]:
    count = len(rows)
    if not best:
        return [f"None of {plural(count, 'setting')} could be measured in both rates."]
    first, last = best[0], best[-1]
    said = [f"The scenario's own setting is not among the {count:,}: they are compared with each other only."]
    if not any(row.kills.value > 0 or row.excess.value > 0 for row in rows):
        return [*said, "Nothing went wrong at any of them, so none is shown to be better.", *_numbers(first)]
    said += _numbers(first, f"Fewest false terminations at {_named(first, rows, FALSE_TERMINATIONS)}: ")
    least = f"Least over-allocation at {_named(last, rows, OVER_ALLOCATION)}: "
    return said + (list(_numbers(last, least)) if last is not first else [])


def _named(row: Row, rows: Sequence[Row], metric: str) -> str:
    """Return the label of a row, and how many others have the same estimate."""
    value = row.estimates[metric].value
    others = sum(each is not row and each.estimates[metric].value == value for each in rows)
    return row.label + (f" (and {plural(others, 'other')}, all the same)" if others else "")


def _rivals(result: Result, today: Row, others: Sequence[Row], comparisons: int) -> list[Rival]:
    """Compare with today's on common random numbers; `comparisons` are made together (Bonferroni)."""
    confidence = 1 - (1 - CONFIDENCE) / comparisons
    base = tallies_of(result, today.index)

    def against(row: Row, metric: str) -> Estimate:
        return difference(metric, tallies_of(result, row.index), base, confidence)

    return [Rival(row, against(row, FALSE_TERMINATIONS), against(row, OVER_ALLOCATION)) for row in others]


def _compared(today: Row, rivals: Sequence[Rival], count: int) -> Iterator[str]:
    together = f"(95 % for all {count - 1:,} comparisons together, on the same random numbers)"
    fewer = sorted((rival for rival in rivals if rival.fewer), key=lambda rival: rival.row.kills.value)
    chosen = next((rival for rival in fewer if rival.no_worse), None) or next(iter(fewer), None)
    if chosen is None:
        less = [rival for rival in rivals if rival.excess.high < 0]
        if not less:
            yield f"Nothing tried is shown to be better than today's setting {together}."
            return
        chosen = min(less, key=lambda rival: rival.row.excess.value)
        cost = "with more false terminations" if chosen.kills.low > 0 else "with no more false terminations shown"
        yield f"Less over-allocation than today's setting has {chosen.row.label}, {cost}."
    else:
        times = today.kills.value / chosen.row.kills.value if chosen.row.kills.value else math.inf
        how = f"{number(times)} times fewer" if math.isfinite(times) else "fewer"
        cost = "and no more over-allocation shown" if chosen.no_worse else "at the price of more over-allocation"
        if chosen.no_worse:
            yield f"Better than today's setting: {chosen.row.label}, with {how} false terminations {cost}."
        else:
            yield f"{how.capitalize()} false terminations than today's setting has {chosen.row.label}, {cost}."
    kills, excess = _signed(chosen.kills), _signed(chosen.excess)
    yield f"Against today: {kills} false terminations, {excess} over-allocation {together}."


def _signed(estimate: Estimate) -> str:
    sign = "+" if estimate.value > 0 else ""
    bounds = (
        f"{number(estimate.low)} to {number(estimate.high)}"
        if math.isfinite(estimate.high - estimate.low)
        else "not bounded"
    )
    return f"{sign}{number(estimate.value)} {estimate.unit} ({bounds})"
