"""From a decision to what the site's devices can be told: value by point, the same for every shell."""

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
"""How far above the voltage at which the site is released the rectifiers stand by, so that they
take over before.
"""
VOLTS_PER_C: Final = 2.0
"""Battery voltage over the C-rate: half of what a healthy string shows (0.4 V at a tenth of C), so
that it settles.
"""
VOLTS_PER_S: Final = 0.05
"""How fast the rectifiers' voltage is moved at most."""
CABLES_V: Final = 1.0
"""What cables lose at most: a bus further below the rectifiers' voltage is not held by them, but
limited elsewhere.
"""


def setpoints(
    decision: Drive,
    site: Site,
    command: BatteryCommand,
    held: Mapping[str, float],
    elapsed_s: float,
) -> dict[str, float]:
    """The setpoints of a decision to drive, for a site whose battery is commanded in this way.

    `held` are the setpoints that were sent last, none after a release, and `elapsed_s` is how long
    ago that was.
    """
    battery, rectifier = site.battery, site.rectifier
    limits = CommandLimits(
        rectifier_max_a=math.floor(rectifier.rated_kw * 1000.0 / rectifier.float_v),
        charge_max_a=math.floor(battery.max_charge_kw * 1000.0 / rectifier.float_v),
        charge_max_kw=battery.max_charge_kw,
        discharge_max_kw=battery.max_discharge_kw,
    )
    bus = BusState(bus_v=decision.bus_v, dc_load_kw=decision.dc_load_kw, pv_kw=decision.pv_kw)
    if command == "rectifier_current":
        return rectifier_current(decision.battery_kw, decision.rectifier_cap_kw, bus, limits)
    # The battery follows what it is told; the rectifiers' limit is only a ceiling.
    cap_kw = decision.rectifier_cap_kw
    if command == "rectifier_voltage":
        # What a battery on the bus takes, only the rectifiers' limit bounds at once: it may be low,
        # or blindly charged.
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
            return {"grid_setpoint_kw": most_kw}  # blind, it recharges, under a call's cap
        return grid_setpoint(
            decision.battery_kw, decision.measured_kw, decision.grid_kw, most_kw, limits
        )
    if decision.measured_kw is None:
        return {"float_v": site.rectifier.float_v}  # blind, it floats
    # From where the bus really is: what a current limit kept down must not jump up when the limit
    # goes.
    previous_v = min(held.get("float_v", decision.bus_v), decision.bus_v + CABLES_V)
    volts = voltage_limits(site.rectifier, site.battery, elapsed_s)
    return rectifier_voltage(previous_v, decision.battery_kw, decision.measured_kw, volts)


def voltage_limits(rectifier: Rectifier, battery: Battery, elapsed_s: float) -> VoltageLimits:
    """How the rectifiers' voltage may be moved: between the low bus and float, slowly."""
    low_v = min(LOW_BUS_V + ABOVE_LOW_BUS_V, rectifier.float_v)
    return VoltageLimits(
        low_v, rectifier.float_v, VOLTS_PER_C / battery.rated_kwh, VOLTS_PER_S * elapsed_s
    )
