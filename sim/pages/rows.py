"""The settings of a result as plain rows: of a sweep every point that is done, of replications the one there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sim.metrics import METRICS, Tally, estimates
from sim.report.frames import matches
from sim.results.describe import in_words
from sim.results.many import Replications
from sim.results.measures import FALSE_TERMINATIONS, OVER_ALLOCATION, SHORT
from sim.results.origins import settings
from sim.results.provenance import Provenance
from sim.stats import Estimate
from sim.sweeps.grid import labels_of
from sim.sweeps.swept import Sweep

Result = Sweep | Replications
COSTS: Final = ("reclaim_latency_seconds", "renewal_requests_per_second")
"""What a better lease may cost: a slot held by the dead for longer, more load."""
SHOWN: Final = (FALSE_TERMINATIONS, OVER_ALLOCATION, *COSTS)
"""The metrics that the table of settings shows."""
NAMES: Final = {**SHORT, COSTS[0]: "reclaim latency", COSTS[1]: "renewal requests"}


@dataclass(frozen=True)
class Row:
    """One setting and what came of it."""

    index: int
    values: Mapping[str, str]
    """By the dotted keys that were varied; none where nothing was."""
    estimates: Mapping[str, Estimate]
    today: bool
    """Whether it is what the scenario says unswept."""

    @property
    def label(self) -> str:
        """The setting in words: ``lease.ttl 5m, renewal.every 0.75``."""
        return ", ".join(f"{key} {value}" for key, value in self.values.items()) or "as the scenario says"

    @property
    def kills(self) -> Estimate:
        """The false terminations."""
        return self.estimates[FALSE_TERMINATIONS]

    @property
    def excess(self) -> Estimate:
        """The over-allocation."""
        return self.estimates[OVER_ALLOCATION]


def rows_of(result: Result) -> list[Row]:
    """Return one row for each setting that has all its replications."""
    if isinstance(result, Replications):
        return [Row(0, {}, result.metrics, today=True)]
    today, rows = today_of(result), []
    for index, tallies in result.tallies.items():
        values = labels_of(result.points, index)
        rows.append(Row(index, values, estimates(tallies, names=SHOWN), bool(today) and matches(values, today)))
    return rows


def today_of(result: Sweep) -> dict[str, object]:
    """Return what the scenario says unswept at the keys that are varied; nothing where it does not say all of them."""
    scenario = dict(settings(result.provenance.scenario))
    keys = [axis.key for axis in result.axes]
    return {key: scenario[key] for key in keys} if all(key in scenario for key in keys) else {}


def tallies_of(result: Result, index: int) -> Sequence[Tally]:
    """Return the replications of one row."""
    return result.tallies if isinstance(result, Replications) else result.tallies[index]


def replications_of(result: Result, index: int) -> Replications:
    """Return the same as something to replay."""
    return result if isinstance(result, Replications) else result.replications(result.points[index])


def heading_of(result: Result) -> str:
    """Return the scenario in one line."""
    return in_words(result.provenance.title, result.scenario)


def unit(metric: str) -> str:
    """Return a metric's unit as text."""
    return METRICS[metric].unit


def provenance_of(result: Result) -> Provenance:
    """Return where a result comes from."""
    return result.provenance
