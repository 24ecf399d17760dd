"""Exact maps of a rectangle: all of it is cut into cells in each of which a value is a straight line.

A trial at one point tells how far around it nothing but numbers change (`sim.extremes.affine`). So one column of
trials, each where the cell below ends, covers a strip as wide as its narrowest part: up to where two borders meet.
Strips are laid side by side until no gap is wider than asked for, a nanosecond at the least.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul
from typing import Final, NamedTuple

from sim.errors import UsageError
from sim.extremes.affine import Affine, Cell

TRIALS_MAX: Final = 200_000
PLACES: Final = 256
"""Into so many parts the height of a rectangle is divided to find the cells that were met nearby."""

Trial = Callable[[Sequence[int]], int]
"""Takes a point, (x, y) or (x,), whose numbers may be symbolic, and returns a value that may be too."""


class Corner(NamedTuple):
    """A corner of a piece, or the limit towards one, and the value there."""

    point: tuple[Fraction, ...]
    value: Fraction


@dataclass(frozen=True)
class Piece:
    """A part of the rectangle on which the value is a straight line, by its corners."""

    corners: tuple[Corner, ...]
    inside: tuple[int, ...]
    """A point of it that was tried."""


class Sample(NamedTuple):
    """One trial: where, what came of it, and around it how far that holds."""

    point: tuple[int, ...]
    value: int
    slopes: tuple[int, ...]
    bounds: dict[tuple[int, ...], int]
    above: list[Sample]
    """Cells that were met where this one ends, the one that was of use last in front: the next strip meets them too."""

    def at(self, point: Sequence[Fraction]) -> Fraction:
        """Return the value elsewhere in the cell."""
        moved = sum(g * (p - b) for g, p, b in zip(self.slopes, point, self.point, strict=True))
        return self.value + Fraction(moved)

    def moved(self, point: tuple[int, ...]) -> Sample | None:
        """Return what a trial at another point of the cell would say; None where the point is in another cell.

        As a trial does, it stands infinitesimally off the point, the last coordinate farthest.
        """
        by = [p - b for p, b in zip(point, self.point, strict=True)]
        bounds = {}
        for g, bound in self.bounds.items():
            room = bound - sum(map(mul, g, by))
            if room < 0 or (room == 0 and next(each for each in reversed(g) if each) > 0):
                return None
            bounds[g] = room
        return Sample(point, self.value + sum(map(mul, self.slopes, by)), self.slopes, bounds, self.above)


class Cover:
    """Covers a rectangle, or a line, with trials."""

    def __init__(
        self, trial: Trial, box: Sequence[tuple[int, int]], gap_ns: int = 1, trials_max: int = TRIALS_MAX
    ) -> None:
        self.trial, self.box, self.gap_ns, self.trials_max = trial, list(box), gap_ns, trials_max
        self.trials = 0
        self.gaps_ns = 0
        """The widths of all gaps that were left."""
        self._lowest: list[Sample] = []
        self._met: defaultdict[tuple[int, int], list[Sample]] = defaultdict(list)

    def sample(self, point: tuple[int, ...], known: list[Sample]) -> Sample:
        """Return what holds around a point: by a trial, unless it is in a cell that is known here or was met nearby."""
        places = [known, *self._places(point)]
        for cells in places:
            for number, cell in enumerate(cells):
                found = cell.moved(point)
                if found is not None:
                    cells.insert(0, cells.pop(number))
                    return found
        found = self._tried(point)
        for cells in places:
            cells.insert(0, found)
        return found

    def _places(self, point: tuple[int, ...]) -> list[list[Sample]]:
        """Return where cells around a point are kept: those as high up, and those on the same falling diagonal.

        Most borders are at a time of the fault's end, which is start and length together, or at a length.
        """
        if len(point) == 1:
            return []
        low, high = self.box[1]
        width = max(1, (high - low) // PLACES)
        return [self._met[which, at // width] for which, at in enumerate((point[1], point[0] + point[1]))]

    def _tried(self, point: tuple[int, ...]) -> Sample:
        self.trials += 1
        if self.trials > self.trials_max:
            raise UsageError(f"more than {self.trials_max:,} trials", "narrower bounds, or a shorter range of lengths")
        cell = Cell(len(point))
        value = self.trial(cell.parameters(point))
        slopes = value.slopes if isinstance(value, Affine) else (0,) * len(point)
        return Sample(point, int(value), slopes, cell.bounds, [])

    def pieces(self) -> Iterator[Piece]:
        """Yield pieces that together are the whole rectangle, but for gaps along x, none wider than `gap_ns`."""
        if len(self.box) == 1:
            for left, right, sample in self._line((), *self.box[0]):
                corners = tuple(Corner((Fraction(x),), sample.at((Fraction(x),))) for x in (left, right))
                yield Piece(corners, sample.point)
            return
        open_ = [self.box[0]]
        while open_:
            low, high = open_.pop()
            middle = (low + high) // 2
            strip = Strip(middle, list(self._line((middle,), *self.box[1])), *self.box[1])
            left, right = max(Fraction(low), middle - strip.left), min(Fraction(high), middle + strip.right)
            yield from strip.pieces(left, right)
            for a, b in ((low, left), (right, high)):
                if self.gap_ns < b - a <= high - low:
                    first, last = -(-a // 1), b // 1
                    if last > first:
                        open_.append((first, last))
                else:
                    self.gaps_ns += max(0, int(b - a))

    def _line(self, before: tuple[int, ...], low: int, high: int) -> Iterator[tuple[Fraction, Fraction, Sample]]:
        """Walk upwards along the last coordinate, from where one cell ends to where the next does."""
        at, axis, known = low, len(before), self._lowest
        while True:
            sample = self.sample((*before, at), known)
            known = sample.above
            rooms = [Fraction(b, g[axis]) for g, b in sample.bounds.items() if g[axis] > 0]
            ends = at + min(rooms) if rooms else Fraction(high)
            yield Fraction(at), min(ends, Fraction(high)), sample
            if ends >= high:
                return
            at = -(-ends // 1)


class Line(NamedTuple):
    """A border of a cell along a strip: y = base + slope * (x - middle)."""

    base: Fraction
    slope: Fraction

    def at(self, moved: Fraction) -> Fraction:
        """Return y so far from the middle."""
        return self.base + self.slope * moved


class Strip:
    """A column of cells at `middle`, and how far to both sides nothing changes in their order."""

    def __init__(self, middle: int, column: Sequence[tuple[Fraction, Fraction, Sample]], low: int, high: int) -> None:
        self.middle = middle
        self.low, self.high = Line(Fraction(low), Fraction(0)), Line(Fraction(high), Fraction(0))
        self.left = self.right = Fraction(2**62)
        self.cells: list[tuple[Line, Line, Sample]] = []
        floor = self.low
        for number, (_, _, sample) in enumerate(column):
            last = number + 1 == len(column)
            ceiling = self._ceiling(sample, floor, last)
            self._keep_order(floor, ceiling)
            self.cells.append((floor, ceiling, sample))
            floor = ceiling

    def _ceiling(self, sample: Sample, floor: Line, last: bool) -> Line:
        """Return a cell's upper border, and see how far it is the first, and nothing beside the cell is met."""
        _, y = sample.point
        lines = [self.high] if last else []
        for (gx, gy), room in sample.bounds.items():
            if gy > 0:
                lines.append(Line(y + Fraction(room, gy), Fraction(-gx, gy)))
            elif gy == 0:
                self._meets(Fraction(room, abs(gx)), right=gx > 0)
        ceiling = min(lines, key=lambda line: line.base)
        for line in lines:
            self._keep_order(ceiling, line)
        for (gx, gy), room in sample.bounds.items():
            if gy < 0:
                self._keep_order(Line(y + Fraction(room, gy), Fraction(-gx, gy)), floor)
        return ceiling

    def _keep_order(self, below: Line, above: Line) -> None:
        """Two borders must not cross."""
        gap, closing = above.base - below.base, below.slope - above.slope
        if closing:
            self._meets(max(Fraction(0), gap / abs(closing)), right=closing > 0)

    def _meets(self, distance: Fraction, right: bool) -> None:
        if right:
            self.right = min(self.right, distance)
        else:
            self.left = min(self.left, distance)

    def pieces(self, left: Fraction, right: Fraction) -> Iterator[Piece]:
        """Yield the cells between two ends of the strip."""
        if right < left:
            return
        for floor, ceiling, sample in self.cells:
            corners = []
            for x in dict.fromkeys((left, right)):
                for line in (floor, ceiling):
                    point = (x, line.at(x - self.middle))
                    corners.append(Corner(point, sample.at(point)))
            yield Piece(tuple(corners), sample.point)
