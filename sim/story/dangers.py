"""What a scenario's numbers mean for its runs, in sentences: only what can hurt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sim.model.faults import Fault
from sim.model.scenario import Scenario
from sim.story.laws import lengths_of
from sim.story.patience import Failure
from sim.story.tolerances import CUT_OFF, Tolerances, quantile, said, share_longer
from sim.story.words import length
from sim.units import FOREVER

_SUSPENSIONS: Final = {
    "sleep": "sleep",
    "pause": "pause",
    "gil_block": "held interpreter lock",
    "block": "blocked event loop",
}

_CUTS: Final[dict[str, tuple[str, Failure]]] = {
    "": ("server downtime", "refused"),
    "refuse": ("time of refused connections", "refused"),
    "reset": ("time of broken connections", "reset"),
    "error": ("time of error answers", "status 503"),
    "black_hole": ("black hole", "connect time-out"),
    "stall": ("stall", "read time-out"),
}
"""What an outage is called, by its mode, and how requests fail in it; without a mode it is a restart."""


def dangers(scenario: Scenario) -> list[str]:
    """Return one sentence for each way in which the protocol can fail its runs, the faults at hand first."""
    t = Tolerances(scenario)
    if scenario.renewal.runs_in == "none":
        first_ns = scenario.initial_ttl_ns + scenario.expiry_grace_ns
        return [f"Nobody renews: a run that works longer than {length(first_ns)} loses its lease."]
    return [*_timing(t), *_faults(t), *_overlap(t), *_books(t)]


def _timing(t: Tolerances) -> Iterator[str]:
    if t.slack_ns <= 0:
        yield (
            f"Every lease expires before its renewal: the renewal is due after {length(t.every_ns)}, "
            f"the lease ends after {length(t.term_ns)}."
        )
    first_ns = t.scenario.initial_ttl_ns + t.scenario.expiry_grace_ns
    late = share_longer(t.scenario.runs.provisioning, first_ns)
    if late > 0:
        yield (
            f"Provisioning outlives the first lease ({length(first_ns)}) in {percent(late)} of the runs: "
            "nobody renews meanwhile."
        )


def _harm(t: Tolerances) -> str:
    """What a late renewal does to the holder, as an infinitive with a gap for whom."""
    if t.scenario.lease.late_renew in ("if_untaken", "resurrect"):
        return "let other runs take the slot of {}"
    return "kill {}" if t.scenario.renewal.on_lost == "terminate" else "cost {} the lease"


def _faults(t: Tolerances) -> Iterator[str]:
    """A sentence for each kind of fault at hand."""
    kinds: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in t.scenario.faults:
        mode: str = fault.mode if fault.what == "outage" else ""
        kinds.setdefault((fault.what, fault.whom, mode), []).append(fault)
    immune = {"thread": ("block",), "process": ("block", "gil_block")}.get(t.scenario.renewal.runs_in, ())
    for (what, whom, mode), faults in kinds.items():
        if what in _SUSPENSIONS and whom in ("hosts", "runs") and what not in immune:
            yield _suspension(t, faults, "every holder on the machine" if whom == "hosts" else "the run")
        elif what == "restart" and t.scenario.lease.on_restart.startswith("lost"):
            yield "A server restart forgets every lease: each running holder meets a refusal at its next renewal."
        elif what in ("restart", "outage"):
            yield _downtime(t, faults, *_CUTS[mode])


def _suspension(t: Tolerances, faults: list[Fault], whom: str) -> str:
    what = faults[0].what
    may_ns, must_ns = t.suspension_ns(frozen=what == "sleep" and not t.counts_suspend)
    verb = f"longer than {length(may_ns)} may"
    if must_ns == may_ns:
        verb = f"longer than {length(must_ns)} will"
    elif must_ns < FOREVER:
        verb += f", one longer than {length(must_ns)} will,"
    return f"A {_SUSPENSIONS[what]} {verb} {_harm(t).format(whom)}; {_longer(faults, may_ns)}."


def _downtime(t: Tolerances, faults: list[Fault], what: str, failure: Failure) -> str:
    ridden_out_ns = t.downtime_ns(failure)
    loses = f"A {what} longer than {length(ridden_out_ns)} loses the renewals that fall due as it begins"
    return f"{loses}; {_longer(faults, ridden_out_ns)}."


def _longer(faults: list[Fault], than_ns: int) -> str:
    """How many of each fault are longer."""
    laws = {fault.name: lengths_of(fault) for fault in faults}
    shares = [
        f"{percent(share_longer(law, than_ns))} of '{name}' (median {length(quantile(law, 0.5))})"
        for name, law in laws.items()
    ]
    return f"so long are {' and '.join(shares)}"


def _overlap(t: Tolerances) -> Iterator[str]:
    renewal = t.scenario.renewal
    executes_on = ("continue", "rejoin")
    if renewal.on_lost in executes_on or renewal.on_giveup in executes_on:
        when = "loses its lease" if renewal.on_lost in executes_on else "gives up renewing"
        until = (
            "to the end of its work" if "continue" in (renewal.on_lost, renewal.on_giveup) else "until it has another"
        )
        yield f"A holder that {when} goes on executing {until}, whoever has the slot."
    elif any(fault.what == "sleep" for fault in t.scenario.faults):
        after = said(t.overlap_after_sleep_ns)
        yield f"A holder that slept through its lease may execute for {after} after waking."
    cut_off_ns = max(map(t.overlap_cut_off_ns, CUT_OFF))
    if renewal.on_giveup not in executes_on and cut_off_ns > 0:
        long = "without bound" if cut_off_ns >= FOREVER else f"for up to {length(cut_off_ns)}"
        yield f"A holder cut off from the authority goes on {long} past its term while it tries again."


def _books(t: Tolerances) -> Iterator[str]:
    if t.scenario.lease.release_fallback:
        yield "Slots are counted apart from the leases: a lease reaped and then released counts down twice."
    gone_ns = t.horizon_ns("gone")
    if t.scenario.renewal.retry_gone and gone_ns > 0:
        yield f"A definite refusal is tried again for {said(gone_ns)} before the run stops."


def percent(share: float) -> str:
    """Return a share as ``"12 %"``, never 0 % for what can happen."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    return f"{share * 100:.2g} %" if share < 0.995 else f"{share * 100:.4g} %"
