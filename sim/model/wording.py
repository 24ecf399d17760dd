"""What a validator found, in the words of the person who wrote the file; and values spelled as TOML."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sim.errors import nearest
from sim.model.locate import Loc, Step

Model = type[BaseModel]
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(r"'([^']*)'")
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
FINDINGS_MAX: Final = 50
"""So many are told of one text; the others are counted."""
_LISTED_MAX: Final = 14
_SPELLED_MAX: Final = 60
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with data: `loc` leads through the data itself, to a key it has or lacks."""

    loc: Loc
    message: str
    value: str | None = None
    hint: str | None = None
    at_key: bool = False


# ---------------------------------------------------------------------------------- spelling


def path_text(loc: Iterable[Step]) -> str:
    """Return ``faults[0].when`` for ``("faults", 0, "when")``."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{spelled_key(step)}" for step in loc)
    return "".join(parts).removeprefix(".")


def spelled_key(key: str) -> str:
    """Return `key` as TOML writes it: bare where it may be."""
    return key if _BARE.fullmatch(key) else spelled(key)


def spelled(value: object) -> str:
    """Return `value` as TOML writes it; what TOML cannot write, as Python does."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{"".join(_escaped(character) for character in value)}"'
        case float():
            return "nan" if math.isnan(value) else repr(value)
        case list() | tuple():
            return f"[{', '.join(map(spelled, value))}]"
        case dict():
            inside = ", ".join(f"{spelled_key(str(key))} = {spelled(item)}" for key, item in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case int() if value.bit_length() > 14_000:
            return hex(value)  # Python refuses to write more than 4300 decimal digits
        case _:
            return str(value)


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def shown(value: object) -> str:
    """Return `value` for a message: spelled when it is short, else what kind of thing it is."""
    kind = "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list | tuple) else ""
    if kind:
        return kind if value else f"an empty {kind.split()[1]}"
    text = spelled(value)
    return text if len(text) <= _SPELLED_MAX else f"{text[: _SPELLED_MAX - 3]}..."


def file_data(model: BaseModel) -> dict[str, Any]:
    """Return `model` as the data that a file holding all its keys has."""
    return model.model_dump(mode="json", exclude_none=True)


def shortened(data: Any) -> Any:
    """Write a distribution that is always the same as that value."""
    match data:
        case {"kind": "constant", "value": value}:
            return value
        case dict():
            return {key: shortened(value) for key, value in data.items()}
        case list():
            return [shortened(value) for value in data]
        case _:
            return data


def listed(words: Sequence[str]) -> str:
    """Return the words in quotes, the first of them when there are many."""
    more = ", ..." if len(words) > _LISTED_MAX else ""
    return ", ".join(f'"{word}"' for word in words[:_LISTED_MAX]) + more


def suggestion(word: str, choices: Sequence[str], noun: str) -> str | None:
    """Return ``did you mean "x"? choices: ...``; without a near one only the choices."""
    near = nearest(word, choices)
    known = f"{noun}: {listed(choices)}" if choices else ""
    return " ".join(filter(None, (f'did you mean "{near}"?' if near else "", known))) or None


# ---------------------------------------------------------------------- what the model knows


def _models(annotation: object) -> Iterator[Model]:
    """Every model class inside an annotation, through unions, lists and annotations."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from _models(inner)


def _is_many(field: FieldInfo) -> bool:
    return get_origin(field.annotation) in (tuple, list, dict)


def _tag(model: Model) -> object:
    kind = model.model_fields.get("kind")
    return kind.default if kind else None


def _fields_at(root: Model, loc: Iterable[Step]) -> tuple[tuple[Model, ...], FieldInfo | None]:
    """Return the models that the table at `loc` may be, and the field that its last named step is."""
    models: tuple[Model, ...] = (root,)
    field: FieldInfo | None = None
    for step in loc:
        name = str(step)
        tagged = tuple(model for model in models if name == _tag(model))
        found = [model.model_fields[name] for model in models if name in model.model_fields]
        if found:
            field = found[0]
            models = tuple(inner for one in found for inner in _models(one.annotation))
        elif tagged:
            models = tagged
    return models, field


@lru_cache(maxsize=8)
def dotted_keys(root: Model, skip: str = "") -> tuple[str, ...]:
    """Return every key of a model as a dotted name, except those inside lists and the top one `skip`."""
    keys: dict[str, None] = {}

    def walk(models: Iterable[Model], prefix: str) -> None:
        for model in models:
            for name, field in model.model_fields.items():
                if prefix or name != skip:
                    keys.setdefault(prefix + name)
                    if not _is_many(field):
                        walk(_models(field.annotation), f"{prefix}{name}.")

    walk((root,), "")
    return tuple(keys)


# ---------------------------------------------------------------------------------- findings


def findings(error: ValidationError, data: object, root: Model) -> list[Finding]:
    """Return what `error` says of `data`, one finding for each place."""
    merged: dict[Loc, Finding] = {}
    details = error.errors(include_url=False)
    for detail in details[:FINDINGS_MAX]:
        finding = _finding(dict(detail), data, root)
        earlier = merged.get(finding.loc)
        merged[finding.loc] = _either(earlier, finding) if earlier else finding
    more = len(details) - FINDINGS_MAX
    rest = [Finding((), f"there are {more} more problems")] if more > 0 else []
    return [*merged.values(), *rest]


def _either(first: Finding, second: Finding) -> Finding:
    """Two members of a union refused one value: say why the first did, and what the other takes."""
    return Finding(first.loc, first.message, first.value, first.hint or second.hint, first.at_key)


def _finding(detail: dict[str, Any], data: object, root: Model) -> Finding:
    kind, raw, value = detail["type"], detail["loc"], detail.get("input")
    loc = _through(data, raw, keep_last=kind in ("missing", "extra_forbidden", "invalid_key"))
    word = _WORDS.get(kind)
    if word is None:
        message, hint = _plain(detail)
    else:
        message, hint = word(detail, root)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        key = _QUOTED.sub(r"\1", detail["ctx"]["discriminator"])
        loc, value = (*loc, key), detail["ctx"].get("tag")
    received = None if kind == "missing" or value is None else shown(value)
    return Finding(loc, message, received, hint, at_key=kind in ("extra_forbidden", "missing"))


def _through(data: object, raw: Loc, *, keep_last: bool) -> Loc:
    """Drop the steps that name a member of a union: they lead nowhere in the data."""
    loc: list[Step] = []
    for index, step in enumerate(raw):
        last = keep_last and index == len(raw) - 1
        inside = _inside(data, step)
        if inside is not _NOTHING:
            data = inside
        if inside is not _NOTHING or last:
            loc.append(step)
    return tuple(loc)


def _inside(data: object, step: Step) -> object:
    if isinstance(data, Mapping):
        return data.get(step, _NOTHING)
    if isinstance(data, list | tuple) and isinstance(step, int) and 0 <= step < len(data):
        return data[step]
    return _NOTHING


_Words = tuple[str, str | None]


def _plain(detail: dict[str, Any]) -> _Words:
    cause = detail.get("ctx", {}).get("error")
    message = str(cause) if cause is not None else str(detail["msg"])
    return message[:1].lower() + message[1:] if cause is None else message, None


def _unknown_key(detail: dict[str, Any], root: Model) -> _Words:
    key, table = str(detail["loc"][-1]), detail["loc"][:-1]
    known = [name for model in _fields_at(root, table)[0] for name in model.model_fields]
    homes = [path.removesuffix(f".{key}") for path in dotted_keys(root) if path.endswith(f".{key}")]
    if key == "remove" and table[:1] == ("faults",):
        return f"unknown key '{key}'", "what this extends has no such fault (and the value is always true)"
    if 0 < len(homes) <= 3:
        return f"unknown key '{key}'", f"'{key}' belongs in {' or '.join(f'[{home}]' for home in homes)}"
    near = nearest(key, known)
    known_keys = f"known keys: {', '.join(dict.fromkeys(known))}" if known else None
    return f"unknown key '{key}'", f"did you mean '{near}'?" if near else known_keys


def _missing(detail: dict[str, Any], root: Model) -> _Words:
    step = detail["loc"][-1]
    if isinstance(step, int):
        return f"value number {step + 1} is missing", None
    field = _fields_at(root, detail["loc"])[1]
    return f"missing key '{step}'", field.description if field else None


def _wants(what: str) -> Callable[[dict[str, Any], Model], _Words]:
    return lambda detail, _root: (f"expected {what}, got {shown(detail['input'])}", None)


def _table(detail: dict[str, Any], root: Model) -> _Words:
    models, _ = _fields_at(root, detail["loc"])
    laws = [model for model in models if _tag(model) == "constant"]
    kinds = [str(_tag(model)) for model in models if _tag(model)]
    how = f' such as {{ kind = "{kinds[1 if laws else 0]}", ... }}' if kinds else ""
    what = f'a duration such as "20ms" or a table{how}' if laws else f"a table{how}"
    return f"expected {what}, got {shown(detail['input'])}", None


def _list(detail: dict[str, Any], _root: Model) -> _Words:
    value, name = detail["input"], detail["loc"][-1] if detail["loc"] else ""
    hint = f"each one begins with [[{name}]]" if isinstance(value, Mapping) else None
    return f"expected a list in [ ], got {shown(value)}", hint


def _range(detail: dict[str, Any], root: Model) -> _Words:
    field = _fields_at(root, detail["loc"])[1]
    bounds: dict[str, Any] = dict(detail["ctx"])
    for constraint in field.metadata if field else ():
        bounds |= {
            name: getattr(constraint, name)
            for name in ("gt", "ge", "lt", "le")
            if getattr(constraint, name, None) is not None
        }
    texts = {name: f"{bound:.15g}" for name, bound in bounds.items()}
    if texts.keys() >= {"ge", "le"}:
        rule = f"between {texts['ge']} and {texts['le']}"
    else:
        words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
        rule = " and ".join(f"{word} {texts[name]}" for name, word in words.items() if name in texts)
    return f"must be {rule}, got {shown(detail['input'])}", None


def _choice(detail: dict[str, Any], _root: Model) -> _Words:
    value, choices = detail["input"], _QUOTED.findall(detail["ctx"]["expected"])
    if len(choices) == 1:
        return f"expected {listed(choices)}, got {shown(value)}", f"or write {listed(choices)}"
    if not isinstance(value, str):
        return f"expected one of {listed(choices)}, got {shown(value)}", None
    return f"unknown value {shown(value)}", suggestion(value, choices, "choices")


def _unknown_tag(detail: dict[str, Any], _root: Model) -> _Words:
    context = detail["ctx"]
    noun = _QUOTED.sub(r"\1", context["discriminator"])
    tag, choices = str(context["tag"]), _QUOTED.findall(context["expected_tags"])
    return f"unknown {noun} {shown(tag)}", suggestion(tag, choices, f"known {noun}s")


def _no_tag(detail: dict[str, Any], root: Model) -> _Words:
    noun = _QUOTED.sub(r"\1", detail["ctx"]["discriminator"])
    kinds = [str(_tag(model)) for model in _fields_at(root, detail["loc"])[0] if _tag(model)]
    return f"missing key '{noun}'", suggestion("", list(dict.fromkeys(kinds)), f"known {noun}s")


def _length(detail: dict[str, Any], _root: Model) -> _Words:
    context, value = detail["ctx"], detail["input"]
    unit = "characters" if isinstance(value, str) else "values"
    rule = "at most" if "max_length" in context else "at least"
    bound = context.get("max_length", context.get("min_length"))
    count = len(value) if isinstance(value, str | list | tuple) else context.get("actual_length")
    return f"must hold {rule} {bound} {unit}, got {count}", None


def _pattern(detail: dict[str, Any], _root: Model) -> _Words:
    plain = {"^[a-z0-9_]*$": "hold only lower-case letters, digits and _"}
    pattern = detail["ctx"]["pattern"]
    return f"must {plain.get(pattern, f'match {pattern}')}, got {shown(detail['input'])}", None


_WORDS: Final[dict[str, Callable[[dict[str, Any], Model], _Words]]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "union_tag_invalid": _unknown_tag,
    "union_tag_not_found": _no_tag,
    "literal_error": _choice,
    "enum": _choice,
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal"), _range),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _wants("a whole number")),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _wants("a number")),
    **dict.fromkeys(("bool_type", "bool_parsing"), _wants("true or false")),
    **dict.fromkeys(("string_type", "string_unicode"), _wants('text in quotes such as "this"')),
    **dict.fromkeys(("tuple_type", "list_type"), _list),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), _table),
    **dict.fromkeys(("string_too_short", "string_too_long", "too_short", "too_long"), _length),
    "string_pattern_mismatch": _pattern,
}
