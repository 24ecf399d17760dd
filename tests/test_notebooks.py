"""The notebooks run from top to bottom on fresh kernels, with few replications; what they show is stored in them.

Their first cells read the environment variables LEASESIM_REPS, LEASESIM_JOBS and LEASESIM_DURATION, set here to little.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from docs import notebooks

NOTEBOOKS = sorted(notebooks.FOLDER.glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASESIM_REPS", "2")
    monkeypatch.setenv("LEASESIM_JOBS", "1")
    monkeypatch.setenv("LEASESIM_DURATION", "1d")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    assert_shown(notebooks.run(path, tmp_path))


def assert_shown(notebook: nbformat.NotebookNode) -> None:
    """Every cell that ends with a picture shows one, every cell that ends with a result a table."""
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        data = [output.data for output in cell.outputs if "data" in output]
        last = cell.source.splitlines()[-1]
        if "plot_" in last or "charts." in last or last.endswith(".plot()") or last == "plt.show()":
            assert any("image/png" in each for each in data), f"no picture: {cell.source}"
        elif last.isidentifier():
            assert any("text/html" in each for each in data), f"no table: {cell.source}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_what_a_notebook_shows_is_stored_in_it(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert_shown(notebook)
    stored = notebooks.text(notebooks.plain(notebook))
    assert path.read_text("utf-8") == stored, f"{path.name}: python -m docs.notebooks {path.stem}"
