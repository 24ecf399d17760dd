"""Scalar formulas from uniforms to variates, by inversion: one uniform a variate, monotone, so that common random
numbers and antithetic pairs work.

Only Python's scalar ``math`` is used: NumPy's vectorised logarithms differ from it in the last bit, and both
engines must agree to the nanosecond.
"""

from __future__ import annotations

import math
from typing import Final

CONSTANT: Final = 0
EXPONENTIAL: Final = 1
LOGNORMAL: Final = 2
UNIFORM: Final = 3
PARETO: Final = 4
WEIBULL: Final = 5
NORMAL: Final = 6
EMPIRICAL: Final = 7
MIXTURE: Final = 8

DRAW_MAX_NS: Final = 2**61

# Wichura's AS241 (PPND16), Applied Statistics 37 (1988): the normal quantile to about 1 part in 10^16.
_A = (
    3.3871328727963666080,
    133.14166789178437745,
    1971.5909503065514427,
    13731.693765509461125,
    45921.953931549871457,
    67265.770927008700853,
    33430.575583588128105,
    2509.0809287301226727,
)
_B = (
    42.313330701600911252,
    687.18700749205790830,
    5394.1960214247511077,
    21213.794301586595867,
    39307.895800092710610,
    28729.085735721942674,
    5226.4952788528545610,
)
_C = (
    1.42343711074968357734,
    4.63033784615654529590,
    5.76949722146069140550,
    3.64784832476320460504,
    1.27045825245236838258,
    0.241780725177450611770,
    0.0227238449892691845833,
    0.000774545014278341407640,
)
_D = (
    2.05319162663775882187,
    1.67638483018380384940,
    0.689767334985100004550,
    0.148103976427480074590,
    0.0151986665636164571966,
    0.000547593808499534494600,
    1.05075007164441684324e-9,
)
_E = (
    6.65790464350110377720,
    5.46378491116411436990,
    1.78482653991729133580,
    0.296560571828504891230,
    0.0265321895265761230930,
    0.00124266094738807843860,
    2.71155556874348757815e-5,
    2.01033439929228813265e-7,
)
_F = (
    0.599832206555887937690,
    0.136929880922735805310,
    0.0148753612908506148525,
    0.000786869131145613259100,
    1.84631831751005468180e-5,
    1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)


CENTRAL: Final = 0.425
"""How far from the middle the first of the three formulas holds."""


def normal_quantile(u: float) -> float:
    """Return z with P(Z <= z) = u for a standard normal Z, 0 < u < 1."""
    q = u - 0.5
    if abs(q) <= CENTRAL:
        return central_quantile(q)
    r = math.sqrt(-math.log(u if q < 0.0 else 1.0 - u))
    z = _ratio(r - 1.6, _C, _D) if r <= 5.0 else _ratio(r - 5.0, _E, _F)
    return -z if q < 0.0 else z


def central_quantile(q: float) -> float:
    """Return the normal quantile of q + 1/2, -0.425 <= q <= 0.425."""
    return q * _ratio(0.180625 - q * q, _A, _B)


def _ratio(
    r: float,
    p: tuple[float, float, float, float, float, float, float, float],
    q: tuple[float, float, float, float, float, float, float],
) -> float:
    top = ((((((p[7] * r + p[6]) * r + p[5]) * r + p[4]) * r + p[3]) * r + p[2]) * r + p[1]) * r + p[0]
    bottom = ((((((q[6] * r + q[5]) * r + q[4]) * r + q[3]) * r + q[2]) * r + q[1]) * r + q[0]) * r + 1.0
    return top / bottom


def variate(kind: int, a: float, b: float, u: float) -> float:
    """Return the `u`-quantile, in nanoseconds, of the distribution `kind` with parameters `a` and `b`.

    =========== ====================== =====================
    kind        a                      b
    =========== ====================== =====================
    CONSTANT    value                  (unused)
    EXPONENTIAL mean                   (unused)
    LOGNORMAL   log of the median      sigma of the logarithm
    UNIFORM     low                    high
    PARETO      minimum                shape alpha
    WEIBULL     scale                  shape
    NORMAL      mean                   standard deviation (negative values become 0)
    =========== ====================== =====================
    """
    if kind == CONSTANT:
        return a
    if kind == EXPONENTIAL:
        return -a * math.log(1.0 - u)
    if kind == LOGNORMAL:
        return math.exp(a + b * normal_quantile(u))
    if kind == UNIFORM:
        return a + (b - a) * u
    if kind == PARETO:
        return a * math.pow(1.0 - u, -1.0 / b)
    if kind == WEIBULL:
        return a * math.pow(-math.log(1.0 - u), 1.0 / b)
    return a + b * normal_quantile(u)


def nanoseconds(value: float) -> int:
    """Round a variate to whole nanoseconds, half up, within [0, 2**61]."""
    if value <= 0.0:
        return 0
    if value >= DRAW_MAX_NS:
        return DRAW_MAX_NS
    return int(math.floor(value + 0.5))


def truncated_exponential_factor(u: float, factor: float) -> float:
    """Return a jitter factor with mean near 1 on about [1 - factor, 1 + factor], as Prefect's clients draw it.

    With ``k = 1 + factor`` it is an exponential of mean 1 kept between ``log2(2**k / (2**k - 1))`` and ``k``,
    0.824 to 1.2 for a factor of 0.2
    (PrefectHQ/prefect, ``utilities/math.py``, ``clamped_poisson_interval``).
    """
    if factor <= 0.0:
        return 1.0
    k = 1.0 + factor
    two_k = math.pow(2.0, k)
    low = math.log(two_k / (two_k - 1.0)) / math.log(2.0)
    at_low, at_high = 1.0 - math.exp(-low), 1.0 - math.exp(-k)
    return -math.log(1.0 - (at_low + (at_high - at_low) * u))


def uniform_factor(u: float, factor: float) -> float:
    """Return a jitter factor uniform on [1 - factor, 1 + factor]."""
    return 1.0 + factor * (2.0 * u - 1.0)
