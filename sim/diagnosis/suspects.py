"""The suspects: what each does to a world, how often that is assumed, and what would decide it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sim.model.load import loads, override
from sim.model.scenario import Scenario

Answer = Literal["yes", "no", "unknown"]
PRIOR: Final[Mapping[Answer, float]] = {"yes": 1.0, "unknown": 0.3, "no": 0.0}
"""How likely it is taken to be that a suspect was there at all, by the answer to its question."""


@dataclass(frozen=True)
class Answers:
    """What a person said about a killed run."""

    version: str
    launch: str = "serve"
    server: str = "local"
    limit: str = "deployment"
    body: str = "async"
    sleeps: Answer = "unknown"
    blocks: Answer = "unknown"
    restarts: Answer = "unknown"
    retries: Answer = "unknown"
    log: str = "unknown"
    """How the last renewal ended: 410, time-out, refused, reset, 5xx, or unknown."""
    after_ns: int | None = None
    """From the start of the run to its kill."""


@dataclass(frozen=True)
class Suspect:
    """One possible cause, alone in a world."""

    name: str
    assumed: str
    """How often and how long, in words."""
    decides: str
    """The piece of evidence that would tell it from the others."""
    prior: float
    changes: Mapping[str, Any]
    weight: float = 1.0
    """What a kill in its world counts, where that world has more runs, or less time, than the others'."""


_LAPTOP: Final = {
    "kind": "mixture",
    "parts": [
        {"weight": 0.67, "of": {"kind": "lognormal", "median": "8m", "sigma": 1.0}},
        {"weight": 0.33, "of": {"kind": "lognormal", "median": "45m", "sigma": 0.6}},
    ],
}


def world(answers: Answers) -> Scenario:
    """Return the world of these answers, in which nothing goes wrong yet."""
    table = {"version": answers.version, "launch": answers.launch, "server": answers.server}
    table |= {"limit": answers.limit, "body": answers.body}
    lines = "\n".join(f'{name} = "{value}"' for name, value in table.items()) + "\nconcurrency_limit = 2\n"
    lines += "strict = true\n" if answers.limit == "concurrency" else ""
    text = f'title = "Diagnosis"\nduration = "2d"\n[prefect]\n{lines}\n[runs]\n'
    text += 'arrivals = { kind = "closed", clients = 3, think = "1m" }\n'
    text += 'work = { kind = "lognormal", median = "30m", sigma = 1.0 }\n'
    return loads(text, "answers")


def _fault(rate: str, what: str, median: str, sigma: float, **more: Any) -> dict[str, Any]:
    length = {"kind": "lognormal", "median": median, "sigma": sigma}
    return {"faults": [{"name": "suspect", "what": what, "when": {"rate": rate}, "length": length, **more}]}


def suspects(a: Answers) -> Iterator[Suspect]:
    """Yield everyone who may be to blame, with what the answers say of him."""
    yield from _machine(a)
    yield from _server(a)
    yield from _crowd(a)
    yield from _network()
    yield from _lifecycle(a)


def _machine(a: Answers) -> Iterator[Suspect]:
    sleep = {"faults": [{"name": "suspect", "what": "sleep", "when": {"rate": "0.4/h"}, "length": _LAPTOP}]}
    yield Suspect(
        "the machine slept", "0.4/h, median 8 min (2 of 3) or 45 min",
        "the system's own record of suspends (journalctl, pmset -g log) shows one in the 5 min before the kill",
        PRIOR[a.sleeps], sleep,
    )  # fmt: skip
    yield Suspect(
        "blocking code on the event loop", "1/h, median 20 s, heavy tail",
        "PYTHONASYNCIODEBUG=1 logs a callback of more than 75 s before the kill; a sync flow or 3.7.1 ends it",
        PRIOR[a.blocks] if a.body == "async" else 0.0, _fault("1/h", "block", "20s", 1.5),
    )  # fmt: skip
    yield Suspect(
        "a call that holds the interpreter (GIL)", "0.1/h, median 20 s, heavy tail",
        "py-spy dump --native in the long call shows it; a thread does not help, a subprocess does",
        PRIOR[a.blocks], _fault("0.1/h", "gil_block", "20s", 1.5),
    )  # fmt: skip
    yield Suspect(
        "the process stood still (debugger, SIGSTOP, frozen container)", "0.05/h, median 2 min",
        "a gap in the log of that process alone, while others on the machine go on",
        0.3, _fault("0.05/h", "pause", "2m", 1.0, whom="runs"),
    )  # fmt: skip


def _server(a: Answers) -> Iterator[Suspect]:
    lost = "all runs die at their next renewal after it" if a.server != "cloud" else "Prefect's status page"
    prior = PRIOR[a.restarts] if a.server != "cloud" else 0.0
    yield Suspect(
        "the server was restarted", "3/d, down for a median of 8 s",
        f"the server's log shows a start less than 225 s before the kill; with leases in memory {lost}",
        prior, _fault("3/d", "restart", "8s", 0.7),
    )  # fmt: skip
    yield Suspect(
        "the server was slow (a locked database)", "1/h, median 20 s",
        "the server's log has requests of more than a minute, or 'database is locked'",
        0.3, _fault("1/h", "slow", "20s", 1.0, factor=10000.0),
    )  # fmt: skip


def _crowd(a: Answers) -> Iterator[Suspect]:
    """A server with SQLite works on a hundred requests at once, and every run keeps one place for its events."""
    few, clients, hours, whole = 3, 130, 1, 48
    crowd = {"runs.arrivals.clients": clients, "limit.slots": clients, "duration": f"{hours}h"}
    yield Suspect(
        "more than a hundred clients froze the API", f"{clients} runs at once on one server with SQLite",
        "all requests hang, for everybody, while the server's log shows sweeps every 15 s; fewer clients end it",
        0.0 if a.server == "cloud" else 0.02, crowd, few / clients * whole / hours,
    )  # fmt: skip


def _network() -> Iterator[Suspect]:
    modes = (
        ("connections were refused", "refuse", "10s", "the run's log says ConnectError, and the server was up"),
        ("the network was cut (no answer at all)", "black_hole", "1m", "the run's log says ConnectTimeout"),
        ("connections were reset", "reset", "1m", "the run's log says ReadError, RemoteProtocolError"),
        ("a proxy or the API answered 5xx", "error", "1m", "the run's log shows HTTPStatusError 502, 503 or 504"),
    )  # fmt: skip
    for name, mode, median, decides in modes:
        yield Suspect(name, f"0.1/h, median {median}", decides, 0.3, _fault("0.1/h", "outage", median, 1.2, mode=mode))


def _lifecycle(a: Answers) -> Iterator[Suspect]:
    deployment = a.limit == "deployment"
    slow = {"runs.provisioning": {"kind": "lognormal", "median": "60s", "sigma": 1.2}}
    yield Suspect(
        "the start took longer than the first lease", "start: median 1 min, heavy tail",
        "Pending to Running took longer than the first lease (60 s before 3.4.21, then 300 s), killed within seconds",
        (0.3 if a.launch == "worker_elsewhere" else 0.05) if deployment else 0.0, slow,
    )  # fmt: skip
    retry = {
        "runs.retry.probability": 0.3,
        "runs.retry.attempts": 3,
        "runs.retry.delay": "10m",
        "runs.work": {"kind": "lognormal", "median": "10m", "sigma": 1.0},
    }
    yield Suspect(
        "the run waited for its own retry", "3 of 10 attempts fail, retry delay 10 min",
        "the run was AwaitingRetry when it was killed; 3.8.5 keeps its lease",
        PRIOR[a.retries] if deployment else 0.0, retry,
    )  # fmt: skip
    yield Suspect(
        "the run was paused", "0.1/h, for 10 min",
        "the run was Paused; a paused run gives its lease back and finds it gone",
        0.05 if deployment else 0.0, {"runs.pause.rate": "0.1/h", "runs.pause.length": "10m"},
    )  # fmt: skip


def accused(base: Scenario, suspect: Suspect) -> Scenario:
    """Return the world with this suspect alone in it."""
    return override(base, dict(suspect.changes))
