"""What a sweep's folder says it holds, and whether another sweep may go on with it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sim.errors import UsageError
from sim.results.provenance import sha256_of
from sim.sweeps import parts

MANIFEST: Final = "manifest.json"
PARTS: Final = "parts"
RESULTS: Final = "results.csv"
CHARTS: Final = ("heatmaps", "curves", "tradeoff", "causes")
"""Each a picture of that name."""
MADE: Final = (RESULTS, *(f"{name}.png" for name in CHARTS))
"""What is made of a sweep when it has ended."""
LAYOUT: Final = 3
REPLICATIONS_MAX: Final = 10_000_000
_KINDS: Final[Mapping[str, type]] = {
    "scenario": dict, "sha256": str, "axes": dict, "seed": int, "replications": int, "engine": str, "version": str,
    "versions": dict, "name": str, "named": bool, "overrides": dict,
}  # fmt: skip
"""What a manifest has to say before anything is read by it."""
REMEDY: Final = "--fresh starts again in that folder, another --out leaves it alone"
_MENDS: Final = "the command that made the folder, given again, writes the file anew and keeps what was simulated"
_SAME: Final = (("seed", "another seed"), ("engine", "another engine"), ("version", "another version of leasesim"))


class Damaged(UsageError):
    """A manifest that is not there, or not as it was written; whole parts can still tell whose they are."""


def read(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder; UsageError where it has none that can be read, `Damaged` where it had one."""
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        if parts.listed(folder / PARTS):
            raise Damaged(f"'{folder}' has {PARTS} of a sweep and no {MANIFEST}", _MENDS) from None
        raise UsageError(
            f"'{folder}' is no folder of a sweep: it has no {MANIFEST}", "a sweep with --out makes one"
        ) from None
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror or error}", "give --out another folder") from None
    found = _parsed(path, raw)
    if found["layout"] != LAYOUT:
        raise UsageError(f"'{folder}' was written by another version of leasesim", REMEDY)
    odd = [key for key, kind in _KINDS.items() if not isinstance(found.get(key), kind)]
    if odd:
        raise Damaged(f"cannot read '{path}': there is no {odd[0]} in it that means anything", _MENDS)
    if not 1 <= found["replications"] <= REPLICATIONS_MAX:
        raise Damaged(f"cannot read '{path}': replications = {found['replications']}", _MENDS)
    _refuse_changed(path, found)
    return found


def _refuse_changed(path: Path, found: Mapping[str, Any]) -> None:
    if sha256_of(found["scenario"]) != found["sha256"]:
        raise Damaged(f"'{path}' was changed: the scenario in it is not the one that its sha256 is of", _MENDS)
    if fingerprint(found) != found.get("fingerprint"):
        what = ", ".join(key for key, _ in _SAME)
        raise Damaged(f"'{path}' was changed: its sha256, axes, {what} do not give its fingerprint", _MENDS)


def _parsed(path: Path, raw: bytes) -> dict[str, Any]:
    """Return the table that the bytes spell; `Damaged` says where they stop doing so."""
    try:
        text = raw.decode("utf-8")
        found = json.loads(text)
    except UnicodeDecodeError:
        why = "it is no text"
    except RecursionError:
        why = "it is no table"
    except json.JSONDecodeError as error:
        torn = text.strip() and (error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"))
        where = f"breaks off in line {error.lineno}" if torn else f"is no JSON at line {error.lineno}: {error.msg}"
        why = f"it {where}, after {len(raw):,} bytes" if torn else f"it {where}" if text.strip() else "it is empty"
    else:
        if isinstance(found, dict) and "layout" in found:
            return found
        why = "it is no table" if not isinstance(found, dict) else "it does not say its layout"
    raise Damaged(f"cannot read '{path}': {why}", _MENDS)


def text(manifest: Mapping[str, Any]) -> str:
    """Return the manifest as it is written."""
    whole = {"layout": LAYOUT, "fingerprint": fingerprint(manifest), **manifest, "environment": environment()}
    return json.dumps(whole, indent=1) + "\n"


def environment() -> dict[str, str]:
    """Return what computes, without saying whose it is."""
    libc = " ".join(platform.libc_ver()).strip()
    return {"system": platform.system(), "machine": platform.machine(), "libc": libc or "unknown"}


def refuse_another(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse to go on in a folder that holds other results than these would be."""
    difference = first_difference(read(folder), manifest)
    if difference:
        raise UsageError(f"'{folder}' was made from {difference}", REMEDY)


def refuse_foreign(folder: Path) -> None:
    """Refuse to start afresh where the manifest is something else's, such as a web page's; any version's will do."""
    path = folder / MANIFEST
    try:
        _parsed(path, path.read_bytes())
    except (Damaged, OSError):
        if not parts.listed(folder / PARTS):  # beside a sweep's parts it is a sweep's, whatever became of it
            raise UsageError(f"'{path}' is not a sweep's", "give --out another folder") from None


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """Return one word for what has to agree before results may be shared."""
    what = [manifest["sha256"], list(manifest["axes"]), *(manifest[key] for key, _ in _SAME)]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def first_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Return what makes two manifests two sweeps, in words, or None where results can be shared."""
    scenario = _first_unequal(old["scenario"], new["scenario"])
    if scenario:
        return f"another scenario ({scenario})"
    if list(old["axes"]) != list(new["axes"]):
        return f"other axes ({', '.join(old['axes'])} -> {', '.join(new['axes'])})"
    for key, word in _SAME:
        if old[key] != new[key]:
            return f"{word} ({old[key]} -> {new[key]})"
    return None


def _first_unequal(old: object, new: object, path: str = "") -> str | None:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**new, **old}:
            found = _first_unequal(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
            if found and path + str(key) not in ("title", "about", "system"):
                return found
        return None
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next((found for at, (a, b) in pairs if (found := _first_unequal(a, b, f"{path}[{at}]"))), None)
    return None if old == new else f"{path}: {_short(old)} -> {_short(new)}"


def _short(value: object) -> str:
    short = value if isinstance(value, str) else json.dumps(value)
    return short if len(short) <= 40 else f"{short[:37]}..."
