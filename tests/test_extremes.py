"""The exact search: numbers with slopes, covers without holes, closed forms that it confirms, frontiers."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from fractions import Fraction

import pytest

import sim
from sim import engines
from sim.cli.entry import main
from sim.extremes.affine import Affine, Cell
from sim.extremes.bench import Strike, bench, strike_of, waiting
from sim.extremes.cover import Cover
from sim.extremes.trial import trial
from sim.extremes.worst import struck
from sim.metrics import measure
from sim.report import durations
from sim.report.style import new_figure
from sim.story.bounds import bounds
from sim.story.looks import Looks
from sim.story.patience import patience
from sim.story.pinned import altered
from sim.units import FOREVER, MILLISECOND, SECOND
from sim.vocabulary import Kind

# Clocks never suspend silently here, messages take 1 ms each way: numbers that can be checked in one's head.
PLAIN = """
duration = "1h"
[lease]
ttl = "60s"
expiry_check = "timer"
late_renew = "reject"
[renewal]
every = "20s"
attempts = 3
backoff = "2s"
backoff_factor = 1.0
[http]
max_retries = 0
[limit]
collision = "watch"
"""
QUICK = ("pause", "outage.refused", "tries", "crash", "release")


def plain(**changes: object) -> sim.Scenario:
    """A plain protocol, changed at dotted keys (`__` for a dot)."""
    return sim.loads(PLAIN).with_({key.replace("__", "."): value for key, value in changes.items()})


def value(scenario: sim.Scenario, key: str) -> float | None:
    """One closed form."""
    return next(row.value for row in bounds(scenario) if row.key == key)


# ---------------------------------------------------------------------- numbers that know their slopes


def test_a_comparison_notes_how_far_it_holds():
    cell = Cell(2)
    x, y = cell.parameters((10, 4))
    assert x > y
    assert x + y < 20
    assert 3 * y == y + 2 * y
    assert cell.bounds == {(-1, 1): 6, (1, 1): 6}
    assert isinstance(x + 1, Affine)
    assert not isinstance(x - x, Affine)
    assert [x // 3, (x + 2) // 4, int((2 * x) // 2)] == [3, 3, 10]


def test_equal_numbers_that_would_part_count_as_parted_and_the_last_parameter_leads():
    x, y = Cell(2).parameters((5, 5))
    assert x > 5
    assert y > x
    assert x != 5
    assert y != x
    assert (5 - x) // 5 == -1


def test_a_run_on_them_is_the_run_on_whole_numbers_with_lines_for_slopes():
    """Moving the fault within the cell moves the value along the line, exactly as a run there says."""
    made = bench(sim.load("leader-election"), "bad", prompt=True)
    until = made.stop_ns + 100 * SECOND
    seen = 0
    for start, length in ((300_000_000, 16_200_000_123), (1_900_000_000, 15_000_000_456), (3_000_123, 18_000_000_000)):
        point = (made.start_ns + start, length)
        cell = Cell(2)
        found = trial(made, "overlap", Strike("pause", *cell.parameters(point)), until)
        slopes = found.slopes if isinstance(found, Affine) else (0, 0)
        for direction in ((1, 0), (0, 1), (-1, 0), (0, -1), (1, -1)):
            rooms = [
                Fraction(b, d) for g, b in cell.bounds.items() if (d := g[0] * direction[0] + g[1] * direction[1]) > 0
            ]
            step = min([*rooms, Fraction(10**9)]) // 2
            there = (point[0] + step * direction[0], point[1] + step * direction[1])
            line = int(found) + step * (slopes[0] * direction[0] + slopes[1] * direction[1])
            assert trial(made, "overlap", Strike("pause", int(there[0]), int(there[1])), until) == line
            seen += step > 0
    assert seen >= 10


def test_a_cover_leaves_no_hole():
    """A function of steps and slopes: every point is in a piece that gives its value; the areas add up."""

    def stepped(point):
        x, y = point
        if x + y > 150:
            return 2 * y - x if y > x else x
        return 7 if (x + 2 * y) // 40 == 2 else y + 0

    cover = Cover(stepped, [(0, 100), (0, 90)])
    pieces = list(cover.pieces())
    area = Fraction(0)
    for piece in pieces:
        (x0, _), (x1, _) = piece.corners[0].point, piece.corners[-1].point
        heights = [
            piece.corners[at + 1].point[1] - piece.corners[at].point[1] for at in range(0, len(piece.corners), 2)
        ]
        area += (x1 - x0) * sum(heights) / len(heights)
        assert all(height >= 0 for height in heights)
    assert area == 9000 - cover.gaps_ns * 90
    best = max(corner.value for piece in pieces for corner in piece.corners)
    grid = [stepped(point) for point in itertools.product(range(101), range(91))]
    assert max(grid) <= best <= max(grid) + 2


# ---------------------------------------------------------------------- closed forms


def test_closed_forms_are_the_sums_that_one_does_in_the_head():
    world = plain()
    assert value(world, "pause.surely") == 60 * SECOND - 20 * SECOND - 2 * MILLISECOND
    assert value(world, "pause.possibly") == 60 * SECOND - 2 * MILLISECOND
    assert value(world, "outage.refused.surely") == 4 * SECOND + 3 * MILLISECOND
    assert value(world, "tries.refused") == 3
    assert value(world, "overlap.pause") == 20 * SECOND + 2 * MILLISECOND
    assert value(world, "overlap.refused") == 0
    assert value(world, "crash.worst") == 60 * SECOND + MILLISECOND
    assert value(world, "clock.fence") is None
    fenced = plain(renewal__fence_anchor="send", renewal__fence_after="45s", renewal__attempts="unlimited")
    assert value(fenced, "clock.fence") == pytest.approx(1 - 45 / 60.002)
    assert value(fenced, "overlap.black_hole") == 0
    assert value(plain(renewal__on_lost="continue"), "overlap.pause") == FOREVER


@pytest.mark.parametrize("name", ["nomad", "redisson", "kafka", "hatchet"])
def test_who_never_gives_up_is_said_not_to(name):
    rows = [row for row in bounds(name) if row.key.startswith("tries")]
    assert {row.text for row in rows} == {"no bound"}
    assert all("never gives up" in row.formula and not row.numbers for row in rows)
    assert not any("26688d" in row.numbers + row.formula for row in bounds(name))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"renewal__cadence": "after_send", "renewal__fence_anchor": "send", "renewal__fence_after": "50s"},
        {"renewal__cadence": "fixed_rate", "renewal__fence_anchor": "recv", "renewal__fence_after": "50s"},
        {"lease__expiry_check": "sweep", "lease__sweep_interval": "7s", "lease__late_renew": "until_reaped"},
        {"lease__expiry_check": "bucket", "lease__sweep_interval": "8s", "lease__late_renew": "until_reaped"},
        {"lease__late_renew": "if_untaken", "lease__reuse_delay": "5s"},
        {"hosts__monotonic_counts_suspend": True, "network__on_suspend": "keep"},
        {"renewal__jitter": (0.8, 1.0), "network__up": {"kind": "uniform", "low": "1ms", "high": "40ms"}},
        {"lease__expiry_check": "on_acquire", "lease__late_renew": "if_untaken", "limit__collision": "enqueue"},
    ],
    ids=lambda changes: ",".join(map(str, changes.values())) or "plain",
)
def test_the_search_finds_what_the_closed_forms_say(changes):
    """Exact to the tolerance, for each variant of the model."""
    for found in sim.measured(plain(**changes), QUICK):
        assert found.trials > 0
        assert found.agrees, (found.bound.key, found.bound.text, found.text, found.replay)


@pytest.mark.parametrize("name", ["redisson", "consul", "kubernetes-leader-election"])
def test_systems_survive_what_their_closed_forms_say(name):
    for found in sim.measured(sim.load(name), ("pause.surely", "outage.black_hole", "crash.best", "release")):
        assert found.agrees, (found.bound.key, found.bound.text, found.text, found.replay)


@pytest.mark.long
@pytest.mark.parametrize("name", sim.systems())
def test_every_system_survives_what_its_closed_forms_say(name):
    scenario = sim.load(name)
    for found in sim.measured(scenario):
        assert found.agrees, (found.bound.key, found.bound.text, found.text, found.replay)


def test_no_sequence_of_looks_is_slower_than_the_closed_form_or_quicker():
    """Waits between looks vary from one to the next: found by trying all of them, for small numbers."""
    for low, high, ttl in ((2, 3, 7), (2, 4, 15), (3, 3, 10), (4, 5, 7), (6, 9, 4), (1, 4, 6), (5, 6, 13)):
        counts = range(-(-ttl // low) + 1)
        sums = [
            sum(waits) for n in counts for waits in itertools.combinations_with_replacement((*range(low, high + 1),), n)
        ]
        looks = Looks(low, high, ttl)
        assert looks.still_ns == max(each for each in sums if each < ttl)
        assert looks.soonest_ns == min(each for each in sums if each >= ttl)
        late, soon = looks.late(), looks.soon()
        assert all(low <= wait <= high for wait in (*late, soon))
        assert sum(late[1:-1]) < ttl <= sum(late[1:])
        assert 0 <= looks.latest_ns - sum(late) < len(late)


@pytest.mark.parametrize(("waits", "jitter", "attempts"), [(4, 0.5, 99), (2, 1.0, 99), (10, 0.2, 99), (4, 0.5, 3)])
def test_no_waits_are_worse_than_the_closed_form_says_or_better(waits, jitter, attempts):
    """Each wait of a back-off is drawn by itself: found by trying all of them, for small numbers."""
    world = sim.loads(
        f'renewal.backoff = "{waits}ns"\nrenewal.backoff_factor = 1.0\nrenewal.backoff_jitter = {jitter}\n'
        f"renewal.attempts = {attempts}\nhttp.max_retries = 0"
    )
    low, high, trip = round(waits * (1 - jitter)), round(waits * (1 + jitter)), 1
    steps = [trip + wait for wait in range(low, high + 1)]
    sent = [{0}]
    while len(sent) < attempts:
        sent.append({at + step for at in sent[-1] for step in steps})
    tries = patience(world, "refused", trip_ns=trip, jitter=True)
    for limit in range(1, 26):
        before = [(at, number) for number, found in enumerate(sent) for at in found if at < limit]
        over = {(at, at + step) for at, number in before for step in steps if number + 1 < attempts}
        over = {(at, then) for at, then in over if then >= limit}
        ended = {at for at, number in before if number + 1 == attempts}
        last = ended | {at for at, _ in over}
        first = {then for _, then in over}
        worst, best = tries.last_before(limit, surely=True), tries.last_before(limit, surely=False)
        assert (worst and worst[0], best and best[0]) == (min(last), max(last))
        late, soon = tries.first_from(limit, surely=True), tries.first_from(limit, surely=False)
        assert (late and late[0]) == (None if ended else max(first))
        assert (soon and soon[0]) == min(first, default=None)


def test_what_is_surely_survived_is_survived_whatever_the_back_off_draws():
    """Nomad waits 1 to 9 s: 1 s without the authority is surely survived, and 3 s may cost the node."""
    world = sim.load("nomad")
    (bound,) = (each.value for each in bounds(world) if each.key == "outage.refused.surely")
    assert bound is not None
    assert bound == pytest.approx(SECOND, rel=0.01)
    made = waiting(bench(world, "bad", prompt=True), world, (0, 0.0))

    def lost(length):
        chosen = altered(made.world(Strike("refused", made.stop_ns - 1, length)), duration=made.stop_ns + 60 * SECOND)
        traces = [engines.run(chosen, 1, number, engine="kernel") for number in range(200)]
        return sum(any(e.kind is Kind.GRANT and e.lane > 0 for e in trace) for trace in traces)

    assert lost(int(bound) - MILLISECOND) == 0
    assert lost(int(bound) + 2 * SECOND) > 0


def test_engines_find_out_no_later_than_said_and_nearly_as_late():
    """Contenders whose waits are drawn anew each time: many crashes, none is beyond the bound that is printed."""
    world = sim.load("kubernetes-leader-election")
    (found,) = sim.measured(world, "crash.worst")
    bound = found.bound.value
    assert found.agrees
    assert bound is not None
    assert bound == pytest.approx(2 * 4.4 * SECOND + 15 * SECOND, abs=30 * MILLISECOND)
    made = bench(world, "bad", prompt=False)
    jittered = replace(made, scenario=made.scenario.model_copy(update={"limit": world.limit}))
    drawn, longest = random.Random(1), 0
    for number in range(1500):
        strike = Strike("crash", made.start_ns + drawn.randrange(made.stop_ns - made.start_ns))
        asked = made.start_ns - drawn.randrange(4 * SECOND)
        trace = engines.run(altered(jittered.world(strike, asked), duration=60 * SECOND), 1, number, engine="kernel")
        taken = next(event.time_ns for event in trace if event.kind is Kind.GRANT and event.lane > 0)
        longest = max(longest, taken - strike.start_ns)
    assert bound - 2 * SECOND < longest <= bound
    told = struck(world, found.replay.partition("--strike ")[2].strip("'"))
    for engine in ("process", "kernel"):
        trace = engines.run(told, engine=engine)
        over = next(event.time_ns for event in trace if event.kind is Kind.CRASH)
        taken = next(event.time_ns for event in trace if event.kind is Kind.GRANT and event.lane > 0)
        assert abs(taken - over - bound) <= MILLISECOND


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lease__initial_ttl": "90s", "lease__expiry_grace": "3s", "renewal__cadence": "fixed_rate"},
        {"lease__expiry_check": "sweep", "lease__sweep_interval": "7s", "limit__collision": "enqueue"},
        {"lease__expiry_check": "bucket", "lease__sweep_interval": "8s", "lease__late_renew": "until_reaped"},
        {"lease__expiry_check": "on_acquire", "limit__collision": "enqueue"},
        {"renewal__first": "immediate"},
        {"lease__initial_ttl": "60001ms"},
    ],
    ids=lambda changes: ",".join(map(str, changes.values())) or "plain",
)
def test_who_crashes_before_its_first_renewal_keeps_the_slot_for_the_initial_ttl(changes):
    """Unless the first renewal is sent at once: then the lease of the grant is never the one that counts."""
    world = plain(**{"lease__initial_ttl": 5.0, "renewal__first": "after_interval", **changes})
    (found,) = sim.measured(world, "crash.worst")
    assert found.agrees, (found.bound.text, found.text, found.replay)
    assert found.bound.value is not None
    longer = world.initial_ttl_ns > world.lease.ttl + 2 * MILLISECOND and world.renewal.first == "after_interval"
    assert ("before the first renewal" in found.bound.formula) == longer
    assert found.bound.value >= (world.initial_ttl_ns if longer else world.lease.ttl) - MILLISECOND
    told = struck(world, found.replay.partition("--strike ")[2].strip("'"))
    for engine in ("process", "kernel"):
        trace = engines.run(told, engine=engine)
        over = next(event.time_ns for event in trace if event.kind is Kind.CRASH)
        taken = next(event.time_ns for event in trace if event.kind is Kind.GRANT and event.lane > 0)
        assert abs(taken - over - found.bound.value) <= MILLISECOND


# ---------------------------------------------------------------------- the worst case


def test_the_worst_case_is_no_better_than_any_random_case():
    """Random faults are no worse, and the fault that is named is as bad as said, in both engines."""
    world = sim.load("leader-election")
    worst = sim.worst_case(world, "overlap", {"pause.start": ("0s", "2s"), "pause.length": ("14s", "17s")})
    made = bench(world, "bad", prompt=True)
    drawn = random.Random(1)
    for _ in range(60):
        start, length = made.start_ns + drawn.randrange(2 * SECOND), drawn.randrange(14 * SECOND, 17 * SECOND)
        assert trial(made, "overlap", Strike("pause", start, length), made.stop_ns + 100 * SECOND) <= worst.value
    told = struck(world, worst.strike.text)
    over = {
        engine: measure(sim.run(told, engine=engine).trace, told).over_allocation_ns for engine in ("process", "kernel")
    }
    assert over["process"] == over["kernel"]
    assert abs(over["process"] - worst.value) <= MILLISECOND
    assert "--strike" in worst.replay
    assert worst.gap_ns <= worst.pieces


def test_the_strike_that_is_named_costs_the_lease_and_a_little_less_does_not():
    found = {each.bound.key: each for each in sim.measured(plain(), ["pause"])}
    strike, luck, _ = strike_of(found["pause.surely"].replay.partition("--strike ")[2].strip("'"))
    made = bench(plain(), "bad", prompt=True)
    assert not luck
    assert trial(made, "lost", strike, made.stop_ns + 500 * SECOND) == 1
    shorter = Strike(strike.kind, strike.start_ns, strike.length_ns - MILLISECOND)
    assert trial(made, "lost", shorter, made.stop_ns + 500 * SECOND) == 0


def test_other_axes_are_tried_from_end_to_end():
    over = {"pause.length": ("55s", "62s"), "pause.start": ("0s", "1s"), "network.up": ("1ms", "100ms")}
    worst = sim.worst_case(plain(), "overlap", over)
    assert worst.at["network.up"] == 100 * MILLISECOND
    assert worst.value == 20 * SECOND + 101 * MILLISECOND
    assert "no bound" not in str(worst)
    assert json.dumps(worst.as_json())


@pytest.mark.parametrize(
    ("metric", "over", "told"),
    [
        ("overlaps", {"pause.length": ("0s", "1m")}, "did you mean 'overlap'"),
        ("overlap", {}, "exactly one kind of fault"),
        ("overlap", {"pause.length": ("0s", "1m"), "sleep.start": ("0s", "1s")}, "exactly one kind"),
        ("overlap", {"pose.length": ("0s", "1m")}, "did you mean 'pause'"),
        ("overlap", {"pause.length": ("2m", "1m")}, "the wrong way round"),
        ("overlap", {"pause.length": ()}, "a lowest and a highest value"),
        ("overlap", {"pause.length": ("0s", "soon")}, "as a duration"),
        ("overlap", {"crash.length": ("0s", "1m")}, "a crash has no length"),
        ("overlap", {"pause.length": ("0s", "1m"), "network.upp": ("0s", "1s")}, "unknown key"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(metric, over, told):
    with pytest.raises((sim.UsageError, sim.ScenarioError), match=told):
        sim.worst_case(plain(), metric, over)


def test_a_lease_that_nobody_renews_has_no_phase():
    world = plain(renewal__runs_in="none")
    assert next(row.key for row in bounds(world)) == "life"
    with pytest.raises(sim.UsageError, match="nobody renews"):
        sim.worst_case(world, "overlap", {"pause.length": ("0s", "1m")})


# ---------------------------------------------------------------------- frontiers


def test_a_frontier_is_the_closed_form_along_a_parameter():
    found = sim.frontier(plain(), {"lease.ttl": "30s,60s,90s"}, "pause")
    surely = {row.value: row.closed for row in found.rows if row.key == "pause.surely"}
    assert surely == pytest.approx({"30s": 9.998, "60s": 39.998, "90s": 69.998})
    assert found.current == "1m"
    assert found.to_csv().count("\n") == 7
    assert json.dumps(found.as_json())
    assert found.plot().get_title(loc="left") == found.scenario


@pytest.mark.parametrize(
    ("low", "high", "scale", "ticks"),
    [
        (20.0, 600.0, "log", "20s 30s 1m 2m 5m 10m"),
        (0.004, 0.06, "log", "5ms 10ms 20ms 50ms"),
        (1.0, 864_000.0, "log", "1s 10s 1m 10m 1h 12h 7d"),
        (0.0, 160.0, "linear", "0s 30s 1m 1m30s 2m 2m30s"),
        (-1.0, 0.5, "linear", "-1s -500ms 0s 500ms"),
    ],
)
def test_axes_of_durations_have_round_ticks(low: float, high: float, scale: str, ticks: str) -> None:
    axis = new_figure(3.0, 2.0).add_subplot().xaxis
    axis.axes.set_xscale(scale)
    axis.axes.set_xlim(low, high)
    durations.mark(axis, low, high)
    assert " ".join(label.get_text() for label in axis.get_ticklabels()) == ticks


def test_a_searched_frontier_says_how_to_see_it():
    found = sim.frontier(plain(), {"renewal.every": "10s,30s"}, "pause.surely", search=True)
    assert [row.verdict for row in found.rows] == ["same", "same"]
    assert all("--strike" in row.replay for row in found.rows)


def test_values_that_a_system_refuses_are_told_and_the_others_go_on():
    world = sim.load("kubernetes-leader-election")
    found = sim.frontier(world, {"renewal.fence_after": "8s,16s"}, "pause.surely")
    assert [row.verdict[:8] for row in found.rows] == ["", "refused:"]
    with pytest.raises(sim.ScenarioError, match="client-go"):
        sim.frontier(world, {"renewal.fence_after": "16s,20s"}, "pause.surely")


def test_the_frontier_of_a_rate_brackets_where_it_crosses_its_limit():
    world = sim.load("laptop-remote-server").with_({"duration": "12h"})
    metric = "false_terminations_per_lease_hour<=0.02"
    found = sim.frontier(world, {"lease.ttl": "1m..30m"}, metric, replications=4, budget=5)
    assert len(found.rows) <= 5
    assert {row.verdict for row in found.rows} <= {"safe", "open", "unsafe"}
    for row in found.rows:
        assert row.searched is not None
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.searched <= row.high
        assert row.n == 4
    assert metric in found.remark


# ---------------------------------------------------------------------- at the command line


def test_explain_simulates_nothing_unless_asked(capsys, monkeypatch):
    monkeypatch.setattr("sim.sweeps.simulate.run", lambda *_: pytest.fail("it simulated"))
    assert main(["explain", "redisson"]) == 0
    out = capsys.readouterr().out
    assert "pause surely survived" in out
    assert "--measure" in out
    assert main(["explain", "redisson", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["bounds"]
    assert {"key", "value", "unit", "formula", "numbers"} <= set(rows[0])


def test_a_strike_is_told_as_a_story(capsys):
    assert main(["explain", "redisson", "--strike", "pause at 25s for 40s", "--text"]) == 0
    assert "was paused for 40s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["explain", "redisson", "--strike", "pause"], "cannot read 'pause' as one fault"),
        (["explain", "redisson", "--strike", ""], "cannot read '' as one fault"),
        (["explain", "redisson", "--strike", "pause at 1s"], "a pause needs a length"),
        (["explain", "redisson", "--strike", "crash at 1s for 3s"], "a crash has no length"),
        (["explain", "redisson", "--strike", "paws at 1s"], "did you mean 'pause'"),
        (["frontier", "redisson"], "there is no --vary"),
        (["frontier", "redisson", "--vary", "lease.ttl=1m", "--metric", "pauses"], "did you mean 'pause'"),
        (["frontier", "redisson", "--vary", "lease.tttl=1m"], "unknown key"),
        (["frontier", "redisson", "--vary", "lease.ttl=1m", "--vary", "renewal.every=9s"], "one parameter"),
        (["frontier", "redisson", "--vary", "lease.ttl=1m..2m", "--metric", "false_trminations<=1"], "did you mean"),
    ],
)
def test_wrong_words_are_met_with_the_right_ones(words, told, capsys):
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_closed_forms_take_a_name_too():
    assert sim.bounds("etcd") == sim.bounds(sim.load("etcd"))


def test_a_search_takes_a_name_and_knows_its_rows():
    (found,) = sim.measured("etcd", "pause.surely")
    assert found.agrees
    with pytest.raises(sim.UsageError, match=r"no closed form of this scenario is named 'pause\.shurely'"):
        sim.measured("etcd", ["pause.shurely"])
