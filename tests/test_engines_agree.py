"""Both engines give the same trace, event by event, for goldens, shipped scenarios and whatever Hypothesis invents.

A failure prints the ten events before the first divergence, then both sides, the scenario and the seed.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sim import engines
from sim.engines import kernel
from sim.engines.kernel.regions import grown
from sim.errors import OutOfReach, TimeStandsStill, UsageError
from sim.metrics import tally_of
from sim.model.crowd import rows_at_one_instant_max
from sim.model.load import dumps, load, loads
from sim.model.scenario import Scenario
from sim.trace import Trace
from sim.units import SECOND
from sim.vocabulary import Kind
from tests.strategies import scenarios

pytestmark = pytest.mark.skipif(not kernel.available()[0], reason=kernel.available()[1] or "it is available")

HERE = Path(__file__).parent
GOLDENS = sorted((HERE / "goldens").glob("*.txt"))
SHIPPED = sorted((HERE.parent / "scenarios").glob("*.toml"))
ROWS_MAX = 20_000
"""A generated world with more events than this takes the reference too long."""
SEEDS = st.integers(0, 2**64 - 1)

Outcome = Trace | str


def outcome(scenario: Scenario, seed: int, engine: str) -> Outcome:
    """The trace, or word that time stands still."""
    try:
        if engine == "kernel":
            return kernel.simulate(scenario, seed, 0)
        return engines.run(scenario, seed, 0, engine=engine)
    except TimeStandsStill:
        return "time stands still"


def assert_equal(scenario: Scenario, seed: int, fast: Outcome, reference: Outcome) -> None:
    if fast == reference:
        return
    told = [f"seed = {seed}", dumps(scenario)]
    if isinstance(fast, Trace) and isinstance(reference, Trace):
        at = reference.first_difference(fast) or 0
        told += [f"--- the last common events before event {at}", reference.text(max(0, at - 10), at)]
        told += ["--- process", reference.text(at, at + 5), "--- kernel", fast.text(at, at + 5)]
    else:
        told += ["--- process", str(reference), "--- kernel", str(fast)]
    told.append(f"the scenario above as case.toml replays it: leasesim explain case.toml --seed {seed} --engine kernel")
    pytest.fail("\n".join(told))


def agree(scenario: Scenario, seed: int) -> None:
    assert_equal(scenario, seed, outcome(scenario, seed, "kernel"), outcome(scenario, seed, "process"))


def agree_if_small(scenario: Scenario, seed: int) -> None:
    fast = outcome(scenario, seed, "kernel")
    if isinstance(fast, Trace) and len(fast) > ROWS_MAX:
        reject()
    assert_equal(scenario, seed, fast, outcome(scenario, seed, "process"))


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_goldens(path: Path) -> None:
    _, rest = path.read_text(encoding="utf-8").split("\n\n--- scenario\n")
    scenario, trace = rest.split("\n\n--- trace\n")
    assert kernel.simulate(loads(scenario), 1, 0).text() == trace.rstrip("\n")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios(path: Path) -> None:
    agree(load(path), seed=11)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), SEEDS)
def test_generated_scenarios(scenario: Scenario, seed: int) -> None:
    agree_if_small(scenario, seed)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), SEEDS)
def test_many_generated_scenarios(scenario: Scenario, seed: int) -> None:
    agree_if_small(scenario, seed)


def test_many_replications_of_one_scenario() -> None:
    scenario = load("laptop-own-server")
    digests = {kernel.simulate(scenario, 5, replication).digest for replication in range(200)}
    assert len(digests) == 200
    for replication in (7, 2**63, 2**64 - 1):
        fast = kernel.simulate(scenario, 5, replication)
        assert fast == engines.run(scenario, 5, replication, engine="process")


def test_time_that_stands_still() -> None:
    scenario = loads(
        'duration = "1h"\nnetwork = { up = "0s", down = "0s" }\n'
        'runs = { arrivals = { kind = "closed", clients = 1 }, work = "0s" }\n'
    )
    agree(scenario, 1)
    with pytest.raises(TimeStandsStill, match=r"0\.000 s after the start"):
        kernel.simulate(scenario, 1, 0)


def test_arrays_grow() -> None:
    """Every region starts far too small for this world."""
    agree(
        loads(
            'duration = "30m"\nlimit = { slots = 40 }\nruns = { arrivals = { kind = "backlog", waiting = 20 }, '
            'work = { kind = "exponential", mean = "2m" } }\n'
        ),
        3,
    )
    agree(
        loads(
            'duration = "2h"\nlimit = { slots = 9 }\n'
            'runs = { arrivals = { kind = "poisson", rate = "900/h" }, work = "30s" }\n'
        ),
        3,
    )


def test_what_does_not_fit_is_refused() -> None:
    scenario = load("no-faults").model_copy(update={"duration": 2**60})
    with pytest.raises(UsageError, match="duration"):
        kernel.simulate(scenario, 1, 0)


def test_auto_takes_the_reference_for_what_the_kernel_cannot_count() -> None:
    late = loads('duration = "1h"\nhosts = { wall_offset = "14000d" }\n')
    drift = 'what = "clock_drift"\nwhom = "hosts"\nwhen = { times = ["1m"] }\nlength = "10m"\nppm = 800000.0\n'
    runaway = loads(
        'duration = "1h"\nhosts = { drift_ppm = 800000.0 }\n'
        f'[[faults]]\nname = "fast"\n{drift}[[faults]]\nname = "faster"\n{drift}'
    )
    for world in (late, runaway):
        with pytest.raises(OutOfReach, match="kernel"):
            engines.run(world, engine="kernel")
        with pytest.raises(OutOfReach, match="kernel"):
            tally_of(world, 1, 0, engine="kernel")
        assert engines.run(world, engine="auto") == engines.run(world, engine="process")
        assert tally_of(world, 1, 0) == tally_of(world, 1, 0, engine="process")


def test_a_fixed_rate_takes_up_its_grid_again_however_fine() -> None:
    """After a sleep of a minute 6 * 10^10 points of the grid are past: they are counted, not walked."""
    agree(
        loads(
            'duration = "150s"\nlease = { ttl = "5m" }\nrenewal = { every = "1ns", cadence = "fixed_rate" }\n'
            'network = { up = "10s", down = "10s" }\nhosts = { monotonic_counts_suspend = true }\n'
            'runs = { arrivals = { kind = "closed", clients = 1 }, work = "1h" }\n'
            '[[faults]]\nwhat = "sleep"\nwhen = { times = ["30s"] }\nlength = "1m"\n'
        ),
        1,
    )


def test_a_crowd_is_no_loop() -> None:
    """Everybody comes at once: many events at one instant, and time goes on."""
    crowded = loads('duration = "1m"\nruns = { arrivals = { kind = "closed", clients = 51000 }, work = "1h" }\n')
    assert rows_at_one_instant_max(crowded) > 2 * 51_000
    trace = kernel.simulate(crowded, 1, 0)
    assert sum(event_time == 0 for event_time in trace.rows[:, 0].tolist()) > 100_000


def test_what_does_not_fit_into_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.engines.kernel.driving.grown", partial(grown, words_max=100_000))
    scenario = load("no-faults").with_({"duration": "1000d"})
    with pytest.raises(UsageError, match=r"scenario 'Nothing goes wrong': .* in the trace do not fit"):
        kernel.simulate(scenario, 1, 0)


@pytest.mark.long
def test_without_a_folder_for_machine_code_a_run_goes_on(tmp_path: Path) -> None:
    """Neither the package's own folder nor the user's can be written: compiled anew, and nothing said."""
    first_call = (
        "import os; os.access = lambda *_: False\n"
        "from sim import engines; from sim.model.load import load\n"
        "print(len(engines.run(load('no-faults').with_({'duration': '1h'}), 1, 0, engine='kernel')))"
    )
    done = in_a_new_process(first_call)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 10


def in_a_new_process(program: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env={**os.environ, **more}
    )


@pytest.mark.parametrize("body", ["raise ImportError('no numba here')", "raise SystemError('another NumPy')", ""])
def test_a_missing_or_broken_numba_is_one_sentence(body: str, tmp_path: Path) -> None:
    """Whatever importing numba raises, and if half of it is gone: the kernel says so, the reference does the work."""
    (tmp_path / "numba").mkdir()
    (tmp_path / "numba" / "__init__.py").write_text(body)
    work = (
        "import sim\nfrom sim import engines\n"
        "world = sim.load('no-faults').with_({'duration': '1h'})\n"
        "print(len(sim.replicate(world, replications=2).metrics) > 10)\n"
        "print(len(engines.run(world)))\n"
        "try:\n    engines.run(world, engine='kernel')\nexcept sim.UsageError as error:\n    print(error)\n"
    )
    done = in_a_new_process(work, PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    said = done.stdout.splitlines()[2:]
    assert "The compiled engine needs numba, which cannot be imported" in said[0]
    assert any("process" in line for line in said)


def _does_nothing(address: Any) -> None:
    """Stand for the kernel's loop: what takes the time is not the point."""


def test_what_is_damaged_on_the_disk_is_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.engines.kernel import compiling

    monkeypatch.setattr(compiling.numba.config, "CACHE_DIR", str(tmp_path))
    compiling._machine_code_of(_does_nothing)(0)
    (index,) = tmp_path.rglob("*.nbi")
    index.write_bytes(b"")
    compiling._machine_code_of(_does_nothing)(0)
    assert not list(tmp_path.rglob("*.nbi")), "what was damaged is gone"
    compiling._machine_code_of(_does_nothing)(0)
    assert list(tmp_path.rglob("*.nbi")), "and is kept anew"


def test_without_any_folder_machine_code_is_kept_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.engines.kernel import compiling

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(compiling.numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    compiling._machine_code_of(_does_nothing)(0)
    assert not list(tmp_path.rglob("*.nbi"))


# ---------------------------------------------------------------------------------- room


WAITING_FOR_A_PLACE = """
duration = "3m"
limit = {{ slots = 100000 }}
http = {{ read_timeout = "1h" }}
server = {{ requests_max = 1, connections_per_run = 1 }}
runs = {{ arrivals = {{ {arrivals} }}, work = "30s" }}
"""
A_THOUSAND = """
duration = "6m"
limit = { slots = 667, poll = { kind = "exponential", mean = "30s" } }
lease = { ttl = "1m", expiry_check = "sweep", on_restart = "lost_free" }
hosts = { count = 50 }
network = { up = { kind = "lognormal", median = "20ms", sigma = 0.8 }, down = "20ms", loss_up = 0.01 }
[runs]
arrivals = { kind = "closed", clients = 1000, think = { kind = "exponential", mean = "1m" } }
work = { kind = "exponential", mean = "4m" }
[[faults]]
name = "sleep"
what = "sleep"
when = "5/h"
length = { kind = "exponential", mean = "1m" }
[[faults]]
name = "restart"
what = "restart"
when = { times = ["3m"] }
length = "8s"
"""
MANY_MACHINES = """
duration = "10m"
hosts = {{ count = {hosts} }}
runs = {{ arrivals = {{ kind = "closed", clients = 10 }}, work = "30s" }}
[[faults]]
name = "sleep"
what = "sleep"
when = "6/h"
length = "30s"
[[faults]]
name = "outage"
what = "block"
when = "6/h"
length = "30s"
"""


@pytest.mark.parametrize(
    "text",
    [
        WAITING_FOR_A_PLACE.format(arrivals='kind = "backlog", waiting = 60'),
        WAITING_FOR_A_PLACE.format(arrivals='kind = "closed", clients = 200'),
        MANY_MACHINES.format(hosts=3000),
        A_THOUSAND,
    ],
    ids=["a queue of 60 grants at once", "a queue of 200", "6000 faults to begin with", "1000 holders"],
)
def test_arrays_are_long_enough_for_whatever_happens_at_one_instant(text: str) -> None:
    agree(loads(text), 1)


def test_an_array_that_was_overrun_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.engines.kernel import driving
    from sim.engines.kernel import layout as at

    def careless(memory: Any) -> None:
        memory[at.GRANTED] = memory[at.LEASES_LIMIT] + 1

    monkeypatch.setattr(driving, "INTERPRETED", True)
    monkeypatch.setattr(driving, "go_through", careless)
    with pytest.raises(UsageError, match=r"scenario 'Nothing goes wrong'.*leases granted.*midst"):
        driving.simulate(load("no-faults"), 1, 0)


def test_the_generators_agree() -> None:
    import numba

    from sim.engines.kernel.draws import philox
    from sim.streams import philox as reference

    @numba.njit
    def draw(k0, k1, c0, c1, c2, c3):  # what is compiled for the loop alone cannot be called from Python
        return philox(k0, k1, c0, c1, c2, c3)

    random = np.random.default_rng(7)
    for words in random.integers(0, 2**64 - 1, size=(2000, 6), dtype=np.uint64, endpoint=True):
        k0, k1, c0, c1, c2, c3 = (int(word) for word in words)
        assert tuple(int(word) for word in draw(*words)) == reference((k0, k1), (c0, c1, c2, c3))


def test_seconds_are_rounded_as_python_rounds_them() -> None:
    from sim.engines.kernel.books import in_seconds

    convert = in_seconds.py_func if hasattr(in_seconds, "py_func") else in_seconds
    random = np.random.default_rng(8)
    for ns in random.integers(2**52, 2**59, size=20_000).tolist():
        assert convert(ns) == ns / 10**9, ns


def test_a_replication_is_fast_enough_to_be_worth_it() -> None:
    """A coarse guard: `python -m benchmarks` measures. Twenty times the reference is far below what is measured."""
    scenario = load("laptop-own-server")
    kernel.simulate(scenario, 1, 0)
    spent = {}
    for engine in ("process", "kernel"):
        best = math.inf
        for _ in range(3):
            start = time.process_time()
            outcome(scenario, 1, engine)
            best = min(best, time.process_time() - start)
        spent[engine] = best
    assert spent["kernel"] * 20 < spent["process"], spent


@pytest.mark.parametrize("engine", ["process", "kernel"])
def test_a_contender_remembers_what_it_saw_before_a_question_failed(engine: str) -> None:
    """It looks every 5 s, one look in the midst fails, and it still counts from when it saw the record first."""
    world = load("kubernetes-leader-election").with_(
        {
            "duration": "2m",
            "runs.arrivals": {"kind": "times", "times": ["0s", "1s"]},
            "runs.work": "1h",
            "limit.poll": "5s",
            "hosts.count": 2,
            "network.up": "1ms",
            "network.down": "1ms",
            "faults": [
                {"what": "crash", "whom": "hosts", "only": [0], "when": {"times": ["12s"]}},
                {"what": "outage", "mode": "refuse", "whom": "hosts", "only": [1], "when": {"times": ["20s"]}}
                | {"length": "2s"},
            ],
        }
    )
    trace = engines.run(world, engine=engine)
    asked = [event.time_ns for event in trace if event.kind is Kind.ASK and event.lane == 1]
    taken = next(event.time_ns for event in trace if event.kind is Kind.GRANT and event.lane == 1)
    first = max(at for at in asked if at < 12 * SECOND)
    assert any(20 * SECOND < at < 22 * SECOND for at in asked)
    assert 15 * SECOND <= taken - first < 16 * SECOND
