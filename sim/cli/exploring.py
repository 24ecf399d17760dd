"""The command that serves the live page."""

from __future__ import annotations

import signal
from typing import Final

from sim.cli import screen
from sim.cli.options import Dotted, chosen
from sim.explorer import require
from sim.results.provenance import ENGINE_FOR_MANY, SEED

_PORT: Final = 5006


def explore(
    scenario: str,
    /,
    *,
    port: int = _PORT,
    seed: int = SEED,
    engine: str = ENGINE_FOR_MANY,
    dotted: Dotted = None,
) -> None:
    """Serve a live page on a scenario to this machine: turn ttl, interval, retries and faults, and watch both rates.

    Parameters
    ----------
    scenario
        A name (see: leasesim list) or the path of a TOML file.
    port
        Where; 0 takes any free port. The page is for browsers on this machine only.
    seed
        Seed: same seed, same numbers.
    engine
        Engine: `process`, `kernel` (compiled) or `auto`; all give the same results.
    """
    require()
    from sim.explorer.answers import answers
    from sim.explorer.drawing import get_ready
    from sim.explorer.serving import free_port, served
    from sim.explorer.state import State, Subject

    world = chosen(scenario, dotted)
    port = free_port(port)  # said before anything is computed
    subject = Subject.of(world, seed, engine)
    screen.aside(
        "simulating the scenario once (the first time on a machine, its engine is compiled: half a minute) ..."
    )
    next(answers(subject, State()))
    get_ready(subject)
    server, address = served(subject, port)
    screen.out(f"  the page: {address}    (Ctrl-C ends it)")
    screen.flush()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever stops it so ends its process for pictures too
    server.start()
    try:
        server.io_loop.start()
    finally:
        server.stop()
