"""What is made likely in a cycle: each strategy tilts the draws at some addresses, knowing what went before in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from sim.rarity.threats import Course, Threat
from sim.rarity.tilts import Ages, Either, Power, Sometimes, Tilt
from sim.vocabulary import Purpose

if TYPE_CHECKING:
    from sim.rarity.biasing import Biased

POWER: Final = 8.0
"""How far a power tilt reaches: a tail of 1e-9 gets probability 1e-9 ** (1/8) = 0.075."""
OFTEN: Final = 0.9

Address = tuple[int, int, int, int]
"""Purpose, entity, part, index."""
FAULT: Final = {Purpose.FAULT_GAP, Purpose.FAULT_LENGTH, Purpose.FAULT_CHANCE}


class Strategy(Protocol):
    """What is made likely."""

    @property
    def name(self) -> str:
        """In a few words."""

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Return what it does at an address, given the cycle so far; None if nothing."""


class How(Enum):
    """How long an occurrence lasts."""

    AS_IT_IS = 1
    """Whether it really takes place is left to chance, too."""
    LONG = 2
    OUTLASTING = 3


@dataclass(frozen=True)
class Struck:
    """The first occurrences of a fault begin in this cycle, really take place, and last for so long."""

    name: str
    threat: Threat
    occurrences: tuple[How, ...]

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt gaps, chances and lengths of these occurrences."""
        purpose, entity, _, n = address
        threat = self.threat
        if entity != threat.name or n >= len(self.occurrences):
            return None
        how, course = self.occurrences[n], cycle.courses[entity]
        if purpose == Purpose.FAULT_GAP:
            return threat.begins(self._ages(how), course.age)
        if purpose == Purpose.FAULT_CHANCE:
            return None if how is How.AS_IT_IS else threat.happens(1.0)
        if how is How.OUTLASTING:
            return threat.enough(course, cycle.others(entity))
        return Power(POWER) if how is How.LONG else None

    def _ages(self, how: How) -> Ages:
        """Return when an occurrence begins."""
        return self.threat.deadly if how is How.OUTLASTING else self.threat.anywhere


@dataclass(frozen=True)
class AnyOf:
    """A fault comes as it does, and each occurrence may be the one that outlasts the lease."""

    name: str
    threat: Threat
    share: float

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt chances and lengths."""
        purpose, entity, _, _ = address
        if entity != self.threat.name or purpose == Purpose.FAULT_GAP:
            return None
        if purpose == Purpose.FAULT_CHANCE:
            return self.threat.happens(0.5)
        enough = self.threat.enough(cycle.courses[entity], cycle.others(entity))
        return None if enough is None else Sometimes(self.share, enough)


@dataclass(frozen=True)
class Again:
    """The authority comes back and is away again before the holder's next try, as often as it takes."""

    name: str
    threat: Threat

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt gaps, chances and lengths of every occurrence until the deadline."""
        purpose, entity, _, _ = address
        threat = self.threat
        if entity != threat.name:
            return None
        course = cycle.courses[entity]
        if course.age >= threat.deadline:
            return None
        if purpose == Purpose.FAULT_GAP:
            begins = threat.begins(threat.before_the_next_try(course.age), course.age)
            return begins and Sometimes(OFTEN, begins)
        if purpose == Purpose.FAULT_CHANCE:
            return threat.happens(OFTEN)
        enough = threat.enough(course, cycle.others(entity)) if course.age > threat.wait else None
        return Sometimes(OFTEN, enough) if enough else Power(POWER)


@dataclass(frozen=True)
class AtTheRequest:
    """A fault begins while the renewal's request may be under way, which it may break, however short it is.

    It may be the first occurrence in the cycle or a later one: each is moved there as often as not.
    """

    name: str
    threat: Threat

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt gaps, chances and lengths of every occurrence until the request."""
        purpose, entity, _, _ = address
        threat = self.threat
        if entity != threat.name:
            return None
        age = cycle.courses[entity].age
        if purpose == Purpose.FAULT_GAP:
            begins = threat.begins(threat.requesting, age)
            return begins and Sometimes(0.5, begins)
        if not threat.soonest <= age < threat.window:
            return None
        if purpose == Purpose.FAULT_CHANCE:
            return threat.happens(OFTEN)
        return Sometimes(0.5, Power(POWER))


@dataclass(frozen=True)
class Failing:
    """The first requests of the cycle fail; what comes after them is as it is, so that a lost lease is found out.

    A request while the authority is away fails anyhow.
    """

    name: str
    requests: Mapping[int, Tilt]
    """By purpose."""
    failing: int

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt messages and service."""
        purpose, _, _, index = address
        first = cycle.follower.next_request
        if cycle.away or not first <= index < first + self.failing:
            return None
        return self.requests.get(purpose)


@dataclass(frozen=True)
class Together:
    """Some of everything."""

    at: Mapping[Address, Tilt]
    requests: Failing
    name: str = "all together"

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt the first occurrence of each fault, and requests."""
        return self.at.get(address) or self.requests.tilt(address, cycle)


@dataclass(frozen=True)
class AddingUp:
    """Other faults begin and requests fail, and the first occurrence of one fault outlasts what they leave."""

    others: Together
    last: Struck

    @property
    def name(self) -> str:
        """In a few words."""
        return f"{self.last.threat.fault.name}, outlasting what others leave"

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt the first occurrence of each of them, and a request."""
        return self.others.tilt(address, cycle) or self.last.tilt(address, cycle)


@dataclass(frozen=True)
class Late:
    """The renewal is overdue, since other faults or failed requests hold it back, when one fault begins: it need not
    last for longer than what is left until the deadline.
    """

    threat: Threat
    others: Mapping[int, Threat]
    requests: Failing

    @property
    def name(self) -> str:
        """In a few words."""
        return f"{self.threat.fault.name}, while others hold the renewal back"

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt the first occurrence of each of them, and requests."""
        purpose, entity, _, n = address
        if entity != self.threat.name and entity not in self.others:
            return self.requests.tilt(address, cycle)
        if n:
            return None
        course = cycle.courses[entity]
        if entity != self.threat.name:
            return self._other(self.others[entity], purpose, course, cycle)
        return self._last(purpose, course, cycle)

    def _last(self, purpose: int, course: Course, cycle: Biased) -> Tilt | None:
        """It begins while they hold the renewal back, as far as that is known by now."""
        threat = self.threat
        if purpose != Purpose.FAULT_GAP:
            return _surely(threat, purpose, cycle)
        held = max(other.holds_until(cycle.courses[name]) for name, other in self.others.items())
        return threat.begins(threat.overdue(held), course.age)

    def _other(self, other: Threat, purpose: int, course: Course, cycle: Biased) -> Tilt | None:
        """One of them begins before the renewal, and lasts until that fault begins, if it is known when."""
        often = 1 / max(2, len(self.others))
        if purpose == Purpose.FAULT_GAP:
            begins = other.begins(other.anywhere, course.age)
            return begins and Sometimes(often, begins)
        if purpose == Purpose.FAULT_CHANCE:
            return other.happens(0.5)
        if course.age >= other.window:
            return None
        last = cycle.courses[self.threat.name]
        return long_or(other.holding(course, last, self.threat.deadline) if last.age else None)


@dataclass(frozen=True)
class Among:
    """Requests fail before one fault, after it or both; it lasts long, or for what they leave."""

    threat: Threat
    requests: Failing
    retried: float
    """The age of the lease at which a request that failed has been sent again."""

    @property
    def name(self) -> str:
        """In a few words."""
        return f"{self.threat.fault.name}, among failed requests"

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt the first occurrence, and requests."""
        purpose, entity, _, n = address
        threat = self.threat
        if purpose not in FAULT:
            return self.requests.tilt(address, cycle)
        if entity != threat.name or n:
            return None
        if purpose != Purpose.FAULT_GAP:
            return _surely(threat, purpose, cycle)
        age = cycle.courses[entity].age
        return _either(threat.begins(threat.anywhere, age), threat.begins(threat.overdue(self.retried), age))


@dataclass(frozen=True)
class Anything:
    """Any occurrence of any fault begins in this cycle, as often as not, and lasts for what others have left."""

    threats: Mapping[int, Threat]
    requests: Failing
    name: str = "anything"

    def tilt(self, address: Address, cycle: Biased) -> Tilt | None:
        """Tilt gaps, chances and lengths of all occurrences, and requests."""
        purpose, entity, _, _ = address
        threat = self.threats.get(entity)
        if threat is None or purpose not in FAULT:
            return self.requests.tilt(address, cycle)
        course = cycle.courses[entity]
        if course.age >= threat.deadline:
            return None
        if purpose == Purpose.FAULT_GAP:
            soon = threat.begins(threat.anywhere, course.age)
            begins = _either(soon, threat.begins(threat.overdue(0.0), course.age))
            return begins and Sometimes(0.7 if soon else 0.5, begins)
        if purpose == Purpose.FAULT_CHANCE:
            return threat.happens(0.5)
        return Sometimes(0.7, long_or(threat.enough(course, cycle.others(entity))))


def long_or(enough: Tilt | None) -> Tilt:
    """Return how a length is made long where it is enough, or may be, or is not known to be."""
    long = Power(POWER / 2)
    return Either(long, enough) if enough else long


def _surely(threat: Threat, purpose: int, cycle: Biased) -> Tilt:
    """Return how an occurrence really takes place, and lasts long or for what others leave."""
    if purpose == Purpose.FAULT_CHANCE:
        return threat.happens(1.0)
    return long_or(threat.enough(cycle.courses[threat.name], cycle.others(threat.name)))


def _either(first: Tilt | None, second: Tilt | None) -> Tilt | None:
    """Return one tilt or the other, as often, where both are there."""
    return Either(first, second) if first and second else first or second
