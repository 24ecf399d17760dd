"""Numbers that know how they would move: a run on them holds for every point around it until an order would change.

An `Affine` is a whole number of nanoseconds that depends on a few parameters (when a fault begins, how long it
lasts) in a straight line. A comparison of two of them notes, in its `Cell`, how far the parameters may move before
its answer would be another. Where two are equal now and would part at the slightest move, they count as parted: the
parameters stand infinitesimally off the point, the last of them farthest.

Whoever counts with such numbers must stay with sums, whole multiples and comparisons: a quotient of whole numbers is
a step, a float forgets where it came from. The bench asks for nothing that reckons with floats of times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Slopes = tuple[int, ...]


class Cell:
    """The points around a base point for which every comparison so far has the same answer: a convex polytope."""

    __slots__ = ("bounds", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.bounds: dict[Slopes, int] = {}
        """For each direction g the greatest b: the cell is where g . (x - base) <= b for all of them."""

    def parameters(self, values: Sequence[int]) -> list[Affine]:
        """Return the base point's coordinates as numbers that know that they are parameters."""
        units = [tuple(int(row == column) for column in range(self.size)) for row in range(self.size)]
        return [Affine(value, unit, self) for value, unit in zip(values, units, strict=True)]

    def sign(self, value: int, slopes: Slopes) -> int:
        """Return the sign of a difference next to the base point, and note how long it holds."""
        sign = (value > 0) - (value < 0) or next((1 if g > 0 else -1 for g in reversed(slopes) if g), 0)
        outward = slopes if sign < 0 else tuple(-g for g in slopes)
        room = abs(value)
        if room < self.bounds.get(outward, room + 1):
            self.bounds[outward] = room
        return sign


class Affine(int):
    """A whole number and its slope along each parameter of a cell."""

    slopes: Slopes
    cell: Cell

    def __new__(cls, value: int, slopes: Slopes, cell: Cell) -> Affine:
        """Return the number; a plain one will do where nothing moves it."""
        self = super().__new__(cls, value)
        self.slopes, self.cell = slopes, cell
        return self

    def _with(self, value: int, slopes: Slopes) -> int:
        return Affine(value, slopes, self.cell) if any(slopes) else value

    def __add__(self, other: int) -> int:
        if isinstance(other, Affine):
            return self._with(
                int(self) + int(other), tuple(a + b for a, b in zip(self.slopes, other.slopes, strict=True))
            )
        return Affine(int.__add__(self, other), self.slopes, self.cell)

    __radd__ = __add__

    def __sub__(self, other: int) -> int:
        if isinstance(other, Affine):
            return self._with(
                int(self) - int(other), tuple(a - b for a, b in zip(self.slopes, other.slopes, strict=True))
            )
        return Affine(int.__sub__(self, other), self.slopes, self.cell)

    def __rsub__(self, other: int) -> int:
        return Affine(other - int(self), tuple(-a for a in self.slopes), self.cell)

    def __neg__(self) -> int:
        return Affine(-int(self), tuple(-a for a in self.slopes), self.cell)

    def __mul__(self, factor: int) -> int:
        return self._with(int(self) * factor, tuple(a * factor for a in self.slopes))

    __rmul__ = __mul__

    def __floordiv__(self, by: int) -> int:
        """Return the whole quotient: where it is not a straight line, it stands still between two multiples."""
        value = int(self)
        if value % by == 0 and all(a % by == 0 for a in self.slopes):
            return self._with(value // by, tuple(a // by for a in self.slopes))
        quotient = value // by
        if value % by == 0 and self.cell.sign(0, self.slopes) < 0:
            quotient -= 1
        self.cell.sign(value - quotient * by, self.slopes)
        self.cell.sign(value - (quotient + 1) * by, self.slopes)
        return quotient

    def _against(self, other: Any) -> int:
        if isinstance(other, Affine):
            slopes = tuple(a - b for a, b in zip(self.slopes, other.slopes, strict=True))
            value = int(self) - int(other)
            return self.cell.sign(value, slopes) if any(slopes) else (value > 0) - (value < 0)
        return self.cell.sign(int.__sub__(self, other), self.slopes)

    def __lt__(self, other: Any) -> bool:
        return self._against(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._against(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._against(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._against(other) >= 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and self._against(other) == 0

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return self._against(0) != 0

    __hash__ = int.__hash__
