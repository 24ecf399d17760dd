"""What is being looked at: a scenario, what was turned on it, and what it is compared with; as a link and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from sim.errors import ScenarioError, UsageError
from sim.explorer.knobs import Knob, knobs_of
from sim.model.load import dumps, names, override, parse_value
from sim.model.scenario import Scenario
from sim.results.origins import Origin, Source, named
from sim.sweeps.simulate import checked

AGAINST: Final = "against"
NOBODY: Final = "nothing"
_QUERY_MAX: Final = 4000


@dataclass(frozen=True)
class Subject:
    """The scenario that a page is about, and how it is simulated."""

    scenario: Scenario
    origin: Origin
    seed: int
    engine: str
    knobs: tuple[Knob, ...]

    @classmethod
    def of(cls, source: Source, seed: int, engine: str) -> Subject:
        """Return the subject that a name, a path or a scenario stands for."""
        checked(engine, seed=seed, replications=1)
        scenario, origin = named(source)
        return cls(scenario, origin, seed, engine, knobs_of(scenario))

    def knob(self, key: str) -> Knob | None:
        """Return the knob of a key."""
        return next((knob for knob in self.knobs if knob.key == key), None)


@dataclass(frozen=True)
class State:
    """Where the knobs stand; those that are not named stand where the scenario has them."""

    turned: Mapping[str, str] = field(default_factory=dict)
    against: str = NOBODY
    """The preset to compare with."""

    def turn(self, subject: Subject, key: str, choice: str) -> State:
        """Return the state with one knob turned."""
        knob = subject.knob(key)
        assert knob is not None, key
        others = {name: value for name, value in self.turned.items() if name != key}
        turned = others if choice == knob.as_given else {**others, key: choice}
        return replace(self, turned={k.key: turned[k.key] for k in subject.knobs if k.key in turned})

    def scenario(self, subject: Subject) -> Scenario:
        """Return what is to be simulated.

        Raises:
            ScenarioError: the values contradict each other.
        """
        changes = {key: parse_value(text) for key, text in self.turned.items()}
        return override(subject.scenario, changes) if changes else subject.scenario

    def query(self) -> str:
        """Return the state as the query of a link: empty where nothing is turned."""
        pairs = [*self.turned.items(), *([(AGAINST, self.against)] if self.against != NOBODY else [])]
        return f"?{urlencode(pairs)}" if pairs else ""

    def toml(self, subject: Subject) -> str:
        """Return the scenario as it stands, as TOML text."""
        return dumps(self.scenario(subject))

    def command(self, subject: Subject) -> str:
        """Return the command that opens the page in this state."""
        origin = Origin(subject.origin.name, {**subject.origin.overrides, **self.turned})
        seed = f" --seed {subject.seed}" if subject.seed != 1 else ""
        return f"leasesim explore {origin.words()}{seed}"


def presets() -> tuple[str, ...]:
    """Return the scenarios that one can compare with."""
    return names()


def restored(subject: Subject, query: str) -> tuple[Subject, State, list[str]]:
    """Return the state that a link stands for, and in words what of it could not be used.

    A value that no knob offers is offered from then on, if the scenario takes it.
    """
    state, ignored = State(), []
    if len(query) > _QUERY_MAX:
        return subject, state, [f"a link of {len(query):,} characters is none of this page's: it is ignored"]
    pairs = parse_qsl(query.lstrip("?"), keep_blank_values=True)
    ignored += [f"'{key}' is there more than once: the last counts" for key in _repeated([key for key, _ in pairs])]
    for key, text in dict(pairs).items():
        if key == AGAINST:
            known = text in presets()
            state = replace(state, against=text) if known else state
            ignored += [] if known else [f"'{text}' is no scenario to compare with"]
            continue
        knob = subject.knob(key)
        choice = knob.meant(text) if knob else None
        if knob and choice is None and (refused := _refusal(subject, knob, text)) is None:
            knob, choice = knob.with_choice(text), text
            subject = replace(subject, knobs=tuple(knob if each.key == key else each for each in subject.knobs))
        elif knob and choice is None:
            ignored.append(f"{key} cannot be '{text}': {refused}")
        elif not knob:
            ignored.append(f"'{key}' is nothing that can be turned here")
        if choice is not None:
            state = state.turn(subject, key, choice)
    return subject, state, ignored


def _repeated(keys: Sequence[str]) -> list[str]:
    return [key for key, count in Counter(keys).items() if count > 1]


def _refusal(subject: Subject, knob: Knob, text: str) -> str | None:
    """Why the page does not take a value; None if it does."""
    try:
        override(subject.scenario, {knob.key: parse_value(text)})
    except ScenarioError as error:
        first = error.problems[0]
        return (
            first.message
            if first.path == knob.key and not first.sentence.startswith(f"{knob.key} ")
            else first.sentence
        )
    except UsageError as error:
        return error.message
    return None if knob.spans(text) else f"here it lies between {knob.choices[0]} and {knob.choices[-1]}"
