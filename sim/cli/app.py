"""The commands of ``leasesim``, gathered."""

from __future__ import annotations

from typing import Final

from cyclopts import App, Parameter

from sim.cli import (
    bordering,
    choosing,
    comparing,
    diagnosing,
    explaining,
    exploring,
    fitting,
    listing,
    looking,
    occupying,
    remedying,
    replaying,
    reporting,
    running,
    sensing,
    sweeping,
    tuning,
)
from sim.results.provenance import version

_HELP: Final = "Simulate lease renewal under faults: how often a healthy run is killed, how often too many run."
_EPILOGUE: Final = (
    "Any key of a scenario is an option too: --lease.ttl 3m, --faults.sleep.when.rate 0/h, --duration 7d; "
    "so is a fault mix: --faults laptop; "
    "so are Prefect's names: --prefect version=3.9.1, --prefect PREFECT_API_REQUEST_TIMEOUT=120. "
    "Start with: leasesim list"
)

app = App(
    name="leasesim",
    help=_HELP,
    help_epilogue=_EPILOGUE,
    version=version,
    default_parameter=Parameter(negative=()),
)
app.command(listing.catalogue, name="list")
app.command(looking.show)
app.command(looking.check)
app.command(running.run)
app.command(sweeping.sweep)
app.command(running.compare)
app.command(comparing.compare_systems)
app.command(choosing.best)
app.command(reporting.report)
app.command(explaining.explain)
app.command(bordering.frontier)
app.command(exploring.explore)
app.command(occupying.occupancy)
app.command(remedying.remedies)
app.command(diagnosing.diagnose)
app.command(tuning.tune)
app.command(sensing.sensitivity)
app.command(replaying.replay)
app.command(fitting.fit)
app.command(looking.schema)
