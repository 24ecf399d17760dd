"""The trace: events as records, as lines, as a fingerprint, as a table; where two of them part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.trace import COLUMNS, Event, Row, Trace, clock, line, outcome_name
from sim.units import DAY, HOUR, MINUTE, SECOND
from sim.vocabulary import Halt, How, Kind, Loss, Outcome, Truth

CELLS = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(st.tuples(CELLS, st.sampled_from(Kind).map(int), *[CELLS] * 5), max_size=8)
SMALL: list[Row] = [
    (0, Kind.ARRIVE, 0, 0, -1, -1, 5 * MINUTE),
    (0, Kind.ASK, 0, 0, 0, -1, 0),
    (2, Kind.GRANT, 0, 0, 0, 0, 1),
    (SECOND, Kind.REAP, 0, 0, How.SWEEP, 0, 0),
]


@pytest.fixture
def small() -> Trace:
    return Trace(SMALL, 2 * SECOND)


# ---- records ----------------------------------------------------------------------------------------------


def test_a_trace_is_a_sequence_of_events(small: Trace) -> None:
    grant = Event(2, Kind.GRANT, 0, 0, 0, 0, 1)
    assert len(small) == 4
    assert small[2] == small[-2] == grant
    assert small[1:3] == [small[1], grant]
    assert list(small) == small[:]
    assert isinstance(small[0].kind, Kind)
    assert grant in small
    with pytest.raises(IndexError):
        small[4]


def test_an_empty_trace_is_one_too() -> None:
    empty = Trace([], 5)
    assert (len(empty), list(empty), empty.text()) == (0, [], "")
    assert empty.rows.shape == (0, len(COLUMNS))
    assert empty.to_pandas().empty
    assert empty.first_difference(Trace([], 5)) is None


@given(ROWS, st.integers(0, 2**62))
def test_rows_come_back_as_they_went_in(rows: list[Row], end: int) -> None:
    trace = Trace(rows, end)
    assert [tuple(event) for event in trace] == rows
    assert trace == Trace(np.array(rows, dtype=np.int64).reshape(-1, 7), end) == Trace(trace.rows[:], end)


def test_equality_is_of_content_and_end(small: Trace) -> None:
    assert small == Trace(list(SMALL), 2 * SECOND)
    assert small != Trace(SMALL, 3 * SECOND)
    assert small != Trace(SMALL[:3], 2 * SECOND)
    assert small != SMALL
    with pytest.raises(TypeError):
        hash(small)


# ---- fingerprint ------------------------------------------------------------------------------------------


def test_the_digest_is_the_same_on_every_machine(small: Trace) -> None:
    """128 bits of BLAKE2b over little-endian 64-bit integers: row by row, then the end."""
    assert small.digest == "ba4821060628c7120c44a905c2cfd7df"
    assert Trace([], 0).digest == "c804ce198ec337e3dc762bdd1a09aece"


@given(ROWS.filter(bool), st.integers(0, 2**62), st.data())
def test_every_cell_counts(rows: list[Row], end: int, data: st.DataObject) -> None:
    trace = Trace(rows, end)
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 6))
    changed = trace.rows.copy()
    changed[row, column] ^= 1 << data.draw(st.integers(0, 62))
    other = Trace(changed, end)
    assert other.digest != trace.digest
    assert trace.first_difference(other) == other.first_difference(trace) == row
    assert Trace(rows, end + 1).digest != trace.digest
    assert Trace(rows[:-1], end).digest != trace.digest
    assert Trace(rows, end).digest == trace.digest == Trace(np.asfortranarray(trace.rows), end).digest


def test_where_two_traces_part(small: Trace) -> None:
    shorter = Trace(SMALL[:2], 2 * SECOND)
    assert small.first_difference(small) is None
    assert small.first_difference(shorter) == shorter.first_difference(small) == 2
    assert small.first_difference(Trace(SMALL, 3 * SECOND)) == len(small), "the same events, another end"


# ---- text -------------------------------------------------------------------------------------------------

LINES = [
    # (kind, lane, generation, number, lease, value, the line after its time)
    (Kind.ARRIVE, 3, 1, -1, -1, 90 * SECOND, "run 3.1    arrive       with 1m30s of work"),
    (Kind.ASK, 3, 1, 4, -1, 0, "run 3.1    ask          request 4"),
    (Kind.GRANT, 3, 1, 4, 7, 2, "run 3.1    grant        lease 7, 2 in use"),
    (Kind.REFUSE, 3, 1, 4, -1, 0, "run 3.1    refuse       request 4"),
    (Kind.REFUSE, 3, 1, 4, -1, 2 * SECOND, "run 3.1    refuse       request 4, retry after 2s"),
    (Kind.QUEUE, 3, 1, 4, -1, 0, "run 3.1    queue        request 4"),
    (Kind.HOLD, 3, 1, -1, 7, 0, "run 3.1    hold         lease 7"),
    (Kind.TURNED_AWAY, 3, 1, -1, -1, 0, "run 3.1    turned away"),
    (Kind.START, 3, 1, -1, 7, 0, "run 3.1    start        lease 7"),
    (Kind.SEND, 3, 1, 5, 7, 0, "run 3.1    send         lease 7, request 5"),
    (Kind.RENEWED, 3, 1, 5, 7, 62 * SECOND, "run 3.1    renewed      lease 7 until 00:01:02.000000000, request 5"),
    (Kind.DENIED, 3, 1, 5, 7, 0, "run 3.1    denied       lease 7, request 5"),
    (Kind.ANSWER, 3, 1, 5, 7, Outcome.READ_TIMEOUT, "run 3.1    answer       lease 7, request 5: read timeout"),
    (Kind.ANSWER, 3, 1, 5, 7, 503, "run 3.1    answer       lease 7, request 5: status 503"),
    (
        Kind.LOST, 3, 1, Loss.GAVE_UP, 7, Truth.STILL_VALID,
        "run 3.1    lost         lease 7: gave up; at the authority still valid",
    ),
    (Kind.STOP, 3, 1, Loss.REVOKED, -1, 0, "run 3.1    stop         revoked"),
    (Kind.FINISH, 3, 1, -1, -1, 0, "run 3.1    finish"),
    (Kind.CRASH, 3, 1, 0, -1, 0, "run 3.1    crash"),
    (Kind.HALT, 3, 1, Halt.NO_LEASE, -1, 0, "run 3.1    halt         no lease"),
    (Kind.GO, 3, 1, Halt.HOST, -1, 0, "run 3.1    go           host"),
    (Kind.REAP, 3, 1, How.TIMER, 7, 1, "run 3.1    reap         lease 7, by timer, 1 in use"),
    (Kind.FREE, -1, -1, -1, -1, 1, "authority  free         1 in use"),
    (Kind.RELEASE, 3, 1, 6, 7, 0, "run 3.1    release      lease 7, 0 in use"),
    (Kind.RELEASE, 3, 1, 6, -1, 0, "run 3.1    release      no lease, 0 in use"),
    (Kind.FORGET, 3, 1, -1, 7, 0, "run 3.1    forget       lease 7, 0 in use"),
    (Kind.RESET, 3, 1, -1, 7, SECOND, "run 3.1    reset        lease 7 until 00:00:01.000000000"),
    (Kind.DECAY, -1, -1, -1, -1, 2, "authority  decay        2 in use"),
    (Kind.RETRY, 3, 1, 1, -1, 0, "run 3.1    retry"),
    (Kind.CANCEL, 3, 1, -1, -1, 0, "run 3.1    cancel"),
    (Kind.DONE, 3, 1, -1, -1, 0, "run 3.1    done"),
    (Kind.FAULT_BEGIN, 2, -1, 1, -1, 3 * MINUTE, "fault 1    fault begin  on 2 for 3m"),
    (Kind.FAULT_BEGIN, 3, 1, 0, -1, 0, "fault 0    fault begin  on 3.1 for 0s"),
    (Kind.FAULT_END, 3, 1, 0, -1, 0, "fault 0    fault end    on 3.1"),
    (Kind.SWEEP, -1, -1, 2, -1, 5, "authority  sweep        reaped 2, left 5"),
    (Kind.SWEEP, -1, -1, 2, 7, 5, "authority  sweep        lists 2, left 5"),
    (Kind.SKIPPED, 3, 1, 4, 7, SECOND, "run 3.1    skipped      lease 7, 4 renewals, the last at 00:00:01.000000000"),
    (Kind.SENT_EARLIER, 3, 1, 5, 7, SECOND, "run 3.1    sent earlier lease 7, request 5, at 00:00:01.000000000"),
    (
        Kind.RENEWED_EARLIER, 3, 1, 5, 7, SECOND,
        "run 3.1    renewed earlier lease 7, request 5, at 00:00:01.000000000",
    ),
]  # fmt: skip


def test_every_kind_has_its_line() -> None:
    assert {each[0] for each in LINES} == set(Kind)


@pytest.mark.parametrize("row", LINES, ids=[each[0].name.lower() for each in LINES])
def test_an_event_as_a_line(row: tuple[Kind, int, int, int, int, int, str]) -> None:
    kind, lane, generation, number, lease, value, text = row
    event = Event(HOUR + 1, kind, lane, generation, number, lease, value)
    assert line(event) == f"01:00:00.000000001  {text}"


def test_the_text_is_the_lines_of_a_stretch(small: Trace) -> None:
    lines = small.text().splitlines()
    assert lines == [line(event) for event in small]
    assert small.text(1, 3).splitlines() == lines[1:3]
    assert small.text(3) == lines[3]


@given(st.integers(0, 400 * DAY))
def test_clock_times_are_exact(ns: int) -> None:
    text = clock(ns)
    days, _, rest = text.rpartition("d ")
    hours, minutes, last = rest.split(":")
    whole, fraction = last.split(".")
    total = int(days or 0) * DAY + int(hours) * HOUR + int(minutes) * MINUTE + int(whole) * SECOND + int(fraction)
    assert total == ns
    assert (len(rest), ("d " in text)) == (18, ns >= DAY)


def test_outcomes_in_words() -> None:
    assert [outcome_name(value) for value in (0, 4, 6, 500)] == ["ok", "refused", "connect timeout", "status 500"]


# ---- table ------------------------------------------------------------------------------------------------


def test_as_a_table(small: Trace) -> None:
    frame = small.to_pandas()
    assert list(frame.columns) == ["time_ns", "time_s", "kind", "lane", "generation", "number", "lease", "value"]
    assert frame["kind"].tolist() == ["arrive", "ask", "grant", "reap"]
    assert frame["time_s"].tolist() == [0.0, 0.0, 2e-9, 1.0]
    assert frame.drop(columns=["time_s", "kind"]).to_numpy().tolist() == np.delete(small.rows, 1, axis=1).tolist()
    frame.loc[0, "lane"] = 99
    assert small[0].lane == 0, "the table is a copy"
