"""Pictures: what is drawn is what the data say, and the same data give the same bytes."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim import engines
from sim.errors import UsageError
from sim.model.load import load
from sim.model.scenario import Scenario
from sim.report import charts, frames
from sim.report.frames import FALSE_TERMINATIONS, OVER_ALLOCATION
from sim.report.lanes import lanes_of
from sim.report.style import figure_of, png, save, svg
from sim.report.timeaxis import TimeAxis
from sim.report.timeline import occupancy, timeline, window_around
from sim.report.tradeoff import undominated
from sim.story import worst_moment
from sim.story.reader import read
from sim.trace import Trace
from sim.units import DAY, HOUR, MINUTE, SECOND
from sim.vocabulary import Halt, How, Kind, Loss, Outcome, Truth

TTLS = ("10m", "1m", "5m")
SHARES = (0.75, 0.5)
CURRENT = {"lease.ttl": "5m", "renewal.every": 0.75}


def sweep() -> pd.DataFrame:
    """Six points; at a ttl of 10m and a share of 0.5 nothing was seen."""
    rows: list[tuple[object, ...]] = []
    for ttl in TTLS:
        for share in SHARES:
            minutes = int(ttl[:-1])
            for metric, unit, rate in (
                (FALSE_TERMINATIONS, "1/lease-h", share / minutes**2),
                (OVER_ALLOCATION, "slot-s/h", 40 * minutes * share),
            ):
                nothing = metric == FALSE_TERMINATIONS and ttl == "10m" and share == 0.5
                estimate, low, high = (0.0, 0.0, 0.002) if nothing else (rate, 0.8 * rate, 1.3 * rate)
                rows.append((len(rows) // 2, ttl, share, metric, unit, estimate, low, high, 100))
    names = ["point", "lease.ttl", "renewal.every", "metric", "unit", "estimate", "low", "high", "n"]
    return pd.DataFrame(rows, columns=names)


def drawn(ax: Axes, gid: str) -> list[Any]:
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


def words(ax: Axes, gid: str) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


# ----------------------------------------------------------------------- heat maps


def shades(ax: Axes) -> np.ndarray[Any, Any]:
    """How light each cell is, in lines from below."""
    (mesh,) = ax.collections
    values = mesh.get_array()
    assert values is not None
    lightness: np.ndarray[Any, Any] = mesh.to_rgba(values)[..., :3].sum(axis=-1)
    return lightness


def test_a_heat_map_is_sorted_by_size_and_says_every_number():
    ax = charts.heatmap(sweep(), "lease.ttl", "renewal.every", FALSE_TERMINATIONS)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1m", "5m", "10m"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.5", "0.75"]
    assert ax.get_xlabel() == "lease.ttl  [time]"
    assert ax.get_ylabel() == "renewal.every  [fraction of lease.ttl]"
    assert "False terminations  [1/lease-h]" in ax.get_title(loc="left")
    assert sorted(words(ax, "estimate")) == ["0.0075", "0.020", "0.030", "0.50", "0.75", "≤ 0.0020"]
    assert shades(ax).shape == (2, 3)


def test_zero_is_the_lightest_cell_of_a_heat_map():
    ax = charts.heatmap(sweep(), "lease.ttl", "renewal.every", FALSE_TERMINATIONS)
    lightness = shades(ax)
    assert lightness.argmax() == 2, "lower line, last column"
    assert lightness.argmin() == 3, "upper line, first column"


def test_the_current_setting_is_framed():
    ax = charts.heatmap(sweep(), "lease.ttl", "renewal.every", OVER_ALLOCATION, current=CURRENT)
    (frame,) = drawn(ax, "current")
    left, low, width, height = frame.get_bbox().bounds
    assert (left + width / 2, low + height / 2) == pytest.approx((1, 1)), "5m is the second column, 0.75 the upper line"
    (legend,) = figure_of(ax).legends
    assert [text.get_text() for text in legend.get_texts()] == ["current setting"]


@pytest.mark.parametrize("current", [None, {"lease.ttl": "5m"}, {"lease.ttl": "7m", "renewal.every": 0.5}])
def test_a_current_setting_that_is_not_in_the_map_is_not_framed(current):
    ax = charts.heatmap(sweep(), "lease.ttl", "renewal.every", OVER_ALLOCATION, current=current)
    assert not drawn(ax, "current")


def test_the_same_setting_in_other_words_is_the_same():
    current = {"lease.ttl": "300s", "renewal.every": "0.75"}
    ax = charts.heatmap(sweep(), "lease.ttl", "renewal.every", OVER_ALLOCATION, current=current)
    assert drawn(ax, "current")


def test_the_pair_shows_both_rates():
    figure = charts.heatmap_pair(sweep(), "lease.ttl", "renewal.every", current=CURRENT)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert ["Over-allocation" in titles[0], "False terminations" in titles[1]] == [True, True]
    assert all(drawn(ax, "current") for ax in figure.axes)


def test_a_heat_map_of_nothing_but_zeros_and_unknown_bounds():
    frame = sweep()
    for estimate, low, high, said in ((0.0, 0.0, math.inf, "0 seen"), (math.nan, math.nan, math.nan, "–")):
        frame[["estimate", "low", "high"]] = (estimate, low, high)
        ax = charts.heatmap(frame, "lease.ttl", "renewal.every", FALSE_TERMINATIONS)
        assert set(words(ax, "estimate")) == {said}
        png(figure_of(ax))
        png(figure_of(charts.curves(frame, "lease.ttl", "renewal.every")))
        png(figure_of(charts.tradeoff(frame)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="lease.ttl"), "no column 'lease.ttl'"),
        (lambda f: f[f["metric"] != OVER_ALLOCATION], f"no metric '{OVER_ALLOCATION}'"),
        (lambda f: pd.concat([f.assign(**{"lease.grace": "0s"}), f.assign(**{"lease.grace": "9s"})]), "lease.grace"),
    ],
)
def test_data_that_cannot_be_drawn_are_refused_in_words(change, said):
    with pytest.raises(UsageError) as caught:
        charts.heatmap(change(sweep()), "lease.ttl", "renewal.every", OVER_ALLOCATION)
    assert said in str(caught.value)


# -------------------------------------------------------------------------- curves


def test_curves_have_a_line_a_band_and_a_log_axis():
    ax = charts.curves(sweep(), "lease.ttl", "renewal.every", FALSE_TERMINATIONS, current=CURRENT)
    assert ax.get_xscale() == "log"
    assert ax.get_yscale() == "log"
    by_name: dict[Any, Any] = {line.get_label(): line for line in ax.lines}
    assert list(by_name["0.75"].get_xdata()) == [60, 300, 600]
    assert list(by_name["0.75"].get_ydata()) == pytest.approx([0.75, 0.03, 0.0075])
    assert list(by_name["0.5"].get_xdata()) == [60, 300], "zero has no place on a log axis"
    bounds = [line for line in drawn(ax, "upper bound") if len(line.get_xdata())]
    assert [(list(b.get_xdata()), list(b.get_ydata())) for b in bounds] == [([600], [0.002])]
    assert len(drawn(ax, "95 % band")) == 2
    assert list(by_name["current setting"].get_ydata()) == pytest.approx([0.03])


def test_curves_over_a_short_range_are_linear_and_start_at_zero():
    frame = sweep()
    frame = frame[frame["lease.ttl"] != "1m"]
    ax = charts.curves(frame, "lease.ttl", "renewal.every", OVER_ALLOCATION)
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_ylim()[0]) == ("linear", "linear", 0)


def test_one_curve_over_words():
    frame = sweep()
    frame = frame[frame["renewal.every"] == 0.75].drop(columns="renewal.every")
    frame["lease.ttl"] = ["reject"] * 2 + ["until_reaped"] * 2 + ["resurrect"] * 2
    ax = charts.curves(frame, "lease.ttl", metric=OVER_ALLOCATION)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["reject", "resurrect", "until_reaped"]


# ----------------------------------------------------------------------- trade-off


def test_undominated_points():
    assert undominated([(1, 5), (2, 4), (2, 6), (3, 4), (4, 1), (1, 7)]) == [0, 1, 4]
    assert undominated([]) == []


def test_the_trade_off_joins_the_best_points_and_names_them():
    ax = charts.tradeoff(sweep(), current=CURRENT)
    (front,) = drawn(ax, "front")
    assert list(front.get_ydata()) == [200, 100, 20], "nothing seen stands first, at its upper bound"
    assert list(front.get_xdata()) == pytest.approx([0.002, 0.02, 0.5])
    (star,) = drawn(ax, "current")
    assert (star.get_xdata()[0], star.get_ydata()[0]) == pytest.approx((0.03, 150))
    assert "ttl 10m, every 0.5" in words(ax, "name")
    assert sum(len(lines.get_segments()) for lines in drawn(ax, "95 % interval")) == 12


def test_names_in_the_trade_off_do_not_cover_each_other():
    ax = charts.tradeoff(sweep(), current=CURRENT)
    figure_of(ax).draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_gid() == "name"]
    assert len(boxes) >= 3
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


# ------------------------------------------------------------ causes and differences


def test_causes_are_stacked_from_the_largest():
    data = {"laptops": {"sleep": 0.3, "block": 0.1}, "server": {"restart": 0.2, "(loss)": 0.01}}
    ax = charts.causes(data, unit="1/lease-h")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["laptops", "server"]
    _, labels = ax.get_legend_handles_labels()
    assert labels == ["sleep", "restart", "block", "(loss)"]
    bars: list[Any] = [bar for group in ax.containers for bar in group]
    assert [bar.get_width() for bar in bars] == pytest.approx([0.3, 0, 0, 0.2, 0.1, 0, 0, 0.01])
    assert [bar.get_x() for bar in bars] == pytest.approx([0, 0, 0.3, 0, 0.3, 0.2, 0.4, 0.2])


def test_one_mapping_is_one_bar_and_many_causes_are_put_together():
    ax = charts.causes({f"fault_{n}": 1.0 + n for n in range(12)})
    _, labels = ax.get_legend_handles_labels()
    assert len(labels) == 8
    assert labels[-1] == "others"
    bars: list[Any] = [bar for group in ax.containers for bar in group]
    assert sum(bar.get_width() for bar in bars) == pytest.approx(78)


def test_no_causes_and_unknown_values_are_drawn_as_nothing():
    several: tuple[dict[str, Any], ...] = ({}, {"laptops": {}}, {"sleep": math.nan})
    for data in several:
        ax = charts.causes(data)
        assert not ax.containers
        png(figure_of(ax))


def test_causes_of_a_frame_side_by_side():
    rows = [
        {"lease.ttl": ttl, "metric": metric, "unit": unit, "cause": cause, "estimate": value}
        for ttl in ("1m", "5m")
        for metric, unit in ((FALSE_TERMINATIONS, "1/lease-h"), (OVER_ALLOCATION, "slot-s/h"))
        for cause, value in (("sleep", 3.0), ("block", 1.0))
    ]
    figure = charts.causes_pair(pd.DataFrame(rows))
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["ttl 1m", "ttl 5m"]
    assert len(left.containers) == len(right.containers) == 2
    with pytest.raises(UsageError, match="cause"):
        charts.causes(sweep())


@dataclass(frozen=True)
class Difference:
    value: float
    low: float
    high: float
    unit: str


def test_differences_of_one_unit_share_an_axis():
    data = {"a": Difference(-2, -3, -1, "s"), "b": Difference(1, -1, 3, "s")}
    ax = charts.comparison(data, ("today", "ttl 10m"))
    assert ax.get_xlabel() == "difference [s]"
    assert ax.get_title(loc="left").startswith("ttl 10m less today")
    intervals = [segments.get_segments()[0][:, 0].tolist() for segments in drawn(ax, "95 % interval")]
    assert intervals == [[-3, -1], [-1, 3]]
    assert len(drawn(ax, "zero")) == 1


def test_differences_of_several_units_have_their_own_scales_and_open_ends():
    data = {"goodput": Difference(2, 1, 3, "runs/h"), "x": Difference(0, -math.inf, math.inf, "s")}
    ax = charts.comparison(data)
    assert ax.get_xlabel() == "each row on its own scale"
    green = "#009e73"
    first = drawn(ax, "difference")[0]
    assert mpl.colors.to_hex(first.get_color()) == green, "more goodput is better"
    frame = pd.DataFrame([{"metric": "x", "estimate": 1.0, "low": 0.5, "high": 1.5, "unit": "s"}])
    assert mpl.colors.to_hex(drawn(charts.comparison(frame), "difference")[0].get_color()) != green


# ------------------------------------------------------------------------ timelines

SLEEPER, WAITER = (0, 3), (1, 0)


def world(**tables) -> Scenario:
    base = {
        "title": "A laptop sleeps",
        "duration": "4h",
        "runs": {"arrivals": {"kind": "closed", "clients": 3}},
        "hosts": {"count": 2},
        "faults": (
            {"what": "sleep", "when": "1/d", "length": "8m"},
            {"what": "outage", "when": "1/d", "length": "1m"},
            {"what": "restart", "when": "1/d", "length": "1m"},
        ),
    }
    return Scenario.model_validate({**base, **tables})


def slept() -> Trace:
    """At 1 h run 0.3 gets the slot, sleeps from 1h10m to 1h18m; run 1.0 gets it at 1h15m; both to 1h20m."""
    m, nobody = MINUTE, (-1, -1)
    events = [
        (60 * m, Kind.ARRIVE, SLEEPER, -1, -1, HOUR),
        (60 * m, Kind.GRANT, SLEEPER, 0, 7, 1),
        (60 * m, Kind.HOLD, SLEEPER, -1, 7, 0),
        (60 * m, Kind.START, SLEEPER, -1, 7, 0),
        (65 * m, Kind.SEND, SLEEPER, 1, 7, 0),
        (65 * m, Kind.RENEWED, SLEEPER, 1, 7, 70 * m),
        (65 * m, Kind.ANSWER, SLEEPER, 1, 7, Outcome.OK),
        (66 * m, Kind.ARRIVE, WAITER, -1, -1, HOUR),
        (70 * m, Kind.FAULT_BEGIN, (0, -1), 0, -1, 8 * m),
        (70 * m, Kind.HALT, SLEEPER, Halt.HOST, -1, 0),
        (71 * m, Kind.SWEEP, nobody, 1, -1, 0),
        (71 * m, Kind.REAP, SLEEPER, How.SWEEP, 7, 0),
        (72 * m, Kind.FAULT_BEGIN, (0, -1), 1, -1, m),
        (73 * m, Kind.FAULT_END, (0, -1), 1, -1, 0),
        (74 * m, Kind.FAULT_BEGIN, (0, -1), 2, -1, m // 2),
        (74 * m + m // 2, Kind.FAULT_END, (0, -1), 2, -1, 0),
        (75 * m, Kind.GRANT, WAITER, 0, 8, 1),
        (75 * m, Kind.HOLD, WAITER, -1, 8, 0),
        (76 * m, Kind.START, WAITER, -1, 8, 0),
        (78 * m, Kind.FAULT_END, (0, -1), 0, -1, 0),
        (78 * m, Kind.GO, SLEEPER, Halt.HOST, -1, 0),
        (79 * m, Kind.SEND, SLEEPER, 2, 7, 0),
        (80 * m, Kind.ANSWER, SLEEPER, 2, 7, Outcome.READ_TIMEOUT),
        (80 * m, Kind.LOST, SLEEPER, Loss.GAVE_UP, 7, Truth.REASSIGNED),
        (80 * m, Kind.STOP, SLEEPER, Loss.GAVE_UP, -1, 0),
    ]
    return Trace([(t, int(kind), *run, int(n), lease, int(v)) for t, kind, run, n, lease, v in events], 4 * HOUR)


def rectangles(ax: Axes, gid: str) -> list[tuple[float, float, float]]:
    """(left, width, height) of every rectangle of a kind."""
    return [(p.get_x(), p.get_width(), p.get_height()) for p in drawn(ax, gid)]


def blocks(ax: Axes) -> list[tuple[float, float, float, float]]:
    """(left, low, width, height) of every block of over-allocation."""
    return [path.get_extents().bounds for red in drawn(ax, "over-allocation") for path in red.get_paths()]


def stretches(ax: Axes, gid: str) -> list[tuple[float, float]]:
    """(left, right) of every bar of a kind, in minutes."""
    boxes = [path.get_extents() for bars in drawn(ax, gid) for path in bars.get_paths()]
    return sorted((round(box.x0 / 60, 3), round(box.x1 / 60, 3)) for box in boxes)


def test_a_timeline_shows_both_views():
    figure = timeline(world(), slept(), 0, 2 * HOUR, seed=1, replication=17)
    books, rows, over = figure.axes
    assert stretches(rows, "executes") == [(60, 70), (76, 120), (78, 80)]
    assert stretches(rows, "executes, above the limit") == [(78, 80), (78, 80)]
    assert stretches(rows, "believes it holds a lease") == [(60, 80), (75, 120)]
    assert stretches(rows, "is provisioned") == [(75, 76)]
    assert stretches(rows, "waits for a slot") == [(66, 75)]
    assert stretches(rows, "suspended or paused") == [(70, 78)]
    assert stretches(rows, "lease in the books") == [(60, 70), (75, 80)]
    assert stretches(rows, "expired, still in the books") == [(70, 71), (80, 120)]
    assert len(drawn(rows, "renewal: renewed")) == 1
    assert list(drawn(rows, "renewal: time-out")[0].get_xdata()) == [79 * 60]
    assert len(drawn(rows, "stopped by lease logic")) == 1
    assert len(drawn(rows, "sweep")) == 1
    (step,) = drawn(books, "slots in use by the books")
    assert max(step.get_ydata()) == 1
    assert figure.get_suptitle() == "A laptop sleeps"
    assert "seed 1, replication 17" in books.get_title(loc="left")
    assert blocks(over) == [(78 * 60, 0, 120, 1)]


def test_faults_shade_the_rows_that_they_concern():
    _, rows, _ = timeline(world(), slept(), 0, 2 * HOUR).axes
    block = lanes_of(read(world(), slept()), TimeAxis(world(), 0, 2 * HOUR), False).authority_bottom
    assert rectangles(rows, "fault") == [
        (70 * 60, 480, 1),  # the sleep: the row of the run on host 0
        (72 * 60, 60, 2),  # the outage: every run
        (74 * 60, 30, block),  # the restart: the authority's block
    ]
    shared = world(server={"host": "shared"})
    _, rows, _ = timeline(shared, slept(), 0, 2 * HOUR).axes
    assert len(rectangles(rows, "fault")) == 4, "the sleep takes the authority along"


@pytest.mark.parametrize("name", ["laptop-remote-server", "slow-api"])
def test_the_red_area_is_the_integral_of_over_allocation(name):
    scenario = load(name)
    trace = engines.run(scenario, 1, 0)
    figure = timeline(scenario, trace, 0, trace.end_ns)
    red = sum(width * height for _, _, width, height in blocks(figure.axes[2]))
    exact = sum(excess.integral_ns for excess in read(scenario, trace).excesses) / SECOND
    assert exact > 0
    assert red == pytest.approx(exact, rel=1e-9)


def test_a_window_is_laid_around_the_worst_moment():
    trace = slept()
    assert worst_moment(world(), trace) == 78 * MINUTE
    start_ns, stop_ns = window_around(world(), trace, 78 * MINUTE)
    assert start_ns < 65 * MINUTE, "the last renewal that counted is in it"
    assert stop_ns > 80 * MINUTE, "and the end of the run"
    assert window_around(world(), trace, 78 * MINUTE, 10 * MINUTE) == (73 * MINUTE, 83 * MINUTE)
    assert window_around(world(), trace, MINUTE, 10 * MINUTE) == (0, 10 * MINUTE)
    by_itself = timeline(world(), trace).axes[2]
    assert by_itself.get_xlim()[1] == pytest.approx((stop_ns - start_ns) / SECOND)


def test_a_quiet_replication_has_a_timeline_too():
    figure = timeline(world(faults=()), Trace([], 4 * HOUR))
    assert figure.axes[2].get_xlim()[1] == pytest.approx(12 * 225)
    png(figure)


def test_a_window_with_nothing_in_it_is_refused():
    with pytest.raises(UsageError, match="holds nothing"):
        timeline(world(), slept(), 2 * HOUR, HOUR)
    with pytest.raises(UsageError, match="holds nothing"):
        occupancy(world(), slept(), start_ns=5 * HOUR)


def test_too_many_runs_are_left_out_and_counted():
    events = []
    for lane in range(20):
        run = (lane, 0)
        events += [(0, Kind.ARRIVE, run, 0, -1, HOUR), (lane * SECOND, Kind.GRANT, run, 0, lane, lane + 1)]
        events += [(lane * SECOND, kind, run, -1, lane, 0) for kind in (Kind.HOLD, Kind.START)]
    rows = sorted((t, int(k), *run, n, lease, v) for t, k, run, n, lease, v in events)
    figure = timeline(world(faults=(), limit={"slots": 20}), Trace(rows, HOUR), 0, HOUR)
    assert "8 more runs not shown, 12 leases not shown" in figure.axes[0].get_title(loc="left")
    assert len(figure.axes[1].get_yticks()) == 13


def test_occupancy_shows_the_books_beside_the_truth():
    ax = occupancy(world(), slept())
    assert blocks(ax) == [(78 * 60, 1, 120, 1)]
    (executing,) = drawn(ax, "runs executing")
    assert max(executing.get_ydata()) == 2


@pytest.mark.parametrize(
    ("start", "stop", "first", "last"),
    [
        (0, HOUR, "09:00", "10:00"),
        (0, 30 * SECOND, "09:00:00", "09:00:30"),
        (0, SECOND // 2, "09:00:00.000", "09:00:00.500"),
        (14 * HOUR, 17 * HOUR, "23:00", "02:00"),
        (0, 6 * DAY, "day 2", "day 7"),
    ],
)
def test_ticks_are_round_times_of_day(start, stop, first, last):
    _, labels = TimeAxis(world(), start, stop).ticks()
    assert labels[0].split("\n")[0] == first
    assert labels[-1].split("\n")[0] == last
    assert 4 <= len(labels) <= 10
    if start == 14 * HOUR:
        assert "00:00\nday 2" in labels


# ---------------------------------------------------------------------------- style


def pictures() -> dict[str, Figure | Axes]:
    frame = sweep()
    return {
        "heatmap": charts.heatmap(frame, "lease.ttl", "renewal.every", FALSE_TERMINATIONS, current=CURRENT),
        "pair": charts.heatmap_pair(frame, "lease.ttl", "renewal.every"),
        "curves": charts.curves(frame, "lease.ttl", "renewal.every"),
        "tradeoff": charts.tradeoff(frame, current=CURRENT),
        "causes": charts.causes({"laptops": {"sleep": 0.3, "(loss)": 0.1}}),
        "comparison": charts.comparison({"a": Difference(1, 0, 2, "s")}),
        "timeline": timeline(world(), slept()),
        "occupancy": occupancy(world(), slept()),
    }


def test_the_same_data_give_the_same_bytes(tmp_path):
    for name, figure in pictures().items():
        for suffix in ("png", "svg"):
            save(figure, tmp_path / f"{name}.{suffix}")
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "black", "svg.fonttype": "none"}):
        for name, figure in pictures().items():
            assert save(figure, tmp_path / "again.png").read_bytes() == (tmp_path / f"{name}.png").read_bytes(), name
            assert save(figure, tmp_path / "again.svg").read_bytes() == (tmp_path / f"{name}.svg").read_bytes(), name


def test_a_picture_can_be_part_of_another_figure():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert charts.heatmap(sweep(), "lease.ttl", "renewal.every", OVER_ALLOCATION, ax=left) is left
    assert occupancy(world(), slept(), ax=right) is right
    assert timeline(world(), slept(), figure=Figure(figsize=(8, 6))).get_size_inches().tolist() == [8, 6]
    assert svg(figure).startswith("<?xml")


def test_drawing_leaves_the_readers_settings_alone():
    before = dict(mpl.rcParams)
    charts.curves(sweep(), "lease.ttl", "renewal.every")
    assert dict(mpl.rcParams) == before


def test_a_notebook_shows_what_is_returned():
    shown: list[Any] = [timeline(world(), slept()), charts.curves(sweep(), "lease.ttl", "renewal.every")]
    assert all(each._repr_png_().startswith(b"\x89PNG") for each in shown)


def test_saving_refuses_in_words(tmp_path):
    ax = charts.causes({"sleep": 1.0})
    with pytest.raises(UsageError, match=r"written as \.png or \.svg"):
        save(ax, tmp_path / "x.pdf")
    with pytest.raises(UsageError, match="cannot write the picture"):
        save(ax, tmp_path / "nowhere" / "x.png")
    assert save(ax, tmp_path / "x.png").exists()


def test_matplotlib_is_imported_when_something_is_drawn_and_pyplot_never():
    code = """
import sys
import sim.report.charts, sim.report.timeline, sim.report.style
assert "matplotlib" not in sys.modules
sim.report.style.png(sim.report.charts.causes({"sleep": 1.0}).figure)
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# --------------------------------------------------------------------------- frames


def test_values_are_ordered_by_size_whatever_they_are():
    assert frames.ordered(["1h", "90s", "5m", "90s"]) == ["90s", "5m", "1h"]
    assert frames.ordered([0.9, "0.25", 0.5]) == ["0.25", 0.5, 0.9]
    assert frames.ordered(["3/d", "1/h"]) == ["3/d", "1/h"]
    assert frames.ordered(["b", 2, "a"]) == [2, "a", "b"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.31415, "0.31"),
        (0.000012, "1.2e-5"),
        (12345.6, "12,346"),
        (-2.5, "-2.5"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "–"),
    ],
)
def test_numbers_are_short(value, text):
    assert frames.number(value) == text
