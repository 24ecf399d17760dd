"""A recorded trial as it was set up: nothing of how it came out is in here. Times are ns after the last renewal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

FAULTS: Final = (
    "none",
    "sigstop",
    "suspend",
    "block",
    "blocksync",
    "blockgil",
    "refuse",
    "drop",
    "stall",
    "delay",
    "server_stop",
    "server_stopfs",
    "server_kill",
    "server_killfs",
)
"""What was done to the holder, to the way to the server, or to the server."""

ON_FILES: Final = frozenset({"server_stopfs", "server_killfs"})
"""Faults that were recorded with leases kept in files, whatever the storage column says."""

Storage = Literal["memory", "filesystem"]
Mode = Literal["async", "sync"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One holder, one fault, and whoever waits for its slot."""

    name: str
    version: tuple[int, int, int]
    fault: str
    storage: Storage
    mode: Mode
    ttl_ns: int
    sweep_interval_ns: int
    fault_start_ns: int
    fault_length_ns: int
    added_latency_ns: int = 0
    first_sweep_ns: int | None = None
    """The first sweep after the last renewal; None where nobody noted it."""
    waiter_start_ns: int | None = None
    """When the second client begins to ask; None where there is none."""
    deployment: bool = False
    """Whole deployments: the next run waits from the beginning, a third one after it, and releases fall back."""
    line: int = 0
    """Where it stands in its file."""

    @property
    def fault_end_ns(self) -> int:
        """When the fault is over."""
        return self.fault_start_ns + self.fault_length_ns

    @property
    def body(self) -> Mode:
        """Whether the body is sync: a blocked sync body is, whatever the mode column says."""
        return "sync" if self.fault == "blocksync" else self.mode

    @property
    def version_text(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version))
