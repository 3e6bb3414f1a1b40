"""From a decision to the setpoints of the site: value by point, whichever device takes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from drivers.roles import BatteryCommand
from siteems.control.battery_commands import (
    BusState,
    CommandLimits,
    VoltageLimits,
    forced_power,
    grid_setpoint,
    power_limits,
    power_setpoint,
    rectifier_current,
    rectifier_voltage,
)
from siteems.control.cycle import LOW_BUS_V
from siteems.control.decision import Drive
from siteems.control.safe_state import most_import_kw
from siteems.site.model import Battery, Rectifier, Site

ABOVE_LOW_BUS_V: Final = 1.0
"""How far above `LOW_BUS_V` the rectifiers stand by while the battery discharges, so that they
carry the load before the site has to be released.
"""
VOLTS_PER_C: Final = 2.0
"""Battery voltage over the C-rate, for the step of the rectifier voltage. A healthy string shows
0.4 V at a tenth of C, which is 4 V. Half of that makes the loop settle in a few cycles without
oscillating, also for a string with half that resistance.
"""
VOLTS_PER_S: Final = 0.05
"""Fastest change of the rectifier voltage: from float to the low bus in about two minutes. Faster,
it would overshoot while the measurement lags.
"""
CABLES_V: Final = 1.0
"""Largest voltage drop in cables. A bus that is further below the rectifiers' setpoint is not held
by it; something else, such as a current limit, keeps it down.
"""


def setpoints(
    decision: Drive,
    site: Site,
    command: BatteryCommand,
    held: Mapping[str, float],
    elapsed_s: float,
) -> dict[str, float]:
    """Value by point for a decision to drive, with this battery command.

    `held` are the setpoints that were sent last (empty after a release), `elapsed_s` is the time
    since then. Only the rectifier voltage depends on them.
    """
    battery, rectifier = site.battery, site.rectifier
    limits = CommandLimits(
        rectifier_max_a=math.floor(rectifier.rated_kw * 1000.0 / rectifier.float_v),
        charge_max_a=math.floor(battery.max_charge_kw * 1000.0 / rectifier.float_v),
        charge_max_kw=battery.max_charge_kw,
        discharge_max_kw=battery.max_discharge_kw,
    )
    bus = BusState(bus_v=decision.bus_v, dc_load_kw=decision.dc_load_kw, pv_kw=decision.pv_kw)
    if command == "rectifier_current" and decision.balance_kw is not None:
        # The rectifiers give only what the battery cannot.
        least_kw = max(0.0, bus.dc_load_kw - bus.pv_kw - limits.discharge_max_kw)
        cap_kw = min(decision.rectifier_cap_kw, least_kw)
        return rectifier_current(decision.balance_kw, cap_kw, bus, limits)
    if command == "rectifier_current":
        return rectifier_current(decision.battery_kw, decision.rectifier_cap_kw, bus, limits)
    # The battery has setpoints of its own. The rectifier limit is only a ceiling.
    cap_kw = decision.rectifier_cap_kw
    if command == "rectifier_voltage":
        # The voltage moves slowly. Only this limit bounds at once what a battery on the bus takes,
        # when it is empty or recharged at float voltage.
        cap_kw = min(cap_kw, bus.dc_load_kw - bus.pv_kw + limits.charge_max_kw)
    ceiling = rectifier_current(limits.charge_max_kw, cap_kw, bus, limits)["rectifier_limit_a"]
    return {"rectifier_limit_a": ceiling} | _battery(
        decision, site, command, held, elapsed_s, limits
    )


def _battery(
    decision: Drive,
    site: Site,
    command: BatteryCommand,
    held: Mapping[str, float],
    elapsed_s: float,
    limits: CommandLimits,
) -> dict[str, float]:
    if command == "power_setpoint":
        return power_setpoint(decision.battery_kw, limits)
    if command == "forced_power":
        return forced_power(decision.battery_kw, limits)
    if command == "power_limits":
        return power_limits(decision.battery_kw, limits)
    if command == "grid_setpoint":
        most_kw = most_import_kw(site, decision.import_cap_kw)
        if decision.measured_kw is None or decision.grid_kw is None:
            return {"grid_setpoint_kw": most_kw}  # unmeasured, it recharges under the import cap
        return grid_setpoint(
            decision.battery_kw, decision.measured_kw, decision.grid_kw, most_kw, limits
        )
    if decision.measured_kw is None:
        return {"float_v": site.rectifier.float_v}  # unmeasured, it floats
    # From near the measured bus: when a current limit has held the bus down, the voltage must not
    # jump up as soon as that limit is lifted.
    previous_v = min(held.get("float_v", decision.bus_v), decision.bus_v + CABLES_V)
    volts = voltage_limits(site.rectifier, site.battery, elapsed_s)
    return rectifier_voltage(previous_v, decision.battery_kw, decision.measured_kw, volts)


def voltage_limits(rectifier: Rectifier, battery: Battery, elapsed_s: float) -> VoltageLimits:
    """Between just above the low bus and float, and no faster than `VOLTS_PER_S`."""
    low_v = min(LOW_BUS_V + ABOVE_LOW_BUS_V, rectifier.float_v)
    return VoltageLimits(
        low_v, rectifier.float_v, VOLTS_PER_C / battery.rated_kwh, VOLTS_PER_S * elapsed_s
    )
