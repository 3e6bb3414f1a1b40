"""The expected course of a day: a smoothed profile of quarter hours, shifted to the level of the last two hours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SLOTS = 96
SMOOTHING = 0.3
"""Weight of a newly finished quarter hour in its slot's mean."""
LEVEL_MEMORY = timedelta(hours=1)
LEVEL_FADES_H = 4.0
STEP_MEMORY = timedelta(minutes=5)
"""How soon a step in the load is believed where being late would cost backup."""


class DayProfile:
    """Exponential smoothing per quarter hour of the local day, with a level correction that fades ahead."""

    def __init__(self, hourly: Sequence[float], zone: ZoneInfo) -> None:
        self._zone = zone
        hours = (np.arange(SLOTS) + 0.5) / 4.0
        points = np.arange(-1, 25) + 0.5
        self._mean: Array = np.interp(hours, points, np.concatenate(([hourly[-1]], hourly, [hourly[0]])))
        self._level = 1.0
        self._step_level = 1.0
        self._last: datetime | None = None
        self._slot: int | None = None
        self._sum, self._count = 0.0, 0

    def learn(self, time: datetime, value: float) -> None:
        """Take one measured value."""
        slot = self._slot_of(time)
        if slot != self._slot:
            self._finish_slot()
            self._slot, self._sum, self._count = slot, 0.0, 0
        self._sum += value
        self._count += 1
        expected = self._at(time)
        if expected > 0:
            gap = LEVEL_MEMORY if self._last is None else min(LEVEL_MEMORY, max(timedelta(0), time - self._last))
            ratio = min(3.0, max(0.3, value / expected))
            self._level += (1.0 - math.exp(-gap / LEVEL_MEMORY)) * (ratio - self._level)
            self._step_level += (1.0 - math.exp(-gap / STEP_MEMORY)) * (ratio - self._step_level)
        self._last = time

    def usual(self, time: datetime) -> float:
        """What this time of day usually has, whatever today is like."""
        return self._at(time)

    def expect(self, now: datetime, ahead_h: Array) -> Array:
        """Expected values at times `ahead_h` hours after `now`, as known now."""
        return self._shape(now, ahead_h) * (1.0 + (self._level - 1.0) * np.exp(-ahead_h / LEVEL_FADES_H))

    def expect_at_least(self, now: datetime, ahead_h: Array) -> Array:
        """Expected values, on the high side: a step in the load that is minutes old is taken to last."""
        risen = self._shape(now, ahead_h) * self._step_level
        return np.maximum(self.expect(now, ahead_h), risen)

    def _shape(self, now: datetime, ahead_h: Array) -> Array:
        """The profile at these times, on the local clock of each, also where it changes in between."""
        local = now.astimezone(self._zone)
        end = (now + timedelta(hours=float(ahead_h[-1]))).astimezone(self._zone)
        if local.utcoffset() != end.utcoffset():
            return np.array([self._at(now + timedelta(hours=float(hours))) for hours in ahead_h])
        of_day_h = local.hour + local.minute / 60.0 + local.second / 3600.0
        return self._mean[((of_day_h + ahead_h) * (SLOTS / 24.0)).astype(np.intp) % SLOTS]

    def _finish_slot(self) -> None:
        if self._slot is not None and self._count:
            self._mean[self._slot] += SMOOTHING * (self._sum / self._count - self._mean[self._slot])

    def _slot_of(self, time: datetime) -> int:
        local = time.astimezone(self._zone)
        return local.hour * 4 + local.minute // 15

    def _at(self, time: datetime) -> float:
        return float(self._mean[self._slot_of(time)])
