"""The trace of one replication: every event as a typed record, as text, as a digest, as a DataFrame."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.units import DAY, HOUR, MINUTE, SECOND, format_duration
from sim.vocabulary import Halt, How, Kind, Loss, Outcome, Truth

if TYPE_CHECKING:
    import pandas as pd


class Event(NamedTuple):
    """One event. `sim.vocabulary.Kind` says what the columns mean for each kind."""

    time_ns: int
    kind: Kind
    lane: int
    generation: int
    number: int
    lease: int
    value: int


COLUMNS = Event._fields
Row = tuple[int, int, int, int, int, int, int]


class Trace(Sequence[Event]):
    """The events of one replication in the order in which they happened."""

    def __init__(self, rows: Sequence[Row] | npt.NDArray[np.int64], end_ns: int) -> None:
        self.rows: npt.NDArray[np.int64] = np.asarray(rows, dtype=np.int64).reshape(-1, len(COLUMNS))
        self.end_ns = end_ns

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # one body serves both overloads of Sequence
        if isinstance(index, slice):
            return [_event(row) for row in self.rows[index].tolist()]
        return _event(self.rows[index].tolist())

    def __iter__(self) -> Iterator[Event]:
        return map(_event, self.rows.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return self.end_ns == other.end_ns and np.array_equal(self.rows, other.rows)

    __hash__ = None  # type: ignore[assignment]  # compared by content, so not hashable; use `digest`

    @cached_property
    def digest(self) -> str:
        """A 128-bit fingerprint of every event and of the end, in hexadecimal."""
        data = np.ascontiguousarray(self.rows, dtype="<i8").tobytes() + self.end_ns.to_bytes(8, "little")
        return hashlib.blake2b(data, digest_size=16).hexdigest()

    def text(self, start: int = 0, stop: int | None = None) -> str:
        """Return the events from `start` to `stop` as aligned lines, one an event."""
        return "\n".join(line(event) for event in self[start:stop])

    def to_pandas(self) -> pd.DataFrame:
        """Return one row an event: time in ns and s, kind by name, the other columns as numbers."""
        import pandas as pd

        frame = pd.DataFrame(self.rows, columns=list(COLUMNS))
        frame.insert(1, "time_s", frame["time_ns"] / SECOND)
        frame["kind"] = [Kind(kind).name.lower() for kind in frame["kind"]]
        return frame

    def first_difference(self, other: Trace) -> int | None:
        """Return the index of the first event that differs, or None where the traces are equal."""
        common = min(len(self), len(other))
        unequal = np.flatnonzero((self.rows[:common] != other.rows[:common]).any(axis=1))
        if len(unequal):
            return int(unequal[0])
        return None if self == other else common


def _event(row: list[int]) -> Event:
    return Event(row[0], Kind(row[1]), *row[2:])


def line(event: Event) -> str:
    """Return one event as a line of text: exact time, who, what, details."""
    if event.kind in (Kind.FAULT_BEGIN, Kind.FAULT_END):
        who = f"fault {event.number}"
    elif event.lane < 0:
        who = "authority"
    else:
        who = f"run {event.lane}.{event.generation}"
    what = event.kind.name.lower().replace("_", " ")
    return f"{clock(event.time_ns)}  {who:<10} {what:<12} {_details(event)}".rstrip()


def clock(ns: int) -> str:
    """Return a time since the start as ``1d 02:03:04.000000005``, to the nanosecond."""
    days, rest = divmod(ns, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    whole, fraction = divmod(rest, SECOND)
    return f"{f'{days}d ' if days else ''}{hours:02d}:{minutes:02d}:{whole:02d}.{fraction:09d}"


def _details(e: Event) -> str:
    kind = e.kind
    if kind in (Kind.GRANT, Kind.REAP, Kind.RELEASE, Kind.FORGET, Kind.FREE, Kind.DECAY):
        how = f"by {How(e.number).name.lower()}, " if kind is Kind.REAP else ""
        lease = f"lease {e.lease}, " if e.lease >= 0 else ("no lease, " if kind is Kind.RELEASE else "")
        return f"{lease}{how}{e.value} in use"
    if kind in (Kind.RENEWED, Kind.RESET):
        return f"lease {e.lease} until {clock(e.value)}" + (f", request {e.number}" if e.number >= 0 else "")
    if kind is Kind.ANSWER:
        return f"lease {e.lease}, request {e.number}: {outcome_name(e.value)}"
    if kind is Kind.LOST:
        return f"lease {e.lease}: {_name(Loss(e.number))}; at the authority {_name(Truth(e.value))}"
    if kind is Kind.STOP:
        return _name(Loss(e.number))
    if kind in (Kind.HALT, Kind.GO):
        return _name(Halt(e.number))
    if kind is Kind.FAULT_BEGIN:
        return f"on {e.lane}" + (f".{e.generation}" if e.generation >= 0 else "") + f" for {format_duration(e.value)}"
    if kind is Kind.FAULT_END:
        return f"on {e.lane}" + (f".{e.generation}" if e.generation >= 0 else "")
    if kind is Kind.REFUSE:
        return f"request {e.number}" + (f", retry after {format_duration(e.value)}" if e.value else "")
    if kind is Kind.ARRIVE:
        return f"with {format_duration(e.value)} of work"
    if kind is Kind.SWEEP:
        return (f"lists {e.number}" if e.lease >= 0 else f"reaped {e.number}") + f", left {e.value}"
    if kind is Kind.SKIPPED:
        return f"lease {e.lease}, {e.number} renewals, the last at {clock(e.value)}"
    if kind in (Kind.SENT_EARLIER, Kind.RENEWED_EARLIER):
        return f"lease {e.lease}, request {e.number}, at {clock(e.value)}"
    parts = [f"lease {e.lease}"] if e.lease >= 0 else []
    parts += [f"request {e.number}"] if e.number >= 0 and kind in (Kind.ASK, Kind.QUEUE, Kind.SEND, Kind.DENIED) else []
    return ", ".join(parts)


def _name(word: Loss | Truth | Halt) -> str:
    return word.name.lower().replace("_", " ")


def outcome_name(value: int) -> str:
    """Return how a request ended in words: ``"ok"``, ``"read timeout"``, ``"status 503"``."""
    return f"status {value}" if value >= 400 else Outcome(value).name.lower().replace("_", " ")
