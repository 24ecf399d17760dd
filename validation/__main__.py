"""The command: ``python -m validation [--version 3.4.25] [--fault sigstop,block] [--trials 3]``."""

from __future__ import annotations

import argparse
import asyncio
import difflib
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from validation import compare, table
from validation.environment import VERSIONS, Absent, prepare
from validation.plan import DEFAULT, FAULTS, batches, plans
from validation.trial import together

AT_ONCE = 8
AT_ONCE_MAX = 24
TRIALS_MAX = 24
GROUP_S = 160
"""A group of trials takes about so long, seconds."""
AGREEMENT, IMPROBABLE, BAD_USE = 0, 1, 2


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m validation",
        description="Start a real Prefect on loopback, inject faults, record what happens, compare with the simulator.",
    )
    parser.add_argument("--version", default=",".join(VERSIONS), help=f"of {', '.join(VERSIONS)}; default: all")
    parser.add_argument("--fault", default=",".join(DEFAULT), help=f"of {', '.join(FAULTS)}; default: %(default)s")
    parser.add_argument("--trials", type=int, default=3, help="for each fault and version; default: %(default)s")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="holders at a time; default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("validation-out"), help="folder; default: %(default)s")
    parser.add_argument("--compare", type=Path, nargs="+", metavar="CSV", help="start nothing: compare recordings")
    return parser


def problems(options: argparse.Namespace) -> list[str]:
    """Return everything wrong with the command line, at once."""
    found = [*_unknown("--version", options.version, VERSIONS), *_unknown("--fault", options.fault, FAULTS)]
    for name, value, most in (("trials", options.trials, TRIALS_MAX), ("at-once", options.at_once, AT_ONCE_MAX)):
        if not 1 <= value <= most:
            found.append(f"--{name} {value}: must be from 1 to {most}")
    found += [f"--compare {path}: no such file" for path in options.compare or () if not path.is_file()]
    return found


def _unknown(option: str, words: str, known: Sequence[str]) -> list[str]:
    found = []
    for word in filter(lambda word: word not in known, words.split(",")):
        near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
        meant = f"; did you mean {near[0]}?" if near else ""
        found.append(f"{option} {word!r}: not one of {', '.join(known)}{meant}")
    return found


def record(version: str, options: argparse.Namespace) -> Path | None:
    """Make the trials of one version, and return the file; None where that version cannot be had."""
    try:
        python = prepare(version)
    except Absent as reason:
        print(f"skipped {version}: {reason}")
        return None
    groups = list(batches(plans(version, options.fault.split(","), options.trials), options.at_once))
    count = sum(map(len, groups))
    minutes = len(groups) * GROUP_S / 60
    print(f"{version}: {count} trials in {len(groups)} groups, about {minutes:.0f} minutes", flush=True)
    rows: list[table.Row] = []
    options.out.mkdir(parents=True, exist_ok=True)
    path: Path = options.out / f"prefect-{version}-{time.strftime('%Y%m%d-%H%M%S')}.csv"
    with tempfile.TemporaryDirectory(prefix="leasesim-validation-", ignore_cleanup_errors=True) as home:
        for number, group in enumerate(groups):
            print(f"  {', '.join(plan.trial for plan in group)}", flush=True)
            rows += asyncio.run(together(python, group, Path(home) / str(number)))
            table.write(path, rows)
    print(f"  wrote {path}")
    return path


def compared(path: Path) -> bool:
    """Print the comparison of a file; true where it is improbable under the predictions."""
    try:
        rows, predictions = table.read(path), compare.predict(path)
    except (ValueError, compare.NoPrediction) as reason:
        print(f"{path} is not compared: {reason}")
        return True
    verdict = compare.judge(rows, predictions)
    print(f"\n{path}\n\n{compare.report(verdict)}")
    return verdict.improbable or not verdict.pairs


def main(words: Sequence[str] | None = None) -> int:
    """Record and compare; 0 agreement (or skipped, with the reason), 1 disagreement, 2 bad use."""
    options = arguments().parse_args(words)
    if found := problems(options):
        print("\n".join(f"error: {one}" for one in found), file=sys.stderr)
        return BAD_USE
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    paths = options.compare
    if paths is None:
        recorded = [record(version, options) for version in dict.fromkeys(options.version.split(","))]
        paths = [path for path in recorded if path is not None]
    failures = [compared(path) for path in paths]
    return IMPROBABLE if any(failures) else AGREEMENT


if __name__ == "__main__":
    sys.exit(main())
