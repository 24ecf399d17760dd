"""Faults as data: what, whom, when and how long."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sim.model.distributions import Distribution, constant
from sim.model.fields import Duration, Probability, RatePerHour, SignedDuration
from sim.units import DAY

What = Literal[
    "sleep", "pause", "block", "gil_block", "crash", "restart", "outage", "slow", "clock_step", "clock_drift"
]
Whom = Literal["hosts", "runs", "server", "network"]

MAY_HIT: dict[str, tuple[str, ...]] = {
    "sleep": ("hosts", "server"),
    "pause": ("hosts", "runs", "server"),
    "block": ("runs",),
    "gil_block": ("runs",),
    "crash": ("runs", "hosts"),
    "restart": ("server",),
    "outage": ("network", "hosts"),
    "slow": ("network", "hosts"),
    "clock_step": ("server",),
    "clock_drift": ("hosts", "server"),
}
"""Which fault can befall whom; the first is the default."""


class When(BaseModel):
    """The times at which a fault begins; exactly one of the four ways.

    For `hosts`, `server` and `network` times count from the start of the simulation; for `runs` they count the
    run's own execution from its start. A Poisson fault waits its gap from the end of the one before; the gap counts
    only while the machine that it befalls is not suspended (for `runs`: while the run executes).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rate: RatePerHour | None = Field(default=None, description="Poisson, for each target, between the faults.")
    times: tuple[Duration, ...] | None = Field(default=None, max_length=100_000, description="At these times.")
    daily: tuple[Duration, ...] | None = Field(
        default=None, max_length=1000, description="At these times of day, such as 12h30m, every day."
    )
    trace: tuple[tuple[Duration, Duration], ...] | None = Field(
        default=None, max_length=100_000, description="Recorded [start, length] pairs."
    )

    @model_validator(mode="after")
    def _one_way(self) -> When:
        given = [name for name in ("rate", "times", "daily", "trace") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of 'rate', 'times', 'daily', 'trace', got {given or 'none'}")
        if any(time >= DAY for time in self.daily or ()):
            raise ValueError("'daily' times must be within a day, for example \"12h30m\"")
        return self


def _text_is_rate(value: Any) -> Any:
    return {"rate": value} if isinstance(value, str) else value


class Fault(BaseModel):
    """One kind of fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(
        default="", max_length=60, pattern=r"^[a-z0-9_]*$", description="Unique; addresses its draws. Default: `what`."
    )
    what: What = Field(description="What happens.")
    whom: Whom = Field(default="hosts", description="To whom; by default the first that this fault can hit.")
    only: tuple[Annotated[int, Field(ge=0, lt=1_000_000)], ...] = Field(
        default=(), description="Only these hosts or lanes of runs; empty means all."
    )
    when: Annotated[When, BeforeValidator(_text_is_rate)] = Field(description="When it begins.")
    length: Distribution = Field(default_factory=lambda: constant(0), description="How long it lasts.")
    probability: Probability = Field(default=1.0, description="Each occurrence really takes place with this chance.")
    mode: Literal["refuse", "reset", "black_hole", "error", "stall"] = Field(
        default="black_hole", description="outage: how; `stall` holds requests until it ends and then passes them on."
    )
    status: int = Field(default=503, ge=400, le=599, description="outage, mode error: the status.")
    factor: float = Field(default=10.0, gt=0, le=1e6, description="slow: latencies and service are multiplied.")
    add: Duration = Field(default=0, description="slow: and this is added to each request's way up.")
    step: SignedDuration = Field(default=0, description="clock_step: by how much the wall clock jumps.")
    ppm: float = Field(default=0.0, gt=-900_000, lt=900_000, description="clock_drift: rate error meanwhile.")

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        """Fill in the name and the target that go without saying."""
        what = data.get("what") if isinstance(data, dict) else None
        if not isinstance(what, str) or what not in MAY_HIT:
            return data
        filled = {"whom": MAY_HIT[what][0], **data}
        filled.setdefault("name", what)
        return filled

    @model_validator(mode="after")
    def _target(self) -> Fault:
        allowed = MAY_HIT[self.what]
        if self.whom not in allowed:
            raise ValueError(f"a '{self.what}' can befall {' or '.join(allowed)}, not '{self.whom}'")
        return self
