"""What runner and server would log around a loss, with times, to be held beside one's own DEBUG log.

A line in quotation marks is Prefect's own text; the rest says in plain words what is to be seen there at that time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sim.model.scenario import Scenario
from sim.story.reader import read
from sim.story.reading import Life, Reading, Tenure, Try
from sim.story.words import length, time_of_day
from sim.trace import Trace
from sim.vocabulary import Kind, Loss, Outcome

FAILED: Final = "Concurrency lease renewal failed - slots are no longer reserved."
STRICT: Final = f"{FAILED} Terminating execution to prevent over-allocation."
LENIENT: Final = f"{FAILED} Execution will continue, but concurrency limits may be exceeded."
CRASHED: Final = "Execution was cancelled by the runtime environment."
_ERRORS: Final[Mapping[int, str]] = {
    Outcome.REFUSED: "ConnectError: connection refused",
    Outcome.RESET: "ReadError: connection reset",
    Outcome.CONNECT_TIMEOUT: "ConnectTimeout",
    Outcome.READ_TIMEOUT: "ReadTimeout",
}
_WAYS: Final[Mapping[int, str]] = {
    Outcome.REFUSED: "refused",
    Outcome.RESET: "reset",
    Outcome.CONNECT_TIMEOUT: "timed out while connecting",
    Outcome.READ_TIMEOUT: "timed out without an answer",
}
_FORMS: Final[Mapping[str, str]] = {
    "generic": " (nothing more: this version does not log the reason)",
    "traceback": " (with a traceback)",
    "exception": " (with lease id and exception, in the process's log, not yet in the run's)",
    "run log": " (with lease id and exception, in the run's log)",
}
_LAST: Final = 14
"""So many failed tries are listed one by one."""


class Line(NamedTuple):
    """One line: when, whose log, level, what."""

    time_ns: int
    order: int
    whose: str
    level: str
    text: str


def log(
    scenario: Scenario, trace: Trace, run: tuple[int, int], lost_ns: int, *, gone: int = 410, form: str = "exception"
) -> list[str]:
    """Return the lines around the loss of a run's lease at a time, and a sentence that tells which loss it was.

    `gone` is the status with which the server answers for a missing lease, `form` how the failure is logged.
    """
    reading = read(scenario, trace)
    life = reading.lives[run]
    tenures = [tenure for tenure in reading.tenures_of(run) if tenure.granted_ns <= lost_ns]
    tenure = tenures[-1] if tenures else None
    lines = sorted(_lines(scenario, reading, life, tenure, gone, form), key=lambda line: line[:2])
    times = [time_of_day(scenario, line.time_ns, milliseconds=True) for line in lines]
    width = max(map(len, times), default=0)
    told = [
        f"{time:>{width}}  {line.whose:<6} {line.level:<7} {line.text}" for time, line in zip(times, lines, strict=True)
    ]
    return [*told, f"So this is: {kind(life, tenure, gone)}."]


def _lines(
    scenario: Scenario, reading: Reading, life: Life, tenure: Tenure | None, gone: int, form: str
) -> Iterator[Line]:
    since = tenure.last_set_ns if tenure is not None else life.started_ns or 0
    for strike in reading.strikes:
        shared = 0 if scenario.server.host == "shared" else None
        if strike.fault.what == "restart" and strike.concerns(life, shared) and strike.span.meets(since, _over(life)):
            yield Line(strike.span.start_ns, 0, "server", "INFO", f"down for {length(strike.span.length_ns)}")
            yield Line(strike.span.stop_ns, 0, "server", "INFO", "started")
    if tenure is not None and tenure.ended_by is Kind.REAP and tenure.stopped_ns is not None:
        text = f"the sweep revokes lease {tenure.lease}, expired at {time_of_day(scenario, tenure.expiry_ns)}"
        yield Line(tenure.stopped_ns, 1, "server", "DEBUG", text)
    tries = [each for each in life.tries if each.sent_ns >= since]
    for each in tries[-_LAST:]:
        yield from _request(each, gone)
    lost = life.first(Kind.LOST, since)
    if lost is None:
        return
    strict = scenario.renewal.on_lost if lost.number == Loss.REVOKED else scenario.renewal.on_giveup
    last = next((each.outcome for each in reversed(tries) if each.outcome not in (None, Outcome.OK)), None)
    shown = "" if last is None or form == "generic" else f" <- {_error(last, gone)}"
    if strict == "terminate":
        yield Line(lost.time_ns, 3, "run", "ERROR", f'"{STRICT}"{_FORMS[form]}{shown}')
    else:
        yield Line(lost.time_ns, 3, "run", "WARNING", f'"{LENIENT}"{_FORMS[form]}{shown}')
    stop = life.first(Kind.STOP, lost.time_ns)
    if stop is not None:
        yield Line(stop.time_ns, 4, "run", "ERROR", f'"{CRASHED}" The state is Crashed')
    release = next((r for r in reading.releases if r.run == life.run and r.time_ns >= lost.time_ns), None)
    if release is not None:
        twice = " although its lease was gone" if release.counted_twice else ""
        text = f"the run's slot is given back{twice}: {release.before} -> {release.after} active slots"
        yield Line(release.time_ns, 5, "server", "DEBUG", text)


def _request(each: Try, gone: int) -> Iterator[Line]:
    """A renewal request as both ends see it."""
    path = f"POST /v2/concurrency_limits/leases/{each.lease}/renew"
    if each.arrived_ns is not None:
        yield Line(each.arrived_ns, 2, "server", "INFO", f"{path} {204 if each.renewed else gone}")
    if each.answered_ns is not None and each.outcome is not None:
        waited = each.answered_ns - each.sent_ns
        level = "DEBUG" if each.outcome == Outcome.OK else "WARNING"
        text = f"{path}: {'204' if each.outcome == Outcome.OK else _error(each.outcome, gone)} after {length(waited)}"
        yield Line(each.answered_ns, 2, "run", level, text)


def _error(outcome: int, gone: int) -> str:
    if outcome == Outcome.GONE:
        return f"HTTPStatusError: {gone} {'Gone' if gone == 410 else 'Not Found'}"
    return f"HTTPStatusError: {outcome}" if outcome >= 400 else _ERRORS.get(outcome, "failed")


def _over(life: Life) -> int:
    return life.ended.time_ns if life.ended is not None else (life.tries[-1].sent_ns if life.tries else 0)


def kind(life: Life, tenure: Tenure | None, gone: int = 410) -> str:
    """Name the loss: two 410 look the same in the run's log, the server's tells them apart."""
    lost = life.first(Kind.LOST, tenure.granted_ns if tenure is not None else 0)
    if lost is None:
        return "a run that works on and has not noticed"
    if lost.number == Loss.GAVE_UP:
        last = next((t.outcome for t in reversed(life.tries) if t.outcome not in (None, Outcome.OK)), None)
        if last is not None and last != Outcome.GONE:
            return f"no renewal in all attempts, the last {_WAYS.get(last, f'answered {last}')}"
    ended = tenure.ended_by if tenure is not None else None
    if ended is Kind.FORGET:
        return f"{gone} after a restart: the server lost the lease, it had not expired"
    if ended is Kind.REAP:
        early = tenure is not None and life.started_ns is not None and (tenure.stopped_ns or 0) <= life.started_ns
        return f"{gone} after expiry" + (" during provisioning" if early else "")
    if ended is Kind.RELEASE:
        return f"{gone} after the lease was given back under way (retry, pause or cancellation)"
    return f"{gone} although the lease exists: another server process answered"
