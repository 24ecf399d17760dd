"""Which trials are made: for each fault a few phases and lengths, chosen to fall on both sides of what decides.

Times are seconds; a lease lasts 60 (the least that the API allows), is renewed 45 after the last answer, and is lost at
the first sweep past its end, a sweep coming every 15.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

TTL_S = 60.0
SWEEP_S = 15.0
FAULTS = ("none", "sigstop", "block", "server_kill", "server_killfs", "refuse", "drop", "stall", "delay")
SERVER_FAULTS = ("server_kill", "server_killfs")
DEFAULT = ("none", "sigstop", "block", "server_kill", "refuse")


@dataclass(frozen=True)
class Plan:
    """One trial to make."""

    trial: str
    version: str
    fault: str
    mode: str = "async"
    """``async`` or ``sync`` body of the holder."""
    start_s: float = 5.0
    """The fault begins so long after the first renewal."""
    length_s: float = 0.0
    latency_s: float = 0.0

    @property
    def storage(self) -> str:
        """The server's lease storage."""
        return "filesystem" if self.fault == "server_killfs" else "memory"

    @property
    def cell(self) -> str:
        """The group of trials with the same set-up."""
        return f"{self.fault}|{self.mode}|start{self.start_s:g}|length{self.length_s:g}"


# (mode, start, length, latency) in the order of use: the first three of a fault are already a fair sample of it
_CASES: dict[str, tuple[tuple[str, float, float, float], ...]] = {
    "none": (("async", 40, 0, 0), ("sync", 40, 0, 0), ("async", 20, 0, 0)),
    "sigstop": (
        ("async", 30, 60, 0),  # continues 90 after the renewal: lost whatever the sweep
        ("async", 25, 27, 0),  # 52: late and in time
        ("async", 20, 48, 0),  # 68: the sweep decides
        ("sync", 25, 45, 0),  # 70: the sweep decides
        ("sync", 15, 60, 0),  # 75: as good as lost
        ("async", 10, 53, 0),  # 63: the sweep decides, mostly in time
    ),
    "block": (
        ("async", 30, 55, 0),
        ("async", 20, 48, 0),
        ("sync", 20, 60, 0),  # a sync body renews from another thread in either version
        ("async", 25, 27, 0),
        ("async", 10, 60, 0),
        ("async", 15, 50, 0),
    ),
    "refuse": (
        ("async", 40, 20, 0),  # over the renewal, ends as the lease does
        ("async", 43, 6, 0),
        ("async", 20, 15, 0),  # over before the renewal is due
        ("sync", 40, 12, 0),
        ("async", 40, 45, 0),  # longer than the lease
        ("sync", 44.5, 1, 0),  # within the HTTP library's own 1.5 s of connecting
    ),
    "drop": (("async", 43, 6, 0), ("async", 40, 25, 0), ("sync", 40, 45, 0)),
    "stall": (("async", 40, 12, 0), ("async", 40, 30, 0), ("sync", 40, 40, 0)),
    "delay": (("async", 30, 40, 2), ("async", 40, 40, 12), ("sync", 40, 60, 25)),
    "server_kill": (("async", 5, 1, 0), ("sync", 10, 1, 0), ("async", 20, 1, 0)),
    "server_killfs": (("async", 5, 1, 0), ("sync", 10, 1, 0), ("async", 20, 1, 0)),
}


def plans(version: str, faults: Sequence[str], trials: int) -> list[Plan]:
    """Return `trials` plans for each fault; beyond the listed cases they repeat, at another phase of the sweep."""
    return [plan for fault in faults for plan in islice(_endless(version, fault), trials)]


def _endless(version: str, fault: str) -> Iterator[Plan]:
    number = 0
    while True:
        for mode, start, length, latency in _CASES[fault]:
            yield Plan(f"{version}-{fault}-{number:02d}", version, fault, mode, start, length, latency)
            number += 1


def batches(planned: Sequence[Plan], at_once: int) -> Iterator[list[Plan]]:
    """Group trials that can share a server: the same storage, and a server's fault with its own kind only."""
    kinds: dict[str, list[Plan]] = {}
    for plan in planned:
        kinds.setdefault(plan.fault if plan.fault in SERVER_FAULTS else "", []).append(plan)
    for group in kinds.values():
        count = -(-len(group) // at_once)
        size = -(-len(group) // count)
        yield from (group[at : at + size] for at in range(0, len(group), size))
