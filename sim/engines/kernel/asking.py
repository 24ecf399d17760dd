"""Getting a slot: ask, and when the limit is full wait as the limit says and ask again."""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.clocks import read
from sim.engines.kernel.compiling import compiled
from sim.engines.kernel.draws import duration
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.network import drop_sights
from sim.engines.kernel.runs import hold, record_run
from sim.engines.kernel.skipping import polls_on, skip_polls
from sim.engines.kernel.tasks import await_answer, start_call, wait

(WAITS, HOLDS, TURNED_AWAY) = range(3)


@compiled
def begin_asking(m: Memory, task: int, may_be_cancelled: int) -> None:
    """Begin to acquire a slot."""
    drop_sights(m, m[task + at.ASK_SEEN])
    m[task + at.ASK_SEEN], m[task + at.ASK_MAY_CANCEL], m[task + at.CALL_TAKE] = 0, may_be_cancelled, -1
    ask(m, task)


@compiled
def ask(m: Memory, task: int) -> None:
    """Send an acquire request."""
    run = m[task + at.TASK_RUN]
    m[task + at.ASK_SENT] = read(m, m[task + at.TASK_CLOCK])
    m[task + at.TASK_AT] = at.AT_ASKING
    record_run(m, run, word.KIND_ASK, m[run + at.RUN_REQUESTS], -1, 0)
    start_call(m, task, at.ACQUIRE, -1, 0)


@compiled
def go_on_asking(m: Memory, task: int, by_alarm: bool) -> int:
    """Take the next step of acquiring: hold a lease, be turned away, or wait on."""
    run, where = m[task + at.TASK_RUN], m[task + at.TASK_AT]
    if where == at.AT_ASKING:
        outcome = m[task + at.ANSWERED]
        if outcome == word.OUTCOME_OK:
            hold(m, run, m[task + at.ANSWERED_LEASE], m[task + at.ASK_SENT])
            return HOLDS
        full = outcome == word.OUTCOME_FULL
        if full and m[at.COLLISION] == at.CANCEL_NEW and m[task + at.ASK_MAY_CANCEL] != 0:
            return TURNED_AWAY
        m[task + at.CALL_TAKE] = -1
        if full and m[at.CONTENDER] != 0 and observes_an_end(m, task):
            ask(m, task)
        else:
            wait_for_next_poll(m, task, outcome)
        return WAITS
    if where == at.AT_WATCH and not by_alarm and m[task + at.ANSWERED] == word.OUTCOME_OK:
        hold(m, run, m[task + at.ANSWERED_LEASE], read(m, m[task + at.TASK_CLOCK]))
        return HOLDS
    if where == at.AT_POLL and polls_on(m, task):
        return WAITS
    m[task + at.CALL_TAKE] = -1
    ask(m, task)
    return WAITS


@compiled
def observes_an_end(m: Memory, task: int) -> bool:
    """Note the versions just read, on the contender's own clock; whether a lease among them is to be taken over."""
    now, best = read(m, m[task + at.TASK_CLOCK]), 0
    sight = m[task + at.ANSWERED_SIGHTS]
    while sight != 0:
        since = now
        seen = m[task + at.ASK_SEEN]
        while seen != 0:
            if m[seen + at.SIGHT_LEASE] == m[sight + at.SIGHT_LEASE]:
                if m[seen + at.SIGHT_VERSION] == m[sight + at.SIGHT_VERSION]:
                    since = m[seen + at.SIGHT_SINCE]
                break
            seen = m[seen + at.SIGHT_NEXT]
        m[sight + at.SIGHT_SINCE] = since
        if now - since >= m[at.TTL] and (best == 0 or m[sight + at.SIGHT_LEASE] < m[best + at.SIGHT_LEASE]):
            best = sight
        sight = m[sight + at.SIGHT_NEXT]
    drop_sights(m, m[task + at.ASK_SEEN])
    m[task + at.ASK_SEEN], m[task + at.ANSWERED_SIGHTS] = m[task + at.ANSWERED_SIGHTS], 0
    if best != 0:
        m[task + at.CALL_TAKE], m[task + at.CALL_VERSION] = m[best + at.SIGHT_LEASE], m[best + at.SIGHT_VERSION]
    return best != 0


@compiled
def wait_for_next_poll(m: Memory, task: int, outcome: int) -> None:
    """Wait to ask again; a watcher can be woken earlier."""
    run = m[task + at.TASK_RUN]
    ns = m[task + at.ANSWERED_RETRY_AFTER]
    if ns == 0 or outcome != word.OUTCOME_FULL:
        lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
        ns = duration(m, m[at.POLL], word.FOR_POLL, lane, generation, m[run + at.RUN_REQUESTS])
    if outcome != word.OUTCOME_QUEUED:
        m[task + at.TASK_AT] = at.AT_POLL
        if m[at.SKIPS_POLLS] == 0 or not skip_polls(m, task, read(m, m[task + at.TASK_CLOCK]) + ns):
            wait(m, task, ns, word.RANK_POLL)
    else:
        m[task + at.TASK_AT] = at.AT_WATCH
        await_answer(m, task, m[task + at.CALL_NUMBER], ns, word.RANK_POLL)
