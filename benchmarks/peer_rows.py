"""The peers, each in a process of its own, in turns."""

from __future__ import annotations

import importlib.metadata
import json
import statistics
import subprocess
import sys
from typing import Any, Final

from benchmarks.table import Row, missing
from benchmarks.timing import ratio

SIZES: Final = {
    "leasesim": 400_000,
    "agenda": 1_000_000,
    "cimba": 1_000_000,
    "simpy": 20_000,
    "ciw": 20_000,
    "salabim": 2_000,
}
"""Units of work a run: what takes the slow ones a second is too short for the fast ones."""
OURS: Final = {"leasesim": "leasesim", "agenda": "leasesim's agenda and draws, no leases"}
UNITS: Final = {"mmc": "customers / CPU-s", "loop": "renewals / CPU-s"}
ERLANG_C_WAIT: Final = 1.0787
"""Mean wait in line of M/M/3 with 2.4 arrivals and 1 departure, in units of the mean service."""


def run(peer: str, model: str, size: int) -> dict[str, Any]:
    """Run one peer's program on one model."""
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.peers.{peer}_", model, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def installed(peer: str) -> bool:
    """Whether a peer is there."""
    if peer in OURS:
        return True
    try:
        importlib.metadata.version(peer)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def peer_rows(rounds: int, share: float = 1.0) -> list[Row]:
    """Measure every peer that is installed on both models."""
    rows = []
    for model, unit in UNITS.items():
        peers = [peer for peer in SIZES if model == "mmc" or peer != "agenda"]
        there = [peer for peer in peers if installed(peer)]
        found: dict[str, list[dict[str, Any]]] = {peer: [] for peer in there}
        for _ in range(rounds):
            for peer in there:
                found[peer].append(run(peer, model, int(SIZES[peer] * share)))
        costs = {peer: [one["seconds"] / one["units"] for one in several] for peer, several in found.items()}
        name = "M/M/3" if model == "mmc" else "renewal loop"
        for peer in peers:
            if peer not in costs:
                rows.append(missing(name, peer, "not installed: pip install 'leasesim[bench]'"))
                continue
            notes = [_figure(model, found[peer][-1]["figure"])]
            if peer not in OURS:
                notes += [_times(costs, peer, ours) for ours in OURS if ours in costs]
            rows.append(Row(name, OURS.get(peer, peer), 1 / statistics.median(costs[peer]), unit, "; ".join(notes)))
    return rows


def _times(costs: dict[str, list[float]], peer: str, ours: str) -> str:
    median, least, most = ratio(costs[peer], costs[ours])
    return f"{OURS[ours]}: {median:.2g} x as fast ({least:.2g} to {most:.2g})"


def _figure(model: str, figure: float) -> str:
    if model == "mmc":
        return f"mean wait {figure:.3f} (Erlang C: {ERLANG_C_WAIT:.3f})"
    return f"{figure:.3f} s between renewals (225.055)"
