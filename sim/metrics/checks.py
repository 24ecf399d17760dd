"""Identities that every tally must satisfy exactly, whatever happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.metrics.tally import Tally


def conservation(tally: Tally) -> tuple[str, ...]:
    """Return the identities that fail, each with its two sides; nothing where all hold.

    The sides are added up in different ways: level by level over time, and run by run or incident by incident.
    """
    return tuple(
        f"{name}: {left} is not {'=' if exact else '<='} {right}"
        for name, left, right, exact in _identities(tally)
        if left != right and (exact or left > right)
    )


def _identities(t: Tally) -> Iterator[tuple[str, int, int, bool]]:
    yield "Little's law: waiting runs over time = waits of runs", t.waiting_ns, t.waited_ns, True
    work = t.finished_work_ns + t.terminated_work_ns + t.crashed_work_ns + t.cancelled_work_ns + t.unfinished_work_ns
    yield "executing runs over time = work of runs", t.executing_ns, work, True
    held = t.holding_provisioning_ns + t.holding_working_ns + t.holding_idle_ns
    yield "holding = provisioning + executing + idle", t.holding_ns, held, True
    yield from _over_allocation(t)
    yield from _terminations(t)
    queued = t.runs_granted + t.runs_left_queue + t.waiting_at_last
    yield "arrivals = granted + gone + waiting", t.waiting_at_first + t.runs_arrived, queued, True
    ended = t.runs_finished + t.runs_terminated + t.runs_crashed + t.runs_cancelled
    yield "runs started = ended + at work", t.started_at_first + t.runs_started, ended + t.started_at_last, True
    yield "queue waits = first grants", t.queue_waits, t.runs_granted, True
    yield "executing holders <= executing", t.holding_working_ns, t.executing_ns, False
    yield "holding <= lease time", t.holding_ns, t.lease_ns, False


def _over_allocation(t: Tally) -> Iterator[tuple[str, int, int, bool]]:
    total = t.over_allocation_ns
    yield "over-allocation = overlap + slotless + debt", total, t.overlap_ns + t.slotless_ns + t.debt_ns, True
    yield "over-allocation = sum over causes", total, sum(t.over_allocation_by_cause.values()), True
    yield "over-allocation = sum over incidents", total, t.incident_ns, True
    yield "harmful <= over-allocation", t.harmful_over_allocation_ns, total, False
    yield "overlap and slotless <= missed termination", t.overlap_ns + t.slotless_ns, t.missed_ns, False
    yield "over-allocated time <= over-allocation", t.over_allocation_time_ns, total, False
    yield "over-allocated time <= observed", t.over_allocation_time_ns, t.observed_ns, False
    yield "over-allocation <= peak x time", total, t.peak_slots * t.over_allocation_time_ns, False
    yield "longest incident <= over-allocated time", t.longest_ns, t.over_allocation_time_ns, False
    excess = t.executing_ns - t.capacity_ns
    yield "executing - capacity <= over-allocation", excess, total, False


def _terminations(t: Tally) -> Iterator[tuple[str, int, int, bool]]:
    total = t.false_terminations
    reasons = t.terminated_revoked + t.terminated_gave_up + t.terminated_fenced
    truths = t.terminated_still_valid + t.terminated_expired_unclaimed + t.terminated_reassigned
    yield "terminations = sum over reasons", total, reasons, True
    yield "terminations = sum over truths", total, truths + t.terminated_forgotten, True
    yield "terminations = sum over causes", total, sum(t.terminations_by_cause.values()), True
    yield "termination incidents <= terminations", t.false_termination_incidents, total, False
    yield "terminated runs that had started <= terminations", t.runs_terminated, total, False
