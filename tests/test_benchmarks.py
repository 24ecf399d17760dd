"""The benchmarks run, and what they compare is the same thing. Speed itself is marked `bench`."""

from __future__ import annotations

import math
import statistics

import pytest

pytest.importorskip("numba")

from benchmarks import growth, lease_world, table, timing, worlds
from benchmarks.twin import build
from sim.engines.kernel.compiling import INTERPRETED
from sim.engines.kernel.loop import go_through

needs_gcc = pytest.mark.skipif(build.compiler() is None or INTERPRETED, reason="needs gcc and a compiled kernel")


@pytest.fixture(scope="module")
def in_c(tmp_path_factory):
    return build.twin(tmp_path_factory.mktemp("twin"))


@needs_gcc
def test_c_gives_the_traces_of_the_kernel(in_c) -> None:
    assert lease_world.check(in_c, worlds.busy("1d")) > 10_000


def test_a_missing_compiler_is_a_row(monkeypatch) -> None:
    monkeypatch.setattr(build, "compiler", lambda: None)
    assert "gcc is not installed" in table.show(lease_world.twin_rows(1, 1))


def test_the_exponent_of_a_power() -> None:
    assert math.isclose(growth.exponent([10, 100, 1000], [2 * n**0.3 for n in (10, 100, 1000)]), 0.3)


@pytest.mark.bench
@needs_gcc
def test_numba_keeps_up_with_c(in_c) -> None:
    """Measured: 1.09 (0.70 to 1.14). The gate leaves room for a busy machine."""
    ratios = [
        lease_world.loop_seconds(go_through, worlds.busy("5d"), r)
        / lease_world.loop_seconds(in_c, worlds.busy("5d"), r)
        for r in range(20)
    ]
    assert statistics.median(ratios) < 1.6


@pytest.mark.bench
def test_the_kernel_is_far_faster_than_the_reference() -> None:
    from sim import engines
    from sim.engines import kernel

    world = worlds.busy("2d")
    kernel.simulate(world, 1, 0)
    spent = timing.interleaved(
        3,
        {
            "process": lambda r: engines.run(world, 1, r, engine="process"),
            "kernel": lambda r: [kernel.simulate(world, 1, r) for _ in range(10)],
        },
    )
    assert 10 * timing.ratio(spent["process"], spent["kernel"])[0] > 40
