"""Print the oracle table: ``python -m tests.verification.table [--long] [CASE ...]``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from tests.verification.checks import CASES, LEVEL, Z_MAX, Case, Row

HEAD = ("theory", "oracle", "world", "expected", "simulated", "n", "z")


def load_cases() -> list[Case]:
    """All cases, in the order of the theory."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        import_module(f"tests.verification.{path.stem}")
    return sorted(CASES.values(), key=lambda case: case.section)


def cells(case: Case, row: Row) -> tuple[str, ...]:
    """One line of the table, cell by cell."""
    z = ("exact" if row.ok else "BROKEN") if row.exact else f"{row.z:+.2f}"
    numbers = (f"{row.expected:.5g}", f"{row.simulated:.5g}", f"{row.n}", z)
    return (case.section, f"`{row.oracle}`", row.what, *numbers)


def aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The lines as a Markdown table that reads well as text, too."""
    widths = [max(map(len, column)) for column in zip(HEAD, *lines, strict=True)]
    rule = tuple("-" * width if place < 3 else "-" * (width - 1) + ":" for place, width in enumerate(widths))
    for line in (HEAD, rule, *lines):
        padded = (
            cell.ljust(width) if place < 3 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield f"| {' | '.join(padded)} |"


def summary(rows: Iterable[Row]) -> str:
    """What the table says in one sentence."""
    compared = [row for row in rows if not row.exact]
    largest = max((abs(row.z) for row in compared), default=0.0)
    return (
        f"{len(compared)} comparisons, largest |z| {largest:.2f}. A row fails beyond {Z_MAX:.2f}: a false-alarm rate "
        f"of {LEVEL:g} a row and at most {len(compared) * LEVEL:.2%} for the table."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if a row is off."""
    parser = argparse.ArgumentParser(prog="python -m tests.verification.table", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only these (default: all)")
    parser.add_argument("--long", action="store_true", help="also the cases that take long")
    parser.add_argument("--times", action="store_true", help="say on stderr what each case takes")
    options = parser.parse_args(arguments)
    cases = load_cases()
    if unknown := set(options.cases) - {each.name for each in cases}:
        parser.error(f"no case is named {', '.join(sorted(unknown))}")
    chosen = [
        each for each in cases if (each.name in options.cases if options.cases else options.long or not each.long)
    ]
    lines, rows = [], []
    for each in chosen:
        began = time.process_time()
        found = each.run()
        rows += found
        lines += [cells(each, row) for row in found]
        if options.times:
            print(f"{time.process_time() - began:6.2f} s  {each.name}", file=sys.stderr)
    print("\n".join(aligned(lines)))
    print(f"\n{summary(rows)}")
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
