"""How times, lengths, outcomes and truths are said to a person."""

from __future__ import annotations

from typing import Final

from sim.model.scenario import Scenario
from sim.units import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from sim.vocabulary import Loss, Outcome, Truth

FATES: Final[dict[int, str]] = {
    Outcome.OK: "succeeded",
    Outcome.GONE: "was refused because the lease was gone",
    Outcome.FULL: "was refused because the limit was full",
    Outcome.QUEUED: "was put in the waiting line",
    Outcome.REFUSED: "failed, connection refused",
    Outcome.RESET: "failed, connection reset",
    Outcome.CONNECT_TIMEOUT: "timed out while connecting",
    Outcome.READ_TIMEOUT: "timed out without an answer",
}

LOSSES: Final[dict[int, str]] = {
    Loss.REVOKED: "was told that its lease was gone",
    Loss.GAVE_UP: "gave up renewing, for all attempts had failed",
    Loss.FENCED: "came to its own deadline and took its lease for lost",
}

TRUTHS: Final[dict[int, str]] = {
    Truth.STILL_VALID: "at the authority the lease was still valid",
    Truth.EXPIRED_UNCLAIMED: "the lease had expired, but a slot was still free for it",
    Truth.REASSIGNED: "every slot had gone to other runs by then",
    Truth.FORGOTTEN: "the lease had not expired, the authority no longer knew it",
}


def time_of_day(scenario: Scenario, time_ns: int, milliseconds: bool = False) -> str:
    """Return a simulated time as ``"11:02:10"``, from the second day on as ``"day 2 11:02:10"``."""
    step = MILLISECOND if milliseconds else SECOND
    since_midnight = (scenario.starts_at + time_ns) // step * step
    days, rest = divmod(since_midnight, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    whole, fraction = divmod(rest, SECOND)
    text = f"{hours:02d}:{minutes:02d}:{whole:02d}"
    text += f".{fraction // MILLISECOND:03d}" if milliseconds else ""
    return f"day {days + 1} {text}" if days else text


def length(ns: int) -> str:
    """Return a length of time to about three digits: ``"250ms"``, ``"3.2s"``, ``"8m12s"``, ``"2h03m"``."""
    if ns < 0:
        return f"-{length(-ns)}"
    if ns < SECOND:
        return f"{ns / MILLISECOND:.3g}ms" if ns else "0s"
    if ns < 2 * MINUTE:
        return f"{ns / SECOND:.1f}s".replace(".0s", "s")
    if ns < HOUR:
        return _pair(round(ns / SECOND), 60, "m", "s")
    if ns < DAY:
        return _pair(round(ns / MINUTE), 60, "h", "m")
    return _pair(round(ns / HOUR), 24, "d", "h")


def _pair(count: int, per: int, large: str, small: str) -> str:
    whole, rest = divmod(count, per)
    return f"{whole}{large}{rest:02d}{small}" if rest else f"{whole}{large}"


def fate(outcome: int | None, many: bool = False) -> str:
    """Return how a request ended, or how `many` did, as the rest of a sentence."""
    if outcome is None:
        said = "was never answered"
    else:
        said = f"was answered with status {outcome}" if outcome >= 400 else FATES[outcome]
    return said.replace("was ", "were ", 1) if many else said


def plural(count: int, what: str) -> str:
    """Return ``"1 run"`` or ``"2 runs"``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
