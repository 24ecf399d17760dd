"""A scenario that many tests start from: an hour, one client at a time, two naps."""

from __future__ import annotations

from typing import Final

TOML: Final = """
duration = "1h"
lease.ttl = "2m"
runs.work = { kind = "exponential", mean = "20m" }
[[faults]]
what = "sleep"
when = "2/h"
length = { kind = "exponential", mean = "3m" }
"""
