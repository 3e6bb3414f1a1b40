"""PV power under a clear sky, at any time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from siteems.forecast.clear_sky_curve import STEP, Compute, compute, plant_of
from siteems.site.model import Identity, Pv

Array = npt.NDArray[np.float64]

PER_DAY: Final = 96
DAYS_BEFORE: Final = 1
"""So that a clock that is set back a little finds its past."""
DAYS_AT_ONCE: Final = 92
"""Days computed at once: pvlib takes nearly as long for one day as for months, and three months of
quarter hours take 70 kB.
"""
AHEAD: Final = timedelta(days=14)
"""How far a curve must reach, for a daemon that prepares the next one in time."""


class Curve(NamedTuple):
    """Powers in kW at quarter hours from a UTC midnight on."""

    first: datetime
    numbers: Array
    """0, 1, 2 and so on."""
    powers_kw: Array

    def steps(self, time: datetime) -> float:
        """How many quarter hours after the first a time is."""
        return (time - self.first) / STEP

    def covers(self, begin: float, end: float) -> bool:
        """Whether it has these steps."""
        return begin >= 0 and end <= len(self.powers_kw) - 1


class ClearSky:
    """Clear-sky power of one plant, linear between quarter hours.

    Irradiance on the module plane × rated power × performance ratio, without temperature effects.
    """

    def __init__(self, where: Identity, pv: Pv, compute: Compute = compute) -> None:
        self._plant, self._compute = plant_of(where, pv), compute
        self._curve = Curve(datetime.min.replace(tzinfo=UTC), np.zeros(0), np.zeros(0))

    def power_kw(self, time: datetime) -> float:
        """Power at a time, kW."""
        return float(self.powers_kw(time, np.zeros(1))[0])

    def powers_kw(self, now: datetime, ahead_h: Array) -> Array:
        """Power in kW at times `ahead_h` hours after `now`; they must rise and not be negative."""
        ahead = ahead_h * (timedelta(hours=1) / STEP)
        curve = self._curve
        begin = curve.steps(now)
        if not curve.covers(begin, begin + ahead[-1]):
            curve = self._curve = self._from(now, days=int(ahead[-1]) // PER_DAY + 2)
            begin = curve.steps(now)
        return np.asarray(np.interp(begin + ahead, curve.numbers, curve.powers_kw))

    def prepare(self, now: datetime) -> None:
        """Compute the next curve in good time. Another thread may use this one meanwhile."""
        begin = self._curve.steps(now)
        if not self._curve.covers(begin, begin + AHEAD / STEP):
            self._curve = self._from(now, days=0)

    def _from(self, now: datetime, days: int) -> Curve:
        """The curve from shortly before the UTC day of `now` on."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight - timedelta(days=DAYS_BEFORE)
        days = max(days, DAYS_AT_ONCE) + DAYS_BEFORE
        powers_kw = self._compute(self._plant, first, days)
        return Curve(first, np.arange(len(powers_kw), dtype=np.float64), powers_kw)
