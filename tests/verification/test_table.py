"""The oracle table leaves nothing out, and its false-alarm rate is what it says."""

from __future__ import annotations

import pytest

from sim import oracles
from tests.verification.checks import LEVEL, ROWS_MAX, Z_MAX, Case, Row, verify
from tests.verification.table import aligned, cells, load_cases, main, summary

LAWS = {"Deterministic", "Erlang", "Exponential", "Lognormal", "Pause", "RenewalCycle", "SummablePause", "Uniform"}
"""What the formulas are about; each stands in some row."""


def row(z: float, exact: bool = False) -> Row:
    return Row("erlang_b", "a world", 0.25, 0.2, 100, z, "seed 1", exact)


def case(*rows: Row) -> Case:
    return Case("1.7", ("erlang_b",), lambda: iter(rows), len(rows), long=False)


def test_every_oracle_is_verified_by_default() -> None:
    verified = {name for each in load_cases() if not each.long for name in each.oracles}
    assert verified == set(oracles.__all__) - LAWS


def test_the_table_has_the_false_alarm_rate_it_states() -> None:
    assert sum(each.count for each in load_cases()) <= ROWS_MAX
    assert pytest.approx(0.01) == ROWS_MAX * LEVEL
    assert pytest.approx(3.89, abs=0.005) == Z_MAX


def test_a_row_that_is_off_fails_and_says_how_to_replay() -> None:
    verify(case(row(3.8)))
    with pytest.raises(AssertionError, match=r"z = -4\.00; replay with: python -m tests\.verification\.table"):
        verify(case(row(-4.0)))
    with pytest.raises(AssertionError, match="does not do what it says"):
        verify(case(Row("erlang_c", "a world", 0.25, 0.2, 100, 0.0, "seed 1")))


def test_the_table_is_aligned() -> None:
    lines = list(aligned([cells(case(), each) for each in (row(1.234), row(0.0, exact=True))]))
    assert len({len(line) for line in lines}) == 1
    assert "+1.23 |" in lines[2]
    assert "exact |" in lines[3]
    assert summary([row(-2.0), row(0.0, exact=True)]).startswith("1 comparisons, largest |z| 2.00.")


def test_the_table_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a_loop_that_gives_up"]) == 0
    assert "`giveup_rate`" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["no_such_case"])
    assert "no case is named no_such_case" in capsys.readouterr().err
