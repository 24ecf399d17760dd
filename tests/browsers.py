"""A real Chromium for the tests that look at pages, where one can be had; every request that it makes is remembered.

`make browser` installs what is needed. Elsewhere these tests are skipped, and say what is missing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def installed() -> str | None:
    """Return the path of a browser: of LEASESIM_BROWSER, of the system, or the one that Playwright downloaded."""
    named = os.environ.get("LEASESIM_BROWSER")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    return next((str(path) for path in sorted(home.glob("chromium-*/chrome-*/chrome"))), None)


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


@contextmanager
def browser() -> Iterator[Any]:
    """Start a browser; skip the test where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make browser")
    path = installed()
    if path is None:
        pytest.skip("there is no Chromium here: make browser installs one")
    with api.sync_playwright() as playwright:
        # In a container root has no sandbox, and /dev/shm is small.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield started
        finally:
            started.close()


def visit(browser: Any, url: str, **options: Any) -> Visit:
    """Open a page in a fresh profile."""
    context = browser.new_context(viewport={"width": 1100, "height": 900}, accept_downloads=True, **options)
    visit = Visit(context.new_page()).watch()
    visit.page.goto(url)
    return visit


def violations(page: Any) -> list[str]:
    """Return what axe-core finds wrong for people who see, hear or move otherwise: rule, weight, first element."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: make browser")
    found = axe.Axe().run(page).response["violations"]
    return [f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:160]}" for each in found]
