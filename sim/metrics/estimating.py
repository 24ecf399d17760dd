"""From tallies of independent replications to metrics with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from sim.metrics.spec import METRICS, Metric
from sim.stats import Estimate, mean_interval, proportion_interval, ratio_interval
from sim.units import HOUR, SECOND

if TYPE_CHECKING:
    from sim.metrics.tally import Tally


def estimates(
    tallies: Sequence[Tally], confidence: float = 0.95, names: Iterable[str] = tuple(METRICS)
) -> dict[str, Estimate]:
    """Return every metric of `METRICS`, or those named, with its interval, from one tally a replication.

    Rates and shares are ratios of sums over replications, so that a replication weighs as much as it saw. Kills come
    in batches, so they get a Poisson interval only where each stands alone; otherwise the spread of the replications
    decides. Where nothing happened, incidents get the upper bound that the exposure allows, and kills that bound times
    the runs that one incident can stop: as many as can hold at once, which are the slots and what was ever in excess.
    """
    return {name: estimate(METRICS[name], tallies, confidence) for name in names}


def estimate(metric: Metric, tallies: Sequence[Tally], confidence: float = 0.95) -> Estimate:
    """Return one metric with its interval."""
    tops = [_sum(tally, metric.over) / metric.over_ns for tally in tallies]
    if metric.estimator == "mean":
        found = mean_interval(tops, metric.unit, confidence)
        return replace(found, low=max(found.low, 0.0))
    bottoms = [_sum(tally, metric.under) / metric.under_ns for tally in tallies]
    if metric.estimator in ("kills", "per_run") and tallies and not any(tops):
        found = _no_kill(tops, bottoms, metric.unit, confidence, _batch(tallies))
    else:
        counted = metric.estimator == "incidents" or (metric.estimator == "kills" and _alone(tallies))
        found = ratio_interval(tops, bottoms, metric.unit, confidence, exposure_unit_events=counted)
    if metric.estimator == "per_run":
        return _share_of_runs(found, sum(runs > 0 for runs in bottoms))
    if metric.most < inf:
        return replace(found, low=max(found.low, 0.0), high=min(found.high, metric.most))
    return found


def contributing(metric: Metric, tallies: Sequence[Tally]) -> float:
    """Return of how many replications the metric is made: Kish's effective number, (sum of x)^2 / sum of x^2.

    As many as see anything if all see as much, fewer if few outweigh the rest. A replication that has no more than the
    metric's background counts as one that saw nothing: what makes the metric large was not in it.
    """
    field, most = metric.background
    tops = [_sum(tally, metric.over) for tally in tallies if getattr(tally, field) > most]
    squares = sum(top * top for top in tops)
    return sum(tops) ** 2 / squares if squares else 0.0


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


def _batch(tallies: Sequence[Tally]) -> int:
    """Return how many runs one occurrence of a fault can stop: those that can hold at once, of those there were."""
    slots = max(tally.capacity_ns // max(1, tally.observed_ns) + tally.peak_slots for tally in tallies)
    runs = max(tally.started_at_first + max(tally.runs_started, tally.runs_granted) for tally in tallies)
    return max(1, min(slots, runs))


def _no_kill(tops: Sequence[float], bottoms: Sequence[float], unit: str, confidence: float, batch: int) -> Estimate:
    """Bound kills of which there are none, and say what the bound is made of."""
    found = ratio_interval(tops, bottoms, unit, confidence, per_event=batch)
    if batch == 1 or found.value != 0:
        return found
    return replace(found, method=f"no incident, Garwood x {batch:,} runs that one can stop")


def _share_of_runs(found: Estimate, replications: int) -> Estimate:
    """Keep a share of runs within [0, 1]; where none was hit or all were, no more than so many replications allow.

    Runs of one replication share its faults, so the trials are replications: where none of n has a kill, the share of
    those that have one is bounded (Clopper and Pearson), and the share of runs that are killed is no larger. That
    bound and the one by incidents both say how large the share may be for nothing to be seen: the smaller holds.
    """
    if found.value in (0, 1) and replications:
        exact = proportion_interval(0, replications, found.unit, found.confidence, "exact")
        method = f"{'none' if found.value == 0 else 'all'} in {replications:,} replications, Clopper-Pearson"
        if found.value == 1:
            return replace(found, low=1 - exact.high, high=1.0, method=method)
        if exact.high < found.high:
            return replace(found, high=exact.high, method=method)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))
