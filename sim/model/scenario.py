"""A scenario: everything that decides a simulated world, as frozen, validated data. Durations are nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from sim.model.distributions import Constant, Distribution, constant
from sim.model.faults import Fault
from sim.model.fields import (
    UNLIMITED,
    Attempts,
    Duration,
    PositiveDuration,
    Probability,
    RatePerHour,
    Share,
    SignedDuration,
    resolve_share,
)
from sim.units import FOREVER, HOUR, MILLISECOND, MINUTE, SECOND


class Section(BaseModel):
    """A table of the scenario file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _dist(ns: int) -> Any:
    return Field(default_factory=lambda: constant(ns))


class Limit(Section):
    """The limit whose slots are leased, and what happens to a run that finds it full."""

    slots: StrictInt = Field(default=1, ge=0, le=100_000, description="Slots of the limit.")
    collision: Literal["enqueue", "cancel_new", "watch"] = Field(
        default="enqueue",
        description="When full: ask again after `poll`; cancel the new run; or be woken in order when a slot frees.",
    )
    poll: Distribution = Field(
        default_factory=lambda: constant(30 * SECOND),
        description="Wait before asking again (enqueue; watch: safety net).",
    )
    fifo: StrictBool = Field(default=False, description="Grant in order of first asking, also among pollers.")
    retry_after: Literal["none", "occupancy"] = Field(
        default="none",
        description="`occupancy`: the authority answers a refusal with a wait computed from the average occupancy.",
    )
    retry_after_cap: PositiveDuration = Field(default=HOUR * 24 * 365, description="Longest wait it may answer.")
    denied_slots: StrictBool = Field(
        default=False, description="Each refusal lengthens the waits after it, until it decays (`denied_slots`)."
    )
    retry_after_jitter: float = Field(default=0.0, ge=0, le=1, description="Truncated exponential jitter of that wait.")
    average_occupancy: PositiveDuration = Field(default=2 * SECOND, description="Average occupancy at the start.")
    occupancy_floor: Duration = Field(default=100 * MILLISECOND, description="Shortest occupancy it averages.")
    slot_decay_per_second: float = Field(
        default=0.0, ge=0, le=1e6, description="Slots the counter gives back a second."
    )


class Lease(Section):
    """The authority's rules for a lease."""

    ttl: PositiveDuration = Field(default=5 * MINUTE, description="Lease duration after a renewal.")
    initial_ttl: Share = Field(default=1.0, description="Lease duration at grant; a fraction is of `ttl`.")
    expiry_grace: Share | Literal["none"] = Field(
        default="none", description="Extra time the authority waits after the ttl; a fraction is of `ttl`."
    )
    expiry_check: Literal["timer", "sweep", "bucket", "on_acquire"] = Field(
        default="sweep",
        description="At the instant; by sweeps; rounded up to multiples of `sweep_interval`; when another asks.",
    )
    sweep_interval: PositiveDuration = Field(default=15 * SECOND, description="Between sweeps; the size of a bucket.")
    sweep_batch: StrictInt = Field(default=100, ge=1, le=1_000_000, description="Leases one sweep may reap.")
    sweep_phase: Duration | Literal["random", "start"] = Field(
        default="random",
        description="First sweep at a random time within one interval, at time zero, or at this time; then every one.",
    )
    sweep_wakeup: Duration = Field(
        default=0, description="An overdue sweep (after a suspend, pause or clock step) runs within this time."
    )
    sweep_revoke: Distribution = Field(
        default_factory=lambda: constant(0),
        description="From one lease to the next in a sweep that lists first and revokes after; 0: all at once.",
    )
    sweep_recheck: StrictBool = Field(
        default=True, description="Such a sweep looks once more whether a lease is still expired before it revokes it."
    )
    late_renew: Literal["reject", "until_reaped", "if_untaken", "resurrect", "reject_locally"] = Field(
        default="until_reaped", description="What becomes of a renewal that arrives after expiry."
    )
    reuse_delay: Duration = Field(default=0, description="From reaping to grantable (lock-delay); not after a release.")
    judge: Literal["authority", "contender"] = Field(
        default="authority", description="Who decides that a lease is over: the authority, or a contender's own clock."
    )
    on_restart: Literal["keep", "reset_full", "reset_to", "lost_free", "lost_leak"] = Field(
        default="keep", description="What a restart of the authority does to leases."
    )
    restart_ttl: PositiveDuration = Field(
        default=5 * MINUTE, description="New remaining term for `reset_to`; the grace follows."
    )
    restart_quiet: Duration = Field(default=0, description="No grants for this long after a restart.")
    books: Literal["leases", "counter"] = Field(
        default="leases", description="A slot is in use iff a lease is; or a separate counter nothing reconciles."
    )
    release_fallback: StrictBool = Field(
        default=False, description="Counter only: a release that finds no lease decrements the counter all the same."
    )


class Server(Section):
    """The authority's process and machine."""

    host: Literal["own", "shared"] = Field(
        default="own", description="A machine of its own, or the first holder's machine (it sleeps along)."
    )
    replicas: StrictInt = Field(default=1, ge=1, le=1000, description="Server processes behind a balancer.")
    storage: Literal["memory", "filesystem", "redis", "database"] = Field(
        default="database", description="Where leases live; with `memory` each replica has its own."
    )
    sticky: StrictBool = Field(
        default=False, description="All tries of one call, or of one renewal, reach the same replica (keep-alive)."
    )
    service: Distribution = Field(
        default_factory=lambda: constant(0), description="Processing time of a request, before it takes effect."
    )
    requests_max: Attempts = Field(
        default=UNLIMITED, description="Requests worked on at once, open connections among them; the others wait."
    )
    connections_per_run: StrictInt = Field(
        default=0, ge=0, le=1000, description="Connections that a run keeps open from its start to its end."
    )
    error_probability: Probability = Field(default=0.0, description="A request answered by an error, without effect.")
    error_status: StrictInt = Field(default=503, ge=400, le=599, description="The status of that error.")
    error_retry_after: Duration = Field(default=0, description="Retry-After sent with it; 0 sends none.")


class Renewal(Section):
    """The holder's renewal loop, its own deadline and what it does when the lease is lost."""

    every: Share = Field(default=0.75, description="From one renewal to the next; a fraction is of `lease.ttl`.")
    every_max: PositiveDuration = Field(default=FOREVER, description="The interval is never longer than this.")
    jitter: tuple[float, float] = Field(default=(1.0, 1.0), description="The interval is multiplied by U[low, high].")
    first: Literal["immediate", "after_interval"] = Field(
        default="immediate", description="When the loop first renews."
    )
    cadence: Literal["after_response", "after_send", "fixed_rate"] = Field(
        default="after_response", description="What the interval is counted from."
    )
    runs_in: Literal["event_loop", "thread", "process", "none"] = Field(
        default="event_loop", description="Where the loop runs: what can stop it."
    )
    attempts: Attempts = Field(default=1, description="Outer attempts of one renewal; each may retry inside (http).")
    backoff: Duration = Field(default=SECOND, description="Wait after the first failed outer attempt.")
    backoff_factor: float = Field(default=2.0, ge=1, le=100, description="Growth of that wait.")
    backoff_cap: PositiveDuration = Field(default=10 * SECOND, description="Longest such wait.")
    backoff_jitter: float = Field(default=0.0, ge=0, le=1, description="Jitter of that wait.")
    jitter_shape: Literal["uniform", "truncated_exponential"] = Field(
        default="uniform", description="Law of the back-off jitter on about [1 - jitter, 1 + jitter]."
    )
    retry_gone: StrictBool = Field(default=False, description="A definite 'gone' is retried like any other failure.")
    fence_after: Share = Field(default=1.0, description="Local deadline; a fraction is of `lease.ttl`.")
    fence_anchor: Literal["send", "recv", "loop_start", "giveup", "never"] = Field(
        default="never",
        description="What the local deadline is counted from; `giveup`: giving up is itself the deadline.",
    )
    on_lost: Literal["terminate", "continue", "rejoin", "suspend"] = Field(
        default="terminate", description="When the authority says the lease is gone, or the local deadline passes."
    )
    on_giveup: Literal["terminate", "continue", "rejoin", "suspend"] = Field(
        default="terminate", description="When all attempts of a renewal failed."
    )
    stop_delay: Distribution = Field(
        default_factory=lambda: constant(0), description="From the decision to stop to its delivery."
    )
    fencing: Literal["none", "token_available", "token_enforced"] = Field(
        default="none", description="Whether a resource refuses the writes of an old holder."
    )


class Http(Section):
    """The request layer inside one renewal attempt: time-outs and retries."""

    connect_timeout: PositiveDuration = Field(default=60 * SECOND, description="Longest wait for a connection.")
    read_timeout: PositiveDuration = Field(default=60 * SECOND, description="Longest wait for an answer.")
    connect_retries: StrictInt = Field(default=0, ge=0, le=100, description="More tries to connect below the retries.")
    connect_backoff: Duration = Field(default=500 * MILLISECOND, description="0, then this, doubling, between them.")
    max_retries: StrictInt = Field(default=0, ge=0, le=1000, description="More requests after a failed one.")
    backoff: Duration = Field(default=2 * SECOND, description="Wait after the first failed request.")
    backoff_factor: float = Field(default=2.0, ge=1, le=100, description="Growth of that wait.")
    backoff_cap: PositiveDuration = Field(default=HOUR, description="Longest such wait.")
    jitter: float = Field(default=0.0, ge=0, le=1, description="Jitter of that wait.")
    jitter_shape: Literal["uniform", "truncated_exponential"] = Field(
        default="uniform", description="Law of that jitter on about [1 - jitter, 1 + jitter]."
    )
    retry_codes: tuple[Annotated[StrictInt, Field(ge=100, le=599)], ...] = Field(
        default=(408, 429, 502, 503), description="Statuses that are retried."
    )
    retry_refused: StrictBool = Field(default=True, description="A refused connection is retried.")
    retry_reset: StrictBool = Field(default=True, description="A broken connection is retried.")
    retry_timeout: StrictBool = Field(default=True, description="A time-out is retried.")
    honour_retry_after: StrictBool = Field(default=True, description="Wait at least the answer's Retry-After.")
    sleep_after_last: StrictBool = Field(
        default=False, description="After the last retried status, back off once more."
    )


class Retry(Section):
    """The run's own retries of failed work, inside the lease."""

    probability: Probability = Field(default=0.0, description="An attempt at the work fails at its end.")
    attempts: StrictInt = Field(default=0, ge=0, le=1000, description="Retries a run may make.")
    delay: Distribution = Field(default_factory=lambda: constant(0), description="Wait before the next attempt.")
    lease: Literal["keep", "release"] = Field(
        default="keep", description="The wait keeps slot and lease, or frees both while the loop goes on renewing."
    )
    blocks: StrictBool = Field(
        default=False, description="The wait is one blocking call: a decided stop takes effect at its end."
    )


class Pause(Section):
    """A person pauses the run now and then."""

    rate: RatePerHour = Field(default=0.0, description="Pauses per hour of execution.")
    length: Distribution = Field(default_factory=lambda: constant(10 * MINUTE), description="How long.")
    lease: Literal["keep", "release"] = Field(default="keep", description="What the pause does to slot and lease.")


class Cancel(Section):
    """A person cancels the run."""

    rate: RatePerHour = Field(default=0.0, description="Cancellations per hour of execution.")
    lease: Literal["release", "orphan"] = Field(
        default="release", description="`orphan`: the counter is given back and the lease is left to expire."
    )


class Poisson(Section):
    """Runs arrive independently of each other."""

    kind: Literal["poisson"] = "poisson"
    rate: RatePerHour = Field(description="Arrivals per hour.")


class Times(Section):
    """Runs arrive at these times (also a recorded trace)."""

    kind: Literal["times"] = "times"
    times: tuple[Duration, ...] = Field(max_length=1_000_000, description="Arrival times.")


class Closed(Section):
    """A fixed number of clients, each with one run at a time."""

    kind: Literal["closed"] = "closed"
    clients: StrictInt = Field(ge=0, le=1_000_000, description="Clients.")
    think: Distribution = Field(
        default_factory=lambda: constant(0),
        description="From the end of a run to the client's next; also before the first.",
    )


class Backlog(Section):
    """There is always somebody waiting: each grant brings another run."""

    kind: Literal["backlog"] = "backlog"
    waiting: StrictInt = Field(ge=1, le=100_000, description="Runs that wait at any time.")


Arrivals = Annotated[Poisson | Times | Closed | Backlog, Field(discriminator="kind")]


class Runs(Section):
    """The runs: when they come, how long they work, what ends them early."""

    arrivals: Arrivals = Field(default_factory=lambda: Closed(clients=1), description="How runs arrive.")
    provisioning: Distribution = Field(
        default_factory=lambda: constant(0), description="From the grant to running; nobody renews meanwhile."
    )
    at_start: Literal["copy", "validate"] = Field(
        default="copy",
        description="Then: start with the lease unseen; or renew it for `initial_ttl`, get another, or be cancelled.",
    )
    work: Distribution = Field(default_factory=lambda: constant(HOUR), description="Execution time the work needs.")
    rerun: tuple[Literal["crashed", "terminated"], ...] = Field(
        default=(), description="Runs that start again from the beginning, with the same work."
    )
    rerun_after: Distribution = Field(default_factory=lambda: constant(0), description="Wait before they do.")
    crash_marked_after: Distribution | Literal["never"] = Field(
        default="never", description="A crashed run is found out and marked so late: then its slot is given back."
    )
    retry: Retry = Field(default_factory=Retry)
    pause: Pause = Field(default_factory=Pause)
    cancel: Cancel = Field(default_factory=Cancel)


class Hosts(Section):
    """The holders' machines; runs are spread over them in turn."""

    count: StrictInt = Field(default=1, ge=1, le=100_000, description="Machines.")
    monotonic_counts_suspend: StrictBool = Field(
        default=False, description="Whether the clock that timers wait on runs while the machine is suspended."
    )
    wall_offset: SignedDuration = Field(default=0, description="The server's wall clock against true time.")
    drift_ppm: float = Field(default=0.0, gt=-900_000, lt=900_000, description="Rate error of the holders' clocks.")
    server_drift_ppm: float = Field(
        default=0.0, gt=-900_000, lt=900_000, description="Rate error of the server's clock."
    )


class Bursts(Section):
    """Gilbert-Elliott loss: a link is good or bad for exponential times."""

    mean_good: PositiveDuration = Field(description="Mean length of a good spell.")
    mean_bad: PositiveDuration = Field(description="Mean length of a bad spell.")
    loss_good: Probability = Field(default=0.0, description="Loss of a message in a good spell.")
    loss_bad: Probability = Field(default=1.0, description="Loss of a message in a bad spell.")


class Network(Section):
    """The way between holders and authority, each leg by itself."""

    up: Distribution = Field(default_factory=lambda: constant(MILLISECOND), description="Latency of a request.")
    down: Distribution = Field(default_factory=lambda: constant(MILLISECOND), description="Latency of a reply.")
    loss_up: Probability = Field(default=0.0, description="A request is lost.")
    loss_down: Probability = Field(default=0.0, description="A reply is lost: the authority has acted all the same.")
    bursts: Bursts | None = Field(default=None, description="Bursts of loss, on top of the independent loss.")
    reconnect: Distribution = Field(
        default_factory=lambda: constant(0), description="After a wake the machine has no network for this long."
    )
    reconnect_mode: Literal["refuse", "black_hole"] = Field(
        default="refuse", description="How requests fail in that time."
    )
    on_suspend: Literal["reset", "black_hole", "keep"] = Field(
        default="reset", description="What a suspend does to requests in flight to another machine."
    )


def _faults(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Scenario(Section):
    """A world to simulate. See `sim.load`; change it with `with_`."""

    title: str = Field(default="", max_length=200, description="One line.")
    about: str = Field(default="", max_length=10_000, description="What the scenario shows.")
    duration: PositiveDuration = Field(default=24 * HOUR, description="Simulated time of one replication.")
    warmup: Duration = Field(default=0, description="Metrics leave this first part out.")
    starts_at: Duration = Field(default=9 * HOUR, description="Time of day at time zero, for daily faults and stories.")
    system: str = Field(
        default="",
        max_length=60,
        description="The system (leasesim list systems) whose own rules the settings must keep; empty: none's.",
    )
    limit: Limit = Field(default_factory=Limit)
    lease: Lease = Field(default_factory=Lease)
    server: Server = Field(default_factory=Server)
    renewal: Renewal = Field(default_factory=Renewal)
    http: Http = Field(default_factory=Http)
    runs: Runs = Field(default_factory=Runs)
    hosts: Hosts = Field(default_factory=Hosts)
    network: Network = Field(default_factory=Network)
    faults: Annotated[tuple[Fault, ...], BeforeValidator(_faults)] = Field(default=(), description="What goes wrong.")

    def with_(self, changes: Mapping[str, object]) -> Scenario:
        """Return this scenario with other values at dotted keys, ``with_({"lease.ttl": "10m"})``."""
        from sim.model.load import override

        return override(self, changes)

    @property
    def renew_every_ns(self) -> int:
        """The renewal interval in nanoseconds."""
        return min(resolve_share(self.renewal.every, self.lease.ttl), self.renewal.every_max)

    @property
    def initial_ttl_ns(self) -> int:
        """The lease duration at grant in nanoseconds."""
        return resolve_share(self.lease.initial_ttl, self.lease.ttl)

    @property
    def expiry_grace_ns(self) -> int:
        """The authority's grace after the ttl in nanoseconds."""
        grace = self.lease.expiry_grace
        return 0 if isinstance(grace, str) else resolve_share(grace, self.lease.ttl)

    @property
    def fence_after_ns(self) -> int:
        """The holder's local deadline in nanoseconds."""
        return resolve_share(self.renewal.fence_after, self.lease.ttl)


__all__ = ["Constant", "Fault", "Scenario", "Section"]
