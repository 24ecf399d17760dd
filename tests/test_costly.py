"""What is legal and makes a replication slow is warned of, with the place, the value and the rule."""

from __future__ import annotations

import pytest

from sim.model.load import loads, warnings_of


@pytest.mark.parametrize(("good", "told"), [("9ms", True), ("1s", False)])
def test_bursts_whose_spells_take_minutes_to_draw_are_warned_of(good: str, told: bool) -> None:
    """A million of them take the readable engine a quarter of a minute."""
    text = f'duration = "2h"\nhosts.count = 1\n[network.bursts]\nmean_good = "{good}"\nmean_bad = "1ns"\n'
    found = warnings_of(loads(text, "x.toml"))
    assert len(found) == told
    for warning in found:
        assert (warning.path, warning.severity, warning.line) == ("network.bursts", "warning", 3)
        assert "9ms and 1ns on average, about 1,599,999 of them in 2h" in warning.message
        assert "network.loss_up" in str(warning)
