"""Random durations of one replication, by address."""

from __future__ import annotations

from sim import samplers
from sim.model.distributions import Distribution, Empirical, Mixture
from sim.streams import Streams
from sim.vocabulary import PART_OF_MIXTURE, Purpose


class Sampler:
    """Draws whole nanoseconds from one distribution."""

    __slots__ = ("_cumulative", "_law", "_parts", "_values", "constant")

    def __init__(self, distribution: Distribution) -> None:
        self.constant: int | None = None
        self._law = (samplers.CONSTANT, 0.0, 0.0)
        self._values: tuple[int, ...] = ()
        self._parts: list[Sampler] = []
        self._cumulative: list[float] = []
        if isinstance(distribution, Mixture):
            self._mix(distribution)
        elif isinstance(distribution, Empirical):
            self._values = distribution.values
        else:
            self._law = distribution.law()
            if self._law[0] == samplers.CONSTANT:
                self.constant = samplers.nanoseconds(self._law[1])

    def _mix(self, mixture: Mixture) -> None:
        total = sum(part.weight for part in mixture.parts)
        reached = 0.0
        for part in mixture.parts:
            reached += part.weight / total
            self._cumulative.append(reached)
            self._parts.append(Sampler(part.of))

    @property
    def mixed(self) -> bool:
        """Whether it needs a second uniform, to choose a part."""
        return bool(self._parts)

    def of(self, value: float, part: float) -> int:
        """Return the `value`-quantile in ns; of a mixture, that of the component which `part` chooses."""
        if self.constant is not None:
            return self.constant
        if self._parts:
            for reached, component in zip(self._cumulative, self._parts, strict=True):
                if part < reached:
                    return component.of(value, part)
            return self._parts[-1].of(value, part)
        if self._values:
            return self._values[int(value * len(self._values))]
        return samplers.nanoseconds(samplers.variate(*self._law, value))


class Draws:
    """The replication's draws: the same address gives the same draw, whoever asks and when."""

    def __init__(self, streams: Streams) -> None:
        self.block = streams.block

    def duration(self, sampler: Sampler, purpose: Purpose, entity: int, part: int, index: int) -> int:
        """Draw from `sampler`; a constant costs no draw."""
        if sampler.constant is not None:
            return sampler.constant
        block = self.block(purpose, entity, part, index)
        return sampler.of(block[0], block[PART_OF_MIXTURE])

    def exponential(self, rate_per_hour: float, purpose: Purpose, entity: int, part: int, index: int) -> int:
        """Draw the gap to the next event of a Poisson process."""
        mean_ns = 3.6e12 / rate_per_hour
        u = self.block(purpose, entity, part, index)[0]
        return samplers.nanoseconds(samplers.variate(samplers.EXPONENTIAL, mean_ns, 0.0, u))

    def uniform(self, purpose: Purpose, entity: int, part: int, index: int) -> float:
        """Draw from the open interval (0, 1)."""
        return self.block(purpose, entity, part, index)[0]
