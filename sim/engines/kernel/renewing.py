"""Renewing a lease in a loop until it is lost; then what the protocol says."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.asking import HOLDS, begin_asking, go_on_asking
from sim.engines.kernel.cadence import cancel_fence, due_after, set_fence
from sim.engines.kernel.clocks import cancel_alarm, read
from sim.engines.kernel.compiling import compiled, real
from sim.engines.kernel.draws import uniform
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.runs import go, halt, lose, terminate
from sim.engines.kernel.skipping import is_counted_anew, skip_renewals, skips_on
from sim.engines.kernel.tasks import end_task, grown, jitter, start_call, wait, wait_until
from sim.samplers import nanoseconds


@compiled
def begin_renewing(m: Memory, task: int) -> None:
    """Begin to renew a lease that the run has just got."""
    run, clock = m[task + at.TASK_RUN], m[task + at.TASK_CLOCK]
    if m[at.FENCE_ANCHOR] == at.ANCHOR_SEND:
        set_fence(m, task, m[run + at.RUN_SENT])
    elif m[at.FENCE_ANCHOR] == at.ANCHOR_RECV:
        set_fence(m, task, m[run + at.RUN_RECEIVED])
    m[task + at.LOOP_DUE] = read(m, clock)
    m[task + at.TASK_AT] = at.AT_RENEW
    if m[at.FIRST_AT_ONCE] != 0:
        if not skips_on(m, task):
            begin_round(m, task)
    else:
        wait_for_round(m, task, read(m, clock))


@compiled
def begin_round(m: Memory, task: int) -> None:
    """A renewal is due."""
    now = read(m, m[task + at.TASK_CLOCK])
    m[task + at.LOOP_SENT], m[task + at.LOOP_ATTEMPT], m[task + at.CALL_ROUTE] = now, 0, -1
    if m[at.FENCE_ANCHOR] == at.ANCHOR_LOOP_START:
        set_fence(m, task, now)
    begin_attempt(m, task)


@compiled
def begin_attempt(m: Memory, task: int) -> None:
    """Make one of the loop's own attempts."""
    run = m[task + at.TASK_RUN]
    m[run + at.RUN_SENT] = read(m, m[task + at.TASK_CLOCK])
    m[task + at.TASK_AT] = at.AT_RENEWING
    start_call(m, task, at.RENEW, m[run + at.RUN_LEASE], 0)


@compiled
def renewer_goes_on(m: Memory, task: int, by_alarm: bool) -> None:
    """Keep a lease for the run; once it is lost stop the run, carry on without, or get another."""
    where = m[task + at.TASK_AT]
    if where == at.AT_RENEW:
        if not skips_on(m, task):
            begin_round(m, task)
    elif where == at.AT_BACKOFF:
        begin_attempt(m, task)
    elif where == at.AT_RENEWING:
        attempt_ends(m, task)
    elif go_on_asking(m, task, by_alarm) == HOLDS:
        if m[task + at.LOOP_THEN] == at.THEN_SUSPEND:
            go(m, m[task + at.TASK_RUN], word.HALT_NO_LEASE)
        begin_renewing(m, task)


@compiled
def attempt_ends(m: Memory, task: int) -> None:
    """An attempt was answered: wait for the next round, try again, or take the lease for lost."""
    gone = m[task + at.ANSWERED] == word.OUTCOME_GONE
    m[task + at.LOOP_ATTEMPT] += 1
    if m[task + at.ANSWERED] == word.OUTCOME_OK:
        renewed(m, task)
        wait_for_round(m, task, m[task + at.LOOP_SENT])
    elif m[task + at.LOOP_ATTEMPT] >= m[at.ATTEMPTS] or (gone and m[at.RETRY_GONE] == 0):
        lease_is_lost(m, task, word.LOSS_REVOKED if gone else word.LOSS_GAVE_UP)
    else:
        m[task + at.TASK_AT] = at.AT_BACKOFF
        wait(m, task, loop_backoff(m, task, m[task + at.LOOP_ATTEMPT] - 1), word.RANK_RETRY)


@compiled
def renewed(m: Memory, task: int) -> None:
    """A renewal has succeeded: count the local deadline anew."""
    run = m[task + at.TASK_RUN]
    m[run + at.RUN_RECEIVED] = read(m, m[task + at.TASK_CLOCK])
    if m[at.FENCE_ANCHOR] == at.ANCHOR_SEND:
        set_fence(m, task, m[run + at.RUN_SENT])
    elif m[at.FENCE_ANCHOR] == at.ANCHOR_RECV:
        set_fence(m, task, m[run + at.RUN_RECEIVED])
    else:
        cancel_fence(m, task)


@compiled
def lease_is_lost(m: Memory, task: int, loss: int) -> None:
    """The holder takes its lease for lost, and does what the protocol says then."""
    run = m[task + at.TASK_RUN]
    cancel_fence(m, task)
    lose(m, run, loss)
    then = m[at.ON_GIVEUP] if loss == word.LOSS_GAVE_UP else m[at.ON_LOST]
    if then == at.THEN_TERMINATE:
        terminate(m, run, loss)
    if then == at.THEN_TERMINATE or then == at.THEN_CONTINUE:
        end_task(m, task)
        return
    if then == at.THEN_SUSPEND:
        halt(m, run, word.HALT_NO_LEASE)
    m[task + at.LOOP_THEN] = then
    begin_asking(m, task, 0)


@compiled
def loop_backoff(m: Memory, task: int, tries: int) -> int:
    """Return the loop's wait after its failed attempt number `tries`."""
    run = m[task + at.TASK_RUN]
    ns = grown(m[at.LOOP_BACKOFF], real(m, at.LOOP_FACTOR), m[at.LOOP_BACKOFF_CAP], tries)
    if m[at.LOOP_JITTERED] == 0:
        return nanoseconds(ns)
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    u = uniform(m, word.FOR_LOOP_BACKOFF, lane, generation, m[run + at.RUN_REQUESTS])
    return nanoseconds(ns * jitter(m[at.LOOP_SHAPE], real(m, at.LOOP_JITTER), u))


@compiled
def wait_for_round(m: Memory, task: int, sent: int) -> None:
    """Wait until the renewal after one that was sent at `sent` is due."""
    clock, run = m[task + at.TASK_CLOCK], m[task + at.TASK_RUN]
    due = due_after(m, run, m[task + at.LOOP_DUE], sent, read(m, clock), m[run + at.RUN_REQUESTS])
    m[task + at.LOOP_DUE] = due
    m[task + at.TASK_AT] = at.AT_RENEW
    if m[at.SKIPS_RENEWALS] == 0 or not skip_renewals(m, task, due):
        wait_until(m, task, due, word.RANK_RENEW, clock)


@compiled
def fence_rings(m: Memory, task: int) -> None:
    """The local deadline has passed, whatever the task is waiting for."""
    m[task + at.LOOP_FENCE] = 0
    if is_counted_anew(m, task):
        return
    cancel_alarm(m, m[task + at.TASK_ALARM])
    m[task + at.TASK_ALARM] = 0
    m[task + at.TASK_OPEN] = m[task + at.TASK_BROKEN] = -1
    m[task + at.TASK_CALLING] = at.NOT_CALLING
    lease_is_lost(m, task, word.LOSS_FENCED)
