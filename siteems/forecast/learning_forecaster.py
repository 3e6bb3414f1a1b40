"""The forecaster of a site: it starts from the typical day of the site file and learns from each
sample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from siteems.estimation.process_image import MAINS_PRESENT_V, RESTING_KW
from siteems.forecast.clear_sky_curve import Compute, compute
from siteems.forecast.day_profile import DayProfile
from siteems.forecast.forecast import Forecast
from siteems.forecast.load_quantile import BackupResiduals, UpperQuantile, quarters_h
from siteems.forecast.pv_forecaster import PvForecaster
from siteems.site.model import Site

LEARNING_WINDOW = timedelta(days=14)
"""How much of the record is learned again at a start. Two weeks hold four weekend days and ten
weekdays, which is about the memory of the day profile (`SMOOTHING`); more only delays the start.
"""
RESERVE_QUANTILE = 0.95
"""Quantile of the load that the backup reserve is sized for."""
ROOM_SOC = 0.9
"""Below this state of charge a battery that is charged from PV takes all of it: above, charge
acceptance falls.
"""
LEARNING_STEP = timedelta(minutes=15)
"""The profiles of the day have quarter hours, and each has to be seen to be learned."""


def learning_times(start: datetime, step: timedelta) -> tuple[datetime, ...]:
    """When the value of a recorded step is learned: at the start of each of its equal parts, which
    are as long as a quarter hour at most.
    """
    parts = math.ceil(step / LEARNING_STEP)
    return tuple(start + part * step / parts for part in range(parts))


class LearningForecaster:
    """Learns a day profile of each load, the error of the load forecast, and the cloudiness.

    It uses nothing but the samples that it was shown, so a forecast never looks ahead.
    """

    def __init__(self, site: Site, clear_sky: Compute = compute) -> None:
        """`clear_sky` computes the power of PV under a clear sky."""
        zone = site.site.zone
        self._dc = DayProfile(site.load.typical_dc_kw, zone)
        self._ac = DayProfile(site.load.typical_ac_kw, zone)
        self._upper = UpperQuantile(RESERVE_QUANTILE, 1.0 + site.backup.load_margin, zone)
        self._residuals = BackupResiduals(self._upper, site.backup.hours, self._dc.expect)
        self._pv = PvForecaster(site.site, site.pv, clear_sky) if site.pv else None

    def prepare(self, now: datetime) -> None:
        """Do what takes a second, and would be due in the next two weeks, now; in any thread."""
        if self._pv is not None:
            self._pv.sky.prepare(now)

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """Take one sample: values by the names of the process image. From an unknown value (None,
        NaN or absent) nothing is learned.
        """
        dc_load_kw, ac_load_kw = _known(values, "dc_load_kw"), _known(values, "ac_load_kw")
        if dc_load_kw is not None:
            self._dc.learn(time, max(0.0, dc_load_kw))
            self._residuals.learn(time, dc_load_kw)
        if ac_load_kw is not None and not _mains_failed(values):
            self._ac.learn(time, max(0.0, ac_load_kw))
        pv_kw, rectifier_kw = _known(values, "pv_kw"), _known(values, "rectifier_dc_kw")
        if self._pv is not None and pv_kw is not None:
            self._pv.learn(time, pv_kw, throttled=_throttled(rectifier_kw, values))

    def forecast(
        self, now: datetime, starts: Sequence[datetime], step_h: npt.ArrayLike
    ) -> Forecast:
        """Forecast consecutive steps that begin at `starts` and last `step_h` hours each."""
        hours = np.asarray(step_h, dtype=np.float64)
        middles_h = (starts[0] - now) / timedelta(hours=1) + np.cumsum(hours) - hours / 2
        dc_load_kw = self._dc.expect(now, middles_h)
        pv_kw = pv_high_kw = np.zeros(len(hours))
        if self._pv is not None:
            pv_kw, pv_high_kw = self._pv.forecast(now, middles_h)
        return Forecast(
            issued=now,
            starts=tuple(starts),
            dc_load_kw=dc_load_kw,
            dc_load_p95_kw=dc_load_kw * self._upper.ratios(now, middles_h),
            ac_load_kw=self._ac.expect(now, middles_h),
            pv_kw=pv_kw,
            pv_high_kw=pv_high_kw,
        )

    def peak_load_kw(self, now: datetime, hours: float) -> float:
        """The mean telecom load over the coming `hours` that the backup reserve must carry: its
        95 % quantile.

        Other than in `forecast`, a step in the load counts fully within minutes, before it is known
        whether it lasts: a late reserve would cost backup, an early one only money.
        """
        middles_h = quarters_h(hours)
        load_kw = self._dc.expect_at_least(now, middles_h) * self._upper.ratios(now, middles_h)
        return float(load_kw.sum()) / len(load_kw)


def _known(values: Mapping[str, float | None], name: str) -> float | None:
    value = values.get(name)
    return None if value is None or math.isnan(value) else value


def _throttled(rectifier_kw: float | None, values: Mapping[str, float | None]) -> bool:
    """Whether PV may be throttled to what the bus takes: the rectifiers are at rest, and the
    battery neither discharges nor takes PV with room for more.
    """
    if rectifier_kw is not None and rectifier_kw >= RESTING_KW:
        return False
    battery_kw, soc = _known(values, "battery_kw"), _known(values, "soc")
    if battery_kw is None or soc is None:
        return True
    return battery_kw > -RESTING_KW and not (battery_kw > RESTING_KW and soc < ROOM_SOC)


def _mains_failed(values: Mapping[str, float | None]) -> bool:
    volts = _known(values, "mains_v")
    return volts is not None and volts < MAINS_PRESENT_V
