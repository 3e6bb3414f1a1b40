"""How far above the expected load the real one goes, learned from what came."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PARTS: Final = 4
"""Of the day, each with a quantile of its own: night, morning, afternoon, evening."""
PACE: Final = 0.02
LOWEST, HIGHEST = 1.0, 2.0


class UpperQuantile:
    """The quantile of truth over expectation, by part of the day: stochastic approximation (Robbins and Monro 1951).

    It rises by `PACE` times the quantile when the truth was above, and sinks by the rest when it was not, so that in
    the long run just that share lies below. It begins at `first`, and what it gives is never below it.
    """

    def __init__(self, quantile: float, first: float, zone: ZoneInfo) -> None:
        self._quantile, self._first, self._zone = quantile, first, zone
        self._ratios = np.full(PARTS, first)

    def learn(self, time: datetime, truth: float, expected: float) -> None:
        """Take one value and what was expected of it; nothing is learned where nothing was expected."""
        if expected <= 0:
            return
        part = time.astimezone(self._zone).hour * PARTS // 24
        above = truth > expected * self._ratios[part]
        step = PACE * (self._quantile if above else self._quantile - 1.0)
        self._ratios[part] = min(HIGHEST, max(LOWEST, self._ratios[part] + step))

    def ratios(self, now: datetime, ahead_h: Array) -> Array:
        """The factor on the expectation at times `ahead_h` hours after `now`."""
        local = now.astimezone(self._zone)
        of_day_h = local.hour + local.minute / 60.0 + ahead_h
        parts = (of_day_h * (PARTS / 24.0)).astype(np.intp) % PARTS
        return np.asarray(np.maximum(self._first, self._ratios[parts]))
