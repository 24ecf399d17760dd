"""What results say about metrics: which come first, which replication was worst, what a zero means."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sim.errors import UsageError, nearest
from sim.metrics import METRICS, Metric, Tally, contributing
from sim.results.reached import MADE_OF_MIN
from sim.results.tables import number
from sim.stats import Estimate, paired_difference, paired_ratio_difference

FALSE_TERMINATIONS: Final = "false_terminations_per_lease_hour"
OVER_ALLOCATION: Final = "over_allocation_slot_seconds_per_hour"
HEADLINES: Final = (FALSE_TERMINATIONS, OVER_ALLOCATION)
"""The two sides of every choice of a lease."""
SHORT: Final = {FALSE_TERMINATIONS: "false terminations", OVER_ALLOCATION: "over-allocation"}
CORE: Final = (
    *HEADLINES,
    "false_termination_probability",
    "over_allocation_time_fraction",
    "over_allocation_incidents_per_hour",
    "over_allocation_longest_seconds",
    "missed_termination_seconds_per_lease_hour",
    "reclaim_latency_seconds",
    "vacancy_slot_seconds_per_hour",
    "leaked_slots",
    "wasted_work_fraction",
    "queue_wait_seconds",
    "goodput_work_fraction",
    "renewal_requests_per_second",
)
"""What a table on a terminal shows."""
BAD: Final = ("false_terminations", "over_allocation_ns", "missed_ns")
"""What makes a replication worse than another, in turn: fields of `Tally`."""
_EXCESSES: Final = "over_allocation_incidents_per_hour"
_INCIDENTS: Final = "false_termination_incidents_per_lease_hour"


def known(name: object) -> Metric:
    """Return the metric of that name."""
    if not isinstance(name, str):
        raise UsageError(f"no metric is named {name!r}", f"metrics: {', '.join(CORE)}")
    if name in METRICS:
        return METRICS[name]
    near = nearest(name, METRICS)
    raise UsageError(
        f"no metric is named '{name}'", f"did you mean '{near}'?" if near else f"metrics: {', '.join(CORE)}"
    )


def value_of(tally: Tally, name: str) -> float:
    """Return a metric of one replication; nan where it saw nothing to measure it by."""
    metric = known(name)
    over, under = sides(tally, metric)
    return over / under if under else math.nan


def sides(tally: Tally, metric: Metric) -> tuple[float, float]:
    """Return what one replication adds above and below the line of a metric; 1 below where there is no line."""
    over = sum(getattr(tally, field) for field in metric.over) / metric.over_ns
    return over, sum(getattr(tally, field) for field in metric.under) / metric.under_ns if metric.under else 1.0


def worst_index(tallies: Sequence[Tally], metric: str | None = None) -> int:
    """Return which tally is worst, the first of equals: by `metric`, else by the two headlines in turn."""
    return max(range(len(tallies)), key=lambda index: (badness(tallies[index], metric), -index))


def badness(tally: Tally, metric: str | None = None) -> tuple[float, ...]:
    """Return what `worst_index` compares; all zero where nothing bad happened."""
    if metric is None:
        return tuple(getattr(tally, field) for field in BAD)
    value = value_of(tally, metric)
    if math.isnan(value):
        return (-math.inf,)
    return (-value if known(metric).better == "high" else value,)


def difference(name: str, b: Sequence[Tally], a: Sequence[Tally], confidence: float = 0.95) -> Estimate:
    """Return b - a of a metric, from tallies that share their random numbers pair by pair."""
    metric = known(name)
    over_b, under_b = zip(*(sides(tally, metric) for tally in b), strict=True)
    over_a, under_a = zip(*(sides(tally, metric) for tally in a), strict=True)
    if not metric.under:
        return paired_difference(over_b, over_a, metric.unit, confidence)
    counts = metric.estimator in ("incidents", "kills", "per_run")
    return paired_ratio_difference(over_b, under_b, over_a, under_a, metric.unit, confidence, counts=counts)


NO_DIFFERENCE: Final = "no difference shown"


def direction(value: float, p: float, confidence: float) -> str:
    """Return ``fewer``, ``more`` or `NO_DIFFERENCE`, by a difference and how often chance alone would show it."""
    if not p < 1 - confidence or value == 0:
        return NO_DIFFERENCE
    return "fewer" if value < 0 else "more"


def cause_lines(false_terminations: Mapping[str, Estimate], over_allocation: Mapping[str, Estimate]) -> Iterator[str]:
    """Say how much of each headline is due to what."""
    for what, causes in (("false terminations", false_terminations), ("over-allocation", over_allocation)):
        total = sum(cause.value for cause in causes.values())
        if total > 0:
            parts = [f"{name} {_share(cause.value / total)}" for name, cause in causes.items() if cause.value > 0]
            yield f"{what} by cause: {', '.join(parts)}"


def zero_lines(estimates: Mapping[str, Estimate]) -> Iterator[str]:
    """Say what a count of zero shows, and what it does not."""
    for what, estimate in (
        ("false termination", estimates[FALSE_TERMINATIONS]),
        ("over-allocation", estimates[_EXCESSES]),
    ):
        if estimate.value == 0:
            seen = f"no {what} in {estimate.n:,} replication{'' if estimate.n == 1 else 's'}"
            shows = "does not bound its rate"
            if math.isfinite(estimate.high):
                shows = f"only shows a rate below {number(estimate.high)} {estimate.unit} ({estimate.confidence:.0%})"
            yield f"{seen} {shows}{_if_batched(estimate, estimates[_INCIDENTS])}"


def made_of_few(estimates: Mapping[str, Estimate], tallies: Sequence[Tally]) -> dict[str, float]:
    """Return the sizes that few replications make, and of about how many each is made: 0 where all is background.

    Their intervals fall short: what few show has next to no spread yet. Few are fewer than `MADE_OF_MIN`, or than half
    of them all. Counts are not among them: their intervals know how little was seen.
    """
    few = min(MADE_OF_MIN, len(tallies) / 2)
    sizes = {name: e for name, e in estimates.items() if METRICS[name].estimator in ("ratio", "mean")}
    seen = {name for name, e in sizes.items() if e.value > 0 and math.isfinite(e.reach)}
    made = {name: contributing(METRICS[name], tallies) for name in estimates if name in seen}
    return {name: of for name, of in made.items() if of < few}


def few_lines(few: Mapping[str, float], replications: int) -> Iterator[str]:
    """Say which intervals may be too narrow."""
    if few:
        each = [
            f"{name} ({f'about {math.ceil(of)}' if of else 'none beyond what requests take'})"
            for name, of in few.items()
        ]
        yield f"made of few of {replications:,} replications, so their intervals may be too narrow: {', '.join(each)}"


def _if_batched(kills: Estimate, incidents: Estimate) -> str:
    """Say so where a bound on kills takes incidents for as large as they can be."""
    if not incidents.high < kills.high < math.inf or kills.unit != incidents.unit:
        return ""
    batch = f"{round(kills.high / incidents.high):,}"
    return f", if one incident stops all {batch} that can hold at once: of incidents, below {number(incidents.high)}"


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.005 else "<1%"
