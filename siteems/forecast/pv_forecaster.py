"""The PV forecast: clear sky times cloudiness, or a mean of the last days where that is better."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from siteems.forecast.clear_sky import ClearSky
from siteems.forecast.clear_sky_curve import Compute, compute
from siteems.forecast.day_profile import DayProfile
from siteems.forecast.load_quantile import PACE
from siteems.site.model import Identity, Pv

Array = npt.NDArray[np.float64]

# A clear-sky index is measured power over clear-sky power: 1 under a clear sky, less under clouds.
# Sensitivity, measured as in `day_profile.py`: half or twice INDEX_MEMORY or INDEX_FADES_H, and a
# third or three times USUAL_MEMORY, change the error of the PV forecast (nRMSE, 50 to 80 %) by at
# most 2.3 percentage points from one hour ahead on.
FIRST_INDEX: Final = 0.6
"""Expected index before anything was measured: a partly clouded day."""
INDEX_MEMORY: Final = timedelta(hours=1)
"""Time constant of the index now. Shorter follows the next cloud, longer the weather of the day.
In the first hour half of it gains 2 points at one of two sites, and twice of it costs 5.
"""
USUAL_MEMORY: Final = timedelta(hours=30)
"""Time constant of the usual index, in hours of daylight: two to three days, since weather comes in
spells of days.
"""
INDEX_FADES_H: Final = 6.0
"""Hours in which the index now relaxes to the usual one, to 1/e."""
LOW_SUN_SHARE: Final = 0.1
"""Share of the rated power below which clear-sky power is not used to learn about clouds: near the
horizon a small error of the sky model is a large error of the index.
"""
CLEAR_INDEX: Final = 1.0
"""First guess of the 95 % quantile of the index: a clear sky."""
HIGH_QUANTILE: Final = 0.95
HIGH_FROM_H: Final = 1.0
"""From this many hours ahead the high PV power counts fully; before, it grows from the expectation,
because the sky of the next minutes is known.
"""
INDEX_MOST: Final = 1.1
"""Highest index: the edge of a cloud can add a little to a clear sky, much more is an error."""
HIGH_OVER_MEAN_MOST: Final = 3.0
"""Highest quantile of power over its plain mean, for the same reason."""
SKILL_MEMORY_SAMPLES: Final = 300.0
"""Over how many samples of daylight the two methods are compared: some days of quarter hours. At a
third of it the methods are switched by chance, which cost 5 points where the clear sky is wrong.
"""
SKY_DAYS: Final = 1.0
"""How many measured days the clear-sky day counts as when the plain mean begins with it."""
PREFERRED: Final = 0.9
"""The plain mean is used where its square error is below this share of the sky's. Below 1, so that
chance does not switch between two methods that are equally good.
"""


class PvForecaster:
    """Learns the cloudiness from measured power, and beside it the plain mean of each quarter hour.

    Behind a mountain, under a tree, or with wrong coordinates in the site file the clear sky is
    wrong. There the plain mean has the smaller error and is used for as long as it has.
    """

    def __init__(self, where: Identity, pv: Pv, clear_sky: Compute = compute) -> None:
        """`clear_sky` computes the power under a clear sky."""
        self._pv, self.sky = pv, ClearSky(where, pv, clear_sky)
        self._zone = where.zone
        self._index = self._usual_index = FIRST_INDEX
        self._index_time: datetime | None = None
        self._plain: DayProfile | None = None
        self._sky_error = self._plain_error = 0.0
        """Mean square errors of a day-ahead forecast by each method, kW²."""
        self._high_index, self._high_over_plain = CLEAR_INDEX, CLEAR_INDEX / FIRST_INDEX
        """95 % quantiles: of the index, and of power over its plain mean."""

    def learn(self, time: datetime, pv_kw: float, *, throttled: bool) -> None:
        """Take one measured power. One that is `throttled` shows only that the sky is at least so
        clear.
        """
        power_kw = max(0.0, pv_kw)  # a sensor at rest may read slightly negative
        clear_kw = self.sky.power_kw(time)
        if not throttled:
            self._compare_methods(time, power_kw, clear_kw)
        if clear_kw < LOW_SUN_SHARE * self._pv.rated_kwp:
            return
        index = min(INDEX_MOST, power_kw / clear_kw)
        if throttled and index < self._index:
            return
        self._high_index = _next_quantile(self._high_index, index, INDEX_MOST)
        gap = INDEX_MEMORY
        if self._index_time is not None:
            gap = min(INDEX_MEMORY, max(timedelta(0), time - self._index_time))
        self._index += (1.0 - math.exp(-gap / INDEX_MEMORY)) * (index - self._index)
        self._usual_index += (1.0 - math.exp(-gap / USUAL_MEMORY)) * (index - self._usual_index)
        self._index_time = time

    def forecast(self, now: datetime, ahead_h: Array) -> tuple[Array, Array]:
        """Expected and high powers in kW at times `ahead_h` hours after `now`, shape (n,) each.

        High is the 95 % quantile. Neither exceeds the rated power of the modules.
        """
        if self._plain is not None and self._plain_error < PREFERRED * self._sky_error:
            expected_kw = self._plain.expect(now, ahead_h)
            high_kw = self._high_over_plain * expected_kw
        else:
            deviation = self._index - self._usual_index
            index = self._usual_index + deviation * np.exp(-ahead_h / INDEX_FADES_H)
            clear_kw = self.sky.powers_kw(now, ahead_h)
            expected_kw, high_kw = index * clear_kw, self._high_index * clear_kw
        expected_kw = np.minimum(expected_kw, self._pv.rated_kwp)
        high_kw = np.minimum(high_kw, self._pv.rated_kwp)
        share = np.minimum(1.0, ahead_h / HIGH_FROM_H)
        grown_kw = expected_kw + share * (high_kw - expected_kw)
        return expected_kw, np.maximum(expected_kw, grown_kw)

    def _compare_methods(self, time: datetime, power_kw: float, clear_kw: float) -> None:
        """Update the error that a day-ahead forecast of each method would have had, and the plain
        mean.
        """
        if self._plain is None:
            self._plain = DayProfile(
                self._usual_day(time), self._zone, weekends_differ=False, first_guess_days=SKY_DAYS
            )
        plain_kw = self._plain.mean_at(time)
        if max(power_kw, clear_kw, plain_kw) > 0.02 * self._pv.rated_kwp:  # daylight
            sky_kw, weight = self._usual_index * clear_kw, 1.0 / SKILL_MEMORY_SAMPLES
            self._sky_error += weight * ((power_kw - sky_kw) ** 2 - self._sky_error)
            self._plain_error += weight * ((power_kw - plain_kw) ** 2 - self._plain_error)
        if plain_kw > LOW_SUN_SHARE * self._pv.rated_kwp:
            self._high_over_plain = _next_quantile(
                self._high_over_plain, power_kw / plain_kw, HIGH_OVER_MEAN_MOST
            )
        self._plain.learn(time, power_kw)

    def _usual_day(self, time: datetime) -> list[float]:
        """Hourly means of a partly clouded day, from local midnight."""
        midnight = time.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
        middles_h = np.arange(24, dtype=np.float64) + 0.5
        return [float(kw) for kw in FIRST_INDEX * self.sky.powers_kw(midnight, middles_h)]


def _next_quantile(quantile: float, value: float, most: float) -> float:
    """The 95 % quantile after one more value, by the rule of `UpperQuantile`."""
    step = PACE * (HIGH_QUANTILE if value > quantile else HIGH_QUANTILE - 1.0)
    return min(most, max(0.0, quantile + step))
