"""The command that reads people's own logs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from sim.cli import screen
from sim.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file does not say of itself."""

    kind: str | None = None
    """pmset, journal, windows, prefect, access or latency; by default found out by content."""
    zone: str | None = None
    """Of times that have none, such as Europe/Berlin."""
    dark_wakes: Literal["asleep", "awake"] = "asleep"
    """asleep: a maintenance wake of macOS is part of the sleep around it; awake: it ends it."""
    column: str | None = None
    """The column of latencies, where there are several."""
    unit: str | None = None
    """The unit of its numbers: ns, us, ms or s."""
    dates: Literal["day-first", "month-first"] | None = None
    """What comes first in dates of Windows such as 3/2/2026; by default decided from the whole file."""


def fit(
    files: Annotated[tuple[Path, ...], Parameter(negative=())],
    /,
    *,
    law: str = "auto",
    as_trace: bool = False,
    out: Path | None = None,
    picture: Path | None = None,
    json: bool = False,
    reading: Reading | None = None,
) -> None:
    """Read your own logs and write what they show as TOML to paste: sleeps, round trips, renewals.

    Parameters
    ----------
    files
        Logs of one kind: pmset -g log, journalctl -o short-iso, Windows power events, a Prefect log, an access log, or
        a CSV file of latencies.
    law
        auto: the best law by AIC unless the data reject it; or empirical, exponential, lognormal, weibull, pareto.
    as_trace
        Sleeps are replayed as they were instead of fitted.
    out
        File for the TOML; it is printed in any case.
    picture
        File for a picture of data against laws, .png or .svg.
    json
        Print the result as JSON.
    """
    from sim.fitting import fit as fitted

    _refuse_places(out, picture)
    options = asdict(reading or Reading())
    found = fitted(*files, law=law, as_trace=as_trace, **options)  # type: ignore[arg-type]  # checked there, kindly
    written = []
    if picture is not None:
        from sim.report.style import save

        written.append(save(found.plot(), picture))
    if out is not None:
        out.write_text(found.snippet, "utf-8", newline="\n")
        written.append(out)
    if json:
        screen.out_json(found.as_json() | {"written": [path.as_posix() for path in written]})
        return
    screen.out("\n".join(found.lines()))
    screen.out(f"\n{found.snippet}" + "".join(f"\nwritten: {path}" for path in written))


def _refuse_places(out: Path | None, picture: Path | None) -> None:
    """Before anything is read."""
    if out is not None and out.suffix != ".toml":
        raise UsageError(f"--out {out}: the snippet is a .toml file", f"for example {out.stem or 'snippet'}.toml")
    for option, path in (("--out", out), ("--picture", picture)):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{option} {path}: there is no folder '{path.parent}'", f"for example {path.name}")
