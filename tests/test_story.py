"""The stories of replications, hand-built and simulated, and the closed-form tolerances behind them."""

from __future__ import annotations

from typing import Any

import pytest

from sim import engines
from sim.extremes.worst import struck
from sim.model.load import load
from sim.model.scenario import Scenario
from sim.story import dangers, tell, tolerances, worst_moment
from sim.story.assumptions import fault_in_words
from sim.story.bounds import bounds
from sim.story.patience import FAILURES, patience
from sim.story.reader import read
from sim.story.reading import Span, count_spans
from sim.story.tolerances import Tolerances, quantile, share_longer
from sim.story.wall import Wall
from sim.story.words import length, time_of_day
from sim.trace import Trace
from sim.units import DAY, FOREVER, HOUR, MILLISECOND, MINUTE, SECOND
from sim.vocabulary import Halt, How, Kind, Loss, Outcome, Truth

Run = tuple[int, int]
NOBODY: Run = (-1, -1)


def scenario(**tables) -> Scenario:
    data = {"duration": "4h", "runs": {"arrivals": {"kind": "closed", "clients": 3}}, "hosts": {"count": 2}}
    return Scenario.model_validate({**data, **tables})


def at(hour: int, minute: int, second: float = 0) -> int:
    """Simulated time of a time of day, where the simulation starts at nine."""
    return (hour - 9) * HOUR + minute * MINUTE + round(second * SECOND)


class Script:
    """Writes a trace by hand."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int, int, int, int]] = []
        self.requests = 0

    def __call__(self, time, kind, run=NOBODY, number=-1, lease=-1, value=0):
        self.rows.append((time, int(kind), *run, int(number), lease, int(value)))

    def arrive(self, time, run, work=HOUR):
        self(time, Kind.ARRIVE, run, value=work)

    def start(self, time, run, lease, in_use, provisioning=0):
        self(time, Kind.GRANT, run, 0, lease, in_use)
        self(time, Kind.HOLD, run, lease=lease)
        self(time + provisioning, Kind.START, run, lease=lease)

    def renew(self, time, run, lease, outcome=Outcome.OK, took=0, arrives=True):
        self.requests += 1
        self(time, Kind.SEND, run, self.requests, lease)
        if arrives:
            self(time, Kind.RENEWED, run, self.requests, lease, time + 5 * MINUTE)
        self(time + took, Kind.ANSWER, run, self.requests, lease, outcome)

    def fail(self, time, run, lease, outcome, took=0):
        self.renew(time, run, lease, outcome, took, arrives=False)

    def stop(self, time, run, lease, loss=Loss.REVOKED, truth=Truth.REASSIGNED):
        self(time, Kind.LOST, run, loss, lease, truth)
        self(time, Kind.STOP, run, loss)

    def trace(self, end=4 * HOUR) -> Trace:
        return Trace(sorted(self.rows, key=lambda row: row[0]), end)


SLEEP = {"what": "sleep", "when": "1/d", "length": "8m12s"}
SLEEPER, WAITER = (0, 3), (1, 0)


def slept() -> Script:
    """A laptop sleeps through its lease, another run gets the slot, both execute for 3m12s."""
    script = Script()
    script.arrive(at(10, 40), SLEEPER, work=3 * HOUR)
    script.start(at(10, 40), SLEEPER, lease=7, in_use=1)
    script.renew(at(10, 56), SLEEPER, 7)
    script.renew(at(11, 0), SLEEPER, 7)
    script.arrive(at(10, 50), WAITER)
    script(at(11, 2, 10), Kind.FAULT_BEGIN, (0, -1), 0, value=8 * MINUTE + 12 * SECOND)
    script(at(11, 2, 10), Kind.HALT, SLEEPER, Halt.HOST)
    script(at(11, 5, 12), Kind.SWEEP, number=1)
    script(at(11, 5, 12), Kind.REAP, SLEEPER, How.SWEEP, 7, 0)
    script.start(at(11, 5, 49), WAITER, lease=8, in_use=1)
    script(at(11, 10, 22), Kind.FAULT_END, (0, -1), 0)
    script(at(11, 10, 22), Kind.GO, SLEEPER, Halt.HOST)
    for second in (50, 55, 58):
        script.fail(at(11, 12, second), SLEEPER, 7, Outcome.REFUSED)
    script.fail(at(11, 13, 34), SLEEPER, 7, Outcome.GONE)
    script.stop(at(11, 13, 34), SLEEPER, 7)
    script(at(11, 13, 35), Kind.RELEASE, SLEEPER, 99, -1, 1)
    return script


def told(script: Script, **tables) -> str:
    return "\n".join(tell(scenario(**tables), script.trace()))


# ------------------------------------------------------------------------- reading


def test_a_trace_reads_into_intervals():
    reading = read(scenario(faults=(SLEEP,)), slept().trace())
    life = reading.lives[SLEEPER]
    assert life.executing == [Span(at(10, 40), at(11, 2, 10)), Span(at(11, 10, 22), at(11, 13, 34))]
    assert life.believing == [Span(at(10, 40), at(11, 13, 34))]
    assert life.halted == [(Span(at(11, 2, 10), at(11, 10, 22)), Halt.HOST)]
    assert [tried.outcome for tried in life.tries] == [0, 0, 4, 4, 4, 1]
    assert reading.lives[WAITER].waiting == [Span(at(10, 50), at(11, 5, 49))]
    first, second = reading.tenures
    assert (first.expiry_ns, first.stopped_ns, first.how) == (at(11, 5), at(11, 5, 12), How.SWEEP)
    assert (second.expiry_ns, second.stopped_ns) == (at(11, 10, 49), None)
    (excess,) = reading.excesses
    assert excess.span == (at(11, 10, 22), at(11, 13, 34))
    assert excess.integral_ns == 192 * SECOND
    assert [strike.span.length_ns for strike in reading.strikes] == [492 * SECOND]


def test_what_never_ends_lasts_to_the_end_of_the_trace():
    script = Script()
    script.arrive(0, (0, 0))
    script.start(MINUTE, (0, 0), lease=0, in_use=1, provisioning=SECOND)
    script(2 * MINUTE, Kind.FAULT_BEGIN, (0, -1), 0, value=FOREVER)
    life = read(scenario(faults=(SLEEP,)), script.trace(end=HOUR)).lives[0, 0]
    assert life.executing == [Span(MINUTE + SECOND, HOUR)]
    assert life.provisioning == [Span(MINUTE, MINUTE + SECOND)]
    assert life.ended is None


def test_counting_spans_ends_one_before_it_begins_the_next():
    steps = count_spans([Span(0, 10), Span(10, 20), Span(5, 10)])
    assert list(steps.pieces(30)) == [(Span(0, 5), 1), (Span(5, 10), 2), (Span(10, 20), 1), (Span(20, 30), 0)]


@pytest.mark.parametrize(
    ("rules", "expiry"),
    [
        ({"ttl": "5m"}, 5 * MINUTE),
        ({"ttl": "5m", "expiry_grace": "10s"}, 5 * MINUTE + 10 * SECOND),
        ({"ttl": "5m", "initial_ttl": "1m"}, MINUTE),
        ({"ttl": "100s", "expiry_check": "bucket", "sweep_interval": "30s"}, 120 * SECOND),
    ],
)
def test_the_expiry_of_a_grant_follows_the_rules_of_the_lease(rules, expiry):
    script = Script()
    script.start(0, (0, 0), lease=0, in_use=1)
    (tenure,) = read(scenario(lease=rules), script.trace()).tenures
    assert tenure.expiry_ns == expiry


def test_the_wall_clock_follows_offset_steps_and_drift():
    step = {"what": "clock_step", "when": "1/d", "step": "30s"}
    drift = {"what": "clock_drift", "whom": "server", "when": "1/d", "ppm": 500_000.0}
    script = Script()
    script(HOUR, Kind.FAULT_BEGIN, (0, -1), 0)
    script(HOUR, Kind.FAULT_END, (0, -1), 0)
    script(2 * HOUR, Kind.FAULT_BEGIN, (0, -1), 1, value=10 * SECOND)
    script(2 * HOUR + 10 * SECOND, Kind.FAULT_END, (0, -1), 1)
    wall = Wall(scenario(faults=(step, drift), hosts={"wall_offset": "5s"}), script.trace())
    assert wall.at(0) == 5 * SECOND
    assert wall.at(HOUR) == HOUR + 35 * SECOND
    assert wall.at(2 * HOUR + 10 * SECOND) == 2 * HOUR + 50 * SECOND
    assert wall.when(HOUR + 20 * SECOND, 0) == HOUR, "the step jumps over it"
    assert wall.when(2 * HOUR + 50 * SECOND, 0) == 2 * HOUR + 10 * SECOND


# ------------------------------------------------------------------------- telling


def test_a_sleep_is_told_from_the_last_renewal_to_the_slot():
    script = slept()
    assert worst_moment(scenario(faults=(SLEEP,)), script.trace()) == at(11, 10, 22)
    assert told(script, faults=(SLEEP,)).splitlines() == [
        "10:40:00 Run 0.3 was granted lease 7 for 3h of work.",
        "11:00:00 The lease of run 0.3 was renewed for the last time: good until 11:05:00.",
        "11:02:10 The machine of run 0.3 (host 0) fell asleep for 8m12s, until 11:10:22.",
        "11:05:00 The lease of run 0.3 expired at the authority; the sweep at 11:05:12 gave the slot back.",
        "11:05:49 Run 1.0 was granted the slot (lease 8).",
        "11:10:22 Run 0.3 executed again beside run 1.0: 2 runs on 1 slot, over-allocated for 3m12s.",
        "11:12:50 3 tries to renew it, the last at 11:12:58, failed, connection refused.",
        "11:13:34 Run 0.3 was told that its lease was gone; every slot had gone to other runs by then.",
        "11:13:34 Run 0.3, in good health, was terminated after 25m22s of 3h of work.",
        "11:13:35 Its release found no lease: 1 in use, 1 run executing.",
        "In short: 13m34s lay between the renewal that counted and the loss; the lease lasted 5m and the next "
        "renewal was due after 3m45s, so it could be 75s late.",
    ]


def test_a_lost_answer_is_told_as_a_renewal_that_counted():
    script = Script()
    script.start(at(9, 0), (0, 0), lease=0, in_use=1)
    script.renew(at(9, 4), (0, 0), 0, Outcome.READ_TIMEOUT, took=60 * SECOND)
    script.stop(at(9, 5, 1), (0, 0), 0, Loss.GAVE_UP, Truth.STILL_VALID)
    story = told(script)
    assert "09:04:00 The lease of run 0.0 was renewed for the last time: good until 09:09:00. The answer was" in story
    assert "gave up renewing, for all attempts had failed; at the authority the lease was still valid." in story
    assert "In short: it gave up 61s after its last renewal, with 3m59s of the lease left." in story


def test_a_restart_that_forgets_is_told():
    restart = {"what": "restart", "when": "1/d", "length": "20s", "name": "deploy"}
    script = Script()
    script.start(at(9, 0), (0, 0), lease=0, in_use=1)
    script(at(9, 1), Kind.FAULT_BEGIN, (0, -1), 0, value=20 * SECOND)
    script(at(9, 1), Kind.FORGET, (0, 0), -1, 0, 0)
    script(at(9, 1, 20), Kind.FAULT_END, (0, -1), 0)
    script.fail(at(9, 3, 45), (0, 0), 0, Outcome.GONE)
    script.stop(at(9, 3, 45), (0, 0), 0, truth=Truth.FORGOTTEN)
    story = told(script, faults=(restart,))
    assert "09:01:00 The authority went down for a restart for 20s, until 09:01:20 (fault 'deploy')." in story
    assert "The lease of run 0.0 was lost: the authority restarted without it." in story
    assert "the lease had not expired, the authority no longer knew it" in story


def test_a_slot_counted_free_twice_is_told_from_its_beginning():
    script = slept()
    script.rows.pop()
    script(at(11, 13, 35), Kind.RELEASE, SLEEPER, 99, -1, 0)
    script.start(at(11, 20), (2, 0), lease=9, in_use=1)
    trace = script.trace()
    world = scenario(faults=(SLEEP,), lease={"books": "counter", "release_fallback": True})
    assert worst_moment(world, trace) == at(11, 20)
    story = "\n".join(tell(world, trace))
    assert "the counter went from 1 down to 0 in use, with 1 run executing." in story
    assert "11:20:00 Run 2.0 began to execute beside run 1.0: 2 runs on 1 slot, over-allocated for 1h40m." in story
    assert "fell asleep" in story
    assert "was counted free twice" in story


def test_network_trouble_is_told_only_where_it_met_a_request():
    outage = {"what": "outage", "when": "1/d", "mode": "error", "status": 429}
    script = slept()
    script(at(11, 6), Kind.FAULT_BEGIN, (0, -1), 1, value=MINUTE)
    script(at(11, 7), Kind.FAULT_END, (0, -1), 1)
    assert "cut off" not in told(script, faults=(SLEEP, outage))
    script(at(11, 12, 40), Kind.FAULT_BEGIN, (0, -1), 1, value=30 * SECOND)
    script(at(11, 13, 10), Kind.FAULT_END, (0, -1), 1)
    assert "was cut off for 30s, until 11:13:10 (status 429)" in told(script, faults=(SLEEP, outage))


def test_the_focus_chooses_the_story():
    script = slept()
    script.start(at(12, 0), (2, 0), lease=9, in_use=1)
    script.fail(at(12, 10), (2, 0), 9, 503)
    script.stop(at(12, 10), (2, 0), 9, Loss.GAVE_UP, Truth.EXPIRED_UNCLAIMED)
    story = "\n".join(tell(scenario(faults=(SLEEP,)), script.trace(), focus_ns=at(12, 10)))
    assert "Run 2.0's renewal was answered with status 503." in story
    assert "Run 0.3" not in story


def test_nothing_wrong_is_said_in_one_sentence():
    script = Script()
    script.start(0, (0, 0), lease=0, in_use=1)
    script(HOUR, Kind.FINISH, (0, 0))
    assert worst_moment(scenario(), script.trace()) is None
    assert tell(scenario(), script.trace()) == [
        "Nothing went wrong: no run was stopped by lease logic, and at most 1 executed on 1 slot."
    ]
    assert len(tell(scenario(), Trace([], HOUR))) == 1


def test_what_was_over_in_the_warm_up_is_not_the_worst():
    trace = slept().trace()
    assert worst_moment(scenario(faults=(SLEEP,), warmup="3h"), trace) is None


@pytest.mark.parametrize("name", ["laptop-remote-server", "blocked-loop", "slow-api"])
def test_every_moment_of_a_simulated_world_can_be_told(name):
    world = load(name)
    trace = engines.run(world, 1, 0)
    for focus_ns in range(0, trace.end_ns, trace.end_ns // 7):
        lines = tell(world, trace, focus_ns)
        assert lines
        assert all(line.endswith(".") for line in lines)


# ---------------------------------------------------------------------- tolerances

PREFECT_3_9: dict[str, Any] = {
    "renewal": {"attempts": 3, "backoff": "1s", "retry_gone": True, "runs_in": "thread"},
    "http": {"max_retries": 5, "connect_retries": 3, "sleep_after_last": True},
}
KUBERNETES: dict[str, Any] = {
    "lease": {"ttl": "15s", "expiry_check": "on_acquire", "judge": "contender", "late_renew": "if_untaken"},
    "renewal": {
        "every": "2s",
        "attempts": "unlimited",
        "backoff": "2s",
        "backoff_cap": "2s",
        "fence_after": "10s",
        "fence_anchor": "loop_start",
    },
}


def test_the_layers_of_retries_nest():
    """3 rounds of 6 requests, those refused of 4 connects each: 216 s, 189 s, 381 s, 1269 s, 4536 s, as measured."""
    found = {failure: patience(scenario(**PREFECT_3_9), failure) for failure in FAILURES}
    assert {failure: tries.gives_up_ns / SECOND for failure, tries in found.items()} == {
        "gone": 3,
        "refused": 216,
        "reset": 189,
        "status 503": 381,
        "read time-out": 1269,
        "connect time-out": 4536,
    }
    starts = [start / SECOND for start in found["refused"].tries[:13]]
    assert starts == [0, 0, 0.5, 1.5, 3.5, 3.5, 4, 5, 9, 9, 9.5, 10.5, 18.5]
    assert found["refused"].last_before(75 * SECOND, surely=True) == (round(73.5 * SECOND), 27)


def test_the_tolerances_of_a_kubernetes_election():
    """Duration 15 s, deadline 10 s, retry 2 s: five attempts, and 8 s of downtime ridden out."""
    rows = {quantity: value for quantity, value, _ in tolerances(scenario(**KUBERNETES))}
    assert rows["requests before expiry, refused"] == "5"
    assert rows["refused connections ridden out"] == "8s"
    assert rows["slack of a renewal"] == "13s"
    assert rows["keeps trying, refused"] == "10s"
    assert rows["overlap when cut off, at worst"] == "0s"


def test_the_tolerances_of_prefect():
    rows = tolerances(scenario(**PREFECT_3_9))
    values = {quantity: value for quantity, value, _ in rows}
    assert values["slack of a renewal"] == "75s"
    assert values["sleep ridden out, its clock stopped (here)"] == "75s"
    assert values["refused connections ridden out"] == "73.5s"
    assert values["hand-over after a crash, at worst"] == "5m45s"
    assert values["blocked event loop ridden out"] == "any length"
    assert values["overlap when cut off, at worst"] == "1h14m"
    assert all(formula for _, _, formula in rows)
    assert len({quantity for quantity, _, _ in rows}) == len(rows)


@pytest.mark.parametrize(
    "name", ["kubernetes-leader-election", "dynamodb-lock", "kcl", "etcd", "consul", "zookeeper", "flyte"]
)
def test_a_story_and_the_table_of_closed_forms_say_the_same_hand_over(name):
    """But for what messages take, which a story leaves out."""
    world = load(name)
    table = next(row.value for row in bounds(world) if row.key == "crash.worst")
    assert table is not None
    assert 0 <= table - Tolerances(world).handover_ns < 200 * MILLISECOND


def _stopped(renewal: dict[str, Any], fault: dict[str, Any], http: dict[str, Any]) -> bool:
    world = scenario(
        duration="1h",
        lease={"expiry_check": "timer"},
        runs={"arrivals": {"kind": "times", "times": ["0s"]}, "work": "59m"},
        renewal=renewal,
        http=http,
        faults=(fault,),
    )
    return any(event.kind is Kind.STOP for event in engines.run(world))


@pytest.mark.parametrize(("seconds", "stopped"), [(74, False), (76, True)])
def test_a_sleep_beyond_the_slack_stops_a_simulated_run(seconds, stopped):
    assert Tolerances(scenario()).slack_ns == 75 * SECOND
    sleep: dict[str, Any] = {"what": "sleep", "when": {"times": ["300s"]}, "length": f"{seconds}s"}
    assert _stopped({}, sleep, {}) == stopped


@pytest.mark.parametrize(("seconds", "stopped"), [(72.9, False), (74, True)])
def test_an_outage_beyond_the_last_try_stops_a_simulated_run(seconds, stopped):
    world = scenario(**PREFECT_3_9)
    assert Tolerances(world).downtime_ns("refused") == round(73.5 * SECOND)
    outage: dict[str, Any] = {
        "what": "outage",
        "mode": "refuse",
        "when": {"times": ["224s"]},
        "length": f"{seconds + 1}s",
    }
    assert _stopped(PREFECT_3_9["renewal"], outage, PREFECT_3_9["http"]) == stopped


def test_a_fence_bounds_the_overlap_and_no_stop_has_no_bound():
    fenced = Tolerances(scenario(renewal={"fence_anchor": "send", "fence_after": 0.9}))
    assert fenced.overlap_cut_off_ns("connect time-out") == 0
    assert fenced.deadline_ns == 45 * SECOND
    carrying_on = Tolerances(scenario(renewal={"on_lost": "continue", "on_giveup": "continue"}))
    assert carrying_on.overlap_after_sleep_ns == FOREVER
    assert carrying_on.overlap_cut_off_ns("refused") == FOREVER
    windows = Tolerances(scenario(hosts={"monotonic_counts_suspend": True}))
    assert windows.overlap_after_sleep_ns == 0


def test_nobody_renews():
    world = scenario(renewal={"runs_in": "none"})
    assert dangers(world) == ["Nobody renews: a run that works longer than 5m loses its lease."]
    assert {value for _, value, _ in tolerances(world)} >= {"5m", "no bound"}


def test_dangers_name_the_faults_at_hand_and_their_share():
    lognormal = {"kind": "lognormal", "median": "75s", "sigma": 1.0}
    sleep = {"what": "sleep", "when": "1/d", "length": lognormal}
    restart = {"what": "restart", "when": "1/d", "length": "20s"}
    text = "\n".join(dangers(scenario(faults=(sleep, restart), lease={"on_restart": "lost_free"})))
    assert "A sleep longer than 75s may, one longer than 90s will, kill every holder on the machine" in text
    assert "so long are 50 % of 'sleep' (median 75s)." in text
    assert "A server restart forgets every lease" in text
    slow_start = scenario(runs={"provisioning": "6m"})
    assert "Provisioning outlives the first lease (5m) in 100 % of the runs" in dangers(slow_start)[0]
    assert "expires before its renewal" in dangers(scenario(renewal={"every": "6m"}))[0]


def test_quantiles_and_shares_of_every_law():
    mixture = {"kind": "mixture", "parts": [{"weight": 3, "of": "1s"}, {"weight": 1, "of": "1m"}]}
    laws = scenario(runs={"provisioning": mixture, "work": {"kind": "exponential", "mean": "1h"}}).runs
    assert quantile(laws.provisioning, 0.5) == SECOND
    assert quantile(laws.provisioning, 0.99) == MINUTE
    assert share_longer(laws.provisioning, SECOND) == 0.25
    assert share_longer(laws.work, HOUR) == pytest.approx(0.36788, abs=1e-5)
    empirical = scenario(runs={"work": {"kind": "empirical", "values": ["1s", "2s", "3s"]}}).runs.work
    assert quantile(empirical, 0.5) == 2 * SECOND
    assert share_longer(empirical, 2 * SECOND) == pytest.approx(1 / 3)


# --------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0s"),
        (250 * MILLISECOND, "250ms"),
        (round(73.5 * SECOND), "73.5s"),
        (8 * MINUTE + 12 * SECOND, "8m12s"),
        (2 * HOUR + 3 * MINUTE, "2h03m"),
        (2 * DAY, "2d"),
        (-2 * SECOND, "-2s"),
    ],
)
def test_lengths_read_as_people_write_them(ns, text):
    assert length(ns) == text


def test_times_of_day_name_the_day_from_the_second_on():
    assert time_of_day(scenario(), 2 * HOUR + 130 * SECOND) == "11:02:10"
    assert time_of_day(scenario(), 15 * HOUR) == "day 2 00:00:00"
    assert time_of_day(scenario(), 1_500 * MILLISECOND, milliseconds=True) == "09:00:01.500"


def test_a_fault_with_recorded_times_has_recorded_lengths():
    """Not the length that its table leaves at its default."""
    world = struck(load("consul"), "pause at 41s for 39500ms")
    assert "so long are 100 % of 'pause' (median 39.5s)" in " ".join(dangers(world))
    assert "39.5s" in fault_in_words(world.faults[0])


def test_who_gets_an_expired_lease_back_rides_out_the_reuse_delay_too():
    """Pods are replaced 300 s after their node was found dead: until then a kubelet that is back keeps them."""
    world = load("kubernetes-node").with_({"faults": "cloud-vm"})
    rows = {quantity: value for quantity, value, _ in tolerances(world)}
    assert rows["sleep ridden out, its clock stopped (here)"] == "5m40s"
    assert "A pause longer than 5m40s may" in " ".join(dangers(world))
