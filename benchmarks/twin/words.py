"""What the translator knows by heart: operators, casts, the functions of mathematics, and how C starts."""

from __future__ import annotations

import ast
from typing import Any, Final

import numpy as np

BINARY: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
}
COMPARE: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
CASTS: Final = {
    "int": ("int64_t", "i"),
    "bool": ("int64_t", "i"),
    "float": ("double", "d"),
    "np.float64": ("double", "d"),
    "np.uint64": ("uint64_t", "u"),
}
FLOAT_FUNCTIONS: Final = {
    "math.floor": ("(int64_t) floor", "i"),
    **{f"math.{name}": (name, "d") for name in ("exp", "log", "sqrt", "pow")},
}
PRIMITIVES: Final = {
    "_pointer_to": ("(int64_t *)", "m"),
    "_real": ("real_at", "d"),
    "_set_real": ("set_real_at", "v"),
    "wide_product": ("wide_product_of", "(uu)"),
}
"""What the kernel generates as machine code by itself."""

PRELUDE: Final = """\
#include <math.h>
#include <stdint.h>
#include <string.h>
static inline double real_at(const int64_t *m, int64_t i) { double x; memcpy(&x, m + i, 8); return x; }
static inline void set_real_at(int64_t *m, int64_t i, double x) { memcpy(m + i, &x, 8); }
struct t_uu { uint64_t f0; uint64_t f1; };
static inline struct t_uu wide_product_of(uint64_t a, uint64_t b)
{ unsigned __int128 p = (unsigned __int128) a * b; return (struct t_uu) {(uint64_t) (p >> 64), (uint64_t) p}; }
static inline int64_t floor_div(int64_t a, int64_t b) { int64_t q = a / b; return q - ((a % b != 0) & ((a ^ b) < 0)); }
static inline int64_t floor_mod(int64_t a, int64_t b)
{ int64_t r = a % b; return (r != 0) & ((r ^ b) < 0) ? r + b : r; }
static inline int64_t min_i(int64_t a, int64_t b) { return b < a ? b : a; }
static inline int64_t max_i(int64_t a, int64_t b) { return b > a ? b : a; }
static inline double min_d(double a, double b) { return b < a ? b : a; }
static inline double max_d(double a, double b) { return b > a ? b : a; }
static inline int64_t abs_i(int64_t a) { return a < 0 ? -a : a; }
static inline double abs_d(double a) { return fabs(a); }
"""


def literal(value: Any) -> tuple[str, str]:
    """Return a constant in C, and its type."""
    if isinstance(value, np.uint64):
        return f"{int(value)}ULL", "u"
    if isinstance(value, float):
        return float(value).hex(), "d"
    return (f"({int(value)}LL)" if value < 0 else f"{int(value)}LL"), "i"


def unified(one: str, other: str) -> str:
    """Return the type that holds both: a number that is not whole wins."""
    if one == other:
        return one
    return "d" if "d" in (one, other) else "u"
