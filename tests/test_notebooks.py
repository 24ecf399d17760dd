"""The notebooks run from top to bottom, with few replications, and are committed without their outputs.

Their first cells read the environment variables LEASESIM_REPS, LEASESIM_JOBS and LEASESIM_DURATION, set here to little.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASESIM_REPS", "2")
    monkeypatch.setenv("LEASESIM_JOBS", "1")
    monkeypatch.setenv("LEASESIM_DURATION", "1d")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    assert_shown(notebook)


def assert_shown(notebook: nbformat.NotebookNode) -> None:
    """Every cell that ends with a picture shows one, every cell that ends with a result a table."""
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        data = [output.data for output in cell.outputs if "data" in output]
        last = cell.source.splitlines()[-1]
        if "plot_" in cell.source or "charts." in last:
            assert any("image/png" in each for each in data), f"no picture: {cell.source}"
        elif last.isidentifier():
            assert any("text/html" in each for each in data), f"no table: {cell.source}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [], f"{path.name} has outputs: strip them"
            assert cell.execution_count is None, f"{path.name} has execution counts: strip them"
    assert path.read_text("utf-8") == nbformat.writes(notebook) + "\n", f"{path.name} is not as nbformat writes it"
