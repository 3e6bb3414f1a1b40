"""The state of the site that planning starts from, and its estimator.

Some of it is measured now (state of charge, battery temperature). The rest only a history of
samples gives: the last full charge, the wear segments, the peak of the billing month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from siteems.estimation.battery_health import BatteryHealth, Health
from siteems.estimation.import_counter import CounterEvent, ImportCounter
from siteems.estimation.month_peak import MonthPeak
from siteems.estimation.process_image import Image
from siteems.estimation.wear_segments import WearSegments
from siteems.site.model import Battery, Site
from siteems.tariff.schedule import TariffSchedule

FULL_SOC = 0.985
"""From here the battery counts as fully charged. The last percent of a lead battery takes hours at
a trickle, so a higher level would often be missed; a lower one would skip part of the absorption
phase that the full charge is for.
"""

HEALTH_STEP = 0.005
"""Change of the state of health from which the battery is taken as another one: half a percent of
capacity, less than any gauge shows.
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
    known_since: datetime | None = None
    """When the first sample was taken; None = not yet."""
    segment_kwh: tuple[float, ...] = ()
    """Stored energy by wear segment, kWh, shallowest first; empty = as after one discharge from
    full.
    """
    month_peak_kw: float | None = None
    """Highest billed import of this month so far; None where the tariff has no demand charge."""
    learned_health: float | None = None
    """State of health that the discharges have shown; None while they agree with the site file."""


class StateEstimator:
    """Learns the state of a site from its samples.

    Running live and restarting feed it the same rows through the same method: live each sample as
    it is recorded, after a restart the recorded samples again. What lies before those samples is
    handed to `recall`.
    """

    def __init__(self, site: Site, schedule: TariffSchedule) -> None:
        self._last_full: datetime | None = None
        self._since: datetime | None = None
        self._segments = WearSegments(site.battery)
        self._health = BatteryHealth(site.battery)
        self.battery: Battery = site.battery
        """The battery as it is known now: that of the site file with the state of health that
        counts.
        """
        self._counter = ImportCounter(site.grid.import_limit_kw)
        self._metered: datetime | None = None
        """When the import was last known."""
        has_demand_charge = any(version.demand for version in site.tariffs)
        self._peak = MonthPeak(schedule, site.grid) if has_demand_charge else None

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> CounterEvent | None:
        """Take one sample: values by the names of the process image; None or absent = unknown.

        Returned is what has happened to the grid meter's counter.
        """
        if self._since is None:
            self._since = time
        soc = values.get("soc")
        self._health.learn(time, values)
        self._use_health()
        self._segments.learn(soc)
        if soc is not None and soc >= FULL_SOC:
            self._last_full = time
        event = self._counter.learn(time, values.get("energy_import_kwh"), values.get("grid_kw"))
        if self._peak is not None:
            energy_kwh = None if self._counter.fails else values.get("energy_import_kwh")
            self._peak.learn(time, self._import_kw(time, values.get("grid_kw")), energy_kwh)
        return event

    def _import_kw(self, time: datetime, grid_kw: float | None) -> float | None:
        """The measured import; where it is unknown, the mean by the counter since it was known."""
        if grid_kw is None and self._metered is not None:
            grid_kw = self._counter.mean_kw(self._metered)
        if grid_kw is not None:
            self._metered = time
        return grid_kw

    @property
    def health(self) -> Health:
        """The state of health that counts."""
        return self._health.counted

    def _use_health(self) -> None:
        share = self._health.counted.share
        if abs(share - self.battery.state_of_health) >= HEALTH_STEP:
            self.battery = replace(self.battery, state_of_health=share)
            self._segments.resize(self.battery.capacity_kwh)

    def recall(
        self,
        *,
        last_full: datetime | None,
        month_peak: tuple[datetime, float] | None,
        learned_health: float | None = None,
    ) -> None:
        """Take over what is known from before the first sample.

        `month_peak` is a time and the peak in kW that had been measured by then; `learned_health`
        is what the discharges had shown.
        """
        self._health.recall(learned_health)
        self._use_health()
        if last_full is not None and (self._last_full is None or last_full > self._last_full):
            self._last_full = last_full
        if self._peak is not None and month_peak is not None:
            self._peak.recall(*month_peak)

    def month_peak_kw(self, now: datetime) -> float | None:
        """Highest billed import of this month so far; None where there is no demand charge."""
        return None if self._peak is None else self._peak.peak_kw(now)

    def segment_kwh(self, soc: float) -> tuple[float, ...]:
        """Stored energy by wear segment at a state of charge, kWh, shallowest first."""
        return self._segments.at(soc)

    def state(self, image: Image, now: datetime) -> SiteState | None:
        """The state to plan from at `now`; None without a fresh state of charge in the image."""
        soc = image.value("soc")
        if soc is None:
            return None
        return SiteState(
            time=now,
            soc=soc,
            battery_c=image.value("battery_c"),
            # One of a time to come was seen while the clock was wrong, so it may be any time ago.
            last_full=None if self._last_full is None or self._last_full > now else self._last_full,
            known_since=self._since,
            segment_kwh=self._segments.at(soc),
            month_peak_kw=self.month_peak_kw(now),
            learned_health=self._health.learned,
        )
