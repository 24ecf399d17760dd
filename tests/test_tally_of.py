"""A tally without a trace: the same with each engine, and without numba."""

from __future__ import annotations

import pytest

import sim
from sim import engines
from sim.engines import kernel
from sim.errors import UsageError
from sim.metrics import measure, tally_of
from sim.model.load import load

SCENARIO = load("laptop-own-server").with_({"duration": "2d"})
GONE = (False, "The compiled engine needs numba, which cannot be imported: gone.")


@pytest.mark.parametrize("engine", ["process", "auto"])
def test_a_tally_is_that_of_the_trace(engine: str) -> None:
    assert tally_of(SCENARIO, 3, 1, engine) == measure(engines.run(SCENARIO, 3, 1, "process"), SCENARIO)


def test_without_numba_the_results_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_numba = sim.replicate(SCENARIO, 2)
    monkeypatch.setattr(kernel, "available", lambda: GONE)
    without = sim.replicate(SCENARIO, 2)
    assert without.tallies == with_numba.tallies
    assert without.as_json() == with_numba.as_json()
    assert repr(without) == repr(with_numba)
    with pytest.raises(UsageError, match="needs numba"):
        tally_of(SCENARIO, 1, 0, "kernel")
    with pytest.raises(UsageError, match="needs numba"):
        engines.stream(SCENARIO, 1, 0, print)


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown engine 'fast'"):
        tally_of(SCENARIO, 1, 0, "fast")
