"""The same live page in a notebook: a kernel of its own, a knob that is turned from a cell."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = (
    "import sim\npage = sim.explore(sim.load('restart-memory').with_({'duration': '2h'}), engine='process')\npage",
    "page.sliders['lease.ttl'].value = '1h'",
    """
import asyncio
while "lease.ttl=1h" not in page.numbers.object or not page.story.object:
    await asyncio.sleep(0.05)
print(page.answer.replications > 0, page.state.query())
""",
)


def test_the_page_shows_in_a_notebook_and_follows_its_knobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("panel", reason="panel is not installed: pip install 'leasesim[explore]'")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    shown, _, waited = [cell.outputs for cell in notebook.cells]
    page = next(o.data["text/html"] for o in shown if "Lease duration (ttl)" in o.get("data", {}).get("text/html", ""))
    assert "false terminations" in page
    assert not any("cdn" in str(output.get("data", {}).get("text/html", "")) for output in shown)
    assert [output.text for output in waited] == ["True ?lease.ttl=1h\n"]
