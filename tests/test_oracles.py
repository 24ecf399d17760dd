"""The closed forms by themselves: known numbers, limits, integrals, and simulation of the rules they state.

Every Monte Carlo check compares a mean with its standard error at 3.9 sigma, a false-alarm rate below 1e-4
each (about 140 checks, so 1.4 % for the file if the seed were changed; it is fixed).
"""

import math
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from sim import oracles
from sim.oracles import Deterministic, Erlang, Exponential, Lognormal, Pause, Uniform

Array = npt.NDArray[Any]
Draw = Callable[[np.random.Generator, int], Array]

L, C, P = 300.0, 225.0, 15.0
N = 200_000
SMOOTH: list[Pause] = [Exponential(60.0), Erlang(3, 30.0), Lognormal(50.0, 1.0), Uniform(20.0, 400.0)]
DRAWS: dict[Pause, Draw] = {
    SMOOTH[0]: lambda rng, n: rng.exponential(60.0, n),
    SMOOTH[1]: lambda rng, n: rng.gamma(3, 30.0, n),
    SMOOTH[2]: lambda rng, n: rng.lognormal(math.log(50.0), 1.0, n),
    SMOOTH[3]: lambda rng, n: rng.uniform(20.0, 400.0, n),
    Deterministic(130.0): lambda _, n: np.full(n, 130.0),
}
every_pause = pytest.mark.parametrize("pause", DRAWS, ids=lambda p: type(p).__name__)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


def assert_mean(sample: Array, expected: float) -> None:
    """The mean of independent draws is `expected`; false-alarm rate 1e-4."""
    error = sample.std(ddof=1) / math.sqrt(sample.size)
    assert abs(sample.mean() - expected) <= 3.9 * error + 1e-12, (sample.mean(), expected, error)


def assert_rate(rewards: Array, times: Array, rate: float) -> None:
    """Rewards come at `rate` per unit of time over independent cycles; false-alarm rate 1e-4."""
    assert_mean(rewards - rate * times, 0.0)


# ---- pauses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pause", SMOOTH, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("k", [0.0, 10.0, 75.0, 300.0])
def test_excess_integrates_survival_twice(pause: Pause, k: float) -> None:
    cuts = [k, *(x for x in (20.0, 100.0, 400.0, 1000.0, 20_000.0) if x > k)]
    excess = sum(quad(pause.survival, *ends)[0] for ends in pairwise(cuts))
    excess2 = sum(quad(pause.excess, *ends)[0] for ends in pairwise(cuts))
    assert pause.excess(k) == pytest.approx(excess, rel=1e-5, abs=1e-9)
    assert pause.excess2(k) == pytest.approx(excess2, rel=1e-4, abs=1e-9)


@every_pause
def test_pause_below_its_support_is_all_excess(pause: Pause) -> None:
    second_moment = 2 * pause.excess2(0.0)
    assert pause.survival(-1.0) == 1.0
    assert pause.excess(0.0) == pytest.approx(pause.mean)
    assert pause.excess(-10.0) == pytest.approx(pause.mean + 10)
    assert 2 * pause.excess2(-10.0) == pytest.approx(second_moment + 20 * pause.mean + 100)


def test_sums_of_pauses() -> None:
    assert Deterministic(40.0).total(3) == Deterministic(120.0)
    assert Exponential(30.0).total(3) == Erlang(3, 30.0)
    assert Erlang(2, 30.0).total(3) == Erlang(6, 30.0)
    one, same = Erlang(1, 30.0), Exponential(30.0)
    assert [one.survival(50), one.excess(50), one.excess2(50)] == pytest.approx(
        [same.survival(50), same.excess(50), same.excess2(50)]
    )


# ---- one pause --------------------------------------------------------------------------------------------


@pytest.mark.verification
@every_pause
@pytest.mark.parametrize("sweep", [0.0, P])
def test_one_pause_as_stated(pause: Pause, sweep: float, rng: np.random.Generator) -> None:
    lengths, phase, reaper = DRAWS[pause](rng, N), rng.uniform(0, C, N), sweep * rng.uniform(0, 1, N)
    running, frozen = phase + lengths > L + reaper, C + lengths > L + reaper
    assert_mean(running.astype(float), oracles.expiry_running(pause, L, C, sweep))
    assert_mean(frozen.astype(float), oracles.expiry_frozen(pause, L, C, sweep))


@pytest.mark.verification
@every_pause
def test_one_pause_with_delays_as_stated(pause: Pause, rng: np.random.Generator) -> None:
    wait, rtt = 150.0, 60.0
    lengths, phase = DRAWS[pause](rng, N), rng.uniform(0, wait + rtt, N)
    resume, in_flight = phase + lengths, phase < rtt
    handled = np.maximum(rtt, resume)
    running = np.where(in_flight, handled + wait, np.maximum(wait + rtt, resume))
    frozen = np.where(in_flight, handled + wait, wait + rtt + lengths)
    assert_mean((running > L) * 1.0, oracles.expiry_running_delayed(pause, L, wait, rtt))
    assert_mean((frozen > L) * 1.0, oracles.expiry_frozen_delayed(pause, L, wait, rtt))


@every_pause
def test_one_pause_limits(pause: Pause) -> None:
    running, frozen = oracles.expiry_running(pause, L, C), oracles.expiry_frozen(pause, L, C)
    assert running <= frozen
    assert oracles.expiry_running_delayed(pause, L, C, 0.0) == pytest.approx(running)
    assert oracles.expiry_frozen_delayed(pause, L, C, 0.0) == pytest.approx(frozen)
    assert oracles.expiry_running(pause, L, C, 1e-3) == pytest.approx(running, abs=1e-5)
    assert oracles.expiry_frozen(pause, L, C, 1e-3) == pytest.approx(frozen, abs=1e-5)
    assert oracles.expiry_outage(pause, L, C) == running


# ---- Poisson pauses ---------------------------------------------------------------------------------------


def frozen_ages(rng: np.random.Generator, draw: Draw, cycle: float, rate: float, n: int) -> Array:
    counts = rng.poisson(rate * cycle, n)
    owner = np.repeat(np.arange(n), counts)
    return cycle + np.bincount(owner, draw(rng, int(counts.sum())), n)


def running_ages(rng: np.random.Generator, draw: Draw, cycle: float, rate: float, n: int) -> Array:
    age = np.zeros(n)
    waiting = np.arange(n)
    while waiting.size:
        starts = age[waiting] + rng.exponential(1 / rate, waiting.size)
        resumes = starts + draw(rng, waiting.size)
        age[waiting] = np.where(starts >= cycle, cycle, resumes)
        waiting = waiting[(starts < cycle) & (resumes < cycle)]
    return age


def assert_cycle(ages: Array, deadline: float, cycle: oracles.RenewalCycle) -> None:
    late, until = ages > deadline, np.minimum(ages, deadline)
    assert_mean(ages, cycle.mean)
    assert_mean(late * 1.0, cycle.late)
    assert_mean(ages - until, cycle.late_mean)
    assert_rate(late * 1.0, ages, cycle.rate)
    assert_rate(ages - until, until, cycle.over_allocation)
    assert_rate(late * 1.0, until, cycle.displacements)
    lives = np.searchsorted(np.flatnonzero(late), np.arange(ages.size))
    first_passages = np.bincount(lives, until)[:-1]
    assert_mean(first_passages, cycle.time_to_first)


@pytest.mark.verification
@every_pause
def test_running_cycle_as_stated(pause: Pause, rng: np.random.Generator) -> None:
    cycle = oracles.running_cycle(pause, L, C, 1 / 200)
    assert_cycle(running_ages(rng, DRAWS[pause], C, 1 / 200, N), L, cycle)


@pytest.mark.verification
@pytest.mark.parametrize("pause", [Exponential(60.0), Erlang(3, 30.0), Deterministic(130.0)])
def test_frozen_cycle_as_stated(pause: Exponential | Erlang | Deterministic, rng: np.random.Generator) -> None:
    cycle = oracles.frozen_cycle(pause, L, C, 1 / 200)
    assert_cycle(frozen_ages(rng, DRAWS[pause], C, 1 / 200, N), L, cycle)


def test_outages_looked_at_ever_more_often_are_pauses() -> None:
    pauses = oracles.running_cycle_exponential(60.0, L, C, 1 / 200)
    often = oracles.outage_cycle_exponential(60.0, L, C, 1e-6, 1 / 200)
    assert (often.mean, often.late, often.late_mean) == pytest.approx(
        (pauses.mean, pauses.late, pauses.late_mean), rel=1e-4
    )


@pytest.mark.parametrize(("retry", "tries"), [(10.0, 20), (11.0, 18), (300.0, 1)])
def test_what_one_try_more_often_finds(retry: float, tries: int) -> None:
    """The same chain, step by step."""
    rate, mean = 1 / 3600, 17.0
    turnover = rate + 1 / mean
    down = rate / turnover * (1 - math.exp(-turnover * 100))
    again = rate / turnover + math.exp(-turnover * retry) / mean / turnover
    cycle = oracles.outage_cycle_exponential(mean, 295.0, 100.0, retry, rate)
    assert cycle.late == pytest.approx(math.prod([down, *[again] * (tries - 1)]), rel=1e-12)
    ages = [(100 + k * retry, down * again ** (k - 1) * (1 - again)) for k in range(1, 4000)]
    assert cycle.mean == pytest.approx(100 * (1 - down) + sum(age * p for age, p in ages), rel=1e-9)
    assert cycle.late_mean == pytest.approx(sum((age - 295) * p for age, p in ages if age > 295), rel=1e-9)


def test_running_cycle_solves_the_exponential_case() -> None:
    exact = oracles.running_cycle_exponential(60.0, L, C, 1 / 200)
    for steps, error in ((50, 1e-4), (400, 2e-6)):
        numeric = oracles.running_cycle(Exponential(60.0), L, C, 1 / 200, steps)
        assert numeric.mean == pytest.approx(exact.mean, rel=error)
        assert numeric.late == pytest.approx(exact.late, rel=error)
        assert numeric.late_mean == pytest.approx(exact.late_mean, rel=10 * error)
    assert oracles.saturated_slot_exponential(60.0, L, C, 1 / 200) == exact


def test_cycles_without_pauses_are_bare() -> None:
    bare = oracles.RenewalCycle(C, 0.0, 0.0)
    assert oracles.frozen_cycle(Exponential(60.0), L, C, 0.0) == bare
    assert oracles.running_cycle(Exponential(60.0), L, C, 0.0) == bare
    assert oracles.running_cycle_exponential(60.0, L, C, 0.0) == bare
    assert oracles.outage_cycle_exponential(60.0, L, C, 10.0, 0.0) == bare
    assert bare.time_to_first == math.inf


@pytest.mark.parametrize(("mean", "running_error", "frozen_error"), [(60.0, 0.016, -0.031), (30.0, 0.006, -0.207)])
def test_first_order_errors_are_those_documented(mean: float, running_error: float, frozen_error: float) -> None:
    pause, rate = Exponential(mean), 0.375 / C
    running = oracles.first_order_rate(oracles.expiry_running(pause, L, C), rate, mean)
    frozen = oracles.first_order_rate(oracles.expiry_frozen(pause, L, C), rate, mean)
    exact_running = oracles.running_cycle_exponential(mean, L, C, rate).rate
    assert running / exact_running - 1 == pytest.approx(running_error, abs=1e-3)
    assert frozen / oracles.frozen_cycle(pause, L, C, rate).rate - 1 == pytest.approx(frozen_error, abs=1e-3)


@every_pause
def test_first_order_is_the_limit_of_rare_pauses(pause: Pause) -> None:
    rate = 1e-7
    first_order = oracles.first_order_rate(oracles.expiry_running(pause, L, C), rate, pause.mean)
    assert oracles.running_cycle(pause, L, C, rate).rate == pytest.approx(first_order, rel=1e-4)


# ---- losses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ttl", "cycle", "attempts"),
    [(300, 225, 1), (300, 100, 2), (300, 99, 3), (300, 300, 0), (0.9, 0.3, 2), (0.7, 0.1, 6), (1.2, 0.4, 2)],
)
def test_attempts_before_expiry(ttl: float, cycle: float, attempts: int) -> None:
    assert oracles.attempts_before_expiry(ttl, cycle) == attempts


@pytest.mark.parametrize(
    ("loss", "cycle", "per_hour"),
    [
        (0.01, 45, 7.9e-11),
        (0.01, 70, 5.1e-7),
        (0.01, 90, 4.0e-5),
        (0.01, 110, 3.2e-3),
        (0.01, 225, 0.158),
        (0.001, 70, 5.1e-11),
        (0.001, 110, 3.3e-5),
        (0.001, 225, 1.6e-2),
    ],
)
def test_expiries_per_lease_hour(loss: float, cycle: float, per_hour: float) -> None:
    assert 3600 * oracles.loss_expiry_rate(300, cycle, loss) == pytest.approx(per_hour, rel=0.02)


@pytest.mark.verification
@pytest.mark.parametrize("cycle", [45.0, 100.0, 225.0])  # 100 s: the third attempt meets the expiry
def test_losses_as_stated(cycle: float, rng: np.random.Generator) -> None:
    loss = 0.4
    gaps = cycle * rng.geometric(1 - loss, N)
    late, lapses = gaps >= L, np.maximum(gaps - L, 0.0)
    assert_rate(late * 1.0, gaps, oracles.loss_expiry_rate(L, cycle, loss))
    assert_mean(lapses[late], oracles.loss_lapse_mean(L, cycle, loss))
    assert_rate(gaps - lapses, gaps, oracles.loss_lease_availability(L, cycle, loss))


def test_runs_of_losses() -> None:
    losses = [(outcome, "xxx" in "".join(outcome)) for outcome in product("x.", repeat=8)]
    brute = sum(0.3 ** o.count("x") * 0.7 ** o.count(".") for o, has_run in losses if has_run)
    assert oracles.prob_run_within(3, 8, 0.3) == pytest.approx(brute)
    waits = sum(1 - oracles.prob_run_within(3, n, 0.5) for n in range(600))
    assert oracles.attempts_to_run(3, 0.5) == pytest.approx(waits)
    assert waits == pytest.approx(14)
    assert oracles.attempts_to_run(3, 1.0) == 3
    assert oracles.prob_run_within(1, 4, 0.2) == pytest.approx(1 - 0.8**4)


def test_needless_giveup() -> None:
    lost = oracles.roundtrip_loss(0.2, 0.15)
    assert lost**3 == pytest.approx(0.03277, abs=5e-6)
    assert oracles.needless_giveup(3, 0.2, 0.15) == pytest.approx(0.03277 - 0.00800, abs=5e-6)
    assert oracles.needless_giveup(3, 0.2, 0.0) == pytest.approx(0.0)


@pytest.mark.verification
def test_giveup_as_stated(rng: np.random.Generator) -> None:
    loss, wait, backoffs = 0.3, 225.0, [2.0, 4.0]
    failures = rng.geometric(1 - loss, N) - 1
    spent = np.array([0.0, 2.0, 6.0, 6.0])[np.minimum(failures, 3)]
    gave_up = failures >= 3
    rate = oracles.giveup_rate(loss, wait, backoffs)
    assert_rate(gave_up * 1.0, spent + wait * ~gave_up, rate)
    assert oracles.giveup_rate(loss, wait, []) == pytest.approx(loss / (1 - loss) / wait)


@pytest.mark.parametrize(("burst", "lost"), [(0.1, 1.0e-6), (1, 5.2e-4), (5, 5.5e-3), (30, 9.0e-3)])
def test_bursts_defeat_retries(burst: float, lost: float) -> None:
    channel = oracles.GilbertElliott.of(0.01, burst)
    assert channel.mean_loss == pytest.approx(0.01)
    assert channel.all_lost([1, 2]) == pytest.approx(lost, rel=0.01)


def test_gilbert_elliott_against_matrix_exponentials() -> None:
    channel = oracles.GilbertElliott(0.02, 0.3, 0.1, 0.8)
    generator = np.array([[-0.02, 0.02], [0.3, -0.3]])
    losses = np.diag([0.1, 0.8])
    state = np.array([0.3, 0.02]) / 0.32 @ losses
    for gap in (1.0, 7.0, 0.0):
        state = state @ expm(generator * gap) @ losses
    assert channel.all_lost([1.0, 7.0, 0.0]) == pytest.approx(state.sum())
    assert channel.all_lost([1e6, 1e6]) == pytest.approx(channel.mean_loss**3)


def test_storage_loss() -> None:
    assert oracles.storage_loss_rate(3 / 86_400, 10) == pytest.approx(30 / 86_400)


# ---- overlap ----------------------------------------------------------------------------------------------


@pytest.mark.verification
@every_pause
@pytest.mark.parametrize(("up", "down"), [(0.0, 0.0), (4.0, 9.0)])
def test_overlap_as_stated(pause: Pause, up: float, down: float, rng: np.random.Generator) -> None:
    regrant = L + 20
    lengths, phase = DRAWS[pause](rng, N), rng.uniform(0, C, N)
    resume, regranted = phase + lengths, regrant + up
    for name, send in (("running", np.maximum(C, resume)), ("frozen", C + lengths)):
        refused = (send > L) * (send + up + down)
        belief = np.maximum(refused - regranted, 0)
        awake = np.maximum(refused - np.maximum(resume, regranted), 0)
        assert_mean(belief, getattr(oracles, f"belief_overlap_{name}")(pause, C, regrant, down))
        assert_mean(awake, getattr(oracles, f"execution_overlap_{name}")(pause, C, regrant, up, down))


@every_pause
def test_overlap_limits(pause: Pause) -> None:
    regrant = L + P
    frozen = oracles.execution_overlap_frozen(pause, C, regrant)
    gain = quad(lambda x: pause.excess(regrant - C) - pause.excess(regrant - x), 0, C, limit=200)[0]
    assert frozen == pytest.approx(gain / C, rel=1e-6)
    assert oracles.execution_overlap_running(pause, C, regrant) == 0.0
    assert oracles.execution_overlap_frozen(Deterministic(9999.0), C, regrant) == pytest.approx(C / 2)


@every_pause
def test_overlap_averaged_over_the_sweep(pause: Pause) -> None:
    mean = oracles.averaged_over_sweep(lambda r: oracles.belief_overlap_frozen(pause, C, r), L, P)
    closed = (pause.excess2(L - C) - pause.excess2(L + P - C)) / P
    assert mean == pytest.approx(closed, rel=1e-6, abs=1e-12)


def test_lenient_holder_works_to_its_end() -> None:
    assert oracles.lenient_overlap(Exponential(600.0)) == pytest.approx(600)
    assert oracles.lenient_overlap(Deterministic(600.0)) == pytest.approx(300)


def test_fencing_ends_before_the_server_does() -> None:
    deadline = oracles.fence_deadline(30.0, 0.3, margin=1.0)
    assert deadline * 1.3 + 1.0 == pytest.approx(30.0)
    assert oracles.fence_deadline(1.0, 0.3) > 0.7  # the 70 % of a published example are on the safe side
    assert oracles.fenced_overlap_bound(2.0, 0.5) == 2.5


# ---- reclaim ----------------------------------------------------------------------------------------------


def test_reclaim_numbers() -> None:
    assert oracles.reclaim_latency(L, C, P) == 195.0
    assert oracles.reclaim_latency(L, C, P, 1 / 100) == pytest.approx(234.01, abs=5e-3)
    assert oracles.reclaim_latency_bounds(L, C, P) == (75.0, 315.0)
    assert oracles.zombie_share(2 / 3600, 180.0) == pytest.approx(0.1)
    around = [oracles.age_at_crash(C, k / C) for k in (0.0, 0.99e-5, 1.01e-5)]
    assert around == pytest.approx([C / 2] * 3, rel=1e-5)


@pytest.mark.verification
def test_reclaim_as_stated(rng: np.random.Generator) -> None:
    ages = rng.exponential(100.0, N) % C
    assert_mean(L - ages + rng.uniform(0, P, N), oracles.reclaim_latency(L, C, P, 1 / 100))


# ---- queues -----------------------------------------------------------------------------------------------


def stationary(rates: Array) -> Array:
    """The stationary law of a Markov chain with rates[i, j] from i to j."""
    balance = rates.T - np.diag(rates.sum(axis=1))
    balance[0] = 1.0
    return np.linalg.solve(balance, np.eye(len(rates))[0])


def birth_death(births: list[float], deaths: list[float]) -> Array:
    return stationary(np.diag(births, 1) + np.diag(deaths, -1))


@pytest.mark.parametrize(("c", "a", "blocked"), [(5, 4, 0.199067), (10, 8, 0.121661), (20, 18, 0.109213)])
def test_erlang_b(c: int, a: float, blocked: float) -> None:
    assert oracles.erlang_b(c, a) == pytest.approx(blocked, abs=5e-7)
    assert oracles.erlang_b(c, a) == pytest.approx(birth_death([a] * c, [k + 1.0 for k in range(c)])[-1])
    assert (oracles.erlang_b(0, a), oracles.erlang_b(c, 0.0)) == (1.0, 0.0)


def test_erlang_c() -> None:
    law = birth_death([4.0] * 300, [min(k + 1.0, 5.0) for k in range(300)])
    waits = [Erlang(n, 0.2).survival(1.0) for n in range(1, 297)]
    assert oracles.erlang_c(5, 4.0) == pytest.approx(law[5:].sum())
    assert oracles.erlang_c(5, 4.0) == pytest.approx(0.554113, abs=5e-7)
    assert oracles.erlang_c_wait(5, 4.0, 1.0) == pytest.approx(law[5:] @ np.arange(296) / 4.0)
    assert oracles.erlang_c_wait_tail(1.0, 5, 4.0, 1.0) == pytest.approx(law[5:] @ waits)
    assert oracles.erlang_c_wait(1, 0.5, 1.0) == pytest.approx(oracles.mg1_wait(0.5, Exponential(1.0)))


@pytest.mark.verification
def test_pollaczek_khinchine_as_stated(rng: np.random.Generator) -> None:
    service = SMOOTH[3]
    rate, waits = 0.4 / service.mean, np.zeros(20_000)
    for _ in range(300):
        waits = np.maximum(waits + DRAWS[service](rng, waits.size) - rng.exponential(1 / rate, waits.size), 0)
    assert_mean(waits, oracles.mg1_wait(rate, service))


def test_engset() -> None:
    law = birth_death([0.5 * (12 - k) for k in range(5)], [k + 1.0 for k in range(5)])
    asked = law * (12 - np.arange(6))
    assert oracles.engset_time(12, 5, 0.5) == pytest.approx(law[-1])
    assert law[-1] == pytest.approx(0.23199, abs=5e-6)
    assert oracles.engset_call(12, 5, 0.5) == pytest.approx(0.19012, abs=5e-6)
    assert oracles.engset_call(12, 5, 0.5) == pytest.approx(asked[-1] / asked.sum())
    assert oracles.engset_time(100_000, 5, 4e-5) == pytest.approx(oracles.erlang_b(5, 4.0), rel=1e-3)
    assert oracles.engset_time(4, 5, 0.5) == 0.0


def test_retrial_queue_against_its_balance_equations() -> None:
    load, retry, orbit = 0.6, 0.3, 250
    rates = np.zeros((2 * orbit, 2 * orbit))
    for n in range(orbit):
        idle, busy = 2 * n, 2 * n + 1
        rates[idle, busy], rates[busy, idle] = load, 1.0
        if n + 1 < orbit:
            rates[busy, busy + 2] = load
        if n > 0:
            rates[idle, busy - 2] = n * retry
    waiting = stationary(rates) @ np.repeat(np.arange(orbit), 2)
    assert oracles.retrial_wait(load, 1.0, retry) == pytest.approx(waiting / load)
    assert oracles.retrial_wait(load, 1.0, 1e9) == pytest.approx(oracles.mg1_wait(load, Exponential(1.0)))


def test_crashes_lengthen_the_holding() -> None:
    assert oracles.holding_with_crashes(600, 1 / 3000, L, C, P) == pytest.approx(533.902, abs=5e-4)
    blocked = oracles.blocking_with_crashes(8, 7 / 600, 600, 1 / 3000, L, C, P)
    assert blocked == pytest.approx(0.13469, abs=5e-6)
    assert oracles.holding_with_crashes(600, 0.0, L, C, P) == pytest.approx(600)


@pytest.mark.verification
def test_holding_with_crashes_as_stated(rng: np.random.Generator) -> None:
    work, crash, reaper = rng.exponential(600, N), rng.exponential(3000, N), rng.uniform(0, P, N)
    held = np.where(crash < work, crash - crash % C + L + reaper, work)
    assert_mean(held, oracles.holding_with_crashes(600, 1 / 3000, L, C, P))


# ---- errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: oracles.expiry_running(Exponential(1.0), 10.0, 20.0), "cycle = 20.0 and ttl = 10.0"),
        (lambda: oracles.expiry_frozen(Exponential(1.0), 10.0, 5.0, -1.0), "sweep = -1.0: must not be"),
        (lambda: Exponential(0.0), "mean = 0.0: must be above 0"),
        (lambda: Uniform(3.0, 2.0), "low = 3.0 and high = 2.0"),
        (lambda: Erlang(0, 1.0), "phases = 0: must be at least 1"),
        (lambda: oracles.loss_expiry_rate(10.0, 5.0, 1.2), "loss = 1.2: must be between 0 and 1"),
        (lambda: oracles.loss_lapse_mean(10.0, 5.0, 1.0), "loss = 1"),
        (lambda: oracles.giveup_rate(1.0, 5.0, []), "without backoffs"),
        (lambda: oracles.GilbertElliott.of(0.0, 5.0), "mean_loss = 0.0"),
        (lambda: oracles.averaged_over_sweep(abs, 10.0, 1.0, intervals=3), "intervals = 3"),
        (lambda: oracles.fence_deadline(10.0, 0.1, margin=10.0), "margin = 10.0 and ttl = 10.0"),
        (lambda: oracles.erlang_c(5, 5.0), "load = 5.0 and servers = 5"),
    ],
)
def test_errors_name_the_argument(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_every_public_oracle_is_documented() -> None:
    assert sorted(oracles.__all__) == list(oracles.__all__)
    for name in oracles.__all__:
        assert (getattr(oracles, name).__doc__ or "").strip(), name
