"""How far above its forecast the load of the backup hours goes, learned from past forecasts."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PARTS: Final = 4
"""Parts of the day with a quantile of their own: night, morning, afternoon, evening. More parts
would follow the day more closely, but each would learn from fewer days.
"""
PACE: Final = 0.02
"""Step of the learned ratio. At a quantile of 95 % it rises by 0.019 after a value above and sinks
by 0.001 after one below, so that one value moves the reserve by two percent at most. A larger step
follows a new load sooner and makes the reserve less steady; half of it changes the coverage by less
than half a percentage point.
"""
LOWEST, HIGHEST = 1.0, 2.0
"""Bounds of the ratio: never below the forecast itself, and not without limit after a fault."""
EVERY: Final = timedelta(minutes=15)
"""How often a forecast is kept to be compared with what came."""


class UpperQuantile:
    """A quantile of measured load over its forecast, by part of the day.

    Learned by stochastic approximation (Robbins and Monro 1951): the ratio rises by `PACE` times
    the quantile when the load was above it, and sinks by `PACE` times the rest when it was not, so
    that in the long run just the wanted share of the loads lies below.
    """

    def __init__(self, quantile: float, first: float, zone: ZoneInfo) -> None:
        """`first` is the ratio to begin with, and the lowest that `ratios` gives."""
        self._quantile, self._first, self._zone = quantile, first, zone
        self._ratios = np.full(PARTS, first)

    def learn(self, time: datetime, measured: float, expected: float) -> None:
        """Take a measured value and its forecast; a forecast of 0 or less is left out."""
        if expected <= 0:
            return
        part = time.astimezone(self._zone).hour * PARTS // 24
        above = measured > expected * self._ratios[part]
        step = PACE * (self._quantile if above else self._quantile - 1.0)
        self._ratios[part] = min(HIGHEST, max(LOWEST, self._ratios[part] + step))

    def ratios(self, now: datetime, ahead_h: Array) -> Array:
        """Quantile over forecast at times `ahead_h` hours after `now`, shape (n,)."""
        local = now.astimezone(self._zone)
        of_day_h = local.hour + local.minute / 60.0 + ahead_h
        parts = (of_day_h * (PARTS / 24.0)).astype(np.intp) % PARTS
        return np.asarray(np.maximum(self._first, self._ratios[parts]))


@lru_cache(maxsize=64)
def quarters_h(hours: float) -> Array:
    """The middles, in hours, of equal intervals of at most a quarter hour that make up `hours`."""
    count = max(1, math.ceil(hours * 4))
    middles: Array = hours * (np.arange(count) + 0.5) / count
    middles.flags.writeable = False
    return middles


class BackupResiduals:
    """Compares each forecast of the mean load over the backup hours with the mean that came, and
    teaches the quantile.

    The mean over hours, not single quarter hours, because that is what the battery has to carry;
    it stays nearer to its forecast.
    """

    def __init__(
        self, quantile: UpperQuantile, hours: float, expect: Callable[[datetime, Array], Array]
    ) -> None:
        """`expect(now, ahead_h)` forecasts the load; `hours` are the backup hours."""
        self._quantile, self._span, self._expect = quantile, timedelta(hours=hours), expect
        self._ahead_h = quarters_h(hours)
        self._open: deque[tuple[datetime, float, float, int]] = deque()
        """Forecasts whose hours are not over: time, mean forecast, and the sum and count of the
        measured values at that time.
        """
        self._sum, self._count = 0.0, 0

    def learn(self, time: datetime, value: float) -> None:
        """Take one measured value, after `expect` has learned it."""
        while self._open and time - self._open[0][0] >= self._span:
            issued, expected, sum_then, count_then = self._open.popleft()
            has_gap = time - issued >= 2 * self._span
            if self._count > count_then and not has_gap:
                mean = (self._sum - sum_then) / (self._count - count_then)
                self._quantile.learn(issued, mean, expected)
        self._sum += value
        self._count += 1
        if not self._open or time - self._open[-1][0] >= EVERY:
            expected = float(self._expect(time, self._ahead_h).mean())
            self._open.append((time, expected, self._sum, self._count))
