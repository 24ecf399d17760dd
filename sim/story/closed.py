"""Closed forms of one holder, one contender and one fault, messages and jitter included; exact for constant delays.

All times count from when a renewal that succeeds is sent, unless said otherwise. The next one is sent a `cycle` later.
A fault begins anywhere in between. `Closed` takes a scenario without chance, see `sim.story.pinned`.
"""

from __future__ import annotations

from typing import Final

from sim import samplers
from sim.model.fields import UNLIMITED
from sim.model.scenario import Scenario
from sim.story.looks import looks_of
from sim.story.patience import Failure, Patience, patience
from sim.story.pinned import ends
from sim.units import FOREVER

CARRIES_ON: Final = ("continue", "rejoin")


class Closed:
    """The closed forms, in nanoseconds; `FOREVER` stands for no bound.

    `prompt` says whether the authority and whoever waits find out at the first possible moment, or at the last; and
    whether the waits of back-offs are as bad as can be for what is asked, or as good.
    """

    def __init__(self, scenario: Scenario, prompt: bool, chance: Scenario | None = None) -> None:
        self.scenario, self.prompt = scenario, prompt
        self.chance = chance or scenario
        """The same with the jitter of its back-offs."""
        network, renewal = scenario.network, scenario.renewal
        self.effect_ns = ends(network.up)[1] + ends(scenario.server.service)[1]
        """From sending a request to its effect."""
        self.down_ns = ends(network.down)[1]
        self.trip_ns = self.effect_ns + self.down_ns
        self.refusal_ns = ends(network.up)[1] + self.down_ns
        """An exchange that the network itself answers."""
        self.every_ns = max(1, samplers.nanoseconds(scenario.renew_every_ns * renewal.jitter[0]))
        self.cycle_ns = {
            "after_response": self.every_ns + self.trip_ns,
            "after_send": max(self.every_ns, self.trip_ns),
            "fixed_rate": self.every_ns * -(-self.trip_ns // self.every_ns) if self.trip_ns else self.every_ns,
        }[renewal.cadence]
        self.term_ns = scenario.lease.ttl + scenario.expiry_grace_ns
        self.fence_ns = scenario.fence_after_ns
        self.anchor = renewal.fence_anchor
        self.reconnect_ns = ends(network.reconnect)[1]
        """After waking there is no network for so long."""
        self.stop_ns = ends(renewal.stop_delay)[1] if renewal.on_lost == "terminate" else 0
        self.executing_ns = self.effect_ns + self.free_ns + self.down_ns
        """When somebody else may begin to execute."""

    # ------------------------------------------------------------------ the authority

    @property
    def sweep_ns(self) -> int:
        """What the luck of a sweep, or of rounding up, adds to a term."""
        lease = self.scenario.lease
        swept = lease.expiry_check in ("sweep", "bucket") and lease.judge == "authority"
        return lease.sweep_interval if swept else 0

    @property
    def poll_ns(self) -> int:
        """The longest wait between two questions of a contender."""
        return ends(self.scenario.limit.poll)[1] + self.trip_ns

    @property
    def reaped_ns(self) -> int:
        """From the last renewal's effect to its lease being taken away."""
        if self.scenario.lease.judge == "contender":
            return self.watched_ns
        late_ns = self.sweep_ns
        if self.scenario.lease.expiry_check == "on_acquire":
            late_ns = self.poll_ns
        return self.term_ns + (0 if self.prompt else late_ns)

    @property
    def watched_ns(self) -> int:
        """The same where contenders judge: a record has to stand still for a ttl between two of their looks."""
        looks = looks_of(self.scenario, self.trip_ns)
        return (looks.soonest_ns if self.prompt else looks.latest_ns) + self.trip_ns

    @property
    def free_ns(self) -> int:
        """From the last renewal's effect to the slot being another's."""
        return self.reaped_ns + self.scenario.lease.reuse_delay

    @property
    def accepted_ns(self) -> int:
        """How old a lease may be when a renewal still brings it through and nobody else has had the slot."""
        rule = self.scenario.lease.late_renew
        if rule == "reject":
            return min(self.term_ns, self.reaped_ns)
        return self.free_ns if rule in ("if_untaken", "resurrect") else self.reaped_ns

    # ------------------------------------------------------------------ the holder

    def tries(self, failure: Failure, first: Failure | None = None, first_ns: int | None = None) -> Patience:
        """Return the tries of a renewal in which every exchange fails in the same way, but for the first."""
        trip_ns = self.trip_ns if failure == "gone" else self.refusal_ns
        until_ns = FOREVER
        if self.scenario.renewal.attempts == UNLIMITED:
            until_ns = 2 * (self.free_ns + self.cycle_ns + min(self.fence_ns, FOREVER // 8))
        return patience(self.chance, failure, until_ns, trip_ns, first, first_ns, self.trip_ns, jitter=True)

    def fence_from(self, sent_ns: int, begun_ns: int) -> int:
        """Return when the local deadline passes; counted from a renewal sent then, or one that began then."""
        if self.anchor == "send":
            return sent_ns + self.fence_ns
        if self.anchor == "recv":
            return sent_ns + self.trip_ns + self.fence_ns
        return begun_ns + self.fence_ns if self.anchor == "loop_start" else FOREVER

    def last_try(self, tries: Patience, begun_ns: int, armed_ns: int) -> tuple[int, int] | None:
        """Return the last of the tries that still brings the lease through, after `begun_ns`, and its number.

        None if none does. The renewal before, sent at `armed_ns`, armed the fence; the lease counts from one sent at 0.
        """
        fence_ns = self.fence_from(armed_ns, begun_ns)
        limit_ns = min(self.accepted_ns, fence_ns, fence_ns - self.trip_ns + 1)
        return tries.last_before(limit_ns - begun_ns, surely=self.prompt)

    def last_tries(self, failure: Failure) -> list[tuple[Patience, tuple[int, int] | None]]:
        """Return the tries of a renewal that is cut off, and of one whose answer is: each with its last try."""
        due, again = self.tries(failure), self.reply_lost(failure).after_first()
        return [(due, self.last_try(due, self.cycle_ns, 0)), (again, self.last_try(again, 0, -self.cycle_ns))]

    def reply_lost(self, failure: Failure) -> Patience:
        """Return the tries of a renewal whose answer is lost in an outage, and all after it too."""
        silent = failure in ("connect time-out", "read time-out")
        first: Failure = "read time-out" if silent else "reset"
        return self.tries(failure, first, None if silent else self.trip_ns)

    # ------------------------------------------------------------------ what is ridden out

    def outage_ns(self, failure: Failure) -> int:
        """Return the longest time without the authority that is ridden out: at the worst phase, or at the best."""
        due, again = (last and last[0] for _, last in self.last_tries(failure))
        if self.prompt:
            lost_ns = FOREVER if self.trip_ns == 0 else max(0, (again or 0) - self.effect_ns)
            return min(due or 0, lost_ns)
        free_ns = self.cycle_ns - self.effect_ns + (due or 0) if due is not None else 0
        return max(free_ns, again or 0)

    def pause_ns(self) -> int:
        """Return the longest stop of the holder, its clock running, that is ridden out."""
        accepted, trip, every, fence = self.accepted_ns, self.trip_ns, self.every_ns, self.fence_ns
        cadence = self.scenario.renewal.cadence
        fenced_ns = self.fence_from(0, 0) if self.anchor in ("send", "recv") else FOREVER
        steps_ns = ((accepted - 1) // every) * every
        if self.prompt:
            least = min(accepted, fenced_ns - trip) - self.cycle_ns
            if trip and cadence == "fixed_rate":
                least = min(least, steps_ns - trip)
            return max(0, least)
        waiting = min(accepted, fenced_ns - trip) - trip
        if not trip:
            return max(0, waiting)
        sent = fence - trip if self.anchor == "send" else FOREVER
        under_way = {
            "after_response": min(accepted, sent) - every,
            "after_send": min(accepted, sent),
            "fixed_rate": min(steps_ns, sent),
        }[cadence]
        return max(0, waiting, under_way)

    def sleep_ns(self) -> int:
        """Return the longest suspend of the holder's machine that is ridden out."""
        keeps, runs_on = self.scenario.network.on_suspend == "keep", self.scenario.hosts.monotonic_counts_suspend
        if runs_on:
            waiting = self._waiting_out(self.cycle_ns if self.prompt else self.trip_ns)
        else:
            waiting = self.accepted_ns - self.cycle_ns
            if self.prompt:
                late_ns = self._reconnected(self.tries(self._reconnecting))
                waiting = 0 if late_ns is None else waiting - late_ns
        if not self.trip_ns:
            return max(0, waiting)
        if not keeps:
            under_way = self._broken_ns(runs_on)
        elif runs_on and not self.reconnect_ns:
            under_way = self.pause_ns()
        else:
            late = self.trip_ns if self.prompt and self.scenario.renewal.cadence == "after_response" else 0
            under_way = self.accepted_ns - self.every_ns - late
        return max(0, min(waiting, under_way or 0) if self.prompt else max(waiting, under_way or 0))

    @property
    def _reconnecting(self) -> Failure:
        """How requests fail while there is no network after waking."""
        return "refused" if self.scenario.network.reconnect_mode == "refuse" else "connect time-out"

    def _reconnected(self, tries: Patience) -> int | None:
        """Return the first of the tries, counted from waking, that has a network; None if none has."""
        first = tries.first_from(self.reconnect_ns, surely=self.prompt)
        return first and first[0]

    def first_tries(self) -> list[tuple[Patience, tuple[int, int] | None]]:
        """Return the tries after waking, and those after a broken request: each with the try before the first good."""
        found = []
        for tries in (self.tries(self._reconnecting), self._after_breaking(self._reconnecting).after_first()):
            first = tries.first_from(self.reconnect_ns, surely=self.prompt)
            number = first[1] if first else -1
            before = (min(tries.tries[number], self.reconnect_ns - 1), number) if number >= 0 else None
            found.append((tries, before))
        return found

    def _waiting_out(self, since_ns: int) -> int:
        """The longest sleep, its clock running, that begins so long after a renewal was sent and in no other."""
        late_ns = self._reconnected(self.tries(self._reconnecting))
        if late_ns is None:
            return 0 if self.prompt else self.cycle_ns - since_ns
        fenced_ns = self.fence_from(0, 0) if self.anchor in ("send", "recv") else FOREVER
        return min(self.accepted_ns, fenced_ns - self.trip_ns) - since_ns - late_ns

    def _broken_ns(self, runs_on: bool) -> int | None:
        """A sleep that begins while an answer is under way breaks the request: the next try comes after waking."""
        slept_ns = self.scenario.http.read_timeout if self._breaks == "read time-out" and runs_on else 0
        tries = self._after_breaking(self._reconnecting).after_first(slept_ns)
        wait_ns = self._reconnected(tries)
        if wait_ns is None:
            return None
        since_ns = self.trip_ns if self.prompt and (self._breaks == "reset" or runs_on) else 0
        room = self.accepted_ns - wait_ns - since_ns
        if runs_on:
            room = min(room, self.fence_from(-self.cycle_ns, 0) - self.trip_ns - wait_ns - since_ns)
        return room

    @property
    def _breaks(self) -> Failure:
        """How a request that was under way as the machine fell asleep fails after waking."""
        return "reset" if self.scenario.network.on_suspend == "reset" else "read time-out"

    def _after_breaking(self, then: Failure) -> Patience:
        return self.tries(then, self._breaks, 0 if self._breaks == "reset" else None)

    # ------------------------------------------------------------------ how long two execute

    @property
    def unstoppable(self) -> bool:
        """Whether a holder that is told that it lost its lease executes on."""
        renewal = self.scenario.renewal
        return (
            renewal.runs_in == "none" or renewal.on_lost in CARRIES_ON or self.scenario.lease.late_renew == "resurrect"
        )

    def told_ns(self) -> int:
        """From a renewal that finds the lease gone to the holder's decision."""
        return self.tries("gone").gives_up_ns

    def overlap_pause_ns(self) -> int:
        """For how long two may execute after the holder was stopped, its clock running."""
        if self.unstoppable:
            return FOREVER
        told, late = self.told_ns(), 0
        if self.anchor == "loop_start":
            told = min(told, self.fence_ns)
        if self.anchor in ("send", "recv"):
            late = max(0, self.fence_from(0, 0) - self.executing_ns)
            told = min(told, late)
        return min(FOREVER, max(told, self._read_late_ns()) + self.stop_ns)

    def _read_late_ns(self) -> int:
        """The same where a good answer was under way as the stop began: read late, it is taken for news."""
        if not self.trip_ns:
            return 0
        told = self.told_ns()
        cadence = self.scenario.renewal.cadence
        wait = 0 if cadence == "after_send" else self.every_ns
        if self.anchor == "send":
            return min(wait + told, max(0, self.fence_ns - self.executing_ns))
        if self.anchor == "recv":
            return min(wait + told, self.fence_ns)
        return wait + (min(told, self.fence_ns) if self.anchor == "loop_start" else told)

    def overlap_sleep_ns(self) -> int:
        """For how long two may execute after the holder's machine slept."""
        if self.unstoppable:
            return FOREVER
        mode = self.scenario.network.on_suspend
        if self.scenario.hosts.monotonic_counts_suspend:
            if mode == "keep":
                return self.overlap_pause_ns()
            told = self.told_ns()
            if self.anchor == "loop_start":
                told = min(told, self.fence_ns)
            elif self.anchor in ("send", "recv"):
                told = min(told, max(0, self.fence_from(0, 0) - self.executing_ns))
            chain = self._after_breaking("gone").gives_up_ns - (self.scenario.http.read_timeout * (mode != "reset"))
            broken = 0 if self.anchor in ("send", "recv") else min(chain, self._loop_fence())
            return min(FOREVER, max(told, broken if self.trip_ns else 0) + self.stop_ns)
        told = min(self.told_ns(), self._loop_fence())
        wait = self.cycle_ns - self.trip_ns + told
        fence = self.fence_from(0, 0) - self.trip_ns if self.anchor in ("send", "recv") else FOREVER
        longest = min(wait, fence)
        if self.trip_ns and mode == "keep":
            longest = max(longest, min(self.every_ns + told, self.fence_ns if fence < FOREVER else FOREVER))
        elif self.trip_ns:
            armed = self.fence_from(-self.cycle_ns, 0)
            longest = max(longest, min(self._after_breaking("gone").gives_up_ns, armed))
        return min(FOREVER, longest + self.stop_ns)

    def _loop_fence(self) -> int:
        return self.fence_ns if self.anchor == "loop_start" else FOREVER

    def overlap_cut_ns(self, failure: Failure) -> int:
        """For how long two may execute while the holder cannot reach the authority."""
        if self.scenario.renewal.runs_in == "none":
            return FOREVER
        ended = [self._ends_ns(self.tries(failure), self.cycle_ns, 0)]
        if self.trip_ns:
            ended.append(self._ends_ns(self.reply_lost(failure), 0, -self.cycle_ns))
        return max(0, min(FOREVER, max(ended) - self.executing_ns)) if max(ended) < FOREVER else FOREVER

    def _ends_ns(self, tries: Patience, begun_ns: int, sent_ns: int) -> int:
        """When a holder that reaches nobody stops executing, or is told at its last try that its lease is gone."""
        fence_ns = self.fence_from(sent_ns, begun_ns)
        if tries.gives_up_ns >= FOREVER:
            return self._stops_ns(FOREVER, fence_ns, self.scenario.renewal.on_giveup)
        gives_up_ns = self._stops_ns(begun_ns + tries.gives_up_ns, fence_ns, self.scenario.renewal.on_giveup)
        last_ns = begun_ns + tries.tries[-1]
        if self.unstoppable:
            return FOREVER if self.free_ns < last_ns < fence_ns else gives_up_ns
        return max(gives_up_ns, self._stops_ns(begun_ns + tries.told_ns, fence_ns, self.scenario.renewal.on_lost))

    def _stops_ns(self, decides_ns: int, fence_ns: int, does: str) -> int:
        """When a holder stops that decides something then, unless its own deadline has come."""
        renewal = self.scenario.renewal
        then = renewal.on_lost if fence_ns <= decides_ns else does
        if min(fence_ns, decides_ns) >= FOREVER or then in CARRIES_ON:
            return FOREVER
        return min(fence_ns, decides_ns) + (ends(renewal.stop_delay)[1] if then == "terminate" else 0)

    # ------------------------------------------------------------------ hand-over, clocks

    @property
    def asks(self) -> bool:
        """Whether whoever waits has to ask again and again."""
        return self.scenario.limit.collision == "enqueue"

    def after_release_ns(self) -> int:
        """From the end of the work to the slot being another's."""
        return self.effect_ns + (self.poll_ns if self.asks and not self.prompt else 0)

    def after_crash_ns(self) -> int:
        """From a crash to the slot being another's; the holder crashes while it executes."""
        lease = self.scenario.lease
        if self.prompt:
            return max(0, self.effect_ns + self.free_ns - self.cycle_ns)
        polled = self.asks and lease.judge == "authority" and lease.expiry_check != "on_acquire"
        late_ns = self.poll_ns if polled or (self.asks and lease.reuse_delay) else 0
        return self.effect_ns + self.free_ns + late_ns + self.first_longer_ns

    @property
    def first_longer_ns(self) -> int:
        """By how much longer than after a renewal its slot is kept if it crashes before its first one; 0 if by none.

        A first renewal that is sent at once leaves no time for that: it makes the lease last for a ttl, no more.
        """
        renewal, lease = self.scenario.renewal, self.scenario.lease
        if lease.judge == "contender" or (renewal.first == "immediate" and renewal.runs_in != "none"):
            return 0
        return max(0, self.scenario.initial_ttl_ns - lease.ttl - self.trip_ns)

    def slow_clock(self) -> float | None:
        """By what share a holder's clock may be slow and its renewals still in time; None if they never are."""
        room_ns = self.accepted_ns
        if self.scenario.renewal.cadence == "after_response":
            room_ns -= self.trip_ns
        return 1 - self.every_ns / room_ns if room_ns > self.every_ns else None

    @property
    def fenced_ns(self) -> int:
        """From when a renewal is due to the holder's own deadline; `FOREVER` where it has none."""
        fence_ns = self.fence_from(0, self.cycle_ns)
        return fence_ns - self.cycle_ns if fence_ns < FOREVER else FOREVER

    def slow_fence(self) -> float | None:
        """By what share its clock may be slow and its own deadline still come before another executes; None: never."""
        local_ns, room_ns = self.fence_ns + self.stop_ns, self.executing_ns
        if self.anchor == "recv":
            room_ns -= self.trip_ns
        elif self.anchor == "loop_start":
            local_ns += self.every_ns
            room_ns -= self.trip_ns if self.scenario.renewal.cadence == "after_response" else 0
        elif self.anchor != "send":
            return None
        if self.scenario.renewal.on_lost in CARRIES_ON or local_ns > room_ns:
            return None
        return 1 - local_ns / room_ns
