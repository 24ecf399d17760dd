"""Where a result comes from: enough to compute it again, bit for bit, and nothing about who computed it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, Final

from sim.model.scenario import Scenario
from sim.results.origins import Origin, shell

SEED = 1
"""The seed of a study that names none: the same numbers for everybody."""


ENGINE = "process"
"""The engine of a single replication that names none."""
ENGINE_FOR_MANY = "auto"
"""The engine of many replications where none is named. What is recorded is what was asked for: so results are the same
to the byte whether the compiled engine was there or not."""


WORDS: Final = ("title", "about", "system")
"""Fields that say something about a scenario and change nothing in it."""


def canonical(scenario: Scenario) -> str:
    """Return everything a scenario holds as one line of JSON, which `Scenario.model_validate_json` reads back."""
    return json.dumps(scenario.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(scenario: Scenario) -> str:
    """Return the fingerprint of all that decides what happens; the title and the text about it do not."""
    return sha256_of(scenario.model_dump(mode="json"))


def sha256_of(data: Mapping[str, Any]) -> str:
    """Return the fingerprint of a scenario as `Provenance` and a sweep's folder hold it."""
    told = {key: value for key, value in data.items() if key not in WORDS}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@cache
def version() -> str:
    """Return the version of leasesim."""
    try:
        return installed_version("leasesim")
    except PackageNotFoundError:  # a checkout on the path, never installed
        return "unknown"


@cache
def versions() -> dict[str, str]:
    """Return the versions of what results are computed with."""
    found = {"leasesim": version(), "python": platform.python_version()}
    return found | {name: installed_version(name) for name in ("numpy", "pydantic", "scipy", "simpy")}


@dataclass(frozen=True)
class Provenance:
    """What was simulated, and with what."""

    name: str
    overrides: Mapping[str, str]
    scenario: Mapping[str, Any]
    """Everything the scenario holds, defaults included."""
    sha256: str
    seed: int
    replications: tuple[int, ...]
    engine: str
    named: bool = True
    """Whether `name` can be loaded; a scenario made in Python has to be written there first."""
    version: str = field(default_factory=version)
    versions: Mapping[str, str] = field(default_factory=versions)

    @classmethod
    def of(
        cls, scenario: Scenario, origin: Origin, seed: int, replications: tuple[int, ...], engine: str
    ) -> Provenance:
        """Describe a study of `scenario`."""
        data = scenario.model_dump(mode="json")
        overrides, fingerprint = dict(origin.overrides), sha256(scenario)
        whole = int(seed)  # of any kind of whole number: what is written down is a plain one
        return cls(origin.name, overrides, data, fingerprint, whole, replications, engine, origin.known)

    @property
    def title(self) -> str:
        """The scenario's name without folders and ending."""
        return Path(self.name).stem

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object; replications as their number, or as a list where they are not the first n."""
        data = asdict(self)
        first = self.replications == tuple(range(len(self.replications)))
        data["replications"] = len(self.replications) if first else list(self.replications)
        return data

    def replay(self, replication: int, point: Mapping[str, str] | None = None) -> str:
        """Return the command that shows one replication again."""
        origin = Origin(self.name, {**self.overrides, **(point or {})})
        engine = "" if self.engine in (ENGINE, ENGINE_FOR_MANY) else f" --engine {self.engine}"
        options = f" --seed {self.seed} --rep {replication}{engine}{origin.options()}"
        first = "" if self.named else f"   # once sim.dumps(scenario) is written to {self.name}"
        return f"leasesim explain {shell(self.name)}{options}{first}"
