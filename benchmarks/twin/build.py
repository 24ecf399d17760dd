"""Compile the translation with gcc, and run it in the place of the kernel's loop."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.twin.translate import Program

FLAGS: Final = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-shared", "-fPIC")
"""numba never fuses a multiplication and an addition, and its mathematics sets no errno: no more does C here."""

Loop = Callable[[int], None]


def compiler() -> str | None:
    """Return where gcc is, if it is anywhere."""
    return shutil.which("gcc")


def twin(folder: Path, extra: tuple[str, ...] = ()) -> Loop:
    """Return the loop in C; it takes the address of a memory."""
    gcc = compiler()
    assert gcc is not None
    source, library = folder / "kernel.c", folder / f"kernel{''.join(extra)}.so"
    source.write_text(Program("sim.engines.kernel.loop", "go_through").source, "utf-8")
    subprocess.run([gcc, *FLAGS, *extra, str(source), "-o", str(library), "-lm"], check=True)
    run = ctypes.CDLL(str(library)).run
    run.argtypes, run.restype = [ctypes.c_int64], None
    return run  # type: ignore[no-any-return]  # ctypes knows no more than that it is callable
