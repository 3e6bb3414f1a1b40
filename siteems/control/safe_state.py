"""The safe state: setpoints and stored fallback values of devices that are not driven."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from drivers.points import FORCED_OFF
from optimisation.problem.site_problem import RectifierCurve
from siteems.site.model import Site

BARRED: Final = (
    "charge_limit_a",
    "battery_setpoint_kw",
    "charge_limit_kw",
    "safe_charge_limit_a",
    "safe_battery_setpoint_kw",
)
"""Points that are 0 at most where the safe values must not charge the battery."""


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
    are whole amperes, rounded down. `without_charging` makes those for frost of them. A float
    voltage and a grid setpoint charge the battery also in frost; there the battery's own management
    must protect it.
    """
    float_v = site.rectifier.float_v
    beside_kw = curve.dc_kw(
        site.grid.import_limit_kw - site.control.import_margin_kw - worst_ac_load_kw(site)
    )
    rectifier_kw = min(site.rectifier.rated_kw, max(beside_kw, *site.load.typical_dc_kw))
    rectifier_a = math.floor(rectifier_kw * 1000.0 / float_v)
    charge_a = math.floor(site.battery.max_charge_kw * 1000.0 / float_v)
    values = {
        "rectifier_limit_a": rectifier_a,
        "charge_limit_a": charge_a,
        "float_v": float_v,
        "battery_setpoint_kw": site.battery.max_charge_kw,
        "charge_limit_kw": site.battery.max_charge_kw,
        "discharge_limit_kw": site.battery.max_discharge_kw,
        "forced_kw": 0.0,
        "forced_mode": FORCED_OFF,
        "grid_setpoint_kw": most_import_kw(site),
        "safe_rectifier_limit_a": rectifier_a,
        "safe_charge_limit_a": charge_a,
        "safe_battery_setpoint_kw": site.battery.max_charge_kw,
        "safe_grid_setpoint_kw": math.floor(10.0 * most_import_kw(site)) / 10.0,
    }
    if site.pv is not None:
        values["pv_limit_kw"] = site.pv.rated_kwp
    return values


def without_charging(values: Mapping[str, float]) -> dict[str, float]:
    """The same values, for a battery that must not be charged (`charging_permit.py`)."""
    return {name: min(value, 0.0) if name in BARRED else value for name, value in values.items()}
