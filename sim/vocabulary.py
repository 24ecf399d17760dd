"""Words that both engines, the trace, the metrics and the reports share: kinds, ranks, purposes, reasons.

A run is named by its `lane` (a client of a closed population, or the number of an arrival) and its `generation` on
that lane (0, 1, ... as the client comes back or the run is started again).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Rank(IntEnum):
    """What goes first at one instant. Ties are broken by (rank, entity, number), never by creation order.

    The rules that matter: faults change the world before anything acts in it, an end before a beginning; expiry
    before a renewal that arrives at that instant (so a lease holds on ``[grant, expiry)``); a sweep before it too;
    an answer before the time-out that waits for it; work that ends now before a kill that would take effect now.
    """

    CLOCK = 2
    FAULT_END = 3
    FAULT_BEGIN = 4
    REAP = 5
    SWEEP = 6
    FREE = 7
    ARRIVAL = 8
    ANSWER = 9
    TIMEOUT = 10
    WORK = 11
    LIFECYCLE = 12
    STOP = 13
    FENCE = 14
    RENEW = 15
    RETRY = 16
    PROVISIONED = 17
    POLL = 18
    ARRIVE = 19


class Kind(IntEnum):
    """Kinds of trace events. `number`, `lease` and `value` mean what is said here; unused columns are -1 or 0."""

    ARRIVE = 1
    """A run comes and wants a slot. value: its generation's work in ns."""
    ASK = 2
    """It sends an acquire request. number: request."""
    GRANT = 3
    """The authority grants, or a late renewal revives a lease under its old number. number: request (-1: woken);
    lease; value: slots in use after."""
    REFUSE = 4
    """The authority refuses, the limit is full. number: request; value: Retry-After in ns (0: none)."""
    QUEUE = 5
    """The authority puts the run in the waiting line (collision = watch). number: request."""
    HOLD = 6
    """The run learns that it holds a lease. lease."""
    TURNED_AWAY = 7
    """The run is cancelled: the limit is full (collision = cancel_new), or its lease ended before it could start
    (at_start = validate)."""
    START = 8
    """Provisioning is over, the work begins. lease."""
    SEND = 9
    """A renewal request leaves. number: request; lease."""
    RENEWED = 10
    """The authority extends the lease. number: request; lease; value: new expiry on its wall clock."""
    DENIED = 11
    """The authority refuses a renewal. number: request; lease."""
    ANSWER = 12
    """A renewal request ends at the holder. number: request; lease; value: `Outcome` (or a status)."""
    LOST = 13
    """The holder takes its lease for lost. number: `Loss`; lease; value: `Truth` at the authority."""
    STOP = 14
    """The run stops executing because of lease logic. number: `Loss`."""
    FINISH = 15
    """The work is done."""
    CRASH = 16
    """The process is gone; it releases nothing. number: fault."""
    HALT = 17
    """The run stops executing for a while. number: `Halt`."""
    GO = 18
    """The run executes again. number: the `Halt` that ended last."""
    REAP = 19
    """The authority takes an expired lease away. number: `How`; lease; value: slots in use after."""
    FREE = 20
    """The reuse delay of a reaped lease is over. value: slots in use after."""
    RELEASE = 21
    """A release reaches the authority, or it gives back for a run itself. number: request (-1: none); lease (-1: it
    has none); value: slots in use after."""
    FORGET = 22
    """A restart loses a lease. lease; value: slots in use after."""
    RESET = 23
    """A restart gives a lease a new expiry. lease; value: new expiry on the authority's wall clock."""
    DECAY = 24
    """The counter decays. value: slots in use after."""
    RETRY = 25
    """The work failed; the run will try again. number: retries so far."""
    CANCEL = 26
    """A person cancels the run."""
    DONE = 27
    """The run is over for good and asks for nothing any more. lease-hours end here at the latest."""
    FAULT_BEGIN = 28
    """A fault begins. lane: host, lane or 0; generation: of the run or -1; number: fault; value: planned length."""
    FAULT_END = 29
    """A fault ends. Columns as in FAULT_BEGIN; value: 0."""
    SWEEP = 30
    """A sweep that found expired leases. number: how many it reaped, or will look at one by one (lease: the first of
    them); value: how many it left for the next."""
    SKIPPED = 31
    """Fast-forward only, as the two below: renewals that were sent, granted and answered as they should be, and whose
    events were left out. number: how many; lease; value: when the authority granted the last of them, in ns."""
    SENT_EARLIER = 32
    """The SEND that belongs to what follows was left out. number: request; lease; value: its time in ns."""
    RENEWED_EARLIER = 33
    """The RENEWED that belongs to what follows was left out. number: request; lease; value: its time in ns."""


class Outcome(IntEnum):
    """How one request ended at the client. Statuses of 400 and above stand for themselves."""

    OK = 0
    GONE = 1
    FULL = 2
    QUEUED = 3
    REFUSED = 4
    RESET = 5
    CONNECT_TIMEOUT = 6
    READ_TIMEOUT = 7


HELD: Final = -1
"""Instead of an outcome: a stalled network holds the request back and passes it on later. No client ever sees it."""


class Loss(IntEnum):
    """Why a holder takes its lease for lost."""

    REVOKED = 1
    """The authority said that the lease is gone."""
    GAVE_UP = 2
    """All attempts of a renewal failed."""
    FENCED = 3
    """Its own deadline passed."""


class Truth(IntEnum):
    """What was true at the authority when a holder took its lease for lost."""

    STILL_VALID = 0
    EXPIRED_UNCLAIMED = 1
    """Past its expiry or reaped, and a slot is still free for it."""
    REASSIGNED = 2
    """Reaped, and every slot is taken."""
    FORGOTTEN = 3
    """Not expired: lost by a restart, or given back under way (retry, pause)."""


class Halt(IntEnum):
    """Why a run does not execute for a while."""

    HOST = 1
    PROCESS = 2
    RETRY = 3
    PAUSED = 4
    NO_LEASE = 5


class How(IntEnum):
    """How an expired lease was found."""

    TIMER = 1
    SWEEP = 2
    ACQUIRE = 3
    TAKEN = 4
    """A contender took it by its own clock."""


class Purpose(IntEnum):
    """What a draw is for: the last word of its address. One number never changes its meaning."""

    ARRIVAL = 1
    THINK = 2
    WORK = 3
    PROVISIONING = 4
    MESSAGE = 5
    """One block a request: way up, way down, loss up, loss down."""
    SERVICE = 6
    """One block a request: service time, its mixture part, error, replica."""
    POLL = 7
    RENEW_JITTER = 8
    LOOP_BACKOFF = 9
    HTTP_BACKOFF = 10
    STOP_DELAY = 11
    RETRY_FAILS = 12
    RETRY_DELAY = 13
    PAUSE_GAP = 14
    PAUSE_LENGTH = 15
    CANCEL_GAP = 16
    RERUN = 17
    FAULT_GAP = 18
    FAULT_LENGTH = 19
    FAULT_CHANCE = 20
    SWEEP_PHASE = 21
    SWEEP_WAKEUP = 22
    BURST_STATE = 23
    BURST_LENGTH = 24
    RECONNECT = 25
    RETRY_AFTER = 26
    PUSH = 27
    """Latency of the message that wakes a watcher."""
    MESSAGE_PART = 28
    """Which part of a mixture the two ways of a request come from."""
    SWEEP_REVOKE = 29
    CRASH_MARK = 30


PART_OF_MIXTURE: Final = 1
"""The uniform of a block that chooses a mixture's component; uniform 0 gives the value."""
