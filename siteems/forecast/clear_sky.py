"""What photovoltaics would give under a clear sky, by pvlib's simplified Solis model on the plane of the modules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from siteems.site import Identity, Pv

Array = npt.NDArray[np.float64]

STEP = timedelta(minutes=15)


class ClearSky:
    """Clear-sky power of one plant. A day at a time is computed and kept; between quarter hours it is interpolated."""

    def __init__(self, where: Identity, pv: Pv) -> None:
        self._where, self._pv = where, pv
        self._days: dict[int, Array] = {}

    def power_kw(self, time: datetime) -> float:
        """Power at a time."""
        return float(self.powers_kw([time])[0])

    def powers_kw(self, times: Sequence[datetime]) -> Array:
        """Power at several times."""
        return np.array([self._at(t.astimezone(UTC)) for t in times])

    def _at(self, time: datetime) -> float:
        day = time.toordinal()
        if day not in self._days:
            if len(self._days) > 10:
                self._days.clear()
            self._days[day] = self._compute(datetime(time.year, time.month, time.day, tzinfo=UTC))
        position = (time.hour * 3600 + time.minute * 60 + time.second) / STEP.total_seconds()
        return float(np.interp(position, np.arange(len(self._days[day])), self._days[day]))

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
