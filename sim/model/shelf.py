"""What comes along with the package: scenarios, systems (scenarios too) and fault mixes, each a TOML file by name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sim.errors import UsageError, nearest

SYSTEMS: Final = "systems"
FAULTS: Final = "faults"


def folder() -> Path:
    """The folder of what comes along: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_scenarios"
    return inside if inside.is_dir() else package.parent / "scenarios"


def names() -> tuple[str, ...]:
    """Return the names of the packaged scenarios, sorted; the systems have names of their own (`systems`)."""
    return _stems(folder())


def systems() -> tuple[str, ...]:
    """Return the names of the packaged systems, sorted: fault-free scenarios, all in one plain world."""
    return _stems(folder() / SYSTEMS)


def mixes() -> tuple[str, ...]:
    """Return the names of the packaged fault mixes, sorted."""
    return _stems(folder() / FAULTS)


def _stems(place: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in place.glob("*.toml")))


def path_of(name: str) -> Path:
    """Return the file of a packaged scenario or system; `UsageError` names the nearest where there is none."""
    if name in names():
        return folder() / f"{name}.toml"
    if name in systems():
        return folder() / SYSTEMS / f"{name}.toml"
    near = nearest(name, (*names(), *systems()))
    if near is None and len(name) < 200 and "\0" not in name and Path(f"{name}.toml").is_file():
        raise UsageError(f"no scenario is named '{name}'", f"for the file here write '{name}.toml'")
    meant = f"did you mean '{near}'? " if near else ""
    raise UsageError(f"no scenario is named '{name}'", f"{meant}see: leasesim list")


def mix_path(name: str) -> Path:
    """Return the file of a packaged fault mix."""
    if name in mixes():
        return folder() / FAULTS / f"{name}.toml"
    near = nearest(name, mixes())
    meant = f"did you mean '{near}'? " if near else ""
    raise UsageError(f"no fault mix is named '{name}'", f"{meant}there are: {', '.join(mixes())}")
