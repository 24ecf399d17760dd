"""Where a key or a value stands in TOML text, which the standard library's reader forgets;
where it stood when one text is laid over another; and where a text is no TOML.

`scan` reads any text, well-formed or not, into a tree of `Node` that mirrors the data; it never raises. On
text that TOML's grammar accepts the tree has a node for every table, entry and value.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sim.errors import Problem

Step = str | int
Loc = tuple[Step, ...]

_DEPTH_MAX: Final = 64
_EITHER_OR: Final = (frozenset({"rate", "times", "daily", "trace"}), frozenset({"sigma", "p99"}))
"""Keys of which a table holds one: laid over a base, the one drops the others."""
_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_LINE = re.compile(r"[^\n]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:\'{0,2})|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one line of a text; line and column count from 1."""

    file: str
    line: int
    column: int
    length: int
    source: str

    def mark(self, problem: Problem) -> Problem:
        """Return `problem` as one that stands here."""
        where = {name: getattr(self, name) for name in ("file", "line", "column", "length", "source")}
        return replace(problem, **where)


class Document:
    """A text and the name of the file it came from."""

    def __init__(self, text: str, file: str = "<text>") -> None:
        self.file = file
        self.text = text.replace("\r\n", "\n")
        self._lines = self.text.split("\n")
        self._starts = [0]
        for line in self._lines[:-1]:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def place(self, start: int, end: int) -> Place:
        """Return the place of the characters from offset `start` to `end`, cut at the end of the line."""
        start = max(0, min(start, len(self.text)))
        line = bisect_right(self._starts, start)
        source, column = self._lines[line - 1], start - self._starts[line - 1]
        length = max(1, min(end - start, len(source) - column))
        return Place(self.file, line, column + 1, length, source)

    def place_at(self, line: int, column: int, length: int = 1) -> Place:
        """Return the place at a line and column counted from 1; the nearest one there is."""
        line = max(1, min(line, len(self._lines)))
        start = self._starts[line - 1] + max(0, min(column - 1, len(self._lines[line - 1])))
        return self.place(start, start + length)


Span = tuple[int, int]


@dataclass(slots=True, eq=False)
class Node:
    """Positions of one key, its value, and what stands inside the value; without a document, none."""

    document: Document | None = None
    key: Span | None = None
    value: Span | None = None
    children: dict[Step, Node] = field(default_factory=dict)

    def find(self, loc: Iterable[Step]) -> tuple[Node, bool]:
        """Return the deepest node along `loc` and whether it is the last step's.

        Steps without a node are passed over: a validator names the chosen member of a union in between.
        """
        node, exact = self, True
        for step in loc:
            child = node.children.get(step)
            exact = child is not None
            node = child or node
        return node, exact

    def place(self, *, key: bool = False) -> Place | None:
        """Return where the value (or the key) stands; failing that the other, failing both line 1."""
        spans = (self.key, self.value) if key else (self.value, self.key)
        start, end = spans[0] or spans[1] or (0, 1)
        return self.document.place(start, end) if self.document else None

    def mark(self, problem: Problem, *, key: bool = False) -> Problem:
        """Return `problem` as one that stands here, if this is anywhere."""
        place = self.place(key=key)
        return place.mark(problem) if place else problem

    def deeper_than(self, levels: int) -> Node | None:
        """Return a node that stands more than `levels` below this one, if there is any."""
        layer = [self]
        for _ in range(levels + 1):
            layer = [child for node in layer for child in node.children.values()]
        return layer[0] if layer else None

    def is_array(self) -> bool:
        """Whether entries are numbered rather than named."""
        return 0 in self.children


@dataclass(frozen=True, slots=True)
class Table:
    """Data (a table, mostly) and, in the same shape, where each part of it was written."""

    data: Any
    node: Node

    def part(self, step: Step) -> Table:
        """Return one entry; None where there is none."""
        known = not isinstance(self.data, dict) or step in self.data
        node = self.node.children.get(step, Node(self.node.document))
        return Table(self.data[step] if known else None, node)


def laid_over(base: Table, own: Table) -> Table:
    """Return `own` over `base`: tables merge, all else replaces, also a table that states another `kind`."""
    dropped = {key for group in _EITHER_OR if group & own.data.keys() for key in group}
    data = {key: value for key, value in base.data.items() if key not in dropped}
    node = Node(own.node.document, own.node.key, own.node.value, dict(base.node.children))
    for key in own.data:
        under, over = base.part(key), own.part(key)
        if isinstance(over.data, dict) and isinstance(under.data, dict):
            kind = under.data.get("kind")
            over = laid_over(under, over) if over.data.get("kind", kind) == kind else over
        data[key], node.children[key] = over.data, over.node
    return Table(data, node)


def listed_over(base: Table, own: Table, name_of: Callable[[dict[str, Any]], str]) -> Table:
    """Return a list of tables over another, by name.

    An entry changes the base's entry of its name, or drops it with ``remove = true``; a new name is added.
    """
    entries = [base.part(index) for index in range(len(base.data))]
    named = [(index, entry.data) for index, entry in enumerate(entries) if isinstance(entry.data, dict)]
    places = {name_of(data): index for index, data in named}
    places.pop("", None)
    dropped = set()
    for entry in map(own.part, range(len(own.data))):
        index = places.pop(name_of(entry.data), None) if isinstance(entry.data, dict) else None
        if index is None:
            entries.append(entry)
        elif entry.data.get("remove") is True:
            dropped.add(index)
        else:
            entries[index] = laid_over(entries[index], entry)
    kept = [entry for index, entry in enumerate(entries) if index not in dropped]
    children: dict[Step, Node] = {index: entry.node for index, entry in enumerate(kept)}
    node = Node(own.node.document, own.node.key, own.node.value, children)
    return Table([entry.data for entry in kept], node)


def locate(text: str, loc: Iterable[Step], *, key: bool = False) -> tuple[int, int, int]:
    """Return (line, column, length) of the value at `loc` in TOML `text`, or with `key` of its key.

    Where there is none, that of the nearest enclosing table; never raises.
    """
    document = Document(text)
    node, exact = scan(document).find(loc)
    place = node.place(key=key or not exact) or document.place(0, 1)
    return place.line, place.column, place.length


def scan(document: Document) -> Node:
    """Return the tree of positions of `document`."""
    return _Scanner(document).run()


class _Scanner:
    def __init__(self, document: Document) -> None:
        self.document, self.text, self.at = document, document.text, 0
        self.root = Node(document)

    def run(self) -> Node:
        table = self.root
        while True:
            self._skip(_BLANK)
            if self.at >= len(self.text):
                return self.root
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._entry(table, 0)
            self._skip(_LINE)

    def _skip(self, pattern: re.Pattern[str]) -> Span:
        """Move past what `pattern` matches here, perhaps nothing, and return its span."""
        start, match = self.at, pattern.match(self.text, self.at)
        self.at = match.end() if match else start
        return start, self.at

    def _take(self, mark: str) -> bool:
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) if found else 0
        return found

    def _header(self) -> Node:
        """``[a.b]`` or ``[[a.b]]``: the table that the entries below it belong to."""
        start = self.at
        array = self._take("[[")
        if not array:
            self._take("[")
        parts = self._key()
        self._skip(_SPACE)
        end_mark = self._take("]]" if array else "]")
        span = (start, self.at if end_mark else self._skip(_LINE)[1])
        table = self.root
        for index, (name, key) in enumerate(parts):
            table = self._child(table, name, key)
            if array and index == len(parts) - 1:
                table.value = table.value or span
                table = self._child(table, len(table.children), key)
            elif table.is_array():
                table = table.children.get(len(table.children) - 1, table)
        if parts:
            table.value = span
            table.key = parts[-1][1]
        return table

    def _child(self, table: Node, step: Step, key: Span | None) -> Node:
        return table.children.setdefault(step, Node(self.document, key))

    def _key(self) -> list[tuple[str, Span]]:
        """A key with its dotted parts; empty when no key stands here."""
        parts: list[tuple[str, Span]] = []
        while len(parts) <= _DEPTH_MAX:
            self._skip(_SPACE)
            span = self._skip(_STRING if self.text[self.at : self.at + 1] in ('"', "'") else _BARE)
            if span[0] == span[1]:
                break
            parts.append((_unquoted(self.text[slice(*span)]), span))
            self._skip(_SPACE)
            if not self._take("."):
                break
        return parts

    def _entry(self, table: Node, depth: int) -> bool:
        """``a.b = value``; False when no key stands here."""
        parts = self._key()
        for name, key in parts:
            table = self._child(table, name, key)
        self._skip(_SPACE)
        if parts and self._take("="):
            self._skip(_SPACE)
            self._value(table, depth)
        return bool(parts)

    def _value(self, node: Node, depth: int) -> None:
        start = self.at
        mark = self.text[start : start + 1]
        if depth >= _DEPTH_MAX:
            self._skip(_LINE)
        elif mark == "[":
            self._array(node, depth)
        elif mark == "{":
            self._inline(node, depth)
        elif mark in ('"', "'") and self._skip(_STRING)[1] > start:
            pass
        else:
            self._skip(_SCALAR)
        node.value = (start, start + len(self.text[start : self.at].rstrip()))

    def _array(self, node: Node, depth: int) -> None:
        self._take("[")
        while True:
            self._skip(_BLANK)
            before = self.at
            if self._take("]") or before >= len(self.text):
                return
            self._value(self._child(node, len(node.children), None), depth + 1)
            self._skip(_BLANK)
            if not self._take(",") and self.at == before:
                return

    def _inline(self, node: Node, depth: int) -> None:
        self._take("{")
        while True:
            self._skip(_BLANK)
            if self._take("}") or not self._entry(node, depth + 1):
                return
            self._skip(_BLANK)
            self._take(",")


def _unquoted(key: str) -> str:
    if key[0] not in "\"'":
        return key
    try:
        return str(tomllib.loads(f"key = {key}")["key"])
    except ValueError:
        return key[1:-1]


_WHERE: Final = re.compile(r" *\(at (?:line (\d+), column (\d+)|end of document)\)$")
_UNQUOTED: Final = re.compile(r"(?<=[=\[,])[ \t]*(\w[\w./+-]*(?: [\w./+-]+)*)")
_SYNTAX: Final = {
    "Illegal character '\\n'": "a quotation mark is missing at the end of this line",
    "Unterminated string": "a quotation mark is missing at the end of this text",
    "Cannot overwrite a value": "this key stands here twice",
    "Unclosed array": "a list is not closed with ]",
    "Unclosed inline table": "a table is not closed with }",
    "Expected '=' after a key in a key/value pair": "expected 'key = value'",
    "Expected newline or end of document after a statement": "expected the line to end here",
    "Invalid statement": "expected 'key = value' or a [table]",
    "Invalid value": "expected a value here",
}


def syntax_problem(document: Document, error: Exception) -> Problem:
    """Return what is wrong with a text that the standard library's reader refused with `error`."""
    text = str(error)
    match = _WHERE.search(text)
    if match is None:
        deep = isinstance(error, RecursionError)
        reason = "its brackets are nested too deeply" if deep else "a number in it has thousands of digits"
        return _not_toml(document.place(0, 1), reason)
    end = len(document.text.rstrip())
    place = document.place_at(int(match[1]), int(match[2])) if match[1] else document.place(end, end + 1)
    for word in _UNQUOTED.finditer(place.source):
        header = place.source.lstrip().startswith("[")
        if word.start(1) < place.column <= word.end(1) + 1 and not header and not _is_value(word[1]):
            place = document.place_at(place.line, word.start(1) + 1, len(word[1]))
            small = word[1].lower()
            if small in ("true", "false"):
                return _not_toml(place, f"{word[1]} is written {small}")
            return _not_toml(place, f"{word[1]} must stand in quotes", f'write "{word[1]}"')
    reason = text[: match.start()]
    if reason == "Cannot overwrite a value":
        key = place.source.partition("=")[0]
        place = document.place_at(place.line, len(key) - len(key.lstrip()) + 1, len(key.strip()))
    if reason.startswith("Cannot declare "):
        key = place.source.strip()
        place = document.place_at(place.line, place.source.index(key) + 1, len(key))
        reason = "this table has a header above already"
    return _not_toml(place, _SYNTAX.get(reason, reason[:1].lower() + reason[1:]))


def _not_toml(place: Place, reason: str, hint: str | None = None) -> Problem:
    return place.mark(Problem("", f"not TOML: {reason}", hint=hint))


def _is_value(text: str) -> bool:
    try:
        tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return False
    return True
