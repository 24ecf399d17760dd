"""From people's own logs to a scenario: read them, fit what they show or keep it as it was, write TOML to paste.

`reading` opens a file and finds out its kind by its content; `pmset`, `journal`, `windows`, `prefect_log`, `access`
and `latencies` know one format each, `dates` the ways to write a date; `sleeper` follows a machine through its log;
`laws` fits distributions; `checking` refuses; `snippet` writes the TOML; `fitted` puts it together.
"""

from __future__ import annotations

from sim.fitting.fitted import Fit, fit

__all__ = ["Fit", "fit"]
