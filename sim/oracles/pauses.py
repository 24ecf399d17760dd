"""Pause lengths with their survival function and its first two integrals, all in closed form.

Everything the other oracles need to know about a pause S is `survival`, `excess` and `excess2`, because each
is minus the derivative of the next: integrals of the survival function over an interval are differences of
`excess`, and integrals of `excess` are differences of `excess2`.
"""

from dataclasses import dataclass
from math import comb, erfc, exp, lgamma, log, sqrt
from typing import Protocol

from sim.oracles._checks import require_count, require_nonnegative, require_positive


class Pause(Protocol):
    """The length S of a pause, in seconds, S >= 0. Any object with these members will do."""

    @property
    def mean(self) -> float:
        """E S, seconds."""

    def survival(self, s: float, /) -> float:
        """P(S > s)."""

    def excess(self, k: float, /) -> float:
        """I(k) = E(S - k)^+, seconds: the mean part of the pause beyond k, the stop-loss transform."""

    def excess2(self, k: float, /) -> float:
        """J(k) = E((S - k)^+)^2 / 2, seconds squared. J(0) is half the second moment."""


class SummablePause(Pause, Protocol):
    """A pause whose sum of n independent copies has a closed form."""

    def total(self, n: int, /) -> Pause:
        """The law of S1 + ... + Sn, n >= 1."""


def poisson_pmf(n: int, mean: float) -> float:
    """P(N = n) for a Poisson count N; exact at mean 0."""
    if mean == 0:
        return 1.0 if n == 0 else 0.0
    return exp(n * log(mean) - mean - lgamma(n + 1))


def _half_square_below(mean: float, variance: float, k: float) -> float:
    """J(k) where S > k is certain: half the second moment of S - k."""
    return (variance + (mean - k) ** 2) / 2


@dataclass(frozen=True)
class Deterministic:
    """Every pause lasts `length` seconds."""

    length: float

    def __post_init__(self) -> None:
        require_nonnegative(length=self.length)

    @property
    def mean(self) -> float:
        return self.length

    def survival(self, s: float, /) -> float:
        return 1.0 if self.length > s else 0.0

    def excess(self, k: float, /) -> float:
        return max(self.length - k, 0.0)

    def excess2(self, k: float, /) -> float:
        return self.excess(k) ** 2 / 2

    def total(self, n: int, /) -> "Deterministic":
        return Deterministic(n * self.length)


@dataclass(frozen=True)
class Erlang:
    """The sum of `phases` independent exponential pauses of `phase_mean` seconds each.

    By the Poisson process behind it, P(S > s) = P(N < phases) with N ~ Poisson(s / phase_mean); integrating
    once and twice weighs the same terms with binomial coefficients, all positive, so nothing cancels.
    """

    phases: int
    phase_mean: float

    def __post_init__(self) -> None:
        require_count(phases=self.phases)
        require_positive(phase_mean=self.phase_mean)

    @property
    def mean(self) -> float:
        return self.phases * self.phase_mean

    def survival(self, s: float, /) -> float:
        return 1.0 if s <= 0 else min(1.0, self._integral(0, s))

    def excess(self, k: float, /) -> float:
        return self.mean - k if k <= 0 else self._integral(1, k)

    def excess2(self, k: float, /) -> float:
        if k <= 0:
            return _half_square_below(self.mean, self.phases * self.phase_mean**2, k)
        return self._integral(2, k)

    def total(self, n: int, /) -> "Erlang":
        return Erlang(n * self.phases, self.phase_mean)

    def _integral(self, order: int, k: float) -> float:
        """The `order`-fold integral of the survival function from k > 0 to infinity."""
        n, arrivals = self.phases, k / self.phase_mean
        terms = (comb(n - j - 1 + order, order) * poisson_pmf(j, arrivals) for j in range(n))
        return self.phase_mean**order * sum(terms)


@dataclass(frozen=True)
class Exponential:
    """Memoryless pauses of the given mean: I(k) = mean P(S > k), J(k) = mean^2 P(S > k) for k >= 0."""

    mean: float

    def __post_init__(self) -> None:
        require_positive(mean=self.mean)

    def survival(self, s: float, /) -> float:
        return exp(-max(s, 0.0) / self.mean)

    def excess(self, k: float, /) -> float:
        return self.mean - k if k <= 0 else self.mean * self.survival(k)

    def excess2(self, k: float, /) -> float:
        return _half_square_below(self.mean, self.mean**2, k) if k <= 0 else self.mean**2 * self.survival(k)

    def total(self, n: int, /) -> Erlang:
        return Erlang(n, self.mean)


@dataclass(frozen=True)
class Lognormal:
    """log S is normal with mean log(`median`) and standard deviation `sigma`; no sum in closed form.

    Partial moments E(S^r; S > k) = E(S^r) Phi((log median + r sigma^2 - log k) / sigma) give all members
    (Aitchison & Brown 1957; for r = 1 the Black-Scholes formula without interest).
    """

    median: float
    sigma: float

    def __post_init__(self) -> None:
        require_positive(median=self.median, sigma=self.sigma)

    @property
    def mean(self) -> float:
        return self._moment_above(1, 0.0)

    def survival(self, s: float, /) -> float:
        return self._moment_above(0, s)

    def excess(self, k: float, /) -> float:
        return self._moment_above(1, k) - k * self._moment_above(0, k)

    def excess2(self, k: float, /) -> float:
        first, second = self._moment_above(1, k), self._moment_above(2, k)
        return (second - 2 * k * first + k * k * self._moment_above(0, k)) / 2

    def _moment_above(self, r: int, k: float) -> float:
        """E(S^r; S > k)."""
        moment = self.median**r * exp((r * self.sigma) ** 2 / 2)
        if k <= 0:
            return moment
        distance = (log(k / self.median) - r * self.sigma**2) / self.sigma
        return moment * erfc(distance / sqrt(2)) / 2


@dataclass(frozen=True)
class Uniform:
    """Pauses spread evenly between `low` and `high` seconds."""

    low: float
    high: float

    def __post_init__(self) -> None:
        require_nonnegative(low=self.low)
        if not self.low < self.high:
            raise ValueError(f"low = {self.low} and high = {self.high}: low must be below high")

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def width(self) -> float:
        return self.high - self.low

    def survival(self, s: float, /) -> float:
        return min(max((self.high - s) / self.width, 0.0), 1.0)

    def excess(self, k: float, /) -> float:
        return self.mean - k if k <= self.low else max(self.high - k, 0.0) ** 2 / (2 * self.width)

    def excess2(self, k: float, /) -> float:
        if k <= self.low:
            return _half_square_below(self.mean, self.width**2 / 12, k)
        return max(self.high - k, 0.0) ** 3 / (6 * self.width)
