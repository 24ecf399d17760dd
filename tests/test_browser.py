"""Report and live page in a real Chromium: by mouse, keyboard and link, light and dark; no request leaves home."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.pages import moments
from sim.sweeps import Sweep
from tests.browsers import Visit, browser, violations, visit

ROOT = Path(__file__).resolve().parents[1]
TOML = """
title = "<script>alert('x')</script>"
duration = "2h"
lease.ttl = "2m"
runs.work = { kind = "exponential", mean = "20m" }
runs.arrivals = { kind = "closed", clients = 2 }
[[faults]]
what = "sleep"
when = "2/h"
length = { kind = "exponential", mean = "3m" }
"""
AXES = {"lease.ttl": ["1m", "2m", "8m"], "renewal.every": ["0.25", "0.75"]}
SOON_MS = 60_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


# ---------------------------------------------------------------------- the report


@pytest.fixture(scope="module")
def swept() -> Sweep:
    return sim.sweep(sim.loads(TOML), AXES, 4, engine="process")


@pytest.fixture(scope="module")
def report(swept: Sweep, tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(moments, "MOMENTS", 1)
        return Path(sim.report_html(swept, tmp_path_factory.mktemp("report") / "report.html")).as_uri()


def keys_of_column(tab: Any, column: int) -> list[float]:
    script = "(rows, column) => rows.map(row => row.cells[column].dataset.key)"
    return [float(key) for key in tab.locator("table.sorts tbody tr").evaluate_all(script, column)]


def test_nobody_is_kept_from_reading_the_report(chromium: Any, report: str) -> None:
    seen = visit(chromium, report)
    assert seen.page.title().startswith("<script>alert('x')</script>")
    assert seen.page.locator("img").evaluate_all("all => all.every(i => i.naturalWidth > 100)")
    for scheme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=scheme)
        assert violations(seen.page) == []
    assert seen.hosts == set()
    assert seen.complaints == []


def test_the_report_sorts_and_downloads(chromium: Any, report: str, swept: Sweep) -> None:
    tab = visit(chromium, report).page
    name = tab.get_by_role("button", name="false terminations [1/lease-h]")
    head = tab.locator("table.sorts th[aria-sort]", has=name)
    for turn, order in (("ascending", 1), ("descending", -1)):
        name.focus()
        tab.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == turn
        assert tab.evaluate("document.activeElement.textContent") == name.text_content()
        keys = keys_of_column(tab, 3)
        assert keys == sorted(keys, reverse=order < 0)
        assert len(keys) == len(swept)
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download as CSV").click()
    assert Path(download.value.path()).read_text("utf-8") == swept.to_csv()


def test_the_heat_maps_are_walked_with_the_arrow_keys(chromium: Any, report: str) -> None:
    tab = visit(chromium, report).page
    first = tab.locator("table.heat td.cell").first
    first.focus()
    assert first.locator(".hint").bounding_box()["width"] > 100
    tab.keyboard.press("Escape")
    assert not first.locator(".hint").is_visible()
    tab.keyboard.press("ArrowRight")
    second = tab.evaluate("document.activeElement.innerText")
    assert second == tab.locator("table.heat td.cell").nth(1).inner_text()


def test_on_paper_the_report_is_light_and_has_nothing_to_press(chromium: Any, report: str) -> None:
    tab = visit(chromium, report, color_scheme="dark").page
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    picture = "getComputedStyle(document.querySelector('img')).filter"
    assert (tab.evaluate(ground), tab.evaluate(picture)) == ("rgb(22, 24, 26)", "invert(0.91) hue-rotate(180deg)")
    tab.emulate_media(media="print", color_scheme="dark")
    assert (tab.evaluate(ground), tab.evaluate(picture)) == ("rgb(255, 255, 255)", "none")
    for control in ("Download as CSV", "Copy", "Skip to the answer", "Trade-off"):
        assert not tab.get_by_text(control, exact=True).first.is_visible()
    assert tab.locator("table.sorts tbody tr").first.is_visible()


@pytest.mark.parametrize("width", [1100, 360])
def test_a_wide_heat_map_scrolls_by_itself(chromium: Any, tmp_path: Path, width: int) -> None:
    axes = {"lease.ttl": [f"{minutes}m" for minutes in range(1, 16)], "renewal.every": ["0.25", "0.75"]}
    short = sim.loads(TOML).with_({"duration": "10m", "faults": []})
    tab = visit(chromium, Path(sim.report_html(sim.sweep(short, axes, 1), tmp_path / "wide.html")).as_uri()).page
    tab.set_viewport_size({"width": width, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    last = tab.locator("table.heat tbody tr").nth(1).locator("td.cell").last
    last.focus()
    assert last.locator(".hint").bounding_box()["height"] > 30
    assert violations(tab) == []
    tab.set_viewport_size({"width": 720, "height": 1000})  # of a sheet of paper
    tab.emulate_media(media="print")
    assert tab.evaluate("document.documentElement.scrollWidth") == 720


def test_tab_leads_through_the_report_from_the_top(chromium: Any, report: str) -> None:
    tab = visit(chromium, report).page
    stops = []
    for _ in range(3):
        tab.keyboard.press("Tab")
        stops.append(tab.evaluate("document.activeElement.textContent"))
    assert stops == ["Skip to the answer", "Trade-off", "Heat maps"]
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "answer"


# ---------------------------------------------------------------------- the live page


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a scenario, served by the command."""
    pytest.importorskip("panel", reason="panel is not installed: pip install 'leasesim[explore]'")
    path = tmp_path_factory.mktemp("mine") / "mine.toml"
    path.write_text(TOML, "utf-8")
    with serving(str(path), "--engine", "process") as found:
        yield found


@contextmanager
def serving(*words: str) -> Iterator[str]:
    command = [sys.executable, "-m", "sim.cli", "explore", *words, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        try:
            assert found
            yield found.group()
        finally:
            process.terminate()


def status(address: str, path: str, **headers: str) -> int:
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_only_this_machine_by_its_own_name_is_served(address: str) -> None:
    shake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    shake["Sec-WebSocket-Key"] = "AAAAAAAAAAAAAAAAAAAAAA=="
    port = address.rstrip("/").rpartition(":")[2]
    assert status(address, "/") == 200
    assert status(address, "/ws", Origin=address.rstrip("/"), **shake) == 101
    for name in ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}"):
        assert status(address, "/", Host=name) == 403
        assert status(address, "/ws", Origin=f"http://{name}", **shake) == 403


def body(address: str, path: str) -> str:
    """What a request without a browser is answered."""
    try:
        with urllib.request.urlopen(address + path.lstrip("/"), timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.read().decode()


def test_the_page_has_a_main_part(address: str) -> None:
    inside = re.search(r'<main id="main">(.*)</main>', body(address, "/"), re.DOTALL)
    assert inside
    assert "data-root-id" in inside[1]


def test_a_link_with_more_settings_than_can_be_is_refused_in_words(address: str) -> None:
    link = "/?" + "&".join(f"k{number}=1" for number in range(1001))
    assert status(address, link) == 400
    told = body(address, link)
    assert told.startswith("This address cannot be read: Invalid query string")
    assert told.endswith(f"or begin anew: {address}\n")
    assert "<main" in body(address, "/?lease.ttl=5m")


LAST = "64 replications."


def opened(chromium: Any, address: str, until: str = LAST, **options: Any) -> Visit:
    seen = visit(chromium, address, **options)
    seen.page.get_by_text(until).wait_for(timeout=SOON_MS)
    return seen


def numbers(tab: Any) -> str:
    return str(tab.locator("table").first.inner_text())


def test_a_slider_moves_the_numbers_and_the_link_restores_them(chromium: Any, address: str) -> None:
    seen = opened(chromium, address)
    tab, before = seen.page, numbers(seen.page)
    ttl = tab.get_by_role("slider", name="Lease duration (ttl)")
    assert ttl.get_attribute("aria-valuetext") == "2m"
    ttl.focus()
    tab.keyboard.press("ArrowRight")
    tab.get_by_text("Turning this changes").wait_for(timeout=SOON_MS)
    tab.get_by_text(LAST).wait_for(timeout=SOON_MS)
    after = numbers(tab)
    assert ttl.get_attribute("aria-valuetext") == "3m"
    assert after != before
    assert tab.url == f"{address}?lease.ttl=3m"
    tab.reload()
    tab.get_by_text(LAST).wait_for(timeout=SOON_MS)
    assert numbers(tab) == after
    with tab.expect_download() as download:
        tab.get_by_text("Download as TOML").click()
    assert 'ttl = "3m"' in Path(download.value.path()).read_text("utf-8")
    assert seen.hosts == {address.split("/")[2]}
    assert seen.complaints == []


def test_the_live_page_fits_a_narrow_window(chromium: Any, address: str) -> None:
    tab = opened(chromium, f"{address}?lease.ttl=never", until="The worst replication").page
    tab.set_viewport_size({"width": 400, "height": 900})
    tab.wait_for_timeout(500)
    knob, table = (tab.locator(name).first.bounding_box() for name in ("input[type=range]", "table"))
    assert table["y"] > knob["y"] + knob["height"], "what is shown stands below the knobs"
    assert table["width"] > 300
    assert tab.get_by_text("The worst replication").bounding_box()["width"] > 300
    assert tab.get_by_text("Ignored: lease.ttl cannot be 'never'").bounding_box()["y"] < knob["y"]


def test_settings_that_contradict_each_other_leave_nothing_of_before(chromium: Any) -> None:
    with serving("kubernetes-leader-election", "--faults", "laptop", "--duration", "4h") as address:
        tab = opened(chromium, address, until="The worst replication").page
        tab.get_by_alt_text("Timeline").wait_for(timeout=SOON_MS)
        ttl = tab.get_by_role("slider", name="Lease duration (ttl)")
        ttl.focus()
        tab.keyboard.press("ArrowLeft")
        tab.get_by_text("lease.ttl (10s) and renewal.fence_after (10s) break the rule").wait_for(timeout=SOON_MS)
        tab.get_by_text("The worst replication").wait_for(state="detached", timeout=SOON_MS)
        assert tab.locator("table").count() == 0
        ttl.focus()
        tab.keyboard.press("ArrowRight")
        tab.get_by_text("The worst replication").wait_for(timeout=SOON_MS)


def test_nobody_is_kept_from_exploring(chromium: Any, address: str) -> None:
    tab = opened(chromium, address, until="The worst replication", color_scheme="light").page
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 24, 26)")):
        tab.emulate_media(color_scheme=scheme)
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        assert violations(tab) == []


# ---------------------------------------------------------------------- how soon

TURN = """
async (slider, choice) => {
  const shadows = function* (root) {
    for (const { shadowRoot: inner } of root.querySelectorAll("*")) if (inner) { yield inner; yield* shadows(inner); }
  };
  const shown = [...shadows(document)].find(root => root.querySelector("[data-state]"));
  const state = () => shown.querySelector("[data-state]").dataset.state, old = state(), start = performance.now();
  slider.value = choice;
  slider.dispatchEvent(new Event("input"));
  while (state() === old) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}
"""
"""Turn a slider; return the milliseconds until the first numbers of the new state are shown."""


@pytest.mark.bench
def test_the_first_numbers_come_within_300_ms(chromium: Any) -> None:
    """Settings that were not looked at before, each turned to while the last one is still being refined."""
    with serving("laptop-own-server") as address:
        tab = opened(chromium, address).page
        ttl, every = [tab.get_by_role("slider", name=name) for name in ("Lease duration (ttl)", "Renew every")]
        took: list[float] = []
        for share in range(6):
            took += [every.evaluate(TURN, share)]
            for choice in range(8, 14):
                tab.wait_for_timeout(250)
                took += [ttl.evaluate(TURN, choice)]
    took.sort()
    middle, late = took[len(took) // 2], took[int(0.95 * len(took))]
    print(f"\nfrom turn to numbers: median {middle:.0f} ms, 95 % {late:.0f}, most {took[-1]:.0f}, n = {len(took)}")
    assert late < 300
