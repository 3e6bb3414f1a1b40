"""What photovoltaics will give: clear sky times cloudiness, or what the last days gave where that
guesses better.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from siteems.forecast.clear_sky import ClearSky
from siteems.forecast.day_profile import DayProfile
from siteems.site.model import Identity, Pv

Array = npt.NDArray[np.float64]

TURBID: Final = 0.6
"""Clear-sky index expected where nothing is known yet: a partly clouded day."""
CLEARNESS_MEMORY: Final = timedelta(hours=1)
USUAL_MEMORY: Final = timedelta(hours=30)
"""Of sunny hours: what is usual here and now is the mean of the last days' daylight."""
CLEARNESS_FADES_H: Final = 6.0
CLEAR: Final = 1.0
HIGH_FROM_H: Final = 1.0
"""What the sky is like now says less and less about what it may be like, and after this many hours
nothing.
"""
HIGH, PACE = 0.95, 0.02
"""The quantile of the high powers, and how fast it is learned (see `quantile.py`)."""
BRIGHTEST, HIGHEST_OVER_PLAIN = 1.1, 3.0
SKILL_MEMORY_SAMPLES: Final = 300.0
"""Some days of daylight: over so many samples the two ways to guess are compared."""
SKY_DAYS: Final = 1.0
"""The plain mean begins with the sky, as if that had been seen for so long."""
PREFERRED: Final = 0.9
"""The profile of the last days must be better by this, or the sky is believed."""


class SunForecaster:
    """Learns cloudiness from measured power, and beside it the plain mean of each quarter hour.

    A site with a mountain, a tree or a wrong place in its file gives nothing where the sky is
    clear: there the plain mean is the better guess, and is used for as long as it is.
    """

    def __init__(self, where: Identity, pv: Pv) -> None:
        self._pv, self._sky = pv, ClearSky(where, pv)
        self._clearness = self._usual = TURBID
        self._seen: datetime | None = None
        self._plain: DayProfile | None = None
        self._zone = where.zone
        self._sky_error = self._plain_error = 0.0
        self._bright, self._plain_high = CLEAR, CLEAR / TURBID
        """95 % quantiles: of the clear-sky index, and of power over its plain mean."""

    def learn(self, time: datetime, pv_kw: float, *, throttled: bool) -> None:
        """Take one measured power. One that is `throttled` says only that the sky is at least so
        clear.
        """
        power_kw = max(0.0, pv_kw)  # at rest a sensor may read a little below nothing
        clear_kw = self._sky.power_kw(time)
        low = clear_kw < 0.1 * self._pv.rated_kwp
        if not throttled:
            self._compare(time, power_kw, clear_kw)
        if low:
            return  # too low a sun says nothing about clouds
        index = min(1.1, power_kw / clear_kw)
        if index < self._clearness and throttled:
            return
        self._bright = _nearer(self._bright, index, BRIGHTEST)
        gap = (
            CLEARNESS_MEMORY
            if self._seen is None
            else min(CLEARNESS_MEMORY, max(timedelta(0), time - self._seen))
        )
        self._clearness += (1.0 - math.exp(-gap / CLEARNESS_MEMORY)) * (index - self._clearness)
        self._usual += (1.0 - math.exp(-gap / USUAL_MEMORY)) * (index - self._usual)
        self._seen = time

    def _compare(self, time: datetime, power_kw: float, clear_kw: float) -> None:
        """How far off a day-ahead guess of each kind would have been; only while one of them sees
        the sun.
        """
        if self._plain is None:
            self._plain = DayProfile(
                self._usual_day(time), self._zone, weekends_differ=False, first_guess_days=SKY_DAYS
            )
        plain_kw = self._plain.usual(time)
        if max(power_kw, clear_kw, plain_kw) > 0.02 * self._pv.rated_kwp:
            share = 1.0 / SKILL_MEMORY_SAMPLES
            self._sky_error += share * ((power_kw - self._usual * clear_kw) ** 2 - self._sky_error)
            self._plain_error += share * ((power_kw - plain_kw) ** 2 - self._plain_error)
        if plain_kw > 0.1 * self._pv.rated_kwp:
            self._plain_high = _nearer(self._plain_high, power_kw / plain_kw, HIGHEST_OVER_PLAIN)
        self._plain.learn(time, power_kw)

    def _usual_day(self, time: datetime) -> list[float]:
        """Hourly means of a partly clouded day, from local midnight."""
        midnight = time.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return [
            float(each)
            for each in TURBID
            * self._sky.powers_kw(midnight, np.arange(24, dtype=np.float64) + 0.5)
        ]

    def foresee(self, now: datetime, ahead_h: Array) -> tuple[Array, Array]:
        """Powers at times `ahead_h` hours after `now`, kW, never more than the panels' rating:
        expected and high.

        The high ones are what the sun may well give: the 95 % quantile, and the expectation for the
        moment itself.
        """
        if self._trusts_plain and self._plain is not None:
            expected = self._plain.expect(now, ahead_h)
            high = self._plain_high * expected
        else:
            # Persistence of cloudiness, relaxing to what is usual within a few hours.
            index = self._usual + (self._clearness - self._usual) * np.exp(
                -ahead_h / CLEARNESS_FADES_H
            )
            clear_kw = self._sky.powers_kw(now, ahead_h)
            expected, high = index * clear_kw, self._bright * clear_kw
        expected, high = (
            np.minimum(expected, self._pv.rated_kwp),
            np.minimum(high, self._pv.rated_kwp),
        )
        share = np.minimum(1.0, ahead_h / HIGH_FROM_H)
        return expected, np.maximum(expected, expected + share * (high - expected))

    @property
    def _trusts_plain(self) -> bool:
        return self._plain_error < PREFERRED * self._sky_error


def _nearer(quantile: float, value: float, most: float) -> float:
    """The learned quantile after one more value."""
    return min(most, max(0.0, quantile + PACE * (HIGH if value > quantile else HIGH - 1.0)))
