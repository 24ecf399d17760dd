"""Questions about whole deployments, asked of a real Prefect: ``python -m validation.probes [--version 3.4.25]``.

Each is a deployment with a limit of one and unmodified leases of 300 s, so this takes about six minutes; all run side
by side on one server. What is seen is printed with its time, for a person to read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from validation.environment import INSIDE, VERSIONS, Absent, prepare
from validation.live import Died, Live, client_settings
from validation.server import Server

STOP_S = 322.0
"""Longer than a lease and a sweep: the holder's lease is gone when it continues."""
CANCEL_WATCH_S = 330.0


@dataclass
class Probe:
    """A deployment with a limit of one, and what was seen of it."""

    name: str
    server: Server
    home: Path
    deployment: str = ""
    born: float = field(default_factory=time.time)
    lives: list[Live] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Print what is seen, with the seconds since the probe began."""
        print(f"{self.name:11} {time.time() - self.born:7.1f} s  {text}", flush=True)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request of the API without holding up the other probes."""
        return await asyncio.to_thread(self.server.call, method, path, body)

    async def deploy(self) -> None:
        """Create the deployment."""
        made = await self.call("POST", "/flows/", {"name": self.name})
        body = {"name": self.name, "flow_id": made["id"], "concurrency_limit": 1}
        self.deployment = (await self.call("POST", "/deployments/", body))["id"]

    async def pend(self) -> tuple[str, str]:
        """Create a run and propose Pending, as a runner does; return its id and the state that it was given."""
        scheduled = {"state": {"type": "SCHEDULED"}}
        run = (await self.call("POST", f"/deployments/{self.deployment}/create_flow_run", scheduled))["id"]
        return run, await self.propose(run, "PENDING")

    async def propose(self, run: str, state: str, force: bool = False) -> str:
        """Propose a state, and return the one that the run is given."""
        answer = await self.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": state}, "force": force})
        return str(answer["state"]["name"] if answer.get("state") else answer["status"])

    async def state(self, run: str) -> str:
        """Return the state of a run."""
        return str((await self.call("GET", f"/flow_runs/{run}"))["state"]["name"])

    async def slots(self) -> int:
        """Return the limit's counter."""
        deployment = await self.call("GET", f"/deployments/{self.deployment}")
        return int(deployment["global_concurrency_limit"]["active_slots"])

    async def execute(self, run: str, kind: str) -> Live:
        """Start a process that executes a pending run."""
        log = self.home / f"{self.name}-{run}.log"
        settings = client_settings(self.home, self.server.port)
        live = await Live.start(self.server.python, [str(INSIDE / "run.py"), run, kind], settings, log)
        self.lives.append(live)
        await live.expect("running")
        return live

    async def told(self, live: Live, run: str) -> None:
        """Note how an execution ended, and what it leaves."""
        stopped, left = live.find("stopped"), live.find("left")
        answers = [(round(one["t"] - self.born, 1), one["status"]) for one in live.events if one["event"] == "answer"]
        self.note(f"renewals of the first run were answered {answers}")
        self.note(f"its body ended: {stopped and (round(stopped['t'] - self.born, 1), stopped['how'])}")
        self.note(f"its process ended: {left and (round(left['t'] - self.born, 1), left['how'], left.get('why'))}")
        self.note(f"its state: {await self.state(run)}; active slots {await self.slots()}")


async def pause(probe: Probe) -> None:
    """Does a run that pauses in place lose its lease, and is its process ended by the next renewal, or by resuming?"""
    run, _ = await probe.pend()
    live = await probe.execute(run, probe.name)
    await live.expect("pausing")
    await asyncio.sleep(5)
    probe.note(f"paused: state {await probe.state(run)}, active slots {await probe.slots()}")
    second, given = await probe.pend()
    probe.note(f"a second run asks: {given}; active slots {await probe.slots()}")
    await probe.execute(second, "work")
    await live.until(lambda: live.find("answer", status="410"), 300)
    await live.until(lambda: live.find("left"), 20)
    await probe.told(live, run)
    if not live.find("left"):
        await probe.call("POST", f"/flow_runs/{run}/resume", {})
        probe.note(f"resumed: state {await probe.state(run)}; active slots {await probe.slots()}")
        await live.until(lambda: live.find("left"), 30)
        await probe.told(live, run)
    probe.note(f"the second run is {await probe.state(second)} and working")
    _, given = await probe.pend()
    probe.note(f"a third run asks while the second works: {given}; active slots {await probe.slots()}")


async def retry(probe: Probe) -> None:
    """Does a run that waits for its retry keep its slot and its lease?"""
    run, _ = await probe.pend()
    live = await probe.execute(run, "retry")
    await asyncio.sleep(5)
    probe.note(f"waiting for its retry: state {await probe.state(run)}, active slots {await probe.slots()}")
    await live.until(lambda: live.find("left"), 320)
    await probe.told(live, run)


async def cancel(probe: Probe) -> None:
    """Does a cancelled run leave its lease behind, and whose slot does the sweep then take?"""
    run, _ = await probe.pend()
    live = await probe.execute(run, "work")
    probe.note(f"proposes Cancelling: {await probe.propose(run, 'CANCELLING')}; active slots {await probe.slots()}")
    await live.end()  # as the runner does: the process is killed, and then the run is marked
    probe.note(f"marked: {await probe.propose(run, 'CANCELLED', force=True)}; active slots {await probe.slots()}")
    second, given = await probe.pend()
    probe.note(f"a second run asks: {given}; active slots {await probe.slots()}")
    await probe.execute(second, "work")
    before = await probe.slots()
    end = time.time() + CANCEL_WATCH_S
    while time.time() < end and await probe.slots() == before:
        await asyncio.sleep(1)
    probe.note(f"the second run is {await probe.state(second)} and working; active slots {await probe.slots()}")
    _, given = await probe.pend()
    probe.note(f"a third run asks: {given}; active slots {await probe.slots()}")


async def stop(probe: Probe) -> None:
    """The double decrement: a run whose lease was swept ends, and takes the slot of the run that came after it."""
    run, _ = await probe.pend()
    live = await probe.execute(run, "work")
    await asyncio.sleep(2)
    pid = (await live.expect("started"))["pid"]
    os.kill(pid, signal.SIGSTOP)
    stopped = time.time()
    while time.time() < stopped + STOP_S and await probe.slots():
        await asyncio.sleep(1)
    probe.note(f"stopped {time.time() - stopped:.0f} s: active slots {await probe.slots()}")
    second, given = await probe.pend()
    probe.note(f"a second run asks: {given}; active slots {await probe.slots()}")
    await probe.execute(second, "work")
    os.kill(pid, signal.SIGCONT)
    await live.until(lambda: live.find("left"), 30)
    await asyncio.sleep(1)
    await probe.told(live, run)
    probe.note(f"the second run is {await probe.state(second)} and working")
    _, given = await probe.pend()
    probe.note(f"a third run asks: {given}; active slots {await probe.slots()}")


PROBES = {"pause": pause, "pause_async": pause, "retry": retry, "cancel": cancel, "stop": stop}


async def _answer(probe: Probe) -> None:
    try:
        await PROBES[probe.name](probe)
    except (Died, OSError, KeyError, TypeError) as error:
        probe.note(f"not answered: {type(error).__name__}: {error}")


async def ask(version: str, names: list[str], home: Path) -> None:
    """Ask the questions of one version, side by side."""
    server, probes = Server(prepare(version), home), []
    try:
        await server.start()
        probes = [Probe(name, server, home) for name in names]
        for probe in probes:
            await probe.deploy()
        await asyncio.gather(*(_answer(probe) for probe in probes))
        (Path(home) / "events.json").write_text(
            json.dumps({probe.name: [live.events for live in probe.lives] for probe in probes}), "utf-8"
        )
    finally:
        for probe in probes:
            for live in probe.lives:
                await live.end()
        await server.kill()


def main() -> int:
    """Ask, and print the answers."""
    parser = argparse.ArgumentParser(prog="python -m validation.probes", description=__doc__)
    parser.add_argument("--version", default=VERSIONS[0], choices=VERSIONS)
    parser.add_argument("--probe", nargs="+", default=list(PROBES), choices=list(PROBES))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with tempfile.TemporaryDirectory(prefix="leasesim-probes-", ignore_cleanup_errors=True) as home:
            asyncio.run(ask(options.version, options.probe, Path(home)))
    except (Absent, Died) as reason:
        print(f"skipped {options.version}: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
