"""A scenario without chance: one constant for each distribution, at the end that is bad or good for a holder.

Bounded laws are taken at their ends, others at their 1st and 99th percentile. The waits of back-offs with jitter are
the longest that can be; where others are worse, or better, that is another matter (`sim.story.patience`).
"""

from __future__ import annotations

from typing import Any, Final, Literal

from sim import samplers
from sim.model.distributions import Constant, Distribution, Empirical, Mixture, Uniform, constant
from sim.model.fields import UNLIMITED
from sim.model.scenario import Cancel, Http, Pause, Renewal, Retry, Scenario
from sim.story.laws import quantile
from sim.story.patience import factor

Luck = Literal["bad", "good"]
"""For the holder of a lease. Bad: messages are slow, renewals late, the authority and contenders prompt."""

LOW: Final = 0.01
HIGH: Final = 0.99


def ends(law: Distribution) -> tuple[int, int]:
    """Return the shortest and the longest that is reckoned with, in nanoseconds."""
    if isinstance(law, Constant):
        return law.value, law.value
    if isinstance(law, Uniform):
        return law.low, law.high
    if isinstance(law, Empirical):
        return min(law.values), max(law.values)
    if isinstance(law, Mixture):
        parts = [ends(part.of) for part in law.parts]
        return min(low for low, _ in parts), max(high for _, high in parts)
    return quantile(law, LOW), quantile(law, HIGH)


def altered(scenario: Scenario, **sections: Any) -> Scenario:
    """Return a copy with other values in its sections; a dict changes a section, anything else takes its place."""
    update = {
        name: getattr(scenario, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in sections.items()
    }
    return scenario.model_copy(update=update)


def _waits(layer: Renewal | Http, by: float) -> dict[str, int]:
    """A layer's waits, all longer by a factor."""
    return {
        "backoff": samplers.nanoseconds(layer.backoff * by),
        "backoff_cap": max(1, samplers.nanoseconds(layer.backoff_cap * by)),
    }


def pinned(scenario: Scenario, luck: Luck) -> Scenario:
    """Return the scenario without chance and without faults: what is left to vary is when a fault begins and ends."""
    at = 1 if luck == "bad" else 0
    network, server, renewal, http = scenario.network, scenario.server, scenario.renewal, scenario.http
    jitter = renewal.jitter[at]
    return altered(
        scenario,
        faults=(),
        warmup=0,
        network={
            "up": constant(ends(network.up)[at]),
            "down": constant(ends(network.down)[at]),
            "loss_up": 0.0,
            "loss_down": 0.0,
            "bursts": None,
            "reconnect": constant(ends(network.reconnect)[at]),
        },
        server={
            "service": constant(ends(server.service)[at]),
            "error_probability": 0.0,
            "requests_max": UNLIMITED,
            "replicas": 1,
            "host": "own",
        },
        renewal={
            "jitter": (jitter, jitter),
            **_waits(renewal, factor(renewal.jitter_shape, renewal.backoff_jitter, 1.0)),
            "backoff_jitter": 0.0,
            "stop_delay": constant(ends(renewal.stop_delay)[at]),
        },
        http={**_waits(http, factor(http.jitter_shape, http.jitter, 1.0)), "jitter": 0.0},
        hosts={"drift_ppm": 0.0, "server_drift_ppm": 0.0, "wall_offset": 0},
        lease={"sweep_revoke": constant(0)},
        limit={"retry_after": "none", "denied_slots": False, "slot_decay_per_second": 0.0, "fifo": False},
        runs={
            "provisioning": constant(0),
            "at_start": "copy",
            "retry": Retry(),
            "pause": Pause(),
            "cancel": Cancel(),
            "rerun": (),
            "crash_marked_after": "never",
        },
    )
