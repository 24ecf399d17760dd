"""numba's pipeline without what the kernel's functions do not need: a fifth of the time that compiling takes.

They are plain: whole numbers, doubles, loops and calls. The passes that are left out look for closures, literal types,
generators, array expressions and the like, and would find none.
"""

from __future__ import annotations

from typing import Any

from numba.core import compiler, typed_passes, untyped_passes
from numba.core.compiler_machinery import PassManager

machine: Any = compiler
untyped: Any = untyped_passes
typed: Any = typed_passes
manager_class: Any = PassManager

_PASSES = (
    (untyped.TranslateByteCode, "bytecode to intermediate form"),
    (untyped.FixupArgs, "arguments"),
    (untyped.ReconstructSSA, "one assignment a variable"),
    (typed.NopythonTypeInference, "types"),
    (typed.PreLowerStripPhis, "no phi nodes"),
    (typed.IRLegalization, "checks"),
    (typed.NativeLowering, "to LLVM"),
    (typed.NoPythonBackend, "the end"),
)


class Lean(machine.CompilerBase):  # type: ignore[misc]  # numba has no types
    """numba's pipeline without the passes that rewrite what does not occur here."""

    def define_pipelines(self) -> list[Any]:
        """Return the one way to compile."""
        manager = manager_class("lean")
        for step, meaning in _PASSES:
            manager.add_pass(step, meaning)
        manager.finalize()
        return [manager]
