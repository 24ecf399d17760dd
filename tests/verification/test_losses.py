"""Theory 1.4: lost messages, retries, give-ups, bursts of loss, restarts that forget leases.

Where an attempt that fails takes its time-out, the back-off after it is shorter by as much, so that attempts stay
evenly spaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from sim import oracles
from sim.oracles import GilbertElliott
from sim.trace import Trace
from sim.units import SECOND
from sim.vocabulary import Kind, Loss, Outcome, Truth
from tests.verification.checks import Case, Raw, Row, Simulated, case, parameters, per_second, span, verify, world
from tests.verification.reading import count, first, lapses, runs, times

C, TIMEOUT = 30.0, 1.0


def even(attempts: int | str, **more: Any) -> Raw:
    """A renewal every `C` seconds whether or not the one before was answered; the loop gives up after `attempts`."""
    wait = f"{C - TIMEOUT}s"
    evenly = {"every": f"{C}s", "attempts": attempts, "backoff": wait, "backoff_factor": 1.0, "backoff_cap": wait}
    return {**evenly, **more}


def http(timeout: float = TIMEOUT) -> Raw:
    return {"connect_timeout": f"{timeout}s", "read_timeout": f"{timeout}s"}


# ---- independent losses -----------------------------------------------------------------------------------


def lossy(ttl: float, loss: float, cycles: int, loss_down: float = 0.0) -> Simulated:
    """A holder that never gives up and whose late renewals bring the lease back."""
    return Simulated(
        world(
            cycles * C,
            lease={"ttl": f"{ttl}s", "late_renew": "resurrect"},
            renewal=even("unlimited"),
            http=http(),
            network={"loss_up": loss, "loss_down": loss_down},
        )
    )


@case("1.4", "loss_expiry_rate", "loss_lapse_mean", "loss_lease_availability", "attempts_before_expiry", rows=8)
def losses_in_a_row() -> Iterator[Row]:
    """With a ttl of three intervals the third attempt comes at the very expiry: too late. Lost answers do no harm."""
    loss = 0.4
    for ttl, loss_down in ((100.0, 0.0), (90.0, 0.3)):
        simulated = lossy(ttl, loss, 6000, loss_down)
        trace, what = simulated.trace, f"ttl {ttl:g} s, every {C:g} s"
        gaps = np.diff(times(trace, Kind.RENEWED))
        late = gaps >= ttl
        lapsed = lapses(trace, Kind.RENEWED)[-int(late.sum()) :]
        assert np.allclose(lapsed, gaps[late] - ttl), "every gap of a ttl or more is an expiry"
        expected = oracles.loss_expiry_rate(ttl, C, loss)
        yield simulated.ratio("loss_expiry_rate", what, expected, late, gaps)
        yield simulated.mean("loss_lapse_mean", what, oracles.loss_lapse_mean(ttl, C, loss), lapsed)
        available = oracles.loss_lease_availability(ttl, C, loss)
        yield simulated.ratio("loss_lease_availability", what, available, gaps.clip(max=ttl), gaps)
        survived = int(gaps[~late].max() / C + 0.5)
        attempts = oracles.attempts_before_expiry(ttl, C)
        yield simulated.exactly("attempts_before_expiry", what, attempts, survived, late.size, attempts == survived)


UP, DOWN, ROUNDS = 0.4, 0.3, 3


@case("1.4", "attempts_to_run", "needless_giveup", "roundtrip_loss", rows=3)
def three_failures_in_a_row() -> Iterator[Row]:
    """The ttl is such that three lost requests let the lease expire just before the holder gives up, and one that
    arrived keeps it valid until after that: then the metrics can tell one from the other.
    """
    simulated = Simulated(
        world(
            250_000,
            limit={"slots": 1000},
            lease={"ttl": f"{ROUNDS * C + TIMEOUT / 2}s"},
            renewal=even(ROUNDS, first="after_interval"),
            http=http(),
            network={"loss_up": UP, "loss_down": DOWN},
        )
    )
    sent, failed, rounds, needless, attempts = 0, 0, 0, 0, []
    for events in runs(simulated.trace).values():
        ended = [event.value != Outcome.OK for event in events if event.kind is Kind.ANSWER]
        sent, failed = sent + len(ended), failed + sum(ended)
        rounds += ended.count(False)
        lost = [event for event in events if event.kind is Kind.LOST]
        if lost:
            attempts.append(len(ended))
            rounds += 1
            needless += lost[0].value == Truth.STILL_VALID
    both = oracles.roundtrip_loss(UP, DOWN)
    what = f"{ROUNDS} attempts, loss {UP} up, {DOWN} down"
    yield simulated.share("roundtrip_loss", what, both, failed, sent)
    yield simulated.mean("attempts_to_run", what, oracles.attempts_to_run(ROUNDS, both), attempts)
    yield simulated.share("needless_giveup", what, oracles.needless_giveup(ROUNDS, UP, DOWN), needless, rounds)
    assert simulated.column("terminated_still_valid").sum() == needless


@case("1.4", "prob_run_within", rows=1)
def two_failures_within_six() -> Iterator[Row]:
    """The work is done just after the sixth attempt."""
    length, attempts, loss = 2, 6, 0.35
    simulated = Simulated(
        world(
            200_000,
            limit={"slots": 1000},
            lease={"ttl": "1h"},
            renewal=even(length),
            http=http(),
            runs={"work": span((attempts - 1) * C + TIMEOUT + 0.5)},
            network={"loss_down": loss},
        )
    )
    gave_up, finished = count(simulated.trace, Kind.STOP), count(simulated.trace, Kind.FINISH)
    expected = oracles.prob_run_within(length, attempts, loss)
    what = f"{length} in a row within {attempts}, loss {loss}"
    yield simulated.share("prob_run_within", what, expected, gave_up, gave_up + finished)
    assert simulated.column("runs_terminated").sum() == gave_up


@case("1.4", "giveup_rate", rows=1)
def a_loop_that_gives_up() -> Iterator[Row]:
    """Failures are errors of the server, which take no time; having given up the holder gets another lease at once."""
    loss, wait, backoffs = 0.5, 20.0, (3.0, 6.0)
    simulated = Simulated(
        world(
            60_000,
            limit={"slots": 1000, "poll": "0s"},
            lease={"ttl": "5m"},
            server={"error_probability": loss},
            renewal={
                "every": f"{wait}s",
                "attempts": len(backoffs) + 1,
                "backoff": f"{backoffs[0]}s",
                "on_giveup": "rejoin",
            },
        )
    )
    begins, gave_up = _rounds(simulated.trace)
    expected = oracles.giveup_rate(loss, wait, backoffs)
    yield simulated.ratio("giveup_rate", f"loss {loss}, back-offs of 3 s, 6 s", expected, gave_up, np.diff(begins))


def _rounds(trace: Trace) -> tuple[list[float], list[bool]]:
    """When each round of attempts began (its end is the next one's begin), and whether it ended in giving up."""
    begins, gave_up, fresh = [], [], True
    for event in trace:
        if event.kind is Kind.SEND and fresh:
            begins.append(event.time_ns / SECOND)
            fresh = False
        elif event.kind is Kind.LOST or (event.kind is Kind.ANSWER and event.value == Outcome.OK):
            gave_up.append(event.kind is Kind.LOST)
            fresh = True
    return begins, gave_up[: len(begins) - 1]


# ---- bursts -----------------------------------------------------------------------------------------------


def channel(link: GilbertElliott) -> Raw:
    """The channel as a table of a scenario."""
    return {
        "mean_good": span(1 / link.to_bad),
        "mean_bad": span(1 / link.to_good),
        "loss_good": link.loss_good,
        "loss_bad": link.loss_bad,
    }


def bursty(link: GilbertElliott, duration: float) -> tuple[Simulated, list[float]]:
    """Runs that make one round of three attempts, 2 s and 3.9 s apart, long after all they asked for before."""
    timeout, backoff = 0.1, 1.9
    simulated = Simulated(
        world(
            duration,
            limit={"slots": 1000},
            lease={"ttl": "1h"},
            renewal={"every": "1h", "attempts": 3, "backoff": f"{backoff}s"},
            http=http(timeout),
            runs={"arrivals": {"kind": "closed", "clients": 20}, "provisioning": "200s", "work": "7s"},
            hosts={"count": 20},
            network={"bursts": channel(link)},
        )
    )
    return simulated, [timeout + backoff, timeout + 2 * backoff]


@case("1.4", "GilbertElliott", rows=2)
def bursts_of_loss() -> Iterator[Row]:
    """Request and answer cross the channel at one instant, in one state: an exchange fails as either of them does."""
    link = GilbertElliott(1 / 30, 1 / 15, 0.1, 0.8)
    both = GilbertElliott(link.to_bad, link.to_good, 1 - (1 - 0.1) ** 2, 1 - (1 - 0.8) ** 2)
    simulated, gaps = bursty(link, 25_000)
    gave_up = renewed = lost = 0
    decided = [events for events in runs(simulated.trace).values() if first(events, Kind.STOP, Kind.FINISH)]
    for events in decided:
        gave_up += any(event.kind is Kind.LOST and event.number == Loss.GAVE_UP for event in events)
        arrived = {event.number for event in events if event.kind is Kind.RENEWED}
        renewed += bool(arrived)
        lost += next(event.number for event in events if event.kind is Kind.SEND) not in arrived
    what = "loss 10 % or, a third of the time, 80 %"
    yield simulated.share("GilbertElliott.mean_loss", what, link.mean_loss, lost, len(decided))
    yield simulated.share("GilbertElliott.all_lost", f"{what}; exchanges", both.all_lost(gaps), gave_up, len(decided))


@case("1.4", "GilbertElliott", rows=1)
def bursts_that_lose_everything() -> Iterator[Row]:
    link = GilbertElliott.of(0.3, 10.0)
    simulated, gaps = bursty(link, 25_000)
    gave_up, finished = count(simulated.trace, Kind.STOP), count(simulated.trace, Kind.FINISH)
    yield simulated.share(
        "GilbertElliott.all_lost", "bursts of 10 s, 30 % of the time", link.all_lost(gaps), gave_up, gave_up + finished
    )


# ---- restarts ---------------------------------------------------------------------------------------------


@case("1.4", "storage_loss_rate", rows=1)
def restarts_that_forget() -> Iterator[Row]:
    """Kills = restarts x holders, in batches: minus its mean rate that is a martingale with the variance below."""
    rate, clients = 1 / 200.0, 8
    simulated = Simulated(
        world(
            60_000,
            limit={"slots": clients},
            lease={"ttl": "60s", "on_restart": "lost_free"},
            renewal={"every": "40s"},
            runs={"arrivals": {"kind": "closed", "clients": clients}},
            faults=[{"what": "restart", "when": per_second(rate), "length": "0s"}],
        )
    )
    trace = simulated.trace
    holders, squared = _holder_seconds(trace)
    killed = count(trace, Kind.FORGET)
    assert 0 <= killed - int(simulated.column("terminated_forgotten").sum()) <= clients
    duration = trace.end_ns / SECOND
    expected = oracles.storage_loss_rate(rate, holders / duration)
    z = (killed - rate * holders) / (rate * squared) ** 0.5
    yield simulated.row("storage_loss_rate", "restarts that forget leases", expected, killed / duration, killed, z)


def _holder_seconds(trace: Trace) -> tuple[float, float]:
    """The integrals of the number of leases and of its square."""
    levels = [event for event in trace if event.kind in (Kind.GRANT, Kind.FORGET, Kind.RELEASE, Kind.REAP)]
    spans = [(one.value, (other.time_ns - one.time_ns) / SECOND) for one, other in pairwise(levels)]
    return sum(n * dt for n, dt in spans), sum(n * n * dt for n, dt in spans)


@pytest.mark.verification
@pytest.mark.parametrize("case", parameters(__name__))
def test_losses(case: Case) -> None:
    verify(case)
