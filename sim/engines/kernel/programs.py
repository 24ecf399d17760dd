"""The work itself, and what a person or the run's own retries do to it meanwhile.

Each program is a generator of the reference turned inside out: what stands between two waits is one branch here, and
`TASK_AT` remembers at which wait the task stands.
"""

from __future__ import annotations

from sim.engines.kernel import layout as at
from sim.engines.kernel import words as word
from sim.engines.kernel.asking import HOLDS, TURNED_AWAY, begin_asking, go_on_asking
from sim.engines.kernel.clocks import read
from sim.engines.kernel.compiling import compiled, real
from sim.engines.kernel.draws import duration, exponential, uniform
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.network import request_key
from sim.engines.kernel.runs import end_run, go, halt, hold, record_run, thaw_part
from sim.engines.kernel.tasks import new_task, start_call, wait, wait_until


@compiled
def main_goes_on(m: Memory, task: int, by_alarm: bool) -> bool:
    """Acquire, start, work; whether the run starts now."""
    run, where = m[task + at.TASK_RUN], m[task + at.TASK_AT]
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    if where == at.AT_PROVISIONING:
        if m[at.VALIDATES] == 0:
            return True
        m[task + at.ASK_SENT] = read(m, m[task + at.TASK_CLOCK])
        m[task + at.TASK_AT] = at.AT_VALIDATING
        start_call(m, task, at.VALIDATE, m[run + at.RUN_LEASE], 0)
        return False
    if where == at.AT_VALIDATING:
        return is_validated(m, task)
    if where == at.AT_START:
        begin_asking(m, task, 1)
    elif where == at.AT_WORK:
        work_ends(m, task)
    elif where == at.AT_ASIDE:
        if m[at.FAIL_BLOCKS] != 0:
            thaw_part(m, run + at.RUN_LOOP)
        go(m, run, word.HALT_RETRY)
        m[task + at.COUNTED] += 1
        begin_work(m, task)
    else:
        result = go_on_asking(m, task, by_alarm)
        if result == HOLDS:
            m[task + at.TASK_AT] = at.AT_PROVISIONING
            ns = duration(m, m[at.PROVISIONING], word.FOR_PROVISIONING, lane, generation, 0)
            wait(m, task, ns, word.RANK_PROVISIONED)
        elif result == TURNED_AWAY:
            end_run(m, run, word.KIND_TURNED_AWAY, -1)
    return False


@compiled
def is_validated(m: Memory, task: int) -> bool:
    """Whether the authority lets a run start: with its lease renewed, or with another; else the run is over."""
    run, outcome, lease = m[task + at.TASK_RUN], m[task + at.ANSWERED], m[task + at.ANSWERED_LEASE]
    if outcome != word.OUTCOME_OK:
        if outcome == word.OUTCOME_GONE:
            m[run + at.RUN_LEASE] = -1
        end_run(m, run, word.KIND_TURNED_AWAY, -1)
        return False
    if lease == m[run + at.RUN_LEASE]:
        m[run + at.RUN_SENT], m[run + at.RUN_RECEIVED] = m[task + at.ASK_SENT], read(m, m[task + at.TASK_CLOCK])
    else:
        hold(m, run, lease, m[task + at.ASK_SENT])
    return True


@compiled
def begin_work(m: Memory, task: int) -> None:
    """Execute the work, from its beginning."""
    m[task + at.TASK_AT] = at.AT_WORK
    wait(m, task, m[m[task + at.TASK_RUN] + at.RUN_WORK], word.RANK_WORK)


@compiled
def work_ends(m: Memory, task: int) -> None:
    """An attempt at the work is over: it is done, or has failed and will be done again."""
    run, retries = m[task + at.TASK_RUN], m[task + at.COUNTED]
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    if retries >= m[at.FAIL_ATTEMPTS] or real(m, at.FAIL_PROBABILITY) <= uniform(
        m, word.FOR_RETRY_FAILS, lane, generation, retries
    ):
        end_run(m, run, word.KIND_FINISH, -1)
        return
    record_run(m, run, word.KIND_RETRY, retries + 1, -1, 0)
    ns = duration(m, m[at.FAIL_DELAY], word.FOR_RETRY_DELAY, lane, generation, retries)
    step_aside(m, task, word.HALT_RETRY, ns, m[at.FAIL_RELEASES], m[at.FAIL_BLOCKS])


@compiled
def step_aside(m: Memory, task: int, why: int, ns: int, releases: int, blocks: int) -> None:
    """Halt for `ns`, on the host's clock; where it `releases`, slot and lease are given back meanwhile.

    A wait that `blocks` is one call that nothing can interrupt: it holds the loop, and ends where the process runs.
    """
    run = m[task + at.TASK_RUN]
    host = m[run + at.RUN_HOST]
    clock = host + at.HOST_CLOCK
    halt(m, run, why)
    m[task + at.TASK_AT] = at.AT_ASIDE
    actor = m[task + at.TASK_ACTOR]
    if blocks != 0:
        m[run + at.RUN_LOOP + at.ACTOR_FREEZES] += 1
        m[task + at.TASK_ACTOR] = run + at.RUN_PROCESS
    wait_until(m, task, read(m, clock) + ns, word.RANK_LIFECYCLE, clock)
    m[task + at.TASK_ACTOR] = actor
    if releases != 0:
        lane, key = m[run + at.RUN_LANE], request_key(m[run + at.RUN_GENERATION], 5)
        releaser = new_task(m, at.RELEASER, run, host + at.HOST_ACTOR, clock, lane, key)
        start_call(m, releaser, at.RELEASE, m[run + at.RUN_LEASE], 0)


@compiled
def begin_lifecycle(m: Memory, run: int) -> None:
    """Start what pauses and cancels a run."""
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    clock = run + at.RUN_CLOCK
    if m[at.PAUSES] != 0:
        pauser = new_task(m, at.PAUSER, run, at.NATURE, clock, lane, request_key(generation, 2))
        wait_for_pause(m, pauser)
    if m[at.CANCELS] != 0:
        canceller = new_task(m, at.CANCELLER, run, at.NATURE, clock, lane, request_key(generation, 3))
        gap = exponential(m, real(m, at.CANCEL_RATE), word.FOR_CANCEL_GAP, lane, generation, 0)
        wait(m, canceller, gap, word.RANK_LIFECYCLE)


@compiled
def wait_for_pause(m: Memory, task: int) -> None:
    """Wait for the next time that a person pauses the run."""
    run = m[task + at.TASK_RUN]
    lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
    gap = exponential(m, real(m, at.PAUSE_RATE), word.FOR_PAUSE_GAP, lane, generation, m[task + at.COUNTED])
    m[task + at.TASK_AT] = at.AT_GAP
    wait(m, task, gap, word.RANK_LIFECYCLE)


@compiled
def pauser_goes_on(m: Memory, task: int) -> None:
    """Pause the run, or let it go on."""
    run = m[task + at.TASK_RUN]
    if m[task + at.TASK_AT] == at.AT_GAP:
        lane, generation = m[run + at.RUN_LANE], m[run + at.RUN_GENERATION]
        ns = duration(m, m[at.PAUSE_LENGTH], word.FOR_PAUSE_LENGTH, lane, generation, m[task + at.COUNTED])
        step_aside(m, task, word.HALT_PAUSED, ns, m[at.PAUSE_RELEASES], 0)
    else:
        go(m, run, word.HALT_PAUSED)
        m[task + at.COUNTED] += 1
        wait_for_pause(m, task)
