"""PV power under a clear sky: pvlib's simplified Solis model (Ineichen 2008) on the plane of the
modules.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from siteems.site.model import Identity, Pv

Array = npt.NDArray[np.float64]

STEP = timedelta(minutes=15)
PER_DAY = 96
DAYS_AT_ONCE = 32
"""Days computed at once: pvlib takes nearly as long for one day as for a month, and a month of
quarter hours takes 25 kB.
"""


class ClearSky:
    """Clear-sky power of one plant, linear between quarter hours.

    Irradiance on the module plane × rated power × performance ratio, without temperature effects.
    """

    def __init__(self, where: Identity, pv: Pv) -> None:
        self._where, self._pv = where, pv
        self._first = datetime.min.replace(tzinfo=UTC)
        """The UTC midnight with which the computed curve begins."""
        self._curve: Array = np.zeros(0)
        self._steps: Array = np.zeros(0)

    def power_kw(self, time: datetime) -> float:
        """Power at a time, kW."""
        return float(self.powers_kw(time, np.zeros(1))[0])

    def powers_kw(self, now: datetime, ahead_h: Array) -> Array:
        """Power in kW at times `ahead_h` hours after `now`; they must rise and not be negative."""
        begin, ahead = (now - self._first) / STEP, ahead_h * (timedelta(hours=1) / STEP)
        if begin < 0 or begin + ahead[-1] > len(self._curve) - 1:
            self._compute_from(now, days=int(ahead[-1]) // PER_DAY + 2)
            begin = (now - self._first) / STEP
        return np.asarray(np.interp(begin + ahead, self._steps, self._curve))

    def _compute_from(self, now: datetime, days: int) -> None:
        """Compute the curve from the UTC day of `now` on."""
        self._first = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._curve = self._compute(self._first, max(days, DAYS_AT_ONCE))
        self._steps = np.arange(len(self._curve), dtype=np.float64)

    @cached_property
    def _location(self) -> Any:
        from pvlib.location import (
            Location,  # slow to import (scipy), and only sites with PV need it
        )

        return Location(
            self._where.latitude_deg, self._where.longitude_deg, altitude=self._where.altitude_m
        )

    def _compute(self, midnight: datetime, days: int) -> Array:
        """Powers at the quarter hours of so many UTC days, first and last midnight included."""
        import pandas as pd
        from pvlib.irradiance import get_total_irradiance

        times = pd.date_range(midnight, midnight + timedelta(days=days), freq=STEP)
        position = self._location.get_solarposition(times)
        sky = self._location.get_clearsky(times, model="simplified_solis", solar_position=position)
        plane = get_total_irradiance(
            self._pv.tilt_deg,
            self._pv.azimuth_deg,
            position["apparent_zenith"],
            position["azimuth"],
            sky["dni"],
            sky["ghi"],
            sky["dhi"],
        )
        irradiance_kw_m2 = np.nan_to_num(plane["poa_global"].to_numpy(dtype=np.float64)) / 1000.0
        return np.asarray(
            np.clip(irradiance_kw_m2, 0.0, None) * self._pv.rated_kwp * self._pv.performance_ratio
        )
