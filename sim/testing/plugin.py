"""The pytest plugin: options, a marker, fixtures, and a section of the summary that lists every service level.

It is loaded in every pytest run of an environment that has leasesim, so that nothing is imported at the top but pytest
itself, and nothing is said unless something was asked for.
"""

from __future__ import annotations

import inspect
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from sim.testing.session import BASELINES, BUDGET, SEED, Session, begin, end, session

if TYPE_CHECKING:
    from sim.results import Replications
    from sim.testing.baselines import Baselines

MARKER: Final = "lease_slo"
_PROPERTY: Final = "lease_slo"
_SESSION: Final = pytest.StashKey[Session]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and their counterparts in the ini file."""
    group = parser.getgroup("leasesim", "leasesim: service levels of leases")
    group.addoption(
        "--lease-seed",
        help="seed of simulations, or `random` for a new one each session (never in CI); "
        f"ini: lease_seed, default {SEED}",
    )
    group.addoption("--lease-budget", help=f"replications a check may take; ini: lease_budget, default {BUDGET}")
    group.addoption("--lease-update", action="store_true", help="write baselines anew instead of comparing with them")
    parser.addini("lease_seed", "seed of simulations, or random", default=str(SEED))
    parser.addini("lease_budget", "replications a check may take", default=str(BUDGET))
    parser.addini("lease_baselines", f"file of baselines, default {BASELINES}", default=BASELINES)


def pytest_configure(config: pytest.Config) -> None:
    """Begin a session."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(scenario, *slos, confidence=0.99, budget=None): the test fails unless every service level holds; "
        "see sim.testing.assert_slo",
    )
    new = Session(
        seed=_seed(config),
        budget=_number(config, "lease_budget", least=1),
        baselines=config.rootpath / Path(config.getini("lease_baselines")),
        update=bool(config.getoption("lease_update")),
    )
    config.stash[_SESSION] = new
    begin(new)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the session."""
    if _SESSION in config.stash:
        end(config.stash[_SESSION])


def in_ci() -> bool:
    """Whether tests run where nobody watches: the variable CI is set, as on all common services."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def _seed(config: pytest.Config) -> int:
    """Return the session's seed; workers of pytest-xdist take the one that was drawn for all."""
    handed: Mapping[str, Any] = getattr(config, "workerinput", {})
    if "lease_seed" in handed:
        return int(handed["lease_seed"])
    if (config.getoption("lease_seed") or config.getini("lease_seed")) != "random":
        return _number(config, "lease_seed", least=0)
    return SEED if in_ci() else uuid.uuid4().int % 2**31


def _number(config: pytest.Config, name: str, least: int) -> int:
    text = str(config.getoption(name) or config.getini(name)).replace("_", "")
    if not (text.isascii() and text.isdigit()) or not least <= int(text) < 2**63:
        others = " or random" if name == "lease_seed" else ""
        raise pytest.UsageError(
            f"--{name.replace('_', '-')} {text}: expected a whole number, {least} or more{others} (ini: {name})"
        )
    return int(text)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the seed to a worker of pytest-xdist."""
    node.workerinput["lease_seed"] = node.config.stash[_SESSION].seed


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name the seed where it is not the usual one."""
    asked = (config.getoption("lease_seed") or config.getini("lease_seed")) == "random"
    seed = config.stash[_SESSION].seed
    if asked and in_ci():
        return f"leasesim: CI is set, so the seed is {seed} and not random"
    return f"leasesim: seed {seed} (repeat with --lease-seed {seed})" if seed != SEED else None


# ---------------------------------------------------------------------- marker, and what tests are given


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Keep what fixtures have checked with the report of the test that asked for them first."""
    with _kept_with(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Check the service levels of the markers, the nearest first, before any kind of test runs."""
    __tracebackhide__ = True
    with _kept_with(item):
        for marker in item.iter_markers(MARKER):
            if not marker.args:
                raise pytest.UsageError(f"{item.nodeid}: the marker {MARKER} needs a scenario and a service level")
            from sim.testing.asserting import assert_slo

            _refuse_others(item, marker.kwargs, tuple(inspect.signature(assert_slo).parameters)[2:])
            assert_slo(*marker.args, **marker.kwargs)
        return (yield)


def _refuse_others(item: pytest.Item, given: Mapping[str, Any], options: tuple[str, ...]) -> None:
    """Refuse what `assert_slo` has no option for."""
    __tracebackhide__ = True
    for name in given:
        if name not in options:
            from sim.errors import nearest

            near = nearest(name, options)
            hint = f"did you mean '{near}'?" if near else f"there are {', '.join(options)}"
            raise pytest.UsageError(f"{item.nodeid}: the marker {MARKER} takes no '{name}'; {hint}")


@contextmanager
def _kept_with(item: pytest.Item) -> Iterator[None]:
    """Keep what is checked with the report, so that it reaches the summary from any process."""
    told = session().told
    told.clear()
    try:
        yield
    finally:
        item.user_properties.extend((_PROPERTY, json.dumps(each)) for each in told)


@pytest.fixture(scope="session")
def lease_seed(pytestconfig: pytest.Config) -> int:
    """The seed of this session's simulations."""
    return pytestconfig.stash[_SESSION].seed


@pytest.fixture
def simulate(lease_seed: int) -> Callable[..., Replications]:
    """``simulate(scenario, replications=30, **changes)``: `sim.replicate` with the session's seed."""
    from sim.results.origins import named
    from sim.sweeps.simulate import replicate

    def simulated(scenario: Any, replications: int = 30, changes: Mapping[str, object] | None = None) -> Replications:
        chosen, _ = named(scenario)
        return replicate(chosen.with_(changes) if changes else scenario, replications, seed=lease_seed)

    return simulated


@pytest.fixture
def lease_baselines(pytestconfig: pytest.Config) -> Baselines:
    """The baselines of this project: ``lease_baselines.check("name", scenario)``."""
    from sim.testing.baselines import Baselines

    chosen = pytestconfig.stash[_SESSION]
    return Baselines(chosen.baselines, update=chosen.update)


# ---------------------------------------------------------------------- summary


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List every service level that was checked, with its figure."""
    told: dict[str, list[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            found = [text for name, text in getattr(report, "user_properties", ()) if name == _PROPERTY]
            if len(found) > len(told.get(getattr(report, "nodeid", ""), ())):  # later stages have those before, too
                told[report.nodeid] = found
    rows = [(test, json.loads(text)) for test, found in told.items() for text in found]
    if rows:
        terminalreporter.section("lease SLOs")
        for line in summary(sorted(rows, key=lambda row: row[0])):
            terminalreporter.write_line(line)


def summary(rows: list[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Yield a line for each service level and baseline."""
    from sim.results.tables import number

    def bound(value: float | None) -> str:
        return "?" if value is None else number(value)

    width = max(len(f"{told['scenario']}: {told['slo']}") for _, told in rows)
    for test, told in rows:
        what = f"{told['scenario']}: {told['slo']}"
        figures = f"{bound(told['estimate'])} ({bound(told['low'])} to {bound(told['high'])}) {told['unit']}"
        yield f"{told['outcome']:<9}  {what:<{width}}  {figures}, n = {told['n']:,}  [{test}]"
