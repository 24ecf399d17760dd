"""Overrides on the command line: ``--lease.ttl 3m`` and ``--lease.ttl=3m`` for any key of a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sim.errors import UsageError
from sim.model.load import override, parse_value
from sim.model.scenario import Scenario

TOP: Final = ("duration", "warmup", "starts_at", "system", "faults")
"""Keys without a dot that may be overridden too; `faults` takes the name of a mix."""

PREFECT: Final = "--prefect"
"""The option whose KEY=VALUE is in Prefect's own names."""
_PREFECT_EXAMPLE: Final = "write for example --prefect PREFECT_API_REQUEST_TIMEOUT=120 or --prefect version=3.9.1"

Overrides = Mapping[str, str]


def split(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Take the options that name keys of a scenario out of `words`; return the rest, and their values by key."""
    rest: list[str] = []
    found: dict[str, str] = {}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            return [*rest, word, *queue], found
        option, equals, value = word.partition("=")
        if option == PREFECT:
            option, equals, value = _prefect(value if equals else queue.pop(0) if queue else "")
        key = key_of(option)
        if key is None:
            rest.append(word)
            continue
        if not equals:
            if not queue or queue[0].startswith("--"):
                raise UsageError(f"{option} needs a value", f"for example {option} 3m")
            value = queue.pop(0)
        if key in found:
            raise UsageError(f"{option} is given twice: {found[key]} and {value}")
        found[key] = value
    return rest, found


def _prefect(setting: str) -> tuple[str, str, str]:
    """Take ``KEY=VALUE`` after --prefect as an option for the key ``prefect.KEY``."""
    name, equals, value = setting.partition("=")
    if not equals or not name.strip() or setting.startswith("--"):
        raise UsageError(f"{PREFECT} {setting}: there is no value".replace(" :", ":"), _PREFECT_EXAMPLE)
    return f"--prefect.{name.strip()}", equals, value


def key_of(option: str) -> str | None:
    """Return the key that an option overrides, or None where it is an option of the command."""
    if not option.startswith("--"):
        return None
    key = option[2:] if option.startswith("--prefect.") else option[2:].replace("-", "_")
    return key if "." in key or key in TOP else None


def assignments(texts: Sequence[str], option: str) -> dict[str, str]:
    """Read ``key=value`` words, as given to `option`."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.removeprefix("--").partition("="))
        if not equals or not key:
            raise UsageError(f"{option} {text}: there is no value", f"write {option} lease.ttl=1m,2m for example")
        key = key.replace("-", "_")
        if key in found:
            raise UsageError(f"{option} {key} is given twice: {found[key]} and {value}")
        found[key] = value
    return found


def apply(scenario: Scenario, overrides: Overrides) -> Scenario:
    """Return the scenario with the values that words on the command line stand for."""
    changes: dict[str, Any] = {key: parse_value(value) for key, value in overrides.items()}
    return override(scenario, changes) if changes else scenario
