"""The scenario's parameters, one by one, as the words and numbers of the kernel's header."""

from __future__ import annotations

from sim import samplers
from sim.engines.kernel import layout as at
from sim.engines.kernel import lower as how
from sim.engines.kernel.lower import Tables
from sim.model.crowd import rows_at_one_instant_max
from sim.model.distributions import Mixture
from sim.model.scenario import Poisson, Scenario
from sim.units import SECOND
from sim.vocabulary import Outcome


def words(s: Scenario, tables: Tables) -> dict[int, int]:
    """Return every whole-number parameter by its address."""
    return (
        how.arrivals(s, tables)
        | _authority(s, tables)
        | _renewal(s, tables)
        | _http(s, tables)
        | _runs(s, tables)
        | _network(s, tables)
    )


def _authority(s: Scenario, tables: Tables) -> dict[int, int]:
    lease, limit, server = s.lease, s.limit, s.server
    return {
        at.SLOTS: limit.slots,
        at.COLLISION: how._COLLISIONS[limit.collision],
        at.POLL: tables.law(limit.poll),
        at.FIFO: limit.fifo,
        at.TELLS_RETRY_AFTER: limit.retry_after != "none",
        at.COUNTS_DENIALS: limit.denied_slots,
        at.USES_COUNTER: lease.books == "counter",
        at.RELEASE_FALLBACK: lease.release_fallback,
        at.TTL: lease.ttl,
        at.INITIAL_TTL: s.initial_ttl_ns,
        at.GRACE: s.expiry_grace_ns,
        at.EXPIRY_CHECK: how._CHECKS[lease.expiry_check],
        at.SWEEP_INTERVAL: lease.sweep_interval,
        at.SWEEP_BATCH: lease.sweep_batch,
        at.SWEEP_WAKEUP: lease.sweep_wakeup,
        at.SWEEP_PHASE: how.sweep_phase(lease.sweep_phase),
        at.SWEEP_REVOKE: tables.law(lease.sweep_revoke),
        at.SWEEP_RECHECK: lease.sweep_recheck,
        at.LATE_RENEW: how._LATE[lease.late_renew],
        at.REUSE_DELAY: lease.reuse_delay,
        at.CONTENDER: lease.judge == "contender",
        at.ON_RESTART: how._RESTARTS[lease.on_restart],
        at.RESTART_TTL: lease.restart_ttl,
        at.RESTART_QUIET: lease.restart_quiet,
        at.SHARED: server.host == "shared",
        at.REPLICAS: server.replicas if server.storage == "memory" else 1,
        at.STICKY: server.sticky,
        at.REQUESTS_MAX: server.requests_max,
        at.CONNECTIONS_PER_RUN: server.connections_per_run,
        at.SERVICE: tables.law(server.service),
        at.ERRS: server.error_probability > 0,
        at.ERROR_STATUS: server.error_status,
        at.ERROR_RETRY_AFTER: server.error_retry_after,
    }


def _renewal(s: Scenario, tables: Tables) -> dict[int, int]:
    renewal = s.renewal
    return {
        at.EVERY: s.renew_every_ns,
        at.EVERY_JITTERED: renewal.jitter != (1.0, 1.0),
        at.FIRST_AT_ONCE: renewal.first == "immediate",
        at.CADENCE: how._CADENCES[renewal.cadence],
        at.RUNS_IN: how._PLACES[renewal.runs_in],
        at.ATTEMPTS: renewal.attempts,
        at.LOOP_BACKOFF: renewal.backoff,
        at.LOOP_BACKOFF_CAP: renewal.backoff_cap,
        at.LOOP_JITTERED: renewal.backoff_jitter > 0,
        at.LOOP_SHAPE: how._SHAPES[renewal.jitter_shape],
        at.RETRY_GONE: renewal.retry_gone,
        at.FENCE_AFTER: s.fence_after_ns,
        at.FENCE_ANCHOR: how._ANCHORS[renewal.fence_anchor],
        at.ON_LOST: how._ENDS[renewal.on_lost],
        at.ON_GIVEUP: how._ENDS[renewal.on_giveup],
        at.STOP_DELAY: tables.law(renewal.stop_delay),
    }


def _http(s: Scenario, tables: Tables) -> dict[int, int]:
    http = s.http
    return {
        at.CONNECT_TIMEOUT: http.connect_timeout,
        at.READ_TIMEOUT: http.read_timeout,
        at.CONNECT_RETRIES: http.connect_retries,
        at.CONNECT_BACKOFF: http.connect_backoff,
        at.MAX_RETRIES: http.max_retries,
        at.HTTP_BACKOFF: http.backoff,
        at.HTTP_BACKOFF_CAP: http.backoff_cap,
        at.HTTP_JITTERED: http.jitter > 0,
        at.HTTP_SHAPE: how._SHAPES[http.jitter_shape],
        at.RETRY_CODES: tables.table([int(code in http.retry_codes) for code in range(400, 600)]),
        at.RETRY_REFUSED: http.retry_refused,
        at.RETRY_RESET: http.retry_reset,
        at.RETRY_TIMEOUT: http.retry_timeout,
        at.HONOUR_RETRY_AFTER: http.honour_retry_after,
        at.SLEEP_AFTER_LAST: http.sleep_after_last,
    }


def _runs(s: Scenario, tables: Tables) -> dict[int, int]:
    runs = s.runs
    return {
        at.PROVISIONING: tables.law(runs.provisioning),
        at.VALIDATES: runs.at_start == "validate",
        at.WORK: tables.law(runs.work),
        at.RERUN_CRASHED: "crashed" in runs.rerun,
        at.RERUN_TERMINATED: "terminated" in runs.rerun,
        at.RERUN_AFTER: tables.law(runs.rerun_after),
        at.FAIL_ATTEMPTS: runs.retry.attempts,
        at.FAIL_DELAY: tables.law(runs.retry.delay),
        at.FAIL_RELEASES: runs.retry.lease == "release",
        at.FAIL_BLOCKS: runs.retry.blocks,
        at.PAUSES: runs.pause.rate > 0,
        at.PAUSE_LENGTH: tables.law(runs.pause.length),
        at.PAUSE_RELEASES: runs.pause.lease == "release",
        at.CANCELS: runs.cancel.rate > 0,
        at.CANCEL_ORPHANS: runs.cancel.lease == "orphan",
        at.MARKS_CRASHES: not isinstance(runs.crash_marked_after, str),
        at.CRASH_MARK: 0 if isinstance(runs.crash_marked_after, str) else tables.law(runs.crash_marked_after),
    }


def _network(s: Scenario, tables: Tables) -> dict[int, int]:
    network, bursts = s.network, s.network.bursts
    up, down = tables.law(network.up), tables.law(network.down)
    plain = network.loss_up == 0 and network.loss_down == 0 and bursts is None
    constant = tables.words[up] == tables.words[down] == samplers.CONSTANT
    refuses = network.reconnect_mode == "refuse"
    return {
        at.HOST_COUNT: s.hosts.count,
        at.COUNTS_SUSPEND: s.hosts.monotonic_counts_suspend,
        at.HOST_PPB: round(s.hosts.drift_ppm * 1000),
        at.STARTS_AT: s.starts_at,
        at.INSTANT_MAX: rows_at_one_instant_max(s),
        at.UP: up,
        at.DOWN_LEG: down,
        at.PLAIN: plain,
        at.CONSTANT_LEGS: plain and constant,
        at.MIXED_LEGS: isinstance(network.up, Mixture) or isinstance(network.down, Mixture),
        at.BURSTS: bursts is not None,
        at.MEAN_GOOD: bursts.mean_good if bursts else 0,
        at.MEAN_BAD: bursts.mean_bad if bursts else 0,
        at.RECONNECT: tables.law(network.reconnect),
        at.RECONNECT_OUTCOME: int(Outcome.REFUSED if refuses else Outcome.CONNECT_TIMEOUT),
        at.ON_SUSPEND: how._SUSPENDS[network.on_suspend],
    }


def numbers(s: Scenario) -> dict[int, float]:
    """Return every other parameter by its address."""
    limit, renewal, http, network, bursts = s.limit, s.renewal, s.http, s.network, s.network.bursts
    how_runs_arrive = s.runs.arrivals
    return {
        at.AVERAGE_OCCUPANCY: limit.average_occupancy / SECOND,
        at.OCCUPANCY_FLOOR: limit.occupancy_floor / SECOND,
        at.RETRY_AFTER_CAP: limit.retry_after_cap / SECOND,
        at.RETRY_AFTER_JITTER: limit.retry_after_jitter,
        at.DECAY_PER_SECOND: limit.slot_decay_per_second,
        at.ERROR_PROBABILITY: s.server.error_probability,
        at.JITTER_LOW: renewal.jitter[0],
        at.JITTER_HIGH: renewal.jitter[1],
        at.LOOP_FACTOR: renewal.backoff_factor,
        at.LOOP_JITTER: renewal.backoff_jitter,
        at.HTTP_FACTOR: http.backoff_factor,
        at.HTTP_JITTER: http.jitter,
        at.FAIL_PROBABILITY: s.runs.retry.probability,
        at.PAUSE_RATE: s.runs.pause.rate,
        at.CANCEL_RATE: s.runs.cancel.rate,
        at.ARRIVAL_RATE: how_runs_arrive.rate if isinstance(how_runs_arrive, Poisson) else 0.0,
        at.LOSS_UP: network.loss_up,
        at.LOSS_DOWN: network.loss_down,
        at.BURST_SHARE: bursts.mean_good / (bursts.mean_good + bursts.mean_bad) if bursts else 1.0,
        at.LOSS_GOOD: bursts.loss_good if bursts else 0.0,
        at.LOSS_BAD: bursts.loss_bad if bursts else 0.0,
    }
