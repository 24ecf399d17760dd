"""`leasesim fit` on logs from elsewhere: other languages and zones, other encodings, packed, recorded by containers."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import sim
from sim.cli import main
from sim.errors import UsageError
from sim.fitting import decoding
from sim.model.distributions import Empirical
from sim.units import MILLISECOND, SECOND
from tests.test_fit import BERLIN, DATA, source, written
from tests.test_fit_odd_logs import HTTPX, RENEW, console, journal

KERNEL, TROUBLESHOOTER = "Microsoft-Windows-Kernel-Power", "Microsoft-Windows-Power-Troubleshooter"
GERMAN = "Zeit im Energiesparmodus: \u200e{asleep}Z\nReaktivierungszeit: \u200e{awake}Z"
ENGLISH = "Sleep Time: {asleep}Z\nWake Time: {awake}Z"
SLEEPS = [(datetime(2026, 2, 2 + n // 8, 2 + n % 8 * 2), timedelta(minutes=10 + n)) for n in range(24)]
"""In UTC."""


def told_twice(
    ahead: timedelta, *, form: str = "%d.%m.%Y %H:%M:%S", message: str = ENGLISH, only_once: bool = False
) -> list[str]:
    """Power events as Get-WinEvent exports them: local times, but UTC in the messages; each sleep is told twice."""
    rows = ['"TimeCreated","Id","ProviderName","Message"']
    for asleep, length in SLEEPS:
        awake = asleep + length
        rows += [f'"{asleep + ahead:{form}}","42","{KERNEL}","x"'] * (not only_once)
        rows += [f'"{awake + ahead:{form}}","107","{KERNEL}","x"'] * (not only_once)
        said = message.format(asleep=f"{asleep:%Y-%m-%dT%H:%M:%S}", awake=f"{awake:%Y-%m-%dT%H:%M:%S}")
        rows += [f'"{awake + ahead + timedelta(seconds=9):{form}}","1","{TROUBLESHOOTER}","Back.\n{said}\n"']
    return rows


# ---- zones


@pytest.mark.parametrize("minutes", [0, 60, -480, 345])
@pytest.mark.parametrize("message", [ENGLISH, GERMAN])
def test_local_times_and_moments_in_utc_tell_the_same_sleeps(tmp_path: Path, minutes: int, message: str) -> None:
    """What was told in both ways counted twice, or ran together, wherever the clock was not that of Greenwich."""
    found = sim.fit(written(tmp_path, *told_twice(timedelta(minutes=minutes), message=message), name="power.csv"))
    assert found.sources[0].notes.sleeps == [
        (round((asleep - datetime(1970, 1, 1)).total_seconds()) * SECOND, round(length.total_seconds()) * SECOND)
        for asleep, length in SLEEPS
    ]
    assert not found.sources[0].notes.bad
    assert found.rate is not None
    assert found.rate.n == 24
    name = {0: "UTC+0", 60: "UTC+1", -480: "UTC-8", 345: "UTC+5:45"}[minutes]
    assert f"the times have no zone; beside the moments in the messages they are {name}" in str(found)


def test_local_times_that_say_that_they_are_utc_are_found_out(tmp_path: Path) -> None:
    rows = told_twice(timedelta(hours=2), form="%Y-%m-%dT%H:%M:%S.0000000Z")
    notes = source(written(tmp_path, *rows)).notes
    assert len(notes.sleeps) == 24
    assert any("say that they are UTC; beside the moments in the messages they are UTC+2" in r for r in notes.remarks)
    honest = source(written(tmp_path, *told_twice(timedelta(0), form="%Y-%m-%dT%H:%M:%S.0000000Z"))).notes
    assert len(honest.sleeps) == 24
    assert not any("the times" in remark for remark in honest.remarks)


def test_a_clock_that_was_changed_needs_a_zone_and_a_wrong_zone_is_refused(tmp_path: Path) -> None:
    hour, change = timedelta(hours=1), len(SLEEPS) // 2 * 3 + 1
    rows = told_twice(hour)[:change] + told_twice(2 * hour)[change:]
    rows = [row.replace(".02.2026", ".04.2026") if at >= change else row for at, row in enumerate(rows)]
    rows = [row.replace("2026-02-", "2026-04-") if at >= change else row for at, row in enumerate(rows)]
    log = written(tmp_path, *rows)
    with pytest.raises(UsageError, match=r"the clock was changed: .* they are UTC\+1 and UTC\+2"):
        source(log)
    assert len(source(log, zone=BERLIN).notes.sleeps) == 24
    with pytest.raises(UsageError, match=r"its times are not of Europe/Berlin: .* they are UTC-8"):
        source(written(tmp_path, *told_twice(timedelta(hours=-8))), zone=BERLIN)


def test_an_event_that_was_written_late_changes_no_zone(tmp_path: Path) -> None:
    rows = told_twice(timedelta(hours=1))
    rows[3] = rows[3].replace("03:10:09", "03:40:09")
    assert len(source(written(tmp_path, *rows)).notes.sleeps) == 24


# ---- Windows in other languages


@pytest.mark.parametrize("separator", [";", "\t"])
def test_tables_with_other_separators(tmp_path: Path, separator: str) -> None:
    rows = [row.replace('","', f'"{separator}"') for row in told_twice(timedelta(0))]
    assert len(source(written(tmp_path, *rows)).notes.sleeps) == 24


def test_the_event_viewer_in_german(tmp_path: Path) -> None:
    rows = ["Ebene,Datum und Uhrzeit,Quelle,Ereignis-ID,Aufgabenkategorie"]
    for asleep, length in SLEEPS:
        rows += [f"Informationen,{asleep:%d.%m.%Y %H:%M:%S},{KERNEL},42,(64)"]
        rows += [f"Informationen,{asleep + length:%d.%m.%Y %H:%M:%S},{KERNEL},107,(102)"]
    assert len(source(written(tmp_path, *rows)).notes.sleeps) == 24


def test_events_whose_fields_nobody_knows_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = written(tmp_path, "Niveau,Date et heure,Origine", f"Information,02/03/2026 08:00:00,{KERNEL},42")
    assert main(["fit", str(log)]) == 2
    told = capsys.readouterr().err
    assert "no field of them has a name that is known" in told
    assert "Select TimeCreated,Id,ProviderName,Message" in told


# ---- the journal in other forms


@pytest.mark.parametrize(
    "time",
    ["Mär 02 08:50:00", "févr. 02 08:50:00", "2月 02 08:50:00", "Mon 2026-02-02 08:50:00 CET", "1770022200.000000"],
)
def test_forms_of_the_journal_that_lack_something_are_named(tmp_path: Path, time: str) -> None:
    log = written(
        tmp_path, *(f"{time} pc kernel: PM: suspend {what} {n}" for n in range(20) for what in ("entry", "exit"))
    )
    with pytest.raises(UsageError, match="write the log with journalctl -o short-iso"):
        sim.fit(log)
    with pytest.raises(UsageError, match="write the log with journalctl -o short-iso"):
        sim.fit(written(tmp_path, '{"__REALTIME_TIMESTAMP":"1770022200000000","MESSAGE":"PM: suspend exit"}'))


def test_sleeps_of_several_machines_are_not_mixed(tmp_path: Path) -> None:
    first = journal("08:00 kernel: PM: suspend entry (deep)", "10:00 kernel: PM: suspend exit")
    second = [line.replace(" pc ", " nas ") for line in journal("09:00 kernel: PM: suspend entry (deep)")]
    with pytest.raises(UsageError, match="sleeps of several machines, taken in turn: pc, nas"):
        source(written(tmp_path, first[0], *second, first[1]))
    renamed = [line.replace(" pc ", " nas ") for line in journal("11:00 kernel: PM: suspend entry (deep)")]
    assert len(source(written(tmp_path, *first, *renamed)).notes.sleeps) == 1


def test_colours_of_a_terminal_are_left_out(tmp_path: Path) -> None:
    lines = journal("08:00 kernel: PM: suspend entry (deep)", "09:00 kernel: PM: suspend exit")
    notes = source(written(tmp_path, *(f"\x1b[0;1;39m{line}\x1b[0m" for line in lines))).notes
    assert len(notes.sleeps) == 1
    coloured = [
        line.replace("INFO", "\x1b[36mINFO\x1b[0m") for line in console(f'08:00:00.000 {HTTPX} 204 No Content"')
    ]
    assert source(written(tmp_path, *coloured)).notes.statuses == {"204": 1}


# ---- containers and proxies


@pytest.mark.parametrize("before", ["worker-1  | ", "2026-03-02T08:15:02.123456789Z "])
def test_what_containers_put_before_a_line(tmp_path: Path, before: str) -> None:
    lines = console(
        f'08:00:00.000 {HTTPX} 204 No Content"', f'08:03:45.000 {HTTPX} 204 No Content"', "25:00:00.000 x - y"
    )
    notes = source(written(tmp_path, *(before + line for line in lines))).notes
    assert notes.intervals == [225 * SECOND]
    assert len(notes.bad) == 1


@pytest.mark.parametrize(
    "begin",
    [
        "api.example:443 10.0.0.7 - - [02/Mar/2026:08:15:02 +0100]",
        "10.0.0.7 - max mustermann [02/Mar/2026:08:15:02 +0100]",
        "2001:db8::7 - - [2026-03-02T08:15:02+01:00]",
    ],
)
def test_forms_of_the_combined_format(tmp_path: Path, begin: str) -> None:
    notes = source(written(tmp_path, f'{begin} "{RENEW} HTTP/1.1" 204 0 "-" "agent" rt=0.012')).notes
    assert notes.latencies == [12 * MILLISECOND]
    assert notes.first_ns == 1_772_435_702 * SECOND


def test_an_access_log_without_renewals_says_what_was_looked_for(tmp_path: Path) -> None:
    lines = [f'10.0.0.7 - - [02/Mar/2026:08:{n:02}:02 +0100] "GET / HTTP/1.1" 200 0' for n in range(40)]
    with pytest.raises(UsageError, match=r"0 samples of: renewal.*\n.*looked for: POST .*/leases/ID/renew"):
        sim.fit(written(tmp_path, *lines))


# ---- numbers


def test_decimal_commas(tmp_path: Path) -> None:
    numbers = [f"{n},{n % 10}5" for n in range(30)]
    log = written(tmp_path, "when;latency_ms", *(f"2026-03-02 08:{n:02}:00;{each}" for n, each in enumerate(numbers)))
    assert source(log).notes.latencies == [round(float(each.replace(",", ".")) * MILLISECOND) for each in numbers]
    quoted = written(tmp_path, "latency_ms", *(f'"{each}"' for each in numbers))
    assert sum(source(quoted).notes.latencies) == sum(source(log).notes.latencies)


def test_decimal_commas_between_commas_are_unreadable_and_not_cut_off(tmp_path: Path) -> None:
    """22,91 is not 22."""
    notes = source(written(tmp_path, "latency_ms", "22,91", "7.5", "8,")).notes
    assert notes.latencies == [7_500_000, 8_000_000]
    assert [bad.why for bad in notes.bad] == ["2 columns, the heading has 1"]


def test_commas_that_could_stand_between_thousands_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'1,234' could be 1.234 or 1234"):
        source(written(tmp_path, "latency_ms;host", "1,234;a", "22,912;a"))
    notes = source(written(tmp_path, "latency_ms;host", "1,234.5;a", "22.5;a")).notes
    assert notes.latencies == [22_500_000]
    assert len(notes.bad) == 1


@pytest.mark.parametrize(("heading", "cell"), [("latency_µs", "12"), ("latency (μs)", "12"), ("latency", "12µs")])
def test_microseconds(tmp_path: Path, heading: str, cell: str) -> None:
    assert source(written(tmp_path, heading, cell)).notes.latencies == [12_000]


# ---- encodings, archives


def test_a_packed_log_is_read_as_it_is(tmp_path: Path) -> None:
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress((DATA / "nginx-access.log").read_bytes()))
    assert source(packed).notes.latencies == source(DATA / "nginx-access.log").notes.latencies
    packed.write_bytes(packed.read_bytes()[:500])
    with pytest.raises(UsageError, match=r"cannot unpack .*gz'"):
        source(packed)


def test_a_packed_log_may_not_become_larger_than_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "bomb.gz"
    packed.write_bytes(gzip.compress(b"0" * 100_000))
    monkeypatch.setattr(decoding, "BYTES_MAX", 10_000)
    with pytest.raises(UsageError, match="has more than 10,000 bytes"):
        source(packed)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_encodings_with_and_without_their_mark(tmp_path: Path, encoding: str) -> None:
    log = tmp_path / "power.txt"
    log.write_bytes((DATA / "macos-pmset.txt").read_text("utf-8").replace("\n", "\r\n").encode(encoding))
    assert source(log).notes.sleeps == source(DATA / "macos-pmset.txt").notes.sleeps
    assert source(log).lines == source(DATA / "macos-pmset.txt").lines == 122


@pytest.mark.parametrize(
    ("begin", "hint"),
    [
        (b"ElfFile\0", "wevtutil qe"),
        (b"LPKSHHRH\0", "journalctl --file"),
        (b"PK\x03\x04\0", "unpack it first"),
        (b"\0\1\2", "packed by gzip or not"),
    ],
)
def test_what_is_no_text_is_named_for_what_it_is(tmp_path: Path, begin: bytes, hint: str) -> None:
    file = tmp_path / "log"
    file.write_bytes(begin + bytes(range(1, 200)))
    with pytest.raises(UsageError, match=f"is no text file\n.*{hint}"):
        source(file)


def test_only_line_ends_end_a_line(tmp_path: Path) -> None:
    """A message may hold form feeds or the separators of Unicode; the number of a line is that of an editor."""
    lines = console(f'08:00:00.000 {HTTPX} 204 No Content"', "08:01:00.000 x - a\u2028\x0c\x85b", "25:00:00.000 x - y")
    found = source(written(tmp_path, *lines))
    assert (found.lines, found.notes.bad[0].line) == (3, 3)


# ---- what is written


def test_recorded_values_are_written_in_lines_that_can_be_read(tmp_path: Path) -> None:
    numbers = [f"{1 + n % 40}" for n in range(400)]
    found = sim.fit(written(tmp_path, "latency_ms", *numbers), law="empirical")
    assert max(map(len, found.snippet.splitlines())) <= 120
    law = sim.loads(found.snippet).network.up
    assert isinstance(law, Empirical)
    assert sorted(law.values) == sorted(int(each) * MILLISECOND for each in numbers)


@pytest.mark.parametrize("option", ["--out x/y.toml", "--picture x/y.png"])
def test_a_place_that_is_not_there_is_told_before_anything_is_read(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", "no-such.log", *option.split()]) == 2
    assert f"{option}: there is no folder 'x'" in capsys.readouterr().err
