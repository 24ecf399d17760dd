"""One trial: a holder behind its own proxy, a waiter, one fault; and a group of trials that share a server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from validation.environment import INSIDE
from validation.live import Died, Live, client_settings
from validation.plan import SERVER_FAULTS, TTL_S, Plan
from validation.proxy import WEATHERS, Proxy, Weather
from validation.server import Server
from validation.table import Row, Seen, failed_row, row

STAGGER_S = 1.5
"""Between the starts of two holders: an interpreter that imports Prefect keeps a core busy for some seconds."""
WAITER_DELAY_S = 1.0
SETTLE_S = 2.0
"""A holder that was answered 204 after its fault is watched so long: the lease may still be revoked just after."""
GIVE_UP_S = 135.0
"""Observation ends so long after the fault, decided or not."""
HANDOVER_S = 40.0
"""After a termination the waiter is watched so long."""


@dataclass
class Outage:
    """The one outage that all trials of a server's fault share."""

    holding: list[float] = field(default_factory=list)
    everyone: asyncio.Event = field(default_factory=asyncio.Event)
    down: asyncio.Event = field(default_factory=asyncio.Event)
    up: asyncio.Event = field(default_factory=asyncio.Event)
    began: float = 0.0
    ended: float = 0.0


@dataclass
class World:
    """A server, the waiter that serves all its trials, and where files go."""

    server: Server
    home: Path
    waiter: Live
    outage: Outage = field(default_factory=Outage)


async def conduct(plan: Plan, world: World) -> Row:
    """Make one trial, and return its row."""
    proxy = Proxy(world.server.port)
    await proxy.open()
    holder = None
    try:
        limit_id = await world.server.create_limit(plan.trial)
        command = [str(INSIDE / "holder.py"), plan.trial, f"{TTL_S:g}", plan.mode]
        settings = client_settings(world.home, proxy.port)
        holder = await Live.start(world.server.python, command, settings, world.home / f"{plan.trial}.log")
        first = await holder.expect("answer", status="204")
        seen = await _observe(plan, world, proxy, holder, limit_id, first["t"])
        return row(seen)
    except (Died, StopIteration, OSError) as error:
        print(f"  {plan.trial}: not set up: {error}", file=sys.stderr)
        world.outage.everyone.set()
        return failed_row(plan)
    finally:
        if holder is not None:
            await holder.end()
        await proxy.close()


async def _observe(plan: Plan, world: World, proxy: Proxy, holder: Live, limit_id: str, renewed: float) -> Seen:
    world.outage.holding.append(renewed)
    waiting = asyncio.create_task(_have_waiter_ask(plan, world, renewed))
    began, ended = await _inflict(plan, world, proxy, holder, renewed)
    await _decision(holder, began, ended)
    decided = time.time()
    holder.tell("finish")
    await holder.until(lambda: holder.find("stopped"), 20)
    await holder.until(lambda: holder.find("left"), 10)
    await waiting
    await _handover(plan, world, holder)
    world.waiter.tell("release", plan.trial)
    await world.waiter.until(lambda: world.waiter.find("released", limit=plan.trial), 15)
    return Seen(
        plan=plan,
        limit_id=limit_id,
        began=began,
        ended=ended,
        decided=decided,
        holder=holder.events,
        waiter=[one for one in world.waiter.events if one.get("limit") == plan.trial],
        server=world.server.noted(),
        final_active_slots=await world.server.active_slots(plan.trial),
        stops=[(began, ended)] if plan.fault == "sigstop" else [],
    )


async def _have_waiter_ask(plan: Plan, world: World, renewed: float) -> None:
    """Let the waiter ask just after the fault began; a server's fault has it ask before."""
    if plan.fault == "none":
        return
    after = plan.start_s + WAITER_DELAY_S if plan.fault not in SERVER_FAULTS else WAITER_DELAY_S
    await asyncio.sleep(max(0.0, renewed + after - time.time()))
    world.waiter.tell("wait", plan.trial)


async def _inflict(plan: Plan, world: World, proxy: Proxy, holder: Live, renewed: float) -> tuple[float, float]:
    """Inflict the fault, and return when it began and ended."""
    if plan.fault in SERVER_FAULTS:
        await world.outage.up.wait()
        return world.outage.began, world.outage.ended
    await asyncio.sleep(max(0.0, renewed + plan.start_s - time.time()))
    if plan.fault == "block":
        holder.tell("block", f"{plan.length_s:g}")
        began = await holder.expect("fault_began", timeout=5)
        return began["t"], (await holder.expect("fault_ended", timeout=plan.length_s + 10))["t"]
    began_at = time.time()
    if plan.fault == "sigstop":
        pid = (await holder.expect("started"))["pid"]
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(plan.length_s)
        ended_at = time.time()
        os.kill(pid, signal.SIGCONT)
        return began_at, ended_at
    if plan.fault != "none":
        await proxy.turn(_weather(plan.fault), plan.latency_s)
        await asyncio.sleep(plan.length_s)
        await proxy.turn("fair")
        return began_at, time.time()
    return began_at, began_at


def _weather(fault: str) -> Weather:
    return next(weather for weather in WEATHERS if weather == fault)


async def _decision(holder: Live, began: float, ended: float) -> None:
    """Wait until the holder was stopped, or has renewed since the fault began and is through with it."""
    deadline = ended + GIVE_UP_S
    while time.time() < deadline and not holder.find("stopped"):
        renewed = holder.find("answer", since=began, status="204")
        settled = max(renewed["t"], ended) + SETTLE_S if renewed else deadline
        if settled <= time.time():
            return
        await holder.until(lambda: holder.find("stopped"), min(settled - time.time(), 1.0))


async def _handover(plan: Plan, world: World, holder: Live) -> None:
    stopped = holder.find("stopped")
    if plan.fault != "none" and stopped and stopped["how"] != "finished":
        await world.waiter.until(lambda: world.waiter.find("granted", limit=plan.trial), HANDOVER_S)


async def _break_server(plans: list[Plan], world: World) -> None:
    """Kill the server once everybody holds, and start it again."""
    outage, plan = world.outage, plans[0]
    while len(outage.holding) < len(plans) and not outage.everyone.is_set():
        await asyncio.sleep(0.1)
    await asyncio.sleep(max(0.0, max(outage.holding, default=0.0) + plan.start_s - time.time()))
    outage.began = time.time()
    await world.server.kill()
    await asyncio.sleep(plan.length_s)
    outage.ended = await world.server.start()
    outage.up.set()


async def together(python: Path, plans: list[Plan], home: Path) -> list[Row]:
    """Make trials side by side on one server, each with a limit of its own."""
    home.mkdir(parents=True, exist_ok=True)
    server = Server(python, home, plans[0].storage)
    world = None
    try:
        await server.start()
        command = [str(INSIDE / "waiter.py")]
        waiter = await Live.start(python, command, client_settings(home, server.port), home / "waiter.log")
        world = World(server, home, waiter)
        await waiter.expect("started")
        return await _all(plans, world)
    except Died as error:
        print(f"  the group was not set up: {error}", file=sys.stderr)
        return [failed_row(plan) for plan in plans]
    finally:
        if world is not None:
            await world.waiter.end()
        await server.kill()


async def _all(plans: list[Plan], world: World) -> list[Row]:
    tasks = []
    for plan in plans:
        tasks.append(asyncio.create_task(conduct(plan, world)))
        await asyncio.sleep(STAGGER_S)
    try:
        if plans[0].fault in SERVER_FAULTS:
            await _break_server(plans, world)
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
