"""Distributions of durations, as data: each names its law; engines draw from it by inversion."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sim import samplers
from sim.model.fields import Duration, Native, PositiveDuration

Law = tuple[int, float, float]
"""(kind, a, b) as `sim.samplers.variate` takes them."""

LEAST: Final = 0.1
"""Of a tail index or a shape: a float holds every draw of such a law, and none of one that is much heavier."""


class _Law(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Constant(_Law):
    """Always the same."""

    kind: Literal["constant"] = "constant"
    value: Duration = Field(description="The value of every draw.")

    def law(self) -> Law:
        """Return the sampler's kind and parameters, in nanoseconds."""
        return samplers.CONSTANT, float(self.value), 0.0


class Exponential(_Law):
    """Memoryless, with a mean."""

    kind: Literal["exponential"] = "exponential"
    mean: Duration = Field(description="Mean.")

    def law(self) -> Law:
        """Return the sampler's kind and parameters, in nanoseconds."""
        return samplers.EXPONENTIAL, float(self.mean), 0.0


class Lognormal(_Law):
    """Log-normal by its median and either `sigma` (of the natural logarithm) or its 99th percentile."""

    kind: Literal["lognormal"] = "lognormal"
    median: PositiveDuration = Field(description="Median.")
    sigma: float | None = Field(default=None, ge=0, le=10, description="Standard deviation of the natural logarithm.")
    p99: PositiveDuration | None = Field(default=None, description="99th percentile, instead of sigma.")

    @model_validator(mode="after")
    def _one_spread(self) -> Lognormal:
        if (self.sigma is None) == (self.p99 is None):
            raise ValueError("a lognormal needs exactly one of 'sigma' and 'p99'")
        if self.p99 is not None and self.p99 < self.median:
            raise ValueError("'p99' must not be shorter than 'median'")
        return self

    def law(self) -> Law:
        """Return the sampler's kind and parameters, in log-nanoseconds."""
        spread = self.sigma
        if spread is None:
            assert self.p99 is not None
            spread = math.log(self.p99 / self.median) / samplers.normal_quantile(0.99)
        return samplers.LOGNORMAL, math.log(self.median), spread


class Uniform(_Law):
    """Every value between two ends alike."""

    kind: Literal["uniform"] = "uniform"
    low: Duration = Field(description="Shortest.")
    high: Duration = Field(description="Longest.")

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if self.high < self.low:
            raise ValueError("'high' must not be shorter than 'low'")
        return self

    def law(self) -> Law:
        """Return the sampler's kind and parameters, in nanoseconds."""
        return samplers.UNIFORM, float(self.low), float(self.high)


class Pareto(_Law):
    """Heavy tail: P(X > x) = (minimum / x) ** alpha."""

    kind: Literal["pareto"] = "pareto"
    minimum: PositiveDuration = Field(description="Shortest.")
    alpha: float = Field(ge=LEAST, le=100, description="Tail index; the mean is finite above 1.")

    def law(self) -> Law:
        """Return the sampler's kind and parameters, in nanoseconds."""
        return samplers.PARETO, float(self.minimum), self.alpha


class Weibull(_Law):
    """P(X > x) = exp(-(x / scale) ** shape)."""

    kind: Literal["weibull"] = "weibull"
    scale: PositiveDuration = Field(description="Scale: the 63.2nd percentile.")
    shape: float = Field(ge=LEAST, le=100, description="Shape; below 1 a heavy tail, 1 is exponential.")

    def law(self) -> Law:
        """Return the sampler's kind and parameters, in nanoseconds."""
        return samplers.WEIBULL, float(self.scale), self.shape


class Normal(_Law):
    """Normal, with values below zero drawn as zero."""

    kind: Literal["normal"] = "normal"
    mean: Duration = Field(description="Mean before the cut at zero.")
    sd: Duration = Field(description="Standard deviation before the cut at zero.")

    def law(self) -> Law:
        """Return the sampler's kind and parameters, in nanoseconds."""
        return samplers.NORMAL, float(self.mean), float(self.sd)


class Empirical(_Law):
    """Recorded values, each as likely as the others."""

    kind: Literal["empirical"] = "empirical"
    values: tuple[Duration, ...] = Field(min_length=1, max_length=100_000, description="The recorded values.")


def _text_is_constant(value: Any) -> Any:
    if isinstance(value, str | int | float | Native) and not isinstance(value, bool):
        return {"kind": "constant", "value": value}
    return value


Simple = Annotated[
    Constant | Exponential | Lognormal | Uniform | Pareto | Weibull | Normal | Empirical,
    Field(discriminator="kind"),
    BeforeValidator(_text_is_constant, json_schema_input_type=str | dict[str, Any]),
]


class Part(_Law):
    """One component of a mixture."""

    weight: float = Field(gt=0, le=1e9, description="Relative weight; weights need not add up to 1.")
    of: Simple = Field(description="The component's distribution.")


class Mixture(_Law):
    """Now one distribution, now another, by weight."""

    kind: Literal["mixture"] = "mixture"
    parts: tuple[Part, ...] = Field(min_length=1, max_length=100, description="The components.")


Distribution = Annotated[
    Constant | Exponential | Lognormal | Uniform | Pareto | Weibull | Normal | Empirical | Mixture,
    Field(discriminator="kind"),
    BeforeValidator(_text_is_constant),
]


def constant(ns: int) -> Constant:
    """Return the distribution that always draws `ns` nanoseconds."""
    return Constant(value=Native(ns))
