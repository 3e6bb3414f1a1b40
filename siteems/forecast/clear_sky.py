"""What photovoltaics would give under a clear sky, by pvlib's simplified Solis model on the plane of the modules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from siteems.site import Identity, Pv

Array = npt.NDArray[np.float64]

STEP = timedelta(minutes=15)
PER_DAY = 96


class ClearSky:
    """Clear-sky power of one plant. A day at a time is computed and kept; between quarter hours it is interpolated."""

    def __init__(self, where: Identity, pv: Pv) -> None:
        self._where, self._pv = where, pv
        self._days: dict[int, Array] = {}
        self._curves: dict[tuple[datetime, int], Array] = {}

    def power_kw(self, time: datetime) -> float:
        """Power at a time."""
        return float(self.powers_kw(time, np.zeros(1))[0])

    def powers_kw(self, now: datetime, ahead_h: Array) -> Array:
        """Power at times that lie `ahead_h` hours after `now`, none of them before it."""
        utc = now.astimezone(UTC)
        midnight = utc.replace(hour=0, minute=0, second=0, microsecond=0)
        position = ((utc - midnight) / timedelta(hours=1) + ahead_h) * (timedelta(hours=1) / STEP)
        curve = self._curve(midnight, int(position.max()) // PER_DAY + 1)
        return np.asarray(np.interp(position, np.arange(len(curve)), curve))

    def _curve(self, midnight: datetime, days: int) -> Array:
        """The quarter hours of some UTC days in a row; those asked for last are kept."""
        curve = self._curves.get((midnight, days))
        if curve is None:
            if len(self._curves) > 10:
                self._curves.clear()
            curve = np.concatenate([self._day(midnight + timedelta(days=day))[:-1] for day in range(days)])
            self._curves[midnight, days] = curve
        return curve

    def _day(self, midnight: datetime) -> Array:
        """The quarter hours of a UTC day, both midnights included."""
        day = midnight.toordinal()
        if day not in self._days:
            if len(self._days) > 10:
                del self._days[next(iter(self._days))]
            self._days[day] = self._compute(midnight)
        return self._days[day]

    @cached_property
    def _location(self) -> Any:
        from pvlib.location import Location  # pulls in scipy: only a site with photovoltaics pays

        return Location(self._where.latitude_deg, self._where.longitude_deg, altitude=self._where.altitude_m)

    def _compute(self, midnight: datetime) -> Array:
        import pandas as pd
        from pvlib.irradiance import get_total_irradiance

        times = pd.date_range(midnight, midnight + timedelta(days=1), freq=STEP)
        sun = self._location.get_solarposition(times)
        sky = self._location.get_clearsky(times, model="simplified_solis", solar_position=sun)
        plane = get_total_irradiance(
            self._pv.tilt_deg,
            self._pv.azimuth_deg,
            sun["apparent_zenith"],
            sun["azimuth"],
            sky["dni"],
            sky["ghi"],
            sky["dhi"],
        )
        irradiance_kw_m2 = np.nan_to_num(plane["poa_global"].to_numpy(dtype=np.float64)) / 1000.0
        return np.asarray(np.clip(irradiance_kw_m2, 0.0, None) * self._pv.rated_kwp * self._pv.performance_ratio)
