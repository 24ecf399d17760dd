"""How long a holder keeps trying: the tries of one renewal, by the way in which they fail; no jitter."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

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


def patience(scenario: Scenario, failure: Failure, until_ns: int = FOREVER) -> Patience:
    """Return the tries of one renewal that fails by `failure` throughout, followed up to `until_ns`."""
    renewal = scenario.renewal
    tries: list[int] = []
    start_ns, wait_ns = 0, float(renewal.backoff)
    once, cost_ns = _layer(scenario.http, failure)
    if failure == "gone" and not renewal.retry_gone:
        return Patience((0,), 0)
    for attempt in range(min(renewal.attempts, _TRIES_MAX)):
        tries += [start_ns + offset for offset in once]
        start_ns += cost_ns
        if attempt + 1 == renewal.attempts or start_ns > until_ns:
            break
        start_ns += round(min(wait_ns, renewal.backoff_cap))
        wait_ns = min(wait_ns * renewal.backoff_factor, float(FOREVER))
    return Patience(tuple(tries), FOREVER if renewal.attempts == UNLIMITED else start_ns)


def _layer(http: Http, failure: Failure) -> tuple[list[int], int]:
    """When the HTTP layer sends within one attempt of the loop, and how long it takes to fail."""
    connects, each_ns = _connecting(http, failure)
    tries, now_ns, wait_ns = list(connects), each_ns, float(http.backoff)
    retried = _is_retried(http, failure)
    for _ in range(http.max_retries if retried else 0):
        now_ns += round(min(wait_ns, http.backoff_cap))
        wait_ns = min(wait_ns * http.backoff_factor, float(FOREVER))
        tries += [now_ns + offset for offset in connects]
        now_ns += each_ns
    if retried and failure == "status 503" and http.sleep_after_last:
        now_ns += round(min(wait_ns, http.backoff_cap))
    return tries, now_ns


def _is_retried(http: Http, failure: Failure) -> bool:
    if failure == "refused":
        return http.retry_refused
    if failure == "reset":
        return http.retry_reset
    if failure == "status 503":
        return 503 in http.retry_codes
    return failure != "gone" and http.retry_timeout


def _connecting(http: Http, failure: Failure) -> tuple[list[int], int]:
    """When one request connects: again at once, then after growing waits; and how long it takes to fail."""
    if failure not in ("refused", "connect time-out"):
        return [0], http.read_timeout if failure == "read time-out" else 0
    each_ns = http.connect_timeout if failure == "connect time-out" else 0
    starts = [0]
    for retry in range(http.connect_retries):
        wait_ns = 0 if retry == 0 else min(http.connect_backoff << min(retry - 1, 20), http.backoff_cap)
        starts.append(starts[-1] + each_ns + wait_ns)
    return starts, starts[-1] + each_ns
