"""The bound of a DR event that asks for a battery power or for a state of charge."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from siteems.control import reasons
from siteems.control.bounds import Bound
from siteems.demand_response.timeline import BatteryRequest
from siteems.site.model import Battery

HOUR: Final = timedelta(hours=1)
REACHED_SOC: Final = 0.002
"""From so near on, a requested state of charge is kept. Most batteries state whole or tenths of
percents; without this the power would alternate about the last tenth.
"""
SHORTEST_H: Final = 1.0 / 60.0
"""What is missing in the last minute is not asked for in seconds."""


def battery_bound(request: BatteryRequest, soc: float, now: datetime, battery: Battery) -> Bound:
    """The one power that the request allows, + charging.

    A state of charge is approached at the constant power that reaches it at the end of the
    interval, computed anew in every cycle; then it is kept.
    """
    if request.battery_kw is not None:
        kw = request.battery_kw
        return Bound("dr-event", kw, kw, reasons.DR_BATTERY(battery_kw=kw, event=request.event))
    assert request.soc is not None
    kw = _approach_kw(request.soc - soc, (request.end - now) / HOUR, battery)
    reason = reasons.DR_CHARGE_STATE(soc=request.soc, event=request.event)
    return Bound("dr-event", kw, kw, reason)


def _approach_kw(missing_soc: float, left_h: float, battery: Battery) -> float:
    if abs(missing_soc) <= REACHED_SOC:
        return 0.0
    stored_kw = missing_soc * battery.capacity_kwh / max(left_h, SHORTEST_H)
    if stored_kw > 0.0:
        return min(battery.max_charge_kw, stored_kw / battery.charge_efficiency)
    return max(-battery.max_discharge_kw, stored_kw * battery.discharge_efficiency)
