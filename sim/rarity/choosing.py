"""Which strategies a scenario needs: for each cause alone, for causes that add up or wait for one another, for all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from sim.model.scenario import Scenario
from sim.rarity.cycles import failed_try_ns, time_out_ns
from sim.rarity.strategies import (
    OFTEN,
    POWER,
    AddingUp,
    Address,
    Again,
    Among,
    AnyOf,
    Anything,
    AtTheRequest,
    Failing,
    How,
    Late,
    Strategy,
    Struck,
    Together,
)
from sim.rarity.threats import Threat, threats
from sim.rarity.tilts import Both, Coin, Power, Tilt
from sim.vocabulary import Purpose

FAILING: Final = (1, 2, 3, 4, 6, 9, 14, 20)
"""How many requests in a row are made to fail, in strategies of their own."""
SOONER: Final = (0.75, 0.5, 0.25, 0.0)
"""Shares of the slack after which a holder may give up an authority that is away; 0: its first try is its last."""
SEVERAL: Final = 0.03
"""Faults expected in a cycle, from which on the third of them may be the one that outlasts the lease."""
MANY: Final = 0.3
"""Faults expected in a cycle, from which on any of them may be."""


def strategies(scenario: Scenario) -> tuple[Strategy, ...]:
    """Return the scenario's own law, then strategies for each cause alone, then one for all together."""
    found: list[Strategy] = [Failing("as it is", {}, 0)]
    together: dict[Address, Tilt] = {}
    anyway, seldom = (_losses(scenario, often) | _errors(scenario, often) for often in (0.5, 0.3))
    among = threats(scenario)
    for threat in among:
        found += _struck(threat) + _retried(threat, scenario) + _late(threat, among, seldom, scenario)
        if (together or anyway) and threat.outlasts and not threat.remote:
            found.append(_adding_up(threat, together, anyway, scenario))
        together |= _perhaps(threat)
    for name, requests in _requests(scenario).items():
        found += [Failing(f"{name} {failing}", requests, failing) for failing in FAILING]
    if len(found) > 2 and (together or anyway):
        found.append(Together(together, Failing("", anyway, 3)))
        found.append(Anything({threat.name: threat for threat in among}, Failing("", seldom, FAILING[-1])))
    return tuple(found)


def _struck(threat: Threat) -> list[Strategy]:
    """Return what one fault may do: outlast the lease, add up to it, or last long if it is not clear how long."""
    name, long, enough = threat.fault.name, How.LONG, How.OUTLASTING
    ways = {"long": (long,), "long twice": (long, long), "long three times": (long, long, long)}
    if threat.outlasts:
        ways |= {
            "outlasting": (enough,),
            "the second outlasting": (How.AS_IT_IS, enough),
            "two adding up": (long, enough),
            "three adding up": (long, long, enough),
        }
    expected = threat.rate * threat.wait
    if threat.outlasts and expected > SEVERAL:
        ways["the third outlasting"] = (How.AS_IT_IS, How.AS_IT_IS, enough)
    found: list[Strategy] = [Struck(f"{name}, {way}", threat, occurrences) for way, occurrences in ways.items()]
    if threat.outlasts and threat.remote:
        found.append(Again(f"{name}, again before the next try", threat))
    if threat.early:
        found.append(AtTheRequest(f"{name}, at the request", threat))
    if threat.early and not threat.frozen and not threat.remote and threat.before_the_answer().outlasts:
        found.append(Struck(f"{name}, before the answer", threat.before_the_answer(), (enough,)))
    if threat.outlasts and expected > MANY:
        found.append(AnyOf(f"{name}, any outlasting", threat, 1 / (1 + expected)))
    return found


def _adding_up(
    threat: Threat, others: Mapping[Address, Tilt], failing: Mapping[int, Tilt], scenario: Scenario
) -> AddingUp:
    """Return how one fault may outlast what faults before it in the file, or a failed request, leave of the lease."""
    failed = failed_try_ns(scenario) if failing else 0
    last = Struck("", threat.sooner(min(failed, threat.slack / 2)), (How.OUTLASTING,))
    return AddingUp(Together(dict(others), Failing("", failing, 1)), last)


def _retried(threat: Threat, scenario: Scenario) -> list[Strategy]:
    """Return what one fault may do while the holder tries again: outlast the last time-out, or its patience."""
    if not (threat.remote and threat.outlasts):
        return []
    sooner = {
        "the last time-out": time_out_ns(scenario),
        **{f"{share:.0%} of the slack": (1 - share) * threat.slack for share in SOONER},
    }
    return [
        Struck(f"{threat.fault.name}, outlasting {what}", threat.sooner(by), (How.OUTLASTING,))
        for what, by in sooner.items()
        if by <= threat.slack
    ]


def _late(threat: Threat, among: Sequence[Threat], failing: Mapping[int, Tilt], scenario: Scenario) -> list[Strategy]:
    """Return how one fault may come upon a renewal that others hold back, or upon requests that fail."""
    found: list[Strategy] = []
    if threat.outlasts and len(among) > 1:
        others = {other.name: other for other in among if other.name != threat.name}
        found.append(Late(threat, others, Failing("", failing, 3)))
    if threat.outlasts and failing:
        retried = threat.wait + failed_try_ns(scenario)
        found.append(Among(threat, Failing("", failing, FAILING[-1]), retried))
    return found


def _perhaps(threat: Threat) -> dict[Address, Tilt]:
    """Let the first occurrence begin in this cycle and last long, as often as not."""
    inside = -math.expm1(-threat.rate * threat.window)
    chance = threat.fault.probability
    tilts: dict[Address, Tilt] = {(Purpose.FAULT_LENGTH, threat.name, 0, 0): Power(POWER / 2)}
    if inside < 1 - 1e-9:
        tilts[Purpose.FAULT_GAP, threat.name, 0, 0] = Coin(0, inside, max(0.5, inside))
    if chance < 1:
        tilts[Purpose.FAULT_CHANCE, threat.name, 0, 0] = Coin(0, chance, max(0.5, chance))
    return tilts


def _requests(scenario: Scenario) -> dict[str, dict[int, Tilt]]:
    """Return the ways in which requests fail on their own."""
    network = scenario.network
    ways = {
        "request lost": _losses(scenario, OFTEN, down=False),
        "answer lost": _losses(scenario, OFTEN, up=False),
        "request or answer lost": _losses(scenario, 0.5) if network.loss_up and network.loss_down else {},
        "error": _errors(scenario, OFTEN),
    }
    return {name: tilts for name, tilts in ways.items() if tilts}


def _losses(scenario: Scenario, often: float, up: bool = True, down: bool = True) -> dict[int, Tilt]:
    legs = ((2, scenario.network.loss_up, up), (3, scenario.network.loss_down, down))
    coins = [Coin(word, p, max(p, often)) for word, p, chosen in legs if chosen and 0 < p < 1]
    if not coins:
        return {}
    return {Purpose.MESSAGE: coins[0] if len(coins) == 1 else Both(coins[0], coins[1])}


def _errors(scenario: Scenario, often: float) -> dict[int, Tilt]:
    p = scenario.server.error_probability
    return {Purpose.SERVICE: Coin(2, p, max(p, often))} if 0 < p < 1 else {}


def answered(scenario: Scenario) -> dict[int, Tilt]:
    """Return the law of the requests before the cycle, which begins with an answer: none is lost or an error."""
    network, error = scenario.network, scenario.server.error_probability
    up, down = (Coin(word, p, 0.0) for word, p in ((2, network.loss_up), (3, network.loss_down)))
    return {Purpose.MESSAGE: Both(up, down), Purpose.SERVICE: Coin(2, error, 0.0)}
