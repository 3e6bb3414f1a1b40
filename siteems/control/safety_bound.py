"""Highest bound: what the battery allows by its ratings, state of charge and temperature."""

from __future__ import annotations

from siteems.control import reasons
from siteems.control.bounds import Bound
from siteems.estimation.process_image import Image
from siteems.site.model import Site


def safety_bound(image: Image, soc: float, site: Site) -> Bound:
    battery = site.battery
    low, high, reason = -battery.max_discharge_kw, battery.max_charge_kw, reasons.DEVICE_LIMIT()
    if soc <= battery.min_soc:
        low, reason = 0.0, reasons.SOC_AT_MINIMUM(soc=soc)
    temp_c = image.value("battery_c")
    if temp_c is None:
        # Charging frozen lithium destroys it, and without a sensor a cold room cannot be excluded.
        if site.backup.coldest_c < battery.min_charge_temp_c:
            high, reason = 0.0, reasons.TEMPERATURE_UNKNOWN()
    elif temp_c < battery.min_charge_temp_c:
        high, reason = 0.0, reasons.TOO_COLD(battery_c=temp_c)
    elif temp_c > battery.max_temp_c:
        low, high, reason = 0.0, 0.0, reasons.TOO_HOT(battery_c=temp_c)
    return Bound("safety", low, high, reason)
