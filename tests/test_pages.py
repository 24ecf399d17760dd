"""The report: what it says is what the result says, whatever the scenario is called, and it needs no network."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import itertools
import json
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import sim
from sim.cli import main
from sim.errors import UsageError
from sim.pages import heat, making, moments, reproducing, rows, verdict
from sim.results.measures import FALSE_TERMINATIONS, OVER_ALLOCATION
from sim.results.provenance import version
from sim.stats import Estimate
from sim.story.assumptions import assumptions
from sim.sweeps import Sweep

TOML = """
title = "<script>alert('x')</script> & \\"quotes\\""
about = "</script><img src=x onerror=alert(1)>"
duration = "12h"
lease.ttl = "2m"
runs.work = { kind = "exponential", mean = "20m" }
runs.arrivals = { kind = "closed", clients = 2 }
[[faults]]
what = "sleep"
when = "2/h"
length = { kind = "exponential", mean = "3m" }
"""
AXES = {"lease.ttl": ["1m", "2m", "8m"], "renewal.every": ["0.25", "0.75"]}
REPS = 4
VOID = {"meta", "img", "br", "input", "link", "hr"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sweeps") / "swept"
    sim.sweep(sim.loads(TOML), AXES, REPS, engine="process", out=out)
    return out


@pytest.fixture(scope="module")
def swept(folder: Path) -> Sweep:
    return sim.open(folder)


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    text = sim.report_html(folder)
    assert isinstance(text, str)
    return text


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words only: drawing takes most of the time."""
    monkeypatch.setattr(moments, "_drawn", lambda _: "data:,")


class Outline(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


# ---------------------------------------------------------------------- the file


def test_a_page_is_well_formed_and_points_nowhere_outside(page: str, outline: Outline) -> None:
    assert not outline.open
    assert len(outline.ids) == len(set(outline.ids))
    for tag, attributes in outline.tags:
        for name in ("href", "src", "action", "srcset", "data", "poster"):
            target = attributes.get(name)
            assert target is None or target.startswith(("#", "data:")), (tag, target)
            if target and target.startswith("#"):
                assert target[1:] in outline.ids
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
    assert "@import" not in page
    assert "url(" not in page


def test_what_a_scenario_says_is_text(page: str, outline: Outline) -> None:
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert len(outline.all("script")) == 1
    assert "<script>alert('x')</script> & \"quotes\"" in outline.text
    assert "</script><img src=x onerror=alert(1)>" in outline.text


def test_the_policy_lets_only_the_page_s_own_script_and_style_act(page: str, outline: Outline) -> None:
    policy = next(m["content"] for m in outline.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for tag in ("script", "style"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_equal_results_give_equal_bytes(folder: Path, page: str, tmp_path: Path) -> None:
    script = "import sys, sim; sim.report_html(sys.argv[1], sys.argv[2])"
    subprocess.run(
        [sys.executable, "-c", script, folder, tmp_path / "x.html"], check=True, cwd=Path(__file__).parents[1]
    )
    assert (tmp_path / "x.html").read_bytes() == page.encode()


def test_a_page_says_nothing_of_where_it_was_made(page: str, folder: Path) -> None:
    assert str(folder.parent) not in page
    assert str(Path.home()) + "/" not in page


# ---------------------------------------------------------------------- what it says


def test_the_download_is_the_table_of_the_result(outline: Outline, swept: Sweep) -> None:
    (link,) = [a for a in outline.all("a") if "download" in a]
    kind, _, content = str(link["href"]).partition(",")
    assert kind == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(content).decode() == swept.to_csv()
    assert len(list(csv.reader(io.StringIO(swept.to_csv())))) > len(swept) * 2


def test_every_setting_stands_in_the_table_and_in_both_maps(swept: Sweep, outline: Outline) -> None:
    settings = rows.rows_of(swept)
    assert [row.values for row in settings] == [point.values for point in swept.points]
    assert [row.label for row in settings if row.today] == ["lease.ttl 2m, renewal.every 0.75"]
    maps = heat.heat_maps(settings)
    assert [(m.x, m.y, len(m.columns), len(m.lines)) for m in maps] == [("lease.ttl", "renewal.every", 3, 2)] * 2
    for metric, drawn in zip((FALSE_TERMINATIONS, OVER_ALLOCATION), maps, strict=True):
        for x, column in enumerate(drawn.columns):
            for y, line in enumerate(drawn.lines):
                cell, point = drawn.cells[y][x], swept.point(**{"lease.ttl": column, "renewal.every": line})
                assert cell is not None
                estimate = point.metrics[metric]
                assert cell.hint == f"lease.ttl {column}, renewal.every {line}: {heat.in_full(estimate)}" + (
                    "; today's setting" if cell.today else ""
                )
                assert cell.hint in outline.text
    assert sum("cell" in str(td.get("class")).split() for td in outline.all("td")) == 2 * len(swept)


def test_darker_is_worse() -> None:
    shade = heat._shades([0.0, 1.0, 10.0, 100.0])
    assert [shade(v) for v in (0.0, 1.0, 10.0, 100.0, float("nan"))] == [0, 0, 4, 7, 0]
    near = heat._shades([3.0, 4.0])
    assert near(3.0) < near(4.0) == heat.SHADES - 1


def test_tables_are_fit_for_a_screen_reader(outline: Outline) -> None:
    assert all(th.get("scope") in ("col", "row", "colgroup") for th in outline.all("th"))
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert all(len(str(img.get("alt"))) > 40 for img in outline.all("img"))
    assert outline.all("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_worst_moments_are_told_and_can_be_replayed(swept: Sweep, outline: Outline) -> None:
    settings = rows.rows_of(swept)
    chosen = list(moments._chosen(swept, settings))
    assert len(chosen) == moments.MOMENTS
    assert chosen[0][0].today
    for row, at, _ in chosen:
        replications = swept.point(row.index)
        worst = max(t.false_terminations for t in replications.tallies)
        assert replications.tallies[at].false_terminations == worst
        run = replications.replay(at)
        for sentence in run.story(next(iter(run.terminations), None)).splitlines():
            assert " ".join(sentence.split()) in outline.text
        replay = rows.replications_of(swept, row.index).provenance.replay(at)
        assert " ".join(replay.split()) in outline.text


# ---------------------------------------------------------------------- the verdict


def estimate(value: float, half: float = 0.01) -> Estimate:
    return Estimate(value, value - half, value + half, "1/h", 20, "made up", 0.95)


def row(index: int, kills: float, excess: float, today: bool = False) -> rows.Row:
    found = {FALSE_TERMINATIONS: estimate(kills), OVER_ALLOCATION: estimate(excess)}
    return rows.Row(index, {"lease.ttl": f"{index}m"}, found, today)


@pytest.mark.parametrize(
    ("kills", "excess", "start"),
    [
        (-0.5, -0.1, "Better than today's setting: lease.ttl 2m, with 2.00 times fewer false terminations and no more"),
        (-0.5, +0.3, "2.00 times fewer false terminations than today's setting has lease.ttl 2m, at the price of more"),
        (+0.3, -0.5, "Less over-allocation than today's setting has lease.ttl 2m, with more false terminations."),
        (-0.005, -0.5, "Less over-allocation than today's setting has lease.ttl 2m, with no more false termin"),
        (-0.005, 0.005, "Nothing tried is shown to be better than today's setting"),
    ],
)
def test_the_first_sentence_claims_what_the_differences_show(kills: float, excess: float, start: str) -> None:
    today, other = row(1, 1.0, 1.0, today=True), row(2, 0.5, 0.5)
    said = list(verdict._compared(today, [verdict.Rival(other, estimate(kills), estimate(excess))], 2))
    assert said[0].startswith(start)


def test_differences_are_widened_for_all_comparisons_together(swept: Sweep) -> None:
    settings = rows.rows_of(swept)
    today = next(row for row in settings if row.today)
    other = next(row for row in settings if not row.today)
    (once,), (often,) = (verdict._rivals(swept, today, [other], count) for count in (1, 10))
    assert once.kills.value == often.kills.value
    assert often.kills.high - often.kills.low > once.kills.high - once.kills.low


def test_without_today_s_setting_equals_are_not_ranked(swept: Sweep) -> None:
    said = verdict.verdict(swept, [row(0, 0.1, 5), row(1, 0.1, 9), row(2, 0.4, 5), row(3, 0.4, 6)])
    assert said[0] == "The scenario's own setting is not among the 4: they are compared with each other only."
    assert said[1].startswith("Fewest false terminations at lease.ttl 0m (and 1 other, all the same): ")
    quiet = [row(index, 0, 0) for index in range(3)]
    assert verdict.verdict(swept, quiet)[1] == "Nothing went wrong at any of them, so none is shown to be better."


def test_nothing_seen_is_said_with_its_bound() -> None:
    calm = sim.replicate(sim.loads('duration = "2h"'), 3, engine="process")
    said = verdict.verdict(calm, rows.rows_of(calm))
    assert said[0] == "No healthy run was killed, and never did more runs execute than there are slots."
    assert re.search(
        r"false terminations: none seen, which only shows a rate below \S+ 1/lease-h \(95 %, n = 3\)", said[1]
    )
    assert "over-allocation: none seen, which gives no upper bound (n = 3)" in said[1]
    text = str(sim.report_html(calm))
    assert "Nothing went wrong in any replication" in text
    assert 'class="heat"' not in text


@pytest.mark.parametrize("name", sim.names())
def test_assumptions_name_every_fault(name: str) -> None:
    scenario = sim.load(name)
    said = "\n".join(assumptions(scenario))
    assert all(f"Fault '{fault.name}': " in said for fault in scenario.faults)
    assert not re.search(r"\b(None|nan|inf|Constant|kind=)\b", said)


# ---------------------------------------------------------------------- reproducing


@pytest.mark.parametrize(
    "options",
    [{}, {"design": "list"}, {"design": "sobol:5"}, {"refine": f"{FALSE_TERMINATIONS}<=0.5", "budget": 7}],
    ids=str,
)
def test_the_command_lays_out_the_same_points(options: dict[str, object], tmp_path: Path) -> None:
    axes = {
        "lease.ttl": "1m..8m/log" if options.get("design") == "sobol:5" else ["1m", "8m"],
        "renewal.every": [0.25, 0.5],
    }
    (tmp_path / "mine.toml").write_text(TOML.replace('"12h"', '"2h"') + "\n[limit]\nslots = 1\n", "utf-8")
    first = sim.sweep(tmp_path / "mine.toml", axes, 1, engine="process", out=tmp_path / "a", **options)  # type: ignore[arg-type]  # parametrised
    words = shlex.split(reproducing.commands(making._without_folders(first))[1])
    assert words[:3] == ["leasesim", "sweep", "mine.toml"]
    words[2], words[-1] = str(tmp_path / "mine.toml"), str(tmp_path / "b")
    assert main([*words[1:], "--jobs", "1"]) == 0
    again = sim.open(tmp_path / "b")
    assert again.to_csv() == first.to_csv()


def test_the_report_says_how_to_install_what_is_on_no_index(page: str) -> None:
    text = Outline(page).text
    assert "pip install '.[fast]'" in text
    assert f"the folder of the source of leasesim {version()}" in " ".join(text.split())
    assert "leasesim==" not in page
    assert "[fast]==" not in page


# ---------------------------------------------------------------------- what can be wrong


def cut(folder: Path, into: Path, keep: int) -> Path:
    """A copy of a sweep's folder that was interrupted after `keep` points."""
    import shutil

    import pyarrow.parquet as pq

    from sim.sweeps import manifest, parts

    shutil.copytree(folder, into)
    owner = manifest.fingerprint(manifest.read(into))
    (path,) = parts.listed(into / "parts")
    table = pq.read_table(path)
    path.unlink()
    parts.filed(into / "parts", parts.LOOSE, parts.table_bytes(table.slice(0, keep * REPS)), owner)
    return into


@pytest.mark.usefixtures("undrawn")
def test_an_unfinished_sweep_says_what_is_missing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half = cut(folder, tmp_path / "half", 4)
    assert main(["report", str(half), "--out", str(tmp_path / "r.html")]) == 0
    said = capsys.readouterr()
    assert "2 of 6 points are not simulated yet" in said.err
    text = Outline((tmp_path / "r.html").read_text("utf-8")).text
    assert "This sweep is not finished: 2 of 6 settings are missing." in text


@pytest.mark.usefixtures("undrawn")
def test_failed_points_are_listed_with_their_replay(folder: Path, tmp_path: Path) -> None:
    half = cut(folder, tmp_path / "half", 5)
    record = {
        "index": 5,
        "values": {"lease.ttl": "8m", "renewal.every": "0.75"},
        "rep": 2,
        "error": "<b>Oops</b>",
        "detail": "",
    }
    (half / "failures.jsonl").write_text(json.dumps(record) + "\n", "utf-8")
    text = Outline(str(sim.report_html(half))).text
    assert "1 of 6 settings failed and are left out." in text
    assert "lease.ttl 8m, renewal.every 0.75, replication 2: <b>Oops</b>" in text
    assert "--rep 2" in text
    assert "not finished" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{empty}"], "is no folder of a sweep: it has no manifest.json"),
        (["{folder}/manifest.json"], "is a part of a sweep's folder\n  hint: give the folder: {folder}"),
        (["{folder}", "--reps", "3"], "--reps 3: '{folder}' is a sweep that was simulated already"),
        (["{folder}", "--lease.ttl", "3m"], "--lease.ttl: '{folder}' is a sweep that was simulated already"),
        (["{folder}", "--out", "{empty}"], "--out {empty}: that is a folder"),
        (["{folder}", "--out", "{empty}/no/r.html"], "there is no folder '{empty}/no'"),
        (["{folder}", "--out", "page.pdf"], "the report is an HTML page\n  hint: name it so: --out page.html"),
        ([""], "report of what?"),
        (["no-such/"], "there is no folder 'no-such' of a sweep"),
        (["laptop-own-servr"], "did you mean 'laptop-own-server'?"),
        (["no-faults", "--reps", "auto"], "--reps auto: a report needs a number"),
    ],
)
def test_what_cannot_be_reported_is_told(
    words: list[str], said: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"empty": str(tmp_path), "folder": str(folder)}
    words = [word.format(**places) for word in words]
    if "--out" not in words:
        words += ["--out", str(tmp_path / "r.html")]
    assert main(["report", *words]) == 2
    assert said.format(**places) in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


def test_a_sweep_without_a_whole_point_is_no_report(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no setting has all its replications"):
        sim.report_html(cut(folder, tmp_path / "none", 0))


def test_a_scenario_is_simulated_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "r.html"
    words = [
        "no-faults",
        "--duration",
        "2h",
        "--reps",
        "2",
        "--vary",
        "lease.ttl=1m,5m",
        "--engine",
        "process",
        "--jobs",
        "1",
    ]
    assert main(["report", *words, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"  report: {out}\n"
    text = Outline(out.read_text("utf-8")).text
    assert "2 settings, each 2 replications" in text
    assert "leasesim sweep no-faults --duration 2h --vary lease.ttl=1m,5m --reps 2 --seed 1 --engine process" in text
