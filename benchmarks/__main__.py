"""Measure everything: ``python -m benchmarks``. One table, in one run, on one core (but for the threads)."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from importlib import metadata

from benchmarks.growth import HOLDERS, growth_rows
from benchmarks.lease_world import engine_rows, twin_rows
from benchmarks.peer_rows import peer_rows
from benchmarks.starting import first_call_rows, thread_rows
from benchmarks.table import Row, show
from benchmarks.timing import pin
from benchmarks.twin import build

PACKAGES = ("numba", "llvmlite", "numpy", "simpy", "ciw", "salabim", "cimba")


def machine() -> str:
    """Say what this was measured on."""
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{package} missing")
    gcc = build.compiler()
    if gcc is not None:
        versions.append(
            subprocess.run([gcc, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
        )
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(versions)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="medians are of so many interleaved rounds")
    parser.add_argument("--days", type=int, default=5, help="length of a replication of the lease world")
    parser.add_argument("--quick", action="store_true", help="two rounds and small models: to see that all of it runs")
    options = parser.parse_args()
    rounds, days = (2, 2) if options.quick else (options.rounds, options.days)
    load = os.getloadavg()[0]
    rows: list[Row] = thread_rows(min(rounds, 5))  # before the process is pinned to one core
    where = pin()
    for part in (
        lambda: engine_rows(rounds, days),
        lambda: twin_rows(rounds, days),
        lambda: peer_rows(min(rounds, 5), 0.1 if options.quick else 1.0),
        lambda: growth_rows(min(rounds, 3), HOLDERS[:3] if options.quick else HOLDERS),
        first_call_rows,
    ):
        rows += part()
        print(f"{len(rows)} rows ...", file=sys.stderr)
    print(show(rows))
    print(f"\n{machine()}; {where}; {rounds} rounds; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
