"""Starting up is quick: what is heavy is imported when it is first needed, not by `import sim`."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("matplotlib", "pandas", "scipy.stats", "numba")
PROBE = "import json, sys; __import__({module!r}); print(json.dumps(sorted(sys.modules)))"


def imported_by(module: str) -> set[str]:
    """Return the names of all modules in a fresh interpreter that has imported only `module`."""
    command = [sys.executable, "-c", PROBE.format(module=module)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", ["sim", "sim.cli", "sim.testing", "sim.testing.plugin"])
def test_heavy_modules_wait_until_they_are_needed(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not written yet")
    found = imported_by(module) & set(HEAVY)
    assert not found, f"`import {module}` imports {', '.join(sorted(found))}; import inside the function that needs it"


def test_the_probe_sees_a_heavy_import() -> None:
    assert "scipy.stats" in imported_by("scipy.stats")


def test_the_pytest_plugin_costs_other_peoples_tests_nothing() -> None:
    found = imported_by("sim.testing.plugin")
    assert not found & {"numpy", "pydantic", "hypothesis", "cyclopts", "rich"}
    assert {name for name in found if name.startswith("sim.")} == {
        "sim.testing",
        "sim.testing.plugin",
        "sim.testing.session",
    }
