"""From a decision to what the site's devices can be told: value by point, the same for every shell."""

from __future__ import annotations

import math

from drivers.levers import BusState, LeverLimits, power_setpoint, rectifier_levers
from drivers.roles import BatteryCommand
from siteems.control.cycle import Decision
from siteems.site import Site


def setpoints(decision: Decision, site: Site, command: BatteryCommand) -> dict[str, float]:
    """The setpoints of a `drive` decision, for a site whose battery is commanded by levers or by a power setpoint."""
    battery, rectifier = site.battery, site.rectifier
    limits = LeverLimits(
        rectifier_max_a=math.floor(rectifier.rated_kw * 1000.0 / rectifier.float_v),
        charge_max_a=math.floor(battery.max_charge_kw * 1000.0 / rectifier.float_v),
        charge_max_kw=battery.max_charge_kw,
        discharge_max_kw=battery.max_discharge_kw,
    )
    bus = BusState(bus_v=decision.bus_v, dc_load_kw=decision.dc_load_kw, pv_kw=decision.pv_kw)
    if command == "rectifier_levers":
        return rectifier_levers(decision.battery_kw, decision.rectifier_cap_kw, bus, limits)
    # The pack follows its setpoint; the rectifiers' limit is only the ceiling that an import cap needs.
    ceiling = rectifier_levers(limits.charge_max_kw, decision.rectifier_cap_kw, bus, limits)
    return power_setpoint(decision.battery_kw, limits) | {"rectifier_limit_a": ceiling["rectifier_limit_a"]}
