"""Sensitivity: indices as SciPy has them where there is no noise, unbiased where there is, and what a person sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import sim
from sim.cli import main
from sim.errors import UsageError
from sim.sweeps.designs import unit_cube
from sim.sweeps.grid import AxesError
from sim.tuning.indices import Responses, indices_of, saltelli
from sim.tuning.sensing import usual

Array = NDArray[np.float64]
PAUSES = """
duration = "4h"
lease = { ttl = "60s", expiry_check = "timer" }
renewal = { every = 0.5, runs_in = "thread", fence_anchor = "never" }
limit = { slots = 1, poll = "1s" }
runs = { arrivals = { kind = "closed", clients = 1 }, work = "30m" }
faults = [{ what = "pause", whom = "hosts", when = "6/h", length = "20s" }]
"""


def ishigami(shares: Array) -> Array:
    x = (shares * 2 - 1) * np.pi
    return np.asarray(np.sin(x[..., 0]) + 7 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0]))


def design(samples: int) -> Array:
    """A, B and each AB, shape (5, samples, 3)."""
    cube = unit_cube("sobol", 6, samples, 5)
    a, b = cube[:, :3], cube[:, 3:]
    return np.array([a, b, *(np.where(np.arange(3) == at, b, a) for at in range(3))])


def test_indices_without_noise_are_those_of_scipy() -> None:
    values = ishigami(design(256))
    first, total, variance = saltelli(values, values)
    given = {"f_A": values[0][None], "f_B": values[1][None], "f_AB": values[2:, None]}
    theirs = stats.sobol_indices(func=given, n=256)
    assert first / variance == pytest.approx(theirs.first_order)
    assert total / variance == pytest.approx(theirs.total_order)


def test_noise_is_taken_out() -> None:
    """Ishigami's indices are known: 0.314, 0.442, 0 alone, and 0.558, 0.442, 0.244 in all."""
    shares = design(1024)
    rng = np.random.default_rng(3)
    noisy = ishigami(shares)[..., None] + rng.normal(0, 8, (5, 1024, 8))
    found = indices_of(Responses(noisy, np.ones_like(noisy)), 1, 100)
    totals = [each.value for each in found.total]
    assert totals == pytest.approx([0.558, 0.442, 0.244], abs=0.12)
    assert all(each.low <= truth <= each.high for each, truth in zip(found.total, (0.558, 0.442, 0.244), strict=True))
    assert found.noise == pytest.approx(8 / (8 + 13.8), abs=0.06)  # 64 / 8 beside a variance of 13.8
    mean = noisy.mean(axis=2)
    _, total, variance = saltelli(mean, mean)
    assert (total / variance)[2] > 0.4  # what the third key would get if the noise were left in


def test_where_nothing_varies_no_index_is_made_up() -> None:
    rng = np.random.default_rng(4)
    noise = np.broadcast_to(rng.normal(5, 1, (1, 1, 6)), (4, 16, 6))
    found = indices_of(Responses(np.array(noise), np.ones((4, 16, 6))), 1, 50)
    assert found.constant


def test_what_matters_is_found_and_what_does_not() -> None:
    over = {"renewal.every": "0.3..0.9", "faults.pause.when.rate": "2/h..8/h", "limit.poll": ["1s", "2s"]}
    found = sim.sensitivity(sim.loads(PAUSES), over, samples=32, replications=8)
    kills = found.indices["false_terminations_per_lease_hour"]
    by_key = dict(zip(over, kills.total, strict=True))
    assert by_key["renewal.every"].low > by_key["limit.poll"].high
    assert by_key["faults.pause.when.rate"].value > by_key["limit.poll"].value
    assert by_key["limit.poll"].value < 0.05
    assert "renewal.every" in found.sentence("false_terminations_per_lease_hour")
    assert "of the faults, faults.pause.when.rate" in found.sentence("false_terminations_per_lease_hour")


def test_the_same_numbers_whoever_computes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    over = {"renewal.every": "0.3..0.9", "lease.ttl": "1m..3m"}
    kept: dict[str, Any] = {"samples": 8, "replications": 4}
    one = sim.sensitivity(sim.loads(PAUSES), over, jobs=1, **kept, out="x").as_json()
    other = sim.sensitivity(sim.loads(PAUSES), over, jobs=3, **kept).as_json()
    again = sim.sensitivity(sim.loads(PAUSES), over, **kept, out="x").as_json()
    assert one["metrics"] == other["metrics"] == again["metrics"]
    assert again["computed"] == 0


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(PAUSES, "utf-8")
    words = ["sensitivity", "small.toml", "--over", "renewal.every=0.3..0.9", "--samples", "8", "--reps", "4"]
    assert main([*words, "--out", "x", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [Path(path).name for path in told["written"]] == ["sensitivity.json", "influence.png"]
    assert told["metrics"]["false_terminations_per_lease_hour"]["keys"]["renewal.every"]["total"]["value"] > 0.5
    assert main(["sensitivity", "small.toml", "--over", "lease.tll=1m..2m", "--metric", "kills", "--samples", "9"]) == 2
    wrong = capfd.readouterr().err
    for part in (
        "did you mean 'lease.ttl'?",
        "no metric is named 'kills'",
        "samples must be a power of two",
        "3 errors",
    ):
        assert part in wrong


def test_samples_with_a_refused_setting_are_left_out_and_counted() -> None:
    """A renewDeadline must be below the leaseDuration: where ranges overlap, some pairs cannot be."""
    world = sim.load("kubernetes-leader-election").with_({"faults": "cloud-vm", "duration": "2h"})
    over = {"lease.ttl": "10s..30s", "renewal.fence_after": "8s..16s"}
    found = sim.sensitivity(world, over, samples=16, replications=4)
    assert 0 < found.left_out < 9
    assert found.samples == 16 - found.left_out
    assert found.refusals.count >= found.left_out
    assert f"{found.left_out} of 16 samples are left out" in repr(found)
    assert "lease.ttl > renewal.fence_after" in repr(found)
    assert (found.as_json()["left_out"], found.as_json()["refused"]) == (found.left_out, found.refusals.count)


def test_a_space_with_refused_settings() -> None:
    over = {"lease.books": "leases,counter", "lease.release_fallback": ["true", "false"]}
    with pytest.raises(UsageError, match=r"settings are refused, 6 by: .* needs lease.books"):
        sim.sensitivity(sim.loads(PAUSES), over, samples=8)
    with pytest.raises(AxesError, match="at least 4"):
        sim.sensitivity(sim.loads(PAUSES), over, replications=2)


def test_what_a_system_has_one_setting_for_is_turned_as_one() -> None:
    assert usual(sim.load("kubernetes-leader-election"))["renewal.every"] == "1s..4s/log"
    assert list(usual(sim.load("redisson"))) == ["lease.ttl"]
    assert usual(sim.load("etcd"))["renewal.every"] == "0.2..0.95"


def test_what_is_varied_where_nothing_is_named() -> None:
    over = usual(sim.load("laptop-own-server"))
    assert over["lease.ttl"] == "2m30s..10m/log"
    assert over["faults.sleep.when.rate"] == "0.2/h..0.8/h/log"
    assert over["faults.blocked_loop.length.median"] == "10s..40s/log"
