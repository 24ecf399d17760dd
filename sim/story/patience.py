"""How long a holder keeps trying: the tries of one renewal, by the way in which they fail; no jitter."""

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
    """The tries of one renewal that all fail in the same way."""

    tries: tuple[int, ...]
    """When each request is sent, counted from the beginning of the renewal."""
    gives_up_ns: int
    """When the holder gives the renewal up; FOREVER when it never does."""

    def before(self, deadline_ns: int) -> int:
        """Return how many requests are sent before a deadline."""
        return sum(sent < deadline_ns for sent in self.tries)

    def last_before(self, deadline_ns: int) -> int:
        """Return when the last request before a deadline is sent."""
        return max((sent for sent in self.tries if sent < deadline_ns), default=0)


def patience(
    scenario: Scenario,
    failure: Failure,
    until_ns: int = FOREVER,
    trip_ns: int = 0,
    first: Failure | None = None,
    first_ns: int | None = None,
) -> Patience:
    """Return the tries of one renewal that fails by `failure` throughout, followed up to `until_ns`.

    An exchange that is answered takes `trip_ns`. The first may fail in another way, by `first`, after `first_ns`.
    """
    renewal = scenario.renewal
    walk = _Walk(scenario.http, failure, trip_ns, first, first_ns)
    for attempt in range(min(renewal.attempts, _TRIES_MAX)):
        last = walk.call()
        if last == "gone" and not renewal.retry_gone:
            return Patience(tuple(walk.tries), walk.now_ns)
        if attempt + 1 == renewal.attempts or walk.now_ns > until_ns:
            break
        walk.now_ns += _grown(renewal.backoff, renewal.backoff_factor, renewal.backoff_cap, attempt)
    return Patience(tuple(walk.tries), FOREVER if renewal.attempts == UNLIMITED else walk.now_ns)


class _Walk:
    """Goes through the exchanges of one renewal, and adds up what they take."""

    def __init__(self, http: Http, failure: Failure, trip_ns: int, first: Failure | None, first_ns: int | None) -> None:
        self.http, self.failure, self.first = http, failure, first
        self.takes_ns = {"connect time-out": http.connect_timeout, "read time-out": http.read_timeout}
        self.trip_ns, self.first_ns = trip_ns, first_ns
        self.tries: list[int] = []
        self.now_ns = 0

    def call(self) -> Failure:
        """One attempt of the loop: requests, and more of them where the HTTP layer tries again."""
        http = self.http
        for request in count():
            failed = self._connecting()
            last = request >= http.max_retries
            status = failed == "status 503" and http.sleep_after_last
            if not _is_retried(http, failed) or (last and not status):
                return failed
            self.now_ns += _grown(http.backoff, http.backoff_factor, http.backoff_cap, request)
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
        self.now_ns += takes_ns
        return failed


def _grown(first_ns: int, factor: float, cap_ns: int, times: int) -> int:
    """Return a wait that has grown so many times, as both engines reckon it."""
    return samplers.nanoseconds(min(float(cap_ns), first_ns * math.pow(factor, float(min(times, 64)))))


def _is_retried(http: Http, failure: Failure) -> bool:
    if failure == "refused":
        return http.retry_refused
    if failure == "reset":
        return http.retry_reset
    if failure == "status 503":
        return 503 in http.retry_codes
    return failure != "gone" and http.retry_timeout
