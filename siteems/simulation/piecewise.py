"""A line through points, read at one place: numpy's own way is for many places at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable


class Line:
    """Straight between its points (x rising), level beyond its ends."""

    def __init__(self, x: Iterable[float], y: Iterable[float]) -> None:
        """Of the same length, 1 or more."""
        self._x, self._y = tuple(map(float, x)), tuple(map(float, y))

    def inverted(self) -> Line:
        """The same line read from the other side; its heights must rise."""
        return Line(self._y, self._x)

    def at(self, x: float) -> float:
        """Its height there."""
        right = bisect_right(self._x, x)
        if right == 0:
            return self._y[0]
        if right == len(self._x):
            return self._y[-1]
        x0, x1, y0, y1 = self._x[right - 1], self._x[right], self._y[right - 1], self._y[right]
        return (y1 - y0) / (x1 - x0) * (x - x0) + y0
