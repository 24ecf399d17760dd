"""The commands of ``leasesim``, gathered."""

from __future__ import annotations

from typing import Final

from cyclopts import App, Parameter

from sim.cli import (
    diagnosing,
    explaining,
    exploring,
    looking,
    occupying,
    remedying,
    replaying,
    reporting,
    running,
    sweeping,
)
from sim.results.provenance import version

_HELP: Final = "Simulate lease renewal under faults: how often a healthy run is killed, how often too many run."
_EPILOGUE: Final = (
    "Any key of a scenario is an option too: --lease.ttl 3m, --faults.sleep.when.rate 0/h, --duration 7d; "
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
app.command(looking.catalogue, name="list")
app.command(looking.show)
app.command(looking.check)
app.command(running.run)
app.command(sweeping.sweep)
app.command(running.compare)
app.command(reporting.report)
app.command(explaining.explain)
app.command(exploring.explore)
app.command(occupying.occupancy)
app.command(remedying.remedies)
app.command(diagnosing.diagnose)
app.command(replaying.replay)
app.command(looking.schema)
