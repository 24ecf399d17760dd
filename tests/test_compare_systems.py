"""Systems under the same fault mixes: each cell is what its own command gives, and zeros come with their bounds."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import sim
from sim.cli import main
from sim.errors import UsageError
from sim.report import charts
from sim.report.style import png
from sim.results.origins import difference
from sim.sweeps.systems import INCIDENTS, SystemsCompared

NAMES = ("etcd", "redisson")
MIXES = ("calm", "flaky-network")


@pytest.fixture(scope="module")
def compared() -> SystemsCompared:
    return sim.compare_systems(NAMES, MIXES, replications=3)


def test_a_cell_is_what_a_run_of_it_gives(compared: SystemsCompared) -> None:
    assert list(compared.cells) == [(name, mix) for name in NAMES for mix in MIXES]
    for (name, mix), cell in compared.cells.items():
        alone = sim.replicate(sim.load(name).with_({"faults": mix}), replications=3)
        assert cell.tallies == alone.tallies
        assert cell.provenance.sha256 == alone.provenance.sha256
        assert cell.provenance.overrides == {"faults": mix}
        assert cell.provenance.name == name


def test_one_name_is_as_good_as_a_list_of_one() -> None:
    one = sim.compare_systems("etcd", "calm", replications=1)
    assert list(one.cells) == [("etcd", "calm")]


def test_a_redisson_holder_works_on_and_an_etcd_session_ends(compared: SystemsCompared) -> None:
    etcd, redisson = (compared.cells[name, "flaky-network"].metrics for name in NAMES)
    assert redisson["false_terminations_per_lease_hour"].value == 0
    over = "over_allocation_slot_seconds_per_hour"
    assert redisson[over].low > 100 * etcd[over].high


def test_what_follows_a_change_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """In Python under the tables, on the command line there or, beside JSON, on stderr; nothing where nothing does."""
    told = "consul: http.connect_timeout = 1m, http.read_timeout = 1m follow, as in consul; what is given itself stays"
    names, changes = ("etcd", "consul"), {"lease.ttl": "60s", "duration": "1h"}
    result = sim.compare_systems(names, MIXES, 1, changes=changes)
    assert result.followed == [told]
    assert repr(result).count(f"note: {told}") == result._repr_html_().count(f"note: {told}") == 1
    assert "follow" not in repr(sim.compare_systems(names, "calm", 1, changes={"duration": "1h"}))
    typed = ["compare-systems", *names, "--faults", "calm", "--reps", "1", "--lease.ttl", "60s", "--duration", "1h"]
    assert main(typed) == 0
    assert f"note: {told}" in capsys.readouterr().out
    assert main([*typed, "--json"]) == 0
    out, err = capsys.readouterr()
    assert f"note: {told}" in err
    assert set(json.loads(out)) == set(names)


def test_zeros_show_what_they_bound(compared: SystemsCompared) -> None:
    calm = compared.cells["etcd", "calm"].metrics
    text = compared.table().text()
    assert f"none (< {calm['false_terminations_per_lease_hour'].high:.4f})" in text
    over = compared.table("over_allocation_slot_seconds_per_hour").text()
    assert f"none (< {calm[INCIDENTS].high:.4f})" in over
    assert "3 replications, 72 simulated hours, seed 1" in over
    assert "incidents per hour" in over
    with pytest.raises(UsageError, match="has no table here"):
        compared.table("queue_wait_seconds")


def test_the_frame_and_the_picture(compared: SystemsCompared) -> None:
    frame = compared.to_pandas()
    assert len(frame) == len(NAMES) * len(MIXES) * 3
    assert set(frame.columns) == {"system", "faults", "metric", "unit", "estimate", "low", "high", "n"}
    first, second = charts.systems_map(frame), charts.systems_map(frame)
    assert png(first) == png(second)
    titles = [ax.get_title(loc="left") for ax in first.axes]
    assert titles == ["False terminations  [1/lease-h]", "Over-allocation  [slot-s/h]"]
    labels = [label.get_text() for label in first.axes[0].get_yticklabels()]
    assert labels == ["redisson", "etcd"]  # drawn from below, so read from above in order
    written = [text.get_text() for text in first.axes[1].texts]
    assert written.count("0 seen") == 2


def test_changes_hold_in_every_cell() -> None:
    found = sim.compare_systems(("etcd",), ("calm", "laptop"), replications=1, changes={"duration": "2h"})
    assert {cell.scenario.duration for cell in found.cells.values()} == {2 * 3600 * 10**9}
    assert found.cells["etcd", "laptop"].provenance.overrides == {"faults": "laptop", "duration": "2h"}


@pytest.mark.parametrize(
    ("names", "mixes", "told"),
    [
        (("etc",), (), "did you mean 'etcd'"),
        (("etcd", "etcd"), (), "given twice"),
        (("etcd",), ("lptop",), "did you mean 'laptop'"),
        (("etcd",), ("calm", "calm"), "given twice"),
    ],
)
def test_wrong_names_are_told(names: tuple[str, ...], mixes: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        sim.compare_systems(names, mixes, replications=1)
    assert told in str(caught.value)


def test_a_mix_is_named_where_a_scenario_is_asked_for_again() -> None:
    base = sim.load("kafka")
    assert difference(base, base.with_({"faults": "laptop"})) == {"faults": "laptop"}
    changed = base.with_({"faults": "laptop", "faults.sleep.when.rate": "2/h", "lease.ttl": "30s"})
    assert difference(base, changed) == {"faults": "laptop", "faults.sleep.when.rate": "2.0/h", "lease.ttl": "30s"}
    assert difference(base, base.with_({"lease.ttl": "30s"})) == {"lease.ttl": "30s"}
    assert difference(sim.load("leader-election"), sim.load("leader-election").with_({"faults": "calm"})) == {
        "faults": "calm"
    }


# ---------------------------------------------------------------------- on the command line


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "compare-systems etcd redisson --faults calm,laptop --reps 1 --duration 3h --jobs 1"
    assert main([*words.split(), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert "redisson" in printed.out
    assert "over-allocation, slot-s/h" in printed.out
    assert "systems.png" in printed.err
    with (tmp_path / "out" / "systems.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["system"], row["faults"]) for row in rows} == {
        (name, mix) for name in NAMES for mix in ("calm", "laptop")
    }
    assert (tmp_path / "out" / "systems.png").stat().st_size > 5000
    assert main([*words.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["etcd"]["laptop"]["provenance"]["overrides"] == {"faults": "laptop", "duration": "3h"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("check etcd --lease.ttl 1s", ["lease.ttl", "(1s)", "lease.ttl >= 2s", "server/etcdserver/server.go"]),
        (
            "run kubernetes-leader-election --renewal.fence_after 16s",
            ["lease.ttl (15s)", "renewal.fence_after (16s)", "NewLeaderElector", "refuses"],
        ),
        ("check etcd --faults lptop", ["did you mean 'laptop'"]),
        ("list systms", ["systems"]),
        ("compare-systems etcd --reps auto", ["a comparison needs a number"]),
        ("compare-systems etcd --faults calm --reps 1 --lease.ttl 1s", ["lease.ttl >= 2s"]),
    ],
)
def test_wrong_input_is_told_and_not_simulated(words: str, told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    for text in told:
        assert text in printed.err


def test_the_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "systems"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in sim.systems())
    assert main(["list", "systems", "--json"]) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert set(found) == set(sim.systems())
    assert (found["consul"]["ttl_s"], found["consul"]["expiry_grace_s"]) == (15.0, 15.0)
    assert found["redisson"]["fence_after_s"] is None
    assert "lease.ttl >= 10s" in found["consul"]["rules"]
    assert main(["list", "faults"]) == 0
    assert "restart 0.125/h" in capsys.readouterr().out
    assert main(["list", "faults", "--json"]) == 0
    assert [mix["name"] for mix in json.loads(capsys.readouterr().out)] == list(sim.mixes())
    assert main(["show", "etcd"]) == 0
    assert 'extends = "plain-world"' in capsys.readouterr().out
