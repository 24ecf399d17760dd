"""Prefect in an environment of its own: made once under a cache folder, outside the project's."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

VERSIONS = ("3.4.25", "3.9.1")
PYTHONS = ((3, 11), (3, 13))
"""First and last Python that both versions are known to install on."""
HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"
NEEDS = {"3.4.25": ("importlib_metadata",)}
"""What a version imports without asking for it; it used to come with other packages, and no longer does."""
_INSTALL_S = 900


class Absent(Exception):
    """Prefect cannot be had here; the message is the reason, for a person."""


def cache_folder() -> Path:
    """Where environments are kept: ``LEASESIM_VALIDATION_CACHE``, else under the user's cache folder."""
    if chosen := os.environ.get("LEASESIM_VALIDATION_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leasesim" / "validation"


def python_of(version: str) -> Path:
    """Return the interpreter of the environment of a Prefect version, whether or not it is there."""
    return cache_folder() / f"prefect-{version}" / "bin" / "python"


def ready(version: str) -> bool:
    """Say whether the environment is there and holds that version."""
    return python_of(version).exists() and installed(version) == version


def installed(version: str) -> str | None:
    """Return the version of Prefect in that environment, as the environment itself tells it."""
    ask = "from importlib.metadata import version; print(version('prefect'))"
    done = subprocess.run(
        [python_of(version), "-c", ask], capture_output=True, text=True, check=False, timeout=60, env=plain()
    )
    return done.stdout.strip() if done.returncode == 0 else None


def prepare(version: str) -> Path:
    """Return the interpreter of an environment with that Prefect, made now where it is missing."""
    if sys.platform == "win32":
        raise Absent("this harness stops processes with signals that Windows does not have")
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        here, (first, last) = ".".join(map(str, sys.version_info[:2])), PYTHONS
        raise Absent(f"Python {here}: Prefect {version} is installed here only on {first[0]}.{first[1]} to 3.{last[1]}")
    if ready(version):
        return python_of(version)
    folder = python_of(version).parents[1]
    print(f"Installing Prefect {version} into {folder} (a minute or two, once) ...", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python_of(version)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    pins = HERE / "constraints" / f"prefect-{version}.txt"
    pinned = ["-c", str(pins)] if pins.exists() and sys.version_info[:2] == (3, 11) else []
    try:
        done = subprocess.run(
            [*command, *pinned, f"prefect=={version}", *NEEDS.get(version, ())],
            capture_output=True,
            text=True,
            check=False,
            timeout=_INSTALL_S,
        )
    except subprocess.TimeoutExpired:
        raise Absent(f"Prefect {version} was not installed within {_INSTALL_S} s") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise Absent(f"Prefect {version} could not be installed: {(errors or ['pip said nothing'])[-1]}")
    return python_of(version)


def plain(**settings: str) -> dict[str, str]:
    """Return an environment that inherits nothing of the user's Prefect, sends nothing home and uses no proxy."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "NO_PROXY": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
