"""The safe state: setpoints and stored fallback values of devices that are not driven."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from drivers.points import FORCED_OFF
from optimisation.problem.site_problem import RectifierCurve
from siteems.site.model import Battery, Site

TEMPERATURE_RECOVERY_C: Final = 1.0
"""Hysteresis of the battery's temperature limits. Safe values that change are written to every
device, and the noise of a sensor near a limit must not write them again and again. More would
delay the recharge after a cold night.
"""


def worst_ac_load_kw(site: Site) -> float:
    """The largest AC load beside the rectifiers, with the air conditioner at its rating."""
    if site.air_conditioner is None:
        return max(site.load.typical_ac_kw)
    return site.air_conditioner.rated_kw + min(site.load.typical_ac_kw)


def most_import_kw(site: Site, cap_kw: float = math.inf) -> float:
    """The highest grid setpoint: the limit of the connection or an import cap, less the margin."""
    return max(0.0, min(site.grid.import_limit_kw, cap_kw) - site.control.import_margin_kw)


def safe_values(site: Site, curve: RectifierCurve) -> Mapping[str, float]:
    """Safe value by point: the bus is at float voltage, and the battery recharges as fast as the
    grid connection allows.

    The rectifiers may give the connection limit less the worst AC load, so that a full
    recharge after a mains failure trips no breaker, but never less than the load needs. Currents
    are whole amperes, rounded down. A float voltage and a grid setpoint charge the battery also in
    frost; there the battery's own management must protect it.
    """
    float_v = site.rectifier.float_v
    beside_kw = curve.dc_kw(
        site.grid.import_limit_kw - site.control.import_margin_kw - worst_ac_load_kw(site)
    )
    rectifier_kw = min(site.rectifier.rated_kw, max(beside_kw, *site.load.typical_dc_kw))
    rectifier_a = math.floor(rectifier_kw * 1000.0 / float_v)
    charge_a = math.floor(site.battery.max_charge_kw * 1000.0 / float_v)
    # Where frost is to be expected, a battery that is not controlled must not be set to charge.
    uncontrolled_kw = (
        site.battery.max_charge_kw
        if site.backup.coldest_c >= site.battery.min_charge_temp_c
        else 0.0
    )
    values = {
        "rectifier_limit_a": rectifier_a,
        "charge_limit_a": charge_a,
        "float_v": float_v,
        "battery_setpoint_kw": uncontrolled_kw,
        "charge_limit_kw": uncontrolled_kw,
        "discharge_limit_kw": site.battery.max_discharge_kw,
        "forced_kw": 0.0,
        "forced_mode": FORCED_OFF,
        "grid_setpoint_kw": most_import_kw(site),
        "safe_rectifier_limit_a": rectifier_a,
        "safe_charge_limit_a": charge_a,
        "safe_battery_setpoint_kw": uncontrolled_kw,
        "safe_grid_setpoint_kw": math.floor(10.0 * most_import_kw(site)) / 10.0,
    }
    if site.pv is not None:
        values["pv_limit_kw"] = site.pv.rated_kwp
    return values


def charging_allowed(battery: Battery, temp_c: float | None, *, before: bool) -> bool:
    """Whether the safe values may charge a battery at this temperature, degC.

    `before` is the previous answer. It stays while the temperature is unknown, and a battery that
    was too cold or too hot must be `TEMPERATURE_RECOVERY_C` inside its range to be charged again.
    """
    if temp_c is None:
        return before
    margin_c = 0.0 if before else TEMPERATURE_RECOVERY_C
    return battery.min_charge_temp_c + margin_c <= temp_c <= battery.max_temp_c - margin_c


def without_charging(values: Mapping[str, float]) -> dict[str, float]:
    """The same values, for a battery that is too cold or too hot to charge now."""
    barred = {"charge_limit_a": 0.0, "battery_setpoint_kw": 0.0, "charge_limit_kw": 0.0}
    return {name: min(value, barred.get(name, value)) for name, value in values.items()}
