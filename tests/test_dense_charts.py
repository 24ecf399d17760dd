"""Pictures of sweeps of many points: what no longer fits is left out, and what is left says where things are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import sim
from sim.errors import UsageError
from sim.report import charts, ticks
from sim.report.frames import FALSE_TERMINATIONS, OVER_ALLOCATION
from sim.report.style import figure_of
from sim.units import format_duration

AXES = ("lease.ttl", "renewal.every")
PALEST, NO_DATA = "#fffaeb", "#d9d9d9"


def sweep(ttls: int, shares: int, ends: tuple[float, float] = (60, 1200), log: bool = False) -> pd.DataFrame:
    """Every pair of so many lifetimes and shares; of the longest lifetimes nothing was seen."""
    spaced = np.geomspace(*ends, ttls) if log else np.linspace(*ends, ttls)
    pairs = list(itertools.product(spaced.tolist(), np.linspace(0.2, 0.9, shares).tolist()))
    seconds, share = (np.array(column) for column in zip(*pairs, strict=True))
    rates = {
        OVER_ALLOCATION: ("slot-s/h", seconds * (1.2 - share)),
        FALSE_TERMINATIONS: ("1/lease-h", np.where(seconds > 1000, 0, 3000 * share / seconds**2)),
    }
    names = {second: format_duration(round(second * 1e9)) for second in spaced.tolist()}
    columns = {"lease.ttl": [names[second] for second, _ in pairs], "renewal.every": [f"{s:.6g}" for _, s in pairs]}
    frames = [
        pd.DataFrame(columns).assign(metric=metric, unit=unit, estimate=rate, low=0.8 * rate, high=1.2 * rate + 1e-5)
        for metric, (unit, rate) in rates.items()
    ]
    return pd.concat(frames, ignore_index=True)


def at_point(frame: pd.DataFrame, ttl: str, share: str) -> pd.Series[bool]:
    return (frame["lease.ttl"] == ttl) & (frame["renewal.every"] == share)


def drawn(ax: Axes, gid: str) -> list[Any]:
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


def panels(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if ax.get_gid() != "colour bar"]


def bars(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if ax.get_gid() == "colour bar"]


def pixels(figure: Figure) -> np.ndarray[Any, Any]:
    """The picture, in lines from below."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[::-1]


def colour_at(ax: Axes, column: float, line: float) -> str:
    """What is seen at a place of the axes."""
    seen = pixels(figure_of(ax))
    x, y = ax.transData.transform((column, line))
    red, green, blue = seen[int(y), int(x), :3].tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def alike(one: str, other: str) -> bool:
    """Whether two colours are the same but for rounding."""
    pairs = zip(mpl.colors.to_rgb(one), mpl.colors.to_rgb(other), strict=True)
    return all(abs(a - b) < 0.015 for a, b in pairs)


def apart(axis: Axis) -> list[str]:
    """The labels of an axis, none of which touches another one."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    labels = [label for label in axis.get_ticklabels() if label.get_text() and label.get_visible()]
    boxes = [label.get_window_extent() for label in labels]
    touching = [(a.get_text(), b.get_text()) for (a, one), (b, other) in
                itertools.combinations(zip(labels, boxes, strict=True), 2) if one.overlaps(other)]  # fmt: skip
    assert not touching
    return [label.get_text() for label in labels]


# ----------------------------------------------------------------------- heat maps


@pytest.mark.parametrize(
    ("ttls", "shares", "log"), [(9, 9, False), (30, 30, False), (40, 25, True), (1000, 3, False), (3, 1000, False)]
)
def test_a_heat_map_of_many_cells_has_a_colour_bar_and_few_labels_and_no_text(ttls, shares, log):
    figure = charts.heatmap_pair(sweep(ttls, shares, log=log), *AXES)
    assert not any(ax.texts for ax in panels(figure))
    assert [bar.get_ylabel() for bar in bars(figure)] == ["slot-s/h", "1/lease-h"]
    for ax in panels(figure):
        assert 3 <= len(apart(ax.xaxis)) <= ticks.MANY
        assert len(ax.get_children()) < 40, "a cell is not an artist of its own"
    assert 3 <= len(apart(panels(figure)[0].yaxis)) <= ticks.MANY
    assert all(len(apart(bar.yaxis)) >= 2 for bar in bars(figure))


def test_a_heat_map_of_few_cells_has_its_numbers_and_no_colour_bar():
    figure = charts.heatmap_pair(sweep(8, 20), *AXES)
    assert not bars(figure)
    assert [len(drawn(ax, "estimate")) for ax in panels(figure)] == [160, 160]


def test_ticks_are_round_and_where_their_values_are():
    ax = charts.heatmap(sweep(39, 15), *AXES, OVER_ALLOCATION)  # every 30 s from 1m, every 0.05 from 0.2
    places = dict(zip((label.get_text() for label in ax.get_xticklabels()), ax.get_xticks(), strict=True))
    assert places["2m"] == pytest.approx(2)
    assert places["20m"] == pytest.approx(38)
    upwards = dict(zip((label.get_text() for label in ax.get_yticklabels()), ax.get_yticks(), strict=True))
    assert upwards["0.5"] == pytest.approx(6)


@pytest.mark.parametrize(("ttl", "place"), [("5m", 8), ("5m15s", 8.5)])
def test_the_current_setting_is_at_its_place_in_a_cell_or_between_two(ttl, place):
    figure = charts.heatmap_pair(sweep(39, 15), *AXES, current={"lease.ttl": ttl, "renewal.every": 0.75})
    for ax in panels(figure):
        (star,) = drawn(ax, "current star")
        assert (star.get_xdata()[0], star.get_ydata()[0]) == pytest.approx((place, 11))
        assert colour_at(ax, place, 11) == "#0072b2"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["current setting", "none seen"]


@pytest.mark.parametrize(
    "current", [None, {"lease.ttl": "5m"}, {"lease.ttl": "30m", "renewal.every": 0.5}, dict.fromkeys(AXES, "forever")]
)
def test_a_current_setting_off_the_map_is_not_marked(current):
    ax = charts.heatmap(sweep(39, 15), *AXES, OVER_ALLOCATION, current=current)
    assert not drawn(ax, "current star")


@pytest.mark.parametrize(("ttls", "shares"), [(30, 30), (300, 5)])
def test_none_seen_and_no_data_are_told_from_the_smallest_rate(ttls, shares):
    frame = sweep(ttls, shares)
    first = at_point(frame, "1m", "0.2")
    ax = charts.heatmap(frame[~first], *AXES, FALSE_TERMINATIONS)
    seen = frame[(frame["metric"] == FALSE_TERMINATIONS) & (frame["estimate"] > 0) & (frame["renewal.every"] == "0.2")]
    assert alike(colour_at(ax, 0, 0.2), NO_DATA)
    assert alike(colour_at(ax, ttls - 2, shares - 1), PALEST)
    smallest = mpl.colors.to_rgb(colour_at(ax, len(seen) - 2, 0))
    assert sum(mpl.colors.to_rgb(PALEST)) - sum(smallest) > 0.2
    (legend,) = figure_of(ax).legends
    assert [text.get_text() for text in legend.get_texts()] == ["none seen", "no data"]


def test_few_lines_of_many_columns_are_not_blurred():
    frame = sweep(1000, 3)
    frame.loc[frame["renewal.every"] == "0.55", "estimate"] = 0.0
    ax = charts.heatmap(frame, *AXES, OVER_ALLOCATION)
    assert all(alike(colour_at(ax, 500, line), PALEST) for line in (0.6, 1.0, 1.4))
    assert not any(alike(colour_at(ax, 500, line), PALEST) for line in (0.4, 1.6))


def test_a_map_of_nothing_but_zeros_has_no_scale():
    figure = charts.heatmap_pair(sweep(30, 30).assign(estimate=0.0), *AXES)
    assert not bars(figure)
    assert alike(colour_at(panels(figure)[0], 3, 3), PALEST)


def test_points_that_are_no_grid_are_no_map_and_no_curves():
    frame = sweep(64, 64)
    diagonal = [at for at in range(len(frame)) if at % 65 == 0]
    scattered = frame.iloc[[*diagonal[:64], *(at + 64 * 64 for at in diagonal[:64])]]
    with pytest.raises(UsageError, match="of 4,096 pairs of values only 64 have data"):
        charts.heatmap_pair(scattered, *AXES)
    with pytest.raises(UsageError, match="all 64 are different"):
        charts.curves(scattered, *AXES)


def test_a_million_cells_are_one_image():
    ax = charts.heatmap(sweep(1000, 1000), *AXES, OVER_ALLOCATION)
    assert len(ax.images) == 1
    assert colour_at(ax, 900, 100) != colour_at(ax, 100, 900)


def test_a_map_of_many_cells_can_be_part_of_another_figure():
    figure = Figure(figsize=(9, 4))
    charts.heatmap(sweep(30, 30), *AXES, OVER_ALLOCATION, ax=figure.subplots(1, 2)[0])
    assert len(bars(figure)) == 1


# -------------------------------------------------------------------------- curves


@pytest.mark.parametrize(("ttls", "ends"), [(30, (60, 1200)), (1000, (60, 1200)), (300, (300, 900)), (200, (1, 86400))])
def test_curves_of_many_values_have_few_ticks_and_bands_alone(ttls, ends):
    ax = charts.curves(sweep(ttls, 4, ends, log=ends[0] == 1), *AXES, FALSE_TERMINATIONS)
    assert 3 <= len(apart(ax.xaxis)) <= ticks.MANY
    assert not drawn(ax, "95 % interval")
    assert len(drawn(ax, "95 % band")) == 4
    assert max(line.get_markersize() for line in ax.lines if line.get_label() == "0.2") < 2
    assert len(ax.get_children()) < 40


def test_of_more_lines_than_colours_some_are_drawn_and_that_is_said():
    ax = charts.curves(sweep(5, 36), *AXES, OVER_ALLOCATION, current={"lease.ttl": "1m", "renewal.every": 0.6})
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "renewal.every, 8 of 36 values"
    named = [text.get_text() for text in legend.get_texts()]
    assert len(named) == 9
    assert {"0.2", "0.6", "0.9", "current setting"} <= set(named)


def test_where_nothing_was_seen_a_dense_curve_has_a_gap_and_a_bound():
    frame = sweep(120, 2)
    ax = charts.curves(frame, *AXES, FALSE_TERMINATIONS)
    (line, _), (bound, _) = [o for o in ax.lines if o.get_label() in ("0.2", "0.9")], drawn(ax, "upper bound")
    heights = np.asarray(line.get_ydata(), dtype=float)
    assert math.isnan(heights[-1])
    assert np.isnan(heights).sum() == len(bound.get_xdata()) > 0


# ------------------------------------------------------------- trade-off and causes


def test_a_trade_off_of_thousands_is_few_artists_and_its_names_do_not_touch():
    frame = sweep(1000, 3)
    rng = np.random.default_rng(1)
    frame["estimate"] *= rng.uniform(0.7, 1.4, len(frame))
    ax = charts.tradeoff(frame, current={"lease.ttl": "1m", "renewal.every": 0.55})
    assert len(ax.get_children()) < 60
    best = len(drawn(ax, "front")[0].get_xdata())
    segments = sum(len(lines.get_segments()) for lines in drawn(ax, "95 % interval"))
    assert segments == 2 * (best + 1), "the best, and the current setting"
    figure_of(ax).draw_without_rendering()
    names = [text.get_window_extent() for text in ax.texts if text.get_gid() == "name"]
    assert len(names) >= 3
    assert not any(one.overlaps(other) for one, other in itertools.combinations(names, 2))
    legend = ax.get_legend()
    assert legend is not None
    (title,) = (text for text in ax.findobj(Text) if text.get_text() == ax.get_title(loc="left"))
    assert not legend.get_window_extent().overlaps(title.get_window_extent())


def test_causes_of_more_bars_than_can_be_compared_are_refused():
    def many(count: int) -> dict[str, dict[str, float]]:
        return {f"ttl {n}m": {"sleep": 1.0, "block": 0.5} for n in range(count)}

    assert len(charts.causes(many(40)).get_yticklabels()) == 40
    with pytest.raises(UsageError, match="41 points are too many for a bar each: 40 are the most"):
        charts.causes(many(41))
    swept = sim.sweep("no-faults", {"lease.ttl": "1m..5m/41"}, replications=1)
    with pytest.raises(UsageError) as caught:
        swept.plot_causes()
    assert "plot_causes()" in str(caught.value)


# --------------------------------------------------------------------------- ticks


@pytest.mark.parametrize(
    ("values", "log", "expected"),
    [
        ([f"{n}s" for n in range(60, 1201)], False, ["2m", "4m", "6m", "8m", "10m", "12m", "14m", "16m", "18m", "20m"]),
        ([f"{n}s" for n in range(60, 1201)], True, ["1m", "2m", "5m", "10m", "20m"]),
        ([n / 100 for n in range(20, 91)], False, ["0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]),
        (range(1, 2001), True, ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1000", "2000"]),
        (range(1, 101), False, ["10", "20", "30", "40", "50", "60", "70", "80", "90", "100"]),
        ([f"{n}/h" for n in range(1, 41)], False, ["1/h", "5/h", "9/h", "13/h", "17/h", "21/h", "25/h", "29/h"]),
        ([f"{n}us" for n in range(1, 61)], False, ["1us", "6us", "11us", "16us", "21us", "26us", "31us", "36us"]),
        (range(10**7, 10**7 + 60), False, ["10000000", "10000005", "10000010", "10000015"]),
        ([*range(1, 40), float("inf")], False, ["1", "5", "9", "13", "17", "21", "25", "29", "33", "37"]),
        ([f"word-{n:02}" for n in range(30)], False, ["word-00", "word-03", "word-06", "word-09", "word-12"]),
    ],
)  # fmt: skip
def test_ticks_of_many_values(values: Sequence[Any], log, expected):
    found = [tick.text for tick in ticks.thinned(values, 8, log)]
    assert found[: len(expected)] == expected
    assert len(found) <= ticks.MANY
