"""The expected course of a day: a smoothed profile of quarter hours, at the last half hour's level
while that lasts.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SLOTS = 96
SATURDAY = 5
OF_WEEK = np.concatenate([SLOTS * (day >= SATURDAY) + np.arange(SLOTS) for day in range(7)])
"""Place in (weekday, weekend) x quarter hours of each quarter hour of a week, Monday first."""
SMOOTHING = 0.1
"""Weight of a newly finished quarter hour in its slot's mean, once that has some days behind it."""
FIRST_GUESS_DAYS = 0.25
OTHER_KIND = 0.1
"""Part of that weight with which a weekday tells of weekends, and a weekend of weekdays, once both
were seen.
"""
LEVEL_MEMORY = timedelta(minutes=30)
LASTING_LAG = timedelta(hours=2)
"""How much of a deviation lasts is learned over this lag."""
LASTING_AT_FIRST, LASTING_LEAST, LASTING_MOST = 0.6, 0.02, 0.95
LASTING_PACE = 1.0 / 500.0
"""Weight of a new quarter hour: some days are remembered."""
LEAST_VARIANCE = 1e-12
"""Of a load that never moves, below this there is nothing to fade, and nothing to divide by."""
LASTING_PRIOR = 0.01
"""Mean square deviation with which the first guess counts: a tenth up or down."""
STEP_MEMORY = timedelta(minutes=5)
"""How soon a step in the load is believed where being late would cost backup."""


class DayProfile:
    """Exponential smoothing per quarter hour of the local day, with a level correction that fades
    ahead.

    How fast it fades is learned: a mast's busy evening lasts for hours, a kettle does not. The
    correlation of the deviation now with that of `LASTING_LAG` ago gives the time constant of an
    exponential, as of a first-order autoregression.
    """

    def __init__(
        self,
        hourly: Sequence[float],
        zone: ZoneInfo,
        *,
        weekends_differ: bool = True,
        first_guess_days: float = FIRST_GUESS_DAYS,
    ) -> None:
        """`hourly` are the means to begin with, from local midnight; they count as so many measured
        days.
        """
        self._zone = zone
        self._other = OTHER_KIND if weekends_differ else 1.0
        hours = (np.arange(SLOTS) + 0.5) / 4.0
        points = np.arange(-1, 25) + 0.5
        typical = np.interp(hours, points, np.concatenate(([hourly[-1]], hourly, [hourly[0]])))
        self._mean: Array = np.array([typical, typical])
        """Of weekdays and of weekends, shape (2, 96)."""
        self._days = np.full((2, SLOTS), first_guess_days)
        """How many days each mean has behind it."""
        self._seen = np.zeros((2, SLOTS), dtype=np.bool_)
        """Whether one of them was of its own kind."""
        self._level = 1.0
        self._step_level = 1.0
        self._last: datetime | None = None
        self._slot: tuple[int, int] | None = None
        self._sum, self._count = 0.0, 0
        self._deviations: deque[tuple[datetime, float]] = deque()
        self._covariance, self._variance = LASTING_AT_FIRST * LASTING_PRIOR, LASTING_PRIOR

    def learn(self, time: datetime, value: float) -> None:
        """Take one measured value."""
        slot = self._slot_of(time)
        if slot != self._slot:
            self._finish_slot(time)
            self._slot, self._sum, self._count = slot, 0.0, 0
        self._sum += value
        self._count += 1
        expected = float(self._mean[slot])
        if expected > 0:
            gap = (
                LEVEL_MEMORY
                if self._last is None
                else min(LEVEL_MEMORY, max(timedelta(0), time - self._last))
            )
            ratio = min(3.0, max(0.3, value / expected))
            self._level += (1.0 - math.exp(-gap / LEVEL_MEMORY)) * (ratio - self._level)
            self._step_level += (1.0 - math.exp(-gap / STEP_MEMORY)) * (ratio - self._step_level)
        self._last = time

    def usual(self, time: datetime) -> float:
        """What this time of day usually has, whatever today is like."""
        return float(self._mean[self._slot_of(time)])

    def expect(self, now: datetime, ahead_h: Array) -> Array:
        """Expected values at times `ahead_h` hours after `now`, as known now."""
        return self._shape(now, ahead_h) * self._levels(ahead_h)

    def expect_at_least(self, now: datetime, ahead_h: Array) -> Array:
        """Expected values, on the high side: a step in the load that is minutes old is taken to
        last.
        """
        return self._shape(now, ahead_h) * np.maximum(self._levels(ahead_h), self._step_level)

    def _levels(self, ahead_h: Array) -> Array:
        """The level of the last half hour, fading ahead."""
        return np.asarray(1.0 + (self._level - 1.0) * np.exp(-ahead_h / self.fades_h))

    def _shape(self, now: datetime, ahead_h: Array) -> Array:
        """The profile at these times, on the local clock of each, also where it changes in between."""
        local = now.astimezone(self._zone)
        end = (now + timedelta(hours=float(ahead_h[-1]))).astimezone(self._zone)
        if local.utcoffset() != end.utcoffset():
            return np.array([self.usual(now + timedelta(hours=float(hours))) for hours in ahead_h])
        of_day_h = local.hour + local.minute / 60.0 + local.second / 3600.0
        slots_of_week = ((of_day_h + ahead_h) * (SLOTS / 24.0)).astype(
            np.intp
        ) + SLOTS * local.weekday()
        shape: Array = self._mean.ravel()[OF_WEEK[slots_of_week % len(OF_WEEK)]]
        return shape

    @property
    def fades_h(self) -> float:
        """Hours in which a deviation fades to 1/e."""
        variance = max(self._variance, LEAST_VARIANCE)
        lasting = min(LASTING_MOST, max(LASTING_LEAST, self._covariance / variance))
        return -(LASTING_LAG / timedelta(hours=1)) / math.log(lasting)

    def _finish_slot(self, time: datetime) -> None:
        if self._slot is None or not self._count:
            return
        usual, mean = self._mean[self._slot], self._sum / self._count
        if usual > 0:
            self._learn_lasting(time, min(3.0, max(0.3, mean / usual)) - 1.0)
        kind, slot = self._slot
        if self._other < 1.0 and not self._seen[kind, slot]:
            self._days[kind, slot] = min(
                1.0, self._days[kind, slot]
            )  # what the other kind told it is one day now
        self._seen[kind, slot] = True
        for each, share in (
            (kind, 1.0),
            (1 - kind, self._other if self._seen[1 - kind, slot] else 1.0),
        ):
            weight = share * max(SMOOTHING, 1.0 / (1.0 + self._days[each, slot]))
            self._mean[each, slot] += weight * (mean - self._mean[each, slot])
            self._days[each, slot] += share

    def _learn_lasting(self, time: datetime, deviation: float) -> None:
        """Hold the deviation of a finished quarter hour against the level that was known the lag
        before.
        """
        while self._deviations and time - self._deviations[0][0] >= LASTING_LAG:
            then, level = self._deviations.popleft()
            if time - then < LASTING_LAG + timedelta(minutes=30):  # not across a gap in the record
                self._covariance += LASTING_PACE * (level * deviation - self._covariance)
                self._variance += LASTING_PACE * (level * level - self._variance)
        self._deviations.append((time, self._level - 1.0))

    def _slot_of(self, time: datetime) -> tuple[int, int]:
        """Weekday or weekend, and the quarter hour of the local day."""
        local = time.astimezone(self._zone)
        return int(local.weekday() >= SATURDAY), local.hour * 4 + local.minute // 15
