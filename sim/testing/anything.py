"""Hypothesis strategies: scenarios over the whole schema, small enough to run by the hundred, degenerate ones too.

For the simulator itself and for plug-ins: every key, contradictions mended. `sim.testing.scenarios` builds on it.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from sim.model.faults import MAY_HIT
from sim.model.relations import contradictions
from sim.model.scenario import Scenario
from sim.units import format_duration, parse_duration

Raw = dict[str, Any]
Strategy = st.SearchStrategy[Any]


def one(*values: Any) -> Strategy:
    """One of these values."""
    return st.sampled_from(values)


def durations(low: str, high: str) -> st.SearchStrategy[str]:
    """Durations on a coarse grid, so that ties happen."""
    first = parse_duration(low)
    step = max(1, (parse_duration(high) - first) // 20)
    return st.integers(0, 20).map(lambda n: format_duration(first + n * step))


def distributions(low: str, high: str) -> Strategy:
    """Distributions whose bulk lies between two durations; often a constant."""
    value = durations(low, high)
    positive = value.filter(lambda text: text != "0s")
    simple = st.one_of(
        value,
        st.builds(lambda mean: {"kind": "exponential", "mean": mean}, value),
        st.builds(lambda m, s: {"kind": "lognormal", "median": m, "sigma": s}, positive, one(0.0, 0.5, 1.5)),
        st.builds(lambda m: {"kind": "lognormal", "median": m, "p99": high}, positive),
        st.builds(lambda low: {"kind": "uniform", "low": low, "high": high}, value),
        st.builds(lambda m, a: {"kind": "pareto", "minimum": m, "alpha": a}, positive, one(0.9, 2.5)),
        st.builds(lambda m, k: {"kind": "weibull", "scale": m, "shape": k}, positive, one(0.8, 3.0)),
        st.builds(lambda m, sd: {"kind": "normal", "mean": m, "sd": sd}, value, value),
        st.builds(lambda values: {"kind": "empirical", "values": values}, st.lists(value, min_size=1, max_size=3)),
    )
    mixture = st.builds(
        lambda a, b: {"kind": "mixture", "parts": [{"weight": 1.0, "of": a}, {"weight": 0.5, "of": b}]}, simple, simple
    )
    return st.one_of(value, simple, mixture)


def table(**fields: Strategy) -> Strategy:
    """A table in which each field may stand or not."""
    return st.fixed_dictionaries({}, optional=fields)


RATES = one("0/h", "1/h", "6/h", "30/h", "120/h")
CHANCES = one(0.0, 0.05, 0.5, 1.0)
SHARES = st.one_of(one(0.2, 0.5, 0.75, 0.9, 1.0, 1.2), durations("5s", "3m"))
ENDS = one("terminate", "continue", "rejoin", "suspend")
SHAPES = one("uniform", "truncated_exponential")

CLIENTS = st.one_of(st.integers(0, 5), st.integers(0, 5), st.just(40))
ARRIVALS = st.one_of(
    st.builds(lambda n, t: {"kind": "closed", "clients": n, "think": t}, CLIENTS, distributions("0s", "2m")),
    st.builds(lambda rate: {"kind": "poisson", "rate": rate}, RATES),
    st.builds(lambda times: {"kind": "times", "times": times}, st.lists(durations("0s", "30m"), max_size=5)),
    st.builds(lambda n: {"kind": "backlog", "waiting": n}, one(1, 2, 3, 30)),
)
LIMIT = table(
    slots=st.one_of(st.integers(0, 3), st.just(40)),
    collision=one("enqueue", "cancel_new", "watch"),
    poll=distributions("5s", "45s"),
    fifo=st.booleans(),
    retry_after=one("none", "occupancy"),
    retry_after_cap=one("30s", "10m"),
    denied_slots=st.booleans(),
    retry_after_jitter=one(0.0, 0.3),
    average_occupancy=durations("1s", "10s"),
    occupancy_floor=one("0s", "100ms", "2s"),
    slot_decay_per_second=one(0.0, 0.01, 0.3),
)
LEASE = table(
    ttl=durations("20s", "3m"),
    initial_ttl=SHARES,
    expiry_grace=st.one_of(st.just("none"), SHARES),
    expiry_check=one("timer", "sweep", "bucket", "on_acquire"),
    sweep_interval=durations("2s", "30s"),
    sweep_batch=one(1, 100),
    sweep_phase=one("random", "start", "0s", "7s", "50s"),
    sweep_wakeup=durations("0s", "2s"),
    sweep_revoke=st.one_of(st.just("0s"), distributions("0s", "1s"), durations("0s", "1m")),
    sweep_recheck=st.booleans(),
    late_renew=one("reject", "until_reaped", "if_untaken", "resurrect", "reject_locally"),
    reuse_delay=one("0s", "15s"),
    judge=one("authority", "authority", "contender"),
    on_restart=one("keep", "reset_full", "reset_to", "lost_free", "lost_leak"),
    restart_ttl=one("40s", "5s"),
    restart_quiet=one("0s", "20s"),
    books=one("leases", "counter"),
    release_fallback=st.booleans(),
)
SERVER = table(
    host=one("own", "shared"),
    replicas=one(1, 3),
    storage=one("memory", "redis"),
    sticky=st.booleans(),
    service=distributions("0s", "200ms"),
    requests_max=one("unlimited", "unlimited", 1, 2, 4),
    connections_per_run=one(0, 1, 2),
    error_probability=one(0.0, 0.2),
    error_status=one(500, 503),
    error_retry_after=one("0s", "3s"),
)
RENEWAL = table(
    every=SHARES,
    every_max=one("forever", "40s"),
    jitter=one([1.0, 1.0], [0.8, 1.2]),
    first=one("immediate", "after_interval"),
    cadence=one("after_response", "after_send", "fixed_rate"),
    runs_in=one("event_loop", "thread", "process", "none"),
    attempts=one(1, 3, "unlimited"),
    backoff=durations("500ms", "5s"),
    backoff_factor=one(1.0, 2.0, 3.5),
    backoff_cap=one("1s", "10s", "2m"),
    backoff_jitter=one(0.0, 0.3),
    jitter_shape=SHAPES,
    retry_gone=st.booleans(),
    fence_after=SHARES,
    fence_anchor=one("never", "send", "recv", "loop_start", "giveup"),
    on_lost=ENDS,
    on_giveup=ENDS,
    stop_delay=distributions("0s", "10s"),
    fencing=one("none", "token_enforced"),
)
HTTP = table(
    connect_timeout=durations("1s", "30s"),
    read_timeout=durations("1s", "30s"),
    connect_retries=one(0, 3),
    connect_backoff=one("0s", "500ms", "3s"),
    max_retries=one(0, 2, 5),
    backoff=durations("0s", "4s"),
    backoff_factor=one(1.0, 2.0, 3.5),
    backoff_cap=one("3s", "1h"),
    retry_codes=one([], [500], [429, 503], [500, 502, 503]),
    jitter=one(0.0, 0.2),
    jitter_shape=SHAPES,
    retry_refused=st.booleans(),
    retry_reset=st.booleans(),
    retry_timeout=st.booleans(),
    honour_retry_after=st.booleans(),
    sleep_after_last=st.booleans(),
)
RUNS = table(
    arrivals=ARRIVALS,
    provisioning=distributions("0s", "1m"),
    at_start=one("copy", "validate"),
    work=distributions("0s", "20m"),
    rerun=one([], ["crashed"], ["crashed", "terminated"]),
    rerun_after=distributions("1s", "30s"),
    crash_marked_after=st.one_of(st.just("never"), distributions("0s", "9m")),
    retry=table(
        probability=CHANCES,
        attempts=st.integers(0, 2),
        delay=distributions("0s", "5m"),
        lease=one("keep", "release"),
        blocks=st.booleans(),
    ),
    pause=table(rate=RATES, length=distributions("1s", "4m"), lease=one("keep", "release")),
    cancel=table(rate=RATES, lease=one("release", "orphan")),
)
HOSTS = table(
    count=one(1, 2, 3, 50),
    monotonic_counts_suspend=st.booleans(),
    wall_offset=one("0s", "7s", "-3s"),
    drift_ppm=one(0.0, 100.0, -50_000.0),
    server_drift_ppm=one(0.0, 40_000.0),
)
NETWORK = table(
    up=distributions("0s", "300ms"),
    down=distributions("0s", "300ms"),
    loss_up=CHANCES,
    loss_down=CHANCES,
    bursts=st.fixed_dictionaries(
        {
            "mean_good": durations("10s", "5m"),
            "mean_bad": durations("1s", "1m"),
            "loss_good": CHANCES,
            "loss_bad": CHANCES,
        }
    ),
    reconnect=distributions("0s", "20s"),
    reconnect_mode=one("refuse", "black_hole"),
    on_suspend=one("reset", "black_hole", "keep"),
)


def whens(for_runs: bool) -> Strategy:
    """Times of a fault."""
    at = durations("0s", "40m")
    ways = [
        RATES,
        st.lists(at, max_size=3).map(lambda times: {"times": times}),
        st.lists(st.tuples(at, durations("0s", "5m")).map(list), max_size=3).map(lambda trace: {"trace": trace}),
    ]
    if not for_runs:
        ways.append(st.lists(durations("9h", "9h40m"), min_size=1, max_size=2).map(lambda times: {"daily": times}))
    return st.one_of(ways)


@st.composite
def faults(draw: st.DrawFn, number: int) -> Raw:
    """One fault of any kind, on anybody whom it can hit."""
    what = draw(one(*sorted(MAY_HIT)))
    whom = draw(one(*MAY_HIT[what]))
    details = table(
        length=distributions("0s", "8m"),
        probability=one(1.0, 0.5, 0.0),
        mode=one("refuse", "reset", "black_hole", "error", "stall"),
        status=one(429, 500, 503),
        factor=one(1.0, 0.5, 50.0),
        add=durations("0s", "20s"),
        step=one("-2m", "-1s", "0s", "30s", "5m"),
        ppm=one(-100_000.0, 0.0, 50.0, 200_000.0),
        only=st.just([0]),
    )
    when = draw(whens(whom == "runs"))
    return {"name": f"fault_{number}", "what": what, "whom": whom, "when": when, **draw(details)}


@st.composite
def raw_scenarios(draw: st.DrawFn) -> Raw:
    """The tables of a scenario file over the whole schema."""
    tables = st.fixed_dictionaries(
        {"duration": durations("5m", "1h")},
        optional={
            "warmup": durations("0s", "10m"),
            "starts_at": one("0s", "9h", "23h50m"),
            "limit": LIMIT,
            "lease": LEASE,
            "server": SERVER,
            "renewal": RENEWAL,
            "http": HTTP,
            "runs": RUNS,
            "hosts": HOSTS,
            "network": NETWORK,
        },
    )
    raw = draw(tables)
    raw["faults"] = [draw(faults(n)) for n in range(draw(st.integers(0, 4)))]
    return mended(raw)


def mended(raw: Raw) -> Raw:
    """Settle what contradicts itself, so that few drawn scenarios are wasted."""
    lease, limit = raw.setdefault("lease", {}), raw.setdefault("limit", {})
    if lease.get("books") != "counter":
        lease.pop("release_fallback", None)
        limit.pop("slot_decay_per_second", None)
        raw.get("runs", {}).get("cancel", {}).pop("lease", None)
        if lease.get("on_restart") == "lost_leak":
            lease["on_restart"] = "lost_free"
    if lease.get("judge") == "contender":
        lease["expiry_check"], limit["collision"] = "on_acquire", "enqueue"
    if (
        raw.get("renewal", {}).get("fence_anchor") not in ("send", "recv")
        and lease.get("late_renew") == "reject_locally"
    ):
        lease["late_renew"] = "reject"
    if lease.get("on_restart", "").startswith("reset"):
        raw.get("server", {}).pop("replicas", None)
    if raw.get("server", {}).get("host") == "shared":
        raw["faults"] = [f for f in raw["faults"] if (f["what"], f["whom"]) != ("sleep", "server")]
    return raw


def scenarios() -> st.SearchStrategy[Scenario]:
    """Valid scenarios over the whole schema."""
    return raw_scenarios().map(Scenario.model_validate).filter(lambda s: not contradictions(s))
