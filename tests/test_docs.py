"""What the pages show is run, made short: every command, every Python block, every scenario; and links lead somewhere.

``make long`` runs the same blocks in full and compares what they print (docs/record.py).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

import sim
from docs import generate, record
from docs.pages import ROOT, Block, Command, blocks, kept, pages, served
from sim.cli import main
from sim.model.load import loads
from sim.units import parse_duration

PAGES = pages()
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
LANGUAGES = ("console", "python", "toml", "text", "sh")
SIMULATING = (
    "run",
    "compare",
    "compare-systems",
    "sweep",
    "explain",
    "remedies",
    "diagnose",
    "occupancy",
    "frontier",
    "tune",
    "sensitivity",
)
LESS = {
    "explore": {"--port": "0", "--engine": "process", "--duration": "1h"},
    "tune": {"--jobs": "1", "--budget": "4", "--reps": "4", "--confirm": "4"},
    "sensitivity": {"--samples": "8", "--reps": "4"},
}
"""What makes a command short where the length of the scenario stays."""
SHORT = "6h"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
IMAGE_BYTES_MAX = 400_000
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PRIVATE = re.compile(r"/work/|/tmp/|/home/|/root/|\.\./shared")


@pytest.fixture
def no_explanations() -> Iterator[None]:
    """Let Hypothesis find and shrink what a page shows, but not explain it line by line, which takes long."""
    before = settings.get_current_profile_name()
    settings.register_profile("pages", phases=(Phase.explicit, Phase.generate, Phase.shrink))
    settings.load_profile("pages")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("no_explanations")
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_what_a_page_shows_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shorten(monkeypatch)
    namespace: dict[str, Any] = {}
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block.where}: write a language, one of {', '.join(LANGUAGES)}"
        if "skip" in block.notes:
            assert block.notes["skip"], f"{block.where}: say why it is skipped"
            is_in_the_code(block)
        elif block.language == "python":
            record.python(block, namespace)
        elif block.language == "toml":
            record.write_toml(block, tmp_path)
            if "save" not in block.notes:
                loads(block.text)
        elif block.language == "console":
            for command in block.commands:
                run(block, command)
        else:
            assert block.language == "text", f"{block.where}: a shell block that is run is called console"


def is_in_the_code(block: Block) -> None:
    """An excerpt stands in the file that it is from."""
    _, excerpt, path = block.notes["skip"].partition("an excerpt from ")
    if excerpt:
        wanted = [line.strip() for line in block.text.splitlines()]
        there = [line.strip() for line in (ROOT / path).read_text("utf-8").splitlines()]
        places = range(len(there) - len(wanted) + 1)
        assert any(there[at : at + len(wanted)] == wanted for at in places), f"{block.where}: {path} differs"


def run(block: Block, command: Command) -> None:
    """Run a command in this process, made short; compare what it prints where nothing is simulated."""
    words = command.words
    assert words[0] == "leasesim", f"{block.where}: only leasesim is run here; skip: ..."
    if "until" in block.notes and command == block.commands[-1]:
        served([sys.executable, "-m", "sim.cli", *short(words[1:])], block.notes["until"], env=ENVIRONMENT)
        return
    expected = int(block.notes.get("exit", "0")) if command == block.commands[-1] else 0
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = main(short(words[1:]))
    undecided = words[1] == "tune" and code == 1  # made short, it may confirm no setting
    assert code == expected or undecided, f"{block.where}: {command.text}\n{printed.getvalue()}"
    if command.target:
        Path(command.target).write_text(printed.getvalue(), "utf-8")
    elif words[1] not in SIMULATING or code == 2:
        lines = [line.rstrip() for line in printed.getvalue().splitlines()]
        shown = kept(lines, block.notes.get("keep"))
        assert list(command.output) == shown, f"{block.where}: it prints something else now; python -m docs.record"


def short(words: list[str]) -> list[str]:
    """Return a command that simulates the same thing, only less of it."""
    if words[0] not in (*SIMULATING, *LESS):
        return words
    options = dict(LESS.get(words[0], {"--duration": SHORT}))
    if words[0] not in ("diagnose", "occupancy", *LESS):
        options["--jobs"] = "1"
    if words[0] not in ("explain", "occupancy", "frontier", *LESS) or "--worst" in words:
        options["--reps"] = "2"
    kept_words = [
        word for at, word in enumerate(words) if word not in options and (at == 0 or words[at - 1] not in options)
    ]
    return [*kept_words, *(word for option in options.items() for word in option)]


def shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the functions that simulate do the same thing, only less of it."""

    def less(function: Callable[..., Any], scenarios: int, **changes: Any) -> Callable[..., Any]:
        def shortened(*given: Any, **options: Any) -> Any:
            chosen = [shorter(scenario) for scenario in given[:scenarios]]
            return function(*chosen, *given[scenarios:], **{**options, **changes})

        return shortened

    small = {"replications": 2, "jobs": 1}
    monkeypatch.setattr(sim, "run", less(sim.run, 1))
    monkeypatch.setattr(sim, "replicate", less(sim.replicate, 1, **small, precision=None))
    monkeypatch.setattr(sim, "compare", less(sim.compare, 2, **small))
    monkeypatch.setattr(sim, "sweep", less(sim.sweep, 1, **small))


def shorter(scenario: sim.Scenario | str) -> sim.Scenario:
    """Return a scenario that is over soon."""
    found = sim.load(scenario) if isinstance(scenario, str) else scenario
    return found if found.duration <= parse_duration(SHORT) else found.with_({"duration": SHORT})


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in LINK.findall(prose):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}: there is no such heading"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", generate.PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    page = generate.FOLDER / name
    assert page.read_text("utf-8") == generate.rendered(name), f"{name} is out of date: python -m docs.generate"


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    lists = (index, index.parent / "explanation" / "systems.md")
    linked = {(page.parent / link).resolve() for page in lists for link in LINK.findall(page.read_text("utf-8"))}
    there = {path.resolve() for path in index.parent.rglob("*.md")} - {index.resolve()}
    assert there <= linked, f"not in docs/README.md: {sorted(path.name for path in there - linked)}"


def test_pictures_are_small_and_shown() -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES)
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size < IMAGE_BYTES_MAX, f"{picture.name} is too large"
        assert picture.name in text, f"no page shows {picture.name}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_names_no_machine(page: Path) -> None:
    assert not PRIVATE.search(page.read_text("utf-8")), f"{page.name} names a path of somebody's machine"


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_what_a_page_prints_is_what_is_printed(page: Path) -> None:
    new, pictures = record.recorded(page)
    assert page.read_text("utf-8") == new, f"python -m docs.record {page.relative_to(ROOT)}"
    for made, place in pictures:
        assert made.read_bytes() == place.read_bytes(), f"{place.name}: python -m docs.record"
