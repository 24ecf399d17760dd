"""The style of this repository, as a test: sizes, who may import whom, what is banned and its replacement.

Every finding names its file and line, the rule, and the way out. To change a rule, change its table here.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = {"sim": 400, "tests": 600, "validation": 400}

# ------------------------------------------------------ who may import whom
# A layer is named by its first component(s) under `sim`. What is not listed may not be imported: not at the
# top of a file, not inside a function, not under `if TYPE_CHECKING`. Within its layer a module imports as it
# likes, but in no cycle of imports that run when the module is loaded: what only names a type, or waits inside a
# function, may point back.

WORDS = {"units", "errors", "vocabulary"}
TRUNK = WORDS | {"samplers", "streams", "model", "trace"}
PACING = {"pacing"}  # looks at a clock to cut work into tasks; nothing that is computed depends on it
RUNS = TRUNK | {"engines", "metrics", "stats", "story"}

MAY_IMPORT: dict[str, set[str]] = {
    # the trunk: what both engines share
    "errors": set(),
    "units": {"errors"},
    "vocabulary": {"units", "errors"},
    "samplers": WORDS,
    "streams": WORDS,
    "model": WORDS | {"samplers", "streams"},
    "trace": WORDS | {"samplers", "streams", "model"},
    # the two sealed engines, and the package that chooses between them
    "engines.process": TRUNK,
    "engines.kernel": TRUNK,
    "engines": TRUNK | {"engines.process", "engines.kernel"},
    # what is made of traces
    "stats": {"units", "errors"},
    "metrics.compiled": TRUNK | {"engines.kernel"},
    "metrics": TRUNK | {"engines", "stats", "metrics.compiled"},
    "story": TRUNK | {"metrics"},
    "oracles": TRUNK | {"stats"},
    # pictures of plain data
    "report": RUNS | {"oracles"},
    # what people hold in their hands, and draw with
    "results": RUNS | {"oracles", "report"},
    "sweeps": RUNS | PACING | {"oracles", "report", "results"},
    "tuning": RUNS | {"report", "results", "sweeps"},
    "pacing": set(),
    "remedies": RUNS | {"results", "sweeps"},
    "diagnosis": RUNS | {"results"},
    # logs of other people
    "fitting": TRUNK | {"stats", "report", "results"},
    # test suites of other people
    "testing": RUNS | {"results", "sweeps"},
    # pages to hand on
    "pages": RUNS | {"oracles", "report", "results", "sweeps"},
    # a live page
    "explorer": RUNS | {"oracles", "report", "results", "sweeps"},
    # recordings of a real system, predicted
    "replaying": TRUNK | {"engines", "stats", "results"},
    # one cycle of the reference engine at a time, with its draws biased
    "rarity": RUNS | {"engines.process", "results"},
    # the reference engine on numbers that know their slopes
    "extremes": RUNS | {"engines.process", "report", "results", "sweeps"},
    "cli": RUNS
    | {"oracles", "report", "results", "sweeps", "remedies", "diagnosis", "replaying", "rarity"}
    | {"extremes", "fitting", "tuning", "pages", "explorer"},
    "__main__": {"cli"},
}
ONLY = {("metrics.compiled", "engines.kernel"): {"sim.engines.kernel.compiling"}}
"""Where a layer may import no more of another than these modules: here, how to compile, and no transition."""
PACKAGE_ROOT = ""  # sim/__init__.py: imports what it likes (lazily), and nothing inside sim/ imports it

# ------------------------------------------------------ what is banned, and its replacement

SIMULATION = {"samplers", "streams", "engines", "engines.process", "engines.kernel"}
EVERYWHERE = {*MAY_IMPORT, PACKAGE_ROOT}
VECTORISED = (
    "log log1p log2 log10 logaddexp exp expm1 exp2 power float_power cbrt hypot sin cos tan sinh cosh tanh "
    "arcsin arccos arctan arctan2 sum cumsum prod cumprod mean average std var dot"
)


@dataclass(frozen=True)
class Ban:
    """These dotted names, and whatever is below them, are not used in these layers."""

    names: frozenset[str]
    layers: frozenset[str]
    instead: str


def _ban(names: str, layers: set[str], instead: str) -> Ban:
    return Ban(frozenset(names.split()), frozenset(layers), instead)


BANS = [
    _ban("random secrets numpy.random os.urandom", EVERYWHERE, "use sim.streams: draws are addressed"),
    _ban("time.time time.time_ns", EVERYWHERE, "use time.perf_counter in cli only"),
    _ban(
        "time.perf_counter time.monotonic time.process_time", EVERYWHERE - {"cli", "pacing"}, "measure time in cli only"
    ),
    _ban(
        " ".join(f"numpy.{name}" for name in VECTORISED.split()),
        SIMULATION,
        "use math.* on scalars: bit-identical across engines",
    ),
    _ban("builtins.print", EVERYWHERE - {"cli", "report"}, "return the text: cli and report print it"),
    _ban(
        "pickle dill cloudpickle marshal shelve pandas.read_pickle",
        EVERYWHERE,
        "use JSON, TOML or CSV text, or numpy.savez",
    ),
    _ban("builtins.eval builtins.exec", EVERYWHERE, "use a dict of functions, or ast.literal_eval"),
    _ban("matplotlib.pyplot pylab matplotlib.pylab", EVERYWHERE, "use matplotlib.figure.Figure"),
]
BANNED_BUILTINS = {"print", "eval", "exec"}
BANNED_KEYWORDS = {
    "fastmath": (SIMULATION, "leave it out: bit-identical across engines"),
    "allow_pickle": (EVERYWHERE, "leave it out: arrays need no pickle"),
}


# ------------------------------------------------------ a source file, read once


@dataclass(frozen=True)
class Source:
    """A Python file with its place in the repository."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, self.path)

    @cached_property
    def module(self) -> str:
        """Its dotted name: `sim.engines` for `sim/engines/__init__.py`."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def package(self) -> str:
        """The package that a relative import starts from."""
        return self.module if self.path.endswith("/__init__.py") else self.module.rpartition(".")[0]

    def at(self, line: int, rule: str) -> str:
        """One finding."""
        return f"{self.path}:{line}: {rule}"


@cache
def sources(folder: str) -> tuple[Source, ...]:
    found = sorted((ROOT / folder).rglob("*.py"))
    return tuple(Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in found)


def layer_of(module: str) -> str:
    """The longest row of the table that `module` stands under; its first component where there is none."""
    below = module.removeprefix("sim").removeprefix(".")
    rows = [row for row in MAY_IMPORT if below == row or below.startswith(f"{row}.")]
    return max(rows, key=len, default=below.partition(".")[0])


# ------------------------------------------------------ rules: each yields findings


def sizes(source: Source) -> Iterator[str]:
    folder = source.path.partition("/")[0]
    lines, most = len(source.text.splitlines()), FILE_LINES_MAX[folder]
    if lines > most:
        yield source.at(most + 1, f"the file has {lines} lines, {folder}/ at most {most}; split it by subject")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                rule = f"{node.name}() has {lines} lines, at most {FUNCTION_LINES_MAX}; move a step out of it"
                yield source.at(node.lineno, rule)


def docstrings(source: Source) -> Iterator[str]:
    if any(part.startswith("_") and not part.startswith("__") for part in source.module.split(".")):
        return
    for node in _definitions(source.tree):
        if not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield source.at(node.lineno, f"{node.name} is public; give it a docstring or a leading underscore")


def _definitions(
    body: ast.Module | ast.ClassDef | ast.If,
) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Classes and functions of a module, and classes within classes; methods are left to taste."""
    for node in body.body:
        if isinstance(node, ast.ClassDef):
            yield node
            yield from (inner for inner in _definitions(node) if isinstance(inner, ast.ClassDef))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.If):
            yield from _definitions(node)


IGNORES = [
    # (what starts an ignore, what it must look like to have a code and a reason, how to write it)
    (
        re.compile(r"#\s*type:\s*ignore"),
        re.compile(r"#\s*type:\s*ignore\[[a-z][a-z0-9-]*(,\s*[a-z][a-z0-9-]*)*\]\s*#\s*(?!noqa)\w.{4,}"),
        "# type: ignore[code]  # reason",
    ),
    (
        re.compile(r"#\s*(ruff:|flake8:)?\s*noqa", re.IGNORECASE),
        re.compile(r"#\s*(ruff:)?\s*noqa:\s*[A-Z]+\d+([,\s]+[A-Z]+\d+)*\s+-\s+\w.{4,}", re.IGNORECASE),
        "# noqa: X000 - reason",
    ),
]


def ignores(source: Source) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            for start, whole, how in IGNORES:
                if start.search(token.string) and not whole.search(token.string):
                    yield source.at(token.start[0], f"an ignore needs a code and a reason; write `{how}`")


def bans(source: Source) -> Iterator[str]:
    layer, found = layer_of(source.module), set()
    for line, name in _used_names(source.tree):
        for ban in BANS:
            if layer in ban.layers and any(name == bad or name.startswith(f"{bad}.") for bad in ban.names):
                found.add((line, f"{name.removeprefix('builtins.')} is banned here; {ban.instead}"))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg in BANNED_KEYWORDS:
            layers, instead = BANNED_KEYWORDS[node.arg]
            if layer in layers:
                found.add((node.value.lineno, f"{node.arg}= is banned here; {instead}"))
    yield from (source.at(line, rule) for line, rule in sorted(found))


def _used_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every dotted name that a file imports or uses, under its full name: `np.log` is `numpy.log`."""
    meaning = {name: f"builtins.{name}" for name in BANNED_BUILTINS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                meaning[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                meaning[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield node.lineno, f"{node.module}.{alias.name}"
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and id(node) not in inner:
            first, *rest = _dotted(node)
            if first in meaning:
                yield node.lineno, ".".join([meaning[first], *rest])


def _dotted(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [*_dotted(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else [""]


# ------------------------------------------------------ imports


def imports(source: Source, modules: frozenset[str], at_load: bool = False) -> Iterator[tuple[int, str]]:
    """Yield line and module of every import from `sim`; `from sim import x` is `sim.x` where that exists.

    With `at_load`, only the imports that run when the module is loaded.
    """
    deferred = set(map(id, _deferred(source.tree))) if at_load else set()
    for node in ast.walk(source.tree):
        if id(node) in deferred:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if _ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            base = _base(source, node)
            for alias in node.names if _ours(base) else []:
                full = f"{base}.{alias.name}"
                known = full in modules or full.removeprefix("sim.") in MAY_IMPORT
                yield node.lineno, full if known else base
        elif isinstance(node, ast.Call) and _dotted(node.func)[-1] in {"import_module", "__import__"}:
            constants = (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))
            yield from ((node.lineno, name) for name in constants if isinstance(name, str) and _ours(name))


def _deferred(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything inside functions and under `if TYPE_CHECKING`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ast.walk(node)
        elif isinstance(node, ast.If) and _dotted(node.test)[-1] == "TYPE_CHECKING":
            for child in node.body:
                yield from ast.walk(child)


def _ours(module: str) -> bool:
    return module == "sim" or module.startswith("sim.")


def _base(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    above = source.package.split(".")
    return ".".join([*above[: len(above) - node.level + 1], *([node.module] if node.module else [])])


def layering(source: Source, modules: frozenset[str]) -> Iterator[str]:
    layer = layer_of(source.module)
    if layer == PACKAGE_ROOT:
        return
    if layer not in MAY_IMPORT:
        yield source.at(1, f"layer {layer!r} is not in MAY_IMPORT; give it a row in tests/test_tidy.py")
        return
    allowed = ", ".join(sorted(MAY_IMPORT[layer])) or "nothing of sim"
    for line, module in imports(source, modules):
        target = layer_of(module)
        if target == PACKAGE_ROOT:
            yield source.at(line, "imports the package root; import from the submodule that defines the name")
        elif {layer, target} == {"engines.process", "engines.kernel"}:
            yield source.at(line, f"{layer} imports {target}: the engines are sealed; each writes it for itself")
        elif (only := ONLY.get((layer, target))) and module not in only:
            yield source.at(line, f"{layer} imports {module}; of {target} only {', '.join(sorted(only))}")
        elif target != layer and target not in MAY_IMPORT[layer]:
            yield source.at(line, f"{layer} imports {target}; it may import {allowed}: move the name down a layer")


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """Return one cycle of a directed graph, first node repeated at the end, or an empty list."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for target in sorted(edges.get(node, ())):
            if found := visit(target, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for start in sorted(edges) if (found := visit(start, []))), [])


def import_cycles(files: tuple[Source, ...]) -> Iterator[str]:
    modules = frozenset(source.module for source in files)
    lines = {
        (source.module, target): (source, line)
        for source in files
        if layer_of(source.module) != PACKAGE_ROOT
        for line, target in imports(source, modules, at_load=True)
        if target in modules and target != "sim"
    }
    edges: dict[str, set[str]] = {}
    for module, target in lines:
        edges.setdefault(module, set()).add(target)
    if path := cycle(edges):
        source, line = lines[path[0], path[1]]
        yield source.at(line, f"import cycle {' -> '.join(path)}; move what both need into a third module")


# ------------------------------------------------------ the tree obeys the rules


def findings(rule: Callable[[Source], Iterator[str]], *folders: str) -> str:
    return "\n".join(finding for folder in folders for source in sources(folder) for finding in rule(source))


def test_files_and_functions_are_short() -> None:
    assert not (found := findings(sizes, "sim", "tests", "validation")), found


def test_public_functions_and_classes_have_docstrings() -> None:
    assert not (found := findings(docstrings, "sim", "validation")), found


def test_ignores_have_a_code_and_a_reason() -> None:
    assert not (found := findings(ignores, "sim", "tests", "validation")), found


def test_nothing_banned_is_used() -> None:
    assert not (found := findings(bans, "sim")), found


def test_imports_follow_the_table() -> None:
    modules = frozenset(source.module for source in sources("sim"))
    assert not (found := findings(lambda source: layering(source, modules), "sim")), found


def test_no_import_cycle() -> None:
    assert not (found := "\n".join(import_cycles(sources("sim")))), found


def test_the_import_table_is_sound() -> None:
    assert {target for row in MAY_IMPORT.values() for target in row} <= set(MAY_IMPORT)
    assert not (found := cycle(MAY_IMPORT)), found
    for one, other in (("engines.process", "engines.kernel"), ("engines.kernel", "engines.process")):
        assert other not in MAY_IMPORT[one]
    # rare events bias the reference engine's draws; the worst case is run on numbers that know their slopes
    outside = set(MAY_IMPORT) - {"engines", "rarity", "extremes"} - {layer for layer, _ in ONLY}
    assert not [row for row in outside if MAY_IMPORT[row] & {"engines.process", "engines.kernel"}]


# ------------------------------------------------------ and each rule can fail


BAD: list[tuple[Callable[[Source], Iterator[str]], str, str, str]] = [
    # (rule, path, code, what the finding says after the path)
    (sizes, "sim/a.py", "def long():\n" + "    x = 1\n" * 60, "1: long() has 61 lines, at most 60; move"),
    (sizes, "sim/a.py", "x = 1\n" * 401, "401: the file has 401 lines, sim/ at most 400; split"),
    (sizes, "tests/test_a.py", "x = 1\n" * 601, "601: the file has 601 lines, tests/ at most 600; split"),
    (docstrings, "sim/a.py", "\ndef public(): ...", "2: public is public; give it a docstring"),
    (docstrings, "sim/a.py", "async def public(): ...", "1: public is public"),
    (docstrings, "sim/a.py", "class A:\n    'A.'\n    class B:\n        pass", "3: B is public"),
    (ignores, "sim/a.py", "x = 1  # type: ignore", "1: an ignore needs a code and a reason; write `# type:"),
    (ignores, "sim/a.py", "x = 1  # type: ignore[misc]", "1: an ignore needs a code"),
    (ignores, "sim/a.py", "x = 1  # type: ignore[misc]  # noqa: F401", "1: an ignore needs a code"),
    (ignores, "sim/a.py", "\nx = 1  # noqa", "2: an ignore needs a code and a reason; write `# noqa: X000 -"),
    (ignores, "sim/a.py", "x = 1  # noqa: F401", "1: an ignore needs a code"),
    (ignores, "sim/a.py", "# ruff: noqa", "1: an ignore needs a code"),
    (bans, "sim/metrics.py", "import random", "1: random is banned here; use sim.streams"),
    (
        bans,
        "sim/metrics.py",
        "from random import choice as c",
        "1: random.choice is banned here; use sim.streams",
    ),
    (
        bans,
        "sim/stats.py",
        "import numpy as np\nnp.random.default_rng(1)",
        "2: numpy.random.default_rng is banned",
    ),
    (bans, "sim/stats.py", "from numpy.random import Generator", "1: numpy.random.Generator is banned"),
    (
        bans,
        "sim/sweeps/run.py",
        "def f():\n    import time\n    time.time()",
        "3: time.time is banned here; use",
    ),
    (
        bans,
        "sim/cli.py",
        "from time import time",
        "1: time.time is banned here; use time.perf_counter in cli only",
    ),
    (
        bans,
        "sim/report/a.py",
        "from time import perf_counter",
        "1: time.perf_counter is banned here; measure",
    ),
    (bans, "sim/samplers.py", "import numpy as np\nx = [np.log]", "2: numpy.log is banned here; use math.*"),
    (bans, "sim/engines/kernel/a.py", "from numpy import exp", "1: numpy.exp is banned here; use math.*"),
    (
        bans,
        "sim/engines/__init__.py",
        "import numpy\nnumpy.sum([])",
        "2: numpy.sum is banned here; use math.*",
    ),
    (bans, "sim/engines/kernel/a.py", "njit(fastmath=True)", "1: fastmath= is banned here; leave it out"),
    (bans, "sim/engines/process/a.py", "print(1)", "1: print is banned here; return the text"),
    (bans, "sim/sweeps/store.py", "import pickle", "1: pickle is banned here; use JSON"),
    (bans, "sim/sweeps/store.py", "np.load(f, allow_pickle=True)", "1: allow_pickle= is banned here"),
    (bans, "sim/cli.py", "eval('1')", "1: eval is banned here; use a dict"),
    (bans, "sim/cli.py", "run = exec", "1: exec is banned here; use a dict"),
    (
        bans,
        "sim/report/a.py",
        "from matplotlib import pyplot as plt",
        "1: matplotlib.pyplot is banned here; use matp",
    ),
]
BAD_IMPORTS = [
    ("sim/units.py", "import sim.model", "1: units imports model; it may import errors: move"),
    ("sim/errors.py", "from sim import units", "1: errors imports units; it may import nothing of sim"),
    ("sim/model/a.py", "def f():\n    from sim.trace import Trace", "2: model imports trace;"),
    ("sim/model/a.py", "from ..metrics import x", "1: model imports metrics;"),
    ("sim/trace.py", "if TYPE_CHECKING:\n    from sim.engines import x", "2: trace imports engines;"),
    ("sim/metrics.py", "from sim.engines.process import x", "1: metrics imports engines.process;"),
    (
        "sim/metrics/compiled/a.py",
        "from sim.engines.kernel.loop import x",
        "1: metrics.compiled imports sim.engines.kernel.loop; of engines.kernel only",
    ),
    ("sim/metrics.py", "import_module('sim.report')", "1: metrics imports report;"),
    (
        "sim/engines/process/a.py",
        "from ..kernel import x",
        "1: engines.process imports engines.kernel: the engines",
    ),
    (
        "sim/engines/kernel/a.py",
        "from sim.engines import process",
        "1: engines.kernel imports engines.process: the",
    ),
    ("sim/engines/process/a.py", "from sim.engines import chooser", "1: engines.process imports engines;"),
    ("sim/cli.py", "import sim", "1: imports the package root; import from the submodule"),
    ("sim/cli.py", "from sim import simulate", "1: imports the package root"),
    ("sim/cli.py", "from . import simulate", "1: imports the package root"),
    ("sim/novelty/a.py", "", "1: layer 'novelty' is not in MAY_IMPORT; give it a row"),
]
GOOD = [
    ("sim/__init__.py", "def simulate(x):\n    'Do.'\n    from sim.engines import run\n    return run(x)"),
    ("sim/model/_hidden.py", "def public(): ..."),
    ("sim/samplers.py", "import math\nimport numpy as np\nx = math.log(2.0)\ny = np.sqrt(np.uint64(2))"),
    ("sim/metrics.py", "import numpy as np\nx = np.log(2)\nclass A:\n    'A.'\n    def print(self): ..."),
    ("sim/cli.py", "from time import perf_counter\nprint(perf_counter())"),
    ("sim/engines/process/actors/a.py", "from sim.engines.process import b\nfrom .. import c"),
    ("sim/model/a.py", "from sim import samplers\nfrom sim.model.b import c\ntext = '# noqa'"),
    (
        "sim/report/a.py",
        "import x  # noqa: F401 - names for users\ny = 1  # type: ignore[misc]  # stubs are wrong",
    ),
]


@pytest.mark.parametrize(("rule", "path", "code", "says"), BAD)
def test_a_rule_can_fail(rule: Callable[[Source], Iterator[str]], path: str, code: str, says: str) -> None:
    found = list(rule(Source(path, code)))
    assert any(finding.startswith(f"{path}:{says}") for finding in found), found


@pytest.mark.parametrize(("path", "code", "says"), BAD_IMPORTS)
def test_the_import_table_can_fail(path: str, code: str, says: str) -> None:
    (finding,) = layering(Source(path, code), frozenset())
    assert finding.startswith(f"{path}:{says}"), finding


@pytest.mark.parametrize(("path", "code"), GOOD)
def test_good_code_passes(path: str, code: str) -> None:
    source, modules = Source(path, code), frozenset({"sim.engines.process.b", "sim.engines.process.c"})
    rules = (sizes, docstrings, ignores, bans)
    assert [*(found for rule in rules for found in rule(source)), *layering(source, modules)] == []


def test_a_cycle_is_found_and_a_package_may_gather_its_modules() -> None:
    gather = Source("sim/model/__init__.py", "from sim.model.a import x")
    fine = (gather, Source("sim/model/a.py", "from sim.model import b"), Source("sim/model/b.py", ""))
    assert not list(import_cycles(fine))
    waiting = "if TYPE_CHECKING:\n    from sim.model import x\ndef f():\n    from sim.model import x"
    assert not list(import_cycles((*fine[:2], Source("sim/model/b.py", waiting))))
    (finding,) = import_cycles((*fine[:2], Source("sim/model/b.py", "\nfrom sim.model import x")))
    assert finding == (
        "sim/model/__init__.py:1: import cycle sim.model -> sim.model.a -> sim.model.b -> sim.model; "
        "move what both need into a third module"
    )
