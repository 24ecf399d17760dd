"""The ``[prefect]`` table read: Prefect's own names and ranges, what of it does nothing here, what does not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sim.errors import Problem, nearest
from sim.model.presets.versions import at_least, book, wrong
from sim.model.wording import shown

STORAGE: Final = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
_MODULES: Final = {
    "prefect.server.concurrency.lease_storage.memory": "memory",
    "prefect.server.concurrency.lease_storage.filesystem": "filesystem",
    "prefect_redis.lease_storage": "redis",
}
_ALIASES: Final = {
    "launch": {
        "pod": "worker_elsewhere", "kubernetes": "worker_elsewhere", "k8s": "worker_elsewhere",
        "docker": "worker_elsewhere", "ecs": "worker_elsewhere", "process": "worker",
    },
    "limit": {"global": "concurrency", "task": "tag"},
    STORAGE: _MODULES,
}  # fmt: skip
"""Words that mean one of the choices."""
_CIRCULATING: Final = {
    ("collision_strategy", "SKIP"): "Prefect has no SKIP: CANCEL_NEW cancels a run that finds the limit full",
    ("collision_strategy", "CANCEL"): "it is called CANCEL_NEW",
}


@dataclass(frozen=True)
class Options:
    """A ``[prefect]`` table that means something."""

    given: Mapping[str, Any]
    """As written, checked: version, situation and settings by Prefect's names."""

    @property
    def version(self) -> str:
        return str(self.given["version"]).strip().removeprefix("v")

    def __getitem__(self, name: str) -> Any:
        """A value given, or its default."""
        return self.given.get(name, known()[name]["default"])


@cache
def known() -> Mapping[str, Mapping[str, Any]]:
    """Return every key of the table but the version: how it is checked, and what it means."""
    return {**book()["situation"], **book()["settings"]}


def read(table: Mapping[str, Any]) -> tuple[Options | None, list[Problem]]:
    """Return what a table says, and everything wrong with it; of warnings see `inert`."""
    problems: list[Problem] = []
    given: dict[str, Any] = {}
    for written, value in table.items():
        name = _name(written)
        if name is None:
            problems.append(_unknown(written))
        elif name in given:
            problems.append(Problem(f"prefect.{written}", f"is given twice: '{name}' is the same"))
        elif name == "version":
            given[name] = value
        else:
            given[name], found = _checked(name, value)
            problems += found
    problems += _version(given)
    if not problems:
        problems += _quarrels(Options(given))
    return (None, problems) if problems else (Options(given), [])


def _name(written: str) -> str | None:
    """Return the key that is meant: as it is, in lower or upper case, or without ``PREFECT_``."""
    candidates = (written, written.lower(), written.upper(), f"PREFECT_{written.upper()}")
    return next((name for name in candidates if name in known() or name == "version"), None)


def canonical(written: str) -> str:
    """Return the key that is meant, or the word itself where none is."""
    return _name(written) or written


def _unknown(written: str) -> Problem:
    names = ["version", *known()]
    near = nearest(written, names) or nearest(f"PREFECT_{written}", names)
    hint = f"did you mean '{near}'?" if near else f"known: {', '.join(names)}"
    return Problem(f"prefect.{written}", "is no setting that is known here", hint=hint)


def _version(given: Mapping[str, Any]) -> Iterator[Problem]:
    if "version" not in given:
        yield Problem("prefect", "needs a version", hint=f'for example version = "{book()["last"]}"')
        return
    found = wrong(str(given["version"]))
    if found:
        yield Problem("prefect.version", found[0], shown(given["version"]), found[1])


# ---------------------------------------------------------------------------------- one value


def _checked(name: str, value: Any) -> tuple[Any, list[Problem]]:
    """Return a value as its key takes it, and what is wrong with it."""
    rule = known()[name]
    if "choices" in rule:
        return _choice(name, value, rule["choices"])
    if rule.get("flag"):
        return value, [] if isinstance(value, bool) else [_wants(name, "true or false", value)]
    if rule.get("codes"):
        return _codes(name, value)
    if rule.get("text"):
        return value, [] if isinstance(value, str) else [_wants(name, "text", value)]
    return value, list(_number(name, value, rule))


def _choice(name: str, value: Any, choices: list[str]) -> tuple[Any, list[Problem]]:
    text = str(value)
    meant = _ALIASES.get(name, {}).get(text.lower(), text)
    chosen = next((choice for choice in choices if choice.lower() == meant.lower()), None)
    if chosen is not None:
        return chosen, []
    circulating = _CIRCULATING.get((name, text.upper()))
    near = nearest(text, [*choices, *_ALIASES.get(name, {})])
    hint = circulating or (f"did you mean '{near}'? " if near else "") + f"choices: {', '.join(choices)}"
    if circulating and name == "collision_strategy":
        hint = f"{circulating}; write CANCEL_NEW"
    return value, [Problem(f"prefect.{name}", f"unknown value {shown(value)}", shown(value), hint)]


def _codes(name: str, value: Any) -> tuple[Any, list[Problem]]:
    """A list, a number, or ``"502,503"`` as an environment holds it."""
    words = value.strip("[]{}() ").split(",") if isinstance(value, str) else value
    words = [words] if isinstance(words, int) else words
    try:
        codes = [int(word) for word in words if str(word).strip()]
    except (TypeError, ValueError):
        return value, [_wants(name, "status codes such as 502,503,504", value)]
    bad = [code for code in codes if not 100 <= code <= 599]
    rule = f"Prefect takes codes from 100 to 599, got {', '.join(map(str, bad))}"
    return codes, [Problem(f"prefect.{name}", rule, shown(value))] if bad else []


def _number(name: str, value: Any, rule: Mapping[str, Any]) -> Iterator[Problem]:
    whole = bool(rule.get("whole"))
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or value != value:
        unit = rule.get("unit", "")
        yield _wants(name, "a whole number" if whole else f"a number ({unit})", value)
        return
    low, high, above = rule.get("least"), rule.get("most"), rule.get("above")
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"from {low} to {high}" if high is not None else f"at least {low}"
        yield Problem(
            f"prefect.{name}",
            f"is out of the range that Prefect enforces: {bounds} {rule.get('unit', '')}, got {value}".replace(
                " ,", ","
            ),
            shown(value),
            f"see {rule['source']}",
        )
    elif above is not None and not above < value < 1e8:
        yield Problem(f"prefect.{name}", f"must be above {above} {rule['unit']}, got {value}", shown(value))
    elif value > 1e8 or (name == "PREFECT_CLIENT_MAX_RETRIES" and value > 1000):
        yield Problem(f"prefect.{name}", f"is legal in Prefect, but too large to simulate: {value}", shown(value))
    elif name == "PREFECT_CLIENT_RETRY_JITTER_FACTOR" and value > 1:
        yield Problem(f"prefect.{name}", f"is legal in Prefect, but simulated only up to 1, got {value}", shown(value))


def _wants(name: str, what: str, value: Any) -> Problem:
    return Problem(f"prefect.{name}", f"expected {what}, got {shown(value)}", shown(value))


# ---------------------------------------------------------------------------------- together


def _quarrels(options: Options) -> Iterator[Problem]:
    if options["limit"] == "tag" and not at_least(options.version, "3.4.20"):
        hint = "before, tags took slots without a lease that anybody renewed"
        yield Problem("prefect.limit", f"'tag' needs version 3.4.20 or later, got {options.version}", hint=hint)
    if options["launch"] == "worker_elsewhere" and options["server"] == "local":
        message = "'worker_elsewhere' contradicts prefect.server = 'local': the runs are not on the server's machine"
        yield Problem("prefect.launch", message, hint='server = "remote", or launch = "worker"')


def inert(options: Options) -> Iterator[Problem]:
    """Yield a warning for each setting that exists but does nothing in this version and situation."""
    for name in options.given:
        reason = _idle(name, options)
        if reason:
            yield Problem(f"prefect.{name}", f"has no effect here: {reason}", severity="warning")


def _idle(name: str, options: Options) -> str | None:
    rule = known().get(name, {})
    limit, launch = options["limit"], options["launch"]
    if "inert" in rule:
        return str(rule["inert"])
    if "limits" in rule and limit not in rule["limits"]:
        return str(rule.get("instead", {}).get(limit, f"it does not concern a limit of kind '{limit}'"))
    if "since" in rule and not at_least(options.version, rule["since"]):
        return f"it came with {rule['since']}, this is {options.version}; until then {rule['before']}"
    if "launches" in rule and launch not in rule["launches"]:
        return f"it does not concern launch = '{launch}'"
    if rule.get("side") == "server" and options["server"] == "cloud":
        return "a setting of your own server does not reach Prefect Cloud"
    if name == "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS":
        return "with CANCEL_NEW no run waits" if options["collision_strategy"] == "CANCEL_NEW" else None
    if name == "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION":
        grace = at_least(options.version, "3.6.6") and options["grace_period_seconds"] != ""
        return "grace_period_seconds of the deployment wins" if grace else None
    if name == "replicas" and options["server"] == "cloud":
        return "Prefect Cloud runs its own"
    return None
