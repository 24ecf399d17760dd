"""Laws for durations, fitted by maximum likelihood, and how well each agrees with the data.

For each law: Akaike's criterion, and the distances of Kolmogorov-Smirnov and Anderson-Darling with the chance that data
of the fitted law itself, fitted in the same way, lie as far from it (99 synthetic samples, always the same): tables for
fully known laws would be too kind to a law that was fitted to the very data it is held against.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.units import SECOND, format_duration

Array = npt.NDArray[np.float64]
SAMPLES_MIN: Final = 20
"""Fewer samples show hardly anything of a law's shape."""
EMPIRICAL_MAX: Final = 1000
"""Of more values, so many evenly spaced quantiles are kept."""
_SYNTHETIC: Final = 99
_SYNTHETIC_SIZE: Final = 2000
REJECTED_BELOW: Final = 0.05
CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Fitted:
    """A law with its parameters, in seconds where they are times."""

    name: str
    parameters: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    aic: float
    ks: float
    ks_p: float
    ad: float
    ad_p: float

    @property
    def rejected(self) -> bool:
        """Whether the data are not of this law, by Anderson-Darling."""
        return self.ad_p < REJECTED_BELOW

    def cdf(self, x: Array) -> Array:
        """Return P(X <= x)."""
        return _LAWS[self.name].cdf(x, *self.parameters.values())

    def quantile(self, p: Array) -> Array:
        """Return the quantiles."""
        return _LAWS[self.name].quantile(p, *self.parameters.values())

    def table(self) -> dict[str, Any]:
        """Return it as a scenario file has it."""
        values = {
            key: rounded(max(value, 1e-9), 5) if key in _TIMES else float(f"{value:.4g}")
            for key, value in self.parameters.items()
        }
        return {"kind": self.name, **values}

    def words(self) -> list[str]:
        """Return each parameter with its interval."""
        return [
            f"{key} {_shown(key, value)} ({' - '.join(_shown(key, bound) for bound in self.intervals[key])})"
            for key, value in self.parameters.items()
        ]


_TIMES: Final = ("mean", "median", "minimum", "scale")


def _shown(key: str, value: float) -> str:
    if key not in _TIMES or not math.isfinite(value):
        return f"{value:.3g}"
    return rounded(value)


def rounded(seconds: float, kept: int = 3) -> str:
    """Return a duration to three digits, as a person would write it."""
    ns = seconds * SECOND
    digits = max(0, math.floor(math.log10(ns)) - kept + 1) if ns >= 1 else 0
    return format_duration(round(ns / 10**digits) * 10**digits)


# ---- one law after another: estimate, interval, distribution


@dataclass(frozen=True)
class _Law:
    estimate: Callable[[Array], tuple[float, ...]]
    intervals: Callable[[Array, tuple[float, ...]], dict[str, tuple[float, float]]]
    cdf: Callable[..., Array]
    log_density: Callable[..., Array]
    quantile: Callable[..., Array]
    names: tuple[str, ...]


def _exponential(x: Array) -> tuple[float, ...]:
    return (float(x.mean()),)


def _lognormal(x: Array) -> tuple[float, ...]:
    logs = np.log(x)
    return math.exp(float(logs.mean())), float(logs.std())


def _pareto(x: Array) -> tuple[float, ...]:
    low = float(x.min())
    return low, x.size / max(float(np.log(x / low).sum()), 1e-9)


def weibull(x: Array) -> tuple[float, ...]:
    """Return scale and shape of greatest likelihood, by Newton's method on the shape."""
    logs = np.log(x / x.max())
    shape = 1.2 / max(float(logs.std()), 1e-9)
    for _ in range(100):
        weights = np.exp(shape * logs)
        total, first, second = (float((weights * logs**k).sum()) for k in (0, 1, 2))
        gradient = first / total - 1 / shape - float(logs.mean())
        slope = (second * total - first**2) / total**2 + 1 / shape**2
        step = gradient / slope
        shape = max(shape / 2, shape - step)
        if abs(step) < 1e-10 * shape:
            break
    scale = float(x.max()) * float(np.exp(shape * logs).mean()) ** (1 / shape)
    return scale, shape


def _exponential_bounds(x: Array, found: tuple[float, ...]) -> dict[str, tuple[float, float]]:
    from scipy.stats import chi2

    low, high = chi2.ppf([_HIGH, 1 - _HIGH], 2 * x.size)
    return {"mean": (2 * x.size * found[0] / low, 2 * x.size * found[0] / high)}


def _lognormal_bounds(x: Array, found: tuple[float, ...]) -> dict[str, tuple[float, float]]:
    from scipy.stats import chi2, t

    n = x.size
    half = float(t.ppf(_HIGH, n - 1)) * float(np.log(x).std(ddof=1)) / math.sqrt(n)
    above, below = chi2.ppf([_HIGH, 1 - _HIGH], n - 1)
    squares = n * found[1] ** 2
    return {
        "median": (found[0] * math.exp(-half), found[0] * math.exp(half)),
        "sigma": (math.sqrt(squares / above), math.sqrt(squares / below)),
    }


def _pareto_bounds(x: Array, found: tuple[float, ...]) -> dict[str, tuple[float, float]]:
    from scipy.stats import chi2

    n, (low, alpha) = x.size, found
    below, above = chi2.ppf([1 - _HIGH, _HIGH], 2 * (n - 1)) / (2 * n) * alpha
    return {"minimum": (low * (1 - CONFIDENCE) ** (1 / (n * alpha)), low), "alpha": (float(below), float(above))}


def _weibull_bounds(x: Array, found: tuple[float, ...]) -> dict[str, tuple[float, float]]:
    """Intervals by the information of a Weibull sample, on the logarithms (Cohen 1965)."""
    from scipy.special import ndtri

    scale, shape = found
    z = float(ndtri(_HIGH))
    wide, narrow = z * math.sqrt(1.109 / x.size) / shape, z * math.sqrt(0.608 / x.size)
    return {
        "scale": (scale * math.exp(-wide), scale * math.exp(wide)),
        "shape": (shape * math.exp(-narrow), shape * math.exp(narrow)),
    }


_HIGH: Final = (1 + CONFIDENCE) / 2


def _of(name: str, arguments: Callable[..., dict[str, float]], way: str) -> Callable[..., Array]:
    def called(x: Array, *parameters: float) -> Array:
        from scipy import stats

        return np.asarray(getattr(getattr(stats, name), way)(x, **arguments(*parameters)))

    return called


def _law(
    name: str,
    names: tuple[str, ...],
    estimate: Callable[[Array], tuple[float, ...]],
    intervals: Callable[[Array, tuple[float, ...]], dict[str, tuple[float, float]]],
    arguments: Callable[..., dict[str, float]],
) -> _Law:
    cdf, density, quantile = (_of(name, arguments, way) for way in ("cdf", "logpdf", "ppf"))
    return _Law(estimate, intervals, cdf, density, quantile, names)


_LAWS: Final[dict[str, _Law]] = {
    "exponential": _law("expon", ("mean",), _exponential, _exponential_bounds, lambda mean: {"scale": mean}),
    "lognormal": _law(
        "lognorm", ("median", "sigma"), _lognormal, _lognormal_bounds, lambda median, s: {"scale": median, "s": s}
    ),
    "weibull": _law(
        "weibull_min", ("scale", "shape"), weibull, _weibull_bounds, lambda scale, shape: {"scale": scale, "c": shape}
    ),
    "pareto": _law(
        "pareto", ("minimum", "alpha"), _pareto, _pareto_bounds, lambda low, alpha: {"scale": low, "b": alpha}
    ),
}
LAWS: Final = tuple(_LAWS)


# ---- all of them


def fits(samples_ns: Sequence[int]) -> tuple[Fitted, ...]:
    """Return every law fitted to durations, the best by Akaike's criterion first.

    A duration of zero is one below the resolution of the clock: it is taken as half the shortest other.
    """
    x = np.sort(np.asarray(samples_ns, dtype=np.float64)) / SECOND
    if x[0] == x[-1]:
        raise UsageError(
            f"all {x.size} samples are {format_duration(samples_ns[0])}: there is no spread to fit a law to",
            "without --law that duration is written",
        )
    x = np.maximum(x, x[x > 0].min() / 2)
    return tuple(sorted((fitted_law(name, x) for name in _LAWS), key=lambda fitted: fitted.aic))


def fitted_law(name: str, x: Array) -> Fitted:
    """Return one law fitted to seconds in rising order."""
    law = _LAWS[name]
    found = law.estimate(x)
    ks, ad = distances(law.cdf(x, *found))
    ks_p, ad_p = _chances(law, x, found)
    aic = 2 * len(found) - 2 * float(law.log_density(x, *found).sum())
    parameters = dict(zip(law.names, found, strict=True))
    return Fitted(name, parameters, law.intervals(x, found), aic, ks, ks_p, ad, ad_p)


def distances(u: Array) -> tuple[float, float]:
    """Return the distances of Kolmogorov-Smirnov and Anderson-Darling of sorted values that should be uniform."""
    n = u.size
    ranks = np.arange(1, n + 1)
    ks = float(max((ranks / n - u).max(), (u - (ranks - 1) / n).max()))
    inside = np.clip(u, 1e-12, 1 - 1e-12)
    ad = -n - float(((2 * ranks - 1) * (np.log(inside) + np.log1p(-inside[::-1]))).mean())
    return ks, ad


def _chances(law: _Law, x: Array, found: tuple[float, ...]) -> tuple[float, float]:
    from scipy import stats

    kept = x if x.size <= _SYNTHETIC_SIZE else x[:: -(-x.size // _SYNTHETIC_SIZE)]
    seen = distances(law.cdf(kept, *law.estimate(kept)))
    uniforms = stats.uniform.rvs(size=(_SYNTHETIC, kept.size), random_state=1)
    beyond = [0, 0]
    for row in uniforms:
        made = np.maximum(np.sort(law.quantile(row, *found)), 1e-12)
        again = distances(law.cdf(made, *law.estimate(made)))
        beyond = [count + (far >= here) for count, far, here in zip(beyond, again, seen, strict=True)]
    return tuple((count + 1) / (_SYNTHETIC + 1) for count in beyond)  # type: ignore[return-value]  # there are two


def empirical(samples_ns: Sequence[int]) -> dict[str, Any]:
    """Return the samples as a distribution of recorded values; of very many, evenly spaced quantiles."""
    values = np.sort(np.asarray(samples_ns, dtype=np.int64))
    if values.size > EMPIRICAL_MAX:
        at = (np.arange(EMPIRICAL_MAX) + 0.5) / EMPIRICAL_MAX * values.size
        values = values[at.astype(np.int64)]
    return {"kind": "empirical", "values": [format_duration(int(value)) for value in values]}
