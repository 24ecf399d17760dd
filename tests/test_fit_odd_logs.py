"""`leasesim fit` on what real logs hold: boots, dates of many countries, standby, lines told twice, huge numbers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import sim
from sim.cli import main
from sim.errors import UsageError
from sim.fitting.dates import moment, order_of
from sim.fitting.laws import fits
from sim.fitting.notes import Clock, DayCounter, Notes, Options
from sim.units import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from tests.test_fit import BERLIN, DATA, source, written

RENEW = "POST /api/v2/concurrency_limits/leases/a-1/renew"
HTTPX = f'httpx - HTTP Request: {RENEW.replace("POST ", "POST http://x")} "HTTP/1.1'
SEND = "httpcore.http11 - send_request_headers.started request=<Request [b'POST']>"


def journal(*events: str) -> list[str]:
    """Lines of one February day from "10:00 kernel: message"; what begins with dashes stays."""
    return [e if e.startswith("--") else f"2026-02-02T{e[:5]}:00+0100 pc {e[6:]}" for e in events]


def power(*events: tuple[str, str]) -> list[str]:
    """Events of Kernel-Power as CSV, from time and number."""
    rows = [f'"{time}","{event}","Microsoft-Windows-Kernel-Power","x"' for time, event in events]
    return ['"TimeCreated","Id","ProviderName","Message"', *rows]


def console(*messages: str) -> list[str]:
    """Lines of Prefect's console from "08:00:00.000 logger - message"."""
    return [f"{each[:12]} | INFO    | {each[13:]}" for each in messages]


# ---- boots, and what is known of the time awake


@pytest.mark.parametrize("name", ["linux-dead-asleep.txt", "macos-dead-asleep.txt"])
def test_a_sleep_that_ends_in_a_boot_is_no_sleep(name: str) -> None:
    """Asleep at 21:12:30, booted at 21:52:30, asleep again at 22:42:43: the hour between is not slept through."""
    found = sim.fit(DATA / name)
    notes = found.sources[0].notes
    assert not notes.bad
    assert len(notes.sleeps) == 23
    assert max(length for _, length in notes.sleeps) < HOUR
    assert [length for _, length in notes.unknown] == [40 * MINUTE]
    assert any("1 time, 40m in all" in remark for remark in notes.remarks)
    assert found.rate is not None
    covered = (notes.last_ns or 0) - (notes.first_ns or 0)
    asleep = sum(length for _, length in notes.sleeps)
    assert 23 / found.rate.value == pytest.approx((covered - asleep - 40 * MINUTE) / HOUR)
    (fault,) = sim.loads(sim.fit(DATA / name, as_trace=True).snippet).faults
    assert fault.when.trace is not None
    assert len(fault.when.trace) == 23


def test_both_logs_of_the_same_machine_tell_the_same_sleeps_over_new_year() -> None:
    linux, mac = (source(DATA / name).notes for name in ("linux-dead-asleep.txt", "macos-dead-asleep.txt"))
    assert linux.sleeps == mac.sleeps
    year = 1_798_761_600 * SECOND  # 2027-01-01T00:00:00Z
    assert linux.sleeps[0][0] < year < linux.sleeps[-1][0]


@pytest.mark.parametrize("sign", ["-- Boot 0f4c --", "-- Reboot --", "15:00 kernel: Linux version 6.12.9"])
def test_a_machine_that_is_off_is_not_awake(tmp_path: Path, sign: str) -> None:
    """On from 08:00 to 11:00 and from 15:00 to 16:00, asleep for an hour of it."""
    after = [] if sign.startswith("15:00") else ["15:00 kernel: Linux version 6.12.9"]
    lines = journal(
        "08:00 kernel: Linux version 6.12.9",
        "09:00 kernel: PM: suspend entry (deep)",
        "10:00 kernel: PM: suspend exit",
        "11:00 kernel: wlan0: left",
        sign,
        *after,
        "16:00 kernel: wlan0: joined",
    )
    notes = source(written(tmp_path, *lines)).notes
    assert notes.awake_ns == 3 * HOUR
    assert len(notes.unknown) == 1


def test_a_sleep_without_its_end_or_beginning_is_left_out_and_its_time_not_counted(tmp_path: Path) -> None:
    lines = journal(
        "08:00 kernel: wlan0: joined",
        "09:00 kernel: PM: suspend entry (deep)",
        "13:00 kernel: PM: suspend entry (deep)",
        "13:30 kernel: PM: suspend exit",
        "14:00 kernel: wlan0: joined",
        "15:00 kernel: PM: suspend exit",
        "16:00 kernel: wlan0: joined",
    )
    notes = source(written(tmp_path, *lines)).notes
    assert [length for _, length in notes.sleeps] == [30 * MINUTE]
    assert [length for _, length in notes.unknown] == [4 * HOUR, HOUR]
    assert notes.awake_ns == 2 * HOUR + 30 * MINUTE


def test_only_times_that_are_known_to_be_awake_are_held_against_a_rate(tmp_path: Path) -> None:
    lines = ["-- Boot 1 --"]
    for n in range(44):
        lines += [f"2026-02-02T{n // 2:02}:{n % 2 * 30:02}:00+0100 pc kernel: PM: suspend entry (deep)"]
        lines += [f"2026-02-02T{n // 2:02}:{n % 2 * 30 + 3 + n % 9:02}:00+0100 pc kernel: PM: suspend exit"]
        lines += [f"-- Boot {n + 2} --"] if n % 2 else []
    found = sim.fit(written(tmp_path, *lines))
    assert found.rate is not None
    assert found.rate.n == 44
    assert found.gaps is not None  # of 22 gaps, one in each boot
    assert found.gaps.parameters["mean"] == pytest.approx(sum(27 - n % 9 for n in range(0, 44, 2)) / 22 * 60)


def test_windows_boots_end_no_sleep(tmp_path: Path) -> None:
    lines = power(
        *(("2026-04-01T08:00:00", "105"), ("2026-04-01T09:00:00", "42"), ("2026-04-01T12:00:00", "41")),
        *(("2026-04-01T17:00:00", "42"), ("2026-04-01T17:30:00", "107")),
    )
    shut = '"2026-04-01T18:00:00","13","Microsoft-Windows-Kernel-General","x"'
    started = '"2026-04-01T20:00:00","12","Microsoft-Windows-Kernel-General","x"'
    notes = source(written(tmp_path, *lines, shut, started)).notes
    assert [length for _, length in notes.sleeps] == [30 * MINUTE]
    assert [length for _, length in notes.unknown] == [3 * HOUR, 2 * HOUR]
    assert notes.awake_ns == 6 * HOUR + 30 * MINUTE


def test_standby_that_turns_into_a_sleep_is_one_sleep() -> None:
    notes = source(DATA / "windows-standby.csv").notes
    assert len(notes.sleeps) == 24
    assert sum(length for _, length in notes.sleeps) == 17_180 * SECOND
    assert not notes.unknown


def test_lines_that_stand_there_again_count_once(tmp_path: Path) -> None:
    """A log that was appended to the same file every day."""
    for name in ("linux-journal.txt", "macos-pmset.txt", "nginx-access.log", "prefect-server.log"):
        text = (DATA / name).read_text("utf-8").splitlines()
        once = source(DATA / name).notes
        twice = source(written(tmp_path, *text[: len(text) // 2], *text, name=name)).notes
        assert twice.sleeps == once.sleeps
        assert twice.statuses == once.statuses
        assert twice.intervals == once.intervals
        assert twice.latencies == once.latencies
        assert any(remark.startswith("lines that stand there again") for remark in twice.remarks)


def test_files_that_show_the_same_are_refused(tmp_path: Path) -> None:
    name = "linux-journal.txt"
    lines = (DATA / name).read_text("utf-8").splitlines()
    copy, part = written(tmp_path, *lines, name="copy.txt"), written(tmp_path, *lines[:60], name="part.txt")
    for other, says in (
        (copy, "are the same, byte by byte"),
        (part, "show the same sleeps, such as that of 2026-02-02"),
    ):
        with pytest.raises(UsageError, match=says):
            sim.fit(DATA / name, other)


def test_lines_out_of_order_are_put_in_order_and_counted(tmp_path: Path) -> None:
    lines = (DATA / "macos-dead-asleep.txt").read_text("utf-8").splitlines()
    first = next(at for at, line in enumerate(lines) if " Sleep  " in line)
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    notes = source(written(tmp_path, *lines)).notes
    assert notes.sleeps == source(DATA / "macos-dead-asleep.txt").notes.sleeps
    assert "lines that come after one of a later time, put in order: 1" in notes.remarks


# ---- dates


def test_a_date_above_12_settles_all_dates_of_a_file() -> None:
    """Day first, 9 to 13 May: only 13/05 leaves no other way."""
    notes = source(DATA / "windows-day-first.csv").notes
    assert not notes.bad
    assert len(notes.sleeps) == 24
    assert ((notes.last_ns or 0) - (notes.first_ns or 0)) // DAY == 3
    assert any(remark.startswith("the dates are day-first: '13/05/2026 05:16:45'") for remark in notes.remarks)


def test_dates_that_nothing_settles_are_refused_with_the_option_that_does(capsys: pytest.CaptureFixture[str]) -> None:
    log = str(DATA / "windows-undecided.csv")
    assert main(["fit", log]) == 2
    told = capsys.readouterr().err
    assert "'5/06/2026 10:38:58 AM' could be 2026-06-05 or 2026-05-06" in told
    assert "hint: say which comes first: --dates day-first or --dates month-first" in told
    assert main(["fit", log, "--dates", "day-first"]) == 0
    out = capsys.readouterr().out
    assert "2026-06-01 09:10:57 UTC to 2026-06-05 10:38:58 UTC" in out
    assert "the dates are day-first, as was said" in out
    assert main(["fit", log, "--dates", "day-frist"]) == 2
    assert "day-first" in capsys.readouterr().err
    with pytest.raises(UsageError, match="dates = 'day-frist'"):
        sim.fit(log, dates="day-frist")  # type: ignore[arg-type]  # refused at run time


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["9/4/2026 8:00:00 AM", "13/4/2026 8:00:00 AM"], "day-first"),
        (["4/9/2026 08:00:00", "4/13/2026 08:00:00"], "month-first"),
        (["30-04-2026 08:00:00", "01-05-2026 08:00:00"], "day-first"),
        (["10/04/2026 08:00:00", "11/04/2026 08:00:00", "02/05/2026 08:00:00"], "day-first"),
        (["05/02/2026 08:00:00", "04/11/2026 08:00:00", "04/10/2026 08:00:00"], "month-first"),
        (["4/4/2026 08:00:00", "5/5/2026 08:00:00"], None),
        (["02.03.2026 08:00:00", "2026-03-02T08:00:00"], None),
        (["99/99/2026 08:00:00", "13/4/2026 08:00:00"], "day-first"),
    ],
)
def test_the_order_of_day_and_month_is_told_by_the_whole_file(texts: list[str], order: str | None) -> None:
    found = order_of(texts)
    assert (found and found[0]) == order


def test_the_order_of_day_and_month_is_told_by_times_in_messages() -> None:
    text, wake = "3/2/2026 8:15:09 AM", moment("2026-03-02T16:15:02.5Z")
    assert order_of([text], [(text, wake)]) == ("month-first", "only so do they agree with the times in the messages")
    with pytest.raises(UsageError, match="nothing in the file tells"):
        order_of([text])


def test_dates_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'13/4/2026 8:00:00' can only be day-first, '4/14/2026 8:00:00'"):
        order_of(["13/4/2026 8:00:00", "4/14/2026 8:00:00"])


def test_dates_against_the_order_that_was_said_are_unreadable(tmp_path: Path) -> None:
    lines = power(("4/13/2026 08:00:00", "42"), ("4/13/2026 09:00:00", "107"), ("14/4/2026 09:00:00", "42"))
    notes = source(written(tmp_path, *lines), dates="month-first").notes
    assert len(notes.sleeps) == 1
    assert [bad.why for bad in notes.bad] == ["there is no month 14, and its dates are month-first"]


def test_a_half_of_the_day_may_stand_before_the_time(tmp_path: Path) -> None:
    lines = power(("2026-04-13 오전 11:00:00", "42"), ("2026-04-13 오후 1:00:00", "107"))
    notes = source(written(tmp_path, *lines)).notes
    assert not notes.bad
    assert [length for _, length in notes.sleeps] == [2 * HOUR]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2026-04-22 10:15:16 p.m.", "2026-04-22T22:15:16"),
        ("22-04-2026 10.15.16", "2026-04-22T10:15:16"),
        ("2026/4/22 9:15:16", "2026-04-22T09:15:16"),
        ("22. 4. 2026 9:15:16", "2026-04-22T09:15:16"),
    ],
)
def test_times_of_other_countries(text: str, means: str) -> None:
    assert moment(text).isoformat() == means


@pytest.mark.parametrize("text", ["2026-03-02T08", "2026-03-02T08:15", "2026-03-02", "2/30/2026 13:00:00 AM"])
def test_a_time_that_was_cut_off_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        moment(text, "month-first")


def test_events_keep_their_own_number_whatever_field_stands_first(tmp_path: Path) -> None:
    events = (("42", "8:00:00"), ("107", "9:00:00"), ("42", "11:00:00"), ("107", "11:30:00"))
    text = [
        f"Id           : {event}\nTimeCreated  : 4/22/2026 {time} AM\nProviderName : Microsoft-Windows-Kernel-Power\n"
        for event, time in events
    ]
    notes = source(written(tmp_path, *text)).notes
    assert [length for _, length in notes.sleeps] == [HOUR, 30 * MINUTE]
    assert not notes.bad
    lost = written(tmp_path, text[0], text[1].replace("TimeCreated", "TimeCre"), *text[2:])
    notes = source(lost).notes
    assert [length for _, length in notes.sleeps] == [30 * MINUTE]
    assert len(notes.bad) == 1


def test_times_in_a_message_that_do_not_exist_are_counted(tmp_path: Path) -> None:
    row = '"2026-04-22T08:00:00Z","1","Microsoft-Windows-Power-Troubleshooter","Sleep Time: {} Wake Time: {}"'
    good = row.format("2026-04-22T07:00:00Z", "2026-04-22T08:00:00Z")
    notes = source(
        written(tmp_path, power()[0], good, row.format("2026-99-22T07:00:00Z", "2026-04-22T08:00:00Z"))
    ).notes
    assert [length for _, length in notes.sleeps] == [HOUR]
    assert "without Sleep Time and Wake Time" in notes.bad[0].why
    late = written(tmp_path, power()[0], row.format("2026-04-22T07:00:00Z", "2026-04-22T10:00:00Z"))
    assert source(late).notes.awake_ns == 0  # the event is stamped two hours before the wake that it tells of


# ---- clocks


def test_the_hour_that_comes_twice_is_said_where_nothing_tells_which(tmp_path: Path) -> None:
    lines = power(("2026-10-25T01:50:00", "42"), ("2026-10-25T02:30:00", "107"), ("2026-10-25T05:00:00", "105"))
    notes = source(written(tmp_path, *lines), zone=BERLIN).notes
    assert [length for _, length in notes.sleeps] == [40 * MINUTE]
    assert "times in the hour that comes twice when summer time ends, taken for its first: 1" in notes.remarks
    told = power(("2026-10-25T02:50:00", "42"), ("2026-10-25T02:10:00", "107"), ("2026-10-25T02:20:00", "42"))
    assert not any("taken for" in remark for remark in source(written(tmp_path, *told), zone=BERLIN).notes.remarks)


def test_a_time_that_the_clock_went_over_is_unreadable(tmp_path: Path) -> None:
    notes = source(written(tmp_path, *power(("2026-03-29T02:30:00", "42"))), zone=BERLIN).notes
    assert notes.bad[0].why == "there is no such time in Europe/Berlin: the clock went forward over it"


def test_sleeps_over_changes_of_the_clock_keep_their_length(tmp_path: Path) -> None:
    clock = Clock(Notes(Options(zone=BERLIN)))
    for evening, morning, hours in (
        ("2026-03-28 23:00", "2026-03-29 07:00", 7),
        ("2026-10-24 23:00", "2026-10-25 07:00", 9),
    ):
        begin, end = (clock.at(moment(f"{each}:00")) for each in (evening, morning))
        assert end - begin == hours * HOUR


def test_a_line_from_before_midnight_that_comes_after_it_makes_no_day() -> None:
    notes = source(DATA / "prefect-midnight.log").notes
    assert set(notes.intervals) == {225 * SECOND}
    days = DayCounter(Notes())
    midnight = [days.at(each) for each in (DAY - 1, 10, DAY - 2, 20, DAY - 1, 5)]
    assert [then - now for now, then in pairwise(midnight)] == [11, -12, 22, -21, 6]


# ---- newest first


@pytest.mark.parametrize(
    "name",
    [
        "linux-journal.txt",
        "linux-dead-asleep.txt",
        "prefect-debug.log",
        "prefect-midnight.log",
        "prefect-server.log",
        "prefect-errors.log",
        "nginx-access.log",
        "nginx-timing.log",
        "uvicorn-access.log",
        "macos-pmset.txt",
    ],
)
def test_a_log_that_begins_with_the_newest_line_says_the_same(tmp_path: Path, name: str) -> None:
    """As journalctl -r and many web pages write it."""
    lines = (DATA / name).read_text("utf-8").splitlines()
    told, before = source(written(tmp_path, *reversed(lines))).notes, source(DATA / name).notes
    assert told.sleeps == before.sleeps
    assert told.unknown == before.unknown
    assert sorted(told.intervals) == sorted(before.intervals)
    assert sorted(told.latencies) == sorted(before.latencies)
    assert told.statuses == before.statuses
    assert (told.first_ns, told.last_ns) == (before.first_ns, before.last_ns)
    if not name.startswith("macos"):  # its lines are put in order in any case
        assert any("newest line stands first" in remark for remark in told.remarks)
        assert not any("newest line stands first" in remark for remark in before.remarks)


# ---- renewals


def test_nginx_times_stand_anywhere_behind_the_agent() -> None:
    """The last three are upstream's; the agent says rt=9.999 itself."""
    notes = source(DATA / "nginx-timing.log").notes
    assert len(notes.latencies) == 30
    assert sum(notes.latencies) == 859 * MILLISECOND


@pytest.mark.parametrize(
    ("rest", "took"),
    [
        ('"-" "agent" 0.012', 12),
        ('"-" "agent" "0.012"', 12),
        ('"-" "agent" rt="0.012" 0.5', 12),
        ('"-" "agent" uct="0.500" request_time=0.012', 12),
        ('"-" "agent" "10.0.0.1"', None),
        (r'"-" "an \"agent\" rt=9.0"', None),
        ("", None),
    ],
)
def test_the_time_of_a_request_in_an_access_log(tmp_path: Path, rest: str, took: int | None) -> None:
    line = f'10.0.0.7 - - [02/Mar/2026:08:15:02 +0100] "{RENEW} HTTP/1.1" 204 0 {rest}'
    notes = source(written(tmp_path, line)).notes
    assert notes.latencies == ([took * MILLISECOND] if took else [])
    assert any(remark.startswith("renewals without the time") for remark in notes.remarks) == (took is None)


def test_a_log_of_prefects_server_is_read() -> None:
    found = sim.fit(DATA / "prefect-server.log")
    assert found.kind == "prefect"
    assert dict(found.statuses) == {"204": 36, "503": 4}
    assert sim.loads(found.snippet).renew_every_ns == pytest.approx(225 * SECOND, rel=1e-3)


def test_a_renewal_that_client_and_server_tell_counts_once(tmp_path: Path) -> None:
    both = [f'08:{n:02}:00.000 {HTTPX} 204 No Content"' for n in range(30)]
    both += [f'08:{n:02}:00.001 uvicorn.access - 1.2.3.4:5 - "{RENEW} HTTP/1.1" 204' for n in range(30)]
    notes = source(written(tmp_path, *sorted(console(*both)))).notes
    assert notes.statuses == {"204": 30}
    assert set(notes.intervals) == {MINUTE}
    assert any("server in the same file" in remark and remark.endswith(": 30") for remark in notes.remarks)


def test_a_failed_renewal_counts_once() -> None:
    """40 renewals, 4 answered by 500; each of these is told by httpx and by Prefect."""
    found = sim.fit(DATA / "prefect-errors.log")
    assert dict(found.statuses) == {"204": 36, "500": 4}
    assert sim.loads(found.snippet).server.error_probability == pytest.approx(0.1)


def test_failed_attempts_count_where_no_answer_is_logged(tmp_path: Path) -> None:
    said = "prefect.concurrency - Attempt 1 of function 'concurrency lease renewal' failed with"
    lines = console(
        f"08:00:00.000 {said} PrefectHTTPStatusError: Server error '502 Bad Gateway' for url 'x'. Retrying in 1 s",
        f"08:01:00.000 {said} ReadTimeout: . Retrying in 1 s",
        f"08:02:00.000 {said} PrefectHTTPStatusError: odd",
    )
    assert source(written(tmp_path, *lines)).notes.statuses == {"502": 1, "ReadTimeout": 1, "PrefectHTTPStatusError": 1}


def test_a_round_trip_is_of_the_request_that_was_answered(tmp_path: Path) -> None:
    """A renewal alone, one beside another POST, one after others, one long after a POST without answer."""
    other = 'httpx - HTTP Request: POST http://x/api/logs "HTTP/1.1 201 Created"'
    times = ["08:00:00.000 {s}", "08:00:00.020 {r}", "08:01:00.000 {s}", "08:01:00.100 {s}", "08:01:00.130 {r}"]
    times += ["08:01:00.200 {o}", "08:02:00.000 {s}", "08:02:00.500 {o}", "08:02:01.000 {r}"]
    times += ["08:03:00.000 {s}", "08:09:00.000 {s}", "08:09:00.040 {r}"]
    lines = console(*(each.format(s=SEND, r=f'{HTTPX} 204 No Content"', o=other) for each in times))
    notes = source(written(tmp_path, *lines)).notes
    assert notes.latencies == [20 * MILLISECOND, 40 * MILLISECOND]
    assert "renewals answered while several POST were under way: no round trip is taken: 1" in notes.remarks


def test_renewals_out_of_order_give_no_interval_and_are_counted(tmp_path: Path) -> None:
    """Two days of a log, joined the wrong way round."""
    times = ("08:10:00", "08:20:00", "08:00:00", "08:05:00")
    lines = [f'10.0.0.7 - - [02/Mar/2026:{time} +0100] "{RENEW} HTTP/1.1" 204 0' for time in times]
    notes = source(written(tmp_path, *lines)).notes
    assert notes.intervals == [10 * MINUTE, 5 * MINUTE]
    assert "renewals after a later one of the same lease: no interval is taken: 1" in notes.remarks


# ---- numbers


@pytest.mark.parametrize("value", ["1e400", "40000000000", "9" * 400])
def test_a_latency_beyond_all_is_unreadable(tmp_path: Path, value: str) -> None:
    times = [f"0.0{n}" for n in range(10, 50)]
    found = sim.fit(written(tmp_path, "latency_s", *times, value, name="l.csv"), law="empirical")
    assert len(found.samples[0].durations) == 40
    assert found.sources[0].notes.bad[0].why == "no such duration: it is longer than 73 years"
    line = f'10.0.0.7 - - [02/Mar/2026:08:15:02 +0100] "{RENEW} HTTP/1.1" 204 0 rt={"9" * 400}.5'
    assert len(source(written(tmp_path, line)).notes.bad) == 1


@pytest.mark.parametrize(("took", "up"), [("0.001", "1ms"), ("0.000", "0s")])
def test_round_trips_without_spread_are_a_constant(tmp_path: Path, took: str, up: str) -> None:
    lines = [
        f'10.0.0.7 - - [02/Mar/2026:08:{n:02}:00 +0100] "{RENEW} HTTP/1.1" {500 if n % 10 == 3 else 204} 0 rt={took}'
        for n in range(40)
    ]
    found = sim.fit(written(tmp_path, *lines))
    assert f'up = "{up}"' in found.snippet
    assert 'every = "1m"' in found.snippet
    assert "error_probability = 0.1" in found.snippet
    assert "chosen: constant: all are the same" in str(found)
    with pytest.raises(UsageError, match=f"all 40 samples are {up}: there is no spread"):
        sim.fit(written(tmp_path, *lines), law="weibull")
    with pytest.raises(UsageError, match="nothing to draw"):
        found.plot()


def test_zeros_among_others_are_half_the_shortest() -> None:
    with_zeros, with_halves = fits([0] * 5 + [2, 3, 4] * 9), fits([1] * 5 + [2, 3, 4] * 9)
    assert with_zeros == with_halves


def test_the_end_of_a_power_log_is_no_damage() -> None:
    notes = source(DATA / "macos-dead-asleep.txt").notes
    assert not notes.bad
    assert notes.last_ns == 1_798_773_581 * SECOND  # when the log was written: 2027-01-01 04:19:41 +0100
