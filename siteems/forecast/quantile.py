"""How far above the forecast the load of the backup hours goes, learned from what came."""

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
"""Of the day, each with a quantile of its own: night, morning, afternoon, evening."""
PACE: Final = 0.02
LOWEST, HIGHEST = 1.0, 2.0
EVERY: Final = timedelta(minutes=15)
"""A forecast is put aside this often, to be held against what came."""


class UpperQuantile:
    """The quantile of truth over forecast, by part of the day: stochastic approximation (Robbins
    and Monro 1951).

    It rises by `PACE` times the quantile when the truth was above, and sinks by the rest when it
    was not, so that in the long run just that share lies below. It begins at `first`, and what it
    gives is never below it.
    """

    def __init__(self, quantile: float, first: float, zone: ZoneInfo) -> None:
        self._quantile, self._first, self._zone = quantile, first, zone
        self._ratios = np.full(PARTS, first)

    def learn(self, time: datetime, truth: float, expected: float) -> None:
        """Take one value and what was forecast of it; nothing is learned where nothing was
        expected.
        """
        if expected <= 0:
            return
        part = time.astimezone(self._zone).hour * PARTS // 24
        above = truth > expected * self._ratios[part]
        step = PACE * (self._quantile if above else self._quantile - 1.0)
        self._ratios[part] = min(HIGHEST, max(LOWEST, self._ratios[part] + step))

    def ratios(self, now: datetime, ahead_h: Array) -> Array:
        """The factor on the forecast at times `ahead_h` hours after `now`."""
        local = now.astimezone(self._zone)
        of_day_h = local.hour + local.minute / 60.0 + ahead_h
        parts = (of_day_h * (PARTS / 24.0)).astype(np.intp) % PARTS
        return np.asarray(np.maximum(self._first, self._ratios[parts]))


@lru_cache(maxsize=64)
def quarters_h(hours: float) -> Array:
    """Middles of the quarter hours, or a little less, that some hours consist of."""
    count = max(1, math.ceil(hours * 4))
    middles: Array = hours * (np.arange(count) + 0.5) / count
    middles.flags.writeable = False
    return middles


class BackupResiduals:
    """Holds each forecast of the mean load over the backup hours against the mean that came, and
    tells the quantile.

    `expect(now, ahead_h)` forecasts the load. A quarter hour may lie far above its forecast; what
    backup has to bear is the mean over hours, and that lies nearer.
    """

    def __init__(
        self, quantile: UpperQuantile, hours: float, expect: Callable[[datetime, Array], Array]
    ) -> None:
        self._quantile, self._span, self._expect = quantile, timedelta(hours=hours), expect
        self._ahead_h = quarters_h(hours)
        self._open: deque[tuple[datetime, float, float, int]] = deque()
        self._sum, self._count = 0.0, 0

    def learn(self, time: datetime, value: float) -> None:
        """Take one measured value, after the forecasts have seen it."""
        while self._open and time - self._open[0][0] >= self._span:
            issued, expected, sum_then, count_then = self._open.popleft()
            if (
                self._count > count_then and time - issued < 2 * self._span
            ):  # not across a gap in the record
                self._quantile.learn(
                    issued, (self._sum - sum_then) / (self._count - count_then), expected
                )
        self._sum += value
        self._count += 1
        if not self._open or time - self._open[-1][0] >= EVERY:
            expected = float(self._expect(time, self._ahead_h).mean())
            self._open.append((time, expected, self._sum, self._count))
