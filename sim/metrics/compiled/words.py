"""The shared vocabulary as plain integers, which is what compiled code reads."""

from __future__ import annotations

from typing import Final

from sim.vocabulary import Halt, Kind, Loss, Outcome, Truth

KIND_ARRIVE: Final = int(Kind.ARRIVE)
KIND_ASK: Final = int(Kind.ASK)
KIND_GRANT: Final = int(Kind.GRANT)
KIND_REFUSE: Final = int(Kind.REFUSE)
KIND_QUEUE: Final = int(Kind.QUEUE)
KIND_HOLD: Final = int(Kind.HOLD)
KIND_TURNED_AWAY: Final = int(Kind.TURNED_AWAY)
KIND_START: Final = int(Kind.START)
KIND_SEND: Final = int(Kind.SEND)
KIND_RENEWED: Final = int(Kind.RENEWED)
KIND_DENIED: Final = int(Kind.DENIED)
KIND_ANSWER: Final = int(Kind.ANSWER)
KIND_LOST: Final = int(Kind.LOST)
KIND_STOP: Final = int(Kind.STOP)
KIND_FINISH: Final = int(Kind.FINISH)
KIND_CRASH: Final = int(Kind.CRASH)
KIND_HALT: Final = int(Kind.HALT)
KIND_GO: Final = int(Kind.GO)
KIND_REAP: Final = int(Kind.REAP)
KIND_FREE: Final = int(Kind.FREE)
KIND_RELEASE: Final = int(Kind.RELEASE)
KIND_FORGET: Final = int(Kind.FORGET)
KIND_RESET: Final = int(Kind.RESET)
KIND_DECAY: Final = int(Kind.DECAY)
KIND_RETRY: Final = int(Kind.RETRY)
KIND_CANCEL: Final = int(Kind.CANCEL)
KIND_DONE: Final = int(Kind.DONE)
KIND_FAULT_BEGIN: Final = int(Kind.FAULT_BEGIN)
KIND_FAULT_END: Final = int(Kind.FAULT_END)
KIND_SWEEP: Final = int(Kind.SWEEP)
KIND_SKIPPED: Final = int(Kind.SKIPPED)
KIND_SENT_EARLIER: Final = int(Kind.SENT_EARLIER)
KIND_RENEWED_EARLIER: Final = int(Kind.RENEWED_EARLIER)

LOSS_REVOKED: Final = int(Loss.REVOKED)
LOSS_GAVE_UP: Final = int(Loss.GAVE_UP)
LOSS_FENCED: Final = int(Loss.FENCED)
TRUTH_STILL_VALID: Final = int(Truth.STILL_VALID)
HALT_RETRY: Final = int(Halt.RETRY)
HALT_PAUSED: Final = int(Halt.PAUSED)
HALT_NO_LEASE: Final = int(Halt.NO_LEASE)
OUTCOME_QUEUED: Final = int(Outcome.QUEUED)
"""Outcomes up to here are answers of the authority."""
OUTCOME_CONNECT_TIMEOUT: Final = int(Outcome.CONNECT_TIMEOUT)
OUTCOME_READ_TIMEOUT: Final = int(Outcome.READ_TIMEOUT)
FIRST_STATUS: Final = 400
