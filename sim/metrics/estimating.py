"""From tallies of independent replications to metrics with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sim.metrics.spec import METRICS, Metric
from sim.stats import Estimate, mean_interval, proportion_interval, ratio_interval
from sim.units import HOUR, SECOND

if TYPE_CHECKING:
    from sim.metrics.tally import Tally


def estimates(tallies: Sequence[Tally], confidence: float = 0.95) -> dict[str, Estimate]:
    """Return every metric of `METRICS` with its interval, from one tally a replication.

    Rates and shares are ratios of sums over replications, so that a replication weighs as much as it saw. Where
    nothing happened, counts get the upper bound that the exposure allows for incidents. Kills come in batches, so
    they get a Poisson interval only where each stands alone; otherwise the spread of the replications decides. Where
    nobody was killed, one incident may still kill as many as there are slots, so the bound is that many times higher.
    """
    return {name: estimate(metric, tallies, confidence) for name, metric in METRICS.items()}


def estimate(metric: Metric, tallies: Sequence[Tally], confidence: float = 0.95) -> Estimate:
    """Return one metric with its interval."""
    tops = [_sum(tally, metric.over) / metric.over_ns for tally in tallies]
    if metric.estimator == "mean":
        found = mean_interval(tops, metric.unit, confidence)
        return replace(found, low=max(found.low, 0.0))
    bottoms = [_sum(tally, metric.under) / metric.under_ns for tally in tallies]
    kills = metric.estimator == "kills"
    counted = metric.estimator == "incidents" or (kills and any(tops) and _alone(tallies))
    batch = _slots(tallies) if kills and not any(tops) else None
    found = ratio_interval(tops, bottoms, metric.unit, confidence, exposure_unit_events=counted, per_event=batch)
    if metric.estimator == "per_run":
        return _probability(found, sum(bottoms), _slots(tallies), confidence)
    return replace(found, high=min(found.high, 1.0)) if metric.unit == "fraction" else found


def causes_of(
    tallies: Sequence[Tally], confidence: float = 0.95, *, of: str = "false_terminations"
) -> dict[str, Estimate]:
    """Return what each cause contributes, the largest first.

    Args:
        tallies: one a replication.
        confidence: nominal coverage.
        of: "false_terminations" (per lease-hour) or "over_allocation" (slot-seconds per hour).

    The values add up to `false_terminations_per_lease_hour` or `over_allocation_slot_seconds_per_hour`.
    """
    if of == "false_terminations":
        splits, unit, scale = [tally.terminations_by_cause for tally in tallies], "1/lease-h", 1
        exposure = [tally.lease_ns / HOUR for tally in tallies]
    elif of == "over_allocation":
        splits, unit, scale = [tally.over_allocation_by_cause for tally in tallies], "slot-s/h", SECOND
        exposure = [tally.observed_ns / HOUR for tally in tallies]
    else:
        raise ValueError(f"of = {of!r}: must be 'false_terminations' or 'over_allocation'")
    counted = of == "false_terminations" and _alone(tallies)
    names = sorted({name for split in splits for name in split}, key=lambda name: (-_of_all(splits, name), name))
    return {
        name: ratio_interval(
            [split.get(name, 0) / scale for split in splits],
            exposure,
            unit,
            confidence,
            exposure_unit_events=counted,
        )
        for name in names
    }


def _sum(tally: Tally, fields: tuple[str, ...]) -> int:
    return sum(getattr(tally, field) for field in fields)


def _of_all(splits: Sequence[Mapping[str, int]], name: str) -> int:
    return sum(split.get(name, 0) for split in splits)


def _alone(tallies: Sequence[Tally]) -> bool:
    """Return whether no two kills had one occurrence of a fault in common."""
    return all(tally.false_termination_incidents == tally.false_terminations for tally in tallies)


def _slots(tallies: Sequence[Tally]) -> float:
    """Return how many leases one incident ends at most: as many as are held at once."""
    observed = sum(tally.observed_ns for tally in tallies)
    return max(1.0, sum(tally.capacity_ns for tally in tallies) / observed) if observed else 1.0


def _probability(found: Estimate, runs: float, batch: float, confidence: float) -> Estimate:
    """Keep a share of runs within [0, 1]; where none was hit or all were, the exact bound for so many batches."""
    if found.value in (0, 1) and runs >= 1:
        trials = max(1, int(runs / batch))
        exact = proportion_interval(int(found.value) * trials, trials, found.unit, confidence, "exact")
        together = f" in {trials:,} batches" if batch > 1 else ""
        method = f"{'none' if found.value == 0 else 'all'} of {runs:.0f} runs{together}, Clopper-Pearson"
        return replace(found, low=exact.low, high=exact.high, method=method)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))
