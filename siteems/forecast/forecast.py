"""A forecast, and the forecaster that learns from each sample and makes one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import numpy.typing as npt

from siteems.estimation.image import MAINS_PRESENT_V
from siteems.forecast.day_profile import DayProfile
from siteems.forecast.pv import SunForecaster
from siteems.forecast.quantile import BackupResiduals, UpperQuantile, quarters_h
from siteems.site.model import Site

Array = npt.NDArray[np.float64]

RESTING_KW = 0.05
"""Rectifiers that give less carry nothing beside the sun."""
LEARN_FROM = timedelta(days=14)
"""How much of a record is learned from at a start."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """Mean powers over the steps that begin at `starts`, kW; known at `issued`."""

    issued: datetime
    starts: tuple[datetime, ...]
    dc_load_kw: Array
    dc_load_p95_kw: Array
    """Of means over the backup hours, not of single quarter hours."""
    ac_load_kw: Array
    pv_kw: Array
    pv_high_kw: Array
    """What the sun may well give: the 95 % quantile."""


class Forecasts(Protocol):
    """Whoever foresees what the site will draw and what the sun will give."""

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """Take one sample of measured values."""
        ...

    def forecast(
        self, now: datetime, starts: Sequence[datetime], step_h: npt.ArrayLike
    ) -> Forecast:
        """Forecast steps that follow one another."""
        ...

    def peak_load_kw(self, now: datetime, hours: float) -> float:
        """The mean telecom load over the coming hours that the backup reserve must bear."""
        ...


class Forecaster:
    """Learns a day profile of the loads and the cloudiness; knows nothing but what it was shown."""

    def __init__(self, site: Site) -> None:
        self._site = site
        zone = site.site.zone
        self._dc = DayProfile(site.load.typical_dc_kw, zone)
        self._ac = DayProfile(site.load.typical_ac_kw, zone)
        self._upper = UpperQuantile(0.95, 1.0 + site.backup.load_margin, zone)
        self._residuals = BackupResiduals(self._upper, site.backup.hours, self._dc.expect)
        self._sun = SunForecaster(site.site, site.pv) if site.pv else None

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """Take one sample of measured values (names of the image); unknown ones teach nothing."""
        for name, profile in (("dc_load_kw", self._dc), ("ac_load_kw", self._ac)):
            value = _known(values, name)
            if value is not None and not (profile is self._ac and _mains_out(values)):
                profile.learn(time, max(0.0, value))
                if profile is self._dc:
                    self._residuals.learn(time, value)
        pv_kw, rectifier_kw = _known(values, "pv_kw"), _known(values, "rectifier_dc_kw")
        if self._sun is not None and pv_kw is not None:
            # When the bus draws nothing else, photovoltaics may be throttled.
            self._sun.learn(
                time, pv_kw, throttled=rectifier_kw is None or rectifier_kw < RESTING_KW
            )

    def replay(self, samples: Iterable[tuple[datetime, Mapping[str, float | None]]]) -> None:
        """Learn from recorded samples, oldest first."""
        for time, values in samples:
            self.learn(time, values)

    def forecast(
        self, now: datetime, starts: Sequence[datetime], step_h: npt.ArrayLike
    ) -> Forecast:
        """Forecast the steps that begin at `starts`, last `step_h` hours and follow one another."""
        hours = np.asarray(step_h, dtype=np.float64)
        middles_h = (starts[0] - now) / timedelta(hours=1) + np.cumsum(hours) - hours / 2
        dc_load_kw = self._dc.expect(now, middles_h)
        dark = np.zeros(len(hours))
        pv_kw, pv_high_kw = (dark, dark) if self._sun is None else self._sun.foresee(now, middles_h)
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
        """The mean telecom load over the coming `hours` that the backup reserve must bear: its 95 %
        quantile.

        A step in the load counts within minutes, also where the forecast of the plan still waits
        whether it lasts.
        """
        middles_h = quarters_h(hours)
        load_kw = self._dc.expect_at_least(now, middles_h) * self._upper.ratios(now, middles_h)
        return float(load_kw.sum()) / len(load_kw)


def _known(values: Mapping[str, float | None], name: str) -> float | None:
    value = values.get(name)
    return None if value is None or math.isnan(value) else value


def _mains_out(values: Mapping[str, float | None]) -> bool:
    volts = _known(values, "mains_v")
    return volts is not None and volts < MAINS_PRESENT_V
