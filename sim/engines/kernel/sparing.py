"""What numba does in vain while it compiles the kernel, left out.

- It would optimise and emit every function by itself as well, together with everything that this calls in turn. All end
  up inside the loop's module, so the parts stop at their intermediate form.
- It asks anew at each of thousands of operations what the sum of two whole numbers is.
- It tells listeners of every step and of every call of LLVM, and nobody listens.
- The garbage collector looks at a growing heap again and again.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import numba as _numba
from numba.core import codegen, compiler_lock, event

numba: Any = _numba
events: Any = event
lock: Any = compiler_lock.global_compiler_lock
library: Any = codegen.CPUCodeLibrary
engine: Any = codegen.JITCPUCodegen
operation: Any = _numba.types.functions.BaseFunction

KNOWN: Final = ((0, 68),)
"""Versions of numba with which this has been tried; others do everything, and take longer."""


@contextmanager
def sparing(whole: str) -> Iterator[None]:
    """Compile, inside, the function named `whole` without what is in vain."""
    with ExitStack() as stack:
        stack.enter_context(_no_collection())
        if numba.version_info[:2] in KNOWN:
            stack.enter_context(lock)
            stack.enter_context(_parts_unfinished(whole))
            stack.enter_context(_operations_resolved_once())
            stack.enter_context(_replaced(events, start_event=_nothing, end_event=_nothing))
        yield


@contextmanager
def _replaced(owner: Any, **new: Any) -> Iterator[None]:
    old = {name: getattr(owner, name) for name in new}
    try:
        for name, value in new.items():
            setattr(owner, name, value)
        yield
    finally:
        for name, value in old.items():
            setattr(owner, name, value)


def _nothing(*_: Any, **__: Any) -> None:
    """Do nothing, whatever is told."""


@contextmanager
def _no_collection() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _parts_unfinished(whole: str) -> Iterator[None]:
    """Leave every module but that of `whole` as it is: neither optimised nor emitted."""
    optimise, finish, set_env = library._optimize_final_module, library._finalize_final_module, engine.set_env

    def optimise_the_whole(self: Any) -> None:
        if whole in self.name:
            optimise(self)

    def finish_the_whole(self: Any) -> None:
        if whole in self.name:
            finish(self)
        else:
            self._finalized = True

    def set_env_of_what_is_there(self: Any, name: str, env: Any) -> None:
        if self._engine.get_global_value_address(name):
            set_env(self, name, env)

    unfinished = {"_optimize_final_module": optimise_the_whole, "_finalize_final_module": finish_the_whole}
    with _replaced(library, **unfinished), _replaced(engine, set_env=set_env_of_what_is_there):
        yield


@contextmanager
def _operations_resolved_once() -> Iterator[None]:
    """Remember what an operation on given types is."""
    resolve = operation.get_call_type
    known: dict[Any, Any] = {}

    def resolve_once(self: Any, context: Any, types: Any, named: Any) -> Any:
        if named:
            return resolve(self, context, types, named)
        if (self, types) not in known:
            known[self, types] = resolve(self, context, types, named)
        return known[self, types]

    with _replaced(operation, get_call_type=resolve_once):
        yield
