"""How the kernel's functions are compiled, and where the machine code is kept.

The loop is the one function that Python calls; all others end up inside its module. To be
quicker than numba's own way, `lean` leaves out passes, and `sparing` what those that remain do in vain.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba as _numba
from numba import extending as _extending

from sim import samplers
from sim.engines.kernel.layout import Memory
from sim.engines.kernel.lean import Lean
from sim.engines.kernel.sparing import sparing

numba: Any = _numba  # its types know neither its settings nor all of its options
types: Any = _numba.types
register_jitable: Any = _extending.register_jitable

Function = TypeVar("Function", bound=Callable[..., Any])

INTERPRETED: Final = bool(numba.config.DISABLE_JIT)
"""NUMBA_DISABLE_JIT=1 runs the same functions as plain Python, for debuggers and for coverage."""
_ONE_AT_A_TIME: Final = threading.RLock()
"""Of several threads that need machine code one compiles, and the others wait for it."""
_HOW: Final = {"nogil": True, "no_cfunc_wrapper": True, "pipeline_class": Lean}


def compiled(function: Function) -> Function:
    """Compile a function that only compiled functions call: Python cannot, there is no wrapper that would let it."""
    if INTERPRETED:
        return function
    return cast(Function, numba.njit(**_HOW, no_cpython_wrapper=True)(function))


def entry(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return how Python calls `function`: compiled at the first call, or loaded from where it is kept on disk."""
    if INTERPRETED:
        return function

    ready: list[Callable[[Any], None]] = []

    def machine_code() -> Callable[[Any], None]:
        with _ONE_AT_A_TIME:
            if not ready:
                ready.append(_machine_code_of(function))
        return ready[0]

    return lambda address: (ready[0] if ready else machine_code())(address)


# ---------------------------------------------------------------------------------- on disk


def _machine_code_of(function: Callable[[Any], None]) -> Any:
    """Compile a function, or load what was compiled before; whatever is wrong on the disk costs only time."""
    folder = _folder_for(function)
    if folder is not None:
        try:
            return _compile(function, folder)
        except Exception:  # noqa: BLE001 - a disk that is full, a file that was cut short: all say different things
            shutil.rmtree(folder, ignore_errors=True)
    return _compile(function, None)


def _compile(function: Callable[[Any], None], folder: Path | None) -> Any:
    before = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = str(folder or before)
        dispatcher = numba.njit(**_HOW, cache=folder is not None)(function)
    finally:
        numba.config.CACHE_DIR = before
    with sparing(function.__name__):
        dispatcher.compile((types.int64,))
    return dispatcher


def _folder_for(function: Callable[[Any], None]) -> Path | None:
    """Return a folder, named for the sources, that machine code can be kept in; None where there is none."""
    name = f"kernel-{_digest(Path(function.__code__.co_filename).parent)}"
    for parent in _parents():
        try:
            (parent / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if os.access(parent / name, os.W_OK):
            return parent / name
    return None


def _parents() -> Iterator[Path]:
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR)
    yield Path(__file__).parent / "__pycache__"
    with suppress(RuntimeError):  # whoever has no home folder has no cache there
        yield _user_cache() / "leasesim"


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _digest(folder: Path) -> str:
    """A fingerprint of all that is compiled for an entry in `folder`: numba itself looks only at the entry's file."""
    digest = hashlib.blake2b(digest_size=8)
    package = Path(__file__).parent
    shared = (package.parents[1] / f"{name}.py" for name in _COMPILED_TOO)
    for path in [*sorted({*package.glob("*.py"), *folder.glob("*.py")}), *shared]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


_COMPILED_TOO: Final = ("samplers", "vocabulary", "trace", "units")


# ---------------------------------------------------------------------------------- formulas and memory

for _formula in (
    samplers._ratio,
    samplers.central_quantile,
    samplers.normal_quantile,
    samplers.variate,
    samplers.nanoseconds,
    samplers.truncated_exponential_factor,
    samplers.uniform_factor,
):
    register_jitable(_formula)

# The memory goes from function to function as a bare pointer: an array would be seven arguments, counted references
# and a test for negative indices at each access, which the compiler has to work through again and again.

_POINTER: Final = types.CPointer(types.int64)


def intrinsic(generator: Callable[..., Any]) -> Any:
    """Make a function of what generates its code."""
    return _extending.intrinsic(generator)


@intrinsic
def _pointer_to(_context: Any, _address: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], _llvm().IntType(64).as_pointer())

    return _POINTER(types.int64), generate


@intrinsic
def _real(_context: Any, _memory: Any, _where: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        place = builder.gep(arguments[0], [arguments[1]])
        return builder.load(builder.bitcast(place, _llvm().DoubleType().as_pointer()))

    return types.float64(_POINTER, types.int64), generate


@intrinsic
def _set_real(_context: Any, _memory: Any, _where: Any, _value: Any) -> Any:
    def generate(target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        place = builder.gep(arguments[0], [arguments[1]])
        builder.store(arguments[2], builder.bitcast(place, _llvm().DoubleType().as_pointer()))
        return target.get_dummy_value()

    return types.void(_POINTER, types.int64, types.float64), generate


@intrinsic
def _wide_product(_context: Any, _a: Any, _b: Any) -> Any:
    pair = types.UniTuple(types.uint64, 2)

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide, word = _llvm().IntType(128), _llvm().IntType(64)
        product = builder.mul(builder.zext(arguments[0], wide), builder.zext(arguments[1], wide))
        halves = [builder.trunc(builder.lshr(product, _llvm().Constant(wide, 64)), word), builder.trunc(product, word)]
        return target.make_tuple(builder, signature.return_type, halves)

    return pair(types.uint64, types.uint64), generate


def _llvm() -> Any:
    from llvmlite import ir  # type: ignore[import-untyped]  # comes with numba, without types

    return ir


if INTERPRETED:

    def pointer(address: Any) -> Memory:
        """Return the memory itself."""
        return cast(Memory, address)

    def real(m: Memory, where: int) -> float:
        """Return the number that is not whole at an address."""
        return float(cast(Any, m).view("f8")[where])

    def set_real(m: Memory, where: int, value: float) -> None:
        """Write a number that is not whole to an address."""
        cast(Any, m).view("f8")[where] = value

    def wide_product(a: Any, b: Any) -> tuple[Any, Any]:
        """Return the upper and the lower 64 bits of a product of 128: one instruction gives both."""
        product = int(a) * int(b)
        return type(a)(product >> 64), type(a)(product & 0xFFFFFFFFFFFFFFFF)

else:

    @compiled
    def pointer(address: Any) -> Memory:
        """Return what stands at an address."""
        memory: Memory = _pointer_to(address)
        return memory

    @compiled
    def real(m: Memory, where: int) -> float:
        """Return the number that is not whole at an address."""
        number: float = _real(m, where)
        return number

    @compiled
    def set_real(m: Memory, where: int, value: float) -> None:
        """Write a number that is not whole to an address."""
        _set_real(m, where, value)

    @compiled
    def wide_product(a: Any, b: Any) -> tuple[Any, Any]:
        """Return the upper and the lower 64 bits of a product of 128: one instruction gives both."""
        halves: tuple[Any, Any] = _wide_product(a, b)
        return halves
