"""`leasesim fit`: every format is read for what it says, odd lines are counted, laws are found again."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from sim.cli import main
from sim.errors import UsageError
from sim.fitting.dates import moment
from sim.fitting.laws import EMPIRICAL_MAX, LAWS, distances, empirical, fits, fitted_law, weibull
from sim.fitting.notes import Options, merged
from sim.fitting.reading import KINDS, Source, detected, read
from sim.samplers import normal_quantile
from sim.units import HOUR, MILLISECOND, MINUTE, SECOND, parse_duration

BERLIN = ZoneInfo("Europe/Berlin")
DATA = Path(__file__).parent / "data" / "fit"
FILES: dict[str, tuple[str, int, int]] = {
    # file: kind, samples, unreadable lines
    "macos-pmset.txt": ("pmset", 36, 2),
    "linux-journal.txt": ("journal", 30, 2),
    "windows-wevtutil.txt": ("windows", 28, 2),
    "windows-get-winevent.csv": ("windows", 28, 1),
    "windows-get-winevent.txt": ("windows", 28, 0),
    "prefect-debug.log": ("prefect", 93, 2),
    "nginx-access.log": ("access", 180, 2),
    "uvicorn-access.log": ("access", 180, 0),
    "latency.csv": ("latency", 200, 3),
}


def written(folder: Path, *lines: str, name: str = "log.txt") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def source(path: Path, kind: str | None = None, **options) -> Source:
    return read(path, Options(**options), kind)


@cache
def fit_of(name: str) -> sim.Fit:
    """The fit of a sample with nothing else said."""
    return sim.fit(DATA / name)


# ---- formats


@pytest.mark.parametrize("name", FILES)
def test_a_format_is_told_by_its_content_and_read(name: str) -> None:
    kind, samples, bad = FILES[name]
    found = source(DATA / name)
    assert found.kind == kind
    assert len(found.notes.bad) == bad
    notes = found.notes
    shown = {"sleeps": len(notes.sleeps), "latencies": len(notes.latencies), "renewals": notes.statuses.total()}
    assert shown[KINDS[kind].SHOWS] == samples


@pytest.mark.parametrize("name", FILES)
def test_what_is_written_can_be_loaded_and_says_where_it_is_from(name: str) -> None:
    found = fit_of(name)
    sim.loads(found.snippet)
    for part in (name, found.sources[0].sha256, f"{found.sources[0].lines:,} lines", str(sim.__version__)):
        assert part in found.snippet
    assert json.loads(json.dumps(found.as_json()))["kind"] == FILES[name][0]


def test_the_same_windows_sleeps_in_three_forms() -> None:
    spans = [source(DATA / name).notes.sleeps for name in FILES if name.startswith("windows")]
    lengths = [[length for _, length in each] for each in spans]
    assert lengths[1] == lengths[2]
    assert np.allclose(lengths[0], lengths[1], atol=SECOND)
    zoned = source(DATA / "windows-get-winevent.txt", zone=BERLIN).notes.sleeps
    assert [start for start, _ in zoned] == [start for start, _ in spans[0]]


def test_summer_time_costs_no_hour_where_lines_have_offsets(tmp_path: Path) -> None:
    night = written(
        tmp_path,
        "2026-03-29 01:30:00 +0100 Sleep               \tEntering Sleep state due to 'Idle Sleep': 5400 secs",
        "2026-03-29 04:00:00 +0200 Wake                \tWake from Deep Idle [CDNVA] : due to EC.LidOpen",
    )
    assert source(night).notes.sleeps[0][1] == 90 * MINUTE


def test_the_hour_that_comes_twice_is_told_by_the_order(tmp_path: Path) -> None:
    lines = [
        "TimeCreated,Id,ProviderName,Message",
        *(
            f"2026-10-25T{time},{event},Microsoft-Windows-Kernel-Power,x"
            for time, event in (("02:50:00", 42), ("02:10:00", 107), ("02:20:00", 42), ("03:20:00", 107))
        ),
    ]
    berlin = source(written(tmp_path, *lines), zone=BERLIN).notes
    assert [length for _, length in berlin.sleeps] == [20 * MINUTE, HOUR]
    assert any("comes twice" in remark for remark in berlin.remarks)


def test_dark_wakes_are_part_of_a_sleep_or_end_it() -> None:
    asleep = source(DATA / "macos-pmset.txt").notes
    awake = source(DATA / "macos-pmset.txt", dark_wakes="awake").notes
    assert len(awake.sleeps) == len(asleep.sleeps) + 2
    lost = sum(length for _, length in asleep.sleeps) - sum(length for _, length in awake.sleeps)
    assert lost == 2 * 31 * SECOND


def test_a_kernel_entry_stamped_after_the_wake_does_not_shorten_the_sleep(tmp_path: Path) -> None:
    log = written(
        tmp_path,
        "2026-02-02T10:00:00+0100 pc systemd-sleep[1]: Entering sleep state 'suspend'...",
        "2026-02-02T11:00:00+0100 pc kernel: PM: suspend entry (deep)",
        "2026-02-02T11:00:00+0100 pc kernel: PM: suspend exit",
        "2026-02-02T11:00:03+0100 pc systemd-sleep[1]: System returned from sleep operation 'suspend'.",
        "2026-02-02T12:00:00.250+01:00 pc kernel: PM: hibernation: hibernation entry",
        "2026-02-02T12:30:00.500+01:00 pc kernel: PM: hibernation: hibernation exit",
        "2026-02-02T13:00:00+0100 pc kernel: PM: suspend entry (deep)",
    )
    notes = source(log).notes
    assert [length for _, length in notes.sleeps] == [HOUR, 30 * MINUTE + 250 * MILLISECOND]
    assert any("ends during a sleep" in remark for remark in notes.remarks)


def test_midnight_begins_the_next_day_and_disorder_does_not(tmp_path: Path) -> None:
    renew = 'httpx - HTTP Request: POST http://x/api/v2/concurrency_limits/leases/a-1/renew "HTTP/1.1 204 No Content"'
    times = ("23:56:00.000", "23:59:45.500", "00:03:30.500", "00:03:30.400", "00:07:15.500")
    notes = source(written(tmp_path, *(f"{time} | INFO    | {renew}" for time in times))).notes
    assert [interval for interval in notes.intervals if interval > SECOND] == [
        225 * SECOND + 500 * MILLISECOND,
        225 * SECOND,
        225 * SECOND + 100 * MILLISECOND,
    ]
    assert notes.last_ns is not None
    assert notes.last_ns > 24 * HOUR


def test_renewals_say_interval_latency_and_errors() -> None:
    prefect = fit_of("prefect-debug.log")
    assert dict(prefect.statuses) == {"204": 90, "503": 1, "ReadTimeout": 2}
    chosen = sim.loads(prefect.snippet)
    assert chosen.renew_every_ns == pytest.approx(225 * SECOND, rel=1e-3)
    assert chosen.server.error_probability == pytest.approx(1 / 93, rel=1e-3)
    nginx = fit_of("nginx-access.log")
    assert nginx.samples[0].chosen == "weibull"
    assert nginx.late == 4
    times_only = fit_of("uvicorn-access.log")
    assert not times_only.samples
    assert dict(times_only.statuses) == {"204": 175, "503": 5}


def test_uvicorn_without_times_gives_statuses(tmp_path: Path) -> None:
    line = 'INFO:     127.0.0.1:5000 - "POST /api/v2/concurrency_limits/leases/a-1/renew HTTP/1.1" 204 No Content'
    found = sim.fit(written(tmp_path, *[line] * 30))
    assert dict(found.statuses) == {"204": 30}
    assert "only the statuses were used" in str(found)
    assert "Nothing to set" in found.snippet


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("3/2/2026 12:15:02 AM", "2026-03-02T00:15:02"),
        ("3/2/2026 12:15:02\u202fPM", "2026-03-02T12:15:02"),
        ("02.03.2026 00:15:02", "2026-03-02T00:15:02"),
        ("2026-03-02 오전 12:15:02", "2026-03-02T00:15:02"),
        ("2026. 3. 2. 오후 8:15:02", "2026-03-02T20:15:02"),
        ("2026/03/02 午前 8:15:02", "2026-03-02T08:15:02"),
        ("2026/3/2 午後12:15:02", "2026-03-02T12:15:02"),
        ("2026/3/2 下午 01:15:02", "2026-03-02T13:15:02"),
        ("15/3/2026 0:15:02", "2026-03-15T00:15:02"),
        ("3/15/2026 0:15:02", "2026-03-15T00:15:02"),
        ("2026-03-02T00:15:02.1234567", "2026-03-02T00:15:02.123456"),
    ],
)
def test_times_as_windows_writes_them(text: str, means: str) -> None:
    order = "month-first" if text.startswith("3/2") else None
    assert moment(text, order).isoformat() == means


def test_an_ambiguous_date_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="either way round"):
        moment("3/2/2026 14:15:02")


def test_latencies_take_their_unit_from_heading_cell_or_option(tmp_path: Path) -> None:
    values = [str(n) for n in range(10, 40)]
    for lines, options in (
        (["rtt_ms", *values], {}),
        (["rtt", *(f"{value}ms" for value in values)], {}),
        (["a;took", *(f"x;{value}" for value in values)], {"unit": "ms", "column": "took"}),
        (values, {"unit": "ms"}),
    ):
        latencies = source(written(tmp_path, *lines, name="l.csv"), **options).notes.latencies
        assert latencies == [n * MILLISECOND for n in range(10, 40)]


def test_files_of_a_kind_are_pooled_and_others_refused() -> None:
    both = sim.fit(DATA / "macos-pmset.txt", DATA / "linux-journal.txt")
    assert len(both.samples[0].durations) == 66
    assert both.rate is not None
    assert both.rate.n == 66
    with pytest.raises(UsageError, match="show different things"):
        sim.fit(DATA / "macos-pmset.txt", DATA / "latency.csv")


def test_every_odd_line_is_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    text = (DATA / "latency.csv").read_text("utf-8")
    told = str(sim.fit(written(tmp_path, text, *["?"] * 9)))
    assert "12 unreadable lines, left out:" in told
    assert "line 20: no latency there" in told
    assert "and 7 more" in told


JUNK = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", '"', "2026-03-02", "Event[9]:", "\u202e\x1b[31m", "9" * 400, "2026-99-99T99:99:99+9999 a b: c"]
    ),
)


@settings(max_examples=15)
@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_no_damage_to_a_file_ends_in_anything_but_words(name: str, tmp_path_factory, data: st.DataObject) -> None:
    """Lines cut off, replaced, doubled: what is left is read, or refused as bad input."""
    raw = (DATA / name).read_bytes()
    lines = raw.decode("utf-16" if raw.startswith(b"\xff\xfe") else "utf-8").splitlines()
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[at])))
        lines[at : at + 1] = data.draw(
            st.sampled_from([[lines[at][:cut]], [lines[at]] * 2, [lines[at][:cut] + data.draw(JUNK)]])
        )
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes("\n".join(lines).encode("utf-8", errors="replace"))
    try:
        notes = source(path, FILES[name][0]).notes
    except UsageError:
        return
    assert all(length >= 0 for _, length in notes.sleeps)
    assert all(duration >= 0 for duration in [*notes.latencies, *notes.intervals])
    assert all(bad.why for bad in notes.bad)


def test_a_clock_set_back_makes_no_sleep(tmp_path: Path) -> None:
    log = written(
        tmp_path,
        "2026-02-02T10:00:00+0100 pc kernel: PM: suspend entry (deep)",
        "2026-02-02T09:00:00+0100 pc kernel: PM: suspend exit",
    )
    notes = source(log).notes
    assert not notes.sleeps
    assert "set back" in notes.bad[0].why


# ---- traces


def test_a_trace_replays_the_sleeps_as_they_were() -> None:
    found = sim.fit(DATA / "linux-journal.txt", as_trace=True)
    notes = found.sources[0].notes
    (fault,) = sim.loads(found.snippet).faults
    assert fault.when.trace is not None
    assert len(fault.when.trace) == 30
    assert [(at + (notes.first_ns or 0), length) for at, length in fault.when.trace] == sorted(notes.sleeps)
    run = sim.run(sim.loads(f'duration = "3d"\n{found.snippet}'))
    begun = [event.time_ns for event in run.trace if event.kind.name == "FAULT_BEGIN"]
    assert begun == [at for at, _ in fault.when.trace if at < 72 * HOUR]


def test_a_trace_of_one_sleep_is_enough_and_a_fit_is_not(tmp_path: Path) -> None:
    lines = (DATA / "linux-journal.txt").read_text("utf-8").splitlines()[:8]
    few = written(tmp_path, *lines)
    with pytest.raises(UsageError) as caught:
        sim.fit(few)
    assert str(caught.value).startswith("1 sample of: sleep; at least 20 are needed for a fit\n  hint: --as-trace")
    assert "trace = [" in sim.fit(few, as_trace=True).snippet


# ---- laws


@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_found_again(name: str) -> None:
    """Data drawn from each law by its own quantiles, evenly spread: estimates must come back, and no rejection."""
    p = (np.arange(2000) + 0.5) / 2000
    draws = {
        "exponential": -60 * np.log1p(-p),
        "lognormal": np.array([60 * math.exp(0.7 * normal_quantile(float(u))) for u in p]),
        "weibull": 60 * (-np.log1p(-p)) ** (1 / 0.6),
        "pareto": 60 * (1 - p) ** (-1 / 2.2),
    }
    best = fits([round(x * SECOND) for x in draws[name]])[0]
    assert best.name == name
    assert not best.rejected
    laws: dict[str, dict[str, float]] = {
        "exponential": {"mean": 60},
        "lognormal": {"median": 60, "sigma": 0.7},
        "weibull": {"scale": 60, "shape": 0.6},
        "pareto": {"minimum": 60, "alpha": 2.2},
    }
    for key, value in laws[name].items():
        assert best.parameters[key] == pytest.approx(value, rel=0.02)
        low, high = best.intervals[key]
        assert low <= value * 1.001
        assert high >= value * 0.999


def test_weibull_is_what_scipy_finds() -> None:
    from scipy import stats

    x = stats.weibull_min.rvs(1.7, scale=3.0, size=500, random_state=4)
    scale, shape = weibull(x)
    theirs, _, their_scale = stats.weibull_min.fit(x, floc=0)
    assert (scale, shape) == pytest.approx((their_scale, theirs), rel=1e-3)


def test_distances_are_what_scipy_finds() -> None:
    from scipy import stats

    u = np.sort(stats.uniform.rvs(size=200, random_state=5))
    ks, ad = distances(u)
    assert ks == pytest.approx(stats.kstest(u, "uniform").statistic)
    x = stats.norm.ppf(u)
    by_hand = distances(stats.norm.cdf(x, x.mean(), x.std(ddof=1)))[1]
    assert by_hand == pytest.approx(stats.anderson(x, method="interpolate").statistic)
    assert ad > 0


def test_intervals_cover_and_tests_reject_about_as_often_as_they_say() -> None:
    """40 samples of 60 lognormal durations: 95 % intervals, a test at 5 %; a bound fails by luck once in 10,000."""
    from scipy import stats

    covered = {"median": 0, "sigma": 0}
    rejected = 0
    for seed in range(40):
        x = stats.lognorm.rvs(0.9, scale=30, size=60, random_state=seed)
        found = fitted_law("lognormal", np.sort(x))
        for key, truth in (("median", 30), ("sigma", 0.9)):
            low, high = found.intervals[key]
            covered[key] += low <= truth <= high
        rejected += found.rejected
    assert min(covered.values()) >= 31
    assert rejected <= 9


def test_what_no_law_fits_is_kept_as_it_is(tmp_path: Path) -> None:
    values = [f"{5 + n % 7}" for n in range(60)] + [f"{900 + n}" for n in range(40)]
    found = sim.fit(written(tmp_path, "latency_ms", *values, name="two.csv"))
    (sample,) = found.samples
    assert sample.chosen == "empirical"
    assert "the data reject even the best law" in sample.why
    assert isinstance(sample.table, dict)
    assert len(sample.table["values"]) == 100
    assert sim.fit(DATA / "latency.csv", law="weibull").samples[0].chosen == "weibull"


def test_of_very_many_values_quantiles_are_kept() -> None:
    values = empirical(list(range(50 * EMPIRICAL_MAX)))["values"]
    assert len(values) == EMPIRICAL_MAX
    assert [parse_duration(values[0]), parse_duration(values[-1])] == [25, 50 * EMPIRICAL_MAX - 25]


def test_a_rate_is_per_hour_awake() -> None:
    found = fit_of("macos-pmset.txt")
    notes = found.sources[0].notes
    asleep = sum(length for _, length in notes.sleeps)
    awake = (notes.last_ns or 0) - (notes.first_ns or 0) - asleep
    assert found.rate is not None
    assert found.rate.value == pytest.approx(36 / (awake / HOUR))
    assert sim.loads(found.snippet).faults[0].when.rate == pytest.approx(found.rate.value, rel=1e-3)


def test_sleeps_that_touch_are_one() -> None:
    assert merged([(10, 5), (0, 4), (15, 5), (12, 1)]) == [(0, 4), (10, 10)]


# ---- bad input


@pytest.mark.parametrize(
    ("lines", "options", "says"),
    [
        (["nothing known", "at all"], {}, "cannot tell what"),
        ([""], {}, "is empty"),
        (["latency", "12"], {}, "has no unit"),
        (["a_ms,b_ms", "1,2"], {"kind": "latency"}, "which column"),
        (["rtt_ms", "1"], {"column": "rtt"}, "did you mean 'rtt_ms'"),
        (["rtt_ms", "1"], {}, "at least 20 are needed"),
        (["rtt_ms", *["5"] * 30], {"law": "pareto"}, "there is no spread to fit"),
        (["rtt_ms", "1"], {"kind": "pmsett"}, "did you mean 'pmset'"),
        (["rtt_ms", "1"], {"law": "lognorml"}, "did you mean 'lognormal'"),
        (["rtt_ms", "1"], {"zone": "Europe/Berln"}, "did you mean 'Europe/Berlin'"),
        (["rtt_ms", "1"], {"zone": "../../etc/passwd"}, "there is no time zone"),
        (["rtt_ms", "1"], {"unit": "sec"}, "unit = 'sec' is not known"),
        (["rtt_ms", "1"], {"dark_wakes": "maybe"}, "dark_wakes = 'maybe'"),
        (["rtt_ms", *map(str, range(1, 30))], {"as_trace": True}, "only sleeps are replayed"),
        (["Feb 04 10:12:13 pc kernel: PM: suspend exit"] * 30, {}, "journalctl -o short-iso"),
    ],
)
def test_bad_input_is_told_in_words(tmp_path: Path, lines, options, says) -> None:
    with pytest.raises(UsageError) as caught:
        sim.fit(written(tmp_path, *lines), **options)
    assert says in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    binary = tmp_path / "System.evtx"
    binary.write_bytes(b"ElfFile\0\0\0\0")
    for path, says in ((binary, "no text file"), (tmp_path, "is a folder"), (tmp_path / "none", "No such file")):
        with pytest.raises(UsageError, match=says):
            sim.fit(path)
    with pytest.raises(UsageError, match="no file"):
        sim.fit()


def test_a_kind_is_told_by_most_lines(tmp_path: Path) -> None:
    lines = (DATA / "nginx-access.log").read_text("utf-8").splitlines()
    assert detected(["# comment", *lines], tmp_path)[0] == "access"


# ---- the command


def test_the_command_prints_writes_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, picture = tmp_path / "sleep.toml", tmp_path / "sleep.png"
    words = ["fit", str(DATA / "macos-pmset.txt"), "--out", str(out), "--picture", str(picture)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "chosen: lognormal" in printed
    assert out.read_text("utf-8") in printed
    assert picture.read_bytes().startswith(b"\x89PNG")
    first = out.read_bytes()
    assert main(words) == 0
    assert out.read_bytes() == first
    capsys.readouterr()
    assert main([*words[:2], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"][0]["chosen"] == "lognormal"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fit"], "FILES"),
        (["fit", "none.txt"], "cannot read 'none.txt'"),
        (["fit", str(DATA / "latency.csv"), "--as-trace"], "hint: --law empirical"),
        (["fit", str(DATA / "latency.csv"), "--out", "x.json"], ".toml"),
        (["fit", str(DATA / "macos-pmset.txt"), "--as-trace", "--picture", "x.png"], "nothing to draw"),
        (["fit", str(DATA / "latency.csv"), "--lease.ttl", "5m"], "changes a scenario"),
    ],
)
def test_the_command_tells_bad_input(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert says in capsys.readouterr().err
