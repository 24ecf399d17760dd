"""Nominal 95 % intervals hold the truth in 93 to 97 of 100 studies; exact ones in 93 or more."""

from __future__ import annotations

import pytest

from tests.verification.coverage import KINDS, TRIALS, Kind, coverage, within

NAMES = [f"{kind.name}, {kind.data}" for kind in KINDS]


@pytest.mark.verification
@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_coverage_roughly(kind: Kind) -> None:
    assert within(kind, coverage(kind, 1500), slack=0.02)


@pytest.mark.long
@pytest.mark.verification
@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_coverage(kind: Kind) -> None:
    assert within(kind, coverage(kind, TRIALS))
