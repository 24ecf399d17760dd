"""From the kernel's Python functions to one C file.

The kernel is written over one flat memory of integers with plain statements, so its functions have an obvious
counterpart in C. Starting at the loop, every function that is called is translated in turn; nothing is kept by hand
but the few that the kernel generates as machine code itself (`PRIMITIVES`). What the translator does not know it
refuses (`Untranslatable`): it never guesses.
"""

from __future__ import annotations

import ast
import importlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.twin.words import BINARY, CASTS, COMPARE, FLOAT_FUNCTIONS, PRELUDE, PRIMITIVES, literal, unified

Typed = tuple[str, str]
"""An expression in C and its type: i (int64), d (double), u (uint64), m (the memory), v (nothing), or a tuple of them
as ``(dddd)``; ``[dd]`` is a tuple that is passed as a constant array."""


class Untranslatable(Exception):
    """The kernel uses something that has no translation yet."""


class Module:
    """A Python module of the kernel: its functions as syntax, its constants as values."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values = vars(importlib.import_module(name))
        tree = ast.parse(Path(self.values["__file__"]).read_text("utf-8"))
        self.functions: dict[str, ast.FunctionDef] = {}
        self.origins: dict[str, tuple[str, str]] = {}
        self._read(tree.body)

    def _read(self, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node  # of two variants the compiled one stands last
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self.origins[alias.asname or alias.name] = (node.module, alias.name)
            elif isinstance(node, ast.If):
                self._read([*node.body, *node.orelse])

    def kind(self, annotation: ast.expr | None) -> str:
        """Return the type that an annotation names."""
        if annotation is None or ast.unparse(annotation) == "None":
            return "v"
        return _kind_of(eval(ast.unparse(annotation), self.values), self.values)


def _kind_of(hint: Any, values: dict[str, Any]) -> str:
    simple = {int: "i", bool: "i", float: "d", np.uint64: "u", Any: "i"}
    if hint is values.get("Memory"):
        return "m"
    if getattr(hint, "__origin__", None) is tuple:
        return "(" + "".join(_kind_of(part, values) for part in hint.__args__) + ")"
    if hint not in simple:
        raise Untranslatable(f"the type {hint}")
    return simple[hint]


class Program:
    """All functions that the loop reaches."""

    def __init__(self, module: str, name: str) -> None:
        self.modules: dict[str, Module] = {}
        self.done: dict[str, str] = {}
        self.heads: dict[str, str] = {}
        self.tables: dict[str, str] = {}
        self.structs: set[str] = set()
        self.entry = self.function(module, name)[0]

    def module(self, name: str) -> Module:
        """Return a module, read once."""
        if name not in self.modules:
            self.modules[name] = Module(name)
        return self.modules[name]

    def function(self, module: str, name: str) -> tuple[str, str]:
        """Return a function's name in C and the type of what it returns; translate it if that is still to do."""
        home = self.module(module)
        if name not in home.functions:
            if name not in home.origins:
                raise Untranslatable(f"{name} in {module}")
            return self.function(*home.origins[name])
        node = home.functions[name]
        result = home.kind(node.returns)
        label = f"{module.rpartition('.')[2]}_{name}"
        if label not in self.heads:
            self.heads[label] = ""
            body = Body(self, home, node, result)
            parameters = ", ".join(
                f"{self.c_type(kind, parameter=True)} {argument}_" for argument, kind in body.parameters
            )
            self.heads[label] = f"static {self.c_type(result)} {label}({parameters})"
            self.done[label] = f"{self.heads[label]}\n{{\n{body.text}\n}}"
        return label, result

    def c_type(self, kind: str, parameter: bool = False) -> str:
        """Return the name of a type in C."""
        if kind.startswith("("):
            if parameter:
                return "const double *"
            self.structs.add(kind)
            return f"struct t_{kind[1:-1]}"
        return {"i": "int64_t", "d": "double", "u": "uint64_t", "m": "int64_t *", "v": "void"}[kind]

    @cached_property
    def source(self) -> str:
        """The C file."""
        structs = [
            f"struct t_{kind[1:-1]} {{ "
            + " ".join(f"{self.c_type(part)} f{i};" for i, part in enumerate(kind[1:-1]))
            + " };"
            for kind in sorted(self.structs - {"(uu)"})  # that one stands in the prelude
        ]
        heads = [f"{head};" for head in self.heads.values()]
        entry = f"void run(int64_t address) {{ {self.entry}(address); }}"
        return "\n".join([PRELUDE, *structs, *self.tables.values(), *heads, *self.done.values(), entry, ""])


class Body:
    """The statements of one function."""

    def __init__(self, program: Program, home: Module, node: ast.FunctionDef, result: str) -> None:
        self.program, self.home, self.result = program, home, result
        self.parameters = [(argument.arg, home.kind(argument.annotation)) for argument in node.args.args]
        self.kinds = dict(self.parameters)
        self.arrays = {name for name, kind in self.parameters if kind.startswith("(")}
        self.locals = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and _is_stored(name)}
        self.temporaries = 0
        self.block(node.body)  # once to learn the types of the variables, once with all of them known
        statements = self.block(node.body)
        own = set(self.kinds) - {name for name, _ in self.parameters}
        declared = [f"{program.c_type(self.kinds[name])} {name}_;" for name in sorted(own)]
        self.text = "\n".join([*declared, *statements])

    # ------------------------------------------------------------------ statements

    def block(self, body: list[ast.stmt]) -> list[str]:
        """Translate statements."""
        return [line for node in body for line in self.statement(node)]

    def statement(self, node: ast.stmt) -> list[str]:
        """Translate a statement."""
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return []
            case ast.Expr():
                return [f"{self.value(node.value)[0]};"]
            case ast.Assign():
                return self.assign(node.targets, node.value)
            case ast.AnnAssign(value=value) if value is not None:
                return self.assign([node.target], value)
            case ast.AugAssign():
                operator = BINARY.get(type(node.op))
                if operator is None:
                    raise Untranslatable(ast.unparse(node))
                return [f"{self.place(node.target, '')} {operator}= {self.value(node.value)[0]};"]
            case ast.Return():
                return [f"return {self.returned(node.value)};"]
            case ast.If():
                otherwise = ["} else {", *self.block(node.orelse)] if node.orelse else []
                return [f"if ({self.value(node.test)[0]}) {{", *self.block(node.body), *otherwise, "}"]
            case ast.While(orelse=[]):
                return [f"while ({self.value(node.test)[0]}) {{", *self.block(node.body), "}"]
            case ast.Break():
                return ["break;"]
            case ast.Continue():
                return ["continue;"]
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=bounds), orelse=[]):
                return self.loop(name, [self.value(bound)[0] for bound in bounds], node.body)
            case ast.For(target=ast.Name(id=name), iter=ast.Tuple(elts=parts), orelse=[]):
                self.learn(name, "i")
                body = self.block(node.body)
                return [line for part in parts for line in (f"{name}_ = {self.value(part)[0]};", *body)]
        raise Untranslatable(ast.unparse(node))

    def loop(self, name: str, bounds: list[str], body: list[ast.stmt]) -> list[str]:
        """Translate a loop over a range."""
        start, stop, step = {1: ("0", *bounds, "1"), 2: (*bounds, "1"), 3: tuple(bounds)}[len(bounds)]
        if step != "1":
            raise Untranslatable(f"range with a step of {step}")
        self.learn(name, "i")
        i, end = self.temporary(), self.temporary()
        head = f"for (int64_t {i} = {start}, {end} = {stop}; {i} < {end}; {i}++) {{ {name}_ = {i};"
        return [head, *self.block(body), "}"]

    def assign(self, targets: list[ast.expr], value: ast.expr) -> list[str]:
        """Translate an assignment: as in Python, everything on the right is known before anything is stored."""
        if len(targets) == 1 and isinstance(targets[0], ast.Tuple):
            places = targets[0].elts
            if isinstance(value, ast.Tuple):
                values, before = [self.value(part) for part in value.elts], []
            else:
                whole, kind = self.value(value)
                name = self.temporary()
                before = [f"{self.program.c_type(kind)} {name} = {whole};"]
                values = [(f"{name}.f{i}", part) for i, part in enumerate(kind[1:-1])]
            names = [self.temporary() for _ in values]
            held = [
                f"{self.program.c_type(kind)} {name} = {text};"
                for name, (text, kind) in zip(names, values, strict=True)
            ]
            stored = [
                f"{self.place(place, kind)} = {name};"
                for place, name, (_, kind) in zip(places, names, values, strict=True)
            ]
            return ["{", *before, *held, *stored, "}"]
        text, kind = self.value(value)
        if len(targets) == 1:
            return [f"{self.place(targets[0], kind)} = {text};"]
        name = self.temporary()
        stored = [f"{self.place(target, kind)} = {name};" for target in targets]
        return ["{", f"{self.program.c_type(kind)} {name} = {text};", *stored, "}"]

    def place(self, target: ast.expr, kind: str) -> str:
        """Translate what is stored to; `kind` is the type of what is stored, empty if nothing new."""
        if isinstance(target, ast.Name):
            if kind:
                self.learn(target.id, kind)
            return f"{target.id}_"
        if isinstance(target, ast.Subscript):
            text, of = self.value(target)
            if of == "i":
                return text
        raise Untranslatable(ast.unparse(target))

    def returned(self, value: ast.expr | None) -> str:
        """Translate what a function returns."""
        if value is None:
            return ""
        if isinstance(value, ast.Tuple):
            parts = ", ".join(self.value(part)[0] for part in value.elts)
            return f"({self.program.c_type(self.result)}) {{ {parts} }}"
        return self.value(value)[0]

    def learn(self, name: str, kind: str) -> None:
        """Remember a variable's type."""
        self.kinds[name] = unified(self.kinds.get(name, kind), kind)

    def temporary(self) -> str:
        """Return a new name."""
        self.temporaries += 1
        return f"t{self.temporaries}"

    # ------------------------------------------------------------------ expressions

    def value(self, node: ast.expr) -> Typed:
        """Translate an expression."""
        constant = self.constant(node)
        if constant is not None:
            return literal(constant)
        match node:
            case ast.Name(id=name) if name in self.kinds:
                return f"{name}_", self.kinds[name]
            case ast.Subscript():
                return self.subscript(node)
            case ast.Call():
                return self.call(node)
            case ast.BinOp():
                return self.binary(node)
            case ast.UnaryOp():
                text, kind = self.value(node.operand)
                sign = {ast.USub: "-", ast.Not: "!", ast.Invert: "~"}[type(node.op)]
                return f"({sign}{text})", "i" if sign == "!" else kind
            case ast.BoolOp():
                joint = " && " if isinstance(node.op, ast.And) else " || "
                return "(" + joint.join(self.value(part)[0] for part in node.values) + ")", "i"
            case ast.Compare():
                return self.compare(node)
            case ast.IfExp():
                then, otherwise = self.value(node.body), self.value(node.orelse)
                return f"({self.value(node.test)[0]} ? {then[0]} : {otherwise[0]})", unified(then[1], otherwise[1])
        raise Untranslatable(ast.unparse(node))

    def constant(self, node: ast.expr) -> Any:
        """Return the value of an expression that is made of constants alone, else None."""
        for part in ast.walk(node):
            if isinstance(part, ast.Call | ast.Subscript | ast.Tuple | ast.Compare | ast.BoolOp | ast.IfExp):
                return None
            if isinstance(part, ast.Name) and (part.id in self.locals or part.id in self.kinds):
                return None
        value = eval(ast.unparse(node), self.home.values)
        return value if isinstance(value, int | float | np.uint64) else None

    def subscript(self, node: ast.Subscript) -> Typed:
        """Translate a look into the memory or into a tuple."""
        text, kind = self.value(node.value)
        if kind == "m":
            return f"{text}[{self.value(node.slice)[0]}]", "i"
        index = self.constant(node.slice)
        if not kind.startswith("(") or index is None:
            raise Untranslatable(ast.unparse(node))
        is_array = isinstance(node.value, ast.Name) and node.value.id in self.arrays
        return f"{text}[{index}]" if is_array else f"{text}.f{index}", kind[1 + index]

    def binary(self, node: ast.BinOp) -> Typed:
        """Translate arithmetic."""
        (left, left_kind), (right, right_kind) = self.value(node.left), self.value(node.right)
        kind = unified(left_kind, right_kind)
        if isinstance(node.op, ast.Div):
            return f"((double) {left} / (double) {right})", "d"
        if isinstance(node.op, ast.FloorDiv | ast.Mod) and kind == "i":
            return f"{'floor_div' if isinstance(node.op, ast.FloorDiv) else 'floor_mod'}({left}, {right})", "i"
        if type(node.op) not in BINARY:
            raise Untranslatable(ast.unparse(node))
        return f"({left} {BINARY[type(node.op)]} {right})", kind

    def compare(self, node: ast.Compare) -> Typed:
        """Translate comparisons."""
        if isinstance(node.ops[0], ast.In | ast.NotIn) and isinstance(node.comparators[0], ast.Tuple):
            one = self.value(node.left)[0]
            found = " || ".join(f"({one} == {self.value(part)[0]})" for part in node.comparators[0].elts)
            return f"({'!' if isinstance(node.ops[0], ast.NotIn) else ''}({found}))", "i"
        sides = [self.value(side)[0] for side in (node.left, *node.comparators)]
        pairs = zip(sides, node.ops, sides[1:], strict=False)
        return "(" + " && ".join(f"({a} {COMPARE[type(op)]} {b})" for a, op, b in pairs) + ")", "i"

    def call(self, node: ast.Call) -> Typed:
        """Translate a call: of a cast, of a mathematical function, of another function of the kernel."""
        name = ast.unparse(node.func)
        if node.keywords:
            raise Untranslatable(ast.unparse(node))
        if name in PRIMITIVES:
            text, kind = PRIMITIVES[name]
            return f"{text}({', '.join(self.value(part)[0] for part in node.args)})", kind
        if isinstance(node.func, ast.Name) and name not in ("int", "float", "bool", "min", "max", "abs"):
            label, result = self.program.function(self.home.name, name)
            return f"{label}({', '.join(self.argument(part) for part in node.args)})", result
        parts = [self.value(part) for part in node.args]
        if name in CASTS:
            (text, _), (to, kind) = parts[0], CASTS[name]
            return f"(({to}) {text})", kind
        if name in FLOAT_FUNCTIONS:
            text, kind = FLOAT_FUNCTIONS[name]
            return f"{text}({', '.join(part for part, _ in parts)})", kind
        if name in ("min", "max", "abs"):
            text, kind = parts[0]
            if name == "abs":
                return f"abs_{kind}({text})", kind
            for other, its_kind in parts[1:]:
                kind = unified(kind, its_kind)
                text = f"{name}_{kind}({text}, {other})"
            return text, kind
        raise Untranslatable(ast.unparse(node))

    def argument(self, node: ast.expr) -> str:
        """Translate what a function is given: a tuple of constants becomes a table."""
        if isinstance(node, ast.Name) and isinstance(self.home.values.get(node.id), tuple):
            numbers = ", ".join(literal(number)[0] for number in self.home.values[node.id])
            self.program.tables[node.id] = f"static const double table{node.id}[] = {{ {numbers} }};"
            return f"table{node.id}"
        return self.value(node)[0]


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)
