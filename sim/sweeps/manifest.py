"""What a sweep's folder says it holds, and whether another sweep may go on with it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sim.errors import UsageError

MANIFEST: Final = "manifest.json"
LAYOUT: Final = 3
_KINDS: Final[Mapping[str, type]] = {
    "scenario": dict, "sha256": str, "axes": dict, "seed": int, "replications": int, "engine": str, "version": str,
    "versions": dict, "name": str, "named": bool, "overrides": dict,
}  # fmt: skip
"""What a manifest has to say before anything is read by it."""
_REMEDY: Final = "--fresh starts again in that folder, another --out leaves it alone"
_SAME: Final = (("seed", "another seed"), ("engine", "another engine"), ("version", "another version of leasesim"))


def read(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder; UsageError where it has none that can be read."""
    path = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        known = found["layout"] == LAYOUT
    except FileNotFoundError:
        raise UsageError(
            f"'{folder}' is no folder of a sweep: it has no {MANIFEST}", "a sweep with --out makes one"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"cannot read '{path}'", "give --out another folder") from None
    if not known:
        raise UsageError(f"'{folder}' was written by another version of leasesim", _REMEDY)
    odd = [key for key, kind in _KINDS.items() if not isinstance(found.get(key), kind)]
    if odd:
        raise UsageError(f"cannot read '{path}': there is no {odd[0]} in it that means anything", _REMEDY)
    return found


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
        raise UsageError(f"'{folder}' was made from {difference}", _REMEDY)


def refuse_foreign(folder: Path) -> None:
    """Refuse to start afresh where the manifest is something else's, such as a web page's; any version's will do."""
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or "layout" not in found:
        raise UsageError(f"'{path}' is not a sweep's", "give --out another folder")


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
