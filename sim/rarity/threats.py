"""Faults as threats to a lease: when in a renewal cycle they are dangerous, and how long is long enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

from sim.engines.process.draws import Sampler
from sim.model.distributions import Constant
from sim.model.faults import Fault
from sim.model.scenario import Scenario
from sim.rarity.cycles import (
    REQUESTS_BEFORE,
    failed_try_ns,
    longest_latency_ns,
    longest_wait_ns,
    retry_gap_ns,
    shortest_wait_ns,
)
from sim.rarity.tilts import Ages, Block, Coin, Start, Tilt, beyond
from sim.streams import stable_id
from sim.units import HOUR
from sim.vocabulary import PART_OF_MIXTURE, Purpose

REMOTE: Final = ("outage", "restart")
"""The authority is away and the holder is not: what lasts until its last try in time is long enough."""
UNANSWERED: Final = ("black_hole", "stall")
"""Modes of an outage in which a request waits for its time-out; in the others it fails at once."""
BLOCKS: Final = ("block", "gil_block")
"""They last so long in time awake: a sleep meanwhile comes on top."""
_TAIL_MIN: Final = 1e-15
_AGES: Final = 64
"""Steps in which the danger of an age is known."""


@dataclass
class Course:
    """What one fault has done in a cycle by now, in nanoseconds."""

    age: float = 0.0
    """Of the holder's timer: gaps so far, and lengths too where they do not stop it."""
    lasted: float = 0.0
    """Lengths so far, without that of the occurrence under way."""
    length: float = 0.0
    """Of the occurrence under way."""


class Others(NamedTuple):
    """What the other faults have done to a renewal, or are bound to do, in nanoseconds."""

    slept: float = 0.0
    """For how long they stop the holder's timers."""
    held: float = 0.0
    """The age until which they hold the renewal back, not counting what it sleeps."""


NO_OTHERS: Final = Others()


@dataclass(frozen=True)
class Threat:
    """A fault that comes at a rate, and when it endangers a lease. Times are in nanoseconds since the last renewal."""

    fault: Fault
    deadline: float
    """Whoever has not renewed by this age loses the lease."""
    wait: float
    """The longest interval between two renewals, the round trip included."""
    soonest: float
    """The shortest interval between two renewals."""
    early: float
    """How long a fault may have been able to begin before the cycle did: its clock runs through the requests before."""
    frozen: bool
    """The holder's timers stand still meanwhile: it waits the interval out afterwards, whenever the fault began."""
    after: float = 0.0
    """How long after its end the holder may still wait: for an answer, then for its next try."""

    @cached_property
    def name(self) -> int:
        """Its place in addresses."""
        return stable_id(self.fault.name)

    @cached_property
    def rate(self) -> float:
        """Per nanosecond."""
        return (self.fault.when.rate or 0.0) / HOUR

    @cached_property
    def length(self) -> Sampler:
        """Draws its lengths."""
        return Sampler(self.fault.length)

    @cached_property
    def window(self) -> float:
        """Later on the clock of the fault nothing begins before the renewal is over."""
        return self.wait + self.early

    @cached_property
    def anywhere(self) -> Ages:
        """Every age alike."""
        return Ages(self.window, lambda _: 1.0, 1)

    def before_the_next_try(self, age: float) -> Ages:
        """Until the holder tries again, where an occurrence that ended at this age held the renewal back."""
        return Ages(age + self.after, lambda _: 1.0, 1, age) if age > self.soonest else self.deadly

    @cached_property
    def requesting(self) -> Ages:
        """While the renewal's request may be under way: what breaks it need not outlast anything."""
        return Ages(self.window, lambda _: 1.0, 1, self.soonest)

    @cached_property
    def deadly(self) -> Ages:
        """Each age as it is dangerous: as an occurrence that begins then is likely to outlast the lease."""
        return Ages(self.window, lambda age: beyond(self.fault.length, self.left(age, 0.0)).total, _AGES)

    @cached_property
    def outlasts(self) -> bool:
        """Whether its length is drawn, and can outlast the lease."""
        return not isinstance(self.fault.length, Constant) and self.deadly.after(0.0) > _TAIL_MIN * self.wait

    def left(self, age: float, lasted: float, others: Others = NO_OTHERS) -> float:
        """Return how long an occurrence must last to make the next renewal late: it begins at `age`, those before it
        have lasted for `lasted`.
        """
        if self.remote:
            return self.deadline - age
        begins = max(self.wait, others.held, age) + lasted if self.frozen else age
        return self.deadline - begins - others.slept

    @property
    def remote(self) -> bool:
        """Whether the holder goes on meanwhile, and tries again."""
        return self.fault.what in REMOTE

    @property
    def slack(self) -> float:
        """From the next renewal to the deadline."""
        return self.deadline - self.wait

    def sooner(self, by: float) -> Threat:
        """Return the same threat with an earlier deadline."""
        return replace(self, deadline=self.deadline - by)

    def before_the_answer(self) -> Threat:
        """Return the same threat while the answer that the cycle begins with is under way: it is read afterwards, and
        the interval waited out from then.
        """
        return replace(self, frozen=True, wait=0.0, deadline=self.slack)

    def begins(self, ages: Ages, age: float) -> Tilt | None:
        """Return the law of a gap after which an occurrence begins at one of `ages`; None if all are over."""
        return Start(ages, age, self.rate) if ages.after(age) > 0 else None

    def happens(self, often: float) -> Tilt:
        """Return the law by which an occurrence really takes place so often, or as often as it does."""
        return Coin(0, self.fault.probability, max(often, self.fault.probability))

    def enough(self, course: Course, others: Others) -> Tilt | None:
        """Return the law of a length that is enough."""
        return self._beyond(self.left(course.age, course.lasted, others))

    def overdue(self, held_until: float) -> Ages:
        """While something else holds the renewal back: until then, or if nothing does yet until the deadline."""
        until = min(held_until, self.deadline) if held_until > self.soonest else self.deadline
        return Ages(until + self.early, lambda _: 1.0, 1, self.soonest)

    def holds_until(self, course: Course) -> float:
        """Return the age of the lease until which it holds the renewal back; 0: it does not."""
        if course.age >= self.window or not course.length:
            return 0.0
        return (self.wait if self.frozen else course.age) + course.length + self.after

    def holding(self, course: Course, last: Course, deadline: float) -> Tilt | None:
        """Return the law of a length that holds the renewal back until the last fault begins; if that stops the
        timers of a holder that is blocked, until it is enough besides.
        """
        until = max(last.age, deadline - last.length) if self.fault.what in BLOCKS else last.age
        return self._beyond(until - (self.wait if self.frozen else course.age) - self.after)

    def stopped(self, course: Course) -> float:
        """Return for how long it has stopped, or is bound to stop, the timers of the holder in this cycle."""
        if not self.frozen:
            return 0.0
        return course.lasted + (course.length if course.age < self.window else 0.0)

    def _beyond(self, ns: float) -> Tilt | None:
        tail = beyond(self.fault.length, ns)
        return tail if _TAIL_MIN < tail.total < 1 else None

    def ended(self, course: Course) -> None:
        """Take note that the occurrence under way is over."""
        course.lasted += course.length
        course.age += 0.0 if self.frozen else course.length
        course.length = 0.0

    def drawn(self, purpose: int, block: Block, course: Course) -> None:
        """Take note of a draw."""
        if purpose == Purpose.FAULT_GAP:
            course.age -= math.log1p(-block[0]) / self.rate
            course.length = float(self.length.constant or 0)
        elif purpose == Purpose.FAULT_LENGTH:
            course.length = float(self.length.of(block[0], block[PART_OF_MIXTURE]))
        elif block[0] >= self.fault.probability:
            course.length = 0.0


def threats(scenario: Scenario) -> tuple[Threat, ...]:
    """Return the faults that come at a rate."""
    own = scenario.fence_after_ns if scenario.renewal.fence_anchor != "never" else scenario.lease.ttl
    late = longest_latency_ns(scenario)
    deadline = min(own, scenario.lease.ttl + scenario.expiry_grace_ns) - late
    wait = longest_wait_ns(scenario) + late
    last_try = max(wait, deadline - retry_gap_ns(scenario))
    return tuple(
        Threat(
            fault,
            deadline=last_try if fault.what in REMOTE else deadline,
            wait=wait,
            soonest=shortest_wait_ns(scenario),
            early=REQUESTS_BEFORE * late,
            frozen=fault.what == "sleep" and not scenario.hosts.monotonic_counts_suspend,
            after=_after(fault, scenario),
        )
        for fault in scenario.faults
        if fault.probability > 0 and fault.when.rate
    )


def _after(fault: Fault, scenario: Scenario) -> float:
    """Return how long after a fault's end the holder may still wait, for an answer or for its next try."""
    if fault.what not in REMOTE:
        return 0.0
    unanswered = fault.what == "outage" and fault.mode in UNANSWERED
    return float(failed_try_ns(scenario) if unanswered else retry_gap_ns(scenario))
