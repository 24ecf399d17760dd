"""How long a holder keeps trying: the tries of one renewal, by the way in which they fail.

Waits have jitter: each try has an earliest and a latest time. Any time between is possible, and after it the next wait
may be the shortest or the longest all the same, for each wait is drawn by itself.
"""

from __future__ import annotations

import math
from itertools import count
from typing import Final, Literal, NamedTuple

from sim import samplers
from sim.model.fields import UNLIMITED
from sim.model.scenario import Http, Scenario
from sim.units import FOREVER

Failure = Literal["gone", "refused", "reset", "read time-out", "connect time-out", "status 503"]
FAILURES: Final[tuple[Failure, ...]] = (
    "gone", "refused", "reset", "status 503", "read time-out", "connect time-out",
)  # fmt: skip
_TRIES_MAX: Final = 10_000
"""An unlimited loop is followed for so many tries."""


class Patience(NamedTuple):
    """The tries of one renewal that all fail in the same way, counted from the beginning of the renewal."""

    tries: tuple[int, ...]
    """When each request is sent: with jitter, at the latest."""
    gives_up_ns: int
    """When the holder gives the renewal up, at the latest; FOREVER when it never does."""
    early: tuple[int, ...]
    """When each request is sent at the earliest."""
    drawn: tuple[int, ...]
    """How many waits with jitter there are before each."""
    told_ns: int
    """When it learns that the lease is gone, at the latest, where the failures end just before one of the tries."""

    def before(self, deadline_ns: int) -> int:
        """Return how many requests are sent before a deadline, at least."""
        return sum(sent < deadline_ns for sent in self.tries)

    def after_first(self, earlier_ns: int = 0) -> Patience:
        """Return the tries after the first, all of them earlier by that much."""
        early, late = (tuple(sent - earlier_ns for sent in side[1:]) for side in (self.early, self.tries))
        return self._replace(tries=late, early=early, drawn=self.drawn[1:])

    def last_before(self, limit_ns: int, surely: bool) -> tuple[int, int] | None:
        """Return when the last try before a limit is sent, and its number; None if there may be (can be) none.

        `surely`: with the waits that make it as early as can be, else as late. It is the earliest from which the
        longest next wait leads past the limit.
        """
        found: list[tuple[int, int]] = []
        for number, (low, high) in enumerate(zip(self.early, self.tries, strict=True)):
            if low >= limit_ns:
                break
            if number == 0 and surely and high >= limit_ns:
                return None
            sent = min(high, limit_ns - 1)
            if surely and number + 1 < len(self.tries):
                sent = max(low, limit_ns - (self.tries[number + 1] - high))
            elif surely:
                sent = low if self.gives_up_ns < FOREVER else limit_ns
            if sent <= min(high, limit_ns - 1):
                found.append((sent, number))
        return (min(found) if surely else max(found)) if found else None

    def first_from(self, time_ns: int, surely: bool) -> tuple[int, int] | None:
        """Return when the first try from a time on is sent, and the number of the try before; None if there is none.

        `surely`: with the waits that make it as late as can be, else as early.
        """
        if not surely:
            both = zip(self.early, self.tries, strict=True)
            reached = ((max(low, time_ns), number) for number, (low, high) in enumerate(both) if high >= time_ns)
            return next(reached, None)
        found = [(self.tries[0], -1)] if self.tries and self.tries[0] >= time_ns else []
        for number, (low, high) in enumerate(zip(self.early, self.tries, strict=True)):
            if low >= time_ns:
                break
            if number + 1 < len(self.tries):
                sent = min(high, time_ns - 1) + self.tries[number + 1] - high
                found += [(sent, number)] if sent >= time_ns else []
            elif self.gives_up_ns < FOREVER:
                return None
        return max(found, default=None)

    def place_of(self, sent_ns: int, number: int) -> tuple[int, float]:
        """Return how many waits lead to a try at that time, and where each lies from its shortest, 0, to 1."""
        low, high = self.early[number], self.tries[number]
        share = (sent_ns - low) / (high - low) if high > low else 1.0
        return self.drawn[number], min(max(share, 0.0), 1.0)


def patience(
    scenario: Scenario,
    failure: Failure,
    until_ns: int = FOREVER,
    trip_ns: int = 0,
    first: Failure | None = None,
    first_ns: int | None = None,
    answer_ns: int = 0,
    jitter: bool = False,
) -> Patience:
    """Return the tries of one renewal that fails by `failure` throughout, followed up to `until_ns`.

    An exchange that fails at once takes `trip_ns`, one with an answer `answer_ns`. The first may fail in another way,
    by `first`, after `first_ns`. Without `jitter` waits are as long as they are on average.
    """
    renewal = scenario.renewal
    sides = [_Walk(scenario, failure, trip_ns, first, first_ns, at) for at in ((0.0, 1.0) if jitter else (None,))]
    early, late, told_ns = sides[0], sides[-1], 0
    for attempt in range(min(renewal.attempts, _TRIES_MAX)):
        last = [walk.call() for walk in sides][-1]
        told_ns = max(told_ns, late.tries[-1] + answer_ns)
        if last == "gone" and not renewal.retry_gone:
            return Patience(tuple(late.tries), late.now_ns, tuple(early.tries), tuple(late.drawn), told_ns)
        if attempt + 1 == renewal.attempts or late.now_ns > until_ns:
            break
        waits = [walk.wait(attempt) for walk in sides]
        told_ns = told_ns + waits[-1] + answer_ns if renewal.retry_gone else 0
    ends_ns, told_ns = (FOREVER, FOREVER) if renewal.attempts == UNLIMITED else (late.now_ns, told_ns)
    return Patience(tuple(late.tries), ends_ns, tuple(early.tries), tuple(late.drawn), told_ns)


class _Walk:
    """Goes through the exchanges of one renewal, and adds up what they take."""

    def __init__(
        self,
        scenario: Scenario,
        failure: Failure,
        trip_ns: int,
        first: Failure | None,
        first_ns: int | None,
        at: float | None,
    ) -> None:
        self.http, self.renewal = scenario.http, scenario.renewal
        self.failure, self.first = failure, first
        self.takes_ns = {"connect time-out": self.http.connect_timeout, "read time-out": self.http.read_timeout}
        self.trip_ns, self.first_ns = trip_ns, first_ns
        self.loop_by = 1.0 if at is None else factor(self.renewal.jitter_shape, self.renewal.backoff_jitter, at)
        self.http_by = 1.0 if at is None else factor(self.http.jitter_shape, self.http.jitter, at)
        self.tries: list[int] = []
        self.drawn: list[int] = []
        self.waits = 0
        self.now_ns = 0

    def wait(self, attempt: int) -> int:
        """The loop's wait after a failed attempt."""
        renewal = self.renewal
        waited_ns = _grown(renewal.backoff, renewal.backoff_factor, renewal.backoff_cap, attempt, self.loop_by)
        self.now_ns += waited_ns
        self.waits += renewal.backoff_jitter > 0
        return waited_ns

    def call(self) -> Failure:
        """One attempt of the loop: requests, and more of them where the HTTP layer tries again."""
        http = self.http
        for request in count():
            failed = self._connecting()
            last = request >= http.max_retries
            status = failed == "status 503" and http.sleep_after_last
            if not _is_retried(http, failed) or (last and not status):
                return failed
            self.now_ns += _grown(http.backoff, http.backoff_factor, http.backoff_cap, request, self.http_by)
            self.waits += http.jitter > 0
            if last:
                return failed
        raise AssertionError("a call ends")

    def _connecting(self) -> Failure:
        """One request: it connects again at once, then after growing waits."""
        http = self.http
        for tried in range(http.connect_retries + 1):
            if tried >= 2:
                self.now_ns += min(http.connect_backoff << min(tried - 2, 20), http.backoff_cap)
            failed = self._exchange()
            if failed not in ("refused", "connect time-out"):
                break
        return failed

    def _exchange(self) -> Failure:
        failed = self.first if self.first and not self.tries else self.failure
        takes_ns = self.takes_ns.get(failed, self.trip_ns)
        if not self.tries and self.first_ns is not None:
            takes_ns = self.first_ns
        self.tries.append(self.now_ns)
        self.drawn.append(self.waits)
        self.now_ns += takes_ns
        return failed


def _grown(first_ns: int, growth: float, cap_ns: int, times: int, by: float) -> int:
    """Return a wait that has grown so many times, with its jitter, as both engines reckon it."""
    return samplers.nanoseconds(min(float(cap_ns), first_ns * math.pow(growth, float(min(times, 64)))) * by)


def factor(shape: str, jitter: float, u: float) -> float:
    """Return what a wait is multiplied by for a draw; 0 is the shortest, 1 the longest."""
    if jitter == 0:
        return 1.0
    return (
        samplers.uniform_factor(u, jitter) if shape == "uniform" else samplers.truncated_exponential_factor(u, jitter)
    )


def _is_retried(http: Http, failure: Failure) -> bool:
    if failure == "refused":
        return http.retry_refused
    if failure == "reset":
        return http.retry_reset
    if failure == "status 503":
        return 503 in http.retry_codes
    return failure != "gone" and http.retry_timeout
