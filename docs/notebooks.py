"""Run the notebooks on fresh kernels and store what they show: ``python -m docs.notebooks [NAME ...]``.

What changes from run to run without meaning, times and counts of execution, is left out, so that a notebook that shows
the same is the same file. This takes minutes; tests/test_notebooks.py runs the same cells with few replications.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from docs.pages import ROOT

FOLDER = ROOT / "notebooks"
TIMEOUT_S = 600


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook with what its cells show, run in an empty folder."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=TIMEOUT_S, kernel_name="python3", resources=resources, record_timing=False
    )
    client.execute()
    return notebook


def plain(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave out what says nothing, in place: the machine, counts, and words of pictures that nobody sees."""
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": dict(notebook.metadata["kernelspec"]), "language_info": {"name": "python"}}
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [_shown(output) for output in cell.outputs if not _is_noise(output)]
    return notebook


def text(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook as it stands in its file."""
    return str(nbformat.writes(notebook)) + "\n"


def _is_noise(output: Any) -> bool:
    return output.output_type == "stream" and output.name == "stderr"


def _shown(output: Any) -> Any:
    if "execution_count" in output:
        output["execution_count"] = None
    return output


def main(names: list[str]) -> None:
    """Run the notebooks whose names begin like these, all without any."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        if names and not any(path.stem.startswith(name) for name in names):
            continue
        with tempfile.TemporaryDirectory(prefix="leasesim-notebook-") as folder:
            notebook = run(path, Path(folder))
        path.write_text(text(plain(notebook)), "utf-8")
        print(path.relative_to(ROOT), f"{path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
