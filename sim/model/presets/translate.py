"""A ``[prefect]`` table turned into fields of a scenario, each with where it comes from. No engine knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sim.model.presets.options import STORAGE, Options, known
from sim.model.presets.versions import Fact, at_least, facts_at

_NEVER: Final = "25000d"
"""An interval that no replication lives to see the end of."""
_SLOT_WAIT: Final = "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS"
_INITIAL: Final = "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION"
_SWEEPS: Final = "PREFECT_SERVER_SERVICES_REPOSSESSOR"


class Field(NamedTuple):
    """A key of a scenario, its value as a file holds it, and what it rests on."""

    key: str
    value: Any
    why: str


def translated(options: Options) -> list[Field]:
    """Return the fields that a table stands for."""
    whole = _Translation(options)
    return [*whole.limit(), *whole.lease(), *whole.server(), *whole.renewal(), *whole.http(), *whole.world()]


class _Translation:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.facts: dict[str, Fact] = facts_at(options.version)
        self.deployment = options["limit"] == "deployment"
        self.tag = options["limit"] == "tag"

    # ------------------------------------------------------------------ where a value comes from

    def fact(self, key: str, name: str, value: Any = None) -> Field:
        """A field that a version decides."""
        fact = self.facts[name]
        return Field(key, fact.value if value is None else value, f"since {fact.since}: {fact.source}")

    def setting(self, key: str, name: str, value: Any) -> Field:
        """A field that a setting decides: given in the table, or at its default."""
        how = "given" if name in self.options.given else "default"
        return Field(key, value, f"{name} ({how}): {known()[name]['source']}")

    # ------------------------------------------------------------------ the tables of a scenario

    def limit(self) -> Iterator[Field]:
        o = self.options
        if "concurrency_limit" in o.given:
            yield self.setting("limit.slots", "concurrency_limit", o["concurrency_limit"])
        yield self.setting("limit.slot_decay_per_second", "slot_decay_per_second", float(o["slot_decay_per_second"]))
        if self.deployment:
            word = o["collision_strategy"].lower()
            yield self.setting("limit.collision", "collision_strategy", word)
            yield self._poll()
            yield Field("limit.retry_after", "none", "a run of a deployment is scheduled anew, its client is not told")
            return
        yield Field("limit.collision", "enqueue", "concurrency/_asyncio.py: the client asks again")
        yield Field("limit.retry_after", "occupancy", "server/api/concurrency_limits_v2.py: 423 with Retry-After")
        yield self._cap()
        yield self.fact("limit.retry_after_jitter", "retry_after_jitter")
        yield self.fact("limit.denied_slots", "denied_slots")
        yield self.fact("limit.average_occupancy", "average_occupancy_s", _s(self.facts["average_occupancy_s"].value))
        yield self.fact("limit.occupancy_floor", "occupancy_floor_s", _s(self.facts["occupancy_floor_s"].value))

    def _poll(self) -> Field:
        """A refused run is scheduled anew; polls look some seconds ahead, and come at jittered intervals."""
        o, launch = self.options, self.options["launch"]
        name = "PREFECT_RUNNER_POLL_FREQUENCY" if launch == "serve" else "PREFECT_WORKER_QUERY_SECONDS"
        low = max(0.0, float(o[_SLOT_WAIT]) - self.facts["prefetch_s"].value)
        high = low + float(o[name]) * (1 + self.facts["poll_jitter"].value)
        law = {"kind": "uniform", "low": _s(low), "high": _s(high)}
        return Field("limit.poll", law, f"{_SLOT_WAIT} less 10 s of prefetch, and up to one poll of {name}")

    def _cap(self) -> Field:
        name = "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS"
        fact, since = "retry_after_cap_s", "3.6.3"
        if self.tag:
            name, since = "PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS", "3.6.23"
            fact = "tag_retry_after_cap_s"
        if name in self.options.given and at_least(self.options.version, since):
            return self.setting("limit.retry_after_cap", name, _s(max(0.001, self.options[name])))
        return self.fact("limit.retry_after_cap", fact, _s(self.facts[fact].value))

    def lease(self) -> Iterator[Field]:
        o = self.options
        if self.deployment:
            yield self.fact("lease.ttl", "deployment_ttl_s", _s(self.facts["deployment_ttl_s"].value))
            yield self._initial()
        elif self.tag:
            yield self.fact("lease.ttl", "tag_ttl_s", _s(self.facts["tag_ttl_s"].value))
            yield Field("lease.initial_ttl", 1.0, "concurrency/_asyncio.py: granted for what it is renewed for")
        else:
            yield self.setting("lease.ttl", "lease_duration", _s(o["lease_duration"]))
            yield Field("lease.initial_ttl", 1.0, "concurrency/_asyncio.py: granted for what it is renewed for")
        yield Field("lease.expiry_check", "sweep", "server/services/repossessor.py: nothing else looks at the expiry")
        yield self._interval()
        yield self.fact("lease.sweep_batch", "sweep_batch")
        yield self.fact("lease.sweep_wakeup", "sweep_wakeup_s", _s(self.facts["sweep_wakeup_s"].value))
        yield self.fact("lease.sweep_recheck", "sweep_recheck")
        yield Field(
            "lease.late_renew", "until_reaped", "server/api/concurrency_limits_v2.py: a lease that exists is renewed"
        )
        memory = self._storage() == "memory"
        told = "prefect.server assumes" if o["server"] == "cloud" else STORAGE
        yield Field("lease.on_restart", "lost_leak" if memory else "keep", f"{told} '{self._storage()}'")
        yield Field("lease.books", "counter", "active_slots in the database; nothing reconciles it with the leases")
        yield self.fact("lease.release_fallback", "release_fallback", self.deployment)

    def _initial(self) -> Field:
        o = self.options
        if o["grace_period_seconds"] != "" and "grace_period" in self.facts:
            return self.setting("lease.initial_ttl", "grace_period_seconds", _s(o["grace_period_seconds"]))
        if _INITIAL in o.given and at_least(o.version, known()[_INITIAL]["since"]) and o["server"] != "cloud":
            return self.setting("lease.initial_ttl", _INITIAL, _s(o[_INITIAL]))
        name = "deployment_initial_ttl_s"
        return self.fact("lease.initial_ttl", name, _s(self.facts[name].value))

    def _interval(self) -> Field:
        o, cloud = self.options, self.options["server"] == "cloud"
        if not cloud and not o[f"{_SWEEPS}_ENABLED"]:
            return self.setting("lease.sweep_interval", f"{_SWEEPS}_ENABLED", _NEVER)
        if cloud:
            default = known()[f"{_SWEEPS}_LOOP_SECONDS"]["default"]
            return Field("lease.sweep_interval", _s(default), "assumption: Cloud sweeps as the open server does")
        return self.setting("lease.sweep_interval", f"{_SWEEPS}_LOOP_SECONDS", _s(o[f"{_SWEEPS}_LOOP_SECONDS"]))

    def _storage(self) -> str:
        return "redis" if self.options["server"] == "cloud" else str(self.options[STORAGE])

    def server(self) -> Iterator[Field]:
        o = self.options
        shared = o["server"] == "local"
        yield Field("server.host", "shared" if shared else "own", f"prefect.server = '{o['server']}'")
        storage = Field("server.storage", "redis", "assumption: Cloud keeps its leases")
        yield storage if o["server"] == "cloud" else self.setting("server.storage", STORAGE, self._storage())
        if "replicas" in o.given and o["server"] != "cloud":
            yield self.setting("server.replicas", "replicas", o["replicas"])
            yield Field("server.sticky", False, "assumption: the balancer deals out each request by itself")
        if o["server"] != "cloud":
            yield self.fact("server.requests_max", "requests_max")
            yield self.fact("server.connections_per_run", "connections_per_run")
        median, p99 = self.facts["service_ms"].value
        law = {"kind": "lognormal", "median": f"{median}ms", "p99": f"{p99}ms"}
        yield self.fact("server.service", "service_ms", law)

    def renewal(self) -> Iterator[Field]:
        facts, loop = self.facts, f"{self.options['body']}_loop"
        yield self.fact("renewal.every", "renew_fraction")
        yield self.fact("renewal.first", "first_renewal")
        yield Field("renewal.cadence", "after_response", "concurrency/_leases.py: it waits after the answer")
        yield self.fact("renewal.runs_in", loop)
        yield self.fact("renewal.attempts", "attempts")
        yield self.fact("renewal.backoff", "backoff_s", _s(facts["backoff_s"].value))
        yield self.fact("renewal.backoff_cap", "backoff_cap_s", _s(facts["backoff_cap_s"].value))
        yield self.fact("renewal.backoff_jitter", "backoff_jitter")
        yield Field("renewal.jitter_shape", "truncated_exponential", "utilities/math.py")
        yield self.fact("renewal.retry_gone", "retry_gone")
        word, why = self._strict()
        yield Field("renewal.on_lost", word, why)
        yield Field("renewal.on_giveup", word, why)

    def _strict(self) -> tuple[str, str]:
        o = self.options
        words = {True: "terminate", False: "continue"}
        if self.deployment:
            fact = self.facts["deployment_strict"]
            return words[fact.value], f"since {fact.since}: {fact.source}"
        if self.tag:
            return "continue", "task_engine.py: not strict, and its warnings are suppressed"
        if o["raise_on_lease_renewal_failure"] != "" and "raise_flag" in self.facts:
            return words[o["raise_on_lease_renewal_failure"]], "raise_on_lease_renewal_failure (given): #20951"
        return words[o["strict"]], self.setting("", "strict", None).why

    def http(self) -> Iterator[Field]:
        o, facts = self.options, self.facts
        timeout = "PREFECT_API_REQUEST_TIMEOUT"
        for key in ("http.connect_timeout", "http.read_timeout"):
            yield self.setting(key, timeout, _s(o[timeout]))
        yield self.fact("http.connect_retries", "connect_retries")
        yield self.setting("http.max_retries", "PREFECT_CLIENT_MAX_RETRIES", o["PREFECT_CLIENT_MAX_RETRIES"])
        yield self.fact("http.backoff", "http_backoff_s", _s(facts["http_backoff_s"].value))
        jitter = "PREFECT_CLIENT_RETRY_JITTER_FACTOR"
        yield self.setting("http.jitter", jitter, float(o[jitter]))
        yield Field("http.jitter_shape", "truncated_exponential", "utilities/math.py (clamped_poisson_interval)")
        extra = "PREFECT_CLIENT_RETRY_EXTRA_CODES"
        codes = sorted({*facts["retry_codes"].value, *o[extra]})
        yield self.setting("http.retry_codes", extra, codes)
        yield self.fact("http.retry_refused", "retry_refused")
        yield self.fact("http.sleep_after_last", "sleep_after_last")

    def world(self) -> Iterator[Field]:
        o = self.options
        if self.deployment:
            yield self.fact("runs.at_start", "at_start")
            yield self.fact("runs.retry.lease", "retry_lease")
            yield self.fact("runs.retry.blocks", f"{o['body']}_retry_blocks")
            yield self.fact("runs.pause.lease", "pause_lease")
            yield self.fact("runs.cancel.lease", "cancel_lease")
            low, high = ("15s", "60s") if o["launch"] == "worker_elsewhere" else ("4s", "15s")
            law = {"kind": "uniform", "low": low, "high": high}
            yield Field("runs.provisioning", law, f"assumption for launch = '{o['launch']}'")
        else:
            for key, word in (("at_start", "copy"), ("retry.lease", "keep"), ("pause.lease", "keep")):
                yield Field(f"runs.{key}", word, "only the lease of a deployment run follows the run's states")
            yield Field("runs.cancel.lease", "release", "the block of concurrency() gives its lease back as it ends")
        counts = o["platform"] == "windows"
        yield Field("hosts.monotonic_counts_suspend", counts, f"prefect.platform = '{o['platform']}'")
        median, sigma = {"local": ("300us", 0.5), "remote": ("1ms", 0.6), "cloud": ("25ms", 0.6)}[o["server"]]
        for key in ("network.up", "network.down"):
            way: dict[str, Any] = {"kind": "lognormal", "median": median, "sigma": sigma}
            yield Field(key, way, f"assumption for server = '{o['server']}'")


def _s(seconds: float) -> str:
    """Return a number of seconds as a scenario writes it, to the nanosecond."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"
