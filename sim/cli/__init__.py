"""The command ``leasesim``."""

from sim.cli.entry import main

__all__ = ["main"]
