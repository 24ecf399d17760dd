"""The closed-form numbers that people tune by: what a protocol rides out, and what it does not.

Jitter of intervals, drift and the time that messages take are left out; where the phase matters, the worst one counts,
and so do the worst waits of a back-off with jitter. How long a holder keeps trying is said for the middle ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from sim.model.distributions import constant
from sim.model.scenario import Scenario
from sim.story.closed import Closed
from sim.story.laws import quantile as quantile
from sim.story.laws import share_longer as share_longer
from sim.story.looks import LATE_LOOKS
from sim.story.patience import FAILURES, Failure, patience
from sim.story.pinned import altered, ends, pinned
from sim.story.words import length, plural
from sim.units import FOREVER

Row = tuple[str, str, str]
_COUNTED: Final[tuple[Failure, ...]] = ("refused", "status 503", "read time-out")
CUT_OFF: Final[tuple[Failure, ...]] = ("refused", "reset", "status 503", "read time-out", "connect time-out")


class Tolerances:
    """The numbers themselves, in nanoseconds; `FOREVER` stands for no bound."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        renewal, lease = scenario.renewal, scenario.lease
        self.every_ns = scenario.renew_every_ns
        self.term_ns = lease.ttl + scenario.expiry_grace_ns
        self.slack_ns = self.term_ns - self.every_ns
        """How late a renewal may be."""
        kept = lease.late_renew in ("if_untaken", "resurrect")
        self.rides_ns = self.slack_ns + (lease.reuse_delay if kept else 0)
        """How late one may be that keeps the slot from others: an expired lease comes back as long as nobody has it."""
        self.sweep_ns = lease.sweep_interval if lease.expiry_check in ("sweep", "bucket") else 0
        self.stop_ns = ends(renewal.stop_delay)[1]
        self.counts_suspend = scenario.hosts.monotonic_counts_suspend
        self.fence_from_due_ns = self._fence_from_due()
        self.deadline_ns = min(self.slack_ns, self.fence_from_due_ns)
        """Until when, from its due time, a renewal can still help."""
        still = _in_still_air(scenario, self.stop_ns)
        self._still, self._slow = (
            Closed(still, prompt=True, chance=scenario),
            Closed(still, prompt=False, chance=scenario),
        )

    def _fence_from_due(self) -> int:
        anchor, after = self.scenario.renewal.fence_anchor, self.scenario.fence_after_ns
        if anchor in ("send", "recv"):
            return after - self.every_ns
        return after if anchor == "loop_start" else FOREVER

    def horizon_ns(self, failure: Failure) -> int:
        """Return for how long, from its due time, the holder keeps trying."""
        fence_ns = self._fence_from_due()
        return max(0, min(fence_ns, patience(self.scenario, failure, until_ns=fence_ns).gives_up_ns))

    def downtime_ns(self, failure: Failure) -> int:
        """Return the longest outage ridden out at whatever time it begins."""
        return self._still.outage_ns(failure)

    @property
    def rounds(self) -> int:
        """Renewals that fall due before expiry."""
        return max(0, math.ceil(self.term_ns / self.every_ns) - 1)

    @property
    def handover_ns(self) -> int:
        """From a crash to the slot being another's, at worst."""
        return self._slow.after_crash_ns()

    @property
    def outlasts(self) -> bool:
        """Whether that is so before the first renewal: a first lease may last longer than a renewed one."""
        return self._slow.first_longer_ns > 0

    @property
    def release_ns(self) -> int:
        """From a clean release to the slot being another's, at worst."""
        return self._slow.after_release_ns()

    @property
    def overlap_after_sleep_ns(self) -> int:
        """For how long a holder that slept through its lease may execute after waking."""
        return self._still.overlap_sleep_ns()

    def overlap_cut_off_ns(self, failure: Failure) -> int:
        """For how long a holder that cannot reach the authority may execute past its term."""
        return self._still.overlap_cut_ns(failure)

    def suspension_ns(self, frozen: bool) -> tuple[int, int]:
        """Return from which length on a suspension may, and from which it must cost the lease.

        A frozen clock still waits after it, so the phase does not matter; a running clock renews on waking.
        """
        lease = self.scenario.lease
        if lease.late_renew in ("if_untaken", "resurrect") or lease.expiry_check == "on_acquire":
            return self.rides_ns, FOREVER
        luck_ns = self.sweep_ns if lease.late_renew == "until_reaped" or lease.expiry_check == "bucket" else 0
        return self.slack_ns, (self.slack_ns if frozen else self.term_ns) + luck_ns

    @property
    def provisioning_ns(self) -> int:
        """The 99th percentile of provisioning."""
        return quantile(self.scenario.runs.provisioning, 0.99)


def _in_still_air(scenario: Scenario, stop_ns: int) -> Scenario:
    """Return the scenario without chance, and with messages that take no time."""
    return altered(
        pinned(scenario, "bad"),
        network={"up": constant(0), "down": constant(0), "reconnect": constant(0)},
        server={"service": constant(0)},
        renewal={"jitter": (1.0, 1.0), "stop_delay": constant(stop_ns)},
    )


def tolerances(scenario: Scenario) -> list[Row]:
    """Return the numbers engineers tune by, each as (quantity, value with its unit, formula)."""
    t = Tolerances(scenario)
    return [*_terms(t), *_ridden_out(t), *_handover(t), *_patience(t), *_overlap(t)]


def said(ns: int) -> str:
    """Return a length, or that it has no bound."""
    return "no bound" if ns >= FOREVER else length(ns)


def _term(t: Tolerances) -> str:
    return "ttl + grace" if t.scenario.expiry_grace_ns else "ttl"


def _terms(t: Tolerances) -> Iterator[Row]:
    term = _term(t)
    first_ns = t.scenario.initial_ttl_ns + t.scenario.expiry_grace_ns
    if t.scenario.renewal.runs_in == "none":
        yield "life of a lease (nobody renews)", length(first_ns), f"initial_{term}"
        return
    numbers = f"{length(t.term_ns)} - {length(t.every_ns)}"
    yield "slack of a renewal", length(t.slack_ns), f"{term} - every = {numbers}"
    yield "renewals due before expiry", str(t.rounds), f"{term} / every, rounded up, less 1"
    for failure in _COUNTED:
        tried = patience(t.scenario, failure, t.deadline_ns).before(t.deadline_ns)
        yield f"requests before expiry, {failure}", str(tried), "sent within the slack, by both layers"
    if t.provisioning_ns:
        margin = length(first_ns - t.provisioning_ns)
        yield "first lease less provisioning", margin, f"initial_{term} - provisioning (99th percentile)"


def _ridden_out(t: Tolerances) -> Iterator[Row]:
    if t.scenario.renewal.runs_in == "none":
        return
    late_ns = t.rides_ns - t.slack_ns
    slack = f"{_term(t)}{' + reuse_delay' if late_ns else ''} - every"
    at_best = f"; up to {length(t.term_ns + late_ns)} at best"
    for runs_on, what, phase in (
        (False, "its clock stopped", ", at any phase"),
        (True, "its clock running", at_best),
    ):
        here = " (here)" if t.counts_suspend == runs_on else ""
        yield f"sleep ridden out, {what}{here}", length(t.rides_ns), slack + phase
    if t.sweep_ns and t.scenario.lease.late_renew != "reject":
        yield "and by luck of the sweep, up to", length(t.rides_ns + t.sweep_ns), f"{slack} + sweep_interval"
    if t.scenario.renewal.runs_in == "event_loop":
        yield "blocked event loop ridden out", length(t.rides_ns), slack + at_best
    else:
        yield "blocked event loop ridden out", "any length", f"renewals run in a {t.scenario.renewal.runs_in}"
    last = f"the last try within {length(min(t.rides_ns, t.fence_from_due_ns))} of the due time"
    if t.scenario.lease.on_restart.startswith("lost"):
        yield "server restart ridden out", "none", f"on_restart = {t.scenario.lease.on_restart}"
    yield "refused connections ridden out", length(t.downtime_ns("refused")), last
    yield "black hole ridden out", length(t.downtime_ns("connect time-out")), last


def _handover(t: Tolerances) -> Iterator[Row]:
    limit, lease = t.scenario.limit, t.scenario.lease
    polls = bool(limit.collision == "enqueue" and t.release_ns)
    if polls:
        yield "hand-over after a clean release", f"up to {length(t.release_ns)}", "one poll of the next run"
    parts = [
        "initial_ttl" if t.outlasts else "ttl",
        *["grace"] * bool(t.scenario.expiry_grace_ns),
        *["sweep_interval"] * bool(t.sweep_ns),
        *["reuse_delay"] * bool(lease.reuse_delay),
        *["poll"] * polls,
    ]
    if lease.judge == "contender":
        parts = [LATE_LOOKS, *["reuse_delay and a poll"] * bool(lease.reuse_delay)]
    yield "hand-over after a crash, at worst", length(t.handover_ns), " + ".join(parts)


def _patience(t: Tolerances) -> Iterator[Row]:
    if t.scenario.renewal.runs_in == "none":
        return
    for failure in FAILURES:
        what, horizon_ns = f"keeps trying, {failure}", t.horizon_ns(failure)
        if horizon_ns >= FOREVER:
            yield what, "for ever", "attempts = unlimited, and no local deadline"
            continue
        tried = patience(t.scenario, failure, until_ns=horizon_ns)
        fenced = horizon_ns < tried.gives_up_ns
        requests = tried.before(horizon_ns) if fenced else len(tried.tries)
        bound = ", until its own deadline" if fenced else ""
        yield what, length(horizon_ns), f"{plural(requests, 'request')} with the waits between{bound}"


def _overlap(t: Tolerances) -> Iterator[Row]:
    told = "time to learn of it + stop_delay"
    if not t.counts_suspend:
        told = f"every + {told}"
    yield "overlap after a sleep, at worst", said(t.overlap_after_sleep_ns), told
    worst = max(CUT_OFF, key=t.overlap_cut_off_ns)
    formula = f"every + tries + stop_delay - {_term(t)}; {worst}"
    yield "overlap when cut off, at worst", said(t.overlap_cut_off_ns(worst)), formula
