"""The x axis of one replication: time of day, with round ticks, and days where there is more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.model.scenario import Scenario
from sim.units import DAY, HOUR, MILLISECOND, MINUTE, SECOND

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STEPS: Final = (
    *(n * MILLISECOND for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(n * SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 28, 91, 364)),
)
_TICKS_MAX: Final = 9


class TimeAxis:
    """A window of a replication, and where its instants stand on the x axis: in seconds from its start."""

    def __init__(self, scenario: Scenario, start_ns: int, stop_ns: int) -> None:
        self.starts_at_ns = scenario.starts_at
        self.start_ns, self.stop_ns = start_ns, stop_ns

    @property
    def length_ns(self) -> int:
        return self.stop_ns - self.start_ns

    def x(self, time_ns: int) -> float:
        """Return where a time stands."""
        return (time_ns - self.start_ns) / SECOND

    def clip(self, start_ns: int, stop_ns: int) -> tuple[float, float]:
        """Return the left end and the width of what is visible of a stretch."""
        start_ns, stop_ns = max(start_ns, self.start_ns), min(stop_ns, self.stop_ns)
        return self.x(start_ns), max(0, stop_ns - start_ns) / SECOND

    def shows(self, start_ns: int, stop_ns: int) -> bool:
        """Whether something of a stretch is visible."""
        return start_ns < self.stop_ns and stop_ns > self.start_ns

    def ticks(self) -> tuple[list[float], list[str]]:
        """Return where the ticks stand and what they say."""
        step_ns = next((step for step in _STEPS if self.length_ns <= step * _TICKS_MAX), _STEPS[-1])
        first_ns = -(-(self.starts_at_ns + self.start_ns) // step_ns) * step_ns
        last_ns = self.starts_at_ns + self.stop_ns
        places, labels, day_before = [], [], -1
        for of_day_ns in range(first_ns, last_ns + 1, step_ns):
            day = of_day_ns // DAY
            label = _clock(of_day_ns % DAY, step_ns)
            if last_ns >= DAY and day != day_before:
                label = f"day {day + 1}" if step_ns >= DAY else f"{label}\nday {day + 1}"
            elif step_ns >= DAY:
                label = f"day {day + 1}"
            places.append(self.x(of_day_ns - self.starts_at_ns))
            labels.append(label)
            day_before = day
        return places, labels

    def draw(self, ax: Axes, labels: bool = True) -> None:
        """Set limits and ticks of the x axis, and a light grid."""
        places, words = self.ticks()
        ax.set_xlim(0, self.length_ns / SECOND)
        ax.set_xticks(places, words if labels else [""] * len(words))
        ax.grid(axis="x")
        if labels:
            ax.set_xlabel("time of day")
        else:
            ax.tick_params(axis="x", length=0)


def _clock(of_day_ns: int, step_ns: int) -> str:
    hours, rest = divmod(of_day_ns, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    if step_ns >= MINUTE:
        return f"{hours:02d}:{minutes:02d}"
    whole, fraction = divmod(rest, SECOND)
    text = f"{hours:02d}:{minutes:02d}:{whole:02d}"
    return text if step_ns >= SECOND else f"{text}.{fraction // MILLISECOND:03d}"
