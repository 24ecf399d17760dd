"""For test suites: service levels as assertions, baselines, and strategies that generate scenarios.

    from sim.testing import assert_slo

    def test_a_laptop_keeps_its_runs():
        assert_slo("laptop-remote-server", "false_terminations_per_lease_hour <= 0.1")

The pytest plugin (`sim.testing.plugin`) loads by itself where leasesim is installed. What is heavy is imported when it
is first used; the strategies need Hypothesis: the extra `testing`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.results.goals import Goal
    from sim.testing.asserting import assert_slo
    from sim.testing.baselines import assert_no_worse_than
    from sim.testing.judging import Judgement, Verdict, judge
    from sim.testing.strategies import fault_schedules, scenarios

_HOME = {
    "Goal": "sim.results.goals",
    "Judgement": "sim.testing.judging",
    "Verdict": "sim.testing.judging",
    "assert_no_worse_than": "sim.testing.baselines",
    "assert_slo": "sim.testing.asserting",
    "fault_schedules": "sim.testing.strategies",
    "judge": "sim.testing.judging",
    "scenarios": "sim.testing.strategies",
}

__all__ = [
    "Goal",
    "Judgement",
    "Verdict",
    "assert_no_worse_than",
    "assert_slo",
    "fault_schedules",
    "judge",
    "scenarios",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'sim.testing' has no attribute '{name}'")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
