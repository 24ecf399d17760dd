"""Integrals of what stands at a level between events, as in `sim.metrics.levels`."""

from __future__ import annotations

from sim.engines.kernel.compiling import compiled
from sim.metrics.compiled import layout as at
from sim.metrics.compiled.cases import charge
from sim.metrics.compiled.layout import Memory
from sim.metrics.compiled.storage import add


@compiled
def advance(m: Memory, time: int) -> None:
    """Let the levels stand until `time`."""
    since = m[at.NOW]
    if since < m[at.WARMUP]:
        if time < m[at.WARMUP]:
            m[at.NOW] = time
            return
        m[at.WAITING_AT_FIRST], m[at.STARTED_AT_FIRST] = m[at.WAITING], m[at.AT_WORK]
        m[at.OVER_BEFORE] = 1 if m[at.EXECUTING] > m[at.SLOTS] else 0
        since = m[at.WARMUP]
    m[at.NOW] = time
    while since < time:
        step = min(time - since, at.STEP_MAX)
        integrate(m, step)
        since += step


@compiled
def integrate(m: Memory, dt: int) -> None:
    """Add what the levels are worth over `dt`."""
    provisioning, working, idle = m[at.HOLDING_PROVISIONING], m[at.HOLDING_WORKING], m[at.HOLDING_IDLE]
    add(m, at.WAITING_NS, m[at.WAITING] * dt)
    add(m, at.EXECUTING_NS, m[at.EXECUTING] * dt)
    add(m, at.LEASE_NS, m[at.LEASED] * dt)
    add(m, at.PROVISIONING_NS, provisioning * dt)
    add(m, at.WORKING_NS, working * dt)
    add(m, at.IDLE_NS, idle * dt)
    if m[at.WANTING] > 0 and m[at.IN_USE] > m[at.HELD]:
        add(m, at.VACANCY_NS, min(m[at.WANTING], m[at.IN_USE] - m[at.HELD]) * dt)
    leaked = m[at.IN_USE] - m[at.BACKED] - m[at.COOLING]
    if leaked > 0:
        add(m, at.LEAKED_NS, leaked * dt)
    believers = provisioning + working + idle
    if believers > m[at.SLOTS]:
        add(m, at.HOLDING_OVER_NS, (believers - m[at.SLOTS]) * dt)
    lapsed = m[at.OVERLAP_COUNT] + m[at.SLOTLESS_COUNT]
    if lapsed > 0:
        add(m, at.MISSED_NS, lapsed * dt)
    if m[at.EXECUTING] > m[at.SLOTS]:
        over_allocate(m, m[at.EXECUTING] - m[at.SLOTS], dt)
    elif m[at.LENGTH_NS] > 0:
        close_incident(m)
    m[at.OVER_BEFORE] = 0


@compiled
def over_allocate(m: Memory, excess: int, dt: int) -> None:
    """Add what `excess` runs too many are worth: by origin, and by what cost them their leases."""
    if m[at.LENGTH_NS] == 0:
        m[at.INCIDENTS if m[at.OVER_BEFORE] == 0 else at.CARRIED_IN] += 1
    m[at.LENGTH_NS] += dt
    add(m, at.SIZE_NS, excess * dt)
    m[at.PEAK] = max(m[at.PEAK], excess)
    overlap = min(excess, m[at.OVERLAP_COUNT])
    slotless = min(excess - overlap, m[at.SLOTLESS_COUNT])
    debt = excess - overlap - slotless
    add(m, at.OVER_NS, excess * dt)
    add(m, at.OVER_TIME_NS, dt)
    add(m, at.OVERLAP_NS, overlap * dt)
    add(m, at.SLOTLESS_NS, slotless * dt)
    add(m, at.DEBT_NS, debt * dt)
    add(m, at.HARMFUL_NS, (debt if m[at.FENCED_WRITES] != 0 else excess) * dt)
    charge_all(m, m[at.OVERLAP_FIRST], at.RUN_OVERLAP_AFTER, overlap, dt)
    charge_all(m, m[at.SLOTLESS_FIRST], at.RUN_SLOTLESS_AFTER, slotless, dt)
    add(m, m[at.OVER_BY_CAUSE] + 2 * at.DEBT, debt * dt)


@compiled
def charge_all(m: Memory, run: int, after: int, count: int, dt: int) -> None:
    """Put `dt` down to what cost the first `count` runs of a list their leases."""
    while count > 0:
        charge(m, run, dt)
        run = m[run + after]
        count -= 1


@compiled
def close_incident(m: Memory) -> None:
    """End the incident under way, if there is one."""
    m[at.LONGEST_NS] = max(m[at.LONGEST_NS], m[at.LENGTH_NS])
    m[at.INCIDENT_NS + 1] += m[at.SIZE_HIGH]
    add(m, at.INCIDENT_NS, m[at.SIZE_NS])
    m[at.LENGTH_NS] = m[at.SIZE_NS] = m[at.SIZE_HIGH] = 0


@compiled
def observed(m: Memory, since: int) -> int:
    """Return the time from `since` until now that is after the warm-up."""
    return max(0, m[at.NOW] - max(since, m[at.WARMUP]))


@compiled
def count(m: Memory, what: int) -> None:
    """Count an event, unless it is in the warm-up."""
    if m[at.NOW] >= m[at.WARMUP]:
        m[what] += 1
