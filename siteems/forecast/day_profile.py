"""The expected course of a load over the day: a smoothed profile of quarter hours, corrected by the
level of the last half hour for as long as deviations usually last.
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
"""Quarter hours of a day."""
SATURDAY = 5
OF_WEEK = np.concatenate([SLOTS * (day >= SATURDAY) + np.arange(SLOTS) for day in range(7)])
"""For each quarter hour of a week, Monday first: its index in the profiles of weekdays (0 to 95)
and weekends (96 to 191).
"""

# Sensitivity, measured on 120 days of each of the two recordings in docs/forecast.md: half or twice
# SMOOTHING, LEVEL_MEMORY or PERSISTENCE_LAG, a third or three times PERSISTENCE_SMOOTHING, and 0 or
# 0.3 for OTHER_KIND change the error of the load forecast (nRMSE, 10 to 11 %) by at most 0.3
# percentage points from one hour ahead on. In the first hour LEVEL_MEMORY changes it by 0.6 points.
SMOOTHING = 0.1
"""Weight of a new quarter hour in its slot's mean: a memory of about ten days. A larger weight
follows a changed load sooner and repeats the noise of single days.
"""
FIRST_GUESS_DAYS = 0.25
"""How many measured days the typical day of the site file counts as on the first one. Few, since it
is a guess; each further day leaves a fifth of it, so that it is gone within a week.
"""
OTHER_KIND = 0.1
"""Share of that weight with which a weekday also updates the weekend profile, and the reverse,
once both have been seen. Without it, weekends learn a lasting change from two days a week only.
"""
LEVEL_MEMORY = timedelta(minutes=30)
"""Time constant of the level. Shorter follows a change sooner and every spike with it."""
RATIO_LEAST, RATIO_MOST = 0.3, 3.0
"""A measured load counts as at least and at most this multiple of its mean, so that one odd sample
moves little.
"""
PERSISTENCE_LAG = timedelta(hours=2)
"""Over this lag it is learned how much of a deviation is left."""
PERSISTENCE_FIRST, PERSISTENCE_LEAST, PERSISTENCE_MOST = 0.6, 0.02, 0.95
"""What is left after the lag: first guess and bounds. They mean a time constant of 4 h, half an
hour, and 39 h.
"""
PERSISTENCE_SMOOTHING = 1.0 / 500.0
"""Weight of a new quarter hour: a memory of some five days."""
LEAST_VARIANCE = 1e-12
"""Avoids a division by zero for a load that never changes."""
PRIOR_VARIANCE = 0.01
"""Mean square deviation with which the first guess counts: a tenth up or down."""
STEP_MEMORY = timedelta(minutes=5)
"""Time constant of the level that the backup reserve uses, where being late would cost backup."""
GAP_TOLERANCE = timedelta(minutes=30)
"""A pair of deviations further apart than the lag and this spans a gap in the record."""


class DayProfile:
    """Exponential smoothing for each quarter hour of the local day, weekdays and weekends apart,
    with a level correction that fades ahead.

    How fast it fades is learned: the busy evening of a mast lasts for hours, a kettle does not. The
    deviation now is compared with that of `PERSISTENCE_LAG` ago; their ratio (covariance over
    variance, a first-order autoregression) gives the time constant of an exponential.
    """

    def __init__(
        self,
        hourly: Sequence[float],
        zone: ZoneInfo,
        *,
        weekends_differ: bool = True,
        first_guess_days: float = FIRST_GUESS_DAYS,
    ) -> None:
        """`hourly` are 24 means to begin with, from local midnight; beside the first measured day
        they count as `first_guess_days` more.
        """
        self._zone = zone
        self._other = OTHER_KIND if weekends_differ else 1.0
        hours = (np.arange(SLOTS) + 0.5) / 4.0
        points = np.arange(-1, 25) + 0.5
        typical = np.interp(hours, points, np.concatenate(([hourly[-1]], hourly, [hourly[0]])))
        self._first_guess: Array = typical
        """Shape (96,)."""
        self._guess_kept = first_guess_days / (1.0 + first_guess_days)
        self._guess_share = np.ones((2, SLOTS))
        """Share of the first guess in each mean. It falls faster than that of an early day, since
        a guess may be far off for good.
        """
        self._measured: Array = np.array([typical, typical])
        """Means of what was measured on weekdays and on weekends, shape (2, 96)."""
        self._mean: Array = self._measured.copy()
        """The same with the share of the first guess."""
        self._days = np.zeros((2, SLOTS))
        """How many days each mean rests on."""
        self._seen = np.zeros((2, SLOTS), dtype=np.bool_)
        """Whether one of them was of its own kind."""
        self._level = 1.0
        """Measured load over its mean, smoothed with `LEVEL_MEMORY`."""
        self._step_level = 1.0
        """The same with `STEP_MEMORY`."""
        self._last: datetime | None = None
        self._slot: tuple[int, int] | None = None
        """Kind of day and quarter hour in progress."""
        self._sum, self._count = 0.0, 0
        self._deviations: deque[tuple[datetime, float]] = deque()
        """Time and deviation of the level in the last `PERSISTENCE_LAG`."""
        self._covariance = PERSISTENCE_FIRST * PRIOR_VARIANCE
        self._variance = PRIOR_VARIANCE

    def learn(self, time: datetime, value: float) -> None:
        """Take one measured value."""
        slot = self._slot_of(time)
        if slot != self._slot:
            self._finish_slot(time)
            self._slot, self._sum, self._count = slot, 0.0, 0
        self._sum += value
        self._count += 1
        mean = float(self._mean[slot])
        if mean > 0:
            self._update_levels(time, _bounded_ratio(value, mean))
        self._last = time

    def mean_at(self, time: datetime) -> float:
        """The mean of this time of day, without the level of today."""
        return float(self._mean[self._slot_of(time)])

    def expect(self, now: datetime, ahead_h: Array) -> Array:
        """Expected values at times `ahead_h` hours after `now`, shape (n,)."""
        return self._means(now, ahead_h) * self._levels(ahead_h)

    def expect_at_least(self, now: datetime, ahead_h: Array) -> Array:
        """Expected values on the high side: a rise of the load that is minutes old is assumed to
        last.
        """
        return self._means(now, ahead_h) * np.maximum(self._levels(ahead_h), self._step_level)

    @property
    def fades_h(self) -> float:
        """Hours in which a deviation fades to 1/e."""
        ratio = self._covariance / max(self._variance, LEAST_VARIANCE)
        persistence = min(PERSISTENCE_MOST, max(PERSISTENCE_LEAST, ratio))
        return -(PERSISTENCE_LAG / timedelta(hours=1)) / math.log(persistence)

    def _levels(self, ahead_h: Array) -> Array:
        """The level of the last half hour, fading ahead."""
        return np.asarray(1.0 + (self._level - 1.0) * np.exp(-ahead_h / self.fades_h))

    def _means(self, now: datetime, ahead_h: Array) -> Array:
        """The means at these times, by the local clock."""
        local = now.astimezone(self._zone)
        end = (now + timedelta(hours=float(ahead_h[-1]))).astimezone(self._zone)
        if local.utcoffset() != end.utcoffset():  # the clocks change in between
            return np.array(
                [self.mean_at(now + timedelta(hours=float(hours))) for hours in ahead_h]
            )
        of_day_h = local.hour + local.minute / 60.0 + local.second / 3600.0
        slots_of_day = ((of_day_h + ahead_h) * (SLOTS / 24.0)).astype(np.intp)
        slots_of_week = slots_of_day + SLOTS * local.weekday()
        means: Array = self._mean.ravel()[OF_WEEK[slots_of_week % len(OF_WEEK)]]
        return means

    def _update_levels(self, time: datetime, ratio: float) -> None:
        gap = LEVEL_MEMORY
        if self._last is not None:
            gap = min(LEVEL_MEMORY, max(timedelta(0), time - self._last))
        self._level += (1.0 - math.exp(-gap / LEVEL_MEMORY)) * (ratio - self._level)
        self._step_level += (1.0 - math.exp(-gap / STEP_MEMORY)) * (ratio - self._step_level)

    def _finish_slot(self, time: datetime) -> None:
        """Learn from the quarter hour that has just ended."""
        if self._slot is None or not self._count:
            return
        measured, mean = self._sum / self._count, self._mean[self._slot]
        if mean > 0:
            self._learn_persistence(time, _bounded_ratio(measured, mean) - 1.0)
        kind, slot = self._slot
        if self._other < 1.0 and not self._seen[kind, slot]:
            # So far only the other kind of day has been learned here; it counts as one day.
            self._days[kind, slot] = min(1.0, self._days[kind, slot])
        self._seen[kind, slot] = True
        other_share = self._other if self._seen[1 - kind, slot] else 1.0
        for each, share in ((kind, 1.0), (1 - kind, other_share)):
            weight = share * max(SMOOTHING, 1.0 / (1.0 + self._days[each, slot]))
            self._measured[each, slot] += weight * (measured - self._measured[each, slot])
            self._days[each, slot] += share
            self._guess_share[each, slot] *= self._guess_kept**share
            of_guess = self._guess_share[each, slot] * self._first_guess[slot]
            of_measured = (1.0 - self._guess_share[each, slot]) * self._measured[each, slot]
            self._mean[each, slot] = of_guess + of_measured

    def _learn_persistence(self, time: datetime, deviation: float) -> None:
        """Compare the deviation of a finished quarter hour with the level known the lag before."""
        while self._deviations and time - self._deviations[0][0] >= PERSISTENCE_LAG:
            then, level = self._deviations.popleft()
            if time - then < PERSISTENCE_LAG + GAP_TOLERANCE:
                self._covariance += PERSISTENCE_SMOOTHING * (level * deviation - self._covariance)
                self._variance += PERSISTENCE_SMOOTHING * (level * level - self._variance)
        self._deviations.append((time, self._level - 1.0))

    def _slot_of(self, time: datetime) -> tuple[int, int]:
        """Weekday (0) or weekend (1), and the quarter hour of the local day."""
        local = time.astimezone(self._zone)
        return int(local.weekday() >= SATURDAY), local.hour * 4 + local.minute // 15


def _bounded_ratio(value: float, mean: float) -> float:
    return min(RATIO_MOST, max(RATIO_LEAST, value / mean))
