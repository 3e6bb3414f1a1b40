"""Piecewise linear functions of one variable, for a single argument at a time.

`numpy.interp` is made for many arguments at once and takes several times as long for one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable


class PiecewiseLinear:
    """Straight between its points, which have rising x; constant beyond the first and the last."""

    def __init__(self, x: Iterable[float], y: Iterable[float]) -> None:
        self._x, self._y = tuple(map(float, x)), tuple(map(float, y))

    def inverse(self) -> PiecewiseLinear:
        """x as a function of y, where y rises too."""
        return PiecewiseLinear(self._y, self._x)

    def at(self, x: float) -> float:
        """The value at x."""
        right = bisect_right(self._x, x)
        if right == 0:
            return self._y[0]
        if right == len(self._x):
            return self._y[-1]
        x0, x1, y0, y1 = self._x[right - 1], self._x[right], self._y[right - 1], self._y[right]
        return (y1 - y0) / (x1 - x0) * (x - x0) + y0
