"""What a scenario takes for granted, in sentences: for readers who were not there when it was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sim.model.distributions import Distribution
from sim.model.faults import Fault, When
from sim.model.fields import UNLIMITED
from sim.model.scenario import Backlog, Closed, Poisson, Scenario, Times
from sim.story.dangers import percent
from sim.story.laws import lengths_of
from sim.story.tolerances import quantile
from sim.story.words import length, plural
from sim.units import DAY, HOUR, MINUTE

_ENDLESS: Final = 3650 * DAY
_CHECKS: Final = {
    "timer": "at the instant they expire",
    "bucket": "at multiples of {}, rounded up",
    "sweep": "in a sweep every {}",
    "on_acquire": "only when another run asks for a slot",
}
_LATE: Final = {
    "reject": "is refused",
    "until_reaped": "is accepted until the lease is taken away",
    "if_untaken": "is accepted if the slot is still free",
    "resurrect": "is accepted all the same",
    "reject_locally": "is not even sent",
}
_LOSES: Final = {
    "terminate": "is stopped",
    "continue": "works on with a warning",
    "rejoin": "works on and asks for a new lease",
    "suspend": "stops working and waits",
}
_PLACES: Final = {"event_loop": "its own event loop", "thread": "a thread", "process": "a process of its own"}
_RESTARTS: Final = {
    "keep": "keeps every lease",
    "reset_full": "gives every lease its full term again",
    "reset_to": "gives every lease a new remaining term",
    "lost_free": "forgets every lease and frees the slots",
    "lost_leak": "forgets every lease, and the slots stay taken",
}
_DOES: Final = {
    "sleep": "suspended",
    "pause": "paused",
    "block": "blocked (its event loop)",
    "gil_block": "held up by the interpreter's lock",
    "crash": "gone at once, releasing nothing",
    "restart": "down",
    "outage": "cut off",
    "slow": "slow",
    "clock_step": "wrong about the time",
    "clock_drift": "at the wrong clock rate",
}
_WHOM: Final = {"hosts": "each machine", "runs": "each run", "server": "the server", "network": "the network"}


def assumptions(scenario: Scenario) -> list[str]:
    """Return what is assumed about runs, leases, renewals, the network and the faults."""
    parts = (_population, _work, _lease, _renewal, _requests, _network, _server, _faults, _time)
    return [sentence for part in parts for sentence in part(scenario)]


def _population(scenario: Scenario) -> Iterator[str]:
    limit, hosts = scenario.limit, scenario.hosts.count
    full = {
        "enqueue": f"asks again after {spread(limit.poll)}",
        "cancel_new": "is cancelled",
        "watch": "waits to be woken in turn",
    }[limit.collision]
    match scenario.runs.arrivals:
        case Poisson(rate=rate):
            who = f"Runs arrive independently, {rate:g} an hour on average"
        case Times(times=times):
            who = f"{plural(len(times), 'run')} arrive at set times"
        case Closed(clients=clients):
            who = f"{plural(clients, 'client')} with one run at a time"
        case Backlog(waiting=waiting):
            who = f"There are always {waiting} runs waiting"
    yield f"{who}, on {plural(hosts, 'machine')}, for {plural(limit.slots, 'slot')}. A run that finds none {full}."


def _work(scenario: Scenario) -> Iterator[str]:
    runs = scenario.runs
    begin = "at once" if not quantile(runs.provisioning, 0.99) else f"{spread(runs.provisioning)} after the grant"
    yield f"A run starts {begin} and works for {spread(runs.work)}."
    if runs.rerun:
        yield f"A run that {' or was '.join(runs.rerun)} starts again from the beginning."


def _lease(scenario: Scenario) -> Iterator[str]:
    lease = scenario.lease
    grant = f" ({length(scenario.initial_ttl_ns)} at the grant)" if scenario.initial_ttl_ns != lease.ttl else ""
    grace = f", and {length(scenario.expiry_grace_ns)} of grace" if scenario.expiry_grace_ns else ""
    check = _CHECKS[lease.expiry_check].format(length(lease.sweep_interval))
    yield f"A renewal makes a lease good for {length(lease.ttl)}{grant}{grace}. Expired leases are found {check}."
    yield f"A renewal that comes after expiry {_LATE[lease.late_renew]}."
    if lease.books == "counter":
        yield "The slots in use are a number of their own, which nothing compares with the leases."


def _renewal(scenario: Scenario) -> Iterator[str]:
    renewal = scenario.renewal
    if renewal.runs_in == "none":
        yield "Nobody renews."
        return
    yield f"A run renews {length(scenario.renew_every_ns)} after the renewal before, from {_PLACES[renewal.runs_in]}."
    lost, gave_up = _LOSES[renewal.on_lost], _LOSES[renewal.on_giveup]
    yield f"A run that is told its lease is gone {lost}; one whose tries to renew all failed {gave_up}."


def _requests(scenario: Scenario) -> Iterator[str]:
    http, attempts = scenario.http, scenario.renewal.attempts
    tries = "without end" if attempts >= UNLIMITED else _times(attempts)
    again = f", each time with up to {http.max_retries} more requests" if http.max_retries else ""
    connect, read = length(http.connect_timeout), length(http.read_timeout)
    yield f"A renewal is attempted {tries}{again}."
    yield f"A request is given up after {connect} without a connection or {read} without an answer."


def _network(scenario: Scenario) -> Iterator[str]:
    network = scenario.network
    yield f"A request takes {spread(network.up)} on its way, a reply {spread(network.down)}."
    if network.loss_up or network.loss_down:
        yield f"Lost are {percent(network.loss_up)} of the requests and {percent(network.loss_down)} of the replies."
    if network.bursts is not None:
        yield "Besides, messages are lost in bursts."


def _server(scenario: Scenario) -> Iterator[str]:
    server = scenario.server
    where = (
        "on a machine of its own" if server.host == "own" else "on the first machine of the runs, and sleeps with it"
    )
    many = f" in {server.replicas} replicas" if server.replicas > 1 else ""
    restart = _RESTARTS[scenario.lease.on_restart]
    yield f"The server runs{many} {where}; leases live in {server.storage}; a restart {restart}."
    if server.error_probability:
        yield f"It answers {percent(server.error_probability)} of the requests with status {server.error_status}."


def _faults(scenario: Scenario) -> Iterator[str]:
    if not scenario.faults:
        yield "Nothing fails: the scenario has no faults."
    for fault in scenario.faults:
        yield f"Fault '{fault.name}': {fault_in_words(fault)}"


def fault_in_words(fault: Fault) -> str:
    """Return what one fault does, how often and for how long, as a sentence."""
    mode = f" ({fault.mode.replace('_', ' ')})" if fault.what == "outage" else ""
    factor = f" by a factor of {fault.factor:g}" if fault.what == "slow" and fault.factor != 1 else ""
    chance = f", each time with a chance of {percent(fault.probability)}" if fault.probability < 1 else ""
    long = "" if fault.what in ("crash", "clock_step") else f", for {spread(lengths_of(fault))}"
    return f"{_WHOM[fault.whom]} is {_DOES[fault.what]}{mode}{factor} {_often(fault.when)}{chance}{long}."


def _often(when: When) -> str:
    if when.rate is not None:
        often = (
            f"{_times(when.rate)} an hour" if when.rate >= 0.1 or not when.rate else f"{_times(when.rate * 24)} a day"
        )
        return f"{often} on average"
    if when.daily is not None:
        return f"every day at {', '.join(map(_clock, when.daily))}"
    if when.trace is not None:
        return f"as recorded ({plural(len(when.trace), 'time')})"
    return f"{plural(len(when.times or ()), 'time')}, at set times"


def _times(count: float) -> str:
    return "once" if count == 1 else f"{count:.3g} times"


def _clock(since_midnight: int) -> str:
    hours, rest = divmod(since_midnight, HOUR)
    return f"{hours:02d}:{rest // MINUTE:02d}"


def _time(scenario: Scenario) -> Iterator[str]:
    without = f", of which the first {length(scenario.warmup)} do not count" if scenario.warmup else ""
    yield f"A replication is {length(scenario.duration)} of simulated time{without}."


def spread(distribution: Distribution) -> str:
    """Return a distribution by its middle and its far end: ``"a median of 15m (99 % below 2h)"``."""
    middle, far = quantile(distribution, 0.5), quantile(distribution, 0.99)
    if middle == far:
        return length(middle) if middle < _ENDLESS else "as long as it may"
    return f"a median of {length(middle)} (99 % below {length(far)})"
