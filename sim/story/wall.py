"""The authority's wall clock as one trace shows it: offset, drift, steps."""

from __future__ import annotations

from bisect import bisect_right

from sim.model.scenario import Scenario
from sim.trace import Trace
from sim.vocabulary import Kind

_MILLION = 1_000_000


class Wall:
    """True time to the authority's wall clock and back, piecewise linear; for pictures and stories only."""

    def __init__(self, scenario: Scenario, trace: Trace) -> None:
        self.starts: list[int] = [0]
        self.readings: list[float] = [float(scenario.hosts.wall_offset)]
        self.rates: list[float] = [1 + scenario.hosts.server_drift_ppm / _MILLION]
        steady = self.rates[0]
        clocks = [
            number
            for number, fault in enumerate(scenario.faults)
            if fault.whom == "server" and fault.what in ("clock_step", "clock_drift")
        ]
        if not clocks:
            return
        for event in trace:
            if event.kind not in (Kind.FAULT_BEGIN, Kind.FAULT_END) or event.number not in clocks:
                continue
            fault = scenario.faults[event.number]
            begins = event.kind is Kind.FAULT_BEGIN
            if fault.what == "clock_step":
                self._turn(event.time_ns, fault.step if begins else 0, self.rates[-1])
            else:
                self._turn(event.time_ns, 0, steady + fault.ppm / _MILLION if begins else steady)

    def _turn(self, time_ns: int, step: int, rate: float) -> None:
        reading = self.at(time_ns) + step
        self.starts.append(time_ns)
        self.readings.append(reading)
        self.rates.append(rate)

    def at(self, time_ns: int) -> float:
        """Return the wall clock's reading at a true time."""
        piece = bisect_right(self.starts, time_ns) - 1
        return self.readings[piece] + (time_ns - self.starts[piece]) * self.rates[piece]

    def when(self, reading: float, since_ns: int) -> int:
        """Return the first true time from `since_ns` on at which the clock shows `reading` or more."""
        for piece in range(bisect_right(self.starts, since_ns) - 1, len(self.starts)):
            begin = max(since_ns, self.starts[piece])
            stop = self.starts[piece + 1] if piece + 1 < len(self.starts) else None
            time_ns = begin + max(0, round((reading - self.at(begin)) / self.rates[piece]))
            if stop is None or time_ns < stop:
                return time_ns
        raise AssertionError("the last piece has no end")
