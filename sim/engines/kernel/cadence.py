"""When a holder renews next, and when it takes its lease for lost: intervals and local deadlines."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.clocks import cancel_alarm, set_alarm
from sim.engines.kernel.compiling import compiled, real
from sim.engines.kernel.draws import uniform
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.network import request_key
from sim.engines.kernel.storage import high, low
from sim.samplers import nanoseconds


@compiled
def due_after(m: Memory, run: int, due: int, sent: int, now: int, requests: int) -> int:
    """Return when to renew after a renewal that was `due`, `sent` and answered `now`; the run has sent `requests`."""
    if m[at.CADENCE] == at.AFTER_RESPONSE:
        return now + interval(m, run, requests)
    if m[at.CADENCE] == at.AFTER_SEND:
        return max(now, sent + interval(m, run, requests))
    due += interval(m, run, requests)
    return due if due >= now else due + (now - due + m[at.EVERY] - 1) // m[at.EVERY] * m[at.EVERY]


@compiled
def interval(m: Memory, run: int, requests: int) -> int:
    """Return the time from one renewal to the next."""
    if m[at.EVERY_JITTERED] == 0:
        return m[at.EVERY]
    low_factor = real(m, at.JITTER_LOW)
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    u = uniform(m, word.FOR_RENEW_JITTER, lane, generation, requests)
    return max(1, nanoseconds(m[at.EVERY] * (low_factor + (real(m, at.JITTER_HIGH) - low_factor) * u)))


@compiled
def anchor_of(m: Memory, run: int) -> int:
    """Return the local time that the local deadline is counted from."""
    return m[run + (at.RUN_SENT if m[at.FENCE_ANCHOR] == at.ANCHOR_SEND else at.RUN_RECEIVED)]


@compiled
def set_fence(m: Memory, task: int, anchor: int) -> None:
    """Set the local deadline after which the holder takes its lease for lost, whatever the authority thinks."""
    cancel_fence(m, task)
    run = m[task + at.TASK_RUN]
    key = request_key(m[run + at.RUN_GENERATION], 0)
    key_high = high(word.RANK_FENCE, m[run + at.RUN_LANE], key)
    m[task + at.LOOP_FENCE] = set_alarm(
        m, m[task + at.TASK_CLOCK], m[task + at.TASK_ACTOR], anchor + m[at.FENCE_AFTER], key_high, low(key),
        at.ACT_FENCE, task,
    )  # fmt: skip


@compiled
def cancel_fence(m: Memory, task: int) -> None:
    """Forget the local deadline."""
    cancel_alarm(m, m[task + at.LOOP_FENCE])
    m[task + at.LOOP_FENCE] = 0
