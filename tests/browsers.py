"""A real Chromium for the tests that look at pages; every request that it makes is remembered, and none leaves home.

`python -m tests.browsers` prints which one that is. Where there is none, these tests are skipped and say how to get it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",  # in a container root has none, and /dev/shm is small
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def installed() -> str | None:
    """Return the path of a browser: of LEASESIM_BROWSER, of the system, or the one that Playwright downloaded."""
    named = os.environ.get("LEASESIM_BROWSER")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    mac = Path.home() / "Library" / "Caches" / "ms-playwright"
    places = [*home.glob("chromium-*/chrome-*/chrome"), *mac.glob("chromium-*/chrome-mac*/*.app/Contents/MacOS/*")]
    return next((str(path) for path in sorted(places)), None)


@dataclass
class Visit:
    """A page, and what happened behind it."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What the console said and what scripts raised."""

    def watch(self) -> Visit:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return self

    @property
    def hosts(self) -> set[str]:
        """Whom it asked, with ports; a file and what stands in the page itself are nobody."""
        return {re.sub(r"^(blob:)?\w+://([^/]*).*", r"\2", url) for url in self.requests if "://" in url} - {""}


@contextmanager
def browser() -> Iterator[Any]:
    """Start a browser with an empty profile; skip the test where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[test]'")
    path = installed()
    if path is None:
        pytest.skip("there is no Chromium on this machine: `make browser` installs one")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield started
        finally:
            started.close()


def visit(browser: Any, url: str, **options: Any) -> Visit:
    """Open a page with a profile of its own."""
    context = browser.new_context(viewport={"width": 1100, "height": 900}, accept_downloads=True, **options)
    visit = Visit(context.new_page()).watch()
    visit.page.goto(url)
    return visit


def violations(page: Any) -> list[str]:
    """Return what axe-core finds wrong for people who see, hear or move otherwise: rule, weight, first element."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: .[test]")
    found = axe.Axe().run(page).response["violations"]
    return [f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:160]}" for each in found]


if __name__ == "__main__":
    found = installed()
    print(found or "there is no Chromium on this machine: `make browser` installs one")
    sys.exit(found is None)
