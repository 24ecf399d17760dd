"""What `import sim` offers: names, results that are tables, reproducibility, and answers that can be replayed."""

from __future__ import annotations

import dataclasses
import html
import inspect
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.metrics import METRICS, Tally
from sim.results.counterfactual import ALL, LOSS
from sim.results.measures import CORE, difference, value_of, worst_index
from sim.results.origins import difference as overrides_between
from sim.results.tables import Table, interval, number
from sim.stats import Estimate

TOML = """
title = "Small and quick"
duration = "2h"
limit.slots = 1
lease.ttl = "2m"
runs.work = { kind = "exponential", mean = "20m" }
runs.arrivals = { kind = "closed", clients = 2 }
hosts.count = 2
[[faults]]
what = "sleep"
when = "1/h"
length = { kind = "exponential", mean = "3m" }
[[faults]]
what = "outage"
when = "1/h"
length = "90s"
mode = "refuse"
"""
FALSE_TERMINATIONS = "false_terminations_per_lease_hour"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("api") / "small.toml"
    file.write_text(TOML, "utf-8")
    return file


@pytest.fixture(scope="module")
def small(path: Path) -> sim.Scenario:
    return sim.load(path)


@pytest.fixture(scope="module")
def run(small: sim.Scenario) -> sim.Run:
    return sim.run(small)


@pytest.fixture(scope="module")
def many(small: sim.Scenario) -> sim.Replications:
    return sim.replicate(small, 6)


@pytest.fixture(scope="module")
def compared(small: sim.Scenario) -> sim.Comparison:
    return sim.compare(small, small.with_({"lease.ttl": "10m"}), replications=12)


@pytest.fixture(scope="module")
def swept(small: sim.Scenario) -> sim.Sweep:
    return sim.sweep(small, {"lease.ttl": ["1m", "10m"], "renewal.every": "0.25,0.75"}, replications=3)


# ---------------------------------------------------------------------- names and signatures


def test_every_public_name_is_there_and_nothing_else_is_promised() -> None:
    assert set(dir(sim)) == {*sim.__all__, "__version__"}
    assert sorted(sim.__all__) == list(sim.__all__)
    for name in sim.__all__:
        assert getattr(sim, name).__doc__, f"sim.{name} has no docstring"
    assert re.fullmatch(r"\d+\.\d+.*", str(sim.__version__))
    with pytest.raises(AttributeError, match="has no attribute 'simulate'"):
        _ = sim.simulate


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (sim.run, "scenario seed replication engine"),
        (sim.replicate, "scenario replications precision seed engine jobs metric progress confidence budget"),
        (sim.compare, "a b replications seed engine jobs progress"),
        (
            sim.sweep,
            "scenario axes replications seed engine jobs out resume executor progress on_failure "
            "on_damage chunk design refine budget",
        ),
    ],
)
def test_signatures_are_fixed(function: Callable[..., Any], parameters: str) -> None:
    assert list(inspect.signature(function).parameters) == parameters.split()
    assert inspect.signature(function).parameters["seed"].default == 1


def test_a_scenario_is_given_by_name_by_path_or_as_it_is(path: Path, small: sim.Scenario, run: sim.Run) -> None:
    assert sim.run(str(path)).digest == sim.run(path).digest == run.digest
    name = sim.names()[0]
    assert sim.run(sim.load(name).with_({"duration": "10m"})).provenance.name == name


def test_a_scenario_is_changed_by_dotted_keys(small: sim.Scenario) -> None:
    changed = small.with_({"lease.ttl": "10m", "faults.sleep.probability": 0.0})
    assert (changed.lease.ttl, changed.faults[0].probability) == (600 * 10**9, 0.0)
    assert small.lease.ttl == 120 * 10**9
    with pytest.raises(sim.ScenarioError, match="did you mean"):
        small.with_({"lease.tll": "10m"})


# ---------------------------------------------------------------------- one replication


def test_a_run_is_a_function_of_scenario_seed_and_replication(small: sim.Scenario, run: sim.Run) -> None:
    assert sim.run(small, seed=1, replication=0).digest == run.digest
    others = [sim.run(small, seed=2), sim.run(small, replication=1), sim.run(small.with_({"lease.ttl": "3m"}))]
    assert len({run.digest, *(other.digest for other in others)}) == 4


def test_a_run_holds_its_events_and_metrics(run: sim.Run) -> None:
    assert len(run.events) == len(run.trace) > 100
    assert list(run.metrics) == list(METRICS)
    frame = run.to_pandas()
    assert list(frame["metric"]) == list(METRICS)
    assert run.story()
    assert [event.kind.name for event in run.terminations] == ["STOP"] * run.tally.false_terminations


@pytest.mark.parametrize("fixture", ["run", "many", "compared", "swept"])
def test_results_are_immutable_tables(fixture: str, request: pytest.FixtureRequest) -> None:
    result = request.getfixturevalue(fixture)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.provenance = None
    shown, page = repr(result), result._repr_html_()
    table = result.table()
    for cell in (*table.heading, *table.columns, *(c for row in table.rows for c in row), *table.notes):
        assert cell in shown
        assert html.escape(cell) in page
    text = json.dumps(result.as_json(), allow_nan=False)
    assert "provenance" in json.loads(text)


@pytest.mark.parametrize(
    ("fixture", "plots"),
    [
        ("run", ["plot_timeline", "plot_occupancy"]),
        ("many", ["plot_causes"]),
        ("compared", ["plot_differences"]),
        ("swept", ["plot_heatmaps", "plot_curves", "plot_tradeoff", "plot_causes"]),
    ],
)
def test_plots_are_figures_or_axes(fixture: str, plots: list[str], request: pytest.FixtureRequest) -> None:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    result = request.getfixturevalue(fixture)
    for plot in plots:
        assert isinstance(getattr(result, plot)(), Figure | Axes), plot


# ---------------------------------------------------------------------- many


def test_replications_do_not_depend_on_who_computes_them(small: sim.Scenario, many: sim.Replications) -> None:
    assert sim.replicate(small, 6, jobs=2).tallies == many.tallies
    assert sim.replicate(small, 4).tallies == many.tallies[:4]


def test_progress_counts_replications(small: sim.Scenario) -> None:
    seen: list[tuple[int, int]] = []
    sim.replicate(small, 3, progress=lambda done, planned: seen.append((done, planned)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_estimates_have_intervals_units_and_counts(many: sim.Replications) -> None:
    estimate = many.metrics[FALSE_TERMINATIONS]
    assert estimate.low <= estimate.value <= estimate.high
    assert (estimate.unit, estimate.n, estimate.confidence) == ("1/lease-h", 6, 0.95)
    assert sum(cause.value for cause in many.causes.values()) == pytest.approx(estimate.value)
    metrics = many.as_json()["metrics"]
    assert set(metrics[FALSE_TERMINATIONS]) == {"estimate", "low", "high", "unit", "n"}


def test_the_worst_replication_is_simulated_again(many: sim.Replications) -> None:
    assert many.worst().tally == many.tallies[many.worst().replication]
    for metric in (FALSE_TERMINATIONS, "goodput_work_fraction"):
        worst = many.worst(metric)
        values = [value_of(tally, metric) for tally in many.tallies]
        extreme = min(values) if METRICS[metric].better == "high" else max(values)
        assert value_of(worst.tally, metric) == extreme
    assert many.replay(2).tally == many.tallies[2]
    with pytest.raises(sim.UsageError, match="no replication 6: they run from 0 to 5"):
        many.replay(6)
    with pytest.raises(sim.UsageError, match="did you mean"):
        many.worst("false_terminations_per_leasehour")


def test_of_equally_bad_replications_the_first_is_the_worst() -> None:
    tallies = [Tally(false_terminations=1), Tally(false_terminations=2), Tally(false_terminations=2)]
    assert worst_index(tallies) == 1


def test_sampling_goes_on_until_it_is_precise(small: sim.Scenario) -> None:
    result = sim.replicate(small, precision=0.5, metric=FALSE_TERMINATIONS)
    estimate = result.metrics[FALSE_TERMINATIONS]
    assert 10 <= len(result) < 200
    assert estimate.reach <= 0.5 * estimate.value
    assert result.stopped == "as precise as wanted"
    assert f"{FALSE_TERMINATIONS}: wanted within 50%, reached " in repr(result)
    assert sim.replicate(small, len(result)).tallies == result.tallies


def test_sampling_stops_at_its_cap(small: sim.Scenario) -> None:
    result = sim.replicate(small, 11, precision=0.01)
    assert len(result) == 11
    assert result.stopped == "the budget is spent"


def test_a_zero_is_explained(small: sim.Scenario) -> None:
    calm = small.with_({"faults.sleep.probability": 0.0, "faults.outage.probability": 0.0})
    shown = repr(sim.replicate(calm, 3))
    assert re.search(r"no false termination in 3 replications only shows a rate below [\d.]+ 1/lease-h \(95%\)", shown)
    assert "nothing went wrong in any replication" in shown


# ---------------------------------------------------------------------- two


def test_a_comparison_is_paired(small: sim.Scenario, many: sim.Replications, compared: sim.Comparison) -> None:
    assert compared.a.tallies[:6] == many.tallies
    kills = compared.metrics[FALSE_TERMINATIONS]
    assert kills.difference.value == pytest.approx(kills.b.value - kills.a.value)
    assert (kills.verdict, kills.words[-5:]) == ("fewer", "fewer")
    other_way = dataclasses.replace(kills.difference, value=-kills.difference.value)
    assert dataclasses.replace(kills, difference=other_way).verdict == "more"
    assert "b has lease.ttl = 10m" in repr(compared)
    assert set(compared.to_pandas()["verdict"]) <= {"fewer", "more", "no difference shown"}


def test_equal_scenarios_show_no_difference(small: sim.Scenario) -> None:
    same = sim.compare(small, small, replications=2)
    assert {each.verdict for each in same.metrics.values()} == {"no difference shown"}
    assert difference("over_allocation_longest_seconds", same.a.tallies, same.b.tallies).value == 0


# ---------------------------------------------------------------------- a grid


def test_a_sweep_is_one_tidy_table(small: sim.Scenario, swept: sim.Sweep) -> None:
    frame = swept.to_pandas()
    assert list(frame.columns) == [
        "point", "lease.ttl", "renewal.every", "metric", "unit", "estimate", "low", "high", "n",
    ]  # fmt: skip
    assert len(frame) == 4 * len(METRICS)
    assert swept.to_csv().splitlines()[0] == ",".join(frame.columns)
    alone = sim.replicate(small.with_({"lease.ttl": "10m", "renewal.every": 0.25}), 3)
    assert swept.point(2).tallies == swept.point(**{"lease.ttl": "10m", "renewal.every": "0.25"}).tallies
    assert swept.point(2).tallies == alone.tallies
    assert swept.point(2).provenance.sha256 == alone.provenance.sha256
    kills = [value_of(tally, FALSE_TERMINATIONS) for tallies in swept.tallies.values() for tally in tallies]
    assert value_of(swept.worst(FALSE_TERMINATIONS).tally, FALSE_TERMINATIONS) == max(kills)


def test_a_point_that_is_not_there_is_told(swept: sim.Sweep) -> None:
    with pytest.raises(sim.UsageError, match="no point 4: they run from 0 to 3"):
        swept.point(4)
    with pytest.raises(sim.UsageError, match=r"did you mean 'lease.ttl'"):
        swept.point(**{"lease.tll": "1m"})
    with pytest.raises(sim.UsageError, match=r"no point has lease\.ttl=7m"):
        swept.point(**{"lease.ttl": "7m"})
    with pytest.raises(sim.UsageError, match="2 points have"):
        swept.point(**{"lease.ttl": "1m"})


# ---------------------------------------------------------------------- where it comes from


def test_every_result_says_where_it_comes_from(path: Path, small: sim.Scenario, many: sim.Replications) -> None:
    p = sim.replicate(small.with_({"lease.ttl": "3m"}), 1, seed=7).provenance
    assert (p.name, p.overrides, p.seed, p.replications, p.engine) == (
        str(path),
        {"lease.ttl": "3m"},
        7,
        (0,),
        "auto",
    )
    assert p.scenario["lease"]["ttl"] == "3m"
    assert (p.version, p.versions["leasesim"]) == (sim.__version__, sim.__version__)
    assert p.sha256 != many.provenance.sha256 == sim.replicate(small, 1).provenance.sha256
    assert many.provenance.sha256 == sim.run(small.with_({"title": "Another title"})).provenance.sha256


@pytest.mark.parametrize(
    "changes",
    [
        {"lease.ttl": "3m", "renewal.every": "100s", "limit.fifo": True, "renewal.attempts": "unlimited"},
        {"faults.sleep.when.rate": "2/h", "faults.sleep.length.mean": "9m"},
        {"faults.sleep.when": {"times": ["10m", "70m"]}, "faults.sleep.length": "200s"},
        {"faults.outage.remove": True},
        {"faults.gc": {"what": "pause", "when": "3/h", "length": "1s"}},
        {"runs.arrivals": {"kind": "poisson", "rate": "3/h"}, "runs.work": "5m"},
        {"network.bursts": {"mean_good": "1h", "mean_bad": "1s"}},
    ],
)
def test_a_changed_scenario_is_named_by_what_was_changed(small: sim.Scenario, changes: dict[str, Any]) -> None:
    from sim.model.load import override, parse_value

    changed = small.with_(changes)
    found = overrides_between(small, changed)
    assert found
    assert override(small, {key: parse_value(value) for key, value in found.items()}) == changed


def test_the_replay_line_replays(small: sim.Scenario, capsys: pytest.CaptureFixture[str]) -> None:
    from sim.cli import main

    changed = small.with_({"lease.ttl": "3m", "faults.sleep.length": {"kind": "uniform", "low": "1m", "high": "9m"}})
    worst = sim.replicate(changed, 3, seed=5).worst()
    words = shlex.split(worst.provenance.replay(worst.replication))
    assert words[:2] == ["leasesim", "explain"]
    assert main([*words[1:], "--json", "--text"]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] == worst.digest


def test_a_scenario_made_in_python_says_that_it_has_no_file() -> None:
    made = sim.Scenario(title="Made here")
    assert "# once sim.dumps(scenario) is written to made-here.toml" in sim.run(
        made.with_({"duration": "1m"})
    ).provenance.replay(0)


# ---------------------------------------------------------------------- why


def test_a_termination_needs_the_fault_that_caused_it(small: sim.Scenario) -> None:
    calm = small.with_({"faults.sleep.probability": 0.0, "faults.outage.remove": True, "hosts.count": 1})
    cut = {"what": "outage", "when": {"times": ["30m"]}, "length": "5m", "name": "cut"}
    doze = {"what": "sleep", "when": {"times": ["100m"]}, "length": "1s", "name": "doze"}
    found = sim.run(calm.with_({"faults.cut": cut, "faults.doze": doze, "runs.work": "3h"})).counterfactual()
    assert found.needed == ("cut",)
    assert [each.cause for each in found.without] == ["cut", "doze", ALL]
    assert [each.still for each in found.without] == [False, True, False]
    assert "needed 'cut': without, it does not happen" in found.sentences()[0]


def test_a_protocol_that_needs_no_fault_is_told(small: sim.Scenario) -> None:
    late = small.with_({"renewal.every": "5m", "network.loss_up": 0.001, "lease.late_renew": "reject"})
    found = sim.run(late).counterfactual()
    assert found.needed == ()
    assert LOSS in [each.cause for each in found.without]
    assert "needed no fault" in found.sentences()[0]


def test_a_quiet_run_has_nothing_to_attribute() -> None:
    assert "it is the protocol itself" in sim.run(sim.Scenario(duration="1h")).counterfactual().sentences()[0]


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: sim.run(s, seed=-1), "seed = -1"),
        (lambda s: sim.run(s, replication=-1), "replication = -1"),
        (lambda s: sim.run(s, engine="proces"), "did you mean 'process'"),
        (lambda s: sim.replicate(s, 0), "replications = 0"),
        (lambda s: sim.replicate(s, jobs=0), "jobs = 0"),
        (lambda s: sim.replicate(s, precision=0.0), "precision = 0.0"),
        (lambda s: sim.replicate(s, precision=0.1, metric="kills"), "no metric is named 'kills'"),
        (lambda s: sim.compare(s, "laptop-own-servre"), "did you mean 'laptop-own-server'"),
        (lambda s: sim.sweep(s, {}), "varies nothing"),
        (lambda s: sim.sweep(s, {"lease.ttl": []}), "lease.ttl"),
        (lambda s: sim.sweep(s, {"lease.ttl": "1m..2m"}), "does not say how many values"),
    ],
)
def test_bad_input_is_refused_at_once(
    small: sim.Scenario, call: Callable[[sim.Scenario], object], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call(small)


def test_a_defect_of_the_simulator_names_the_line_that_replays_it(
    small: sim.Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Tally:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("sim.metrics.tally_of", broken)
    with pytest.raises(
        sim.SimulationError, match=r"(?s)ZeroDivisionError.*replay: leasesim explain \S+ --seed 1 --rep 0"
    ):
        sim.replicate(small, 2)


# ---------------------------------------------------------------------- numbers and tables


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (float("nan"), "-"),
        (float("inf"), "inf"),
        (0.03126, "0.0313"),
        (1.0, "1.00"),
        (12.345, "12.3"),
        (123.45, "123"),
        (99999.6, "100,000"),
        (1.23e-5, "1.23e-05"),
        (-2.5, "-2.50"),
    ],
)
def test_numbers_are_written_to_three_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (1.0, 0.5, 1.5, "0.500 - 1.50"),
        (0.0, 0.0, float("inf"), "no upper bound"),
        (1.0, float("-inf"), float("inf"), "not known"),
        (1.0, 0.5, float("inf"), "0.500 or more"),
        (1.0, float("-inf"), 1.5, "1.50 or less"),
    ],
)
def test_bounds_that_are_not_known_are_not_invented(value: float, low: float, high: float, text: str) -> None:
    assert interval(Estimate(value, low, high, "s", 2, "", 0.95)) == text


def test_a_table_escapes_what_a_browser_would_read() -> None:
    table = Table(["<b>"], ["a", "b"], [["1", "<script>"]], ["x & y"], right=frozenset({0}))
    assert "<script>" not in table.html()
    assert table.text().splitlines()[2:4] == ["  a  b", "  1  <script>"]


def test_the_core_metrics_are_metrics() -> None:
    assert set(CORE) <= set(METRICS)
