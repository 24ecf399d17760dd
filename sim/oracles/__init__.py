"""Closed forms a simulation of leases must reproduce, each with its assumptions and its source.

An oracle answers the same question as the simulator for a world simple enough to be solved on paper. The
functions are pure, take and return plain floats, and measure time in **seconds** and rates in **events per
second**. They need nothing but the standard library, so importing them costs nothing.

Symbols used in the docstrings::

    L  ttl         lease duration after a renewal     R  regrant  lease age at which the slot is given away
    c  cycle       time between two renewals when nothing goes wrong, c < L
    S  pause       length of a pause, a distribution  P  sweep    period of the reaper that removes leases
    I(k) = E(S - k)^+                                 J(k) = E((S - k)^+)^2 / 2

Two kinds of holder timers appear throughout. A **running** timer keeps counting during the pause and fires at
resume when it is overdue (garbage collection, a stopped process, a partition, an outage of the server). A
**frozen** timer stops with the host and still has its remainder to wait after resume (a suspended laptop).

Ties: every formula counts a renewal as late when its age is *above* the deadline. For distributions without
atoms that is the whole story; a `Deterministic` pause should not meet a deadline exactly.
"""

from sim.oracles.expiry import (
    RenewalCycle,
    expiry_frozen,
    expiry_frozen_delayed,
    expiry_outage,
    expiry_running,
    expiry_running_delayed,
    first_order_rate,
    frozen_cycle,
    outage_cycle_exponential,
    running_cycle,
    running_cycle_exponential,
)
from sim.oracles.losses import (
    GilbertElliott,
    attempts_before_expiry,
    attempts_to_run,
    giveup_rate,
    loss_expiry_rate,
    loss_lapse_mean,
    loss_lease_availability,
    needless_giveup,
    prob_run_within,
    roundtrip_loss,
    storage_loss_rate,
)
from sim.oracles.overlap import (
    age_at_crash,
    averaged_over_sweep,
    belief_overlap_frozen,
    belief_overlap_running,
    execution_overlap_frozen,
    execution_overlap_running,
    fence_deadline,
    fenced_overlap_bound,
    lenient_overlap,
    reclaim_latency,
    reclaim_latency_bounds,
    saturated_slot_exponential,
    zombie_share,
)
from sim.oracles.pauses import Deterministic, Erlang, Exponential, Lognormal, Pause, SummablePause, Uniform
from sim.oracles.queues import (
    blocking_with_crashes,
    engset_call,
    engset_time,
    erlang_b,
    erlang_c,
    erlang_c_wait,
    erlang_c_wait_tail,
    holding_with_crashes,
    mg1_wait,
    retrial_wait,
)

__all__ = [
    "Deterministic",
    "Erlang",
    "Exponential",
    "GilbertElliott",
    "Lognormal",
    "Pause",
    "RenewalCycle",
    "SummablePause",
    "Uniform",
    "age_at_crash",
    "attempts_before_expiry",
    "attempts_to_run",
    "averaged_over_sweep",
    "belief_overlap_frozen",
    "belief_overlap_running",
    "blocking_with_crashes",
    "engset_call",
    "engset_time",
    "erlang_b",
    "erlang_c",
    "erlang_c_wait",
    "erlang_c_wait_tail",
    "execution_overlap_frozen",
    "execution_overlap_running",
    "expiry_frozen",
    "expiry_frozen_delayed",
    "expiry_outage",
    "expiry_running",
    "expiry_running_delayed",
    "fence_deadline",
    "fenced_overlap_bound",
    "first_order_rate",
    "frozen_cycle",
    "giveup_rate",
    "holding_with_crashes",
    "lenient_overlap",
    "loss_expiry_rate",
    "loss_lapse_mean",
    "loss_lease_availability",
    "mg1_wait",
    "needless_giveup",
    "outage_cycle_exponential",
    "prob_run_within",
    "reclaim_latency",
    "reclaim_latency_bounds",
    "retrial_wait",
    "roundtrip_loss",
    "running_cycle",
    "running_cycle_exponential",
    "saturated_slot_exponential",
    "storage_loss_rate",
    "zombie_share",
]
