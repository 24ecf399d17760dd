"""Take the pictures of report and live page that the documentation shows: ``python -m docs.screenshots``.

A real Chromium is needed (`make browser`). The pictures are reduced to 64 colours, which keeps them small and readable.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

import sim
from docs.pages import ROOT
from tests.browsers import browser, visit

IMAGES = ROOT / "docs" / "images"
COLOURS = 64
HEIGHT = 900
SOON_MS = 120_000


def report(chromium: Any) -> None:
    """Show the beginning of a report on the reported case."""
    axes = {"lease.ttl": ["2m", "5m", "10m", "20m"], "renewal.every": [0.25, 0.5, 0.75, 0.9]}
    with tempfile.TemporaryDirectory() as folder:
        page = Path(sim.report_html(sim.sweep("laptop-own-server", axes, 20), Path(folder) / "report.html"))
        take(visit(chromium, page.as_uri()).page, "report.png", HEIGHT + 600)


def explorer(chromium: Any) -> None:
    """Show the live page with a longer ttl, beside another scenario."""
    command = [sys.executable, "-m", "sim.cli", "explore", "laptop-own-server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        address = next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
        try:
            tab = visit(chromium, f"{address}?lease.ttl=20m&against=laptop-remote-server").page
            tab.get_by_text("64 replications.").wait_for(timeout=SOON_MS)
            tab.get_by_text("The worst replication").wait_for(timeout=SOON_MS)
            tab.get_by_alt_text("Timeline").wait_for(timeout=SOON_MS)
            tab.wait_for_timeout(3000)  # a last timeline may replace the first
            take(tab, "explorer.png", HEIGHT + 350)
        finally:
            server.terminate()


def take(tab: Any, name: str, height: int) -> None:
    """Save the top of a page."""
    target = IMAGES / name
    tab.set_viewport_size({"width": 1100, "height": height})
    tab.wait_for_timeout(500)
    tab.screenshot(path=target)
    with Image.open(target) as whole:
        whole.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Take both."""
    with browser() as chromium:
        report(chromium)
        explorer(chromium)


if __name__ == "__main__":
    main()
