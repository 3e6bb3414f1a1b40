"""The state of the site that planning starts from, and its estimator.

Some of it is measured now (state of charge, battery temperature). The rest only a history of
samples gives: the last full charge, the wear segments, the peak of the billing month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from siteems.estimation.month_peak import MonthPeak
from siteems.estimation.process_image import Image
from siteems.estimation.wear_segments import WearSegments
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

FULL_SOC = 0.985
"""From here the battery counts as fully charged. The last percent of a lead battery takes hours at
a trickle, so a higher level would often be missed; a lower one would skip part of the absorption
phase that the full charge is for.
"""


@dataclass(frozen=True)
class SiteState:
    """The state of one site at `time`."""

    time: datetime
    soc: float
    battery_c: float | None = None
    """None = unknown."""
    last_full: datetime | None = None
    """When the battery was last fully charged; None = never seen."""
    segment_kwh: tuple[float, ...] = ()
    """Stored energy by wear segment, kWh, shallowest first; empty = as after one discharge from
    full.
    """
    month_peak_kw: float | None = None
    """Highest billed import of this month so far; None where the tariff has no demand charge."""


class StateEstimator:
    """Learns the state of a site from its samples.

    Running live and restarting feed it the same rows through the same method: live each sample as
    it is recorded, after a restart the recorded samples again. What lies before those samples is
    handed to `recall`.
    """

    def __init__(self, site: Site, schedule: TariffSchedule) -> None:
        self._last_full: datetime | None = None
        self._segments = WearSegments(site.battery)
        has_demand_charge = any(version.demand for version in site.tariffs)
        self._peak = MonthPeak(schedule, site.grid) if has_demand_charge else None

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """Take one sample: values by the names of the process image; None or absent = unknown."""
        soc = values.get("soc")
        self._segments.learn(soc)
        if soc is not None and soc >= FULL_SOC:
            self._last_full = time
        if self._peak is not None:
            self._peak.learn(time, values.get("grid_kw"))

    def recall(
        self, *, last_full: datetime | None, month_peak: tuple[datetime, float] | None
    ) -> None:
        """Take over what is known from before the first sample.

        `month_peak` is a time and the peak in kW that had been measured by then.
        """
        if last_full is not None and (self._last_full is None or last_full > self._last_full):
            self._last_full = last_full
        if self._peak is not None and month_peak is not None:
            self._peak.recall(*month_peak)

    def state(self, image: Image, now: datetime) -> SiteState | None:
        """The state to plan from at `now`; None without a fresh state of charge in the image."""
        soc = image.value("soc")
        if soc is None:
            return None
        return SiteState(
            time=now,
            soc=soc,
            battery_c=image.value("battery_c"),
            last_full=self._last_full,
            segment_kwh=self._segments.at(soc),
            month_peak_kw=None if self._peak is None else self._peak.peak_kw(now),
        )
